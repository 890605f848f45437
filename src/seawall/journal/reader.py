"""Reading a journal: groups checked against the hash chain, steps (a command and its events), single
records.

A reader never writes and may run beside the writer: it sees whole commits only. Everything that it hands
out has been checked: numbers are dense from 0, each group continues the chain, and the end is the one the
writer noted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, TypeVar

from seawall.engine.commands import Command
from seawall.engine.events import Event, Proposed, RulebookChanged
from seawall.errors import JournalError
from seawall.journal.codec import Record, decode_record, decode_rulebook, read_genesis
from seawall.journal.database import connect_reader, sqlite_errors
from seawall.journal.layout import (
    GROUP_COLUMNS,
    NO_HASH,
    SNAPSHOT_COLUMNS,
    Group,
    GroupRow,
    SnapshotRow,
    check_group,
    damaged,
)
from seawall.journal.lock import acknowledged_end, lock_path
from seawall.rulebooks.model import Rulebook

E = TypeVar("E", bound=Event)
PAGE_ROWS = 64
_CUT_OFF = (
    "Commits were cut off: the file or its -wal file was altered or removed. Restore both from a copy.\n"
    "  To go on without what is lost, remove the .lock file, if it is the lock file that says so."
)


class Step(NamedTuple):
    """A command and its events. `state` is the digest recorded after the last of them, or empty."""

    seq: int
    command: Command
    events: tuple[Event, ...]
    payloads: list[bytes]  # of the events, as recorded
    state: bytes

    @property
    def last(self) -> int:
        return self.seq + len(self.events)


class JournalReader:
    """A journal opened for reading. Use as a context manager, or close it."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.acknowledged = acknowledged_end(self.path)  # before anything is read, so never later than it
        self._database = connect_reader(self.path)
        try:
            rows = self._page(-1, 1)[1]
            if not rows or rows[0].seq != 0:
                raise damaged(self.path, 0, "the genesis record is missing")
            genesis = check_group(self.path, rows[0], [NO_HASH])
            self.genesis_hash = genesis.hash
            self.rulebook: Rulebook = read_genesis(self._decode(0, genesis.payloads[0]), path=self.path)
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> JournalReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def head(self) -> tuple[int, bytes]:
        """The last record and the chain hash there: kept elsewhere, it proves that nothing was cut off."""
        with sqlite_errors(self.path):
            query = f"SELECT {GROUP_COLUMNS} FROM groups ORDER BY seq DESC LIMIT 1"
            row = GroupRow(*self._database.execute(query).fetchone())
        if type(row.hash) is not bytes:
            raise damaged(self.path, row.seq, f"column hash of its group is {type(row.hash).__name__}")
        return row.last, row.hash

    def noted(self) -> tuple[int, bytes]:
        """The end that the writer noted last. Later commits may follow; an earlier end means a loss."""
        return self._page(-1, 0)[0]

    def groups(self, after: int = -1, chain: bytes = NO_HASH) -> Iterator[Group]:
        """Every commit after record `after`, whose chain hash is `chain`. Raises JournalError."""
        while True:
            noted, rows = self._page(after, PAGE_ROWS)
            for row in rows:
                check_place(self.path, row, after)
                group = check_group(self.path, row, [chain])
                yield group
                after, chain = group.last, group.hash
            if not rows:
                self.check_end(noted, after, [chain])
                return

    def check_end(self, noted: tuple[int, bytes], last: int, chain: list[bytes]) -> None:
        """That the journal, which ends with record `last`, has the ends noted in it and in its lock file."""
        for end, where in ((noted, "in it"), (self.acknowledged, f"in {lock_path(self.path).name}")):
            if end is None:
                continue
            if end[0] > last:
                what = f"is missing: its writer noted {where} that record {end[0]} is durable"
                raise damaged(self.path, last + 1, f"{what}; the journal ends with {last}", _CUT_OFF)
            if end[1] not in (chain if end[0] == last else [self.hash_at(end[0])]):
                raise damaged(self.path, end[0], f"its chain hash is not the one noted by its writer {where}")

    def steps(self, after: int = 0, chain: bytes = b"", upto: int | None = None) -> Iterator[Step]:
        """Every command with its events, in order, after record `after` (the last of a commit; 0 = genesis).

        `upto` ends before the first command with a larger seq. Raises JournalError at a wrong record.
        """
        for group in self.groups(after, chain or self.genesis_hash):
            for step in self.split(group):
                if upto is not None and step.seq > upto:
                    return
                yield step

    def split(self, group: Group) -> list[Step]:
        """The steps of one group: a group starts with a command and never cuts a step in two."""
        records = [self._decode(group.seq + index, payload) for index, payload in enumerate(group.payloads)]
        starts = [index for index, record in enumerate(records) if isinstance(record, Command)]
        if not starts or starts[0] != 0:
            raise damaged(
                self.path,
                group.seq,
                f"is {type(records[0]).__name__}, and its group should start with a command",
            )
        steps = []
        for start, end in zip(starts, [*starts[1:], len(records)]):
            seq, command = group.seq + start, records[start]
            assert isinstance(command, Command)
            events = self._events(seq, records[start + 1 : end])
            state = group.state if end == len(records) else b""
            steps.append(Step(seq, command, events, group.payloads[start + 1 : end], state))
        return steps

    def record(self, seq: int) -> Record:
        """One record by its number. Its group is checked against the group before it."""
        group = self.group_of(seq)
        return self._decode(seq, group.payloads[seq - group.seq])

    def group_of(self, seq: int) -> Group:
        """The commit that holds record `seq`."""
        with sqlite_errors(self.path):
            query = f"SELECT {GROUP_COLUMNS} FROM groups WHERE seq <= ? ORDER BY seq DESC LIMIT 2"
            rows = [GroupRow(*row) for row in self._database.execute(query, (seq,))]
        if not rows or rows[0].last < seq:
            last = self.head()[0]
            if 0 <= seq <= last:
                raise damaged(self.path, seq, "is missing")
            raise JournalError(f"{self.path}: there is no record {seq}\n  Give a number from 0 to {last}.")
        check_place(self.path, rows[0], rows[1].last if len(rows) > 1 else -1)
        return check_group(self.path, rows[0], [rows[1].hash if len(rows) > 1 else NO_HASH])

    def step_of(self, seq: int) -> Step:
        """The command that record `seq` is, or belongs to, with all its events."""
        if seq == 0:
            raise JournalError(
                f"{self.path}: record 0 is the genesis, not a command\n  Give a number from 1."
            )
        return next(step for step in reversed(self.split(self.group_of(seq))) if step.seq <= seq)

    def groups_naming(self, text: bytes, upto: int, *, newest: bool = False) -> Iterator[Group]:
        """Commits up to record `upto` with `text` in their bytes, the last one first if `newest`."""
        where, order = "seq > 0 AND seq <= ? AND instr(payload, ?)", "seq DESC" if newest else "seq"
        query = f"SELECT {GROUP_COLUMNS} FROM groups WHERE {where} ORDER BY {order}"
        with sqlite_errors(self.path):
            for row in map(GroupRow._make, self._database.execute(query, (upto, text))):
                yield check_group(self.path, row, [self._hash_before(row.seq)])

    def rulebook_at(self, seq: int, sha256: str = "") -> Rulebook:
        """The rulebook in force after record `seq`: that of the genesis, or the last one enacted.

        Whoever knows its `sha256`, as a snapshot does, need not have the whole journal searched for changes.
        """
        if sha256 == self.rulebook.sha256:
            return self.rulebook
        text = sha256.encode() or b"RulebookChanged"
        change = self._last(RulebookChanged, text, seq, lambda found: sha256 in ("", found.new_sha256))
        if change is None:
            return self.rulebook_at(seq) if sha256 else self.rulebook
        number = change.proposal  # may be used again: the last one before the change counts
        proposed = self._last(Proposed, b"Proposed", change.seq, lambda found: found.proposal == number)
        if proposed is None:
            raise damaged(
                self.path, change.seq, f"enacts proposal {change.proposal}, which is not in the journal"
            )
        return decode_rulebook(proposed.rulebook, path=self.path, seq=proposed.seq)

    def _last(self, kind: type[E], text: bytes, upto: int, wanted: Callable[[E], bool]) -> E | None:
        """The last such event up to record `upto`, in a commit with `text` in its bytes: sought backwards."""
        for group in self.groups_naming(text, upto, newest=True):
            for step in reversed(self.split(group)):
                for event in reversed(step.events):
                    if isinstance(event, kind) and event.seq <= upto and wanted(event):
                        return event
        return None

    def snapshots(self) -> Iterator[SnapshotRow]:
        """Snapshots, newest first, unchecked: see `replay.recover` and `check_journal`."""
        with sqlite_errors(self.path):
            seqs = [seq for (seq,) in self._database.execute("SELECT seq FROM snapshots ORDER BY seq DESC")]
            for seq in seqs:
                query = f"SELECT {SNAPSHOT_COLUMNS} FROM snapshots WHERE seq = ?"
                yield from (SnapshotRow(*row) for row in self._database.execute(query, (seq,)))

    def newest_snapshot_seq(self) -> int:
        """The record after which the newest snapshot was taken; 0 where there is none."""
        with sqlite_errors(self.path):
            newest = self._database.execute("SELECT max(seq) FROM snapshots").fetchone()[0]
        return newest or 0

    def rows(self, after: int = -1) -> Iterator[GroupRow]:
        """Rows as they lie in the file, unchecked: for finding damage beyond the first."""
        while True:
            _, rows = self._page(after, PAGE_ROWS)
            yield from rows
            if not rows:
                return
            after = rows[-1].seq

    def integrity(self) -> list[str]:
        """What SQLite itself finds wrong with the file; empty when it is sound."""
        with sqlite_errors(self.path):
            lines = [str(line) for (line,) in self._database.execute("PRAGMA integrity_check(20)")]
        return [line for line in lines if line != "ok"]

    def hash_at(self, last: int) -> bytes | None:
        """The chain hash of the commit that ends with record `last`; None where no commit ends there."""
        with sqlite_errors(self.path):
            query = "SELECT seq + size - 1, hash FROM groups WHERE seq <= ? ORDER BY seq DESC LIMIT 1"
            row = self._database.execute(query, (last,)).fetchone()
        return row[1] if row and row[0] == last else None

    def _hash_before(self, seq: int) -> bytes:
        query = "SELECT hash FROM groups WHERE seq < ? ORDER BY seq DESC LIMIT 1"
        row = self._database.execute(query, (seq,)).fetchone()
        return row[0] if row else NO_HASH

    def _page(self, after: int, rows: int) -> tuple[tuple[int, bytes], list[GroupRow]]:
        """The head and the next rows as of one moment, although a writer may be at work."""
        with sqlite_errors(self.path):
            self._database.execute("BEGIN")
            try:
                head = self._database.execute("SELECT seq, hash FROM head WHERE id = 1").fetchall()
                query = f"SELECT {GROUP_COLUMNS} FROM groups WHERE seq > ? ORDER BY seq LIMIT ?"
                page = [GroupRow(*row) for row in self._database.execute(query, (after, rows))]
            finally:
                if self._database.in_transaction:
                    self._database.execute("COMMIT")
        if len(head) != 1 or type(head[0][0]) is not int or type(head[0][1]) is not bytes:
            raise damaged(
                self.path,
                max(after, 0),
                "the table 'head', which notes the end of the journal, is unreadable",
            )
        for row in page:  # a damaged index of SQLite may lead backwards, and we would walk in circles
            if row.seq <= after:
                raise damaged(self.path, after + 1, f"is followed by record {row.seq} in the file")
            after = row.seq
        return (head[0][0], head[0][1]), page

    def _decode(self, seq: int, payload: bytes) -> Record:
        return decode_record(payload, path=self.path, seq=seq)

    def _events(self, command_seq: int, records: list[Record]) -> tuple[Event, ...]:
        events = []
        for seq, event in enumerate(records, start=command_seq + 1):
            if not isinstance(event, Event):
                raise damaged(self.path, seq, f"is {type(event).__name__} where an event was expected")
            if event.seq != seq or not 0 <= event.cause_seq < seq:
                raise damaged(
                    self.path, seq, f"says that it is record {event.seq}, caused by record {event.cause_seq}"
                )
            events.append(event)
        return tuple(events)


def check_place(path: Path, row: GroupRow, last: int) -> None:
    """That a row starts right after record `last`."""
    if row.seq > last + 1:
        missing = f"records {last + 1} to {row.seq - 1} are" if row.seq > last + 2 else "it is"
        raise damaged(path, last + 1, f"{missing} missing; the next one in the file is {row.seq}")
    if row.seq <= last:
        raise damaged(path, row.seq, f"appears twice: the group before it reaches to record {last}")
