"""Running a journal again: `replay` decides every command anew and compares, `recover` follows what was
decided.

Replay is the proof of determinism: the same commands must give the same event bytes and the same state
digests. Recovery trusts the recorded events: the newest good snapshot, then the events after it, applied
without deciding. Both check the hash chain as they read. Both end in the same state;
`check_journal(deep=True)` compares them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from seawall.engine.commands import Command
from seawall.errors import InvariantViolation, JournalError, SeawallError
from seawall.journal.batches import Batch, batches
from seawall.journal.codec import Record, encode_record, encode_records
from seawall.journal.differences import (
    Difference,
    digest_difference,
    state_differences,
    step_difference,
)
from seawall.journal.layout import SnapshotRow, damaged, snapshot_hash
from seawall.journal.protocol import EngineFactory, EngineLike, default_factory
from seawall.journal.reader import JournalReader, Step

_Start: TypeAlias = tuple[EngineLike, int, bytes]  # the engine, the record it is after, the chain hash there


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay covered, and whether it was equal. `state_sha256` is of its state at `last_seq`."""

    path: str
    rulebook: str
    first_seq: int
    last_seq: int
    commands: int
    events: int
    digests: int
    state_sha256: str
    difference: Difference | None = None

    @property
    def equal(self) -> bool:
        return self.difference is None

    def __str__(self) -> str:
        head = (
            f"{self.path}: {self.commands:,} commands, {self.events:,} events, {self.digests} state digests, "
            f"records {self.first_seq} to {self.last_seq}, rulebook {self.rulebook}"
        )
        if self.difference is None:
            return f"{head}\nequal; state sha256 {self.state_sha256}"
        return f"{head}\ndifferent from {self.difference}"


def replay(
    path: str | Path,
    *,
    engine_factory: EngineFactory | None = None,
    upto: int | None = None,
    from_snapshot: bool = False,
) -> ReplayReport:
    """Step every command up to record `upto` again and compare event bytes and state digests.

    Starts from the genesis, or from the newest good snapshot. Stops at the first difference.
    Raises JournalError where the journal itself is damaged.
    """
    factory = engine_factory or default_factory()
    with JournalReader(path) as reader:
        start = _start(reader, factory, from_snapshot=from_snapshot, upto=upto)
        report = _replay_batches(reader, start, upto)
        if report.equal:
            return report
        start = _start(reader, factory, from_snapshot=from_snapshot, upto=upto)
        singly = _replay_steps(reader, start, upto, factory)
        return report if singly.equal else singly


def _replay_batches(reader: JournalReader, start: _Start, upto: int | None) -> ReplayReport:
    """Decide many commands at a time. Where a batch differs, its first record is named, not the event."""
    engine, first, chain = start
    run = _Covered(reader, first)
    for batch in batches(reader, first, chain, upto):
        what = _batch_difference(engine, batch)
        run.last, run.commands = batch.last, run.commands + len(batch.commands)
        run.events += batch.last - batch.seq + 1 - len(batch.commands)
        run.digests += bool(batch.state)
        if what:
            together = f"records {batch.seq} to {batch.last}: {what}, but not when decided one by one"
            return run.report(engine, Difference(seq=batch.seq, what=together, recorded="", replayed=""))
    return run.report(engine, None)


def _batch_difference(engine: EngineLike, batch: Batch) -> str:
    """What differs, or nothing."""
    try:
        found = engine.step_many(batch.commands)
    except (SeawallError, InvariantViolation) as error:
        return f"they were carried out, now they fail: {error}"
    records: list[Record] = []
    for command, events in zip(batch.commands, found):
        records.append(command)
        records += events
    if encode_records(records) != b"".join(batch.payloads) and not _same_events(records, batch.payloads):
        return "other events follow"
    if batch.state and engine.state.digest() != batch.state:
        return "the same events, another state digest"
    return ""


def _same_events(records: list[Record], payloads: list[bytes]) -> bool:
    """Whether only commands have other bytes: a command decodes alike from more than one spelling."""
    return len(records) == len(payloads) and all(
        isinstance(record, Command) or encode_record(record) == payload
        for record, payload in zip(records, payloads)
    )


def _replay_steps(
    reader: JournalReader, start: _Start, upto: int | None, factory: EngineFactory
) -> ReplayReport:
    """Decide command by command, to name the first event that differs and the states around it."""
    engine, first, chain = start
    run = _Covered(reader, first)
    for step in reader.steps(first, chain, upto):
        difference = step_difference(engine, step)
        run.last, run.commands, run.events = step.last, run.commands + 1, run.events + len(step.events)
        if difference is None and step.state:
            run.digests += 1
            if engine.state.digest() != step.state:
                difference = digest_difference(engine, step)
        if difference is not None:
            states = state_differences(_follow(reader, factory, step), engine, step)
            return run.report(engine, msgspec.structs.replace(difference, states=states))
    return run.report(engine, None)


class _Covered:
    """What a replay has gone through so far."""

    def __init__(self, reader: JournalReader, first: int) -> None:
        self.reader, self.first, self.last = reader, first, first
        self.commands = self.events = self.digests = 0

    def report(self, engine: EngineLike, difference: Difference | None) -> ReplayReport:
        return ReplayReport(
            path=str(self.reader.path),
            rulebook=self.reader.rulebook.tag,
            first_seq=self.first + 1,
            last_seq=self.last,
            commands=self.commands,
            events=self.events,
            digests=self.digests,
            state_sha256=engine.state.digest().hex(),
            difference=difference,
        )


def recover(path: str | Path, *, engine_factory: EngineFactory | None = None) -> Any:
    """The engine as it was after the last durable record: newest good snapshot, then the recorded events.

    Raises JournalError where the records after the snapshot are damaged, or where applying them does not
    give a recorded state digest.
    """
    factory = engine_factory or default_factory()
    with JournalReader(path) as reader:
        engine, first, chain = _start(reader, factory, from_snapshot=True, upto=None)
        follow(reader, engine, first, chain)
    return engine


def follow(
    reader: JournalReader, engine: EngineLike, after: int, chain: bytes, upto: int | None = None
) -> None:
    """Apply every recorded event after record `after`, whose chain hash is `chain`, without deciding."""
    for step in reader.steps(after, chain, upto):
        engine.apply_events(step.seq, step.events)
        if step.state and engine.state.digest() != step.state:
            raise damaged(
                reader.path,
                step.last,
                "the recorded events do not lead to the state digest recorded here",
                "The engine's apply has changed since then: use the version of seawall that wrote it.",
            )


def open_snapshot(reader: JournalReader, row: SnapshotRow, factory: EngineFactory) -> EngineLike:
    """The engine of one snapshot. Raises JournalError where it is altered or does not fit the chain."""
    types_ok = all(type(part) is bytes for part in (row.chain, row.state, row.hash, row.data))
    if not types_ok or snapshot_hash(row) != row.hash:
        raise damaged(reader.path, row.seq, "the snapshot after this record was altered", _SNAPSHOT_ADVICE)
    if reader.hash_at(row.seq) != row.chain:
        raise damaged(
            reader.path, row.seq, "the snapshot after this record is not of this chain", _SNAPSHOT_ADVICE
        )
    try:
        engine = factory.from_bytes(reader.rulebook_at(row.seq, _written_under(row.data)), row.data)
    except Exception as error:  # whatever the engine says: this snapshot is of no use to it
        raise damaged(
            reader.path, row.seq, f"the snapshot after it cannot be restored: {error}", _SNAPSHOT_ADVICE
        ) from error
    if engine.state.digest() != row.state or engine.state.seq != row.seq:
        raise damaged(
            reader.path, row.seq, "the snapshot after it restores to another state", _SNAPSHOT_ADVICE
        )
    return engine


class _Under(msgspec.Struct):
    """Of a state's bytes, the one field that says whose rules it was decided by; the rest is passed over."""

    rulebook: str


def _written_under(data: bytes) -> str:
    """sha256 of the rulebook that a snapshot says it was written under; "" where it does not say."""
    try:
        return msgspec.msgpack.decode(data, type=_Under).rulebook
    except msgspec.MsgspecError:
        return ""


_SNAPSHOT_ADVICE = (
    "Records are not affected: recovery uses an older snapshot or starts from the genesis, only slower."
)


def _start(reader: JournalReader, factory: EngineFactory, *, from_snapshot: bool, upto: int | None) -> _Start:
    if from_snapshot:
        for row in reader.snapshots():
            if upto is not None and row.seq > upto:
                continue
            try:
                return open_snapshot(reader, row, factory), row.seq, row.chain
            except JournalError:
                continue  # only a shortcut is lost; check_journal reports it
    return factory(reader.rulebook), 0, reader.genesis_hash


def _follow(reader: JournalReader, factory: EngineFactory, step: Step) -> EngineLike | None:
    """The engine that the recorded events give, up to and with `step`; None where they cannot be applied."""
    engine = factory(reader.rulebook)
    try:
        for past in reader.steps(upto=step.seq):
            engine.apply_events(past.seq, past.events)
    except Exception:  # only to explain a difference: what cannot be applied cannot be shown
        return None
    return engine
