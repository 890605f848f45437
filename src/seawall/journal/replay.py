"""Running a journal again: `replay` decides every command anew and compares, `recover` follows what was
decided.

Replay is the proof of determinism: the same commands must give the same event bytes and the same state
digests. Recovery trusts the recorded events: the newest good snapshot, then the events after it, applied
without deciding. Both check the hash chain as they read. Both end in the same state;
`check_journal(deep=True)` compares them.
"""

from __future__ import annotations

import hashlib
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec

from seawall.engine.events import Event
from seawall.errors import InvariantViolation, JournalError, SeawallError
from seawall.journal.codec import describe, encode_record
from seawall.journal.layout import SnapshotRow, damaged, snapshot_hash
from seawall.journal.protocol import EngineFactory, EngineLike, default_factory
from seawall.journal.reader import JournalReader, Step

MAX_POTS_COMPARED = 100


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where a replay first parts from the record: what was recorded, what came out, which state differs."""

    seq: int
    what: str
    recorded: str
    replayed: str
    states: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"record {self.seq}: {self.what}", "recorded:", self.recorded, "replayed:", self.replayed]
        return "\n".join(lines + (["states:", *self.states] if self.states else []))


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
        engine, first, chain = _start(reader, factory, from_snapshot=from_snapshot, upto=upto)
        last, commands, events, digests = first, 0, 0, 0
        difference = None
        for step in reader.steps(first, chain, upto):
            difference = _step_difference(engine, step)
            last, commands, events = step.last, commands + 1, events + len(step.events)
            if difference is None and step.state:
                digests += 1
                if engine.state.digest() != step.state:
                    difference = _digest_difference(engine, step)
            if difference is not None:
                recorded = _follow(reader, factory, step)
                states = _state_differences(recorded, engine, step)
                difference = msgspec.structs.replace(difference, states=states)
                break
        return ReplayReport(
            path=str(path),
            rulebook=reader.rulebook.tag,
            first_seq=first + 1,
            last_seq=last,
            commands=commands,
            events=events,
            digests=digests,
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
        for step in reader.steps(first, chain):
            engine.apply_events(step.seq, step.events)
            if step.state and engine.state.digest() != step.state:
                raise damaged(
                    reader.path,
                    step.last,
                    "the recorded events do not lead to the state digest recorded here",
                    "The engine's apply has changed since then: use the version of seawall that wrote it.",
                )
    return engine


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
        engine = factory.from_bytes(reader.rulebook_at(row.seq), row.data)
    except Exception as error:  # whatever the engine says: this snapshot is of no use to it
        raise damaged(
            reader.path, row.seq, f"the snapshot after it cannot be restored: {error}", _SNAPSHOT_ADVICE
        ) from error
    if engine.state.digest() != row.state or engine.state.seq != row.seq:
        raise damaged(
            reader.path, row.seq, "the snapshot after it restores to another state", _SNAPSHOT_ADVICE
        )
    return engine


_SNAPSHOT_ADVICE = (
    "Records are not affected: recovery uses an older snapshot or starts from the genesis, only slower."
)


def _start(
    reader: JournalReader, factory: EngineFactory, *, from_snapshot: bool, upto: int | None
) -> tuple[EngineLike, int, bytes]:
    if from_snapshot:
        for row in reader.snapshots():
            if upto is not None and row.seq > upto:
                continue
            try:
                return open_snapshot(reader, row, factory), row.seq, row.chain
            except JournalError:
                continue  # only a shortcut is lost; check_journal reports it
    return factory(reader.rulebook), 0, reader.genesis_hash


def _step_difference(engine: EngineLike, step: Step) -> Difference | None:
    try:
        events = engine.step(step.command)
    except (SeawallError, InvariantViolation) as error:
        recorded = "\n".join(map(describe, step.events)) or "  no events"
        return Difference(
            seq=step.seq,
            what=f"{type(step.command).__name__} was carried out, now it fails",
            recorded=recorded,
            replayed=f"  {type(error).__name__}: {error}",
        )
    payloads = [encode_record(event) for event in events]
    if payloads == step.payloads:
        return None
    for index, (old, new) in enumerate(zip_longest(step.payloads, payloads)):
        if old != new:
            return Difference(
                seq=step.seq + 1 + index,
                what=f"another event follows from {type(step.command).__name__} {step.seq}",
                recorded=describe(step.events[index]) if old is not None else "  no further event",
                replayed=describe(events[index]) if new is not None else "  no further event",
            )
    raise AssertionError("payload lists differ, and no payload in them")


def _digest_difference(engine: EngineLike, step: Step) -> Difference:
    return Difference(
        seq=step.last,
        what="the same events, another state digest after this record",
        recorded=f"  sha256 {step.state.hex()}",
        replayed=f"  sha256 {engine.state.digest().hex()}",
    )


def _follow(reader: JournalReader, factory: EngineFactory, step: Step) -> EngineLike | None:
    """The engine that the recorded events give, up to and with `step`; None where they cannot be applied."""
    engine = factory(reader.rulebook)
    try:
        for past in reader.steps(upto=step.seq):
            engine.apply_events(past.seq, past.events)
    except Exception:  # only to explain a difference: what cannot be applied cannot be shown
        return None
    return engine


def _state_differences(recorded: EngineLike | None, replayed: EngineLike, step: Step) -> tuple[str, ...]:
    if recorded is None:
        return ("  the recorded events cannot be applied, so their state cannot be shown",)
    if recorded.state.digest() == replayed.state.digest():
        return ("  both states are equal",)
    lines = []
    for pot in sorted(pots_of(step.events))[:MAX_POTS_COMPARED]:
        old, new = _describe_pot(recorded.state, pot), _describe_pot(replayed.state, pot)
        for name in sorted(set(old) | set(new), key=str):
            if old.get(name) != new.get(name):
                lines.append(f"  pot {pot} {name}: recorded {old.get(name)}, replayed {new.get(name)}")
    if not lines:
        sizes = [hashlib.sha256(engine.state.to_bytes()).hexdigest()[:16] for engine in (recorded, replayed)]
        lines = [
            f"  no pot of these events differs, the whole states do: {sizes[0]} recorded, {sizes[1]} replayed"
        ]
    return tuple(lines)


def _describe_pot(state: Any, pot: int) -> dict[str, Any]:
    if not hasattr(state, "describe_pot"):
        return {}
    try:
        return dict(state.describe_pot(pot))
    except (LookupError, ValueError):
        return {"exists": False}


def pots_of(events: tuple[Event, ...]) -> set[int]:
    """Every pot that some events name."""
    pots = set()
    for event in events:
        single = [getattr(event, name) for name in ("pot", "to_pot") if hasattr(event, name)]
        parts = [part.pot for name in ("entries", "legs") for part in getattr(event, name, ())]
        pots.update(single + parts)
    return pots
