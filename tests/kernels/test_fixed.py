"""The checked multiply-divide against Python's own integers, on values chosen to break it."""

from __future__ import annotations

import random
from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.kernels.fixed import add_checked, isqrt_ceil, mul_checked, mul_div_ceil, mul_div_floor

MOST = 2**63 - 1
EDGES = sorted(
    {
        sign * value
        for power in (0, 1, 16, 31, 32, 33, 48, 62, 63)
        for near in (-1, 0, 1)
        for sign in (1, -1)
        if abs(value := 2**power + near) <= MOST
    }
    | {10**9, -(10**9), 10**18, 9 * 10**18, 3_037_000_499, 3_037_000_500, -(2**63)}
)
numbers = st.one_of(st.sampled_from(EDGES), st.integers(-(2**63), MOST), st.integers(-1000, 1000))
divisors = st.one_of(st.sampled_from([edge for edge in EDGES if edge > 0]), st.integers(1, MOST))


def check(function, exact: int, *args: int) -> None:  # type: ignore[no-untyped-def]
    """The exact result, or OverflowError where it lies beyond +-(2**63 - 1)."""
    if abs(exact) <= MOST:
        assert function(*args) == exact
    else:
        with pytest.raises(OverflowError):
            function(*args)


@given(numbers, numbers, divisors)
def test_multiply_divide_is_exact_or_refuses(a: int, b: int, divisor: int) -> None:
    check(mul_div_floor, a * b // divisor, a, b, divisor)
    check(mul_div_ceil, -(-a * b // divisor), a, b, divisor)


def test_multiply_divide_is_exact_on_a_hundred_thousand_hostile_values() -> None:
    chance = random.Random(20251010)
    for _ in range(100_000):
        a, b = (
            chance.choice(EDGES) if chance.random() < 0.3 else chance.getrandbits(63) >> chance.randrange(63)
            for _ in range(2)
        )
        divisor = chance.choice((10**9, abs(chance.choice(EDGES)) or 1, chance.getrandbits(63) + 1))
        a, b, divisor = chance.choice((1, -1)) * a, chance.choice((1, -1)) * b, min(divisor, MOST)
        a, b = max(a, -(2**63)), max(b, -(2**63))
        if a > MOST or b > MOST:
            continue
        low, high = a * b // divisor, -(-a * b // divisor)
        if max(abs(low), abs(high)) <= MOST:
            assert mul_div_floor(a, b, divisor) == low
            assert mul_div_ceil(a, b, divisor) == high
        else:
            check(mul_div_floor, low, a, b, divisor)
            check(mul_div_ceil, high, a, b, divisor)


@given(numbers, numbers)
def test_products_and_sums_never_wrap(a: int, b: int) -> None:
    check(mul_checked, a * b, a, b)
    check(add_checked, a + b, a, b)


@pytest.mark.parametrize(
    "a,b", [(2**31, 2**32), (-(2**31), 2**32), (2**62, 2), (-(2**62), 2), (-(2**63), 1), (-1, -(2**63))]
)
def test_a_product_of_two_to_the_63rd_is_refused_with_either_sign(a: int, b: int) -> None:
    with pytest.raises(OverflowError):
        mul_checked(a, b)


def test_the_largest_magnitude_is_reached_with_either_sign() -> None:
    assert mul_checked(MOST, 1) == MOST
    assert mul_checked(-MOST, 1) == -MOST
    assert mul_checked(-7, 1_317_624_576_693_539_401) == -MOST
    assert add_checked(MOST, 0) == MOST
    assert add_checked(-MOST, 0) == -MOST


@pytest.mark.parametrize("divisor", [0, -1, -MOST])
def test_a_divisor_that_is_not_positive_is_refused(divisor: int) -> None:
    with pytest.raises(ZeroDivisionError):
        mul_div_floor(1, 1, divisor)


@given(
    st.one_of(
        st.integers(0, MOST), st.sampled_from([n * n + d for n in (1, 2, 3_037_000_499) for d in (-1, 0, 1)])
    )
)
def test_the_root_is_the_smallest_that_covers(value: int) -> None:
    root = isqrt_ceil(value)
    assert root == (isqrt(value - 1) + 1 if value else 0)


@given(numbers, numbers, divisors)
def test_compiled_and_python_source_agree_bit_for_bit(a: int, b: int, divisor: int) -> None:
    import numpy as np

    for kernel, args in (
        (mul_div_floor, (a, b, divisor)),
        (mul_div_ceil, (a, b, divisor)),
        (mul_checked, (a, b)),
        (add_checked, (a, b)),
    ):
        outcomes: list[object] = []
        for function in (kernel, kernel.py_func):
            try:
                outcomes.append(int(function(*(np.int64(arg) for arg in args))))
            except OverflowError:
                outcomes.append("overflow")
        assert outcomes[0] == outcomes[1]
