"""Equity and requirement of one pot or of the whole book, in integers, at one level.

These kernels decide: the Python statement shows the same terms one by one. Prices ticks, sizes
lots, amounts atoms of the pot's unit on return. Profit and weighted collateral round down,
requirements round up. Views are NamedTuples of arrays (see ledger.columns, margin.compiled).
An `Overlay` is a hypothetical change, so that nobody needs to touch a column to ask "what if".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from seawall.kernels.fixed import add_checked, isqrt_floor, mul_checked, mul_div_ceil, mul_div_floor
from seawall.kernels.layout import (
    AST_ATOMS_PER_UNIT,
    AST_DEN,
    AST_INSTRUMENT,
    AST_NUM,
    INS_INVERSE,
    INS_SETTLE,
    INS_TAKER_FEE,
    INS_VALUE_NUM,
    LVL_CLOSE_FEE,
    LVL_CONFIDENCE,
    LVL_FACTOR,
    LVL_FLAT,
    LVL_LOSSES_ONLY,
    LVL_MIN_NOTIONAL,
    LVL_ORDER_ATOMS,
    LVL_ORDERS,
    LVL_PRICE,
    LVL_SCHEDULE,
    LVL_WEIGHTS,
    SCH_BASE,
    SCH_ENTRY_BASIS,
    SCH_FLOOR,
    SCH_KIND,
    SCH_OI_LOWER,
    SCH_OI_UPPER,
    SCH_SIZE_UNIT,
    SCH_SLOPE,
    SCH_SQRT_SCALE,
    SCH_STEP_BASE,
    SCH_STEP_RATE,
    SCH_STEP_SIZE,
    SCH_TIER_END,
    SCH_TIER_START,
    SCH_USE_LEVERAGE,
    TIER_DEDUCTION,
    TIER_FLOOR,
    TIER_RATE,
    WGT_CAP,
    WGT_FLOOR,
    WGT_LIABILITY,
    WGT_RATE,
    WGT_SQRT,
    WGT_SQRT_TOP,
    WGT_TIER_END,
    WGT_TIER_START,
)

PPB = 1_000_000_000
TIERS, STEPS, SIZE_LINEAR, SIZE_SQRT = 0, 1, 2, 3
FEE_NONE, FEE_MARK, FEE_BANKRUPTCY = 0, 1, 2
PRICE_MARK, PRICE_INDEX, PRICE_STRICT = 0, 1, 2
MAX_ASSETS = 64


class Overlay(NamedTuple):
    """What if: lots and cost added to a position, lots of orders, another leverage, cash added to an asset."""

    instrument: int = -1
    lots: int = 0
    cost: int = 0
    bid: int = 0
    ask: int = 0
    leverage: int = 0
    asset: int = -1
    cash: int = 0


NOTHING = Overlay()


@njit(cache=True)
def position_value(inverse, value_num, lots, price_ticks):  # type: ignore[no-untyped-def]
    """Atoms of the settlement asset; profit = position_value - cost. Inverse: -lots * value_num / ticks, floored."""
    if inverse:
        return mul_div_floor(-lots, value_num, price_ticks)
    return mul_checked(mul_checked(lots, price_ticks), value_num)


@njit(cache=True)
def notional_atoms(inverse, value_num, lots, price_ticks):  # type: ignore[no-untyped-def]
    """|value| of a position, rounded up."""
    size = lots if lots >= 0 else -lots
    if inverse:
        return mul_div_ceil(size, value_num, price_ticks)
    return mul_checked(mul_checked(size, price_ticks), value_num)


@njit(cache=True)
def level_price(view, purpose, instrument, long_side):  # type: ignore[no-untyped-def]
    """The price a level values with; strict takes the worse of mark and slow price for the side held."""
    if purpose == PRICE_INDEX:
        return view.index_price[instrument]
    mark = view.mark[instrument]
    if purpose == PRICE_STRICT:
        stable = view.stable[instrument]
        if stable > 0 and ((long_side and stable < mark) or (not long_side and stable > mark)):
            return stable
    return mark


@njit(cache=True)
def schedule_requirement(rules, row, size_lots, notional, oi_lots, leverage):  # type: ignore[no-untyped-def]
    """P3: requirement of one position before level factors; atoms of the settlement asset, rounded up."""
    kind = rules.schedules[row, SCH_KIND]
    base = rules.schedules[row, SCH_BASE]
    if kind == TIERS:
        tier = rules.schedules[row, SCH_TIER_START]
        last = rules.schedules[row, SCH_TIER_END] - 1
        while tier < last and notional >= rules.tiers[tier + 1, TIER_FLOOR]:
            tier += 1
        required = (
            mul_div_ceil(notional, rules.tiers[tier, TIER_RATE], PPB) - rules.tiers[tier, TIER_DEDUCTION]
        )
    elif kind == STEPS:
        steps = 0
        over = notional - rules.schedules[row, SCH_STEP_BASE]
        if over > 0:
            steps = (over + rules.schedules[row, SCH_STEP_SIZE] - 1) // rules.schedules[row, SCH_STEP_SIZE]
        required = mul_div_ceil(notional, base + mul_checked(steps, rules.schedules[row, SCH_STEP_RATE]), PPB)
    elif kind == SIZE_LINEAR:
        rate = add_checked(
            base,
            mul_div_ceil(size_lots, rules.schedules[row, SCH_SLOPE], rules.schedules[row, SCH_SIZE_UNIT]),
        )
        required = mul_div_ceil(notional, rate, PPB)
    else:
        # The root carries five decimals, rounded up: size * 1e10 stays in 64 bits up to 9e8 units.
        root = isqrt_floor(mul_div_ceil(size_lots, 10_000_000_000, rules.schedules[row, SCH_SIZE_UNIT])) + 1
        rate = mul_div_ceil(base, rules.schedules[row, SCH_SQRT_SCALE], PPB) + mul_div_ceil(
            rules.schedules[row, SCH_SLOPE], root, 100_000
        )
        required = mul_div_ceil(notional, max(base, rate), PPB)
    upper = rules.schedules[row, SCH_OI_UPPER]
    if upper > 0 and oi_lots > rules.schedules[row, SCH_OI_LOWER]:
        lower = rules.schedules[row, SCH_OI_LOWER]
        ramp = PPB if oi_lots >= upper else mul_div_ceil(oi_lots - lower, PPB, upper - lower)
        required += mul_div_ceil(max(notional - required, 0), ramp, PPB)
    if rules.schedules[row, SCH_USE_LEVERAGE] and leverage > 0:
        required = max(required, mul_div_ceil(notional, 1, leverage))
    return max(required, rules.schedules[row, SCH_FLOOR])


@njit(cache=True)
def position_requirement(rules, view, level, instrument, lots, cost, bid, ask, orders, leverage, free_atoms):  # type: ignore[no-untyped-def]
    """Requirement of one position at a level (settlement atoms, rounded up) and the price used. Includes P6 terms."""
    row = rules.levels[level, LVL_SCHEDULE] * rules.instruments + instrument
    size, long_side = (lots, True) if lots >= 0 else (-lots, False)
    worst = size
    if rules.levels[level, LVL_ORDERS]:
        long_worst, short_worst = lots + bid, ask - lots
        worst = max(long_worst, short_worst, size)
        if worst != size or lots == 0:
            long_side = long_worst >= short_worst
    if worst == 0 and orders == 0:
        return np.int64(0), np.int64(0)
    price = level_price(view, rules.levels[level, LVL_PRICE], instrument, long_side)
    inverse, value_num = rules.listing[instrument, INS_INVERSE], rules.listing[instrument, INS_VALUE_NUM]
    if rules.schedules[row, SCH_ENTRY_BASIS] and lots != 0 and worst == size:
        notional = cost if cost >= 0 else -cost
    else:
        notional = notional_atoms(inverse, value_num, worst, price)
    required = schedule_requirement(rules, row, worst, notional, view.oi_lots[instrument], leverage)
    required = mul_div_ceil(required, rules.levels[level, LVL_FACTOR], PPB)
    if rules.levels[level, LVL_MIN_NOTIONAL] > 0:
        required = max(required, mul_div_ceil(notional, rules.levels[level, LVL_MIN_NOTIONAL], PPB))
    fee = rules.listing[instrument, INS_TAKER_FEE]
    if rules.levels[level, LVL_CLOSE_FEE] == FEE_MARK:
        required += mul_div_ceil(notional, fee, PPB)
    elif rules.levels[level, LVL_CLOSE_FEE] == FEE_BANKRUPTCY and lots != 0:
        required += _fee_at_bankruptcy(inverse, lots, cost, free_atoms, notional, fee)
    if rules.levels[level, LVL_CONFIDENCE] > 0 and view.confidence[instrument] > 0:
        share = mul_div_ceil(view.confidence[instrument], rules.levels[level, LVL_CONFIDENCE], price)
        required += mul_div_ceil(notional, share, PPB)
    return required + orders * rules.levels[level, LVL_ORDER_ATOMS], price


@njit(cache=True)
def _fee_at_bankruptcy(inverse, lots, cost, free_atoms, notional, fee):  # type: ignore[no-untyped-def]
    """Taker fee on the value at the price where equity after that fee is zero (Bybit).

    With E0 = balance - cost: v > 0 gives v = -E0 / (1 - fee), v < 0 gives |v| = E0 / (1 + fee).
    A position that cannot go bankrupt (fully collateralised) is charged at its present value.
    """
    room = free_atoms - cost
    value_is_positive = (lots > 0) != inverse
    if value_is_positive:
        size = mul_div_ceil(-room, PPB, PPB - fee) if room < 0 else notional
    else:
        size = mul_div_ceil(room, PPB, PPB + fee) if room > 0 else notional
    return mul_div_ceil(size, fee, PPB)


@njit(cache=True)
def weighted_value(rules, weight_set, asset, amount, num, den):  # type: ignore[no-untyped-def]
    """P2: what an amount of an asset counts for, in unit atoms (amount * num / den), rounded down."""
    row = weight_set * rules.assets + asset
    first, last = rules.weights[row, WGT_TIER_START], rules.weights[row, WGT_TIER_END]
    if amount < 0:
        worth = mul_div_floor(amount, num, den)
        return mul_div_floor(worth, rules.weights[row, WGT_LIABILITY], PPB)
    if first == last:
        return np.int64(0)
    if rules.weights[row, WGT_CAP] > 0:
        amount = min(amount, rules.weights[row, WGT_CAP])
    counted = np.int64(0)
    for tier in range(first, last):
        floor = rules.weight_tiers[tier, WGT_FLOOR]
        if amount <= floor:
            break
        ceiling = rules.weight_tiers[tier + 1, WGT_FLOOR] if tier + 1 < last else amount
        weight = rules.weight_tiers[tier, WGT_RATE]
        if rules.weights[row, WGT_SQRT] > 0:
            root = (
                isqrt_floor(mul_div_ceil(amount, 1_000_000, rules.collateral[asset, AST_ATOMS_PER_UNIT])) + 1
            )
            discount = PPB + mul_div_ceil(rules.weights[row, WGT_SQRT], root, 1_000)
            weight = min(weight, mul_div_floor(rules.weights[row, WGT_SQRT_TOP], PPB, discount))
        counted += mul_div_floor(min(amount, ceiling) - floor, weight, PPB)
    return mul_div_floor(counted, num, den)


@njit(cache=True)
def asset_price(rules, view, level, asset, unit, owed):  # type: ignore[no-untyped-def]
    """(num, den) that turn atoms of `asset` into atoms of `unit`; num = 0 when there is no usable price."""
    if asset == unit:
        return np.int64(1), np.int64(1)
    instrument = rules.collateral[asset, AST_INSTRUMENT]
    if instrument < 0 or rules.settlement_scope:
        return np.int64(0), np.int64(1)
    price = view.index_price[instrument]
    if rules.levels[level, LVL_PRICE] == PRICE_STRICT:
        stable = view.stable[instrument]
        if stable > 0 and ((not owed and stable < price) or (owed and stable > price)):
            price = stable
    return mul_checked(price, rules.collateral[asset, AST_NUM]), rules.collateral[asset, AST_DEN]


@njit(cache=True)
def pot_health(book, rules, view, level, pot, overlay):  # type: ignore[no-untyped-def]
    """(equity, requirement, unknown instrument or -1) of a pot; see the file's opening for the rounding.

    `unknown` >= 0 names an instrument without a usable price: the figures are then meaningless.
    """
    unit = book.pot_unit[pot]
    totals = np.zeros(rules.assets, np.int64)
    for asset in range(rules.assets):
        totals[asset] = book.balances[pot, asset]
    if overlay.asset >= 0:
        totals[overlay.asset] += overlay.cash
    requirement, held = np.int64(0), False
    slot, overlay_pending = book.pot_head[pot], overlay.instrument >= 0
    while slot >= 0 or overlay_pending:
        if slot >= 0:
            instrument = book.pos_instrument[slot]
            lots, cost, leverage = book.pos_lots[slot], book.pos_cost[slot], np.int64(book.pos_leverage[slot])
            bid, ask, orders = book.pos_bid[slot], book.pos_ask[slot], np.int64(book.pos_orders[slot])
            slot = book.pos_next[slot]
        else:
            instrument = np.int32(overlay.instrument)
            lots = cost = bid = ask = orders = leverage = np.int64(0)
        if instrument == overlay.instrument:
            lots, cost, overlay_pending = lots + overlay.lots, cost + overlay.cost, False
            bid, ask = bid + overlay.bid, ask + overlay.ask
            orders += (overlay.bid > 0) + (overlay.ask > 0)
            if overlay.leverage > 0:
                leverage = np.int64(overlay.leverage)
        if lots == 0 and bid == 0 and ask == 0:
            continue
        held = True
        if not view.usable[instrument]:
            return np.int64(0), np.int64(0), np.int64(instrument)
        settle = rules.listing[instrument, INS_SETTLE]
        required, _price = position_requirement(
            rules,
            view,
            level,
            instrument,
            lots,
            cost,
            bid,
            ask,
            orders,
            leverage,
            book.balances[pot, settle] + (overlay.cash if overlay.asset == settle else 0),
        )
        num, den = asset_price(rules, view, level, settle, unit, False)
        if settle != unit and (num == 0 or not view.usable[rules.collateral[settle, AST_INSTRUMENT]]):
            return np.int64(0), np.int64(0), np.int64(max(rules.collateral[settle, AST_INSTRUMENT], 0))
        requirement = add_checked(requirement, mul_div_ceil(required, num, den))
        if lots != 0:
            price = level_price(view, rules.levels[level, LVL_PRICE], instrument, lots > 0)
            profit = (
                position_value(
                    rules.listing[instrument, INS_INVERSE],
                    rules.listing[instrument, INS_VALUE_NUM],
                    lots,
                    price,
                )
                - cost
            )
            if profit < 0 or not rules.levels[level, LVL_LOSSES_ONLY]:
                totals[settle] = add_checked(totals[settle], profit)
    equity, unknown = _collateral_value(rules, view, level, unit, totals)
    if unknown >= 0:
        return np.int64(0), np.int64(0), unknown
    if held:
        requirement += rules.levels[level, LVL_FLAT]
    return equity, requirement, np.int64(-1)


@njit(cache=True)
def _collateral_value(rules, view, level, unit, totals):  # type: ignore[no-untyped-def]
    """Weighted worth of the totals per asset, in unit atoms; second value >= 0 names the price that is missing."""
    equity = np.int64(0)
    for asset in range(rules.assets):
        total = totals[asset]
        if total == 0:
            continue
        num, den = asset_price(rules, view, level, asset, unit, total < 0)
        if num > 0:
            if asset != unit and not view.usable[rules.collateral[asset, AST_INSTRUMENT]]:
                return equity, np.int64(rules.collateral[asset, AST_INSTRUMENT])
            equity = add_checked(
                equity, weighted_value(rules, rules.levels[level, LVL_WEIGHTS], asset, total, num, den)
            )
        elif total < 0 or (rules.collateral[asset, AST_INSTRUMENT] >= 0 and not rules.settlement_scope):
            return equity, np.int64(max(rules.collateral[asset, AST_INSTRUMENT], 0))
    return equity, np.int64(-1)


@njit(cache=True, parallel=True)
def book_health(book, rules, view, levels, pots, equity, requirement, unknown):  # type: ignore[no-untyped-def]
    """`pot_health` of every pot at each of `levels` (rows of the rules); fills the outputs [level, pot]."""
    for row in prange(pots.size):
        for which in range(levels.size):
            equity[which, row], requirement[which, row], unknown[which, row] = pot_health(
                book, rules, view, levels[which], pots[row], NOTHING
            )
