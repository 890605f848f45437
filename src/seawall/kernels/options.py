"""What an option is worth at a level and what it requires by itself (P3, schedules of kind `option`).

The requirement follows the market, not the size: S the underlying's index, K the strike, M the option's own
price, A = how far it is out of the money, each for the whole position in atoms of the settlement asset.
Prices ticks, sizes lots, rates ppb. S, K and M round up, A rounds down, so no term is understated; what would
pass 2**63 raises OverflowError. An option paid in coin has S = its size in coin, and K and A divided by S.
Terms and sources: margin.option_schedule.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels import layout
from seawall.kernels.fixed import LEAF, add_checked, mul_checked, mul_div_ceil, mul_div_floor
from seawall.kernels.position import (
    FEE_NONE,
    PPB,
    level_price,
    position_profit,
    position_requirement,
)

CALL, PUT = 1, 2
VALUE_FULL, VALUE_NONE, VALUE_LONG = 0, 1, 2


@njit(**LEAF)
def missing_price(rules, market, instrument):  # type: ignore[no-untyped-def]
    """The instrument without a usable price that a position depends on, or -1: an option needs its spot."""
    if not market[instrument, layout.MKT_USABLE]:
        return np.int64(instrument)
    row = rules[0, layout.HDR_LISTING] + instrument
    if rules[row, layout.INS_OPTION]:
        underlying = rules[row, layout.INS_UNDERLYING]
        if not market[underlying, layout.MKT_USABLE] or market[underlying, layout.MKT_INDEX] <= 0:
            return underlying
    return np.int64(-1)


@njit(**LEAF)
def spot_and_strike(rules, row, size, spot_ticks):  # type: ignore[no-untyped-def]
    """(S, K, A) of `size` lots of the option listed in `row`, in atoms; see the file's opening."""
    strike, num, den = (
        rules[row, layout.INS_STRIKE],
        rules[row, layout.INS_UNIT_NUM],
        rules[row, layout.INS_UNIT_DEN],
    )
    out = strike - spot_ticks if rules[row, layout.INS_OPTION] == CALL else spot_ticks - strike
    out = max(out, np.int64(0))
    if rules[row, layout.INS_IN_COIN]:
        coin = mul_div_ceil(size, num, den)
        return (
            coin,
            mul_div_ceil(coin, strike, spot_ticks),
            mul_div_floor(mul_div_floor(size, num, den), out, spot_ticks),
        )
    return (
        mul_div_ceil(mul_checked(size, spot_ticks), num, den),
        mul_div_ceil(mul_checked(size, strike), num, den),
        mul_div_floor(mul_checked(size, out), num, den),
    )


@njit(**LEAF)
def _short_terms(rules, terms, spot, strike, out, worth):  # type: ignore[no-untyped-def]
    """premium * M + fee * S + min(max(spot * S - A, floor * (S or K), mark * M), cap * K)."""
    base = strike if rules[terms, layout.OPT_FLOOR_OF_STRIKE] else spot
    core = max(
        mul_div_ceil(spot, rules[terms, layout.OPT_SPOT], PPB) - out,
        mul_div_ceil(base, rules[terms, layout.OPT_FLOOR], PPB),
        mul_div_ceil(worth, rules[terms, layout.OPT_MARK], PPB),
    )
    if rules[terms, layout.OPT_STRIKE_CAP] > 0:
        core = min(core, mul_div_ceil(strike, rules[terms, layout.OPT_STRIKE_CAP], PPB))
    extra = add_checked(
        mul_div_ceil(worth, rules[terms, layout.OPT_PREMIUM], PPB),
        mul_div_ceil(spot, rules[terms, layout.OPT_FEE], PPB),
    )
    return add_checked(core, extra)


@njit(**LEAF)
def short_requirement(  # type: ignore[no-untyped-def]
    rules, schedule, instrument, size, spot, strike, out, worth
):
    """What `size` short lots require on a schedule, at least `least` times what another schedule asks."""
    first = rules[0, layout.HDR_SCHEDULES] + instrument
    terms = rules[first + schedule * rules[0, layout.HDR_INSTRUMENTS], layout.SCH_TIER_START]
    required = _short_terms(rules, terms, spot, strike, out, worth)
    other = rules[terms, layout.OPT_LEAST_SCHEDULE]
    if other >= 0:
        below = rules[first + other * rules[0, layout.HDR_INSTRUMENTS], layout.SCH_TIER_START]
        least = _short_terms(rules, below, spot, strike, out, worth)
        required = max(required, mul_div_ceil(least, rules[terms, layout.OPT_LEAST], PPB))
    return required


@njit(**LEAF)
def _long_requirement(rules, schedule, instrument, spot, worth):  # type: ignore[no-untyped-def]
    """min(long_mark * M, long_spot * S); a long_spot of 0 is no bound."""
    row = rules[0, layout.HDR_SCHEDULES] + schedule * rules[0, layout.HDR_INSTRUMENTS] + instrument
    terms = rules[row, layout.SCH_TIER_START]
    required = mul_div_ceil(worth, rules[terms, layout.OPT_LONG_MARK], PPB)
    if rules[terms, layout.OPT_LONG_SPOT] > 0:
        required = min(required, mul_div_ceil(spot, rules[terms, layout.OPT_LONG_SPOT], PPB))
    return required


@njit(**LEAF)
def scheduled(rules, market, level, instrument, lots):  # type: ignore[no-untyped-def]
    """(requirement of `lots` times the level's factor, their worth at the level's price, that price)."""
    terms, row = rules[0, layout.HDR_LEVELS] + level, rules[0, layout.HDR_LISTING] + instrument
    price = level_price(
        rules[terms, layout.LVL_PRICE],
        market[instrument, layout.MKT_MARK],
        market[instrument, layout.MKT_INDEX],
        market[instrument, layout.MKT_STABLE],
        lots > 0,
    )
    size, schedule = abs(lots), rules[terms, layout.LVL_SCHEDULE]
    worth = mul_checked(mul_checked(size, price), rules[row, layout.INS_VALUE_NUM])
    spot_ticks = market[rules[row, layout.INS_UNDERLYING], layout.MKT_INDEX]
    spot, strike, out = spot_and_strike(rules, row, size, spot_ticks)
    if lots < 0:
        required = short_requirement(rules, schedule, instrument, size, spot, strike, out, worth)
    else:
        required = _long_requirement(rules, schedule, instrument, spot, worth)
    return mul_div_ceil(required, rules[terms, layout.LVL_FACTOR], PPB), worth, price


@njit(**LEAF)
def _fee_to_close(rules, market, instrument, lots, bid, ask, worth):  # type: ignore[no-untyped-def]
    """The taker fee, of the spot but at most the cap of the price, on the larger size after a fill."""
    row = rules[0, layout.HDR_LISTING] + instrument
    size = max(abs(add_checked(lots, bid)), abs(add_checked(lots, -ask)))
    spot_ticks = market[rules[row, layout.INS_UNDERLYING], layout.MKT_INDEX]
    spot, _strike, _out = spot_and_strike(rules, row, size, spot_ticks)
    fee = mul_div_ceil(spot, rules[row, layout.INS_TAKER_FEE], PPB)
    cap = rules[row, layout.INS_FEE_CAP]
    return min(fee, mul_div_ceil(worth, cap, PPB)) if cap > 0 else fee


@njit(**LEAF)
def option_requirement(rules, market, level, instrument, lots, bid, ask):  # type: ignore[no-untyped-def]
    """(requirement, worth, price) of an option after the worst fill of the orders given to it.

    Where bought options count for nothing, the bids need what they would cost, at the level's price.
    """
    terms = rules[0, layout.HDR_LEVELS] + level
    found, worth, price = np.int64(0), np.int64(0), np.int64(0)
    for side in (1, -1):
        after = add_checked(lots, bid) if side > 0 else add_checked(lots, -ask)
        if after * side <= 0:
            continue
        required, valued, ticks = scheduled(rules, market, level, instrument, after)
        if side > 0 and bid > 0 and rules[terms, layout.LVL_OPTION_VALUE] == VALUE_NONE:
            required = add_checked(required, mul_div_ceil(valued, bid, after) if bid < after else valued)
        if required >= found:
            found, worth, price = required, max(worth, valued), ticks
    floor = mul_div_ceil(worth, rules[terms, layout.LVL_MIN_NOTIONAL], PPB)
    found = max(found, floor)
    if rules[terms, layout.LVL_CLOSE_FEE] != FEE_NONE:
        found = add_checked(found, _fee_to_close(rules, market, instrument, lots, bid, ask, worth))
    if rules[terms, layout.LVL_CONFIDENCE] > 0 and price > 0:
        confidence = market[instrument, layout.MKT_CONFIDENCE]
        share = mul_div_ceil(confidence, rules[terms, layout.LVL_CONFIDENCE], price)
        found = add_checked(found, mul_div_ceil(worth, share, PPB))
    return found, worth, price


@njit(**LEAF)
def any_requirement(  # type: ignore[no-untyped-def]
    rules, market, level, instrument, lots, cost, bid, ask, leverage, isolated, free
):
    """`position_requirement` of whatever the instrument is. Options know no leverage and no backing."""
    if rules[rules[0, layout.HDR_LISTING] + instrument, layout.INS_OPTION]:
        worst = rules[rules[0, layout.HDR_LEVELS] + level, layout.LVL_ORDERS] != 0
        return option_requirement(
            rules, market, level, instrument, lots, bid if worst else 0, ask if worst else 0
        )
    return position_requirement(
        rules, market, level, instrument, lots, cost, bid, ask, leverage, isolated, free
    )


@njit(**LEAF)
def any_profit(rules, market, level, instrument, lots, cost):  # type: ignore[no-untyped-def]
    """`position_profit`; an option that counts for nothing here is worth 0: only its premium moved."""
    row = rules[0, layout.HDR_LISTING] + instrument
    counted = rules[rules[0, layout.HDR_LEVELS] + level, layout.LVL_OPTION_VALUE]
    if rules[row, layout.INS_OPTION] and counted != VALUE_FULL and not (counted == VALUE_LONG and lots > 0):
        return np.int64(-cost), market[instrument, layout.MKT_MARK]
    return position_profit(rules, market, level, instrument, lots, cost)
