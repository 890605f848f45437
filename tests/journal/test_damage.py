"""Whatever happens to the file, it is noticed, and at the record where it happened."""

from __future__ import annotations

import random
import shutil
import sqlite3
from itertools import accumulate
from pathlib import Path

import pytest

from seawall.errors import JournalError
from seawall.journal import CheckReport, Journal, JournalReader, Recorder, check_journal, recover, replay
from seawall.journal.codec import FORMAT
from seawall.journal.layout import GROUP_COLUMNS, SNAPSHOT_COLUMNS, GroupRow, chain_hash, pack_group
from tests.journal.flips import flip_all
from tests.journal.venue import SmallEngine, commands, small_rulebook

FLIP_STRIDE = 37  # all of them: make flips
Tables = dict[str, list[tuple[object, ...]]]


def content(path: Path) -> Tables:
    """Every value of every table, and its type."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    tables: Tables = {}
    for name, columns in (
        ("groups", GROUP_COLUMNS),
        ("head", "id, seq, hash"),
        ("snapshots", SNAPSHOT_COLUMNS),
    ):
        tables[name] = database.execute(f"SELECT {columns} FROM {name} ORDER BY 1").fetchall()
    database.close()
    return tables


def checked(path: Path) -> CheckReport | JournalError:
    try:
        return check_journal(path)
    except JournalError as error:
        return error


def flipped(data: bytes, index: int) -> bytes:
    return data[:index] + bytes([data[index] ^ (1 << index % 8)]) + data[index + 1 :]


def assert_found(path: Path, seq: int, what: object) -> None:
    found = checked(path)
    if isinstance(found, JournalError):
        assert f"record {seq}:" in str(found), what
    else:
        assert [problem.seq for problem in found.problems][:1] == [seq], (what, found)
        assert f"{path}: record {seq}: " in found.problems[0].text


@pytest.mark.slow
def test_any_flipped_byte_of_any_group_is_found_at_its_record(write) -> None:
    path = write(14, per_commit=4, digest_every=5)
    rows = [GroupRow(*row) for row in content(path)["groups"]]
    assert sum(bool(row.state) for row in rows) >= 2
    database = sqlite3.connect(path, isolation_level=None)
    flips = 0
    for row in rows:
        lengths = memoryview(row.lengths).cast("I").tolist()
        ends = list(accumulate(lengths))
        for column in ("hash", "state", "lengths", "checks", "payload"):
            good = getattr(row, column)
            for index in range(len(good)):
                within = {
                    "lengths": index // 4,
                    "checks": index // 4,
                    "payload": sum(end <= index for end in ends),
                }.get(column, 0)
                database.execute(
                    f"UPDATE groups SET {column} = ? WHERE seq = ?", (flipped(good, index), row.seq)
                )
                assert_found(path, row.seq + within, (column, index))
                flips += 1
            database.execute(f"UPDATE groups SET {column} = ? WHERE seq = ?", (good, row.seq))
    database.close()
    assert flips > 2_000
    assert check_journal(path).ok


def test_any_flipped_byte_of_the_head_or_a_snapshot_is_found(write) -> None:
    path = write(14, digest_every=5)
    tables = content(path)
    database = sqlite3.connect(path, isolation_level=None)
    for table, names, key in (("head", "id, seq, hash", 2), ("snapshots", SNAPSHOT_COLUMNS, None)):
        row = tables[table][0]
        for name, good in zip(names.split(", "), row):
            if not isinstance(good, bytes):
                continue
            for index in range(len(good)):
                database.execute(f"UPDATE {table} SET {name} = ?", (flipped(good, index),))
                assert_found(path, 28 if key else int(str(row[0])), (table, name, index))
            database.execute(f"UPDATE {table} SET {name} = ?", (good,))
    assert check_journal(path, deep=True, engine_factory=SmallEngine).ok
    database.execute("UPDATE snapshots SET data = zeroblob(10)")
    database.close()
    assert recover(path, engine_factory=SmallEngine).state.seq == 28, "a bad snapshot is only a lost shortcut"


@pytest.mark.slow
@pytest.mark.parametrize("closed", [True, False])
def test_a_flipped_byte_of_any_file_is_found_or_is_proved_not_to_be_read(
    quick_folder: Path, monkeypatch, closed: bool
) -> None:
    monkeypatch.setattr("seawall.journal.store.CHECKPOINT_PAGES", 8)
    counts = flip_all(quick_folder, FLIP_STRIDE, closed=closed)
    assert counts["run"]["not read by SQLite"] > 100, "unused space was hit as well"
    if closed:
        assert counts["run"]["found at its record"] > 50 and counts["run"]["found"] > 20
    else:
        assert set(counts["run-wal"]) == {"found"}


def test_flipped_bytes_in_several_groups_are_all_reported(write, edit) -> None:
    path = write(40, per_commit=4)
    rows = [GroupRow(*row) for row in content(path)["groups"]]
    for row in (rows[3], rows[4], rows[7]):
        edit(path, "UPDATE groups SET payload = ? WHERE seq = ?", flipped(row.payload, 1), row.seq)
    edit(path, "UPDATE groups SET hash = ? WHERE seq = ?", flipped(rows[9].hash, 1), rows[9].seq)
    report = check_journal(path)
    assert [problem.seq for problem in report.problems] == [rows[row].seq for row in (3, 4, 7, 9)]
    with pytest.raises(JournalError, match=f"record {rows[3].seq}:"):
        report.raise_if_damaged()


@pytest.mark.parametrize("which", [0, 1, 5, -1])
def test_a_missing_commit_is_found_at_the_first_missing_record(write, edit, which: int) -> None:
    path = write(40, per_commit=4)
    seq = content(path)["groups"][which][0]
    edit(path, "DELETE FROM groups WHERE seq = ?", seq)
    assert_found(path, seq, "missing")
    for use in (replay, recover):
        edit(path, "DELETE FROM snapshots")
        with pytest.raises(JournalError, match=f"record {seq}: .*missing"):
            use(path, engine_factory=SmallEngine)


def repacked(row: GroupRow, payloads: list[bytes], previous: bytes) -> GroupRow:
    """A row whose checksums fit its changed records, by someone who does not know the hash of the chain."""
    return pack_group(row.seq, payloads, previous, row.state)._replace(hash=row.hash)


def payloads_of(row: GroupRow) -> list[bytes]:
    lengths = memoryview(row.lengths).cast("I").tolist()
    return [row.payload[end - length : end] for end, length in zip(accumulate(lengths), lengths)]


def replace_row(path: Path, row: GroupRow) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("INSERT OR REPLACE INTO groups VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    database.close()


@pytest.mark.parametrize("kind", ["removed", "duplicated", "swapped"])
def test_records_removed_duplicated_or_swapped_within_a_commit_are_found(write, kind: str) -> None:
    path = write(40, per_commit=8)
    row = GroupRow(*content(path)["groups"][3])
    payloads = payloads_of(row)
    if kind == "removed":
        del payloads[2]
    elif kind == "duplicated":
        payloads.insert(2, payloads[2])
    else:
        payloads[2:4] = payloads[3], payloads[2]
    replace_row(path, repacked(row, payloads, bytes(32)))
    assert_found(path, row.seq, kind)


def test_swapped_bytes_of_two_records_under_old_checksums_are_found_at_the_first_of_them(write) -> None:
    path = write(40, per_commit=8)
    row = GroupRow(*content(path)["groups"][3])
    payloads = payloads_of(row)
    payloads[2:4] = payloads[3], payloads[2]
    lengths = memoryview(row.lengths).cast("I").tolist()
    lengths[2:4] = lengths[3], lengths[2]
    swapped = b"".join(length.to_bytes(4, "little") for length in lengths)
    replace_row(path, row._replace(payload=b"".join(payloads), lengths=swapped))
    assert_found(path, row.seq + 2, "swapped")


def test_a_commit_rewritten_with_a_right_hash_of_its_own_breaks_the_chain_at_the_next(write) -> None:
    path = write(40, per_commit=4)
    rows = [GroupRow(*row) for row in content(path)["groups"]]
    payloads = [payload.replace(b"owner 2", b"owner 9") for payload in payloads_of(rows[1])]
    forged = pack_group(rows[1].seq, payloads, rows[0].hash, rows[1].state)
    assert forged.payload != rows[1].payload
    replace_row(path, forged)
    assert_found(path, rows[2].seq, "forged")


def test_two_commits_exchanged_are_found_at_the_first(write, edit) -> None:
    path = write(40, per_commit=4)
    rows = [GroupRow(*row) for row in content(path)["groups"]]
    replace_row(path, rows[4]._replace(seq=rows[3].seq))
    replace_row(path, rows[3]._replace(seq=rows[4].seq))
    assert_found(path, rows[3].seq, "exchanged")


def test_a_commit_that_overlaps_the_one_before_is_found(write) -> None:
    path = write(40, per_commit=4)
    rows = [GroupRow(*row) for row in content(path)["groups"]]
    replace_row(path, rows[3]._replace(seq=rows[3].seq + 1))
    assert_found(path, rows[3].seq + 1, "overlap")


def test_a_record_with_a_right_chain_and_a_wrong_number_inside_is_found(write, edit) -> None:
    path = write(10, per_commit=100)
    rows = [GroupRow(*row) for row in content(path)["groups"]]
    payloads = payloads_of(rows[1])
    payloads[1], payloads[3] = payloads[3], payloads[1]
    forged = pack_group(rows[1].seq, payloads, rows[0].hash, rows[1].state)
    replace_row(path, forged)
    edit(path, "UPDATE head SET hash = ?", forged.hash)
    edit(path, "DELETE FROM snapshots")
    assert_found(path, 2, "wrong number")
    assert chain_hash(forged, rows[0].hash) == forged.hash


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE groups SET payload = CAST(payload AS TEXT) WHERE seq = 9",
        "UPDATE groups SET hash = 7 WHERE seq = 9",
        "UPDATE groups SET size = 0 WHERE seq = 9",
        "UPDATE groups SET size = 'x' WHERE seq = 9",
        "UPDATE groups SET size = -1 WHERE seq = 9",
        "UPDATE groups SET size = size + 1 WHERE seq = 9",
        "UPDATE groups SET state = x'00' WHERE seq = 9",
        "UPDATE groups SET lengths = x'' WHERE seq = 9",
        "UPDATE groups SET payload = payload || x'00' WHERE seq = 9",
    ],
)
def test_a_column_that_cannot_be_is_found_at_its_group(write, edit, sql: str) -> None:
    path = write(40, per_commit=4)
    edit(path, sql)
    assert_found(path, 9, sql)


def test_tables_added_dropped_or_changed_are_refused(write, edit, tmp_path: Path) -> None:
    path = write(10)
    for name, sql in (
        ("added", "CREATE TABLE extra (x)"),
        ("dropped", "DROP TABLE snapshots"),
        ("changed", "ALTER TABLE groups ADD COLUMN note TEXT"),
    ):
        shutil.copy(path, tmp_path / name)
        edit(tmp_path / name, sql)
        with pytest.raises(JournalError, match=f"its tables are not those of format {FORMAT}"):
            check_journal(tmp_path / name)


def test_a_truncated_file_is_refused_or_reported(write, tmp_path: Path) -> None:
    path = write(200, per_commit=4)
    whole = path.read_bytes()
    for size in [100, 4096, 5000, *range(4096, len(whole), 4096), len(whole) - 1]:
        cut = tmp_path / "cut"
        cut.write_bytes(whole[:size])
        found = checked(cut)
        assert isinstance(found, JournalError) or not found.ok, size


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, list[tuple[int, bytes]]]:
    """The two files of a writer that never closed, and the head after each of its commits."""
    path = tmp_path_factory.mktemp("crashed") / "run"
    run = Recorder.create(path, small_rulebook(), engine_factory=SmallEngine)
    heads = [run.journal.head]
    for index, command in enumerate(commands(24)):
        run.step(command)
        if index % 2:
            run.commit()
            heads.append(run.journal.head)
    files = path.read_bytes(), path.with_name("run-wal").read_bytes()
    run.journal.abandon()
    return files[0], files[1], heads


def opened_after_crash(folder: Path, main: bytes, log: bytes) -> tuple[int, bytes]:
    """The head of what SQLite makes of a main file and a log."""
    for name in ("run", "run-wal", "run-shm"):
        (folder / name).unlink(missing_ok=True)
    (folder / "run").write_bytes(main)
    (folder / "run-wal").write_bytes(log)
    report = check_journal(folder / "run", deep=True, engine_factory=SmallEngine)
    assert report.ok, report
    return report.last_seq, bytes.fromhex(report.head_sha256)


def test_a_log_torn_anywhere_leaves_whole_commits_and_an_intact_chain(crashed, tmp_path: Path) -> None:
    main, log, heads = crashed
    assert opened_after_crash(tmp_path, main, log) == heads[-1], "an untouched log loses nothing"
    seen = []
    frame = 4096 + 24
    for size in sorted(
        {*range(0, len(log), frame), *range(32, len(log), frame), *range(1000, len(log), 7919)}
    ):
        head = opened_after_crash(tmp_path, main, log[:size])
        assert head in heads
        seen.append(head[0])
    assert seen == sorted(seen)
    assert len(set(seen)) > 8


def test_a_flipped_byte_in_the_log_leaves_the_whole_commits_before_it(crashed, tmp_path: Path) -> None:
    main, log, heads = crashed
    for index in random.Random(3).sample(range(len(log)), 150):
        head = opened_after_crash(tmp_path, main, flipped(log, index))
        assert head in heads


def test_a_journal_can_be_appended_to_after_a_torn_log(crashed, tmp_path: Path) -> None:
    main, log, heads = crashed
    opened_after_crash(tmp_path, main, log[: len(log) * 2 // 3])
    with Recorder.resume(tmp_path / "run", engine_factory=SmallEngine) as run:
        done = run.journal.last_seq
        assert 0 < done < heads[-1][0]
        for command in commands(10, first=30):
            run.step(command)
    report = check_journal(tmp_path / "run", deep=True, engine_factory=SmallEngine)
    assert report.ok and report.last_seq > done


def test_a_creation_cut_short_leaves_no_journal_and_the_next_one_succeeds(
    tmp_path: Path, monkeypatch
) -> None:
    def cut_short(database, genesis):
        database.execute("CREATE TABLE half (made)")
        raise KeyboardInterrupt

    path = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr("seawall.journal.database._fill", cut_short)
        with pytest.raises(KeyboardInterrupt):
            Journal.create(path, small_rulebook())
    assert (tmp_path / "run.new").stat().st_size > 0
    with pytest.raises(JournalError, match="there is no such journal"):
        JournalReader(path)
    Journal.create(path, small_rulebook()).close()
    assert check_journal(path).ok
    assert not list(tmp_path.glob("*.new*"))
