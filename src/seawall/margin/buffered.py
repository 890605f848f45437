"""P7 with a buffer: what an account of balances and perpetuals has and must have, and with some to spare.

A buffer is a share of what is owed and of what is lost: an account is liquidated below its requirement and
let go only above requirement and buffer (hysteresis). Open orders count at their worst. Money, prices 1e-6,
sizes 1e-9, ratios 1e-4; values and shares round down, as at the source. Source: Drift v2, math/margin.
"""

from __future__ import annotations

from typing import NamedTuple

from seawall.margin.size_weights import WEIGHT, size_premium

MONEY = 10**6  # of money, and of a price
SIZE = 10**9


class Sum(NamedTuple):
    """Money on both sides; a buffer adds `buffer` to the first and takes `loss` off the second."""

    requirement: int = 0
    collateral: int = 0
    buffer: int = 0
    loss: int = 0

    def plus(self, other: Sum) -> Sum:
        return Sum(*(one + more for one, more in zip(self, other, strict=True)))

    @property
    def shortage(self) -> int:
        """How much is missing with the buffer; 0 where nothing is."""
        return max(self.requirement + self.buffer - (self.collateral - self.loss), 0)


class Ratios(NamedTuple):
    """Requirement per value, its size factor, buffer, and what each open order adds."""

    ratio: int
    factor: int = 0
    buffer: int = 0
    per_order: int = MONEY // 100


def worst_size(base: int, bids: int = 0, asks: int = 0) -> int:
    """The larger of what is held with all bids filled and with all asks filled; signed."""
    high, low = base + bids, base - asks
    return high if abs(high) >= abs(low) else low


def value_of(size: int, price: int) -> int:
    """Of a size at a price, signed, towards zero."""
    value = abs(size) * price // SIZE
    return value if size >= 0 else -value


def perpetual(
    base: int, quote: int, price: int, ratios: Ratios, *, bids: int = 0, asks: int = 0, orders: int = 0
) -> Sum:
    """A perpetual: `quote` is what was paid for it (negative for longs); its profit is collateral."""
    worst = worst_size(base, bids, asks)
    value, profit = abs(value_of(worst, price)), value_of(base, price) + quote
    ratio = size_premium(ratios.ratio, size=abs(worst), factor=ratios.factor)
    return Sum(
        value * ratio // WEIGHT + orders * ratios.per_order,
        profit,
        value * ratios.buffer // WEIGHT,
        max(-profit, 0) * ratios.buffer // WEIGHT,
    )


def counted_profit(profit: int, *, most: int) -> int:
    """Open profit where a level counts no more than `most` of one market's; losses count in full."""
    return min(profit, most)


def balance(value: int, *, asset_weight: int, liability_weight: int, buffer: int = 0) -> Sum:
    """A balance worth so much: collateral at its weight, or a requirement at the weight of debts."""
    if value >= 0:
        return Sum(0, value * asset_weight // WEIGHT)
    return Sum(-value * liability_weight // WEIGHT, 0, -value * buffer // WEIGHT)


def with_orders(
    held: int,
    price: int,
    *,
    bids: int,
    asks: int,
    orders: int,
    asset_weight: int,
    liability_weight: int,
    per_order: int = MONEY // 100,
) -> Sum:
    """A balance with open orders at their worst: tokens after all fills, and the money they would move.

    held, bids, asks: sizes; the money of bids is owed in full, that of asks counts in full.
    """
    found = []
    for size, money in ((held + bids, -value_of(bids, price)), (held - asks, value_of(asks, price))):
        tokens = balance(value_of(size, price), asset_weight=asset_weight, liability_weight=liability_weight)
        both = tokens.plus(balance(money, asset_weight=WEIGHT, liability_weight=WEIGHT))
        found.append(both._replace(requirement=both.requirement + orders * per_order))
    return min(found, key=lambda one: one.collateral - one.requirement)


def fully_paid(base: int, price: int, ratio: int) -> int:
    """A contract that settles at 0 or 1: the most it can still lose, at a ratio; money."""
    most = price if base >= 0 else MONEY - price
    return abs(value_of(base, most)) * ratio // WEIGHT
