"""What the journal needs of an engine. `seawall.engine.engine.Engine` is one; tests bring a small one of
their own.

`seq` counts records: a command takes one number, each of its events the next one. A digest is 32 bytes of
sha256 over the whole state; `to_bytes` and `from_bytes` carry a state so exactly that its digest and its
future are equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from seawall.engine.commands import Command
from seawall.engine.events import Event
from seawall.rulebooks.model import Rulebook


class StateLike(Protocol):
    """The state of an engine, read only."""

    @property
    def seq(self) -> int: ...

    def digest(self) -> bytes: ...

    def to_bytes(self) -> bytes: ...


class EngineLike(Protocol):
    """Decides (`step`; `step_many` with the same events) or follows what was decided (`apply_events`)."""

    @property
    def state(self) -> Any: ...

    def step(self, command: Any, /) -> tuple[Event, ...]: ...

    def step_many(self, commands: Iterable[Any], /) -> Sequence[tuple[Event, ...]]: ...

    def apply_events(self, command_seq: int, events: Sequence[Any], /) -> None: ...


class EngineFactory(Protocol):
    """Makes engines: the class `Engine` itself, or a stand-in."""

    def __call__(self, rulebook: Rulebook, /) -> EngineLike: ...

    def from_bytes(self, rulebook: Rulebook, data: bytes, /) -> EngineLike: ...


__all__ = ["Command", "EngineFactory", "EngineLike", "StateLike", "default_factory"]


def default_factory() -> EngineFactory:
    """The real engine; imported late, so that reading a journal needs no compiled kernels."""
    from seawall.engine.engine import Engine

    return Engine
