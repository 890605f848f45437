"""Liquidations that set off liquidations: a ladder of triggers against depth, and what a cascade multiplies.

Longs are listed as (trigger price, size); all trigger at or above the price reached. Prices in one unit,
sizes in units of the asset, depth in units per unit of price. Sources: rules/quant section 6 (own
definitions); Borel 1942 (total progeny); Warmuz et al. 2212.07306 and 2510.10171 (toxic loan to value).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from seawall.errors import InputError

Ladder = Sequence[tuple[float, float]]
MOST_ROUNDS = 10_000


def _positive(place: str, **values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0.0):
            raise InputError.at(place, f"{name} is {value!r}", "Give a finite number above zero.")


def triggered(ladder: Ladder, price: float) -> float:
    """Size whose trigger is at or above a price."""
    return math.fsum(size for trigger, size in ladder if trigger >= price)


class Cascade(NamedTuple):
    """Prices and sizes round by round, where it stops, and by how much it was amplified (None of nothing)."""

    rounds: tuple[tuple[float, float], ...]
    price: float
    liquidated: float
    first: float
    amplification: float | None
    price_amplification: float


def cascade(ladder: Ladder, *, start: float, shock: float, depth: float) -> Cascade:
    """The price that forced selling settles at after a shock, with linear impact of 1 / depth per unit."""
    _positive("cascade", start=start, shock=shock, depth=depth)
    price = start * (1.0 - shock)
    rounds = []
    for _ in range(MOST_ROUNDS):
        sold = triggered(ladder, price)
        rounds.append((price, sold))
        after = start * (1.0 - shock) - sold / depth
        if after == price:
            break
        price = after
    first, last = rounds[0][1], rounds[-1][1]
    return Cascade(
        tuple(rounds), price, last, first, last / first if first else None, (start - price) / (start * shock)
    )


def cliffs(
    ladder: Ladder, *, start: float, depth: float, step: float, least: float
) -> list[tuple[float, float]]:
    """Shocks at which the settled price jumps by more than `least`, and by how much; scanned in steps."""
    _positive("cliffs", start=start, depth=depth, step=step)
    lowest, found = min(trigger for trigger, _ in ladder), []
    before, count = start, 1
    while start * (1.0 - (count - 1) * step) >= lowest:
        shock = round(count * step, 12)
        price = cascade(ladder, start=start, shock=shock, depth=depth).price
        if before - price > least + 1e-9:
            found.append((shock, before - price))
        before, count = price, count + 1
    return found


class BookCascade(NamedTuple):
    """Selling into a book that is not refilled: last fill, sizes, rounds, places of the longs set off."""

    last: float
    sold: float
    unfilled: float
    rounds: int
    triggered: tuple[int, ...]


def book_cascade(ladder: Ladder, bids: Ladder, size: float) -> BookCascade:
    """Sell `size`, then every long whose trigger the last fill reached, and so on. Lowest triggers first."""
    _positive("book cascade", size=size)
    book = [[price, held] for price, held in sorted(bids, reverse=True)]
    pending, sold, unfilled, last, rounds = size, 0.0, 0.0, math.inf, 0
    gone: set[int] = set()
    while pending > 0.0:
        rounds += 1
        for level in book:
            taken = min(level[1], pending)
            if taken > 0.0:
                level[1] -= taken
                pending -= taken
                sold += taken
                last = level[0]
        unfilled += pending
        fresh = {place for place, (trigger, _) in enumerate(ladder) if trigger >= last} - gone
        gone |= fresh
        pending = math.fsum(ladder[place][1] for place in fresh)
    order = sorted(gone, key=lambda place: ladder[place][0])
    return BookCascade(last, sold, unfilled, rounds, tuple(order))


def linear_multiplier(reproduction: float) -> float:
    """1 / (1 - R): all that follows from one unit where each sets off R more. InputError from R = 1 on."""
    if not 0.0 <= reproduction < 1.0:
        raise InputError.at("cascade", f"R is {reproduction!r}", "From 1 on it runs until the ladder ends.")
    return 1.0 / (1.0 - reproduction)


def root_impact_move(first: float, *, impact: float, density: float) -> float:
    """Where a move of `first` settles with impact c sqrt(Q) and triggers of even density."""
    _positive("cascade", first=first, impact=impact, density=density)
    bend = impact * math.sqrt(density)
    return (0.5 * (bend + math.sqrt(bend * bend + 4.0 * first))) ** 2


def reproduction(
    density: float, depth: float, *, to_book: float = 1.0, absorbed: float = 0.0, healed: float = 0.0
) -> float:
    """R: size triggered per unit of price over depth, less what misses the book or heals meanwhile."""
    _positive("reproduction", depth=depth)
    return density / depth * to_book * (1.0 - absorbed) * math.exp(-healed)


def cluster_sizes(rate: float, sizes: Sequence[int]) -> list[float]:
    """Chance that one liquidation grows to a cluster of each size (Borel)."""
    return [
        math.exp(-rate * n + (n - 1) * math.log(rate * n) - math.lgamma(n + 1)) if rate > 0 else float(n == 1)
        for n in sizes
    ]


def cluster_variance(rate: float) -> float:
    """Of a cluster's size: R / (1 - R)**3."""
    return rate * linear_multiplier(rate) ** 3


def extinction(rate: float) -> float:
    """Chance that a cascade dies out: the least q with q = exp(-R (1 - q))."""
    if rate <= 1.0:
        return 1.0
    low, high = 0.0, 1.0 / rate  # the function lies above the diagonal before its least root, below after
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if math.exp(-rate * (1.0 - middle)) > middle else (low, middle)
    return 0.5 * (low + high)


def observed_rate(sizes: Sequence[float]) -> float:
    """R from the mean size of clusters seen: 1 - 1 / mean."""
    if not sizes or min(sizes) < 1:
        raise InputError.at("clusters", "a size is below one, or there is none", "Give sizes of one or more.")
    return 1.0 - len(sizes) / math.fsum(sizes)


class AtRisk(NamedTuple):
    """The lowest price that is not passed with a confidence, and what is liquidated down to it."""

    price: float
    size: float


def liquidation_at_risk(
    ladder: Ladder, *, start: float, daily_vol: float, days: float, level: float
) -> AtRisk:
    """Without feedback: the running minimum of a driftless walk (reflection)."""
    from scipy.special import ndtri

    _positive("liquidation at risk", start=start, daily_vol=daily_vol, days=days)
    price = start * math.exp(daily_vol * math.sqrt(days) * float(ndtri(0.5 * (1.0 - level))))
    return AtRisk(price, triggered(ladder, price))


class Fuel(NamedTuple):
    """At a fall: what is triggered down to there, what bids rest there, and their ratio."""

    triggered: float
    bids: float
    ratio: float


def fuel_ratio(ladder: Ladder, bids: Ladder, *, start: float, fall: float) -> Fuel:
    """Above one, forced selling is more than all bids down to that price. InputError without a bid there."""
    price = start * (1.0 - fall)
    fuel, depth = triggered(ladder, price), triggered(bids, price)
    _positive(f"bids down to {price:g}", depth=depth)
    return Fuel(fuel, depth, fuel / depth)


def toxic_bound(incentive: float, slippage: float = 1.0) -> float:
    """Loan to value from which a liquidation raises it: 1 / ((1 + incentive) slippage)."""
    _positive("toxic loan to value", slippage=slippage)
    return 1.0 / (1.0 + incentive) / slippage


def most_solvent(price: float, *, maintenance: float, depth: float) -> float:
    """The largest long that can be liquidated at once without bad debt: 2 depth * maintenance * price."""
    _positive("solvent liquidation", price=price, depth=depth)
    return 2.0 * depth * maintenance * price


def instant_bad_debt(size: float, price: float, *, maintenance: float, depth: float) -> float:
    """What closing a long at once leaves unpaid: size (size / (2 depth) - maintenance * price), or 0."""
    _positive("instant liquidation", depth=depth)
    return max(size * (size / (2.0 * depth) - maintenance * price), 0.0)
