"""Scope `max_loss` (P4): options of one expiry need no more than their worst payoff at expiry.

For every node of a pot (options of one underlying, expiry and settlement asset) the requirement of its legs
one by one (of a call and a put sold together, where rules say so, the greater) is compared with the worst of
their summed payoffs over spot 0 and all strikes, plus a rate of the spot for each call sold in excess, plus
what equity holds of the options' prices; the lesser counts. Payoffs are piecewise linear with kinks at the
strikes only, so no other spot can be worse. Atoms of the settlement asset, each payoff rounded down.
Source: Derive StandardManager; with no unpaired calls, Cboe spreads.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels import layout
from seawall.kernels.collateral import asset_price
from seawall.kernels.fixed import LEAF, add_checked, mul_checked, mul_div_ceil, mul_div_floor
from seawall.kernels.options import CALL, VALUE_FULL, VALUE_LONG, scheduled
from seawall.kernels.overlay import OVL_INSTRUMENT, position_line
from seawall.kernels.position import PPB


@njit(**LEAF)
def payoff(rules, row, lots, spot_ticks):  # type: ignore[no-untyped-def]
    """Signed payoff in atoms of `lots` at expiry at this spot, rounded down; linear options only."""
    strike = rules[row, layout.INS_STRIKE]
    inside = spot_ticks - strike if rules[row, layout.INS_OPTION] == CALL else strike - spot_ticks
    if inside <= 0:
        return np.int64(0)
    return mul_div_floor(
        mul_checked(lots, inside), rules[row, layout.INS_UNIT_NUM], rules[row, layout.INS_UNIT_DEN]
    )


@njit(**LEAF)
def _leg(positions, resting, slot, pending, rules, orders, overlay):  # type: ignore[no-untyped-def]
    """(next slot, still pending, node or -1, instrument, lots after every sell order) of a position."""
    instrument, lots, _cost, _bid, ask, _orders, _leverage = position_line(positions, resting, slot, overlay)
    pending = pending and slot >= 0 and instrument != overlay[OVL_INSTRUMENT]
    following = np.int64(positions[slot]["next"]) if slot >= 0 else np.int64(-1)
    node = rules[rules[0, layout.HDR_LISTING] + instrument, layout.INS_NODE]
    if orders:
        lots = add_checked(lots, -ask)
    return following, pending, node, instrument, lots


@njit(**LEAF)
def _sum_payoffs(  # type: ignore[no-untyped-def]
    positions, resting, head, rules, orders, node, spot_ticks, calls_only, overlay
):
    """The node's payoff at one spot; `calls_only`: of its calls as if struck at 0, the slope of the tail."""
    total, slot, pending = np.int64(0), np.int64(head), overlay[OVL_INSTRUMENT] >= 0
    while slot >= 0 or pending:
        slot, pending, of, instrument, lots = _leg(positions, resting, slot, pending, rules, orders, overlay)
        row = rules[0, layout.HDR_LISTING] + instrument
        if of != node or lots == 0:
            continue
        if not calls_only:
            total = add_checked(total, payoff(rules, row, lots, spot_ticks))
        elif rules[row, layout.INS_OPTION] == CALL:
            num, den = rules[row, layout.INS_UNIT_NUM], rules[row, layout.INS_UNIT_DEN]
            total = add_checked(total, mul_div_floor(mul_checked(lots, spot_ticks), num, den))
    return total


@njit(**LEAF)
def _paired_core(rules, terms, instrument, lots, required, worth):  # type: ignore[no-untyped-def]
    """What a sold option requires beyond its premium, if its schedule pairs the rights; else 0."""
    row = (
        rules[0, layout.HDR_SCHEDULES]
        + rules[terms, layout.LVL_SCHEDULE] * rules[0, layout.HDR_INSTRUMENTS]
        + instrument
    )
    option = rules[row, layout.SCH_TIER_START]
    if lots >= 0 or not rules[option, layout.OPT_PAIRED]:
        return np.int64(0)
    premium = mul_div_ceil(worth, rules[option, layout.OPT_PREMIUM], PPB)
    return max(required - mul_div_ceil(premium, rules[terms, layout.LVL_FACTOR], PPB), np.int64(0))


@njit(**LEAF)
def _both_sold(call_core, call_needs, calls, put_core, put_needs, puts):  # type: ignore[no-untyped-def]
    """What the side of the pairs that needs less requires beyond its premium, rounded down.

    Where sizes differ, each side counts in proportion; where both need the same, the lesser counts.
    """
    pairs = min(calls, puts)
    if pairs == 0:
        return np.int64(0)
    call_side, put_side = mul_div_floor(call_needs, pairs, calls), mul_div_floor(put_needs, pairs, puts)
    call_eased, put_eased = mul_div_floor(call_core, pairs, calls), mul_div_floor(put_core, pairs, puts)
    if call_side == put_side:
        return min(call_eased, put_eased)
    return call_eased if call_side < put_side else put_eased


@njit(**LEAF)
def node_figures(  # type: ignore[no-untyped-def]
    positions, resting, head, market, rules, level, node, overlay
):
    """(requirement of the legs one by one, and of pairs the greater; worst loss or -1; settlement asset)."""
    terms = rules[0, layout.HDR_LEVELS] + level
    orders, settle = rules[terms, layout.LVL_ORDERS] != 0, np.int64(0)
    single, spot, slot, pending = np.int64(0), np.int64(0), np.int64(head), overlay[OVL_INSTRUMENT] >= 0
    counts, counted = rules[terms, layout.LVL_OPTION_VALUE], np.int64(0)
    call_core, call_needs, calls = np.int64(0), np.int64(0), np.int64(0)
    put_core, put_needs, puts = np.int64(0), np.int64(0), np.int64(0)
    worst = _sum_payoffs(positions, resting, head, rules, orders, node, np.int64(0), False, overlay)
    while slot >= 0 or pending:
        slot, pending, of, instrument, lots = _leg(positions, resting, slot, pending, rules, orders, overlay)
        if of != node or lots == 0:
            continue
        row = rules[0, layout.HDR_LISTING] + instrument
        required, worth, _price = scheduled(rules, market, level, instrument, lots)
        single = add_checked(single, required)
        if counts == VALUE_FULL or (counts == VALUE_LONG and lots > 0):
            counted = add_checked(counted, worth if lots > 0 else -worth)
        core = _paired_core(rules, terms, instrument, lots, required, worth)
        if rules[row, layout.INS_OPTION] == CALL:
            call_core = add_checked(call_core, core)
            call_needs = add_checked(call_needs, required if lots < 0 else np.int64(0))
            calls -= min(lots, np.int64(0))
        else:
            put_core = add_checked(put_core, core)
            put_needs = add_checked(put_needs, required if lots < 0 else np.int64(0))
            puts -= min(lots, np.int64(0))
        strike, settle = rules[row, layout.INS_STRIKE], rules[row, layout.INS_SETTLE]
        spot = market[rules[row, layout.INS_UNDERLYING], layout.MKT_INDEX]
        at = _sum_payoffs(positions, resting, head, rules, orders, node, strike, False, overlay)
        worst = min(worst, at)
    whole, single = single, single - _both_sold(call_core, call_needs, calls, put_core, put_needs, puts)
    unpaired = _sum_payoffs(positions, resting, head, rules, orders, node, spot, True, overlay)
    loss = -min(worst, np.int64(0))
    if unpaired < 0:
        if rules[terms, layout.LVL_UNPAIRED] == 0:
            return whole, single, np.int64(-1), settle
        loss = add_checked(loss, mul_div_ceil(-unpaired, rules[terms, layout.LVL_UNPAIRED], PPB))
    return whole, single, max(add_checked(loss, counted), np.int64(0)), settle


@njit(**LEAF)
def node_relief(  # type: ignore[no-untyped-def]
    positions, resting, head, market, rules, level, unit, overlay
):
    """Atoms of the unit by which the pot's nodes need less than their legs one by one, rounded down."""
    relief, slot, pending = np.int64(0), np.int64(head), overlay[OVL_INSTRUMENT] >= 0
    while slot >= 0 or pending:
        here, waits = slot, pending
        slot, pending, node, _instrument, _lots = _leg(
            positions, resting, slot, pending, rules, False, overlay
        )
        if node < 0 or not _first_of(positions, resting, head, here, waits, rules, node, overlay):
            continue
        whole, single, loss, settle = node_figures(
            positions, resting, head, market, rules, level, node, overlay
        )
        spared = whole - (single if loss < 0 else min(single, loss))
        if spared <= 0:
            continue
        if settle != unit:
            num, den = asset_price(rules, market, level, settle, unit, True)
            spared = mul_div_floor(spared, num, den)
        relief = add_checked(relief, spared)
    return relief


@njit(**LEAF)
def _first_of(positions, resting, head, here, waits, rules, node, overlay):  # type: ignore[no-untyped-def]
    """Is the position at `here` the first of the pot that belongs to the node?"""
    slot, pending = np.int64(head), overlay[OVL_INSTRUMENT] >= 0
    while slot >= 0 or pending:
        if slot == here and pending == waits:
            return True
        slot, pending, of, _instrument, _lots = _leg(positions, resting, slot, pending, rules, False, overlay)
        if of == node:
            return False
    return True
