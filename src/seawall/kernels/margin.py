"""Equity and requirement of one pot or of the whole book, in integers, at one level.

These kernels decide: the Python statement shows the same terms one by one. Prices ticks, sizes lots, amounts
atoms of the pot's unit on return. Profit and weighted collateral round down, requirements round up. `pots`,
`positions`, `resting`, `balances` are the tables of ledger.columns, `rules` and `market` those of
kernels.layout. `full_health` is the definition; `plain_health` gives the same integers for the common pot
(linear positions on tiers, settled in its unit, products that fit) several times faster, and says where it
cannot. An Overlay, as a plain tuple, is a hypothetical change: nobody touches a column to ask "what if".
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from seawall.kernels import layout
from seawall.kernels.collateral import asset_price, collateral_value, fixed_charge
from seawall.kernels.fixed import LEAF, add_checked, mul_checked, mul_div_ceil, share_ceil
from seawall.kernels.max_loss import node_relief
from seawall.kernels.options import any_profit, any_requirement, missing_price
from seawall.kernels.overlay import (
    NOTHING,
    OVL_ASSET,
    OVL_CASH,
    OVL_DEMAND,
    OVL_INSTRUMENT,
    TABLED,
    Overlay,
    position_line,
)
from seawall.kernels.position import PPB, PRICE_INDEX

__all__ = ["NOTHING", "Overlay"]  # asked for here by whoever measures a pot

UNFIT = -2  # as the unknown instrument: the pot's figures do not fit 64 bits
NOT_PLAIN = -3  # as the unknown instrument: ask full_health
# A plain value, and the cost of a plain position, is below 2**52; what it requires below 2**55 (which rules
# are plain: margin.compiled). So FEW of them may be added unchecked to what is below 2**61.
_FITS = float(1 << 52)
_SMALL = np.int64(2**52)
_FEW = np.int64(64)
_ROOM = np.int64(2**61)
_MANY = np.int64(2**20)  # orders of one pot, each charged less than 2**40 atoms


# A line: atoms per lot, lots up to which a position is plain (-1 = none), the unit it is settled in, first
# and last tier (rows of the rules), least requirement, fee to close.
LINE_PER_LOT, LINE_MOST_LOTS, LINE_UNIT, LINE_TIER, LINE_LAST_TIER, LINE_FLOOR, LINE_FEE = range(7)
LINE_WIDTH = 8
PART = 1024  # pots that one thread takes at a time


@njit(**LEAF, forceinline=True)
def _at(place):  # type: ignore[no-untyped-def]
    """A place that is never negative: numba then does not ask whether to count it from the end."""
    return np.uint64(place)


@njit(**LEAF)
def _demanded(rules, balances, pot, demand, overlay):  # type: ignore[no-untyped-def]
    """What a portfolio rule asks in place of the schedule, of the pot as it is or as the overlay has it."""
    if overlay[OVL_DEMAND] != TABLED:
        return np.int64(overlay[OVL_DEMAND])
    return balances[pot, rules[0, layout.HDR_ASSETS] + demand]


@njit(**LEAF)
def _in_unit(rules, market, level, settle, unit, required, notional):  # type: ignore[no-untyped-def]
    """Both amounts from the settlement asset into the pot's unit, up; and the instrument without a price."""
    num, den = asset_price(rules, market, level, settle, unit, True)
    if num == 0:
        via = rules[rules[0, layout.HDR_COLLATERAL] + settle, layout.AST_INSTRUMENT]
        return required, notional, np.int64(max(via, 0))
    return mul_div_ceil(required, num, den), mul_div_ceil(notional, num, den), np.int64(-1)


@njit(**LEAF)
def _total_up(rules, balances, pot, overlay, totals):  # type: ignore[no-untyped-def]
    """The pot's balances with the overlay in them."""
    for asset in range(rules[0, layout.HDR_ASSETS]):
        added = overlay[OVL_CASH] if overlay[OVL_ASSET] == asset else np.int64(0)
        totals[0, asset] = add_checked(balances[pot, asset], added)


@njit(**LEAF)
def _with_charges(rules, market, level, unit, requirement, whole, charged):  # type: ignore[no-untyped-def]
    """(requirement at its least and with the fixed charges, instrument without a price or -1)."""
    charged = fixed_charge(rules, market, level, unit, charged)
    if charged < 0:
        via = rules[rules[0, layout.HDR_COLLATERAL] + unit, layout.AST_INSTRUMENT]
        return requirement, np.int64(max(via, 0))
    least = mul_div_ceil(whole, rules[rules[0, layout.HDR_LEVELS] + level, layout.LVL_MIN_TOTAL], PPB)
    return add_checked(max(requirement, least), charged), np.int64(-1)


@njit(**LEAF)
def full_health(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, level, pot, overlay
):
    """(equity, requirement, unknown instrument or -1) of a pot; see the file's opening for the rounding.

    `unknown` >= 0 has no usable price: the figures mean nothing. `totals`: scratch, a cell per asset.
    """
    unit, isolated = np.int64(pots[pot]["unit"]), pots[pot]["instrument"] >= 0
    terms = rules[0, layout.HDR_LEVELS] + level
    _total_up(rules, balances, pot, overlay, totals)
    nothing, requirement, whole, charged = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    slot, pending, holds = np.int64(pots[pot]["head"]), overlay[OVL_INSTRUMENT] >= 0, False
    options, demand = False, np.int64(-1) if isolated else rules[terms, layout.LVL_DEMAND]
    first = np.int64(-1)  # instrument of a pot under a portfolio rule
    while slot >= 0 or pending:
        instrument, lots, cost, bid, ask, orders, leverage = position_line(positions, resting, slot, overlay)
        pending = pending and slot >= 0 and instrument != overlay[OVL_INSTRUMENT]
        if slot >= 0:
            slot = np.int64(positions[slot]["next"])
        if lots == 0 and bid == 0 and ask == 0:
            continue
        missing = missing_price(rules, market, instrument)
        if missing >= 0:
            return nothing, nothing, missing
        settle = rules[rules[0, layout.HDR_LISTING] + instrument, layout.INS_SETTLE]
        required = notional = nothing
        if demand >= 0:
            first = instrument
        else:
            free = balances[pot, settle]
            if overlay[OVL_ASSET] == settle:
                free = add_checked(free, overlay[OVL_CASH])
            required, notional, _price = any_requirement(
                rules, market, level, instrument, lots, cost, bid, ask, leverage, isolated, free
            )
        if settle != unit:
            required, notional, via = _in_unit(rules, market, level, settle, unit, required, notional)
            if via >= 0:
                return nothing, nothing, via
        requirement, whole = add_checked(requirement, required), add_checked(whole, notional)
        options = options or rules[rules[0, layout.HDR_LISTING] + instrument, layout.INS_OPTION] != 0
        charged = add_checked(charged, mul_checked(orders, rules[terms, layout.LVL_ORDER_ATOMS]))
        holds = holds or lots != 0 or rules[terms, layout.LVL_ORDERS] != 0
        if lots != 0:
            profit, _price = any_profit(rules, market, level, instrument, lots, cost)
            if profit < 0 or not rules[terms, layout.LVL_LOSSES_ONLY]:
                totals[0, settle] = add_checked(totals[0, settle], profit)
    equity, unknown = collateral_value(rules, market, level, unit, totals, 0, totals[0, unit])
    if unknown >= 0:
        return nothing, nothing, unknown
    if options and demand < 0 and rules[terms, layout.LVL_UNPAIRED] >= 0:
        relief = node_relief(positions, resting, pots[pot]["head"], market, rules, level, unit, overlay)
        requirement = add_checked(requirement, -relief)
    if demand >= 0:
        requirement = _demanded(rules, balances, pot, demand, overlay)
        if requirement == layout.UNKNOWN_DEMAND:
            return nothing, nothing, max(first, nothing)
    charged = add_checked(charged, rules[terms, layout.LVL_FLAT] if holds else 0)
    requirement, via = _with_charges(rules, market, level, unit, requirement, whole, charged)
    return (equity, requirement, via) if via < 0 else (nothing, nothing, via)


@njit(**LEAF, error_model="numpy", forceinline=True)
def fill_line(market, rules, level, instrument, lines, place):  # type: ignore[no-untyped-def]
    """What plain_health needs of an instrument at a level, in one row (LINE_...)."""
    terms = _at(rules[0, layout.HDR_LEVELS] + level)
    column = _at(layout.MKT_INDEX if rules[terms, layout.LVL_PRICE] == PRICE_INDEX else layout.MKT_MARK)
    row = rules[terms, layout.LVL_SCHEDULE] * rules[0, layout.HDR_INSTRUMENTS] + instrument
    row, listing = _at(rules[0, layout.HDR_SCHEDULES] + row), _at(rules[0, layout.HDR_LISTING] + instrument)
    price, per_tick = market[_at(instrument), column], rules[listing, layout.INS_VALUE_NUM]
    usable = market[_at(instrument), layout.MKT_USABLE] != 0 and price > 0 and per_tick > 0
    plain = usable and rules[terms, layout.LVL_PLAIN] != 0 and rules[row, layout.SCH_PLAIN] != 0
    per_lot = float(price) * float(per_tick)
    lines[place, LINE_PER_LOT], lines[place, LINE_MOST_LOTS] = price * per_tick, np.int64(-1)
    if plain and per_lot < _FITS:
        lines[place, LINE_MOST_LOTS] = np.int64(_FITS / per_lot * 0.999)
    lines[place, LINE_UNIT] = rules[row, layout.SCH_PLAIN] - 1
    lines[place, LINE_TIER], lines[place, LINE_LAST_TIER] = (
        rules[row, layout.SCH_TIER_START],
        rules[row, layout.SCH_TIER_END] - 1,
    )
    lines[place, LINE_FLOOR] = rules[row, layout.SCH_FLOOR]
    lines[place, LINE_FEE] = 0
    if rules[terms, layout.LVL_CLOSE_FEE] != 0:
        lines[place, LINE_FEE] = rules[listing, layout.INS_TAKER_FEE]


@njit(**LEAF, error_model="numpy")
def fill_lines(market, rules, levels, lines):  # type: ignore[no-untyped-def]
    """lines[level, instrument]: what a scan of many pots need not find out for each of them."""
    for which in range(levels.size):
        for instrument in range(rules[0, layout.HDR_INSTRUMENTS]):
            fill_line(market, rules, levels[which], instrument, lines[which], instrument)


@njit(**LEAF, error_model="numpy", forceinline=True)
def _plain_requirement(rules, terms, lines, place, notional):  # type: ignore[no-untyped-def]
    """Requirement of a plain position from its notional (< _FITS): tiers, floor, factor, fee to close."""
    tier, last = lines[place, LINE_TIER], lines[place, LINE_LAST_TIER]
    while tier < last and notional >= rules[_at(tier + 1), layout.TIER_FLOOR]:
        tier += 1
    required = share_ceil(notional, rules[_at(tier), layout.TIER_RATE])
    required = max(required - rules[_at(tier), layout.TIER_DEDUCTION], lines[place, LINE_FLOOR])
    if rules[terms, layout.LVL_FACTOR] != PPB:
        required = share_ceil(required, rules[terms, layout.LVL_FACTOR])
    if rules[terms, layout.LVL_MIN_NOTIONAL] != 0:
        required = max(required, share_ceil(notional, rules[terms, layout.LVL_MIN_NOTIONAL]))
    if lines[place, LINE_FEE] != 0:
        required += share_ceil(notional, lines[place, LINE_FEE])
    return required


@njit(**LEAF)
def _equity_or_odd(rules, market, level, unit, balances, pot, own):  # type: ignore[no-untyped-def]
    """`collateral_value` of a plain pot; what does not fit or has no price is left to full_health to name."""
    try:
        equity, unknown = collateral_value(rules, market, level, unit, balances, pot, own)
    except Exception:
        return np.int64(0), False
    return equity, unknown < 0


@njit(**LEAF, error_model="numpy", forceinline=True)
def _plain_equity(rules, market, level, terms, unit, balances, pot, own):  # type: ignore[no-untyped-def]
    """(equity, is it known) where only the unit's total differs from the balances."""
    assets = rules[0, layout.HDR_ASSETS]
    row = rules[0, layout.HDR_WEIGHTS] + rules[terms, layout.LVL_WEIGHTS] * assets + unit
    asset = np.int64(0) if rules[_at(row), layout.WGT_WHOLE] else assets + 1
    while asset < assets and (asset == unit or balances[_at(pot), _at(asset)] == 0):
        asset += 1
    if asset == assets:
        return own, True
    return _equity_or_odd(rules, market, level, unit, balances, pot, own)


@njit(**LEAF, error_model="numpy", forceinline=True)
def plain_health(  # type: ignore[no-untyped-def]
    pots, positions, balances, market, rules, level, pot, lines, ready
):
    """(equity, requirement, unknown) as `full_health` has them, or NOT_PLAIN as the third. Never raises.

    `lines` is what `fill_lines` made for the level if it is `ready`, otherwise room for one line.
    """
    nothing, odd = np.int64(0), np.int64(NOT_PLAIN)
    terms, unit = _at(rules[0, layout.HDR_LEVELS] + level), np.int64(pots[_at(pot)]["unit"])
    with_orders, losses_only = rules[terms, layout.LVL_ORDERS] != 0, rules[terms, layout.LVL_LOSSES_ONLY] != 0
    own, requirement, whole, orders, many = balances[_at(pot), _at(unit)], nothing, nothing, nothing, nothing
    if not -_ROOM < own < _ROOM or rules[terms, layout.LVL_DEMAND] >= 0:
        return nothing, nothing, odd
    holds, slot = False, np.int64(pots[_at(pot)]["head"])
    while slot >= 0:
        held = positions[_at(slot)]
        lots, cost, ordered = held["lots"], held["cost"], held["orders"]
        instrument, slot = np.int64(held["instrument"]), np.int64(held["next"])
        if lots == 0 and ordered == 0:
            continue
        if not ready:
            fill_line(market, rules, level, instrument, lines, np.uint64(0))
        place = _at(instrument) if ready else np.uint64(0)
        most = lines[place, LINE_MOST_LOTS]
        fits = -most <= lots <= most and -_SMALL < cost < _SMALL and lines[place, LINE_UNIT] == unit
        if not fits or (ordered != 0 and with_orders):
            return nothing, nothing, odd
        if lots != 0:
            value = lots * lines[place, LINE_PER_LOT]
            requirement += _plain_requirement(rules, terms, lines, place, abs(value))
            whole += abs(value)
            if value < cost or not losses_only:
                own += value - cost
        holds = holds or lots != 0 or with_orders
        orders += ordered
        many += 1
    equity, known = _plain_equity(rules, market, level, terms, unit, balances, pot, own)
    charge = orders * rules[terms, layout.LVL_ORDER_ATOMS] + (rules[terms, layout.LVL_FLAT] if holds else 0)
    convert = charge != 0 and unit != rules[0, layout.HDR_NUMERAIRE]
    if not known or convert or orders >= _MANY or many > _FEW:
        return nothing, nothing, odd
    if rules[terms, layout.LVL_MIN_TOTAL] != 0:
        requirement = max(requirement, share_ceil(whole, rules[terms, layout.LVL_MIN_TOTAL]))
    return equity, requirement + charge, np.int64(-1)


@njit(**LEAF)
def pot_health(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, lines, level, pot, overlay
):
    """(equity, requirement, unknown instrument or -1) of a pot. Raises OverflowError."""
    if overlay[OVL_INSTRUMENT] < 0 and overlay[OVL_ASSET] < 0:
        equity, requirement, unknown = plain_health(
            pots, positions, balances, market, rules, level, pot, lines, False
        )
        if unknown != NOT_PLAIN:
            return equity, requirement, unknown
    return full_health(pots, positions, resting, balances, market, rules, totals, level, pot, overlay)


@njit(**LEAF)
def full_or_unfit(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, level, pot
):
    """An exception inside `prange` is lost on every thread but the first, so it must not get there."""
    none, zero = np.int64(-1), np.int64(0)  # NOTHING; as a constant it is another type
    try:
        return full_health(
            pots, positions, resting, balances, market, rules, totals, level, pot,
            (none, zero, zero, zero, zero, zero, none, zero, np.int64(TABLED)),
        )  # fmt: skip
    except Exception:
        return np.int64(0), np.int64(0), np.int64(UNFIT)


@njit(**LEAF, error_model="numpy")
def book_health_serial(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, lines, levels, nested, asked, first, end,
    figures,
):  # fmt: skip
    """`book_health` of asked[first:end] on the calling thread."""
    for row in range(first, end):
        met = False
        for which in range(levels.size):
            if met:
                figures[0, which, row] = figures[0, which - 1, row]
                figures[1, which, row], figures[2, which, row] = figures[1, which - 1, row], -1
                continue
            level, pot = levels[which], asked[row]
            has, needs, missing = plain_health(
                pots, positions, balances, market, rules, level, pot, lines[which], True
            )
            if missing == NOT_PLAIN:
                has, needs, missing = full_or_unfit(
                    pots, positions, resting, balances, market, rules, totals, level, pot
                )
            figures[0, which, row], figures[1, which, row], figures[2, which, row] = has, needs, missing
            met = nested and missing == -1 and has >= needs


@njit(cache=True, parallel=True)
def book_health(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, lines, levels, nested, asked, first, end,
    figures,
):  # fmt: skip
    """Health of the pots asked[first:end] at each of `levels` (rows): fills figures[of, level, pot asked].

    `of` is equity, requirement, unknown. Raises nothing: a pot whose figures do not fit 64 bits has UNFIT in
    `unknown`. `nested`: the levels come strictest first and each implies the next, so once one is met the
    rest are met as well; they are then given the strictest one's figures (no less than their own).
    """
    for part in prange(-(-(end - first) // PART)):
        start, own = first + part * PART, np.empty_like(totals)
        book_health_serial(
            pots, positions, resting, balances, market, rules, own, lines, levels, nested, asked,
            start, min(start + PART, end), figures,
        )  # fmt: skip
