"""Looking for damage in a journal: every problem with its record, not only the first.

Checked always: the file as SQLite sees it, the hash chain, numbers dense from 0 to the noted end, every
record readable and in canonical form, snapshots unaltered and on the chain. `deep` also replays: every event
and digest must come out again, and recovery from the genesis and from each snapshot must end in that state.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from seawall.errors import JournalError
from seawall.journal.codec import Record, encode_record
from seawall.journal.layout import (
    NO_HASH,
    DamagedRecord,
    Group,
    GroupRow,
    SnapshotRow,
    chain_hash,
    check_group,
    snapshot_hash,
)
from seawall.journal.protocol import EngineFactory, default_factory
from seawall.journal.reader import JournalReader, check_place
from seawall.journal.replay import follow, open_snapshot, replay

MAX_PROBLEMS = 20
MAX_CHAINS = 4  # damaged rows in a row after which only the stored hash is followed


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong. `seq` is the record, or -1 for the file as a whole; `text` says what to do."""

    seq: int
    text: str


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at and what was found. `head_sha256` is the chain hash at `last_seq`."""

    path: str
    rulebook: str
    last_seq: int
    head_sha256: str
    commands: int
    events: int
    groups: int
    digests: int
    snapshots: int
    deep: bool
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        return not self.problems

    def raise_if_damaged(self) -> None:
        """JournalError with the first problem, if there is one."""
        if self.problems:
            raise JournalError(self.problems[0].text)

    def __str__(self) -> str:
        depth = "replayed" if self.deep else "not replayed"
        lines = [
            f"{self.path}: {self.commands:,} commands, {self.events:,} events in {self.groups:,} commits, "
            f"{self.digests} state digests, {self.snapshots} snapshots ({depth})",
            f"rulebook {self.rulebook}; head: record {self.last_seq}, sha256 {self.head_sha256}",
        ]
        return "\n".join(lines + ([problem.text for problem in self.problems] or ["no problems"]))


class _Counts:
    def __init__(self) -> None:
        self.commands = self.events = self.groups = self.digests = self.snapshots = 0
        self.last = -1
        self.problems: list[Problem] = []

    def add(self, seq: int, error: JournalError | str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(seq=seq, text=str(error)))


def check_journal(
    path: str | Path,
    deep: bool = False,
    *,
    head: tuple[int, bytes] | None = None,
    engine_factory: EngineFactory | None = None,
) -> CheckReport:
    """Look for damage. `head`, a (record, chain hash) noted earlier, must still be in the journal.

    Raises JournalError where the file cannot be opened as a journal at all; everything else is in the report.
    """
    counts = _Counts()
    with JournalReader(path) as reader:
        for line in reader.integrity():
            counts.add(-1, f"{reader.path}: SQLite integrity check: {line}\n  Restore the file from a copy.")
        head_hash = _check_chain(reader, counts)
        if head is not None and reader.hash_at(head[0]) != head[1]:
            counts.add(
                head[0],
                f"{reader.path}: record {head[0]}: the chain hash noted for it ({head[1].hex()[:16]}) is not "
                "in this journal\n  Records were cut off or rewritten since. Restore the file from a copy.",
            )
        _check_snapshots(reader, counts)
        rulebook = reader.rulebook.tag
    if deep and not counts.problems:
        _check_replay(Path(path), counts, engine_factory or default_factory())
    return CheckReport(
        path=str(path),
        rulebook=rulebook,
        last_seq=counts.last,
        head_sha256=head_hash.hex(),
        commands=counts.commands,
        events=counts.events,
        groups=counts.groups,
        digests=counts.digests,
        snapshots=counts.snapshots,
        deep=deep,
        problems=tuple(counts.problems),
    )


def _check_chain(reader: JournalReader, counts: _Counts) -> bytes:
    """Walk all rows, reporting and stepping over what is damaged; returns the chain hash of the end."""
    accepted = [NO_HASH]
    try:
        for row in reader.rows():
            try:
                check_place(reader.path, row, counts.last)
            except DamagedRecord as error:
                counts.add(error.seq, error)
            accepted = _check_row(reader, row, accepted, counts)
            counts.last = max(counts.last, row.last)
        reader.check_end(reader.noted(), counts.last, accepted)
    except JournalError as error:
        counts.add(error.seq if isinstance(error, DamagedRecord) else counts.last + 1, error)
    return accepted[0]


def _check_row(reader: JournalReader, row: GroupRow, accepted: list[bytes], counts: _Counts) -> list[bytes]:
    """Check one row; returns the hashes that the next row may continue."""
    counts.groups += 1
    try:
        group = check_group(reader.path, row, accepted)
    except DamagedRecord as error:
        counts.add(error.seq, error)
        # Either the content is wrong or the stored hash: the next row may continue both and be sound.
        plain = (
            all(type(part) is bytes for part in row[3:]) and type(row.size) is int and 0 < row.size < 2**32
        )
        computed = [chain_hash(row, before) for before in accepted[:MAX_CHAINS]] if plain else []
        return [row.hash, *computed] if type(row.hash) is bytes else computed or [NO_HASH]
    if group.seq > 0:  # the genesis was read and checked when the reader opened the file
        try:
            _check_records(reader, group, counts)
        except DamagedRecord as error:
            counts.add(error.seq, error)
    return [row.hash]


def _check_records(reader: JournalReader, group: Group, counts: _Counts) -> None:
    for step in reader.split(group):
        counts.commands += 1
        counts.events += len(step.events)
        counts.digests += bool(step.state)
        command_payload = group.payloads[step.seq - group.seq]
        records: list[Record] = [step.command, *step.events]
        for seq, record, payload in zip(
            range(step.seq, step.last + 1), records, [command_payload, *step.payloads]
        ):
            if encode_record(record) != payload:
                counts.add(
                    seq,
                    f"{reader.path}: record {seq}: {type(record).__name__} is not in canonical form\n"
                    "  It was written by another version of seawall; use that one to replay it.",
                )


def _check_snapshots(reader: JournalReader, counts: _Counts) -> None:
    for row in reader.snapshots():
        counts.snapshots += 1
        sound = all(type(part) is bytes for part in row[1:]) and snapshot_hash(row) == row.hash
        if not sound or reader.hash_at(row.seq) != row.chain:
            counts.add(
                row.seq,
                f"{reader.path}: record {row.seq}: the snapshot after this record was altered or is not of "
                "this chain\n  Records are not affected; recovery leaves it out and takes longer.",
            )


def _check_replay(path: Path, counts: _Counts, factory: EngineFactory) -> None:
    whole = replay(path, engine_factory=factory)
    if whole.difference is not None:
        counts.add(
            whole.difference.seq,
            f"{path}: {whole.difference}\n  Replay it with the version of seawall that wrote it.",
        )
        return
    end = whole.last_seq  # a writer may be at work: what it adds meanwhile is not compared
    tail = replay(path, engine_factory=factory, from_snapshot=True, upto=end)
    found = [("replay from the newest snapshot", tail.state_sha256)]
    with JournalReader(path) as reader:
        for row in (None, *(row for row in reader.snapshots() if row.seq <= end)):
            name = f"recovery from the snapshot at record {row.seq}" if row else "recovery from the genesis"
            try:
                found.append((name, _recovered(reader, row, factory, end)))
            except DamagedRecord as error:
                counts.add(error.seq, error)
    for name, state in found:
        if state != whole.state_sha256:
            counts.add(
                whole.last_seq,
                f"{path}: record {whole.last_seq}: {name} ends in state {state[:16]}, full replay in "
                f"{whole.state_sha256[:16]}\n  Delete the rows of table 'snapshots' and report it.",
            )


def _recovered(reader: JournalReader, row: SnapshotRow | None, factory: EngineFactory, end: int) -> str:
    """The digest of the state that a snapshot and the events after it lead to; without one, all events."""
    if row is None:
        engine, after, chain = factory(reader.rulebook), 0, reader.genesis_hash
    else:
        engine, after, chain = open_snapshot(reader, row, factory), row.seq, row.chain
    follow(reader, engine, after, chain, end)
    digest: bytes = engine.state.digest()
    return digest.hex()
