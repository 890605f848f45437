"""Staked and yield-bearing collateral: what it redeems for, when, and after a slashing.

Amounts in atoms, ratios (underlying per share) in wads, rates in ppb, times in ns, prices as exact fractions
of quote atoms per atom of the underlying; values in quote atoms. Rounding: down, against the holder.
Source: Aave CAPO and Lido withdrawal queue for the shape; the haircut for waiting is ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import msgspec

from seawall.errors import InputError
from seawall.units import PPB

WAD = 10**18
DAY_NS = 86_400 * 10**9
YEAR_NS = 365 * DAY_NS


class RatioPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How a redemption ratio may move from one reading to the next; what moves further is not believed."""

    growth_ppb_per_year: int
    fall_ppb: int  # the largest fall that counts as a slashing; more is taken for a broken feed

    def __post_init__(self) -> None:
        if self.growth_ppb_per_year < 0 or not 0 <= self.fall_ppb <= PPB:
            raise InputError.at(
                "ratio policy",
                f"growth {self.growth_ppb_per_year} ppb, fall {self.fall_ppb} ppb",
                "Give growth from 0, and a fall from 0 to 1e9.",
            )


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Underlying that is on its way out: it no longer earns, may still be slashed, and comes at a time."""

    amount_atoms: int
    released_at_ns: int


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """Shares that are staked, and claims that wait."""

    shares_atoms: int
    claims: tuple[Claim, ...] = ()


def believed_ratio(policy: RatioPolicy, before_wad: int, now_wad: int, elapsed_ns: int) -> int | None:
    """The ratio that may be used, None if what the feed says cannot be: then the collateral is unknown.

    Above its growth cap it is held at the cap; a fall within `fall_ppb` is a slashing and counts at once;
    zero, a deeper fall and time that runs backwards are unknown. InputError if the reading before was none.
    """
    if before_wad <= 0:
        raise InputError.at("before_wad", f"is {before_wad}", "Start from a ratio that was checked by hand.")
    if now_wad <= 0 or elapsed_ns < 0:
        return None
    if now_wad * PPB < before_wad * (PPB - policy.fall_ppb):
        return None
    cap = before_wad + before_wad * policy.growth_ppb_per_year * elapsed_ns // (PPB * YEAR_NS)
    return min(now_wad, cap)


def redeemed(shares_atoms: int, ratio_wad: int, *, slashed_ppb: int = 0) -> int:
    """Underlying atoms that shares redeem for, after a slashing of so much of the stake."""
    _share(slashed_ppb)
    return shares_atoms * ratio_wad * (PPB - slashed_ppb) // (WAD * PPB)


def staked_value(
    holding: Holding,
    ratio_wad: int,
    price: Fraction,
    now_ns: int,
    *,
    market_price: Fraction | None = None,
    slashed_ppb: int = 0,
    wait_haircut_ppb_per_day: int = 0,
) -> int:
    """Quote atoms the holding is worth: shares at the lesser of redemption and market, claims less the wait.

    `price` is of the underlying, `market_price` of a share where one trades: a peg that broke counts at once,
    a share above its redemption does not. A claim loses the haircut for every day it still waits, begun days
    whole; once released it is paid out, and neither waits nor can be slashed. InputError for prices or a
    ratio that are not above zero.
    """
    prices = [price] if market_price is None else [price, market_price]
    if ratio_wad <= 0 or any(value <= 0 for value in prices):
        raise InputError.at(
            "staked collateral",
            f"ratio {ratio_wad}, prices {', '.join(map(str, prices))}",
            "Without a ratio and a price its value is unknown: do not count it, and do not liquidate on it.",
        )
    value = Fraction(redeemed(holding.shares_atoms, ratio_wad, slashed_ppb=slashed_ppb)) * price
    if market_price is not None:
        value = min(value, Fraction(holding.shares_atoms * (PPB - slashed_ppb), PPB) * market_price)
    for claim in holding.claims:
        waits = max(0, claim.released_at_ns - now_ns)
        days = -(-waits // DAY_NS)
        kept = max(0, PPB - days * wait_haircut_ppb_per_day)
        slashed = slashed_ppb if waits else 0
        value += Fraction(claim.amount_atoms * kept * (PPB - slashed), PPB * PPB) * price
    return value.numerator // value.denominator


def unstake(holding: Holding, shares_atoms: int, ratio_wad: int, now_ns: int, *, delay_ns: int) -> Holding:
    """Turn shares into a claim at today's ratio. InputError for more shares than there are."""
    if not 0 < shares_atoms <= holding.shares_atoms or delay_ns < 0:
        raise InputError.at(
            "shares_atoms",
            f"are {shares_atoms} of {holding.shares_atoms}, delay {delay_ns} ns",
            "Give no more than there are, and a delay from 0.",
        )
    claim = Claim(amount_atoms=redeemed(shares_atoms, ratio_wad), released_at_ns=now_ns + delay_ns)
    return Holding(shares_atoms=holding.shares_atoms - shares_atoms, claims=(*holding.claims, claim))


def releasable(claims: Iterable[Claim], now_ns: int) -> int:
    """Underlying atoms that can be paid out now."""
    return sum(claim.amount_atoms for claim in claims if claim.released_at_ns <= now_ns)


def _share(ppb: int) -> None:
    if not 0 <= ppb <= PPB:
        raise InputError.at("slashed_ppb", f"is {ppb}", "Give a share of the stake from 0 to 1e9.")
