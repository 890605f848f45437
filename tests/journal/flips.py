"""Every byte of a small journal flipped in turn: found, or shown to lie where nothing is kept.

`python -m tests.journal.flips [STRIDE]` prints the counts as JSON. Two states of the files: closed (all in
the main file, with snapshots), and as a killed writer leaves them (main file, -wal, .lock). A flip that
`check_journal` does not report must leave every value of every table as it was, and its byte must be one
that SQLite does not read: told by the layout of the pages, see `unused_bytes` and `superseded_bytes`.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import struct
import sys
import tempfile
from collections import Counter
from itertools import accumulate
from pathlib import Path

from seawall.errors import JournalError
from seawall.journal import CheckReport, JournalReader, Recorder, check_journal
from seawall.journal import store as journal_store
from seawall.journal.layout import GROUP_COLUMNS, SNAPSHOT_COLUMNS
from tests.journal.venue import SmallEngine, commands, small_rulebook

PAGE = 4096
FILES = ("run", "run-wal", "run.lock")


def make(folder: Path, *, closed: bool) -> dict[str, bytes]:
    """The files of a small journal with groups, digests, snapshots; and the noted head of a killed writer."""
    journal_store.CHECKPOINT_PAGES = 8
    run = Recorder.create(folder / "run", small_rulebook(), engine_factory=SmallEngine, digest_every=5)
    for index, command in enumerate(commands(14)):
        run.step(command)
        if index % 2:
            run.commit()
        if index == 9:
            run.journal.snapshot(run.engine.state)
    if closed:
        run.close()
    files = {name: (folder / name).read_bytes() for name in FILES if (folder / name).exists()}
    run.journal.abandon()
    assert set(files) == ({"run"} if closed else set(FILES))
    return files


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    """Only these files, in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / "run"


def flipped(data: bytes, index: int) -> bytes:
    return data[:index] + bytes([data[index] ^ (1 << index % 8)]) + data[index + 1 :]


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every value of every table."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    names = {"groups": GROUP_COLUMNS, "head": "id, seq, hash", "snapshots": SNAPSHOT_COLUMNS}
    tables = {
        table: database.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall()
        for table, columns in names.items()
    }
    database.close()
    return tables


def places_of_records(path: Path, whole: bytes) -> dict[int, int]:
    """The bytes of the file that hold the bytes of a record, where a group lies on one page in one piece."""
    places = {}
    with JournalReader(path) as reader:
        for group in reader.groups():
            start = whole.find(b"".join(group.payloads))
            for seq, (end, payload) in enumerate(
                zip(accumulate(map(len, group.payloads)), group.payloads), start=group.seq
            ):
                if start >= 0:
                    places.update(dict.fromkeys(range(start + end - len(payload), start + end), seq))
    return places


def unused_bytes(whole: bytes) -> set[int]:
    """Bytes of a main file that carry nothing (https://www.sqlite.org/fileformat2.html, 1.3 and 1.6).

    In the header: the write version (6 instead of 2 only means read-only), counters by which caches are told
    that they are old, a suggested cache size, unused bytes of the schema format and the text encoding, space
    for later versions. In a page of a tree: what lies between its cell pointers and its cells. In the schema:
    the row numbers of its rows, by which nobody asks.
    """
    unused = {18, *range(24, 28), *range(40, 47), *range(48, 52), *range(56, 60), *range(72, 100)}
    for number in range(len(whole) // PAGE):
        page = whole[number * PAGE : (number + 1) * PAGE]
        head = 100 if number == 0 else 0
        if page[head] not in (2, 5, 10, 13):
            continue
        cells, start = struct.unpack_from(">HH", page, head + 3)
        first = head + (12 if page[head] in (2, 5) else 8)
        unused.update(range(number * PAGE + first + 2 * cells, number * PAGE + (start or 65536)))
    for (cell,) in struct.iter_unpack(">H", whole[108 : 108 + 2 * struct.unpack_from(">H", whole, 103)[0]]):
        length = 1 + (whole[cell] >= 128)  # a row of the schema: its length as a varint, then its number
        unused.add(cell + length)
    return unused


def superseded_bytes(log: bytes) -> set[int]:
    """Bytes of the main file whose page is in the log, so that they are not read (same page, section 4)."""
    pages = {struct.unpack_from(">I", log, frame)[0] for frame in range(32, len(log), 24 + PAGE)}
    return {byte for page in pages for byte in range((page - 1) * PAGE, page * PAGE)}


def outcome(path: Path, seq: int | None) -> str:
    """How a flip was met: found at its record, found elsewhere in the file, or not reported."""
    try:
        report: CheckReport = check_journal(path)
    except JournalError as error:
        return "found at its record" if seq is not None and f"record {seq}:" in str(error) else "found"
    if report.ok:
        return "not reported"
    return "found at its record" if report.problems[0].seq == seq else "found"


def flip_all(home: Path, stride: int = 1, *, closed: bool) -> dict[str, dict[str, int]]:
    """The counts by file. AssertionError where a flip changed something and was not found at its place."""
    made = home / "made"
    made.mkdir()
    files = make(made, closed=closed)
    path = lay(home / "case", files)
    before, places = content(path), places_of_records(path, files["run"])
    unread = unused_bytes(files["run"]) | superseded_bytes(files.get("run-wal", b""))
    counts: dict[str, Counter[str]] = {name: Counter() for name in files}
    for name, whole in files.items():
        for index in range(len(whole) % stride, len(whole), stride):
            path = lay(home / "case", {**files, name: flipped(whole, index)})
            seq = places.get(index) if name == "run" and closed else None
            found = outcome(path, seq)
            if found == "not reported":
                assert seq is None and content(path) == before, (name, index, "changed, not found")
                assert name == "run.lock" or (name == "run" and index in unread), (name, index, "not found")
                found = "not read by SQLite" if name == "run" else "a note that is not whole says nothing"
            assert seq is None or found == "found at its record", (name, index, seq, found)
            counts[name][found] += 1
    return {name: dict(count) for name, count in counts.items()}


if __name__ == "__main__":
    step = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    journal_store.CHECKPOINT_PAGES = 8  # so that the log has been used more than once
    memory = Path("/dev/shm")
    result = {}
    for state in ("closed", "killed"):
        place = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        result[state] = flip_all(place, step, closed=state == "closed")
        shutil.rmtree(place)
    print(json.dumps(result, indent=1))
