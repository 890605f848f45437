"""P2 and P3 that follow size: weights of collateral and debt, ratios of positions, profit in part.

Weights and ratios 1e-4, size factors 1e-6, sizes 1e-9 of a unit, money 1e-6; roots are integer roots of
10 * size + 1. Every step rounds down, as the programs of the source do, so a result is that of the venue to
the last digit. Source: Drift v2, math/margin (size discount, size premium, scaled initial weight); the rules
for whole engines with kernels are `margin.rules.Weight.sqrt_ppb` and the schedule `size_sqrt`.
"""

from __future__ import annotations

from math import isqrt

from seawall.errors import InputError

WEIGHT = 10**4  # of a weight or a ratio
FACTOR = 10**6  # of a size factor
ROOT = 10**5  # sqrt(10 * size) of a size in 1e-9 units, over a unit
MONEY_TO_SIZE = 1_000  # money of 1e-6 as a size of 1e-9


def _root(size: int) -> int:
    if size < 0:
        raise InputError.at("size weight", f"size {size} is negative", "Give the size without its sign.")
    return isqrt(size * 10 + 1)


def size_discount(weight: int, *, size: int, factor: int) -> int:
    """min(weight, 1.1 / (1 + factor sqrt(10 size))): a large holding counts for less."""
    if factor == 0:
        return weight
    top = (FACTOR + FACTOR // 10) * WEIGHT
    return min(weight, top // (FACTOR + _root(size) * factor // ROOT))


def size_premium(weight: int, *, size: int, factor: int) -> int:
    """max(weight, 0.8 weight + factor sqrt(10 size)): a large debt, or position, is asked for more."""
    if factor == 0:
        return weight
    return max(weight, weight - weight // 5 + _root(size) * factor // ROOT * WEIGHT // FACTOR)


def scaled_by_deposits(weight: int, *, deposits: int, start: int) -> int:
    """weight * start / deposits once all deposits together are worth more than `start`; 0 = never scaled."""
    return weight * start // deposits if start and deposits > start else weight


def profit_weight(weight: int, *, profit: int, factor: int) -> int:
    """What a share of open profit counts for: the discount of a holding of that much money."""
    return size_discount(weight, size=max(profit, 0) * MONEY_TO_SIZE, factor=factor)


def between(initial: int, maintenance: int) -> int:
    """The level halfway, at which an order may still fill."""
    return (initial + maintenance) // 2
