"""The pen of a step: stamps an event with its sequence number, has it applied, keeps it.

Deciders read the state and say what happened; the next thing they read already includes it.
Sequence numbers count commands and events together; `cause` is the number of the record that
brought an event about. Units as in engine.events.
"""

from __future__ import annotations

from typing import Any, TypeVar

from seawall.engine.apply import apply
from seawall.engine.events import AnyEvent, Event
from seawall.engine.state import State

E = TypeVar("E", bound=Event)


class Writer:
    """Collects the events of one command, in order."""

    def __init__(self, state: State, *, command_seq: int, time_ns: int) -> None:
        self.state = state
        self.command_seq = command_seq
        self.time_ns = time_ns
        self.events: list[AnyEvent] = []
        self.touched: dict[int, int] = {}  # pot whose money or position others changed -> the event that did

    def emit(self, event_type: type[E], /, *, cause: int = 0, **fields: Any) -> int:
        """Write one event; returns its sequence number, to be named as cause by what follows."""
        event = event_type(
            seq=self.state.seq + 1, cause_seq=cause or self.command_seq, time_ns=self.time_ns, **fields
        )
        apply(self.state, event)
        self.events.append(event)  # type: ignore[arg-type]
        return event.seq
