"""One root search over the statement: liquidation prices, bankruptcy price, smallest close.

Health (equity - requirement) at a level is piecewise smooth in the price and in the size closed.
The search walks a grid with the kinks in it (tier edges, steps), looks for a hidden peak or dip
where the grid turns, and bisects in whole ticks or lots where the sign changes, so every answer
is exact to one tick or lot. Prices ticks, sizes lots, rates ppb; no closed form is used here.
Method, limits and a worked example: docs/reference/solver.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from math import gcd

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.kernels import layout
from seawall.kernels.margin import Overlay
from seawall.kernels.position import TIERS, notional_atoms, position_value
from seawall.ledger.columns import NONE, Book
from seawall.margin.compiled import CompiledMargin, MarketView
from seawall.margin.statement import Health, health
from seawall.units import INT64_MAX, PPB

GRID_PER_DOUBLING = 24
FURTHEST = 4096  # prices are searched from 1/4096 to 4096 times the present one
Ask = Callable[[Overlay | None], Health]  # health of a pot at a level, as it stands or changed
SIZES = 16  # grid of smallest_close
MOST_STEPS = 1024  # edges of a "steps" schedule that are walked as kinks


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """Where health changes sign: neighbouring ticks, one that meets the level and one that does not."""

    safe_ticks: int
    failing_ticks: int

    @property
    def downwards(self) -> bool:
        return self.failing_ticks < self.safe_ticks


def price_crossings(
    book: Book,
    margin: CompiledMargin,
    market: MarketView,
    pot: int,
    level: str,
    instrument: int,
    *,
    betas_ppb: Mapping[int, int] | None = None,
) -> list[Crossing]:
    """All prices of `instrument` at which the pot's health at `level` changes sign, nearest first.

    `betas_ppb` says how the other instruments move with it (1e9 = in step); those not named stand
    still, also the one that prices the collateral. An empty list means no price within a factor of
    4096 changes the sign, or the pot is unknown. Raises KeyError for an unknown level.
    """
    now = int(market.mark[instrument])
    if now <= 0 or not health(book, margin, market, pot, level).known:
        return []

    market_at = _market_mover(market, instrument, betas_ppb or {})

    def margin_at(ticks: int) -> int | None:
        try:
            return health(book, margin, market_at(ticks), pot, level).margin_atoms
        except OverflowError:
            return None

    kinks = _price_kinks(book, margin, pot, level, instrument, now)
    below = _walk(margin_at, _prices(now, max(now // FURTHEST, 1), kinks))
    above = _walk(margin_at, _prices(now, min(now * FURTHEST, INT64_MAX // 4), kinks))
    crossings = []
    for low, high in _sign_changes(margin_at, below[:0:-1] + above):
        safe, failing = (low, high) if _fails(margin_at(high)) else (high, low)
        crossings.append(Crossing(safe_ticks=safe, failing_ticks=failing))
    return sorted(crossings, key=lambda crossing: abs(crossing.failing_ticks - now))


def liquidation_price(
    book: Book,
    margin: CompiledMargin,
    market: MarketView,
    pot: int,
    level: str,
    instrument: int,
    *,
    betas_ppb: Mapping[int, int] | None = None,
) -> tuple[Crossing | None, Crossing | None]:
    """Nearest crossing below and above the present price, None where there is none."""
    below = above = None
    now = int(market.mark[instrument])
    for crossing in price_crossings(book, margin, market, pot, level, instrument, betas_ppb=betas_ppb):
        if min(crossing.failing_ticks, crossing.safe_ticks) < now:
            below = below or crossing
        else:
            above = above or crossing
    return below, above


def smallest_close(
    book: Book,
    margin: CompiledMargin,
    market: MarketView,
    pot: int,
    level: str,
    instrument: int,
    *,
    price_ticks: int,
    fee_ppb: int,
    ask: Ask | None = None,
) -> tuple[int, bool]:
    """(lots to close, does that meet `level`?): the fewest whose close at `price_ticks` restores the level.

    When no size restores it the whole position is returned with False; an unknown pot gives (0, False).
    `ask`: health at the level with a change in the pot, for whoever has more to it than the book (portfolio
    rules); the book's statement by itself.
    """
    slot = book.position(pot, instrument)
    now = health(book, margin, market, pot, level) if ask is None else ask(None)
    if slot == NONE or not now.known or now.margin_atoms >= 0:
        return 0, now.safe
    held = int(book.pos_lots[slot])
    whole, sign = abs(held), 1 if held > 0 else -1

    def margin_after(lots: int) -> int | None:
        try:
            after = close_health(
                book, margin, market, pot, level, instrument, sign * lots, price_ticks, fee_ppb, ask=ask
            )
            return after.margin_atoms if after.known else None
        except OverflowError:
            return None

    sizes = {0, max(whole - 1, 0), whole, *(whole * k // SIZES for k in range(1, SIZES))}
    for edge in _edges(margin, level, instrument, whole, int(market.mark[instrument])):
        kept = edge * whole // max(_notional(margin, instrument, whole, int(market.mark[instrument])), 1)
        sizes.update(whole - lots for lots in (kept - 1, kept, kept + 1) if 0 < lots < whole)
    changes = _sign_changes(margin_after, _walk(margin_after, sorted(sizes)))
    return (changes[0][1], True) if changes else (whole, False)


def close_health(
    book: Book,
    margin: CompiledMargin,
    market: MarketView,
    pot: int,
    level: str,
    instrument: int,
    lots: int,
    price_ticks: int,
    fee_ppb: int,
    ask: Ask | None = None,
) -> Health:
    """Health after closing `lots` (signed as the position, not more than it) at a price, with the fee.

    The closed share of cost is released rounded up, its value rounded down: a real close is never worse.
    """
    slot = book.position(pot, instrument)
    held, cost = int(book.pos_lots[slot]), int(book.pos_cost[slot])
    listing = margin.view.listing[instrument]
    value = position_value(listing[layout.INS_INVERSE], listing[layout.INS_VALUE_NUM], lots, price_ticks)
    released = cost if lots == held else -(-cost * abs(lots) // abs(held))
    fee = -(-_notional(margin, instrument, lots, price_ticks) * fee_ppb // PPB)
    settle = int(listing[layout.INS_SETTLE])
    overlay = Overlay(
        instrument=instrument, lots=-lots, cost=-released, asset=settle, cash=int(value) - released - fee
    )
    return health(book, margin, market, pot, level, overlay) if ask is None else ask(overlay)


def moved_market(market: MarketView, instrument: int, ticks: int, betas_ppb: Mapping[int, int]) -> MarketView:
    """The market with `instrument` at `ticks` and the named others moved by beta times its relative move.

    Mark, index and slow price of an instrument move together; a price never falls below one tick.
    """
    return _market_mover(market, instrument, betas_ppb)(ticks)


def _market_mover(
    market: MarketView, instrument: int, betas_ppb: Mapping[int, int]
) -> Callable[[int], MarketView]:
    """`moved_market` by ticks, for many prices: the same copy is moved each time, and only where it moves."""
    moved, now = market.replaced(), int(market.mark[instrument])
    # Prices that start out equal stay equal: (old, numerator, denominator) -> the cells that hold it.
    cells: dict[tuple[int, int, int], list[tuple[NDArray[np.int64], int]]] = {}
    for row, beta in {**betas_ppb, instrument: PPB}.items():
        for column in (moved.mark, moved.index_price, moved.stable):
            old = int(column[row])
            if old > 0:
                shared = gcd(old * beta, PPB * now)
                key = (old, old * beta // shared, PPB * now // shared)
                cells.setdefault(key, []).append((column, row))
    plan = [(*key, places) for key, places in cells.items()]

    def market_at(ticks: int) -> MarketView:
        change = ticks - now
        for old, numerator, denominator, places in plan:
            price = max(old + change * numerator // denominator, 1)
            for column, row in places:
                column[row] = price
        return moved

    return market_at


def _notional(margin: CompiledMargin, instrument: int, lots: int, ticks: int) -> int:
    listing = margin.view.listing[instrument]
    return int(notional_atoms(listing[layout.INS_INVERSE], listing[layout.INS_VALUE_NUM], lots, ticks))


def _edges(margin: CompiledMargin, level: str, instrument: int, lots: int, ticks: int) -> list[int]:
    """Notionals at which the level's schedule of an instrument bends or jumps.

    Of a "steps" schedule: those up to a rate of 100 %, at most MOST_STEPS on either side of the present.
    """
    rules = margin.view
    schedule = rules.levels[margin.levels[level], layout.LVL_SCHEDULE]
    row = rules.schedules[schedule * rules.instruments + instrument]
    kind, base, step, rate = (
        int(row[column])
        for column in (layout.SCH_KIND, layout.SCH_STEP_BASE, layout.SCH_STEP_SIZE, layout.SCH_STEP_RATE)
    )
    if kind == TIERS:
        floors = rules.table[row[layout.SCH_TIER_START] : row[layout.SCH_TIER_END], layout.TIER_FLOOR]
        return [floor for floor in floors.tolist() if floor > 0]
    if rate <= 0 or step <= 0:
        return []
    present = max(_notional(margin, instrument, lots, ticks) - base, 0) // step
    last = min(PPB // rate, present + MOST_STEPS)
    edges = (base + step * number for number in range(max(present - MOST_STEPS, 0), last + 1))
    return [edge for edge in edges if edge > 0]  # no price of an inverse contract has a notional of nothing


def _price_kinks(
    book: Book, margin: CompiledMargin, pot: int, level: str, instrument: int, now: int
) -> list[int]:
    """Prices at which the position, with or without its open orders, reaches an edge of the schedule, and
    strikes."""
    kinks = _strikes(book, margin, pot, instrument)
    slot = book.position(pot, instrument)
    if slot == NONE:
        return kinks
    lots, bid, ask = int(book.pos_lots[slot]), int(book.pos_bid[slot]), int(book.pos_ask[slot])
    listing = margin.view.listing[instrument]
    value_num = int(listing[layout.INS_VALUE_NUM])
    for size in sorted({abs(lots), abs(lots + bid), abs(lots - ask)}):
        if size:
            for edge in _edges(margin, level, instrument, size, now):
                kinks.append(
                    size * value_num // edge if listing[layout.INS_INVERSE] else edge // (size * value_num)
                )
    return kinks


def _strikes(book: Book, margin: CompiledMargin, pot: int, instrument: int) -> list[int]:
    """Strikes of the pot's options on this instrument: their requirements bend there."""
    listing = margin.view.listing
    rows = [int(book.pos_instrument[slot]) for slot in book.positions(pot)]
    return [
        int(listing[row, layout.INS_STRIKE])
        for row in rows
        if listing[row, layout.INS_OPTION] and listing[row, layout.INS_UNDERLYING] == instrument
    ]


def _prices(start: int, end: int, kinks: Iterable[int]) -> list[int]:
    """Grid from `start` to `end` in equal ratios, with the kinks and their neighbours, in walking order."""
    points = {start, end}
    value, downwards = start, end < start
    while value != end:
        step = max(value // GRID_PER_DOUBLING, 1)
        value = max(value - step, end) if downwards else min(value + step, end)
        points.add(value)
    low, high = min(start, end), max(start, end)
    for kink in kinks:
        points.update(point for point in (kink - 1, kink, kink + 1) if low < point < high)
    return sorted(points, reverse=downwards)


Margin = Callable[[int], int | None]


def _walk(margin_at: Margin, points: list[int]) -> list[tuple[int, int]]:
    """(point, margin) until numbers no longer fit 64 bits."""
    walked = []
    for point in points:
        margin = margin_at(point)
        if margin is None:
            break
        walked.append((point, margin))
    return walked


def _sign_changes(margin_at: Margin, walked: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbouring integers between which the margin changes sign, rising; the margin below zero fails."""
    turns = []
    for before, here, after in zip(walked, walked[1:], walked[2:]):
        fails = here[1] < 0
        sides = (before[1], after[1])
        nearest = max(sides) <= here[1] > min(sides) if fails else min(sides) >= here[1] < max(sides)
        if nearest and all((side < 0) == fails for side in sides):
            turns += _turn(margin_at, before[0], after[0], fails)
    changes, points = [], sorted({*walked, *turns})
    for (low, at_low), (high, at_high) in pairwise(points):
        if (at_low < 0) != (at_high < 0):
            while high - low > 1:
                middle = (low + high) // 2
                if _fails(margin_at(middle)) == (at_low < 0):
                    low = middle
                else:
                    high = middle
            changes.append((low, high))
    return changes


def _fails(margin: int | None) -> bool:
    return margin is None or margin < 0


def _turn(margin_at: Margin, low: int, high: int, fails: bool) -> list[tuple[int, int]]:
    """A point between `low` and `high` where a margin with one turn in between has the other sign, if any."""
    while high - low > 2:
        third = (high - low) // 3
        left, right = low + third, high - third
        at_left, at_right = margin_at(left), margin_at(right)
        if at_left is None or at_right is None:
            break
        for point, margin in ((left, at_left), (right, at_right)):
            if (margin < 0) != fails:
                return [(point, margin)]
        if (at_left < at_right) == fails:
            low = left
        else:
            high = right
    return []
