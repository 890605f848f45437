"""P14 against a liquidity pool: funding whose velocity is the skew, funding that adapts, borrowing fees.

Rates per second or per day as named, shares and factors exact fractions; powers with a broken exponent by the
engine's own `power`. Sources: Synthetix v3 (velocity funding); GMX v2 (adaptive funding, borrowing fees).
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import msgspec

from seawall.errors import InputError
from seawall.market.pool_pricing import raised, scaled

ZERO = Fraction(0)


class Funding(NamedTuple):
    """The rate now (per day) and what a unit of size has accrued, in price units."""

    rate: Fraction = ZERO
    accrued: Fraction = ZERO


def advance(
    state: Funding, *, skew: Fraction, scale: Fraction, velocity: Fraction, price: Fraction, days: Fraction
) -> Funding:
    """After days at a constant skew: the rate moves by skew / scale * velocity a day and accrues its mean."""
    if scale <= 0 or days < 0:
        raise InputError.at(
            "funding", f"scale {scale}, {days} days", "Give a scale above zero, time forwards."
        )
    rate = state.rate + skew / scale * velocity * days
    return Funding(rate, state.accrued + (state.rate + rate) / 2 * days * price)


class AdaptiveTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Factors per second and the shares of skew from which the rate grows, and below which it shrinks."""

    increase: Fraction
    decrease: Fraction
    stable: Fraction
    falling: Fraction


def adapt(
    factor: Fraction, terms: AdaptiveTerms, *, longs: Fraction, shorts: Fraction, seconds: Fraction
) -> Fraction:
    """The saved factor after some seconds: it grows by skew / open interest, waits, or shrinks to zero."""
    total = longs + shorts
    if total <= 0:
        return factor
    share = abs(longs - shorts) / total
    if share > terms.stable:
        return factor + share * terms.increase * seconds
    if share < terms.falling:
        return max(factor - terms.decrease * seconds, ZERO)
    return factor


def skew_fee(
    *, longs: Fraction, shorts: Fraction, factor: Fraction, exponent: Fraction, seconds: Fraction
) -> Fraction:
    """USD the larger side pays: factor * skew**exponent / open interest, per second and USD of its size."""
    total = longs + shorts
    if total <= 0:
        return ZERO
    return scaled(abs(longs - shorts), factor, exponent) / total * seconds * max(longs, shorts)


def borrowing_fee(
    *, reserved: Fraction, pool: Fraction, factor: Fraction, exponent: Fraction, seconds: Fraction
) -> Fraction:
    """USD a side pays for what the pool keeps ready for it: factor * (reserved / pool)**exponent a second."""
    if pool <= 0:
        raise InputError.at("borrowing fee", "the pool is empty", "Nothing can be reserved of it.")
    share = reserved / pool
    return reserved * factor * raised(share, exponent) * seconds
