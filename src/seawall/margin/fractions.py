"""P3 with its rounding as data: requirements as fractions of notional, in whole units of money.

Notional and amounts are whole units of money (of any size), rates parts per million. The initial requirement
rounds up; maintenance is a share of it and rounds up once more; a ramp of the rate with open interest rounds
down to a part per million. An account that misses its initial requirement may still act if it gets no worse.
Source: dYdX v4, perpetuals (liquidity tiers, margin requirements) and subaccounts (state transitions).
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from seawall.errors import InputError

PPM = 1_000_000


class Asked(NamedTuple):
    """What an account has and must have; amounts in one unit."""

    equity: int
    initial: int
    maintenance: int


def ceil_share(amount: int, rate_ppm: int) -> int:
    """amount * rate, rounded up."""
    return -(-amount * rate_ppm // PPM)


def ramped_rate(base_ppm: int, *, open_interest: int, lower: int, upper: int) -> int:
    """base + (1 - base) * clamp((OI - lower) / (upper - lower), 0, 1), rounded down; upper 0 = no ramp.

    InputError for a ramp that ends before it begins.
    """
    if not upper:
        return base_ppm
    if not 0 <= lower < upper:
        raise InputError.at(
            "open interest ramp",
            f"from {lower} to {upper}",
            "Give a lower cap of zero or more, below the upper.",
        )
    into = min(max(open_interest - lower, 0), upper - lower)
    return base_ppm + max(PPM - base_ppm, 0) * into // (upper - lower)


def initial_requirement(notional: int, rate_ppm: int) -> int:
    """Of one position, rounded up."""
    return ceil_share(abs(notional), rate_ppm)


def maintenance_requirement(notional: int, base_ppm: int, fraction_ppm: int) -> int:
    """A share of the requirement at the base rate, itself rounded up: no ramp, no chosen leverage."""
    return ceil_share(ceil_share(abs(notional), base_ppm), fraction_ppm)


def notional_of(size: int, price: int, exponent: int) -> Fraction:
    """size * price * 10**exponent: a position in units of money from integers at their own precisions."""
    return Fraction(size) * price * Fraction(10) ** exponent


def liquidatable(account: Asked) -> bool:
    """Something is asked, and there is less."""
    return account.maintenance > 0 and account.equity < account.maintenance


def may_become(before: Asked, after: Asked) -> bool:
    """Whether an account may go from one state to the other.

    Above its initial requirement always; below it only if maintenance does not rise and equity over
    maintenance does not fall. Nothing asked and less than nothing held is never allowed.
    """
    if after.equity >= after.initial:
        return True
    if after.maintenance > before.maintenance or not after.maintenance:
        return False
    return after.equity * before.maintenance >= before.equity * after.maintenance
