"""Every rulebook: whoever may be liquidated, somebody acts; nobody gains by being his own liquidator.

A price falls by 2 % every half minute, to a tenth and less, under a venue that never answers, or answers all
orders with nothing filled. After each step the pot is looked at from outside: below its trigger there must be
an order out, an auction open, a wait that ends, or an end. Atoms, lots, ticks; times ns.
"""

from __future__ import annotations

from typing import Any

import pytest

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.ladder import forbidden, seizable
from seawall.engine.decide.measure import open_slots, pot_health, worth_atoms
from seawall.engine.engine import Engine
from seawall.engine.state import FLAG_LIQUIDATING, FLAG_UNKNOWN, HOUSE_ACCOUNTS, MARKET, State
from seawall.instruments.model import Instrument, InstrumentKind
from seawall.rulebooks.load import list_rulebooks, load_rulebook

SECOND = 10**9
USD = {"BTC": 60_000.0, "ETH": 2_500.0, "SOL": 150.0}
PERPETUAL = (InstrumentKind.LINEAR_PERPETUAL, InstrumentKind.INVERSE_PERPETUAL)
DOLLARS = 10_000
TIMES = (30, 20, 10, 5, 3, 2, 1)  # leverages tried, the highest that the venue takes


def contract(name: str) -> Instrument | None:
    listed = [one for one in load_rulebook(name).instruments if one.kind in PERPETUAL and one.base in USD]
    return listed[0] if listed else None


WITH_PERPETUALS = [name for name in list_rulebooks() if contract(name) is not None]


class Venue:
    """One long account at a venue whose book does not fill."""

    def __init__(self, name: str, times: int, *, answers: bool) -> None:
        self.engine, self.now, self.answers = Engine(load_rulebook(name)), 1_770_000_000 * SECOND, answers
        self.one, self.account, self.fall = contract(name), HOUSE_ACCOUNTS, 1.0
        self.due: list[int] = []
        self.report()
        self.do(cmd.OpenAccount, account=self.account)
        settle = next(a for a in self.state.rulebook.assets if a.name == self.one.settle)
        money = DOLLARS / (USD[self.one.base] if self.one.kind.in_base else 1)
        self.do(
            cmd.Deposit,
            account=self.account,
            asset=settle.name,
            amount_atoms=int(money * settle.atoms_per_unit),
        )
        notional = DOLLARS * times / (1 if self.one.kind.inverse else USD[self.one.base])
        self.taken = not self.refused(
            cmd.ReportFill,
            instrument=self.one.name,
            size_lots=max(int(notional / float(self.one.lot_units)), 1),
            price_ticks=self.ticks(self.one),
            buyer=self.account,
            seller=MARKET,
            taker_is_buyer=True,
        )
        self.pot = self.state.cross_pot(self.account, self.state.asset_row[self.one.settle])

    @property
    def state(self) -> State:
        return self.engine.state

    def ticks(self, one: Instrument) -> int:
        return max(round(USD[one.base] * self.fall / float(one.tick_units)), 1)

    def do(self, kind: Any, **fields: Any) -> tuple[Any, ...]:
        events = self.engine.step(kind(time_ns=self.now, **fields))
        self.due += [event.order for event in events if type(event) is ev.LiquidationOrderSent]
        return events

    def refused(self, kind: Any, **fields: Any) -> bool:
        return any(type(event) is ev.Refused for event in self.do(kind, **fields))

    def report(self) -> None:
        quotes = [
            cmd.SourcePrice(one.name, source, self.ticks(one), self.now)
            for one in self.state.rulebook.instruments
            if one.base in USD and not one.kind.option
            for source in self.state.rulebook.oracles[one.name].sources
        ]
        self.do(cmd.ReportPrices, prices=tuple(quotes))

    def step(self) -> None:
        self.now += 30 * SECOND
        self.report()
        while self.answers and self.due:
            order = self.due.pop()
            if order in self.state.orders:
                self.do(cmd.ReportOrderDone, order=order)

    def standing_still(self) -> str:
        """Why nothing can come of a pot below its trigger, or ''."""
        state, pot = self.state, self.pot
        if state.halted or state.flags[pot] & FLAG_UNKNOWN or forbidden(state, pot):
            return ""
        health = pot_health(state, pot, state.rulebook.liquidation.trigger)
        if not state.flags[pot] & FLAG_LIQUIDATING:
            return (
                f"below its trigger by {-health.margin_atoms}, and nobody liquidates"
                if health.margin_atoms < 0
                else ""
            )
        status = state.ladders[pot]
        waits = status.order or pot in state.auctions or self.now < status.cooldown_ns or seizable(state, pot)
        return "" if waits else f"on step {status.step}: no order, no auction, nothing to wait for"


def opened(name: str, *, answers: bool) -> Venue:
    for times in TIMES:
        venue = Venue(name, times, answers=answers)
        if venue.taken:
            return venue
    raise AssertionError(f"{name} takes no position at all")


@pytest.mark.parametrize("answers", [False, True])
@pytest.mark.parametrize("name", WITH_PERPETUALS)
def test_whoever_may_be_liquidated_somebody_acts(name: str, answers: bool) -> None:
    venue, started = opened(name, answers=answers), False
    for _ in range(120):
        venue.fall *= 0.98
        venue.step()
        assert not (why := venue.standing_still()), why
        started |= bool(venue.state.flags[venue.pot] & FLAG_LIQUIDATING) or not open_slots(
            venue.state, venue.pot
        )
    venue.engine.check()
    assert started, "it was never liquidated"
    if venue.state.halted or forbidden(venue.state, venue.pot):
        return
    for _ in range(1_200):  # ten hours at the last price: whatever waits has run out
        if not open_slots(venue.state, venue.pot) or venue.state.halted:
            break
        venue.step()
        assert not (why := venue.standing_still()), why
    # Whoever has less than nothing has come to the waterfall, whatever the book answered.
    over = not open_slots(venue.state, venue.pot) or venue.state.halted or venue.pot in venue.state.auctions
    assert over or worth_atoms(venue.state, venue.pot) >= 0


@pytest.mark.parametrize("name", WITH_PERPETUALS)
def test_filling_ones_own_liquidation_gains_nothing(name: str) -> None:
    """A second account of the same owner buys what is sold at the limit: together they have no more."""
    venue = opened(name, answers=False)
    state, other = venue.state, venue.account + 1
    venue.do(cmd.OpenAccount, account=other)
    settle = state.asset_row[venue.one.settle]
    unit = next(a for a in state.rulebook.assets if a.name == venue.one.settle).atoms_per_unit
    money = 100 * DOLLARS / (USD[venue.one.base] if venue.one.kind.in_base else 1)
    venue.do(cmd.Deposit, account=other, asset=venue.one.settle, amount_atoms=int(money * unit))
    mine, filled = state.cross_pot(other, settle), False
    for _ in range(600):
        venue.fall *= 0.998
        venue.step()
        status = state.ladders.get(venue.pot)
        if status is None or not status.order or worth_atoms(state, venue.pot) < 0:
            continue
        order = state.orders[status.order]
        before = worth_atoms(state, venue.pot) + worth_atoms(state, mine)
        row = order.instrument
        price = order.price_ticks or int(state.market.mark[row])
        terms = {"instrument": state.instruments[row].name, "size_lots": abs(order.size_lots)}
        sides = {
            "buyer": other,
            "seller": venue.account,
            "taker_is_buyer": True,
            "seller_order": status.order,
        }
        if venue.refused(cmd.ReportFill, price_ticks=price, **terms, **sides):
            continue
        assert worth_atoms(state, venue.pot) + worth_atoms(state, mine) <= before
        filled = True
        break
    assert filled or not open_slots(state, venue.pot)  # taken over before anything was offered
