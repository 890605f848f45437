"""The one checked multiply-divide. int64 in, int64 out, 128 bits in between.

int64 wraps silently in NumPy and numba, so every product that can pass 2**63 goes through
`mul_div_floor` or `mul_div_ceil`. A result that does not fit raises OverflowError before
anything is written. Units: none. Rounding: towards -inf (floor) or +inf (ceil).
"""

from __future__ import annotations

import numpy as np
from numba import njit

INT64_MAX = np.int64(2**63 - 1)
_MASK32 = np.uint64(0xFFFFFFFF)
_U32 = np.uint64(32)
_U1 = np.uint64(1)
_U63 = np.uint64(63)
_TOP = np.uint64(1 << 63)


@njit(cache=True)
def _magnitude(value):  # type: ignore[no-untyped-def]
    """|value| as uint64, right also for -2**63."""
    if value >= 0:
        return np.uint64(value)
    return np.uint64(-(value + 1)) + _U1


@njit(cache=True)
def _wide_mul(a, b):  # type: ignore[no-untyped-def]
    """Full 128-bit product of two uint64 as (high, low)."""
    a_low, a_high = a & _MASK32, a >> _U32
    b_low, b_high = b & _MASK32, b >> _U32
    low = a_low * b_low
    middle = a_high * b_low + (low >> _U32)
    carry = a_low * b_high + (middle & _MASK32)
    high = a_high * b_high + (middle >> _U32) + (carry >> _U32)
    return high, (carry << _U32) | (low & _MASK32)


@njit(cache=True)
def _wide_div(high, low, divisor):  # type: ignore[no-untyped-def]
    """(high:low) // divisor and remainder by shift and subtract; needs high < divisor."""
    remainder, quotient = high, np.uint64(0)
    for bit in range(64):
        carry = remainder & _TOP
        remainder = (remainder << _U1) | ((low >> (_U63 - np.uint64(bit))) & _U1)
        quotient = quotient << _U1
        if carry != 0 or remainder >= divisor:
            remainder = remainder - divisor
            quotient = quotient | _U1
    return quotient, remainder


@njit(cache=True)
def _mul_div(a, b, divisor, up):  # type: ignore[no-untyped-def]
    if divisor <= 0:
        raise ZeroDivisionError("mul_div: the divisor must be positive")
    # Fast path: the product fits, which is nearly always so. The float only decides which path;
    # 9e18 leaves room for its rounding below 2**63.
    if abs(float(a) * float(b)) < 9.0e18:
        product = a * b
        quotient = product // divisor
        if up and quotient * divisor != product:
            quotient += 1
        return quotient
    negative = (a < 0) != (b < 0)
    magnitude_a, magnitude_b = _magnitude(a), _magnitude(b)
    d = np.uint64(divisor)
    high, low = _wide_mul(magnitude_a, magnitude_b)
    if high == 0:
        quotient_u = low // d
        remainder = low - quotient_u * d
    else:
        if high >= d:
            raise OverflowError("mul_div: the result does not fit in 64 bits")
        quotient_u, remainder = _wide_div(high, low, d)
    if quotient_u >= _TOP:
        raise OverflowError("mul_div: the result does not fit in 64 bits")
    quotient = np.int64(quotient_u)
    if negative:
        quotient = -quotient
        if remainder != 0 and not up:
            quotient -= 1
    elif remainder != 0 and up:
        if quotient == INT64_MAX:
            raise OverflowError("mul_div: the result does not fit in 64 bits")
        quotient += 1
    return quotient


@njit(cache=True)
def mul_div_floor(a, b, divisor):  # type: ignore[no-untyped-def]
    """floor(a * b / divisor) for int64 a, b and divisor > 0; OverflowError if it does not fit."""
    return _mul_div(np.int64(a), np.int64(b), np.int64(divisor), False)


@njit(cache=True)
def mul_div_ceil(a, b, divisor):  # type: ignore[no-untyped-def]
    """ceil(a * b / divisor) for int64 a, b and divisor > 0; OverflowError if it does not fit."""
    return _mul_div(np.int64(a), np.int64(b), np.int64(divisor), True)


@njit(cache=True)
def mul_checked(a, b):  # type: ignore[no-untyped-def]
    """a * b, or OverflowError instead of wrapping."""
    if abs(float(a) * float(b)) < 9.0e18:
        return np.int64(a) * np.int64(b)
    return _mul_div(np.int64(a), np.int64(b), np.int64(1), False)


@njit(cache=True)
def add_checked(a, b):  # type: ignore[no-untyped-def]
    """a + b, or OverflowError instead of wrapping."""
    total = np.int64(a) + np.int64(b)
    if (a >= 0) == (b >= 0) and (total >= 0) != (a >= 0):
        raise OverflowError("add: the sum does not fit in 64 bits")
    return total


@njit(cache=True)
def isqrt_floor(value):  # type: ignore[no-untyped-def]
    """Largest r with r*r <= value, for 0 <= value < 2**63; exact, by Newton on integers."""
    if value < 0:
        raise ValueError("isqrt: negative value")
    if value < 2:
        return np.int64(value)
    guess = np.int64(1) << np.int64(32)
    while True:
        following = (guess + value // guess) // 2
        if following >= guess:
            return guess
        guess = following
