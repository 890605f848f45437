"""What one position is worth and what it requires (P3 and the contingencies of P6).

Prices ticks, sizes lots (+ long), amounts atoms of the settlement asset, rates ppb. Values round
down, notionals and requirements up; what would pass 2**63 raises OverflowError. `rules` and `market` are
the tables of kernels.layout.
Formulas, sources and a worked example: docs/reference/margin.md.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels import layout
from seawall.kernels.fixed import LEAF, add_checked, isqrt_ceil, mul_checked, mul_div_ceil, mul_div_floor

PPB = 1_000_000_000
TIERS, STEPS, SIZE_LINEAR, SIZE_SQRT = 0, 1, 2, 3
FEE_NONE, FEE_MARK, FEE_BANKRUPTCY = 0, 1, 2
PRICE_MARK, PRICE_INDEX, PRICE_STRICT = 0, 1, 2


@njit(**LEAF)
def position_value(inverse, value_num, lots, price_ticks):  # type: ignore[no-untyped-def]
    """Profit = value - cost. Linear: lots * ticks * value_num; inverse: floor(-lots * value_num / ticks)."""
    if inverse:
        return mul_div_floor(-lots, value_num, price_ticks)
    return mul_checked(mul_checked(lots, price_ticks), value_num)


@njit(**LEAF)
def notional_atoms(inverse, value_num, lots, price_ticks):  # type: ignore[no-untyped-def]
    """|value| of a position, rounded up."""
    size = lots if lots >= 0 else -lots
    if inverse:
        return mul_div_ceil(size, value_num, price_ticks)
    return mul_checked(mul_checked(size, price_ticks), value_num)


@njit(**LEAF)
def level_price(purpose, mark, index, stable, long_side):  # type: ignore[no-untyped-def]
    """The price a level values with; strict takes the worse of mark and slow price for the side held."""
    if purpose == PRICE_INDEX:
        return index
    if purpose == PRICE_STRICT and stable > 0 and (stable < mark) == long_side:
        return stable
    return mark


@njit(**LEAF)
def position_profit(rules, market, level, instrument, lots, cost):  # type: ignore[no-untyped-def]
    """(value at the level's price less cost, rounded down; that price)."""
    price = level_price(
        rules[rules[0, layout.HDR_LEVELS] + level, layout.LVL_PRICE],
        market[instrument, layout.MKT_MARK],
        market[instrument, layout.MKT_INDEX],
        market[instrument, layout.MKT_STABLE],
        lots > 0,
    )
    listing = rules[0, layout.HDR_LISTING] + instrument
    inverse = rules[listing, layout.INS_INVERSE]
    value = position_value(inverse, rules[listing, layout.INS_VALUE_NUM], lots, price)
    return add_checked(value, -cost), price


@njit(**LEAF)
def root_up(size, unit):  # type: ignore[no-untyped-def]
    """(root, scale): sqrt(size / unit) = root / scale, up to five decimals (to a whole from 9e8 units)."""
    scale = 100_000 if size // unit < 900_000_000 else 1
    return isqrt_ceil(mul_div_ceil(size, scale * scale, unit)), scale


@njit(**LEAF)
def _sized_rate(rules, row, size_lots, notional):  # type: ignore[no-untyped-def]
    """Rate of the schedules that are not tiers."""
    kind, base = rules[row, layout.SCH_KIND], rules[row, layout.SCH_BASE]
    if kind == STEPS:
        over = notional - rules[row, layout.SCH_STEP_BASE]
        steps = (over - 1) // rules[row, layout.SCH_STEP_SIZE] + 1 if over > 0 else 0
        return add_checked(base, mul_checked(steps, rules[row, layout.SCH_STEP_RATE]))
    slope, unit = rules[row, layout.SCH_SLOPE], rules[row, layout.SCH_SIZE_UNIT]
    if kind == SIZE_LINEAR:
        return add_checked(base, mul_div_ceil(size_lots, slope, unit))
    root, scale = root_up(size_lots, unit)
    scaled = mul_div_ceil(base, rules[row, layout.SCH_SQRT_SCALE], PPB)
    return max(base, add_checked(scaled, mul_div_ceil(slope, root, scale)))


@njit(**LEAF)
def schedule_requirement(  # type: ignore[no-untyped-def]
    rules, row, size_lots, notional, oi_lots, leverage
):
    """P3: requirement of one position before level factors."""
    deduction = np.int64(0)
    if rules[row, layout.SCH_KIND] == TIERS:
        tier, last = rules[row, layout.SCH_TIER_START], rules[row, layout.SCH_TIER_END] - 1
        while tier < last and notional >= rules[tier + 1, layout.TIER_FLOOR]:
            tier += 1
        rate, deduction = rules[tier, layout.TIER_RATE], rules[tier, layout.TIER_DEDUCTION]
    else:
        rate = _sized_rate(rules, row, size_lots, notional)
    required = mul_div_ceil(notional, rate, PPB) - deduction
    lower, upper = rules[row, layout.SCH_OI_LOWER], rules[row, layout.SCH_OI_UPPER]
    if upper > 0 and oi_lots > lower and notional > required:
        ramp = PPB if oi_lots >= upper else mul_div_ceil(oi_lots - lower, PPB, upper - lower)
        required += mul_div_ceil(notional - required, ramp, PPB)
    if rules[row, layout.SCH_USE_LEVERAGE] and leverage > 0:
        required = max(required, mul_div_ceil(notional, 1, leverage))
    return max(required, rules[row, layout.SCH_FLOOR])


@njit(**LEAF)
def sized_position(  # type: ignore[no-untyped-def]
    inverse, value_num, entry, purpose, mark, index, stable, lots, cost, bid, ask
):
    """(lots, notional, price) a level sizes a position with, after the worst fill of the orders given to it.

    Each way is priced as the side it would end on; the larger size and the larger notional count.
    On the entry basis what is held counts at its cost, what orders would add at the level's price.
    """
    size, notional, price = np.int64(0), np.int64(-1), np.int64(0)
    for long_side in (True, False):
        held, added = (lots, bid) if long_side else (-lots, ask)
        after = add_checked(held, added)
        if after > 0:
            ticks = level_price(purpose, mark, index, stable, long_side)
            at_cost = entry and held > 0
            worth = notional_atoms(inverse, value_num, added if at_cost else after, ticks)
            if at_cost:
                worth = add_checked(worth, abs(cost))
            size = max(size, after)
            if worth > notional:
                notional, price = worth, ticks
    return size, notional, price


@njit(**LEAF)
def position_requirement(  # type: ignore[no-untyped-def]
    rules, market, level, instrument, lots, cost, bid, ask, leverage, isolated, free
):
    """(requirement, notional, price) of a position at a level, with the contingencies that grow with it.

    `free`: atoms of the settlement asset in the pot; `isolated`: the pot holds this position alone.
    """
    terms = rules[0, layout.HDR_LEVELS] + level
    row = (
        rules[0, layout.HDR_SCHEDULES]
        + rules[terms, layout.LVL_SCHEDULE] * rules[0, layout.HDR_INSTRUMENTS]
        + instrument
    )
    listing = rules[0, layout.HDR_LISTING] + instrument
    inverse, value_num = rules[listing, layout.INS_INVERSE] != 0, rules[listing, layout.INS_VALUE_NUM]
    entry, worst = rules[row, layout.SCH_ENTRY_BASIS] != 0, rules[terms, layout.LVL_ORDERS]
    size, notional, price = sized_position(
        inverse,
        value_num,
        entry,
        rules[terms, layout.LVL_PRICE],
        market[instrument, layout.MKT_MARK],
        market[instrument, layout.MKT_INDEX],
        market[instrument, layout.MKT_STABLE],
        lots,
        cost,
        bid if worst else 0,
        ask if worst else 0,
    )
    if size == 0:
        return np.int64(0), np.int64(0), np.int64(0)
    scheduled = schedule_requirement(rules, row, size, notional, market[instrument, layout.MKT_OI], leverage)
    required = max(
        mul_div_ceil(scheduled, rules[terms, layout.LVL_FACTOR], PPB),
        mul_div_ceil(notional, rules[terms, layout.LVL_MIN_NOTIONAL], PPB),
    )
    closing, fee = rules[terms, layout.LVL_CLOSE_FEE], rules[listing, layout.INS_TAKER_FEE]
    if closing != FEE_NONE:
        closed = notional_atoms(inverse, value_num, size, price)
        if closing == FEE_BANKRUPTCY:
            backing = mul_div_ceil(notional, 1, leverage) if leverage > 0 else scheduled
            closed = bankruptcy_value(
                inverse, lots, cost, free, closed, notional, backing, fee, isolated, size == abs(lots)
            )
        required = add_checked(required, mul_div_ceil(closed, fee, PPB))
    if rules[terms, layout.LVL_CONFIDENCE] > 0:
        confidence = market[instrument, layout.MKT_CONFIDENCE]
        share = mul_div_ceil(confidence, rules[terms, layout.LVL_CONFIDENCE], price)
        required = add_checked(required, mul_div_ceil(notional, share, PPB))
    return required, notional, price


@njit(**LEAF)
def bankruptcy_value(  # type: ignore[no-untyped-def]
    inverse, lots, cost, free, present, notional, backing, fee, isolated, as_held
):
    """|value| at the price where what backs the position is gone, as Bybit charges the fee to close.

    Isolated, with E = free - cost: the pot is worth exactly that fee where |value| is -E / (1 - fee)
    (value above zero) or E / (1 + fee) (below zero); fully paid for, it counts at its present value.
    In a cross pot, and with open orders, the backing is notional / leverage (the scheduled margin if
    none is chosen).
    """
    above_zero = (lots > 0) != inverse
    if not (isolated and as_held):
        if as_held and above_zero:
            return max(notional - max(backing - 1, 0), 0)  # the backing was rounded up
        return add_checked(notional, backing)
    room = add_checked(free, -cost)
    if above_zero:
        return mul_div_ceil(-room, PPB, PPB - fee) if room < 0 else present
    return mul_div_ceil(room, PPB, PPB + fee) if room > 0 else present
