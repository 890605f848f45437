"""What the writer promises: order, grouping, one writer, and that a commit is whole or not there."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from seawall.engine.commands import Deposit, Tick
from seawall.engine.events import Advanced
from seawall.errors import JournalError
from seawall.journal import Journal, JournalReader, Recorder, check_journal, recover, replay
from tests.journal.venue import START_NS, SmallEngine, commands, small_rulebook

TICK = Tick(time_ns=START_NS)


def advanced(seq: int, cause_seq: int = 1) -> Advanced:
    return Advanced(seq=seq, cause_seq=cause_seq, time_ns=START_NS)


def test_what_was_appended_is_read_back_in_order(write) -> None:
    path = write(40)
    engine = SmallEngine(small_rulebook())
    with JournalReader(path) as reader:
        steps = list(reader.steps())
        assert [step.command for step in steps] == list(commands(40))
        for step in steps:
            assert engine.step(step.command) == step.events
            assert reader.step_of(step.last).command == step.command
            assert [reader.record(event.seq) for event in step.events] == list(step.events)
        assert reader.rulebook == small_rulebook()
        assert reader.head()[0] == engine.state.seq == steps[-1].last


@pytest.mark.parametrize("per_commit", [1, 3, 40, 1000])
def test_the_grouping_changes_the_rows_and_not_the_records(write, per_commit: int) -> None:
    path = write(40, per_commit)
    report = check_journal(path, deep=True, engine_factory=SmallEngine)
    assert report.ok, report
    assert report.groups == 1 + -(-40 // per_commit)
    assert report.commands == 40


def test_the_batch_limit_commits_by_itself(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "j", small_rulebook(), batch_records=4) as journal:
        for seq in (1, 3):
            journal.append(TICK, seq, [advanced(seq + 1, seq)])
        assert journal.durable_seq == 4
        journal.append(TICK, 5, [])
        assert (journal.durable_seq, journal.last_seq) == (4, 5)
    with JournalReader(tmp_path / "j") as reader:
        assert reader.head()[0] == 5


def test_leaving_by_an_exception_commits_nothing_more(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Journal.create(tmp_path / "j", small_rulebook()) as journal:
        journal.append(TICK, 1, [])
        journal.commit()
        journal.append(TICK, 2, [])
        raise ZeroDivisionError
    with JournalReader(tmp_path / "j") as reader:
        assert reader.head()[0] == 1


@pytest.mark.parametrize(
    ("seq", "events", "text"),
    [
        (2, [], "the next record is 1, not 2"),
        (0, [], "the next record is 1, not 0"),
        (1, [advanced(3)], "record 2 was given as record 3"),
        (1, [advanced(2), advanced(2)], "record 3 was given as record 2"),
        (1, [advanced(2, cause_seq=2)], "caused by record 2"),
        (1, [advanced(2, cause_seq=-1)], "caused by record -1"),
    ],
)
def test_records_that_do_not_continue_the_journal_are_refused_and_leave_it_unchanged(
    tmp_path, seq, events, text
) -> None:
    with Journal.create(tmp_path / "j", small_rulebook()) as journal:
        with pytest.raises(JournalError, match=text):
            journal.append(TICK, seq, events)
        with pytest.raises(JournalError, match="cannot be written"):
            journal.append(Deposit(time_ns=2**70, account=1, asset="USDC", amount_atoms=1), 1, [])
        assert journal.last_seq == 0
        journal.append(TICK, 1, [advanced(2)])
        assert journal.commit() == 2


def test_a_state_of_another_moment_is_refused(tmp_path: Path) -> None:
    engine = SmallEngine(small_rulebook())
    with Journal.create(tmp_path / "j", small_rulebook()) as journal:
        journal.append(TICK, 1, [])
        with pytest.raises(JournalError, match="the state given is after record 0, the journal at 1"):
            journal.commit(engine.state)
        assert journal.durable_seq == 0


def test_an_existing_file_is_never_overwritten(write) -> None:
    path = write(5)
    before = path.read_bytes()
    with pytest.raises(JournalError, match="exists already"):
        Journal.create(path, small_rulebook())
    assert path.read_bytes() == before


def test_a_second_writer_is_refused_and_a_reader_is_not(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal.create(path, small_rulebook()) as journal:
        with pytest.raises(JournalError, match=f"already open for writing by process {os.getpid()}"):
            Journal.open(path)
        with JournalReader(path) as reader:
            journal.append(TICK, 1, [])
            assert reader.head()[0] == 0
            journal.commit()
            assert reader.head()[0] == 1
            assert [step.seq for step in reader.steps()] == [1]
    with Journal.open(path) as journal:
        assert journal.last_seq == 1
    assert not path.with_name("j.lock").exists()


def test_two_writers_behind_a_deleted_lock_file_cannot_both_append(tmp_path: Path) -> None:
    path = tmp_path / "j"
    first = Journal.create(path, small_rulebook())
    path.with_name("j.lock").unlink()
    second = Journal.open(path)
    first.append(TICK, 1, [])
    first.commit()
    second.append(TICK, 1, [])
    with pytest.raises(JournalError, match="record 1 is there already: another process"):
        second.commit()
    with pytest.raises(JournalError, match="a write failed earlier"):
        second.append(TICK, 2, [])
    second.close()
    first.append(TICK, 2, [])
    assert first.commit() == 2
    first.close()
    assert check_journal(path).ok


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "j", small_rulebook())
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="this journal is closed"):
        journal.append(TICK, 1, [])


def test_another_rulebook_than_the_recorded_one_is_refused(write) -> None:
    path = write(5)
    with pytest.raises(JournalError, match=r"record 0: is rulebook harbor@.*, not harbor@"):
        Journal.open(path, rulebook=small_rulebook(maintenance_ppb=20_000_000))
    Journal.open(path, rulebook=small_rulebook()).close()


def test_a_full_disk_stops_the_commit_loses_nothing_and_allows_another_try(tmp_path: Path) -> None:
    path = tmp_path / "j"
    run = Recorder.create(path, small_rulebook(), engine_factory=SmallEngine)
    pages = run.journal._database.execute("PRAGMA page_count").fetchone()[0]
    run.journal._database.execute(f"PRAGMA max_page_count={pages + 2}")
    durable = 0
    with pytest.raises(JournalError, match="Disk full: nothing of this commit was written, nothing is lost"):
        for command in commands(2_000):
            run.step(command)
            if run.journal.last_seq % 50 == 0:
                durable = run.commit()
    assert durable == run.journal.durable_seq < run.journal.last_seq
    with JournalReader(path) as reader:
        assert reader.head() == run.journal.head
    with pytest.raises(JournalError, match="Disk full"):
        run.commit()
    run.journal._database.execute("PRAGMA max_page_count=1000000")
    assert run.commit() == run.journal.last_seq
    run.close()
    report = replay(path, engine_factory=SmallEngine)
    assert report.equal and report.state_sha256 == run.engine.state.digest().hex()


def test_a_full_disk_at_a_snapshot_leaves_the_records_durable(tmp_path: Path) -> None:
    run = Recorder.create(tmp_path / "j", small_rulebook(), engine_factory=SmallEngine)
    for command in commands(10):
        run.step(command)
    run.commit()
    run.journal._database.execute(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON snapshots BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    with pytest.raises(
        JournalError, match=r"(?s)the snapshot after record 20 was not stored.*up to 20 are durable"
    ):
        run.close()
    assert recover(tmp_path / "j", engine_factory=SmallEngine).state.digest() == run.engine.state.digest()


@pytest.fixture
def folder_of_nobody() -> Iterator[Path]:
    """A folder that this process cannot write, even where the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="seawall-journal-"))
    yield folder
    os.seteuid(os.getuid())
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_journal_can_be_read_and_not_written(write, folder_of_nobody: Path) -> None:
    path = folder_of_nobody / "j"
    shutil.copy(write(20), path)
    path.chmod(0o444)
    folder_of_nobody.chmod(0o555)
    if os.getuid() == 0:
        os.seteuid(65534)
    with pytest.raises(JournalError, match=r"cannot be opened for writing: .*Permission denied"):
        Journal.open(path)
    assert check_journal(path, deep=True, engine_factory=SmallEngine).ok
    assert sorted(p.name for p in folder_of_nobody.iterdir()) == ["j"]


def test_a_read_only_file_in_a_writable_folder_is_refused_for_writing(write, folder_of_nobody: Path) -> None:
    path = folder_of_nobody / "j"
    shutil.copy(write(20), path)
    path.chmod(0o444)
    folder_of_nobody.chmod(0o777)
    if os.getuid() == 0:
        os.seteuid(65534)
    with pytest.raises(JournalError, match="cannot be written"):
        Journal.open(path)
    with JournalReader(path) as reader:
        assert len(list(reader.steps())) == 20


def test_missing_foreign_and_unfinished_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no such journal"):
        JournalReader(tmp_path / "none")
    with pytest.raises(JournalError, match="there is no such journal"):
        Journal.open(tmp_path / "none")
    (tmp_path / "text").write_text("not a database, but long enough to be looked at " * 40)
    with pytest.raises(JournalError, match="SQLite cannot read the file"):
        JournalReader(tmp_path / "text")
    sqlite3.connect(tmp_path / "other").execute("CREATE TABLE t (x)").connection.close()
    for open_it in (JournalReader, Journal.open):
        with pytest.raises(JournalError, match="not a Seawall journal"):
            open_it(tmp_path / "other")


def test_digests_and_snapshots_come_when_they_are_due(write) -> None:
    path = write(200, per_commit=10, digest_every=50, snapshot_every=100)
    report = check_journal(path, deep=True, engine_factory=SmallEngine)
    assert report.ok, report
    assert report.last_seq // 50 - 2 <= report.digests <= report.last_seq // 50
    assert report.snapshots == 2
    with JournalReader(path) as reader:
        assert next(row.seq for row in reader.snapshots()) == report.last_seq


def test_a_run_that_is_resumed_is_the_run_that_was_never_stopped(write, tmp_path: Path) -> None:
    path = write(30)
    with Recorder.resume(path, engine_factory=SmallEngine) as run:
        for command in commands(30, first=30):
            run.step(command)
    whole = SmallEngine(small_rulebook())
    for command in commands(60):
        whole.step(command)
    report = replay(path, engine_factory=SmallEngine)
    assert report.equal and report.commands == 60
    assert report.state_sha256 == whole.state.digest().hex()


def test_an_engine_that_fails_in_a_step_ends_the_recording_before_that_step(tmp_path: Path) -> None:
    run = Recorder.create(tmp_path / "j", small_rulebook(), engine_factory=SmallEngine)
    run.step(next(commands(1)))
    run.commit()
    with pytest.raises(KeyError):
        run.step(Deposit(time_ns=START_NS, account=999, asset="USDC", amount_atoms=1))
    with pytest.raises(JournalError, match="this journal is closed"):
        run.commit()
    assert recover(tmp_path / "j", engine_factory=SmallEngine).state.seq == 2


def test_the_head_noted_elsewhere_proves_that_the_end_was_cut_off(write, edit) -> None:
    path = write(40)
    with JournalReader(path) as reader:
        head = reader.head()
        cut = [group for group in reader.groups()][-3]
    assert check_journal(path, head=head).ok
    edit(path, "DELETE FROM groups WHERE seq > ?", cut.last)
    edit(path, "UPDATE head SET seq = ?, hash = ?", cut.last, cut.hash)
    edit(path, "DELETE FROM snapshots")
    assert check_journal(path).ok
    report = check_journal(path, head=head)
    assert not report.ok and report.problems[0].seq == head[0]


def noted_in_the_file_alone(path: Path, copy: Path) -> tuple[int, int]:
    """The noted end and the last record in the main file, as if its write-ahead log were gone."""
    shutil.copy(path, copy)
    database = sqlite3.connect(f"file:{copy}?immutable=1", uri=True)
    noted = database.execute("SELECT seq FROM head").fetchone()[0]
    last = database.execute("SELECT max(seq + size - 1) FROM groups").fetchone()[0]
    database.close()
    return noted, last


def test_no_commit_reaches_the_main_file_before_its_end_is_noted_there(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("seawall.journal.store.CHECKPOINT_PAGES", 20)
    path, copy = tmp_path / "j", tmp_path / "copy"
    run = Recorder.create(path, small_rulebook(), engine_factory=SmallEngine)
    run.journal.checkpoint()
    seen = []
    for command in commands(200):
        run.step(command)
        run.commit()
        noted, last = noted_in_the_file_alone(path, copy)
        assert noted == last
        seen.append(last)
    assert len(set(seen)) > 5, "the log was folded into the file several times"
    assert seen[-1] < run.journal.durable_seq
    run.journal.abandon()
    assert noted_in_the_file_alone(path, copy) == (run.journal.durable_seq,) * 2


def test_commits_after_the_noted_end_are_read_and_a_noted_end_that_is_gone_is_damage(write, edit) -> None:
    path = write(40)
    with JournalReader(path) as reader:
        groups = list(reader.groups())
    edit(path, "UPDATE head SET seq = ?, hash = ?", groups[3].last, groups[3].hash)
    report = check_journal(path, deep=True, engine_factory=SmallEngine)
    assert report.ok and report.last_seq == groups[-1].last and report.head_sha256 == groups[-1].hash.hex()
    with Journal.open(path):
        pass
    with JournalReader(path) as reader:
        assert reader.noted() == reader.head(), "the next writer notes the end again"
    edit(path, "UPDATE head SET seq = ?, hash = ?", groups[3].last, groups[4].hash)
    assert [problem.seq for problem in check_journal(path).problems] == [groups[3].last]
    with pytest.raises(JournalError, match=f"record {groups[3].last}: its chain hash is not the one noted"):
        Journal.open(path)
    edit(path, "UPDATE head SET seq = ?", groups[3].last - 1)
    with pytest.raises(JournalError, match="not the one noted"):
        replay(path, engine_factory=SmallEngine)


def stopped_writer(path: Path) -> tuple[int, bytes]:
    """A writer that is gone without closing: the journal, its log and its lock file are as they were."""
    run = Recorder.create(path, small_rulebook(), engine_factory=SmallEngine)
    for command in commands(20):
        run.step(command)
        run.commit()
    files = {name: path.with_name(name).read_bytes() for name in ("run", "run-wal", "run.lock")}
    run.journal.abandon()
    for name, content in files.items():
        path.with_name(name).write_bytes(content)
    return run.journal.head


@pytest.mark.parametrize("how", ["removed", "emptied", "cut short", "first frame altered", "header altered"])
def test_a_log_that_lost_acknowledged_commits_is_not_taken_for_one_that_was_cut_by_a_crash(
    tmp_path: Path, how: str
) -> None:
    path, log = tmp_path / "run", tmp_path / "run-wal"
    last, _ = stopped_writer(path)
    whole = log.read_bytes()
    frame = 24 + 4096
    log.write_bytes(
        {
            "removed": b"",
            "emptied": bytes(len(whole)),
            "cut short": whole[: len(whole) - frame],
            "first frame altered": whole[:100] + b"?" + whole[101:],
            "header altered": whole[:16] + b"?" + whole[17:],
        }[how]
    )
    if how == "removed":
        log.unlink()
    report = check_journal(path)
    assert f"its writer noted in run.lock that record {last} is durable" in report.problems[0].text
    for use in (Journal.open, Recorder.resume, recover, replay):
        with pytest.raises(JournalError, match=rf"noted in run\.lock that record {last} is durable"):
            use(path) if use == Journal.open else use(path, engine_factory=SmallEngine)
    path.with_name("run.lock").unlink()
    with Journal.open(path) as journal:
        assert journal.last_seq < last, "whoever removes the note goes on without what is lost"


def test_a_stopped_writer_whose_files_are_whole_is_gone_on_with_and_its_note_goes(tmp_path: Path) -> None:
    path = tmp_path / "run"
    head = stopped_writer(path)
    with Recorder.resume(path, engine_factory=SmallEngine) as run:
        assert run.journal.head == head
    assert not path.with_name("run.lock").exists()


@pytest.mark.parametrize("line", [b"", b"1234", b"      1234 ", b"\xff" * 105, b" 1234 17 00ff 00000000\n"])
def test_a_note_that_is_not_whole_says_nothing(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "run"
    head = stopped_writer(path)
    path.with_name("run.lock").write_bytes(line)
    assert check_journal(path).ok
    with Journal.open(path) as journal:
        assert journal.head == head


def test_a_note_of_another_journal_of_this_name_is_noticed_and_forgotten_by_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "run"
    stopped_writer(path)
    path.with_name("run-wal").unlink()
    path.unlink()
    Journal.create(path, small_rulebook()).close()
    assert check_journal(path).ok
    stale = acknowledged_line(tmp_path / "other")
    path.with_name("run.lock").write_bytes(stale)
    with pytest.raises(JournalError, match=r"record 1: is missing: its writer noted in run\.lock"):
        Journal.open(path)
    assert path.with_name("run.lock").exists(), "a refused opening leaves the evidence"


def acknowledged_line(path: Path) -> bytes:
    with Journal.create(path, small_rulebook()) as journal:
        journal.append(TICK, 1, [])
        journal.commit()
        return path.with_name(path.name + ".lock").read_bytes()


def test_a_journal_of_another_format_is_refused_for_reading_and_writing(write, edit) -> None:
    path = write(5)
    edit(path, "PRAGMA user_version=1")
    for use in (JournalReader, Journal.open, check_journal):
        with pytest.raises(JournalError, match="journal format 1, this version reads format 2"):
            use(path)


def test_a_report_of_a_sound_journal_can_be_written_as_data(write) -> None:
    report = check_journal(write(10))
    assert msgspec.json.decode(msgspec.json.encode(report))["problems"] == []
    assert str(report).endswith("no problems")
    report.raise_if_damaged()
