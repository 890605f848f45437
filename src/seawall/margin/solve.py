"""One root search over the statement: liquidation prices, bankruptcy price, smallest close.

Health (equity - requirement) at a level is piecewise smooth in the price and in the size closed.
The search walks the kinks (tier edges) and a geometric grid between them, and bisects in whole
ticks or lots where the sign changes, so every answer is exact to one tick or lot. All roots are
returned, nearest first. Prices ticks, sizes lots, rates ppb; no closed form is used here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from seawall.kernels import layout
from seawall.kernels.margin import Overlay
from seawall.ledger.columns import Book
from seawall.margin.compiled import CompiledMargin, MarketView
from seawall.margin.statement import Health, health
from seawall.units import INT64_MAX, PPB

GRID_PER_DOUBLING = 24
FURTHEST = 4096  # prices are searched from 1/4096 to 4096 times the present one


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """Where health changes sign: the last tick that is safe and the first that is not, on the way away from now."""

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

    `betas_ppb` says how the other instruments move with it (1e9 = in step); those not named stand still. An empty
    list means no price within a factor of 4096 changes the sign. Raises KeyError for an unknown level. A pot that
    is unknown at present has no crossings.
    """
    now = int(market.mark[instrument])
    moves = dict(betas_ppb or {})
    if now <= 0 or not health(book, margin, market, pot, level).known:
        return []

    def safe(ticks: int) -> bool | None:
        try:
            found = health(book, margin, moved_market(market, instrument, ticks, moves), pot, level)
        except OverflowError:
            return None
        return found.known and found.margin_atoms >= 0

    kinks = _price_kinks(book, margin, pot, instrument)
    crossings = [
        *_walk(safe, _points(now, max(now // FURTHEST, 1), kinks)),
        *_walk(safe, _points(now, min(now * FURTHEST, INT64_MAX // 4), kinks)),
    ]
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
        if crossing.failing_ticks < now or crossing.safe_ticks < now:
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
    value_of: Callable[[int, int], int],
    notional_of: Callable[[int, int], int],
) -> tuple[int, bool]:
    """(lots to close, does that meet `level`?): the fewest lots whose close at `price_ticks` restores the level.

    `value_of` and `notional_of` are ledger.trade's functions of (lots, ticks) for this instrument. When no size
    restores the level the whole position is returned with False.
    """
    slot = book.position(pot, instrument)
    held, cost = int(book.pos_lots[slot]), int(book.pos_cost[slot])
    settle, whole, sign = (
        int(margin.view.listing[instrument, layout.INS_SETTLE]),
        abs(held),
        1 if held > 0 else -1,
    )

    def meets(lots: int) -> bool:
        return (
            close_health(
                book,
                margin,
                market,
                pot,
                level,
                instrument,
                settle,
                held,
                cost,
                sign * lots,
                price_ticks,
                fee_ppb,
                value_of,
                notional_of,
            ).margin_atoms
            >= 0
        )

    if meets(0):
        return 0, True
    points = sorted({whole, *(min(max(whole * k // 16, 1), whole) for k in range(1, 17))})
    before = 0
    for point in points:
        if meets(point):
            low, high = before, point
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if meets(middle) else (middle, high)
            return high, True
        before = point
    return whole, False


def close_health(
    book: Book,
    margin: CompiledMargin,
    market: MarketView,
    pot: int,
    level: str,
    instrument: int,
    settle: int,
    held: int,
    cost: int,
    lots: int,
    price_ticks: int,
    fee_ppb: int,
    value_of: Callable[[int, int], int],
    notional_of: Callable[[int, int], int],
) -> Health:
    """Health after closing `lots` (signed as the position) at a price, fee included; the closed share's cost is released."""
    released = cost if lots == held else -(-cost * lots // held)
    realised = -value_of(-lots, price_ticks) - released
    fee = -(-notional_of(lots, price_ticks) * fee_ppb // PPB)
    overlay = Overlay(instrument=instrument, lots=-lots, cost=-released, asset=settle, cash=realised - fee)
    return health(book, margin, market, pot, level, overlay)


def moved_market(market: MarketView, instrument: int, ticks: int, betas_ppb: Mapping[int, int]) -> MarketView:
    """The market with `instrument` at `ticks` and the named others moved by beta times its relative move."""
    mark, index, stable = market.mark.copy(), market.index_price.copy(), market.stable.copy()
    now = int(market.mark[instrument])
    for row, beta in ((instrument, PPB), *betas_ppb.items()):
        for column in (mark, index, stable):
            old = int(column[row])
            if old > 0:
                column[row] = max(old + old * beta * (ticks - now) // (PPB * now), 1)
    mark[instrument] = ticks
    return market._replace(mark=mark, index_price=index, stable=stable)


def _price_kinks(book: Book, margin: CompiledMargin, pot: int, instrument: int) -> list[int]:
    """Prices at which the position enters another tier of any schedule."""
    slot = book.position(pot, instrument)
    if slot < 0 or not book.pos_lots[slot]:
        return []
    rules, lots = margin.view, abs(int(book.pos_lots[slot]))
    listing = rules.listing[instrument]
    per_lot = lots * int(listing[layout.INS_VALUE_NUM])
    kinks = []
    for row in rules.schedules[instrument :: rules.instruments]:
        for floor in rules.tiers[
            row[layout.SCH_TIER_START] : row[layout.SCH_TIER_END], layout.TIER_FLOOR
        ].tolist():
            if floor > 0:
                kinks.append(per_lot // floor if listing[layout.INS_INVERSE] else floor // per_lot)
    return kinks


def _points(start: int, end: int, kinks: list[int]) -> list[int]:
    """Grid from `start` to `end` in equal ratios, with the kinks and their neighbours, in walking order."""
    points = {start, end}
    value, downwards = start, end < start
    while value != end:
        step = max(value // GRID_PER_DOUBLING, 1)
        value = max(value - step, end) if downwards else min(value + step, end)
        points.add(value)
    low, high = min(start, end), max(start, end)
    for kink in kinks:
        points.update(p for p in (kink - 1, kink, kink + 1) if low < p < high)
    return sorted(points, reverse=downwards)


def _walk(safe: Callable[[int], bool | None], points: list[int]) -> list[Crossing]:
    """Bisect every change of sign between neighbouring points. Stops where numbers no longer fit 64 bits."""
    crossings = []
    previous, was = points[0], safe(points[0])
    for point in points[1:]:
        here = safe(point)
        if here is None or was is None:
            break
        if here != was:
            near, far = previous, point
            while abs(far - near) > 1:
                middle = (near + far) // 2
                if safe(middle) == was:
                    near = middle
                else:
                    far = middle
            crossings.append(Crossing(safe_ticks=near if was else far, failing_ticks=far if was else near))
        previous, was = point, here
    return crossings
