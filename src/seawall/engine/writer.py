"""The pen of a step: stamps an event with its sequence number, has it applied, keeps it.

Deciders read the state and say what happened; the next thing they read already includes it.
Sequence numbers count commands and events together; `cause` is the number of the record that
brought an event about. Units as in engine.events.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from seawall.engine.apply import apply
from seawall.engine.events import AnyEvent, Event
from seawall.engine.state import State

E = TypeVar("E", bound=Event)


class Touched:
    """Pots whose money or position others changed, and for each the last event that did."""

    def __init__(self) -> None:
        self._single: dict[int, int] = {}
        self._masses: list[tuple[NDArray[np.int64], int]] = []

    def add(self, pot: int, seq: int) -> None:
        self._single[pot] = seq

    def add_all(self, pots: NDArray[np.int64], seq: int) -> None:
        """`pots` in rising order."""
        if pots.size:
            self._masses.append((pots, seq))

    def __bool__(self) -> bool:
        return bool(self._single or self._masses)

    def pots(self) -> NDArray[np.int64]:
        """All of them in rising order."""
        if len(self._masses) == 1 and not self._single:
            return self._masses[0][0]
        single = np.array(sorted(self._single), np.int64)
        return np.unique(np.concatenate([single, *(pots for pots, _seq in self._masses)]))

    def get(self, pot: int, default: int = 0) -> int:
        """The last event that touched the pot."""
        last = self._single.get(pot, 0)
        for pots, seq in self._masses:
            place = int(pots.searchsorted(pot))
            if place < pots.size and pots.item(place) == pot:
                last = max(last, seq)
        return last or default


class Writer:
    """Collects the events of one command, in order."""

    def __init__(self, state: State, *, command_seq: int, time_ns: int) -> None:
        self.state = state
        self.command_seq = command_seq
        self.time_ns = time_ns
        self.events: list[AnyEvent] = []
        self.touched = Touched()

    def emit(self, event_type: type[E], /, *, cause: int = 0, **fields: Any) -> int:
        """Write one event; returns its sequence number, to be named as cause by what follows."""
        event = event_type(
            seq=self.state.seq + 1, cause_seq=cause or self.command_seq, time_ns=self.time_ns, **fields
        )
        return self.put(event)

    def put(self, event: Event) -> int:
        """`emit` of an event that its decider has stamped: ten times quicker to make than from `fields`."""
        apply(self.state, event)
        self.events.append(event)  # type: ignore[arg-type]
        return event.seq
