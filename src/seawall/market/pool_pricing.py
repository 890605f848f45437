"""Fills of perpetuals against a liquidity pool: by the skew of open interest, or by what a trade does to it.

Sizes in units or USD, prices in USD, exact fractions; a power with a broken exponent goes through the
engine's own `power`, the same on every CPU. Sources: Synthetix v3 (skew scale); GMX v2 (price impact, impact
pool).
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import msgspec

from seawall.errors import InputError
from seawall.kernels.elementary import power

ZERO = Fraction(0)


def skew_fill(oracle: Fraction, *, skew: Fraction, scale: Fraction, size: Fraction) -> Fraction:
    """Mean of oracle * (1 + skew / scale) before and after a trade of `size` (signed)."""
    if scale <= 0:
        raise InputError.at("skew", f"scale is {scale}", "Give a skew scale above zero.")
    return oracle * (1 + (2 * skew + size) / (2 * scale))


class ImpactTerms(msgspec.Struct, frozen=True, kw_only=True):
    """impact = factor * imbalance**exponent, one factor where balance improves, one where it gets worse."""

    positive: Fraction
    negative: Fraction
    exponent: Fraction


def raised(value: Fraction, exponent: Fraction) -> Fraction:
    """value**exponent: exact for a whole exponent, else the nearest that `power` gives."""
    if exponent.denominator == 1:
        return value ** int(exponent)
    return Fraction(float(power(float(value), float(exponent))))


def scaled(imbalance: Fraction, factor: Fraction, exponent: Fraction) -> Fraction:
    """factor * imbalance**exponent; nothing below an imbalance of one."""
    return ZERO if imbalance < 1 else factor * raised(imbalance, exponent)


def price_impact(terms: ImpactTerms, *, before: Fraction, after: Fraction) -> Fraction:
    """USD a trade gains (or loses) by moving the imbalance, long less short, from one value to another."""
    was, now = abs(before), abs(after)
    if (before < 0) != (after < 0) and before and after:  # the other side has the majority now
        return scaled(was, terms.positive, terms.exponent) - scaled(now, terms.negative, terms.exponent)
    factor = terms.positive if now < was else terms.negative
    return scaled(was, factor, terms.exponent) - scaled(now, factor, terms.exponent)


def worse_impact(terms: ImpactTerms, *, own: Fraction, shared: Fraction | None, change: Fraction) -> Fraction:
    """The impact on a market's own imbalance, or on one it shares with others where that is worse."""
    alone = price_impact(terms, before=own, after=own + change)
    if shared is None:
        return alone
    return min(alone, price_impact(terms, before=shared, after=shared + change))


def execution_price(
    oracle: Fraction, *, size_usd: Fraction, impact: Fraction, is_long: bool, increase: bool
) -> Fraction:
    """What an order trades at once its impact is in the price. InputError where that leaves no size."""
    sign = 1 if is_long else -1
    if not increase:
        return oracle * (1 + sign * impact / size_usd)
    tokens = (size_usd + sign * impact) / oracle
    if tokens <= 0:
        raise InputError.at("order", "its impact is larger than itself", "Trade a smaller size.")
    return size_usd / tokens


class PoolValue(NamedTuple):
    """A pool's value to its providers, and the tokens kept apart for impact."""

    value: Fraction
    impact_tokens: Fraction


def pool_value(
    *,
    tokens: Fraction,
    usd: Fraction,
    price: Fraction,
    impact_tokens: Fraction,
    least: Fraction = ZERO,
    rate: Fraction = ZERO,
    elapsed: Fraction = ZERO,
) -> PoolValue:
    """Both sides less the impact pool, of which `rate` a second goes to providers down to `least`."""
    left = impact_tokens
    if impact_tokens > least:
        left = max(impact_tokens - rate * elapsed, least)
    return PoolValue(tokens * price + usd - left * price, left)


def capped_profit(profit: Fraction, *, all_profit: Fraction, pool: Fraction, factor: Fraction) -> Fraction:
    """A position's profit scaled down where all of its side's is more than a share of the pool's side."""
    most = pool * factor
    if profit <= 0 or all_profit <= most:
        return profit
    return profit * most / all_profit
