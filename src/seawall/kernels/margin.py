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

from seawall.kernels import layout
from seawall.kernels.collateral import asset_price, collateral_value, fixed_charge
from seawall.kernels.fixed import add_checked, mul_checked, mul_div_ceil
from seawall.kernels.position import PPB, position_profit, position_requirement

UNFIT = -2  # in book_health's third output: the pot's figures do not fit 64 bits


class Overlay(NamedTuple):
    """What if: lots and cost added to a position, lots of orders, another leverage, cash in an asset."""

    instrument: int = -1
    lots: int = 0
    cost: int = 0
    bid: int = 0
    ask: int = 0
    leverage: int = 0
    asset: int = -1
    cash: int = 0


NOTHING = Overlay()


@njit(cache=True, forceinline=True)
def _line(book, slot, overlay):  # type: ignore[no-untyped-def]
    """(instrument, lots, cost, bid, ask, orders, leverage) of a slot with the overlay in it; -1: it alone."""
    if slot >= 0:
        instrument = np.int64(book.pos_instrument[slot])
        lots, cost = book.pos_lots[slot], book.pos_cost[slot]
        bid, ask = book.pos_bid[slot], book.pos_ask[slot]
        orders, leverage = np.int64(book.pos_orders[slot]), np.int64(book.pos_leverage[slot])
    else:
        instrument = np.int64(overlay.instrument)
        lots = cost = bid = ask = orders = leverage = np.int64(0)
    if instrument == overlay.instrument:
        lots, cost = add_checked(lots, overlay.lots), add_checked(cost, overlay.cost)
        bid, ask = add_checked(bid, overlay.bid), add_checked(ask, overlay.ask)
        orders += (overlay.bid > 0) + (overlay.ask > 0)
        if overlay.leverage > 0:
            leverage = np.int64(overlay.leverage)
    return instrument, lots, cost, bid, ask, orders, leverage


@njit(cache=True)
def pot_health(book, rules, view, level, pot, overlay):  # type: ignore[no-untyped-def]
    """(equity, requirement, unknown instrument or -1) of a pot; see the file's opening for the rounding.

    `unknown` >= 0 names an instrument without a usable price: the figures are then meaningless.
    """
    unit, isolated = book.pot_unit[pot], book.pot_instrument[pot] >= 0
    totals = book.balances[pot].copy()
    if overlay.asset >= 0:
        totals[overlay.asset] = add_checked(totals[overlay.asset], overlay.cash)
    nothing, requirement, whole, charged = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    slot, pending, holds = np.int64(book.pot_head[pot]), overlay.instrument >= 0, False
    while slot >= 0 or pending:
        instrument, lots, cost, bid, ask, orders, leverage = _line(book, slot, overlay)
        pending = pending and slot >= 0 and instrument != overlay.instrument
        if slot >= 0:
            slot = np.int64(book.pos_next[slot])
        if lots == 0 and bid == 0 and ask == 0:
            continue
        if not view.usable[instrument]:
            return nothing, nothing, instrument
        settle = rules.listing[instrument, layout.INS_SETTLE]
        free = add_checked(book.balances[pot, settle], overlay.cash if overlay.asset == settle else 0)
        required, notional, _price = position_requirement(
            rules, view, level, instrument, lots, cost, bid, ask, leverage, isolated, free
        )
        if settle != unit:
            num, den = asset_price(rules, view, level, settle, unit, True)
            if num == 0:
                return nothing, nothing, np.int64(max(rules.collateral[settle, layout.AST_INSTRUMENT], 0))
            required, notional = mul_div_ceil(required, num, den), mul_div_ceil(notional, num, den)
        requirement, whole = add_checked(requirement, required), add_checked(whole, notional)
        charged = add_checked(charged, mul_checked(orders, rules.levels[level, layout.LVL_ORDER_ATOMS]))
        holds = holds or lots != 0 or rules.levels[level, layout.LVL_ORDERS] != 0
        if lots != 0:
            profit, _price = position_profit(rules, view, level, instrument, lots, cost)
            if profit < 0 or not rules.levels[level, layout.LVL_LOSSES_ONLY]:
                totals[settle] = add_checked(totals[settle], profit)
    equity, unknown = collateral_value(rules, view, level, unit, totals)
    if unknown >= 0:
        return nothing, nothing, unknown
    charged = fixed_charge(
        rules, view, level, unit, add_checked(charged, rules.levels[level, layout.LVL_FLAT] if holds else 0)
    )
    if charged < 0:
        return nothing, nothing, np.int64(max(rules.collateral[unit, layout.AST_INSTRUMENT], 0))
    least = mul_div_ceil(whole, rules.levels[level, layout.LVL_MIN_TOTAL], PPB)
    return equity, add_checked(max(requirement, least), charged), np.int64(-1)


@njit(cache=True)
def _pot_health_or_unfit(book, rules, view, level, pot):  # type: ignore[no-untyped-def]
    """An exception inside `prange` is lost on every thread but the first, so it must not get there."""
    try:
        return pot_health(book, rules, view, level, pot, NOTHING)
    except Exception:
        return np.int64(0), np.int64(0), np.int64(UNFIT)


@njit(cache=True)
def book_health_serial(  # type: ignore[no-untyped-def]
    book, rules, view, levels, nested, pots, equity, requirement, unknown
):
    """`book_health` on the calling thread: faster below some ten thousand pots, and on a busy machine.

    Raises OverflowError at the first pot that does not fit: a guard around each pot would double the cost.
    """
    for row in range(pots.size):
        met = False
        for which in range(levels.size):
            if met:
                equity[which, row] = equity[which - 1, row]
                requirement[which, row], unknown[which, row] = requirement[which - 1, row], -1
                continue
            equity[which, row], requirement[which, row], unknown[which, row] = pot_health(
                book, rules, view, levels[which], pots[row], NOTHING
            )
            met = nested and unknown[which, row] == -1 and equity[which, row] >= requirement[which, row]


@njit(cache=True, parallel=True)
def book_health(  # type: ignore[no-untyped-def]
    book, rules, view, levels, nested, pots, equity, requirement, unknown
):
    """`pot_health` of every pot at each of `levels` (rows of the rules); fills the outputs [level, pot].

    Raises nothing: a pot whose figures do not fit 64 bits has UNFIT in `unknown`. `nested`: the levels come
    strictest first and each implies the next, so once one is met the rest are met as well; they are then
    given the strictest one's figures (an upper bound of their requirement).
    """
    for row in prange(pots.size):
        met = False
        for which in range(levels.size):
            if met:
                equity[which, row] = equity[which - 1, row]
                requirement[which, row], unknown[which, row] = requirement[which - 1, row], -1
                continue
            equity[which, row], requirement[which, row], unknown[which, row] = _pot_health_or_unfit(
                book, rules, view, levels[which], pots[row]
            )
            met = nested and unknown[which, row] == -1 and equity[which, row] >= requirement[which, row]
