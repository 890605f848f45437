"""P11, the deleveraging itself: triggers, how many lots each candidate gives, at what price, and the lights.

Units: lots, ticks, atoms; thresholds in ppb. The engine applies what these functions return.
Rounding: lots are whole; pro-rata leftovers go to the largest remainder, ties to the lowest id. An ADL price
is the tick nearest to the exact price, ties to the even tick: on a trade between two accounts every other
direction would favour one side each time. What half a tick moves (at most tick/2 per lot) stays with the
bankrupt account, whose equity is then not exactly zero: the caller books it.
Rankers are in `adl_rank`; a venue's choices are an `AdlTier`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seawall.errors import InputError
from seawall.liquidation.adl_rank import AdlCandidates, Ranking, rank
from seawall.liquidation.allocation import IntColumn, column, permutation, pro_rata, whole_numbers
from seawall.liquidation.tiers import AdlPrice, DrawdownTrigger
from seawall.units import PPB

__all__ = [
    "AdlCandidates",
    "Ranking",
    "rank",
    "LotFill",
    "fill_queue",
    "fill_pro_rata",
    "quantile_by_rank",
    "quantile_by_quantity",
    "lights",
    "adl_price_ticks",
    "DrawdownVerdict",
    "adl_trigger_drawdown",
    "adl_trigger_pool",
    "adl_trigger_average",
]


class LotFill(NamedTuple):
    """Lots taken from each candidate (by row), lots nobody gave, and how many candidates were looked at."""

    lots: IntColumn
    remaining_lots: int
    visited: int


def fill_queue(
    order: npt.ArrayLike,
    available_lots: npt.ArrayLike,
    needed_lots: int,
    *,
    skip: npt.ArrayLike | None = None,
    max_visited: int = 0,
) -> LotFill:
    """Close candidates whole, in `order`, until `needed_lots` are found; the last one in part.

    `skip` marks rows that must not be hit (dYdX: whose update would fail). The search also stops after
    `max_visited` rows, skipped ones included (dYdX bounds its iterations); 0 means no bound.
    """
    available = whole_numbers(available_lots, "available_lots")
    left = _needed(needed_lots)
    skipped = _mask(skip, len(available))
    taken = [0] * len(available)
    visited = 0
    for index in permutation(order, len(available)):
        if left == 0 or (max_visited and visited == max_visited):
            break
        visited += 1
        if not skipped[index]:
            taken[index] = min(available[index], left)
            left -= taken[index]
    return LotFill(column(taken), left, visited)


def fill_pro_rata(
    available_lots: npt.ArrayLike,
    needed_lots: int,
    *,
    ids: npt.ArrayLike | None = None,
    skip: npt.ArrayLike | None = None,
) -> LotFill:
    """Take the same share of every candidate's lots; leftovers by largest remainder, ties to lowest id."""
    available = whole_numbers(available_lots, "available_lots")
    skipped = _mask(skip, len(available))
    open_lots = [0 if out else lots for lots, out in zip(available, skipped)]
    taken = pro_rata(column(open_lots), _needed(needed_lots), ids=ids)
    return LotFill(taken, needed_lots - sum(taken.tolist()), len(available))


def quantile_by_rank(order: npt.ArrayLike, *, buckets: int = 5) -> IntColumn:
    """Per row, 1 (first to be hit) to `buckets`, by rank / number of candidates (Binance), rounded up."""
    count = len(np.asarray(order))
    found = [0] * count
    for place, index in enumerate(permutation(order, count), start=1):
        found[index] = -(-place * buckets // count)
    return column(found)


def quantile_by_quantity(order: npt.ArrayLike, lots: npt.ArrayLike, *, buckets: int = 5) -> IntColumn:
    """Per row, 1 to `buckets`, by lots up to and with the row over all lots (BitMEX), rounded up."""
    sizes = whole_numbers(lots, "lots")
    whole, running = sum(sizes), 0
    found = [0] * len(sizes)
    for index in permutation(order, len(sizes)):
        running += sizes[index]
        found[index] = max(1, -(-running * buckets // whole)) if whole else buckets
    return column(found)


def lights(quantiles: npt.ArrayLike, *, buckets: int = 5) -> IntColumn:
    """How many lights are lit: all for the first quantile, one for the last. Binance's number is this - 1."""
    return column(buckets + 1 - quantile for quantile in whole_numbers(quantiles, "quantiles"))


def adl_price_ticks(
    rule: AdlPrice,
    *,
    mark_ticks: int | None = None,
    previous_mark_ticks: int | None = None,
    bankruptcy_ticks: tuple[int, int] | None = None,
) -> int:
    """The price of a deleveraging trade in ticks. `bankruptcy_ticks` is exact: (numerator, denominator).

    The nearest tick, a half to the even one. Sources: Binance and BitMEX close at the bankruptcy price, OKX
    at mark, Hyperliquid at the previous mark. InputError where the price asked for is missing or not
    positive.
    """
    if rule == "bankruptcy":
        exact = bankruptcy_ticks
    else:
        known = mark_ticks if rule == "mark" else previous_mark_ticks
        exact = None if known is None else (known, 1)
    if exact is None or exact[1] <= 0:
        raise InputError.at(
            "adl price", f"the {rule} price is not known", "Give it; another price is not a substitute."
        )
    whole, part = divmod(exact[0], exact[1])
    ticks = whole + (2 * part > exact[1] or (2 * part == exact[1] and whole % 2 == 1))
    if ticks <= 0:
        raise InputError.at(
            "adl price", f"the {rule} price rounds to {ticks} ticks", "A position closes above zero."
        )
    return int(ticks)


class DrawdownVerdict(NamedTuple):
    """Whether ADL runs now, the PnL ratio as an exact fraction, and the loss beyond the start threshold."""

    active: bool
    ratio_numerator: int
    ratio_denominator: int
    excess_atoms: int


def adl_trigger_drawdown(
    trigger: DrawdownTrigger,
    *,
    pnl_atoms: int,
    peak_pnl_atoms: int,
    peak_pool_atoms: int,
    balance_atoms: int,
    was_active: bool = False,
) -> DrawdownVerdict:
    """Bybit's contract drawdown: pnlRatio = (PnL - 8 h peak PnL) / 8 h peak pool balance.

    Starts while balance > `min_balance_atoms` and the ratio is under the start (at it too, if `inclusive`:
    the published rule says `<`, its second example starts at equality, where the excess to close is zero).
    Once active it stays so until the ratio is above the stop. `excess_atoms`, rounded up, brings the ratio
    back to the start. With no positive peak the ratio does not exist and this trigger is silent: the pool
    trigger decides.
    """
    if peak_pool_atoms <= 0:
        return DrawdownVerdict(False, 0, 1, 0)
    drop = max(0, peak_pnl_atoms - pnl_atoms)
    start, stop = trigger.start_drop_ppb * peak_pool_atoms, trigger.stop_drop_ppb * peak_pool_atoms
    beyond = drop * PPB > start or (trigger.inclusive and drop * PPB == start)
    starts = beyond and balance_atoms > trigger.min_balance_atoms
    active = starts or (was_active and drop * PPB >= stop)
    excess = max(0, drop - start // PPB) if active else 0
    return DrawdownVerdict(active, -drop, peak_pool_atoms, excess)


def adl_trigger_pool(balance_atoms: int) -> bool:
    """Bybit's pool trigger: ADL runs while the pool's balance is <= 0 and stops when it is positive."""
    return balance_atoms <= 0


def adl_trigger_average(
    *, balance_atoms: int, average_atoms: int, drop_ppb: int, least_drop_atoms: int
) -> tuple[bool, int]:
    """(ADL runs, threshold): below the fund's recent average less max(drop of it, least_drop). Source: OKX.

    The threshold is rounded up, so that ADL never starts late.
    """
    threshold = average_atoms - max(average_atoms * drop_ppb // PPB, least_drop_atoms)
    return balance_atoms < threshold, threshold


def _needed(needed_lots: int) -> int:
    if needed_lots < 0:
        raise InputError.at(
            "adl", f"needed_lots = {needed_lots}", "Give the size to be closed as positive lots."
        )
    return int(needed_lots)


def _mask(skip: npt.ArrayLike | None, count: int) -> list[bool]:
    if skip is None:
        return [False] * count
    mask = np.asarray(skip)
    if mask.dtype != np.bool_ or mask.shape != (count,):
        raise InputError.at(
            "adl skip", f"{mask.dtype} of shape {mask.shape}", "Give one True or False per candidate."
        )
    return [bool(value) for value in mask.tolist()]
