"""P9 sizes and fees that bring an account back above requirement and buffer, and no further.

Closing b of a position frees the requirement on it, less what the liquidator and the fund take: the least b
that covers a shortage is shortage / (price (ratio - liquidator fee) - price * fund fee). The fund's fee is
cut to what still lets the account be rescued; the liquidator's grows while nobody comes; and only a growing
share of the shortage is released. Money and prices 1e-6, sizes 1e-9, ratios 1e-4, fees 1e-6; all rounds down
but sizes, which round up to a step. Source: Drift v2, math/liquidation.
"""

from __future__ import annotations

from typing import NamedTuple

from seawall.margin.buffered import MONEY, SIZE
from seawall.margin.size_weights import WEIGHT

FEE = 10**6
FEE_PER_RATIO = FEE // WEIGHT
WHOLE = WEIGHT  # all of a shortage may be covered
SAFE_SHARE = (19, 20)  # of the room that is left for the fund's fee
EXTRA = 10  # one more digit of weights, so that little is lost when they are multiplied
EVERYTHING = 2**64 - 1


class Pace(NamedTuple):
    """How a shortage is released: the share at once, the slots until all of it, and what is small."""

    initial: int
    duration: int
    small: int = 50 * MONEY


class Ramp(NamedTuple):
    """A liquidator's fee: from `least`, one more per slot once `grace` slots have passed, to `most`."""

    least: int
    most: int
    grace: int = 1_500
    per_slot: int = 1


def base_to_cover(
    shortage: int, *, ratio: int, liquidator_fee: int, fund_fee: int, price: int, quote_price: int = MONEY
) -> int:
    """Size to close so that a shortage is gone; EVERYTHING where closing frees nothing."""
    room = ratio * FEE_PER_RATIO - liquidator_fee
    if price <= 0 or room <= 0:
        return EVERYTHING
    freed = price * quote_price // MONEY * room // FEE - price * fund_fee // FEE
    return shortage * SIZE // freed if freed > 0 else EVERYTHING


def liability_to_cover(
    shortage: int,
    *,
    asset_weight: int,
    asset_multiplier: int,
    liability_weight: int,
    liability_multiplier: int,
    decimals: int,
    price: int,
    fund_fee: int = 0,
) -> int:
    """Debt to take over against collateral so that a shortage is gone; EVERYTHING where it cannot be."""
    asset, liability = asset_weight * EXTRA, liability_weight * EXTRA
    room = liability - asset * asset_multiplier // liability_multiplier
    freed = price * room - price * fund_fee // FEE * liability
    if freed <= 0:
        return EVERYTHING
    return shortage * 10**decimals * WEIGHT * EXTRA // freed


def asset_for_liability(
    liability: int,
    *,
    liability_price: int,
    asset_price: int,
    asset_multiplier: int,
    liability_multiplier: int,
    liability_decimals: int = 9,
    asset_decimals: int = 6,
) -> int:
    """Collateral paid for taking a debt over, with both multipliers."""
    top = liability * liability_price * asset_multiplier * 10**asset_decimals
    return top // (asset_price * liability_multiplier * 10**liability_decimals)


def fund_fee(shortage: int, *, base: int, ratio: int, liquidator_fee: int, price: int, most: int) -> int:
    """The largest fund fee that leaves the account rescuable: 95 % of ratio - fee - shortage / value."""
    room = ratio * FEE_PER_RATIO - liquidator_fee
    if price <= 0 or base == 0 or room <= 0:
        return 0
    left = room - shortage * SIZE * FEE // (price * abs(base))
    return min(max(left, 0) * SAFE_SHARE[0] // SAFE_SHARE[1], most)


def balance_fund_fee(
    shortage: int,
    *,
    amount: int,
    asset_weight: int,
    asset_multiplier: int,
    liability_weight: int,
    liability_multiplier: int,
    price: int,
    decimals: int,
    most: int,
) -> int:
    """The same where a debt is taken over for collateral: no safety share, per weight of the debt."""
    value = amount * price // 10**decimals
    if value <= 0:
        return 0
    room = liability_weight * FEE_PER_RATIO
    room -= asset_weight * FEE_PER_RATIO * asset_multiplier // liability_multiplier
    left = room - shortage * FEE // value
    return min(max(left, 0) * WEIGHT // liability_weight, most)


def liquidator_fee(ramp: Ramp, waited: int) -> int:
    """Of a position whose owner has been still for so many slots."""
    if waited < ramp.grace:
        return ramp.least
    return min(ramp.least + waited * ramp.per_slot, ramp.most)


def released(pace: Pace, *, shortage: int, freed: int, elapsed: int) -> int:
    """Share (1e-4) of the present shortage that may be covered now, after `freed` of it was before."""
    if shortage < pace.small:
        return WHOLE
    share = min(pace.initial + elapsed * WHOLE // pace.duration, WHOLE)
    left = max((shortage + freed) * share // WHOLE - freed, 0)
    return min(left * WHOLE // shortage, WHOLE)


def stepped_up(size: int, step: int) -> int:
    """A size rounded up to whole steps."""
    return -(-size // step) * step
