"""What must be true of every storm, after every step and at its end. Nothing here is shared with the engine.

A shadow ledger is kept from the events alone and compared with the engine's columns, so an event that does
not tell all it did is caught. Amounts atoms, sizes lots.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
import numpy as np

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.ladder import _forbidden
from seawall.engine.engine import Engine
from seawall.engine.state import CLEARING, FLAG_LIQUIDATING, FLAG_UNKNOWN, HOUSE_ACCOUNTS, State
from seawall.margin.statement import health
from seawall.rulebooks.model import Rulebook

SWEEPING = (cmd.ReportPrices, cmd.Tick, cmd.ApplyFunding)
FORCED = (ev.LiquidationStarted, ev.LiquidationOrderSent, ev.TakenOver, ev.Bankrupt)
CHANGES = (ev.Transferred, ev.Traded, ev.FundingPaid, ev.LossSocialised)


class Checker:
    """Steps an engine and raises AssertionError at the first thing that is wrong."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.lots: dict[tuple[int, int], int] = defaultdict(int)
        self.cash: dict[tuple[int, int], int] = defaultdict(int)
        self.open: dict[int, list[str]] = {}  # pot -> what happened since its liquidation started
        self.unknown: set[int] = set()
        self.settle = engine.state.settle_row
        self.snapshot: tuple[int, bytes] | None = None
        self.events: list[tuple[int, tuple[ev.AnyEvent, ...]]] = []
        state = engine.state
        for pot in range(state.book.n_pots):
            for asset in np.flatnonzero(state.book.balances[pot]).tolist():
                self.cash[pot, asset] = int(state.book.balances[pot, asset])

    def step(self, command: cmd.AnyCommand) -> tuple[ev.AnyEvent, ...]:
        state = self.engine.state
        seq, before, had = (
            state.seq,
            contents(state),
            {pot for (pot, _row), lots in self.lots.items() if lots},
        )
        owing = {pot for (pot, _asset), atoms in self.cash.items() if atoms < 0}
        halted = state.halted
        events = self.engine.step(command)
        self.engine.check()
        self.events.append((seq + 1, events))
        assert [event.seq for event in events] == list(range(seq + 2, seq + 2 + len(events)))
        assert all(0 < event.cause_seq < event.seq for event in events)
        if any(isinstance(event, ev.Refused) for event in events):
            assert len(events) == 1 and contents(state) == before, f"a refusal changed something: {events}"
            return events
        for event in events:
            self.follow(event)
        self.compare(state)
        self.check_touched(command, events, had | owing)
        self.check_orders(state, events)
        if halted:
            assert not any(isinstance(event, FORCED) for event in events), "a halted venue liquidates"
        elif isinstance(command, SWEEPING) and not state.halted:
            self.check_nobody_forgotten(state)
        if self.snapshot is None and len(self.events) > 60:
            self.snapshot = (len(self.events), state.to_bytes())
        return events

    def follow(self, event: ev.AnyEvent) -> None:
        """One event into the shadow ledger and the life of its pot."""
        if isinstance(event, FORCED) and event.pot >= HOUSE_ACCOUNTS:
            assert event.pot not in self.unknown, f"unknown pot {event.pot}: {event}"
        if isinstance(event, ev.AccountUnknown):
            self.unknown.add(event.pot)
        elif isinstance(event, ev.AccountKnown):
            self.unknown.remove(event.pot)
        elif isinstance(event, ev.LiquidationStarted):
            assert event.pot not in self.open, f"started twice: {event}"
            assert event.equity_atoms < event.requirement_atoms
            self.open[event.pot] = []
        elif isinstance(event, (ev.TakenOver, ev.Bankrupt)) and event.pot >= HOUSE_ACCOUNTS:
            self.open[event.pot].append(type(event).__name__)
        elif isinstance(event, ev.LiquidationEnded):
            happened = self.open.pop(event.pot)
            expected = {"taken_over": ["TakenOver"], "bankrupt": ["Bankrupt"]}.get(event.outcome, [])
            assert happened == expected, f"{event.outcome} after {happened}"
            assert event.equity_atoms >= 0, f"ended below zero: {event}"
            if event.outcome == "restored":
                assert event.equity_atoms >= event.requirement_atoms
            if event.outcome == "bankrupt":
                assert not any(lots for (pot, _row), lots in self.lots.items() if pot == event.pot)
                assert not any(atoms for (pot, _asset), atoms in self.cash.items() if pot == event.pot)
        elif isinstance(event, ev.LossSocialised):
            assert event.loss_atoms > 0
        self.book(event)

    def book(self, event: ev.AnyEvent) -> None:
        if isinstance(event, ev.Transferred):
            assert all(entry.amount_atoms for entry in event.entries), event
            for entry in event.entries:
                self.cash[entry.pot, entry.asset] += entry.amount_atoms
        elif isinstance(event, ev.Traded):
            for leg in event.legs:
                before = self.lots[leg.pot, event.instrument]
                self.lots[leg.pot, event.instrument] += leg.size_lots
                after = self.lots[leg.pot, event.instrument]
                if event.kind in ("liquidation", "adl", "takeover") and leg.pot >= HOUSE_ACCOUNTS:
                    if event.kind != "liquidation" or leg.pot in self.open:
                        assert before * after >= 0, f"{event.kind} turned a position: {event}"
                self.cash[leg.pot, self.settle[event.instrument]] += leg.realised_atoms
                self.cash[CLEARING, self.settle[event.instrument]] -= leg.realised_atoms
        elif isinstance(event, (ev.FundingPaid, ev.LossSocialised)):
            asset = event.asset if isinstance(event, ev.LossSocialised) else self.settle[event.instrument]
            for pot, atoms in columns(event):
                self.cash[pot, asset] += atoms
            if isinstance(event, ev.FundingPaid):
                self.cash[2, asset] += event.rest_atoms

    def compare(self, state: State) -> None:
        book = state.book
        cash = {
            (pot, asset): int(book.balances[pot, asset])
            for pot, asset in np.argwhere(book.balances[: book.n_pots]).tolist()
        }
        lots = {
            (pot, int(book.pos_instrument[slot])): int(book.pos_lots[slot])
            for pot in range(book.n_pots)
            for slot in book.positions(pot)
            if book.pos_lots[slot]
        }
        assert cash == {key: atoms for key, atoms in self.cash.items() if atoms}
        assert lots == {key: size for key, size in self.lots.items() if size}
        assert self.unknown == set(np.flatnonzero(state.flags[: book.n_pots] & FLAG_UNKNOWN).tolist())
        assert set(self.open) == set(np.flatnonzero(state.flags[: book.n_pots] & FLAG_LIQUIDATING).tolist())

    def check_touched(
        self, command: cmd.AnyCommand, events: tuple[ev.AnyEvent, ...], exposed: set[int]
    ) -> None:
        """Nobody without a position or a debt is touched by others' business, except by socialising."""
        if not isinstance(command, (*SWEEPING, cmd.SettleInstrument, cmd.Override, cmd.ReportOrderDone)):
            return
        for event in events:
            if isinstance(event, CHANGES) and not isinstance(event, ev.LossSocialised):
                strangers = {pot for pot in touched(event) if pot >= HOUSE_ACCOUNTS} - exposed
                assert not strangers, f"pots {strangers} hold nothing and were touched: {event}"

    def check_orders(self, state: State, events: tuple[ev.AnyEvent, ...]) -> None:
        for order in state.orders.values():
            held = self.lots.get((order.pot, order.instrument), 0)
            if order.liquidation and not order.recalled and order.pot >= HOUSE_ACCOUNTS:
                assert order.pot in self.open and order.pot not in self.unknown, "an order is out for nobody"
            if order.reduce_only:
                assert held * order.size_lots < 0 and abs(order.size_lots) <= abs(held), "reduce-only adds"
        sent = [event for event in events if isinstance(event, ev.LiquidationOrderSent)]
        for event in sent:
            if event is events[-1]:
                numbers = state.sent_orders[event.pot]
                held = self.lots[event.pot, event.instrument]
                out = [state.orders[n] for n in numbers if state.orders[n].instrument == event.instrument]
                offered = sum(abs(order.size_lots) for order in out if order.size_lots * held < 0)
                assert offered <= abs(held), "more on offer than is held"

    def check_nobody_forgotten(self, state: State) -> None:
        """Known, below the trigger, nothing in the way: then it is being liquidated."""
        if not state.market.mark.any():
            return  # before the first price of all, nobody is looked at
        for pot in range(HOUSE_ACCOUNTS, state.book.n_pots):
            exposed = state.book.positions(pot) or (state.book.balances[pot] < 0).any()
            if pot in self.open or pot in self.unknown or not exposed:
                continue
            now = health(state.book, state.margin, state.market, pot, state.rulebook.liquidation.trigger)
            assert now.known, f"pot {pot} cannot be valued and is not marked unknown"
            waits = now.margin_atoms >= 0 or _forbidden(state, pot)
            assert waits, f"pot {pot} is below the trigger and nothing happens: {state.describe_pot(pot)}"

    def finish(self, rulebook: Rulebook, commands: list[cmd.AnyCommand]) -> None:
        """Replay, batch, recovery from events, and restore from a snapshot: all end in the same bytes."""
        digest = self.engine.state.digest()
        replayed = Engine(rulebook)
        replayed.state.sieve = None  # everybody is looked at: the sieve must not have missed anyone
        batches = [replayed.step_many(commands[start : start + 50]) for start in range(0, len(commands), 50)]
        assert replayed.state.digest() == digest, "a replay ends elsewhere"
        assert [events for batch in batches for events in batch] == [events for _seq, events in self.events]
        recovered = Engine(rulebook)
        for seq, events in self.events:
            recovered.apply_events(seq, events)
        assert recovered.state.digest() == digest, "following the events ends elsewhere"
        if self.snapshot is not None and self.engine.state.sha256 == rulebook.sha256:
            done, data = self.snapshot
            restored = Engine.from_bytes(rulebook, data)
            assert restored.state.to_bytes() == data
            for command in commands[done:]:
                restored.step(command)
            assert restored.state.digest() == digest, "a restored engine has another future"


def contents(state: State) -> dict[str, Any]:
    parts = msgspec.msgpack.decode(state.to_bytes())
    return {name: value for name, value in parts.items() if name not in ("seq", "time_ns")}


def columns(event: ev.FundingPaid | ev.LossSocialised) -> list[tuple[int, int]]:
    pots, amounts = np.frombuffer(event.pots, "<i8"), np.frombuffer(event.amounts_atoms, "<i8")
    return list(zip(pots.tolist(), amounts.tolist(), strict=True))


def touched(event: ev.AnyEvent) -> list[int]:
    if isinstance(event, ev.Transferred):
        return [entry.pot for entry in event.entries]
    if isinstance(event, ev.Traded):
        return [leg.pot for leg in event.legs]
    return [pot for pot, _atoms in columns(event)]
