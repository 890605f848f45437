"""Slow independent models of the allocation rules, in exact fractions; the code under test is not imported.

Each oracle uses another method than the shipped one: bisection instead of a sorted walk, definition instead
of algorithm, complete enumeration where the case is tiny. Units: whatever the caller counts in.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

BISECTIONS = 200  # from a range of 2^63 down to 2^-137; fractions with 64-bit terms lie 2^-126 apart


def hamilton(weights: list[int], total: int, ids: list[int]) -> list[int]:
    """Largest remainder straight from its definition, one left-over atom at a time."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    exact = [Fraction(weight * total, whole) for weight in weights]
    got = [share.numerator // share.denominator for share in exact]
    waiting = sorted(range(len(weights)), key=lambda i: (got[i] - exact[i], ids[i]))
    for index in waiting[: total - sum(got)]:
        got[index] += 1
    return got


def level(weights: list[int], limits: list[int], total: int) -> Fraction:
    """The level t with sum(min(limit, t * weight)) == total, by bisection; total must be payable."""
    low, high = Fraction(0), Fraction(max([*limits, 1]))
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if sum(min(Fraction(b), middle * w) for w, b in zip(weights, limits)) >= total:
            high = middle
        else:
            low = middle
    return high


def smallest_largest_haircut(capacities: list[int], total: int) -> Fraction:
    """The least z for which whole atoms x <= z * u can add up to `total`: bisection, then one step up."""
    low, high = Fraction(-1), Fraction(1)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if sum(int(middle * u // 1) if middle > 0 else 0 for u in capacities) >= total:
            high = middle
        else:
            low = middle
    if total == 0:
        return Fraction(0)
    # z* is one of the fractions k/u: the smallest one that is not below `high` less the last bisection step.
    steps = [Fraction(-((-low * u) // 1), u) for u in capacities if u > 0]
    return min(step for step in steps if step > low)


def every_split(capacities: list[int], total: int) -> list[tuple[int, ...]]:
    """All whole splits of `total` within the capacities (tiny cases only)."""
    ranges = [range(min(u, total) + 1) for u in capacities]
    return [x for x in itertools.product(*ranges) if sum(x) == total]


def queue(order: list[int], capacities: list[int], total: int) -> list[int]:
    """Cumulative form: what of [before, before + u) lies below the loss."""
    paid, before = [0] * len(capacities), 0
    for index in order:
        paid[index] = max(0, min(total, before + capacities[index]) - before)
        before += capacities[index]
    return paid
