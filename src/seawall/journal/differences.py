"""Where a replay parts from the record, in words: both events, and what differs between the two states."""

from __future__ import annotations

import hashlib
from itertools import zip_longest
from typing import Any

import msgspec

from seawall.engine.events import Event
from seawall.errors import InvariantViolation, SeawallError
from seawall.journal.codec import describe, encode_record
from seawall.journal.protocol import EngineLike
from seawall.journal.reader import Step

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


def step_difference(engine: EngineLike, step: Step) -> Difference | None:
    """Decide one command again: None where its events come out with the recorded bytes."""
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


def digest_difference(engine: EngineLike, step: Step) -> Difference:
    """Another state than the one recorded after this step."""
    return Difference(
        seq=step.last,
        what="the same events, another state digest after this record",
        recorded=f"  sha256 {step.state.hex()}",
        replayed=f"  sha256 {engine.state.digest().hex()}",
    )


def state_differences(recorded: EngineLike | None, replayed: EngineLike, step: Step) -> tuple[str, ...]:
    """What differs between the state that the recorded events give and the one decided now."""
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
