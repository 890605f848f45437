"""What the portfolio rules of a rulebook ask of each pot: a cache beside the book, never part of the state.

Portfolio margin is worked out in `margin.portfolio`, contract by contract and scenario by scenario; kernels
that hold pots against their levels read its result from `Book.demanded`. A demand is worked out again when
its pot traded, or its market moved: of many pots together where the rules are plain. No event depends on when
that is done: whoever asks is given the demand of now. Atoms of the pot's unit, rounded up. What cannot be
worked out is UNKNOWN_DEMAND, never nothing. A level with `orders` asks the most of three: as held, all buys
filled, all sells filled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from seawall.engine import events as ev
from seawall.engine.demands_together import Legs, ask_together, legs_of
from seawall.engine.portfolio_market import SIZE_DECIMALS, PortfolioMarket
from seawall.errors import NumberError, RulebookError
from seawall.kernels.layout import UNKNOWN_DEMAND
from seawall.kernels.overlay import Overlay
from seawall.margin.compiled import demand_levels
from seawall.margin.portfolio.evaluate import evaluate
from seawall.margin.portfolio.inputs import Contract, Portfolio, Position
from seawall.margin.portfolio.statement import PortfolioStatement
from seawall.rulebooks.model import Rulebook
from seawall.units import INT64_MAX

if TYPE_CHECKING:
    from seawall.engine.state import State

Lots = dict[int, int]  # by instrument
Group = tuple[str, str]  # underlying, expiry


class Demands:
    """Keeps `Book.demanded` of one state up to date."""

    def __init__(self, rulebook: Rulebook) -> None:
        rules = rulebook.margin
        assert rules.portfolio is not None
        if rules.scope == "account" and any(own.coin for own in rules.portfolio.underlyings.values()):
            raise RulebookError(
                "portfolio.underlyings: settled in coin, in a venue with one pot per account\n"
                "  Set margin.scope to 'settlement', or settle them in the quote currency."
            )
        self.levels = demand_levels(rules)
        self.market = PortfolioMarket(rulebook, rules.portfolio)
        self.asked = [rules.level(name).portfolio for name in self.levels]
        self.worst_orders = [rules.level(name).orders for name in self.levels]
        # Pots by underlying and expiry, also such as no longer hold it; None: nobody has been looked at.
        self.held: dict[Group, dict[int, None]] | None = None
        self.orders: dict[int, int] = {}  # pots of resting orders
        self.stale: dict[int, None] = {}
        self.moved: dict[tuple[str, str | None], None] = {}  # without an expiry: the whole underlying

    # -- what happened ------------------------------------------------------------------------------------

    def note(self, state: State, event: ev.Event) -> None:
        """Remember what an event changed. Call after it has been applied."""
        if self.held is not None:
            reader = _READERS.get(type(event))
            if reader is not None:
                reader(self, state, event)

    def hold(self, pot: int, contract: Contract) -> None:
        assert self.held is not None
        self.held.setdefault((contract.underlying, contract.expiry), {})[pot] = None
        self.stale[pot] = None

    # -- keeping the table --------------------------------------------------------------------------------

    def refresh(self, state: State) -> None:
        """Bring every demand up to date. Costs nothing where nothing happened."""
        if self.held is None:
            self._look_at_everyone(state)
        if state.time_ns > self.market.until_ns:
            self.market.until_ns = INT64_MAX
            self.moved.update({(name, None): None for name in self.market.rules.underlyings})
        assert self.held is not None
        for underlying, expiry in self.moved:
            self.market.forget(underlying, expiry)
            for group, pots in self.held.items():
                if group[0] == underlying and expiry in (None, group[1]):
                    self.stale.update(pots)
        self.moved.clear()
        if self.stale:
            self._renew(state, sorted(self.stale))
            self.stale.clear()

    def _renew(self, state: State, pots: list[int]) -> None:
        """Together where the rules allow it, the rest one by one; the figures are the same."""
        table = state.book.demanded
        legs, alone = legs_of(state, self.market, pots, orders=any(self.worst_orders))
        asked, more = ask_together(state, self.market, legs, len(pots), self.asked)
        table[pots] = asked
        for place in sorted(alone | more):
            table[pots[place]] = self.of_pot(state, pots[place])

    def aged(self, state: State) -> list[int]:
        """Options whose volatility is too old now: whoever holds them is looked at, though no price moved."""
        if not self.market.max_age_ns:
            return []
        oldest = state.time_ns - self.market.max_age_ns
        return [row for row, seen_ns in enumerate(state.vols_ns) if 0 < seen_ns < oldest]

    def _look_at_everyone(self, state: State) -> None:
        book = state.book
        self.held = {}
        book.demanded[: book.n_pots] = 0
        self.orders = {number: order.pot for number, order in state.orders.items()}
        self.moved = {(name, None): None for name in self.market.rules.underlyings}
        slots = np.flatnonzero(book.pos_pot[: book.n_positions] >= 0)
        for pot, row in zip(book.pos_pot[slots].tolist(), book.pos_instrument[slots].tolist(), strict=True):
            self.hold(pot, self.market.contracts[row])
        for asset in self.market.collateral:
            for pot in np.flatnonzero(book.balances[: book.n_pots, asset]).tolist():
                self.hold(pot, self.market.spot(asset))

    # -- one pot ------------------------------------------------------------------------------------------

    def of_pot(self, state: State, pot: int, overlay: Overlay | None = None) -> list[int]:
        """What each level asks of the pot, as it stands or with a change in it."""
        held, bids, asks = _holdings(state, pot, overlay)
        balances = state.book.balances[pot].tolist()
        if overlay is not None and overlay.asset >= 0:
            balances[overlay.asset] += overlay.cash
        plain = self._ask(state, pot, held, balances)
        if not any(self.worst_orders) or not (bids or asks):
            return plain
        filled = [self._ask(state, pot, _sum(held, side), balances) for side in (bids, asks)]
        return [
            _most(demands) if worst else demands[0]
            for worst, demands in zip(self.worst_orders, zip(plain, *filled, strict=True), strict=True)
        ]

    def explain(self, state: State, pot: int) -> PortfolioStatement | None:
        """Every scenario, charge and leg behind the demands on a pot; None where it holds nothing to ask for,
        or where no figure can be given at all (mixed units, a number beyond 64 bits)."""
        self.refresh(state)
        held, _bids, _asks = _holdings(state, pot, None)
        return self._state(state, pot, self._positions(state, held, state.book.balances[pot].tolist()))

    def _positions(self, state: State, held: Lots, balances: list[int]) -> list[Position]:
        market = self.market
        found = [market.position(state, row, held[row]) for row in sorted(held) if held[row]]
        found += [market.holding(state, asset, balances[asset]) for asset in market.collateral]
        return [position for position in found if position.size_steps]

    def _legs(self, held: Lots, balances: list[int]) -> Legs:
        sizes = {row: held[row] for row in sorted(held) if held[row]}
        first = len(self.market.contracts)
        sizes.update({first + asset: balances[asset] for asset in self.market.collateral if balances[asset]})
        places = np.fromiter(sizes.keys(), np.int64, len(sizes))
        lots = np.fromiter(sizes.values(), np.int64, len(sizes))
        return Legs(np.zeros(len(sizes), np.int64), places, lots)

    def _state(self, state: State, pot: int, positions: list[Position]) -> PortfolioStatement | None:
        market = self.market
        underlyings = list(dict.fromkeys(position.contract.underlying for position in positions))
        unit = state.rulebook.assets[state.book.pot_unit.item(pot)].name
        if any(name not in market.rules.underlyings or market.unit(name) != unit for name in underlyings):
            return None
        portfolio = Portfolio(positions=tuple(positions), size_decimals=SIZE_DECIMALS)
        try:
            inputs = market.inputs(state, underlyings)
            return evaluate(portfolio, inputs, market.rules, market.books)
        except NumberError:
            return None

    def _ask(self, state: State, pot: int, held: Lots, balances: list[int]) -> list[int]:
        if state.book.pot_unit.item(pot) == state.numeraire:
            asked, more = ask_together(state, self.market, self._legs(held, balances), 1, self.asked)
            if not more:
                return asked[0].tolist()
        return self._ask_alone(state, pot, self._positions(state, held, balances))

    def _ask_alone(self, state: State, pot: int, positions: list[Position]) -> list[int]:
        """By the whole statement, whatever the rules."""
        if not positions:
            return [0] * len(self.levels)
        statement = self._state(state, pot, positions)
        if statement is None:
            return [UNKNOWN_DEMAND] * len(self.levels)
        found = [statement.levels.get(name) for name in self.asked]
        return [UNKNOWN_DEMAND if demand is None or demand > INT64_MAX else demand for demand in found]


def _holdings(state: State, pot: int, overlay: Overlay | None) -> tuple[Lots, Lots, Lots]:
    """Lots held, and resting to be bought and sold."""
    book, held, bids, asks = state.book, Lots(), Lots(), Lots()
    for slot in book.positions(pot):
        row = book.pos_instrument.item(slot)
        held[row], bid, ask = book.pos_lots.item(slot), book.pos_bid.item(slot), book.pos_ask.item(slot)
        if bid:
            bids[row] = bid
        if ask:
            asks[row] = -ask
    if overlay is not None and overlay.instrument >= 0:
        row = overlay.instrument
        held[row] = held.get(row, 0) + overlay.lots
        bids[row], asks[row] = bids.get(row, 0) + overlay.bid, asks.get(row, 0) - overlay.ask
    return held, bids, asks


def _sum(held: Lots, more: Lots) -> Lots:
    return {row: held.get(row, 0) + more.get(row, 0) for row in sorted({**held, **more})}


def _most(demands: tuple[int, ...]) -> int:
    return UNKNOWN_DEMAND if UNKNOWN_DEMAND in demands else max(demands)


def _marked(demands: Demands, state: State, event: ev.MarkSet) -> None:
    demands.moved.update({(name, None): None for name in demands.market.depends[event.instrument]})


def _quoted(demands: Demands, state: State, event: ev.VolsSet) -> None:
    demands.moved[event.asset, str(event.expiry_ns)] = None


def _opened(demands: Demands, state: State, event: ev.AccountOpened | ev.PotOpened) -> None:
    demands.stale[event.pot] = None


def _traded(demands: Demands, state: State, event: ev.Traded) -> None:
    for leg in event.legs:
        demands.hold(leg.pot, demands.market.contracts[event.instrument])


def _transferred(demands: Demands, state: State, event: ev.Transferred) -> None:
    for entry in event.entries:
        if entry.asset in demands.market.collateral:
            demands.hold(entry.pot, demands.market.spot(entry.asset))


def _placed(demands: Demands, state: State, event: ev.OrderPlaced) -> None:
    demands.orders[event.order] = event.pot
    demands.hold(event.pot, demands.market.contracts[event.instrument])


def _reduced(demands: Demands, state: State, event: ev.OrderReduced) -> None:
    pot = demands.orders.get(event.order)
    if pot is not None:
        demands.stale[pot] = None
        if event.order not in state.orders:
            del demands.orders[event.order]


_READERS: dict[type, Callable[[Demands, State, Any], None]] = {
    ev.MarkSet: _marked,
    ev.VolsSet: _quoted,
    ev.AccountOpened: _opened,
    ev.PotOpened: _opened,
    ev.Traded: _traded,
    ev.Transferred: _transferred,
    ev.OrderPlaced: _placed,
    ev.OrderReduced: _reduced,
}
