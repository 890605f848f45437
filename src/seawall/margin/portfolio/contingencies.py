"""What each term of a portfolio requirement comes to, but the worst loss: plain functions of numbers.

Sizes, deltas and prices are exact fractions (a float price is taken as the binary number it is), results are
units of the quote currency, not yet rounded; `price` is the index in quote units. A node in coin divides by
it. Rates and moves are ppb. Sources are named at each charge in `charges`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from seawall.margin.portfolio.charges import Step

PPB = 1_000_000_000
NONE = Fraction(0)


def of_size(sizes: Iterable[Fraction], *, rate_ppb: int, price: Fraction) -> Fraction:
    """rate * sum of |size| * price."""
    return sum((abs(size) for size in sizes), NONE) * price * rate_ppb / PPB


def naked_shorts(strikes: Iterable[tuple[Fraction | int, Fraction | int]]) -> Fraction | int:
    """Options short and not covered; per strike the net size of calls and of puts, in steps or contracts."""
    found: Fraction | int = 0
    for calls, puts in strikes:
        found += max(-calls - max(puts, 0), 0) + max(-puts - max(calls, 0), 0)
    return found


def of_naked_shorts(naked: Fraction | int, *, rate_ppb: int, price: Fraction) -> Fraction:
    return naked * price * rate_ppb / PPB


def of_forward(worst: Iterable[tuple[Fraction, Fraction]], *, add_ppb: int, mult_ppb: int) -> Fraction:
    """Per expiry its worst result when only the forward moves, and its years; gains count nothing."""
    return sum((max(-result, NONE) * (add_ppb + mult_ppb * years) / PPB for result, years in worst), NONE)


def of_roll(
    deltas: Iterable[tuple[Fraction, Fraction]], *, minimum_ppb: int, annual_ppb: int, price: Fraction
) -> Fraction:
    """Per expiry its net delta and its years (0 for perpetuals)."""
    shocks = (abs(delta) * max(Fraction(minimum_ppb), annual_ppb * years) / PPB for delta, years in deltas)
    return sum(shocks, NONE) * price


def of_delta(
    delta: Fraction, *, threshold: Fraction, slope: Fraction, cap_ppb: int, price: Fraction
) -> Fraction:
    """|delta| * min((value - threshold) * slope, cap) * price; nothing below the threshold."""
    above = max(abs(delta) * price - threshold, NONE)
    return abs(delta) * min(above * slope, Fraction(cap_ppb, PPB)) * price


def delta_parts(deltas: Sequence[Fraction]) -> tuple[Fraction, Fraction, Fraction]:
    """(net, gross, hedged) of signed deltas; hedged = (gross - |net|) / 2."""
    net = sum(deltas, NONE)
    gross = sum((abs(delta) for delta in deltas), NONE)
    return net, gross, (gross - abs(net)) / 2


def of_minimum_delta(
    deltas: Sequence[Fraction], *, unhedged_ppb: int, hedged_ppb: int, price: Fraction
) -> Fraction:
    """Signed deltas of the positions, one by one."""
    net, _, hedged = delta_parts(deltas)
    return (abs(net) * unhedged_ppb + hedged * hedged_ppb) * price / PPB


def of_steps(amount: Fraction, steps: Sequence[Step]) -> Fraction:
    """An amount slice by slice, each times its multiplier; without steps the amount itself."""
    if not steps:
        return amount
    found, below = NONE, NONE
    for step in steps:
        end = amount if step.up_to_usd_e9 is None else min(amount, Fraction(step.up_to_usd_e9, PPB))
        found += max(end - below, NONE) * step.times_ppb / PPB
        below = max(below, end)
    return found


def of_delta_value(value: Fraction, *, rate_ppb: int, steps: Sequence[Step]) -> Fraction:
    """rate * |value of the net delta|, then slice by slice."""
    return of_steps(abs(value) * rate_ppb / PPB, steps)


def of_confidence(
    notionals: Iterable[tuple[Fraction, Fraction]], *, threshold_ppb: int, factor_ppb: int
) -> Fraction:
    """Per price used: the notional that hangs on it and its confidence; counted below the threshold."""
    below = (
        abs(notional) * (1 - confidence)
        for notional, confidence in notionals
        if confidence * PPB < threshold_ppb
    )
    return sum(below, NONE) * factor_ppb / PPB


def of_haircuts(values: Iterable[tuple[Fraction, int]]) -> Fraction:
    """Value of each collateral (debts count nothing here) and its rate in ppb."""
    return sum((max(value, NONE) * rate / PPB for value, rate in values), NONE)


def factor_of(*, factor_ppb: int, slope_ppb: int, below_ppb: int, stable: Fraction) -> Fraction:
    """A level's factor, raised as the stable coin falls below a threshold."""
    return Fraction(factor_ppb, PPB) + Fraction(slope_ppb, PPB) * max(Fraction(below_ppb, PPB) - stable, NONE)
