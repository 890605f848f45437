"""Every integer kernel that decides, against Python's own integers, on values chosen to break it.

Hypothesis draws the regimes and a seed; a compiled loop runs a batch of cases drawn from them. INTEGER_CASES
sets how many per kernel (`make night`: a million; every time some thousands).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from math import isqrt
from random import Random
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numba import njit

from seawall.kernels import fixed, position
from tests.kernels.regimes import LEAST, MOST, POWERS_OF_TEN, REGIMES, column, draw

CASES = int(os.environ.get("INTEGER_CASES", "4000"))
BATCH = 100 if CASES <= 10_000 else 1_000
PPB = 10**9
Exact = Callable[..., "int | None"]


class Kernel(NamedTuple):
    """A kernel, what it should give (None: it should refuse), and the least value of each argument."""

    name: str
    compiled: Callable[..., int]
    exact: Exact
    least: tuple[int, ...]


def fits(value: int) -> int | None:
    return value if abs(value) <= MOST else None


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def exact_value(inverse: int, value_num: int, lots: int, price: int) -> int | None:
    """Profit = value - cost: linear lots x ticks x value, inverse -lots x value / ticks rounded down."""
    if inverse & 1:
        return fits(-lots * value_num // price)
    return fits(lots * price * value_num) if fits(lots * price) is not None else None


def exact_notional(inverse: int, value_num: int, lots: int, price: int) -> int | None:
    size = abs(lots)
    if inverse & 1:
        return fits(ceil_div(size * value_num, price))
    return fits(size * price * value_num) if fits(size * price) is not None else None


def exact_root(size: int, unit: int) -> int | None:
    """The root part of `root_up`; the scale is 10**5 below 9e8 units."""
    scale = 100_000 if size // unit < 900_000_000 else 1
    inner = ceil_div(size * scale**2, unit)
    return None if inner > MOST else isqrt(inner - 1) + 1 if inner else 0


@njit
def flagged_value(inverse, value_num, lots, price):  # type: ignore[no-untyped-def]
    return position.position_value(inverse & 1, value_num, lots, price)


@njit
def flagged_notional(inverse, value_num, lots, price):  # type: ignore[no-untyped-def]
    return position.notional_atoms(inverse & 1, value_num, lots, price)


@njit
def root_part(size, unit):  # type: ignore[no-untyped-def]
    return position.root_up(size, unit)[0]


KERNELS = [
    Kernel("mul_div_floor", fixed.mul_div_floor, lambda a, b, d: fits(a * b // d), (LEAST, LEAST, 1)),
    Kernel("mul_div_ceil", fixed.mul_div_ceil, lambda a, b, d: fits(ceil_div(a * b, d)), (LEAST, LEAST, 1)),
    Kernel("mul_checked", fixed.mul_checked, lambda a, b: fits(a * b), (LEAST, LEAST)),
    Kernel("add_checked", fixed.add_checked, lambda a, b: fits(a + b), (LEAST, LEAST)),
    Kernel("isqrt_ceil", fixed.isqrt_ceil, lambda v: isqrt(v - 1) + 1 if v else 0, (0,)),
    # From here on arguments are what the engine lets in: sizes have a magnitude that can be negated.
    Kernel("position_value", flagged_value, exact_value, (0, 1, -MOST, 1)),
    Kernel("notional_atoms", flagged_notional, exact_notional, (0, 1, -MOST, 1)),
    Kernel("root_up", root_part, exact_root, (0, 1)),
]
if hasattr(fixed, "share_ceil"):  # unchecked: it may be called within these limits only
    MOST_AMOUNT, MOST_RATE, share_ceil = 2**61 - 1, 2 * PPB, fixed.share_ceil

    @njit
    def share_within(amount, rate):  # type: ignore[no-untyped-def]
        return share_ceil(min(amount, MOST_AMOUNT), min(rate, MOST_RATE))

    def exact_share(amount: int, rate: int) -> int:
        return ceil_div(min(amount, MOST_AMOUNT) * min(rate, MOST_RATE), PPB)

    KERNELS.append(Kernel("share_ceil", share_within, exact_share, (0, 0)))
TESTED_HERE = {"share_columns", *(kernel.name for kernel in KERNELS)}


def loop_of(compiled: Callable[..., int], arguments: int) -> Callable[..., None]:
    """A compiled loop that writes each result, and whether the kernel raised instead."""
    if arguments == 1:

        @njit
        def run(a, out, refused):  # type: ignore[no-untyped-def]
            for row in range(out.size):
                try:
                    out[row] = compiled(a[row])
                except Exception:
                    refused[row] = 1
    elif arguments == 2:

        @njit
        def run(a, b, out, refused):  # type: ignore[no-untyped-def]
            for row in range(out.size):
                try:
                    out[row] = compiled(a[row], b[row])
                except Exception:
                    refused[row] = 1
    elif arguments == 3:

        @njit
        def run(a, b, c, out, refused):  # type: ignore[no-untyped-def]
            for row in range(out.size):
                try:
                    out[row] = compiled(a[row], b[row], c[row])
                except Exception:
                    refused[row] = 1
    else:

        @njit
        def run(a, b, c, d, out, refused):  # type: ignore[no-untyped-def]
            for row in range(out.size):
                try:
                    out[row] = compiled(a[row], b[row], c[row], d[row])
                except Exception:
                    refused[row] = 1

    return run  # type: ignore[no-any-return]


def related(chance: Random, columns: list[np.ndarray], least: tuple[int, ...]) -> None:
    """Some rows get what no independent draw would: equal operands, and a result right at the limit."""
    for row in range(0, len(columns[0]), 4):
        first = int(columns[0][row])
        if len(columns) > 1 and chance.random() < 0.3:
            columns[1][row] = max(first, least[1])
        if len(columns) == 3 and chance.random() < 0.7:
            product = abs(first * int(columns[1][row]))
            divisor = product // (MOST + chance.randrange(-2, 4)) + chance.randrange(-1, 2)
            columns[2][row] = min(max(divisor, 1), MOST)
        elif len(columns) == 3:
            columns[2][row] = chance.choice((1, MOST, max(abs(first), 1) if first != LEAST else 1, PPB))
        elif len(columns) == 2 and first and first != LEAST:
            columns[1][row] = min(max(MOST // abs(first) + chance.randrange(-1, 2), least[1]), MOST)


def compare(kernel: Kernel, run: Callable[..., None], columns: list[np.ndarray]) -> None:
    out = np.zeros(len(columns[0]), np.int64)
    refused = np.zeros(len(out), np.int64)
    run(*columns, out, refused)
    for row, (found, no) in enumerate(zip(out.tolist(), refused.tolist())):
        args = [int(values[row]) for values in columns]
        exact = kernel.exact(*args)
        got = None if no else found
        assert got == exact, f"{kernel.name}({', '.join(map(str, args))}) is {exact}, the kernel says {got}"


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_a_kernel_is_exact_or_refuses(kernel: Kernel) -> None:
    run = loop_of(kernel.compiled, len(kernel.least))
    names = st.sampled_from(sorted(REGIMES))

    @settings(max_examples=max(CASES // BATCH, 1), database=None)
    @given(st.lists(names, min_size=len(kernel.least), max_size=len(kernel.least)), st.integers(0, 2**32))
    @example(["edge"] * len(kernel.least), 0)
    def batch(regimes: list[str], seed: int) -> None:
        chance = Random(seed)
        columns = [column(chance, regime, BATCH, least=low) for regime, low in zip(regimes, kernel.least)]
        related(chance, columns, kernel.least)
        compare(kernel, run, columns)

    batch()


def planted() -> Iterator[tuple[str, Callable[..., int]]]:
    """Bugs a hurried person could write into the multiply-divide."""

    @njit
    def wraps(a, b, d):  # type: ignore[no-untyped-def]
        return a * b // d

    @njit
    def through_float(a, b, d):  # type: ignore[no-untyped-def]
        if abs(float(a) * float(b)) < 9.2e18 * d:
            return np.int64(np.floor(float(a) * float(b) / float(d)))
        raise OverflowError("too large")

    @njit
    def towards_zero(a, b, d):  # type: ignore[no-untyped-def]
        found = fixed.mul_div_floor(abs(a), b, d) if a > -MOST else fixed.mul_div_floor(a, b, d)
        return -found if a < 0 and a > -MOST else found

    yield from (("wraps", wraps), ("through float", through_float), ("towards zero", towards_zero))


@pytest.mark.parametrize("name,wrong", list(planted()))
def test_a_planted_bug_in_the_multiply_divide_is_found(name: str, wrong: Callable[..., int]) -> None:
    kernel = KERNELS[0]._replace(compiled=wrong)
    with pytest.raises(AssertionError, match="the kernel says"):
        test_a_kernel_is_exact_or_refuses(kernel)


@settings(max_examples=max(CASES // 200, 20), database=None)
@given(st.sampled_from(sorted(REGIMES)), st.sampled_from(sorted(REGIMES)), st.integers(0, 2**32))
def test_shares_of_a_column_are_exact(weights: str, totals: str, seed: int) -> None:
    chance = Random(seed)
    held = column(chance, weights, 50, least=0)
    whole = min(max(int(held.max()), draw(chance, totals, least=1), 1), MOST)
    held, total = np.minimum(held, whole), draw(chance, totals, least=0)
    shares, rests = np.zeros(50, np.int64), np.zeros(50, np.int64)
    fixed.share_columns(held, total, whole, shares, rests)
    for weight, share, rest in zip(held.tolist(), shares.tolist(), rests.tolist()):
        assert (share, rest) == divmod(weight * total, whole)


def test_no_public_kernel_of_the_fixed_point_file_is_left_out() -> None:
    public = {name for name, held in vars(fixed).items() if hasattr(held, "py_func") and name[0] != "_"}
    assert public <= TESTED_HERE


def test_a_divisor_of_zero_and_a_negative_root_are_refused() -> None:
    for power in POWERS_OF_TEN:
        with pytest.raises(ZeroDivisionError):
            fixed.mul_div_ceil(power, power, 0)
        with pytest.raises(ValueError, match="negative"):
            fixed.isqrt_ceil(-power)
