"""Wide whole numbers against Python's, with the digits on which long division goes wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.kernels import wide

A, B, C, D, E = range(5)
# Ends of digits, where guesses of a quotient's digit are off by one or two, and carries run through.
DIGIT = st.sampled_from([0, 1, 2, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 2, 2**32 - 1]) | st.integers(
    0, 2**32 - 1
)


def numbers(most: int) -> st.SearchStrategy[int]:
    return st.lists(DIGIT, max_size=most).map(lambda ds: sum(d << 32 * at for at, d in enumerate(ds)))


def table(*values: int) -> np.ndarray:
    w = np.full((5, wide.WIDTH), 0xDEADBEEF, np.uint64)  # what is not written would show
    for row, value in enumerate(values):
        w[row] = [value >> 32 * place & 0xFFFFFFFF for place in range(wide.WIDTH)]
    return w


def read(w: np.ndarray, row: int) -> int:
    assert int(w[row].max()) < 2**32
    return sum(int(digit) << 32 * place for place, digit in enumerate(w[row]))


@given(numbers(12), numbers(8))
@settings(deadline=None, max_examples=400)
def test_division(value, by):
    if not by:
        return
    w = table(value, by)
    remained = wide.divide(w, C, A, B, D)
    assert (read(w, C), bool(remained)) == (value // by, value % by != 0)
    assert read(w, B) == by


@pytest.mark.parametrize(
    ("value", "by"),
    [
        # Each needs the quotient's digit put back after the subtraction (Hacker's Delight, divmnu tests).
        (0x800000000000000000000003, 0x200000000000000000000001),
        (0x00008000_00000000_00000003, 0x00002000_00000000_00000001),
        (0x80000000_0000FFFE_00000000 << 32, 0x80000000_0000FFFF_00000000),
        (0x7FFFFFFF_80000000_00000000_00000000, 0x80000000_00000000_00000001),
        (0x80000000_00000000_FFFFFFFE_00000000, 0x80000000_00000000_FFFFFFFF),
    ],
)
def test_division_where_a_digit_must_be_put_back(value, by):
    w = table(value, by)
    wide.divide(w, C, A, B, D)
    assert read(w, C) == value // by


@given(numbers(5), numbers(5), st.integers(0, 3))
@settings(deadline=None)
def test_product(one, two, shift):
    w = table(one, two)
    wide.multiply(w, C, A, B, shift)
    assert read(w, C) == one * two << 32 * shift


@given(numbers(13), numbers(13), st.integers(0, 4))
@settings(deadline=None)
def test_sum_difference_order_and_shifts(one, two, digits):
    w = table(one, two)
    wide.add(w, C, A, B)
    assert read(w, C) == one + two
    low, high = (A, B) if one <= two else (B, A)
    wide.subtract(w, C, high, low)
    assert read(w, C) == abs(one - two)
    assert wide.order(w, A, B) == (one > two) - (one < two)
    lost = wide.shift_down(w, C, A, digits)
    assert (read(w, C), bool(lost)) == (one >> 32 * digits, one % (1 << 32 * digits) != 0)
    small = table(one >> 32 * digits)
    wide.shift_up(small, C, A, digits)
    assert read(small, C) == one >> 32 * digits << 32 * digits
    wide.add_one(w, A)
    assert read(w, A) == one + 1
    assert wide.nearly(w, B) == pytest.approx(float(two), rel=2**-51)


@given(numbers(8), st.integers(0, 2**32 - 1), st.integers(1, 2**32 - 1))
@settings(deadline=None)
def test_scaling(value, factor, divisor):
    w = table(value)
    remained = wide.scale_down(w, C, A, np.uint64(factor), np.uint64(divisor))
    assert (read(w, C), bool(remained)) == (value * factor // divisor, value * factor % divisor != 0)
