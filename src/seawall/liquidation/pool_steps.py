"""P6, P9, P11 where a pool is the counterparty: margin by skew, keepers, windows, winners closed.

USD and units as exact fractions; a keeper's reward also in whole units of money, cut down. Sources:
Synthetix v3 (required margins, liquidation windows, keeper reward); GMX v2 (isolated check, ADL by pnl to
pool).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import msgspec

from seawall.errors import InputError
from seawall.market.pool_pricing import capped_profit

ZERO = Fraction(0)


class SkewTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Initial = |size| / scale * slope + least of notional; maintenance a share of it; each `floor` more."""

    scale: Fraction
    slope: Fraction
    least: Fraction
    maintenance_share: Fraction = Fraction(1, 2)
    floor: Fraction = ZERO
    reward_share: Fraction = ZERO


class Asked(NamedTuple):
    """Of one position: initial, maintenance, and what its liquidation would be rewarded with."""

    initial: Fraction
    maintenance: Fraction
    reward: Fraction


def required(terms: SkewTerms, *, size: Fraction, price: Fraction) -> Asked:
    notional = abs(size) * price
    initial = notional * (abs(size) / terms.scale * terms.slope + terms.least)
    return Asked(
        initial + terms.floor,
        initial * terms.maintenance_share + terms.floor,
        notional * terms.reward_share,
    )


def collateral_discount(
    amount: Fraction, *, scale: Fraction, scalar: Fraction, least: Fraction, most: Fraction
) -> Fraction:
    """clamp(amount / scale * scalar): what selling so much of a collateral would cost."""
    return min(max(amount / scale * scalar, least), most)


class Guards(msgspec.Struct, frozen=True, kw_only=True):
    """Least and most a keeper gets beside its cost; `scaling` of the margin caps it where margin is told."""

    least: Fraction
    profit: Fraction
    most: Fraction
    scaling: Fraction


def keeper_reward(
    guards: Guards,
    *,
    reward: Fraction,
    cost: Fraction = ZERO,
    margin: Fraction | None = None,
    windows: int = 1,
    window_cost: Fraction = ZERO,
) -> Fraction:
    """min(max(cost + least, cost (1 + profit), reward + cost), margin * scaling, most), + cost of windows."""
    least = max(cost + guards.least, cost * (1 + guards.profit))
    most = guards.most if margin is None else min(guards.most, margin * guards.scaling)
    return min(max(least, reward + cost), most) + (windows - 1) * window_cost


class Windows:
    """How much of a market may be liquidated in any stretch of `length`; and one window more per block."""

    def __init__(self, capacity: Fraction, length: Fraction) -> None:
        if capacity < 0 or length <= 0:
            raise InputError.at("liquidation window", f"{capacity} in {length}", "Give a length above zero.")
        self._capacity, self._length = capacity, length
        self._closed: list[tuple[Fraction, Fraction]] = []

    def room(
        self, now: Fraction, *, skew_share: Fraction | None = None, most_skew: Fraction = ZERO
    ) -> Fraction:
        """What may be closed now. Where it is nothing: a whole window, if skew is small, the block idle."""
        used = sum((size for at, size in self._closed if at > now - self._length), ZERO)
        left = max(self._capacity - used, ZERO)
        idle = not any(at == now for at, _ in self._closed)
        if not left and idle and skew_share is not None and skew_share < most_skew:
            return self._capacity
        return left

    def close(
        self, size: Fraction, now: Fraction, *, skew_share: Fraction | None = None, most_skew: Fraction = ZERO
    ) -> Fraction:
        """Close up to `size`; what was closed. InputError for a time before an earlier call."""
        if self._closed and now < self._closed[-1][0]:
            raise InputError.at("liquidation window", f"time {now} is in the past", "Call in order of time.")
        taken = min(size, self.room(now, skew_share=skew_share, most_skew=most_skew))
        if taken:
            self._closed.append((now, taken))
        return taken


def capacity(*, fees: Fraction, scale: Fraction, multiplier: Fraction, length: Fraction) -> Fraction:
    """Of a window: (maker + taker fee) * skew scale * multiplier * seconds."""
    return fees * scale * multiplier * length


class Closed(NamedTuple):
    """An isolated position judged: what is left of its collateral (USD), and whether it must go."""

    profit: Fraction
    remaining: Fraction
    liquidatable: bool


def judge_isolated(
    *,
    size_usd: Fraction,
    tokens: Fraction,
    price: Fraction,
    collateral_usd: Fraction,
    is_long: bool = True,
    least_share: Fraction,
    least_usd: Fraction = ZERO,
    costs: Fraction = ZERO,
    impact: Fraction = ZERO,
) -> Closed:
    """Collateral, profit, impact (never a gain), costs, against three floors: sum, zero, share of size."""
    profit = tokens * price - size_usd if is_long else size_usd - tokens * price
    left = collateral_usd + profit + min(impact, ZERO) - costs
    gone = left <= 0 or left < least_usd or left < size_usd * least_share
    return Closed(profit, left, gone)


def deleverage_enabled(profit: Fraction, *, pool: Fraction, most: Fraction) -> bool:
    """Winners may be closed once their profit is more than a share of the pool."""
    return profit > pool * most


def deleverage_allowed(before: Fraction, after: Fraction, *, floor: Fraction) -> bool:
    """A keeper's choice must lower profit to pool, and not below the floor."""
    return floor <= after < before


def payouts(
    positions: Sequence[tuple[Fraction, Fraction]], *, pool: Fraction, sides: int, factor: Fraction
) -> list[tuple[Fraction, Fraction, Fraction]]:
    """Positions (collateral, profit) of one side closed in turn: (payout, pool after, open profit after).

    `sides`: how many share the pool; a pool of one token counts for each side with its half.
    """
    open_profit, found = sum((profit for _, profit in positions), ZERO), []
    for collateral, profit in positions:
        paid = capped_profit(profit, all_profit=open_profit, pool=pool / sides, factor=factor)
        pool, open_profit = pool - paid, open_profit - profit
        found.append((collateral + paid, pool, open_profit))
    return found
