"""Whole numbers of up to 512 bits in rows of a table of digits, for amounts that pass 64 bits on the way.

A number is a row of `w`, least digit first, 32 bits to a uint64, so that a product of digits and a carry fit.
Rows are WIDTH digits; what a function does not write it clears. Nothing is allocated. Units: none. Rounding:
`divide` cuts off and says whether something remained; the caller rounds up with `add_one`.
Source: Knuth, The Art of Computer Programming, vol. 2, 4.3.1, algorithms M and D.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels.fixed import LEAF

WIDTH = 14
_MASK = np.uint64(0xFFFFFFFF)
_BASE = np.uint64(1 << 32)
_U0, _U1, _U32, _U63 = np.uint64(0), np.uint64(1), np.uint64(32), np.uint64(63)
_TOP = np.uint64(1 << 31)
_FLOAT_BASE = 4294967296.0


@njit(**LEAF)
def copy(w, to, source):  # type: ignore[no-untyped-def]
    """w[to] = w[source]"""
    for place in range(WIDTH):
        w[to, place] = w[source, place]


@njit(**LEAF)
def clear(w, to):  # type: ignore[no-untyped-def]
    """w[to] = 0"""
    for place in range(WIDTH):
        w[to, place] = _U0


@njit(**LEAF)
def digits_of(w, row):  # type: ignore[no-untyped-def]
    """How many digits the number has; 0 for nothing."""
    count = WIDTH
    while count and w[row, count - 1] == _U0:
        count -= 1
    return count


@njit(**LEAF)
def order(w, one, two):  # type: ignore[no-untyped-def]
    """-1, 0 or 1 as w[one] is below, equal to or above w[two]."""
    for step in range(WIDTH):
        place = WIDTH - 1 - step
        if w[one, place] != w[two, place]:
            return -1 if w[one, place] < w[two, place] else 1
    return 0


@njit(**LEAF)
def add(w, to, one, two):  # type: ignore[no-untyped-def]
    """w[to] = w[one] + w[two]; `to` may be either."""
    carry = _U0
    for place in range(WIDTH):
        total = w[one, place] + w[two, place] + carry
        w[to, place] = total & _MASK
        carry = total >> _U32


@njit(**LEAF)
def subtract(w, to, one, two):  # type: ignore[no-untyped-def]
    """w[to] = w[one] - w[two], which must not be above w[one]; `to` may be either."""
    borrow = _U0
    for place in range(WIDTH):
        left = w[one, place] - w[two, place] - borrow
        w[to, place] = left & _MASK
        borrow = left >> _U63


@njit(**LEAF)
def add_one(w, row):  # type: ignore[no-untyped-def]
    """w[row] += 1"""
    place = 0
    w[row, 0] += _U1
    while w[row, place] == _BASE:
        w[row, place] = _U0
        place += 1
        w[row, place] += _U1


@njit(**LEAF)
def multiply(w, to, one, two, shift):  # type: ignore[no-untyped-def]
    """w[to] = w[one] * w[two] << 32 * shift; `to` is neither, and the result must fit."""
    clear(w, to)
    long, short = digits_of(w, one), digits_of(w, two)
    for place in range(short):
        factor, carry = w[two, place], _U0
        for other in range(long):
            at = place + other + shift
            total = w[one, other] * factor + w[to, at] + carry
            w[to, at] = total & _MASK
            carry = total >> _U32
        if carry:
            w[to, place + long + shift] = carry


@njit(**LEAF)
def scale_down(w, to, row, factor, divisor):  # type: ignore[no-untyped-def]
    """w[to] = w[row] * factor // divisor for factor and divisor below 2**32; True if something remained."""
    carry = _U0
    for place in range(WIDTH):
        total = w[row, place] * factor + carry
        w[to, place] = total & _MASK
        carry = total >> _U32
    return _divide_short(w, to, to, divisor)


@njit(**LEAF)
def _divide_short(w, to, row, divisor):  # type: ignore[no-untyped-def]
    rest = _U0
    count = digits_of(w, row)
    for step in range(count):
        place = count - 1 - step
        part = (rest << _U32) | w[row, place]
        w[to, place] = part // divisor
        rest = part - w[to, place] * divisor
    for place in range(count, WIDTH):
        w[to, place] = _U0
    return rest != _U0


@njit(**LEAF)
def divide(w, to, row, by, spare):  # type: ignore[no-untyped-def]
    """w[to] = w[row] // w[by]; True if something remained. Spoils w[row], w[spare]; w[by] is not 0."""
    count, below = digits_of(w, row), digits_of(w, by)
    if below == 1:
        return _divide_short(w, to, row, w[by, 0])
    clear(w, to)
    if count < below:
        return count > 0
    shift, top = _U0, w[by, below - 1]
    while top < _TOP:
        top, shift = top << _U1, shift + _U1
    back = _U32 - shift
    for step in range(below):  # so that the first digit of the divisor is at least half of the base
        place = below - 1 - step
        low = w[by, place - 1] >> back if place else _U0
        w[spare, place] = ((w[by, place] << shift) & _MASK) | low
    w[row, count] = w[row, count - 1] >> back
    for step in range(count):
        place = count - 1 - step
        low = w[row, place - 1] >> back if place else _U0
        w[row, place] = ((w[row, place] << shift) & _MASK) | low
    for step in range(count - below + 1):
        w[to, count - below - step] = _digit(w, row, spare, count - below - step, below)
    return digits_of(w, row) > 0


@njit(**LEAF)
def _digit(w, row, spare, at, below):  # type: ignore[no-untyped-def]
    """One digit of the quotient, guessed from three digits by two and put right; subtracted from the row."""
    first, second = w[spare, below - 1], w[spare, below - 2]
    head = (w[row, at + below] << _U32) | w[row, at + below - 1]
    guess = head // first
    rest = head - guess * first
    while guess >= _BASE or guess * second > ((rest << _U32) | w[row, at + below - 2]):
        guess, rest = guess - _U1, rest + first
        if rest >= _BASE:
            break
    carry, borrow = _U0, _U0
    for place in range(below):
        product = guess * w[spare, place] + carry
        carry = product >> _U32
        left = w[row, at + place] - (product & _MASK) - borrow
        w[row, at + place] = left & _MASK
        borrow = left >> _U63
    left = w[row, at + below] - carry - borrow
    w[row, at + below] = left & _MASK
    if left >> _U63:  # one too many, which is rare
        guess, carry = guess - _U1, _U0
        for place in range(below):
            total = w[row, at + place] + w[spare, place] + carry
            w[row, at + place] = total & _MASK
            carry = total >> _U32
        w[row, at + below] = (w[row, at + below] + carry) & _MASK
    return guess


@njit(**LEAF)
def shift_down(w, to, row, digits):  # type: ignore[no-untyped-def]
    """w[to] = w[row] >> 32 * digits; True if something was lost. `to` may be `row`."""
    lost = _U0
    for place in range(digits):
        lost |= w[row, place]
    for place in range(WIDTH - digits):
        w[to, place] = w[row, place + digits]
    for place in range(WIDTH - digits, WIDTH):
        w[to, place] = _U0
    return lost != _U0


@njit(**LEAF)
def shift_up(w, to, row, digits):  # type: ignore[no-untyped-def]
    """w[to] = w[row] << 32 * digits; `to` may be `row`."""
    for step in range(WIDTH - digits):
        place = WIDTH - 1 - step
        w[to, place] = w[row, place - digits]
    for place in range(digits):
        w[to, place] = _U0


@njit(**LEAF)
def nearly(w, row):  # type: ignore[no-untyped-def]
    """The number as a float, within one part in 2**51. It may only rule out what is far away."""
    value, count = 0.0, digits_of(w, row)
    for step in range(count):
        value = value * _FLOAT_BASE + float(w[row, count - 1 - step])
    return value
