"""What options require, slowly, from the prose of the venues' pages. Fractions only, no tables, no kernels.

`exact_requirement` is one option's; `worst_loss` that of all options of one expiry at any spot, found on a
dense grid of spots rather than at the strikes. Amounts are in whole units of settlement, unrounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from seawall.margin.option_schedule import OptionTerms

PPB = 10**9


@dataclass(frozen=True)
class Option:
    """Size in units of the base, signed; strike and spot in money per unit; price in the settlement asset."""

    is_call: bool
    strike: Fraction
    size: Fraction
    price: Fraction


def share(rate_ppb: int, value: Fraction) -> Fraction:
    return Fraction(rate_ppb, PPB) * value


def exact_requirement(
    option: Option, spot: Fraction, schedules: dict[str, OptionTerms], name: str, *, in_coin: bool
) -> Fraction:
    """Per page: premium * M + fee * S + min(max(spot * S - A, floor * F, mark * M), cap * K), and `least`."""
    terms, size = schedules[name], abs(option.size)
    unit = size / spot if in_coin else size
    value, strike, price = spot * unit, option.strike * unit, option.price * size
    if option.size >= 0:
        held = share(terms.long_mark_ppb, price)
        return min(held, share(terms.long_spot_ppb, value)) if terms.long_spot_ppb else held
    gap = option.strike - spot if option.is_call else spot - option.strike
    short = terms.call if option.is_call else terms.put
    core = max(
        share(short.spot_ppb, value) - max(gap, Fraction(0)) * unit,
        share(short.floor_ppb, strike if short.floor_of == "strike" else value),
        share(short.mark_ppb, price),
    )
    if short.strike_cap_ppb:
        core = min(core, share(short.strike_cap_ppb, strike))
    asked = core + share(short.premium_ppb, price) + share(short.fee_ppb, value)
    if short.least_of:
        below = exact_requirement(option, spot, schedules, short.least_of, in_coin=in_coin)
        asked = max(asked, share(short.least_ppb, below))
    return asked


def payoff(options: list[Option], spot: Fraction) -> Fraction:
    total = Fraction(0)
    for option in options:
        inside = spot - option.strike if option.is_call else option.strike - spot
        total += option.size * max(inside, Fraction(0))
    return total


def worst_loss(options: list[Option], *, step: Fraction) -> Fraction:
    """Largest loss over spots from 0 to beyond the highest strike in even steps; never below zero.

    Losses beyond the highest strike are the caller's. Exact where the strikes are multiples of the step.
    """
    points = int(max(option.strike for option in options) / step) + 1
    return max(max(-payoff(options, step * point) for point in range(points)), Fraction(0))
