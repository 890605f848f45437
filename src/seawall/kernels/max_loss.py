"""Scope `max_loss` (P4): options of one expiry need no more than their worst payoff at expiry.

For every node of a pot (options of one underlying, expiry and settlement asset) the requirement of its legs
one by one is compared with the worst of their summed payoffs over spot 0 and all strikes, plus, where calls
sold exceed calls bought, a rate of the spot for each unpaired call; the lesser counts. Atoms of the
settlement asset, payoffs round down leg by leg. Payoffs are piecewise linear with kinks at the strikes
only, so no other spot can be worse. Source: Derive StandardManager; with no unpaired calls, Cboe spreads.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels import layout
from seawall.kernels.collateral import asset_price
from seawall.kernels.fixed import LEAF, add_checked, mul_checked, mul_div_ceil, mul_div_floor
from seawall.kernels.options import CALL, scheduled
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
def _sum_payoffs(positions, resting, head, rules, orders, node, spot_ticks, calls_only, overlay):  # type: ignore[no-untyped-def]
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
def node_figures(positions, resting, head, market, rules, level, node, overlay):  # type: ignore[no-untyped-def]
    """(requirement of the legs one by one, worst loss or -1 if it has no bound, settlement asset)."""
    terms = rules[0, layout.HDR_LEVELS] + level
    orders, settle = rules[terms, layout.LVL_ORDERS] != 0, np.int64(0)
    single, spot, slot, pending = np.int64(0), np.int64(0), np.int64(head), overlay[OVL_INSTRUMENT] >= 0
    worst = _sum_payoffs(positions, resting, head, rules, orders, node, np.int64(0), False, overlay)
    while slot >= 0 or pending:
        slot, pending, of, instrument, lots = _leg(positions, resting, slot, pending, rules, orders, overlay)
        if of != node or lots == 0:
            continue
        row = rules[0, layout.HDR_LISTING] + instrument
        required, _worth, _price = scheduled(rules, market, level, instrument, lots)
        single = add_checked(single, required)
        strike, settle = rules[row, layout.INS_STRIKE], rules[row, layout.INS_SETTLE]
        spot = market[rules[row, layout.INS_UNDERLYING], layout.MKT_INDEX]
        at = _sum_payoffs(positions, resting, head, rules, orders, node, strike, False, overlay)
        worst = min(worst, at)
    unpaired = _sum_payoffs(positions, resting, head, rules, orders, node, spot, True, overlay)
    loss = -min(worst, np.int64(0))
    if unpaired < 0:
        if rules[terms, layout.LVL_UNPAIRED] == 0:
            return single, np.int64(-1), settle
        loss = add_checked(loss, mul_div_ceil(-unpaired, rules[terms, layout.LVL_UNPAIRED], PPB))
    return single, loss, settle


@njit(**LEAF)
def node_relief(positions, resting, head, market, rules, level, unit, overlay):  # type: ignore[no-untyped-def]
    """Atoms of the unit by which the pot's nodes need less than their legs one by one, rounded down."""
    relief, slot, pending = np.int64(0), np.int64(head), overlay[OVL_INSTRUMENT] >= 0
    while slot >= 0 or pending:
        here, waits = slot, pending
        slot, pending, node, _instrument, _lots = _leg(
            positions, resting, slot, pending, rules, False, overlay
        )
        if node < 0 or not _first_of(positions, resting, head, here, waits, rules, node, overlay):
            continue
        single, loss, settle = node_figures(positions, resting, head, market, rules, level, node, overlay)
        if loss < 0 or loss >= single:
            continue
        spared = single - loss
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
