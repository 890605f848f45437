"""The sieve: which pots cannot have come near a line since they were last looked at.

A pot that met the strictest swept level with margin M keeps meeting it while no price it depends on
has moved by more than `slack` = M / K, K bounding how fast its margin can fall per unit of relative
move. Floats find: the bound is loose and always on the safe side, a pot may be looked at for nothing
but never missed. Everything here can be thrown away and rebuilt; no event and no digest depends on it.
Slack and moves are fractions of price; exposures are floats in the pot's unit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seawall.engine import events as ev
from seawall.engine.state import State
from seawall.kernels import layout
from seawall.margin.rules import Schedule

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST = 0.2  # no pot is trusted beyond a 20 % move; the bounds for inverse contracts rest on it
GUARD = 1.0 + 1e-6  # rounding of floats and of the integers they stand for
MAX_EPOCHS = 512


class Sieve:
    """Per pot: its slack, the prices it was measured at (epoch), what it depends on (group)."""

    def __init__(self) -> None:
        self.slack: Floats = np.full(64, -1.0)
        self.epoch: NDArray[np.int32] = np.zeros(64, np.int32)
        self.group: NDArray[np.int32] = np.zeros(64, np.int32)
        self.groups: dict[int, int] = {}  # dependence mask -> group
        self.references: Floats = np.zeros((0, 4, 0))  # [epoch, price, instrument]
        self.epochs = 0
        self.rates: Floats | None = None
        self.orders_matter = False

    def note(self, event: ev.Event) -> None:
        """Forget what an event may have changed. Call after the event has been applied."""
        kind = type(event)
        if kind is ev.Transferred:
            self._forget([entry.pot for entry in event.entries])  # type: ignore[attr-defined]
        elif kind is ev.Traded:
            self._forget([leg.pot for leg in event.legs])  # type: ignore[attr-defined]
        elif kind in (ev.FundingPaid, ev.LossSocialised):
            self._forget(np.frombuffer(event.pots, "<i8").tolist())  # type: ignore[attr-defined]
        elif kind is ev.RulebookChanged:
            self.clear()
        elif kind in _BY_POT:
            self._forget([event.pot])  # type: ignore[attr-defined]
        elif kind is ev.InstrumentSettled or (kind is ev.OrderReduced and self.orders_matter):
            self.clear()

    def clear(self) -> None:
        """Trust nobody."""
        self.slack[:] = -1.0
        self.epoch[:] = 0
        self.epochs = 0
        self.rates = None

    def _forget(self, pots: list[int]) -> None:
        self._fit(max(pots, default=0) + 1)
        self.slack[pots] = -1.0

    def _fit(self, count: int) -> None:
        if count > len(self.slack):
            size = max(2 * len(self.slack), count)
            for name, fill in (("slack", -1.0), ("epoch", 0), ("group", 0)):
                old = getattr(self, name)
                grown = np.full(size, fill, old.dtype)
                grown[: len(old)] = old
                setattr(self, name, grown)

    def endangered(self, state: State, last: int) -> NDArray[np.bool_]:
        """For every pot below `last`: may what it needs have changed since it was measured?"""
        self._fit(last)
        if not self.epochs:
            return np.ones(last, np.bool_)
        moves = _moves(self.references[: self.epochs], _prices(state))
        worst = np.zeros((self.epochs, len(self.groups)))
        for mask, column in self.groups.items():
            rows = [row for row in range(moves.shape[1]) if mask >> row & 1]
            if rows:
                worst[:, column] = moves[:, rows].max(axis=1)
        return np.asarray(worst[self.epoch[:last], self.group[:last]] >= self.slack[:last])

    def measured(self, state: State, pots: Ints, margin: Ints, known: NDArray[np.bool_], level: str) -> None:
        """Pots were found to meet `level` by `margin` atoms (of their unit): remember how far they may go."""
        if not pots.size or state.book.instruments > 63:
            return
        if self.epochs == MAX_EPOCHS:
            self.clear()
        if self.rates is None:
            self.rates = _steepest(state, level)
            self.orders_matter = state.rulebook.margin.level(level).orders
            self.references = np.zeros((MAX_EPOCHS, 4, state.book.instruments))
        self.references[self.epochs] = _prices(state)
        self._fit(int(pots.max()) + 1)
        exposure, depends = _exposure(state, pots, self.rates)
        with np.errstate(divide="ignore", invalid="ignore"):
            slack = np.where(exposure > 0, margin / (exposure * GUARD + 4.0), MOST)
        trusted = known & (margin > 0) & np.isfinite(slack)
        self.slack[pots] = np.where(trusted, np.minimum(slack, MOST), -1.0)
        self.epoch[pots] = self.epochs
        masks, place = np.unique(depends, return_inverse=True)
        groups = [self.groups.setdefault(mask, len(self.groups)) for mask in masks.tolist()]
        self.group[pots] = np.array(groups, np.int32)[place]
        self.epochs += 1


_BY_POT = (
    ev.OrderPlaced,
    ev.LeverageSet,
    ev.LiquidationStarted,
    ev.LiquidationEnded,
    ev.MarginCalled,
    ev.MarginCallCured,
    ev.AccountUnknown,
    ev.AccountKnown,
    ev.PotOpened,
)


def _prices(state: State) -> Floats:
    """Rows mark, index, slow price, usable; by instrument."""
    market = state.market
    return np.stack([market.mark, market.index_price, market.stable, market.usable]).astype(np.float64)


def _moves(references: Floats, now: Floats) -> Floats:
    """[epoch, instrument]: largest relative move of the three prices; infinite where usability changed."""
    before = np.maximum(references[:, :3], 1e-300)
    worst = (np.abs(now[:3] - references[:, :3]) / before).max(axis=1)
    worst[references[:, 3] != now[3]] = np.inf
    return np.asarray(worst)


def _steepest(state: State, level_name: str) -> Floats:
    """Per instrument, how fast the requirement can rise per unit of notional; infinite = never trust.

    Steps jump, the open-interest ramp and confidence move without the price, so those are not trusted.
    """
    rules = state.rulebook.margin
    level = rules.level(level_name)
    steep = np.full(len(state.instruments), np.inf)
    for row, instrument in enumerate(state.instruments):
        margin = rules.instruments.get(instrument.name)
        schedule = margin.schedules.get(level.schedule) if margin else None
        if schedule is None or level.confidence_factor_ppb:
            continue
        rate = _rate(schedule, instrument.max_size_lots)
        rate = max(rate * level.factor_ppb / 1e9, level.min_notional_ppb / 1e9)
        steep[row] = rate + max(instrument.taker_fee_ppb, 0) / 1e9
    return steep


def _rate(schedule: Schedule, most_lots: int) -> float:
    if schedule.oi_upper_lots or schedule.kind == "steps":
        return float("inf")
    if schedule.kind == "tiers":
        own = max((tier.rate_ppb for tier in schedule.tiers), default=10**9) / 1e9
    else:
        units = most_lots / schedule.size_unit_lots
        size = units if schedule.kind == "size_linear" else float(np.sqrt(units))
        scale = 1.0 if schedule.kind == "size_linear" else max(schedule.sqrt_scale_ppb / 1e9, 1.0)
        own = (schedule.base_ppb * scale + schedule.slope_ppb * size) / 1e9
    return max(own, 1.0 if schedule.use_leverage else 0.0)


def _exposure(state: State, pots: Ints, steep: Floats) -> tuple[Floats, NDArray[np.uint64]]:
    """(K, dependence mask) of the given pots: what their margin loses at most per unit of relative move."""
    book, rules, count = state.book, state.margin.view, state.book.n_positions
    place = np.full(book.n_pots, -1, np.int64)
    place[pots] = np.arange(pots.size)
    total, mask = np.zeros(pots.size), np.zeros(pots.size, np.uint64)
    owner = book.pos_pot[:count].astype(np.int64)
    # Nothing but orders loses nothing with the price, but needs one: without it the pot is unknown.
    ordered = (book.pos_bid[:count] != 0) | (book.pos_ask[:count] != 0)
    held = (owner >= 0) & ((book.pos_lots[:count] != 0) | ordered)
    held[held] &= place[owner[held]] >= 0
    rows, where = book.pos_instrument[:count][held], place[owner[held]]
    lots = np.abs(book.pos_lots[:count][held]).astype(np.float64)
    listing = rules.listing[rows].astype(np.float64)
    mark = np.maximum(np.maximum(state.market.mark, state.market.index_price), state.market.stable)[
        rows
    ].astype(np.float64)
    least = np.maximum(
        np.minimum(
            np.where(state.market.stable > 0, state.market.stable, state.market.mark), state.market.mark
        ),
        1,
    )
    inverse = listing[:, layout.INS_INVERSE] != 0
    value = np.where(
        inverse,
        lots * listing[:, layout.INS_VALUE_NUM] / least[rows],
        lots * mark * listing[:, layout.INS_VALUE_NUM],
    )
    settle = rules.listing[rows, layout.INS_SETTLE]
    worth = _unit_value(state, settle, book.pot_unit[pots][where])
    # An inverse value moves by x / (1 - x) <= 1.25 x; its conversion moves too (1.25 * 1.2), and the profit.
    profit = np.abs(book.pos_cost[:count][held].astype(np.float64)) + value
    slope = np.where(inverse, value * (1.0 + steep[rows]) * 1.6 + profit * 1.6, value * (1.0 + steep[rows]))
    np.add.at(total, where, slope * worth)
    np.bitwise_or.at(mask, where, np.uint64(1) << rows.astype(np.uint64))
    for asset in range(rules.assets):
        via = int(rules.collateral[asset, layout.AST_INSTRUMENT])
        amount = np.abs(book.balances[pots, asset].astype(np.float64))
        other = (book.pot_unit[pots] != asset) & (
            (amount > 0) | (settle_used(settle, where, asset, pots.size))
        )
        if via < 0 or rules.settlement_scope or not other.any():
            continue
        liability = rules.weights[:, layout.WGT_LIABILITY].max() / 1e9
        total[other] += (
            amount[other]
            * _unit_value(state, np.full(int(other.sum()), asset), book.pot_unit[pots][other])
            * liability
            * 1.6
        )
        mask[other] |= np.uint64(1) << np.uint64(via)
    return total * max(rules.weights[:, layout.WGT_LIABILITY].max() / 1e9, 1.0), mask


def settle_used(settle: NDArray[np.int64], where: Ints, asset: int, count: int) -> NDArray[np.bool_]:
    """Which pots hold a position settled in `asset`."""
    used = np.zeros(count, np.bool_)
    used[where[settle == asset]] = True
    return used


def _unit_value(state: State, assets: NDArray[np.int64], units: NDArray[np.int32]) -> Floats:
    """Unit atoms per atom of each asset, as floats, at the higher of index and slow price."""
    table = state.margin.view.collateral
    via = table[assets, layout.AST_INSTRUMENT]
    price = np.maximum(state.market.index_price, state.market.stable).astype(np.float64)[np.maximum(via, 0)]
    value = price * table[assets, layout.AST_NUM] / table[assets, layout.AST_DEN]
    return np.asarray(np.where(assets == units, 1.0, np.where(via >= 0, value, 0.0)))
