"""Swaps against one pool of concentrated liquidity, one after another, to the atom of the definition.

`market/amm/concentrated.py` is the definition; here the same integers live in digits (`kernels/wide.py`), and
the places where a swap may stop are sorted once. Amounts in atoms below 2**128, roots of prices with 96
fraction bits, fees in pips. Rounding: as the definition. With liquidity below 2**128 an amount that ends
inside a stretch is below liquidity * 2**96 / root: no product passes 256 bits where the protocol's would not.
A float only tells whether a swap ends far from the next stop; near it integers decide.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels.fixed import LEAF
from seawall.kernels.wide import (
    add,
    add_one,
    clear,
    copy,
    digits_of,
    divide,
    multiply,
    nearly,
    order,
    scale_down,
    shift_down,
    shift_up,
    subtract,
)

# Rows of the table of digits. The first six are the pool and its limits, the rest is working space.
PRICE, LIQUIDITY, GROWTH0, GROWTH1, LOWEST, HIGHEST = range(6)
TARGET, LEFT, OTHER, USABLE, NEXT, PAID, OUT, FEE, GAP, LONG, HALF, SPARE, OLD = range(6, 19)
ROWS = 19

# What a stop is: the lower or upper edge of a word of ticks, an end of ranges; and the sign of what enters.
DOWN_EDGE, UP_EDGE, RANGE_END, LEAVES = 1, 2, 4, 8
PIPS = np.uint64(1_000_000)
_Q96 = float(1 << 96)
_NEAR = 1e-9  # floats err by less than 1e-13 here
GROWTH_DIGITS, AMOUNT_DIGITS, WORD_DIGITS, ROOT_DIGITS = 8, 4, 8, 5


@njit(**LEAF)
def _amount(w, to, one, two, first, up):  # type: ignore[no-untyped-def]
    """w[to] = atoms of token0 (`first`) or token1 between two roots, in any order."""
    low, high = (one, two) if order(w, one, two) <= 0 else (two, one)
    subtract(w, GAP, high, low)
    if first:
        multiply(w, LONG, LIQUIDITY, GAP, 3)
        if divide(w, HALF, LONG, high, SPARE) and up:
            add_one(w, HALF)
        if divide(w, to, HALF, low, SPARE) and up:
            add_one(w, to)
    else:
        multiply(w, LONG, LIQUIDITY, GAP, 0)
        if shift_down(w, to, LONG, 3) and up:
            add_one(w, to)


@njit(**LEAF)
def _reaches(w, first, up):  # type: ignore[no-untyped-def]
    """Whether what is usable covers the whole stretch to the target."""
    if digits_of(w, LIQUIDITY) == 0:
        return True
    low, high = (PRICE, TARGET) if order(w, PRICE, TARGET) <= 0 else (TARGET, PRICE)
    subtract(w, GAP, high, low)
    whole = nearly(w, LIQUIDITY) * (nearly(w, GAP) / _Q96)
    if first:
        whole = whole / (nearly(w, low) / _Q96) / (nearly(w, high) / _Q96)
    usable = nearly(w, USABLE)
    if usable < whole * (1.0 - _NEAR) - 4.0:
        return False
    if usable > whole * (1.0 + _NEAR) + 4.0:
        return True
    _amount(w, NEXT, PRICE, TARGET, first, up)
    return order(w, USABLE, NEXT) >= 0


@njit(**LEAF)
def _stop_inside(w, first, paid_in):  # type: ignore[no-untyped-def]
    """w[NEXT] = the root after the usable amount, which does not reach the target."""
    if first:
        multiply(w, GAP, USABLE, PRICE, 0)
        shift_up(w, HALF, LIQUIDITY, 3)
        if paid_in:
            add(w, HALF, HALF, GAP)
        else:
            subtract(w, HALF, HALF, GAP)
        if digits_of(w, HALF) > WORD_DIGITS:
            raise OverflowError("swap: a product passes 256 bits")
        multiply(w, LONG, LIQUIDITY, PRICE, 3)
        if divide(w, NEXT, LONG, HALF, SPARE):
            add_one(w, NEXT)
        return
    shift_up(w, LONG, USABLE, 3)
    remained = divide(w, HALF, LONG, LIQUIDITY, SPARE)
    if paid_in:
        add(w, NEXT, PRICE, HALF)
    else:
        if remained:
            add_one(w, HALF)
        subtract(w, NEXT, PRICE, HALF)


@njit(**LEAF)
def _stretch(w, zero_for_one, exact_in, fee_pips):  # type: ignore[no-untyped-def]
    """One stretch towards the target: NEXT, PAID, OUT and FEE from LEFT."""
    kept = PIPS - fee_pips
    if exact_in:
        scale_down(w, USABLE, LEFT, kept, PIPS)
    else:
        copy(w, USABLE, LEFT)
    if _reaches(w, zero_for_one == exact_in, exact_in):
        copy(w, NEXT, TARGET)
    else:
        _stop_inside(w, zero_for_one == exact_in, exact_in)
    _amount(w, PAID, NEXT, PRICE, zero_for_one, True)
    _amount(w, OUT, NEXT, PRICE, not zero_for_one, False)
    if not exact_in and order(w, OUT, USABLE) > 0:
        copy(w, OUT, USABLE)
    if exact_in and order(w, NEXT, TARGET) != 0:
        subtract(w, FEE, LEFT, PAID)
    elif scale_down(w, FEE, PAID, fee_pips, kept):
        add_one(w, FEE)


@njit(**LEAF)
def _grow(w, growth):  # type: ignore[no-untyped-def]
    """The stretch's fee per unit of liquidity, modulo 2**256."""
    if digits_of(w, LIQUIDITY) == 0:
        return
    shift_up(w, LONG, FEE, 4)
    divide(w, HALF, LONG, LIQUIDITY, SPARE)
    add(w, growth, growth, HALF)
    for place in range(GROWTH_DIGITS, w.shape[1]):
        w[growth, place] = np.uint64(0)


@njit(**LEAF)
def _cross(w, stop, kinds, nets, outside, zero_for_one):  # type: ignore[no-untyped-def]
    """Enter or leave the ranges that end at the stop, and turn its growth over to the other side."""
    clear(w, GAP)
    for place in range(AMOUNT_DIGITS):
        w[GAP, place] = nets[stop, place]
    if ((kinds[stop] & LEAVES) != 0) != zero_for_one:
        subtract(w, LIQUIDITY, LIQUIDITY, GAP)
    else:
        add(w, LIQUIDITY, LIQUIDITY, GAP)
    for side in range(2):
        borrow = np.uint64(0)
        for place in range(GROWTH_DIGITS):
            left = w[GROWTH0 + side, place] - outside[side, stop, place] - borrow
            outside[side, stop, place] = left & np.uint64(0xFFFFFFFF)
            borrow = left >> np.uint64(63)


@njit(**LEAF)
def _at_root(w, stop, roots, row):  # type: ignore[no-untyped-def]
    """w[row] = the root at a stop."""
    clear(w, row)
    for place in range(ROOT_DIGITS):
        w[row, place] = roots[stop, place]


@njit(**LEAF)
def _next_stop(kinds, place, zero_for_one):  # type: ignore[no-untyped-def]
    """The next place at which a swap this way stops, from the greatest stop not above the tick."""
    stop = place if zero_for_one else place + 1
    wanted = RANGE_END | (DOWN_EDGE if zero_for_one else UP_EDGE)
    while kinds[stop] & wanted == 0:
        stop += -1 if zero_for_one else 1
    return stop


@njit(**LEAF)
def _settle(w, exact_in):  # type: ignore[no-untyped-def]
    """Book the stretch: what is left of the order, and what the other side comes to."""
    add(w, PAID, PAID, FEE)
    if exact_in:
        subtract(w, LEFT, LEFT, PAID)
        add(w, OTHER, OTHER, OUT)
    else:
        subtract(w, LEFT, LEFT, OUT)
        add(w, OTHER, OTHER, PAID)


@njit(**LEAF)
def trade(  # type: ignore[no-untyped-def]
    w, place, fee_pips, zero_for_one, exact_in, kinds, roots, nets, outside
):
    """Trade w[LEFT] as far as the limit; the place after it. w[OTHER] is the other side's atoms."""
    clear(w, OTHER)
    limit = LOWEST if zero_for_one else HIGHEST
    growth = GROWTH0 if zero_for_one else GROWTH1
    while digits_of(w, LEFT) and order(w, PRICE, limit) != 0:
        stop = _next_stop(kinds, place, zero_for_one)
        _at_root(w, stop, roots, TARGET)
        limited = (order(w, TARGET, limit) < 0) == zero_for_one and order(w, TARGET, limit) != 0
        if limited:
            copy(w, TARGET, limit)
        _stretch(w, zero_for_one, exact_in, fee_pips)
        moved = order(w, NEXT, PRICE) != 0
        _settle(w, exact_in)
        _grow(w, growth)
        copy(w, PRICE, NEXT)
        if not limited and order(w, PRICE, TARGET) == 0:
            if kinds[stop] & RANGE_END:
                _cross(w, stop, kinds, nets, outside, zero_for_one)
            place = stop - 1 if zero_for_one else stop
        elif moved:
            place = _place_of(w, place, roots, zero_for_one)
    return place


@njit(**LEAF)
def _place_of(w, place, roots, zero_for_one):  # type: ignore[no-untyped-def]
    """The greatest stop not above the price, near the old one: stops for the other way were passed by."""
    if zero_for_one:
        _at_root(w, place, roots, GAP)
        while order(w, GAP, PRICE) > 0:
            place -= 1
            _at_root(w, place, roots, GAP)
        return place
    while True:
        _at_root(w, place + 1, roots, GAP)
        if order(w, GAP, PRICE) > 0:
            return place
        place += 1


@njit(**LEAF)
def trade_all(  # type: ignore[no-untyped-def]
    w, place, fee_pips, sides, amounts, others, kinds, roots, nets, outside
):
    """Orders one after the other; the place after them. `sides`: 1 token0 in, 2 exact in.

    `amounts` comes with what is asked and goes with what was not traded; `others` gets the other side.
    """
    for number in range(sides.shape[0]):
        clear(w, LEFT)
        for digit in range(AMOUNT_DIGITS):
            w[LEFT, digit] = amounts[number, digit]
        place = trade(
            w, place, fee_pips, sides[number] & 1 != 0, sides[number] & 2 != 0, kinds, roots, nets, outside
        )
        for digit in range(AMOUNT_DIGITS):
            amounts[number, digit] = w[LEFT, digit]
        for digit in range(WORD_DIGITS):
            others[number, digit] = w[OTHER, digit]
    return place
