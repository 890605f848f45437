"""exp, log, power, normal quantile: accuracy against 60 digits, edge values, and one set of bits."""

from __future__ import annotations

import math
import random
import struct
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.kernels import elementary as el

mp.mp.dps = 60
RNG = random.Random(20251010)

EXP_POINTS = (
    [RNG.uniform(-745.0, 709.7) for _ in range(3000)]
    + [RNG.uniform(-1.0, 1.0) for _ in range(2000)]
    + [RNG.uniform(-745.13, -708.0) for _ in range(1000)]  # subnormal results
    + [sign * 10.0 ** RNG.uniform(-320, 0) for _ in range(500) for sign in (1, -1)]
    + [709.782712893384, -745.1332191019411, -708.3964185322641]
)
LOG_POINTS = (
    [math.ldexp(RNG.uniform(0.5, 1.0), RNG.randint(-1073, 1024)) for _ in range(3000)]
    + [1.0 + RNG.uniform(-0.3, 0.5) for _ in range(2000)]
    + [1.0 + sign * 10.0 ** RNG.uniform(-15.5, -1) for _ in range(500) for sign in (1, -1)]
    + [5e-324, 1e-310, 2.2250738585072014e-308, 1.7976931348623157e308]
)
UNIT_POINTS = (
    [RNG.random() for _ in range(600)]
    + [10.0 ** RNG.uniform(-300, -1) for _ in range(200)]
    + [1.0 - 10.0 ** RNG.uniform(-15, -1) for _ in range(200)]
)


def ulps(got: float, true: mp.mpf) -> float:
    return float(abs(mp.mpf(got) - true) / mp.mpf(math.ulp(float(true))))


def same_bits(a: float, b: float) -> bool:
    return struct.pack("<d", a) == struct.pack("<d", b)


def test_exp_is_within_two_ulp_of_the_true_value() -> None:
    assert max(ulps(el.exp(x), mp.exp(mp.mpf(x))) for x in EXP_POINTS) <= 2.0


def test_log_is_within_two_ulp_of_the_true_value() -> None:
    assert max(ulps(el.log(x), mp.log(mp.mpf(x))) for x in LOG_POINTS if x != 1.0) <= 2.0


def test_power_error_grows_only_with_the_size_of_the_exponent() -> None:
    for _ in range(2000):
        x, y = 10.0 ** RNG.uniform(-6, 6), RNG.uniform(-15.0, 15.0)
        bound = 2.0 * (1.0 + abs(y * math.log(x)))
        assert ulps(el.power(x, y), mp.mpf(x) ** mp.mpf(y)) <= bound


def test_normal_inverse_is_the_published_function() -> None:
    for p in UNIT_POINTS:
        got = el.normal_inverse(p)
        q = mp.mpf(p)
        # One Newton step from `got` in 60 digits lands within its square of the true quantile.
        true = mp.mpf(got) - (mp.ncdf(got) - q) / mp.npdf(got)
        assert abs(mp.mpf(got) - true) <= 1e-15 * abs(true) + mp.mpf(1e-300)


def test_normal_inverse_known_points() -> None:
    # Wichura 1988, the check values printed with AS 241.
    assert el.normal_inverse(0.25) == pytest.approx(-0.6744897501960817, rel=1e-15)
    assert el.normal_inverse(0.001) == pytest.approx(-3.090232306167814, rel=1e-15)
    assert el.normal_inverse(1e-20) == pytest.approx(-9.262340089798408, rel=1e-15)


@pytest.mark.parametrize(
    ("function", "points"),
    [(el.exp, EXP_POINTS), (el.log, LOG_POINTS), (el.normal_inverse, UNIT_POINTS)],
)
def test_compiled_and_interpreted_give_the_same_bits(function: Any, points: list[float]) -> None:
    for x in points:
        assert same_bits(function(x), function.py_func(x))


@given(st.floats(min_value=0, allow_infinity=True), st.floats(-1e3, 1e3))
def test_power_compiled_and_interpreted_give_the_same_bits(x: float, y: float) -> None:
    assert same_bits(el.power(x, y), el.power.py_func(x, y))


@given(st.floats())
def test_any_float_gives_the_same_bits_both_ways(x: float) -> None:
    for function in (el.exp, el.log, el.normal_inverse):
        a, b = function(x), function.py_func(x)
        assert same_bits(a, b) or (math.isnan(a) and math.isnan(b))


def test_edges_of_exp() -> None:
    assert el.exp(0.0) == 1.0 and el.exp(-0.0) == 1.0
    assert el.exp(math.inf) == math.inf and el.exp(710.0) == math.inf
    assert el.exp(-math.inf) == 0.0 and el.exp(-746.0) == 0.0
    assert el.exp(-745.1332191019411) == 5e-324
    assert math.isnan(el.exp(math.nan))


def test_edges_of_log() -> None:
    assert same_bits(el.log(1.0), 0.0)
    assert el.log(0.0) == -math.inf and el.log(-0.0) == -math.inf
    assert el.log(math.inf) == math.inf
    assert math.isnan(el.log(-1.0)) and math.isnan(el.log(math.nan)) and math.isnan(el.log(-math.inf))


def test_edges_of_power() -> None:
    assert el.power(0.0, 0.0) == 1.0 and el.power(0.0, 2.0) == 0.0 and el.power(0.0, -2.0) == math.inf
    assert el.power(1.0, math.nan) == 1.0 and el.power(math.nan, 0.0) == 1.0
    assert math.isnan(el.power(-2.0, 2.0)) and math.isnan(el.power(2.0, math.nan))
    assert el.power(math.inf, 0.5) == math.inf and el.power(0.3, 1.0) == 0.3


def test_edges_of_normal_inverse() -> None:
    assert el.normal_inverse(0.5) == 0.0
    assert el.normal_inverse(0.0) == -math.inf and el.normal_inverse(1.0) == math.inf
    for p in (-0.1, 1.1, math.nan, math.inf, -math.inf):
        assert math.isnan(el.normal_inverse(p))


def test_arrays_are_the_scalars_element_by_element() -> None:
    x = np.array(LOG_POINTS[:500])
    p = np.array(UNIT_POINTS[:500])
    assert el.log_array(x).tolist() == [el.log(v) for v in x]
    assert el.exp_array(p).tolist() == [el.exp(v) for v in p]
    assert el.power_array(x, 0.674).tolist() == [el.power(v, 0.674) for v in x]
    assert el.normal_inverse_array(p).tolist() == [el.normal_inverse(v) for v in p]
