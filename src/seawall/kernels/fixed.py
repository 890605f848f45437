"""The one checked multiply-divide. int64 in, int64 out, 128 bits in between.

int64 wraps silently in NumPy and numba, so every product that can pass 2**63 goes through
`mul_div_floor` or `mul_div_ceil`. A result beyond +-(2**63 - 1) raises OverflowError before
anything is written; -2**63 is refused too, so that a result can always be negated.
Units: none. Rounding: towards -inf (floor) or +inf (ceil).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

# How kernels that decide are compiled: kept on disk, and without counting references to their arrays. They
# allocate nothing, and a counted reference is two atomic steps for each array of each call.
LEAF: dict[str, Any] = {"cache": True, "_nrt": False}

INT64_MAX = np.int64(2**63 - 1)
_MASK32 = np.uint64(0xFFFFFFFF)
_U32 = np.uint64(32)
_U1 = np.uint64(1)
_U63 = np.uint64(63)
_BILLION = np.uint64(10**9)
_TOP = np.uint64(1 << 63)
# A product whose float is below this is below 2**63: two conversions and one product err by less than 1e-15.
_SAFE = 9.0e18
_GUESSED, _NEAR = float(1 << 50), np.int64(2**61)  # see _near_div


@njit(**LEAF)
def _magnitude(value):  # type: ignore[no-untyped-def]
    """|value| as uint64, right also for -2**63."""
    if value >= 0:
        return np.uint64(value)
    return np.uint64(-(value + 1)) + _U1


@njit(**LEAF)
def _wide_mul(a, b):  # type: ignore[no-untyped-def]
    """Full 128-bit product of two uint64 as (high, low)."""
    a_low, a_high = a & _MASK32, a >> _U32
    b_low, b_high = b & _MASK32, b >> _U32
    low = a_low * b_low
    middle = a_high * b_low + (low >> _U32)
    carry = a_low * b_high + (middle & _MASK32)
    high = a_high * b_high + (middle >> _U32) + (carry >> _U32)
    return high, (carry << _U32) | (low & _MASK32)


@njit(**LEAF)
def _wide_div(high, low, divisor):  # type: ignore[no-untyped-def]
    """(high:low) // divisor and remainder by shift and subtract; needs high < divisor < 2**63."""
    remainder, quotient = high, np.uint64(0)
    for bit in range(64):
        remainder = (remainder << _U1) | ((low >> (_U63 - np.uint64(bit))) & _U1)
        quotient = quotient << _U1
        if remainder >= divisor:
            remainder = remainder - divisor
            quotient = quotient | _U1
    return quotient, remainder


@njit(**LEAF)
def _mul_div(a, b, divisor, up):  # type: ignore[no-untyped-def]
    if divisor <= 0:
        raise ZeroDivisionError("mul_div: the divisor must be positive")
    if abs(float(a) * float(b)) < _SAFE:
        product = a * b
        quotient = product // divisor
        return quotient + (up and quotient * divisor != product)
    # a = whole * divisor + part gives a * b / divisor = whole * b + part * b / divisor, exactly.
    whole = a // divisor
    part = a - whole * divisor
    if abs(float(whole) * float(b)) < _SAFE and abs(float(part) * float(b)) < _SAFE:
        product = part * b
        quotient = product // divisor
        return add_checked(whole * b, quotient + (up and quotient * divisor != product))
    return _wide_mul_div(a, b, divisor, up)


@njit(**LEAF)
def _wide_mul_div(a, b, divisor, up):  # type: ignore[no-untyped-def]
    """The same through 128 bits; any a and b."""
    negative = (a < 0) != (b < 0)
    d = np.uint64(divisor)
    high, low = _wide_mul(_magnitude(a), _magnitude(b))
    if high >= d:
        raise OverflowError("mul_div: the result does not fit in 64 bits")
    quotient, remainder = _wide_div(high, low, d)
    if remainder != 0 and up != negative:  # away from zero
        if quotient >= _TOP:
            raise OverflowError("mul_div: the result does not fit in 64 bits")
        quotient = quotient + _U1
    if quotient >= _TOP:
        raise OverflowError("mul_div: the result does not fit in 64 bits")
    return -np.int64(quotient) if negative else np.int64(quotient)


@njit(**LEAF)
def mul_div_floor(a, b, divisor):  # type: ignore[no-untyped-def]
    """floor(a * b / divisor) for int64 a, b and divisor > 0; OverflowError if it does not fit."""
    return _mul_div(np.int64(a), np.int64(b), np.int64(divisor), False)


@njit(**LEAF)
def mul_div_ceil(a, b, divisor):  # type: ignore[no-untyped-def]
    """ceil(a * b / divisor) for int64 a, b and divisor > 0; OverflowError if it does not fit."""
    return _mul_div(np.int64(a), np.int64(b), np.int64(divisor), True)


@njit(**LEAF)
def mul_checked(a, b):  # type: ignore[no-untyped-def]
    """a * b, or OverflowError instead of wrapping."""
    if abs(float(a) * float(b)) < _SAFE:
        return np.int64(a) * np.int64(b)
    return _wide_mul_div(np.int64(a), np.int64(b), np.int64(1), False)


@njit(**LEAF)
def add_checked(a, b):  # type: ignore[no-untyped-def]
    """a + b, or OverflowError instead of wrapping."""
    first, second = np.int64(a), np.int64(b)
    if (second >= 0 and first > INT64_MAX - second) or (second <= 0 and first < -INT64_MAX - second):
        raise OverflowError("add: the sum does not fit in 64 bits")
    return first + second


@njit(**LEAF, error_model="numpy")
def share_ceil(amount, rate_ppb):  # type: ignore[no-untyped-def]
    """ceil(amount * rate_ppb / 10**9) for 0 <= amount < 2**61 and 0 <= rate_ppb <= 2 * 10**9; unchecked.

    amount = whole * 10**9 + part, so that no product passes 2**63 and both divisions are by a constant.
    """
    size, rate = np.uint64(amount), np.uint64(rate_ppb)
    whole = size // _BILLION
    part = (size - whole * _BILLION) * rate
    return np.int64(whole * rate + (part + (_BILLION - _U1)) // _BILLION)


@njit(**LEAF)
def isqrt_ceil(value):  # type: ignore[no-untyped-def]
    """Smallest r with r*r >= value, for 0 <= value < 2**63; exact, by Newton on integers."""
    if value < 0:
        raise ValueError("isqrt: negative value")
    if value < 2:
        return np.int64(value)
    floor = np.int64(1) << np.int64(32)
    while True:
        following = (floor + value // floor) // 2
        if following >= floor:
            return floor + (floor * floor < value)
        floor = following


@njit(**LEAF)
def _near_div(weight, total, whole, high, low):  # type: ignore[no-untyped-def]
    """weight * total = (high:low) divided by whole, as quotient and rest: a guess in floats, put right.

    Below 2**50 the guess is off by less than one, so what it leaves lies within two wholes of zero and the
    lower 64 bits say it exactly. Larger quotients take the long way.
    """
    guess = float(weight) * (float(total) / float(whole))
    if guess >= _GUESSED or whole >= _NEAR:
        return _wide_div(high, low, np.uint64(whole))
    share = np.int64(guess)
    rest = np.int64(low - np.uint64(share) * np.uint64(whole))
    while rest < 0:
        share, rest = share - 1, rest + whole
    while rest >= whole:
        share, rest = share + 1, rest - whole
    return np.uint64(share), np.uint64(rest)


@njit(**LEAF)
def share_columns(weights, total, whole, shares, remainders):  # type: ignore[no-untyped-def]
    """shares = weights * total // whole and what is left of each product; all >= 0, weights <= whole."""
    for row in range(weights.size):
        high, low = _wide_mul(np.uint64(weights[row]), np.uint64(total))
        if high == 0:
            share = low // np.uint64(whole)
            rest = low - share * np.uint64(whole)
        else:
            share, rest = _near_div(weights[row], total, whole, high, low)
        shares[row], remainders[row] = np.int64(share), np.int64(rest)
