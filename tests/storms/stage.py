"""Where a storm is played: an engine, its journal, the slow ledger, and a checker after every act.

An act is a command, a commit, a crash, a snapshot to disk, or a restore from the engine's own bytes. A list
of acts played again gives the same bytes, so a failing list can be cut down (shrink.py). A crash throws away
the engine and all that was not committed; what recovery builds must be what the last commit left, and the
storm goes on with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS
from seawall.errors import JournalError
from seawall.rulebooks.model import Rulebook
from tests.storms import view
from tests.storms.asked import check_answer
from tests.storms.disk import Disk
from tests.storms.judge import Judge
from tests.storms.ledger import Broken, Ledger, touched

Step = tuple[int, cmd.AnyCommand, tuple[ev.AnyEvent, ...]]
SWEEPING = (cmd.ReportPrices, cmd.Tick, cmd.ApplyFunding, cmd.SettleInstrument, cmd.Enact)
LOOKS = (cmd.ReportFill, cmd.Deposit, cmd.Transfer, cmd.SetLeverage, cmd.ReportOrderDone)
FULL_EVERY = 8  # steps between comparisons of everything; what a step touched is compared at once


class Act(msgspec.Struct, frozen=True):
    """`kind`: step, commit, crash, snapshot, restore. `salt` decides how a crash happens."""

    kind: str
    command: Any = None
    salt: int = 0


class Stage:
    """Plays acts. `folder` is where the journal goes; without one it is kept in memory."""

    def __init__(self, rulebook: Rulebook, folder: Path | None = None) -> None:
        self.rulebook = rulebook
        self.disk = Disk(folder, rulebook) if folder is not None else None
        self.engine: Engine = self.disk.recorder.engine if self.disk else Engine(rulebook)
        self.ledger = Ledger(rulebook)
        self.judge = Judge(self.ledger)
        self.acts: list[Act] = []
        self.durable: list[Step] = []
        self.pending: list[Step] = []
        self.bytes = self.committed = self.engine.state.to_bytes()
        self.saved: tuple[int, bytes, Rulebook] = (0, self.bytes, rulebook)  # steps done, state, its rules
        self.crashes = 0

    def play(self, act: Act) -> list[Step]:
        """One act; a commit gives the steps it made durable. Raises Broken at the first thing wrong."""
        self.acts.append(act)
        with _named("engine" if act.kind == "step" else "restart", act):
            return self._play(act)

    def _play(self, act: Act) -> list[Step]:
        if act.kind == "step":
            self._step(act.command)
        elif act.kind == "commit":
            return self._commit()
        elif act.kind == "crash":
            self._crash(act.salt)
        elif act.kind == "restore":
            self._restore()
        elif act.kind == "snapshot":
            self.saved = (len(self.durable), self.committed, self.ledger.rulebook)
            if not self.pending and self.disk:
                self.disk.recorder.journal.snapshot(self.engine.state)
        return []

    # -- one command ----------------------------------------------------------------------------------

    def _step(self, command: cmd.AnyCommand) -> None:
        before = self.bytes
        events = self._decide(command)
        if not events:
            return
        seq = events[0].seq - 1
        self.pending.append((seq, command, events))
        self.bytes = self.engine.state.to_bytes()
        refused = isinstance(events[0], ev.Refused)
        if refused and (len(events) > 1 or view.contents(self.bytes) != view.contents(before)):
            raise Broken("refusal", f"{command} was refused and changed something: {events}")
        opened = {pot for pot in range(HOUSE_ACCOUNTS, len(self.ledger.pots)) if self.ledger.exposed(pot)}
        self.ledger.records[seq] = type(command).__name__
        self._follow(seq, events)
        if not refused:
            check_answer(self.ledger, command, events, opened)
            self._look_around(command, events)
            self.judge.orders(events)
        self._compare(events)

    def _decide(self, command: cmd.AnyCommand) -> tuple[ev.AnyEvent, ...]:
        """Its events; none where the journal has no form for the command, and so nothing may change."""
        if not self.disk:
            return self.engine.step(command)
        try:
            return self.disk.recorder.step(command)
        except JournalError as error:
            if self.engine.state.to_bytes() != self.bytes:
                raise Broken("refusal", f"{command} cannot be written and changed something") from error
            return ()

    def _follow(self, seq: int, events: tuple[ev.AnyEvent, ...]) -> None:
        for place, event in enumerate(events, seq + 1):
            if event.seq != place or not 0 < event.cause_seq < place:
                raise Broken("cause", f"record {place} is numbered or caused out of order: {event}")
            self.judge.before(event)
            try:
                self.ledger.book(event)
            except (LookupError, ValueError) as error:
                raise Broken("ledger", f"{error!r} booking {event}") from error
            self.judge.after(event)

    def _look_around(self, command: cmd.AnyCommand, events: tuple[ev.AnyEvent, ...]) -> None:
        ledger = self.ledger
        opens = isinstance(command, cmd.Override) and not command.close
        if isinstance(command, SWEEPING) or opens:
            self.judge.missed(range(HOUSE_ACCOUNTS, len(ledger.pots)))
        elif isinstance(command, LOOKS):
            pots = {pot for event in events for pot in touched(event)}
            pots |= {event.pot for event in events if isinstance(event, ev.LeverageSet)}
            self.judge.missed(sorted(pots))

    def _compare(self, events: Iterable[ev.AnyEvent]) -> None:
        """The engine's columns against the slow ledger."""
        everything = len(self.acts) % FULL_EVERY == 0
        pots = {pot for event in events for pot in (*touched(event), getattr(event, "pot", -1)) if pot >= 0}
        for pot in range(len(self.ledger.pots)) if everything else sorted(pots):
            if wrong := view.pot_differs(self.engine, self.ledger, pot):
                raise Broken("state", wrong)
        if everything:
            self.engine.check()
            if wrong := view.venue_differs(self.engine, self.ledger):
                raise Broken("state", wrong)

    # -- journal, crashes, snapshots ------------------------------------------------------------------

    def _commit(self) -> list[Step]:
        if self.disk:
            self.disk.recorder.commit()
        done, self.pending = self.pending, []
        self.durable += done
        self.committed = self.bytes
        return done

    def _restore(self) -> None:
        """Go on with an engine made from this one's own bytes."""
        self.engine = Engine.from_bytes(self.ledger.rulebook, self.bytes)
        if self.engine.state.to_bytes() != self.bytes:
            what = view.difference(self.bytes, self.engine.state.to_bytes())
            raise Broken("restart", f"a snapshot restores to another state: {what}")
        if self.disk:
            self.disk.recorder.engine = self.engine

    def _crash(self, salt: int) -> None:
        rng = Random(salt)
        self.crashes += 1
        if self.disk:
            self.engine, survived = self.disk.crash(rng, unacknowledged=bool(self.pending))
            if survived:  # the commit was on its way, and all of it arrived
                self.durable, self.committed = self.durable + self.pending, self.bytes
        elif rng.random() < 0.5:
            done, data, rulebook = self.saved
            self.engine = Engine.from_bytes(rulebook, data)
            self._recover(self.durable[done:])
        else:
            self.engine = Engine(self.rulebook)
            self._recover(self.durable)
        self.pending, self.bytes = [], self.committed
        found = self.engine.state.to_bytes()
        if found != self.committed:
            what = view.difference(self.committed, found)
            raise Broken("restart", f"a restart comes back as another engine: {what}")
        self.ledger = Ledger(self.rulebook)
        self.judge = Judge(self.ledger)
        for seq, command, events in self.durable:
            self.ledger.records[seq] = type(command).__name__
            for event in events:
                self.ledger.book(event)

    def _recover(self, steps: list[Step]) -> None:
        for seq, _command, events in steps:
            self.engine.apply_events(seq, events)

    # -- at the end -----------------------------------------------------------------------------------

    def finish(self) -> None:
        """Replayed in batches without the sieve, and followed from the events: the same bytes."""
        self.play(Act("commit"))
        commands = [command for _seq, command, _events in self.durable]
        recorded = [events for _seq, _command, events in self.durable]
        replayed = view.without_sieve(Engine(self.rulebook))
        rng, start, found = Random(len(commands)), 0, []
        while start < len(commands):
            size = rng.choice([1, 7, 50])
            found += replayed.step_many(commands[start : start + size])
            start += size
        if found != recorded or replayed.state.to_bytes() != self.committed:
            raise Broken(*self._why(commands, recorded))
        followed = Engine(self.rulebook)
        with _named("restart", "following the events"):
            for seq, _command, events in self.durable:
                followed.apply_events(seq, events)
        if followed.state.to_bytes() != self.committed:
            what = view.difference(self.committed, followed.state.to_bytes())
            raise Broken("restart", f"following the events ends elsewhere: {what}")
        if self.disk:
            with _named("journal", "the journal at the end"):
                self.disk.finish()

    def close(self) -> None:
        """Let go of the files, whatever happened."""
        if self.disk:
            self.disk.recorder.journal.abandon()

    def _why(self, commands: list[cmd.AnyCommand], recorded: list[Any]) -> tuple[str, str]:
        """A replay differed: does deciding again, batching, or the sieve make the difference?"""
        again = Engine(self.rulebook)
        if [again.step(command) for command in commands] != recorded:
            return "replay", "the same commands give other events"
        batched = Engine(self.rulebook)
        if batched.step_many(commands) != recorded:
            return "batch", "step_many gives other events than step"
        looking = view.without_sieve(Engine(self.rulebook))
        for (seq, command, events), mine in zip(self.durable, map(looking.step, commands)):
            if events != mine:
                return "sieve", f"seq {seq} {command}: {events} with the sieve, {mine} without"
        return "replay", "a replay ends in another state"


@contextmanager
def _named(checker: str, doing: object) -> Iterator[None]:
    """Whatever else is raised is a failure too, of this check."""
    try:
        yield
    except Broken:
        raise
    except Exception as error:
        raise Broken(checker, f"{doing}: {type(error).__name__}: {error}") from error


def replay_acts(rulebook: Rulebook, acts: list[Act], folder: Path | None = None) -> Stage:
    """Play a list of acts and finish. Raises Broken as the storm did."""
    stage = Stage(rulebook, folder)
    try:
        for act in acts:
            stage.play(act)
        stage.finish()
    finally:
        stage.close()
    return stage
