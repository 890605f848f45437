"""The engine: one command in, its events out, the state moved on by them. Nothing else.

`step` is the same whether a venue runs live, a crash is simulated or a journal is replayed. It has
no clock, no randomness, no network; equal rulebooks and commands give equal bytes. A command that
cannot be carried out gives one `Refused` event. After an InvariantViolation the engine is stopped
and must be restored from its journal.
"""

from __future__ import annotations

from collections.abc import Iterable

from seawall.engine import events as ev
from seawall.engine.apply import apply
from seawall.engine.commands import (
    AnyCommand,
    CancelOrder,
    Deposit,
    ReportFill,
    ReportOrderDone,
    ReportPrices,
    ReportVols,
    Tick,
)
from seawall.engine.decide import DECIDERS
from seawall.engine.decide.refuse import Refusal
from seawall.engine.invariants import check_full, check_step
from seawall.engine.sieve import Sieve
from seawall.engine.state import State
from seawall.engine.writer import Writer
from seawall.errors import InvariantViolation
from seawall.rulebooks.model import Rulebook
from seawall.units import INT64_MAX

# Facts from outside, and what only lowers risk. Everything else waits until people have decided.
WHILE_HALTED = (ReportPrices, ReportVols, ReportFill, ReportOrderDone, Deposit, Tick, CancelOrder)


class Engine:
    """A venue under one rulebook."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.state = State(rulebook)
        self.state.sieve = Sieve()
        self._stopped = ""

    @classmethod
    def from_bytes(cls, rulebook: Rulebook, data: bytes) -> Engine:
        """Restore a snapshot: same digest, same future."""
        engine = cls.__new__(cls)
        engine.state = State.from_bytes(rulebook, data)
        engine.state.sieve = Sieve()
        engine._stopped = ""
        return engine

    def step(self, command: AnyCommand) -> tuple[ev.AnyEvent, ...]:
        """Carry out one command. It takes the next sequence number, its events the ones after."""
        events = self._step(command)
        self._check_step()
        return events

    def step_many(self, commands: Iterable[AnyCommand]) -> list[tuple[ev.AnyEvent, ...]]:
        """The same events as one `step` each, with the invariants checked once at the end."""
        found = [self._step(command) for command in commands]
        self._check_step()
        return found

    def apply_events(self, command_seq: int, events: Iterable[ev.AnyEvent]) -> None:
        """Recovery: write recorded events without deciding. Sequence numbers must be dense."""
        self.state.seq = command_seq
        for event in events:
            if event.seq != self.state.seq + 1:
                raise InvariantViolation(f"event {event.seq} follows {self.state.seq}; one is missing")
            apply(self.state, event)
        self._check_step()

    def check(self) -> None:
        """Re-add every column. Raises InvariantViolation."""
        check_full(self.state)

    def _step(self, command: AnyCommand) -> tuple[ev.AnyEvent, ...]:
        if self._stopped:
            raise InvariantViolation(
                f"the engine stopped at seq {self.state.seq}: {self._stopped}\n"
                "  Restore it from its journal; nothing was written after that record."
            )
        state = self.state
        state.seq += 1
        # A command from the past must not turn the clock back: its refusal carries the engine's time.
        now_ns = command.time_ns if command.time_ns <= INT64_MAX else state.time_ns
        writer = Writer(state, command_seq=state.seq, time_ns=max(now_ns, state.time_ns))
        before, state.time_ns = state.time_ns, writer.time_ns
        try:
            self._decide(writer, command, before)
        except Refusal as refusal:
            if writer.events:
                self._stop(f"{type(command).__name__} was refused after it had written: {refusal}")
            refusal.write(writer, type(command).__name__)
        except OverflowError as error:
            if writer.events:
                self._stop(f"{type(command).__name__}: {error} after it had written")
            Refusal(f"a number would not fit in 64 bits: {error}").write(writer, type(command).__name__)
        except Exception as error:
            self._stop(f"{type(command).__name__}: {type(error).__name__}: {error}", error)
        if not writer.events:
            writer.emit(ev.Advanced)
        return tuple(writer.events)

    def _decide(self, writer: Writer, command: AnyCommand, now_ns: int) -> None:
        state = self.state
        if not now_ns <= command.time_ns <= INT64_MAX:
            raise Refusal("time goes back, or beyond 64 bits", time_ns=command.time_ns, now_ns=now_ns)
        if state.halted and not isinstance(command, WHILE_HALTED):
            raise Refusal(f"the venue is halted: {state.halted}")
        DECIDERS[type(command)](writer, command)

    def _check_step(self) -> None:
        try:
            check_step(self.state)
        except InvariantViolation as error:
            self._stopped = str(error)
            raise

    def _stop(self, reason: str, error: Exception | None = None) -> None:
        self._stopped = reason
        raise InvariantViolation(f"seq {self.state.seq}: {reason}") from error
