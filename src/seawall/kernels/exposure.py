"""How fast a pot's margin can fall: the slope that the sieve divides by, as an upper bound.

For relative price moves of at most x <= MOST, all against the pot at once, what it has above any of its
levels falls by at most x * slope + rounding. Floats find, always erring to the safe side; integers decide.
Slopes and worths are float atoms of the pot's unit. Linear: d(value) = value * x. Inverse: a value moves by
x / (1 - x) <= 1.25 x. Converted amounts move with both prices: (1 + x)^2 - 1 <= 2.2 x. Requirements grow by
the steepest rate within reach. What moves without a price (confidence, open-interest ramp) is never trusted.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from seawall.kernels import layout
from seawall.kernels.fixed import LEAF
from seawall.kernels.position import FEE_BANKRUPTCY, FEE_NONE, SIZE_LINEAR, STEPS, TIERS

MOST = 0.2  # no pot is trusted beyond a 20 % move
REACH = 1.25  # what a notional can become within MOST, inverse contracts included
NEVER = math.inf
ATOMS = 16.0  # what a position's or an asset's roundings can add up to, in atoms of its settlement asset
# Bits of what a position may depend on: the columns mark, index and slow price of kernels.layout.
USES_MARK, USES_INDEX, USES_STABLE = 1, 2, 4


@njit(**LEAF, error_model="numpy")
def _schedule_rate(rules, row, size, notional, leverage, told):  # type: ignore[no-untyped-def]
    """(steepest rate of a schedule within reach, move at which it jumps or MOST); floats.

    `told`: the notional is the one that is charged, not just a bound of it; steps need it.
    """
    kind, jump, found = rules[row, layout.SCH_KIND], MOST, 0.0
    stepped = kind == STEPS and (not told or rules[row, layout.SCH_ENTRY_BASIS] != 0)
    if rules[row, layout.SCH_OI_UPPER] > 0 or stepped:
        return NEVER, jump
    if kind == TIERS:
        steepest = np.int64(0)
        for tier in range(rules[row, layout.SCH_TIER_START], rules[row, layout.SCH_TIER_END]):
            if float(rules[tier, layout.TIER_FLOOR]) <= notional * REACH:
                steepest = max(steepest, rules[tier, layout.TIER_RATE])
        found = steepest / 1e9
    elif kind == STEPS:
        over = notional - float(rules[row, layout.SCH_STEP_BASE])
        step = float(rules[row, layout.SCH_STEP_SIZE])
        taken = max(math.ceil(over / step), 0.0)
        ceiling = float(rules[row, layout.SCH_STEP_BASE]) + taken * step
        if notional > 0.0:
            jump = max(min(jump, (ceiling / notional - 1.0) / REACH), 0.0)
        if taken > 0.0:
            jump = max(min(jump, (1.0 - (ceiling - step) / notional) / REACH), 0.0)
        found = (float(rules[row, layout.SCH_BASE]) + taken * float(rules[row, layout.SCH_STEP_RATE])) / 1e9
    else:
        units = size / float(rules[row, layout.SCH_SIZE_UNIT])
        grown = units if kind == SIZE_LINEAR else float(np.sqrt(units))
        scale = 1.0 if kind == SIZE_LINEAR else max(float(rules[row, layout.SCH_SQRT_SCALE]) / 1e9, 1.0)
        sized = float(rules[row, layout.SCH_BASE]) * scale + float(rules[row, layout.SCH_SLOPE]) * grown
        found = sized / 1e9 * 1.0001 + 1e-9  # sizes and roots are rounded up to some decimals
    if rules[row, layout.SCH_USE_LEVERAGE] and leverage > 0:
        found = max(found, 1.0 / float(leverage))
    return found, jump


@njit(**LEAF, error_model="numpy")
def steepest_rate(rules, levels, instrument, size, notional, leverage, told):  # type: ignore[no-untyped-def]
    """(rate, move at which a step is reached) over all `levels` (rows), contingencies included."""
    worst, jump = 0.0, MOST
    fee = float(rules[rules[0, layout.HDR_LISTING] + instrument, layout.INS_TAKER_FEE]) / 1e9
    for place in range(levels.size):
        terms = rules[0, layout.HDR_LEVELS] + levels[place]
        if rules[terms, layout.LVL_CONFIDENCE] > 0:
            return NEVER, jump
        row = rules[terms, layout.LVL_SCHEDULE] * rules[0, layout.HDR_INSTRUMENTS] + instrument
        row += rules[0, layout.HDR_SCHEDULES]
        rate, reached = _schedule_rate(rules, row, size, notional, leverage, told)
        if rate == NEVER:
            return NEVER, jump
        jump = min(jump, reached)
        rate = rate * float(rules[terms, layout.LVL_FACTOR]) / 1e9
        rate = max(rate, float(rules[terms, layout.LVL_MIN_NOTIONAL]) / 1e9)
        rate = max(rate, float(rules[terms, layout.LVL_MIN_TOTAL]) / 1e9)
        if rules[terms, layout.LVL_CLOSE_FEE] != FEE_NONE:
            # At the bankruptcy price a position counts for at most its notional and its backing.
            rate += fee * (2.0 + rate if rules[terms, layout.LVL_CLOSE_FEE] == FEE_BANKRUPTCY else 1.0) * 1.01
        worst = max(worst, rate)
    return worst, jump


@njit(**LEAF, error_model="numpy")
def asset_worth(market, rules, asset, unit):  # type: ignore[no-untyped-def]
    """Unit atoms per atom of an asset at the higher of index and slow price; 0 if it counts for nothing."""
    if asset == unit:
        return 1.0
    row = rules[0, layout.HDR_COLLATERAL] + asset
    via = rules[row, layout.AST_INSTRUMENT]
    if rules[0, layout.HDR_SETTLEMENT_SCOPE] or unit != rules[0, layout.HDR_NUMERAIRE] or via < 0:
        return 0.0
    price = float(max(market[via, layout.MKT_INDEX], market[via, layout.MKT_STABLE]))
    return price * float(rules[row, layout.AST_NUM]) / float(rules[row, layout.AST_DEN])


@njit(**LEAF, error_model="numpy")
def position_prices(market, uses, instrument):  # type: ignore[no-untyped-def]
    """(lowest, highest) of the prices in use for an instrument; a slow price of 0 is none."""
    low, high = np.inf, 0.0
    for column in range(3):
        price = float(market[instrument, column])
        if uses >> column & 1 and price > 0.0:
            low, high = min(low, price), max(high, price)
    return max(low, 1.0), high


@njit(**LEAF, error_model="numpy")
def position_slope(market, rules, levels, uses, orders, held, rest, unit):  # type: ignore[no-untyped-def]
    """(value's slope, requirement's slope, jump, worth of a settlement atom) of one position, in the unit.

    `orders`: a level sizes positions with their open orders.
    """
    instrument, lots = np.int64(held["instrument"]), abs(float(held["lots"]))
    row = rules[0, layout.HDR_LISTING] + instrument
    inverse, per_tick = rules[row, layout.INS_INVERSE] != 0, float(rules[row, layout.INS_VALUE_NUM])
    settle = rules[row, layout.INS_SETTLE]
    low, high = position_prices(market, uses, instrument)
    per_lot = per_tick / low if inverse else per_tick * high
    size = lots + (max(float(rest["bid"]), float(rest["ask"])) if orders else 0.0)
    # On the entry basis what is held counts at its cost.
    notional = max(size * per_lot, abs(float(held["cost"])) if lots > 0.0 else 0.0)
    told = low == high and not (orders and held["orders"] != 0)
    rate, jump = steepest_rate(rules, levels, instrument, size, notional, held["leverage"], told)
    value, required = lots * per_lot, notional * rate if notional > 0.0 else 0.0
    if inverse:
        value, required = value * 1.25, required * 1.25
    worth = asset_worth(market, rules, settle, unit)
    if settle != unit:
        signed = -float(held["lots"]) * per_lot if inverse else float(held["lots"]) * per_lot
        profit = abs(signed - float(held["cost"])) + value
        value, required = (value * 1.2 + profit) * worth, required * 2.2 * worth
    return value, required, jump, worth
