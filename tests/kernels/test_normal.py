"""exp and log of lanes, erfcx, the normal distribution: 60 digits, edges, published values."""

from __future__ import annotations

import math
import random

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from seawall.kernels import elementary
from seawall.kernels.lanes import LANE, exp_lane, log_ratio_lane
from seawall.kernels.normal import erfc, erfcx_lane, normal_cdf, normal_pdf

RNG = random.Random(1973)
EPS = 2.0**-52


def off(got: float, true: mp.mpf) -> float:
    """Relative error in units of 2**-52."""
    return float(abs((mp.mpf(got) - true) / true)) / EPS


@pytest.fixture(autouse=True)
def digits():
    with mp.workdps(60):
        yield


def test_exp_is_within_two_ulp_and_0_below_minus_708():
    points = [RNG.uniform(-708, 709) for _ in range(2000)] + [RNG.uniform(-1, 1) for _ in range(2000)]
    assert max(off(exp_lane(x), mp.exp(mp.mpf(x))) for x in points) <= 2.0
    assert exp_lane(0.0) == 1.0 and exp_lane(-708.1) == 0.0 and exp_lane(-math.inf) == 0.0


def test_log_of_a_ratio_is_within_three_ulp_also_where_both_are_nearly_equal():
    pairs = [(10.0 ** RNG.uniform(-30, 30), 10.0 ** RNG.uniform(-30, 30)) for _ in range(1500)]
    pairs += [(a, a * (1.0 + RNG.uniform(-1, 1) * 10.0 ** RNG.uniform(-15, 0))) for a, _ in pairs]
    pairs += [(math.nextafter(a, math.inf), a) for a, _ in pairs[:200]]
    pairs += [(1.5, 1.0), (1.0, 1.5), (2.0, 3.0), (3.0, 2.0), (1.9999, 1.0001), (1.0001, 1.9999)]
    assert (
        max(off(log_ratio_lane(a, b), mp.log(mp.mpf(a) / mp.mpf(b))) for a, b in pairs if a != b > 0) <= 3.0
    )
    assert all(log_ratio_lane(a, a) == 0.0 for a, _ in pairs)


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300))
def test_the_log_of_a_ratio_is_odd_to_the_last_bit(a: float, b: float):
    assert log_ratio_lane(a, b) == -log_ratio_lane(b, a)


def test_erfcx_is_within_eight_units_from_minus_a_quarter_to_the_far_end():
    points = [RNG.uniform(-0.25, 3) for _ in range(1000)] + [
        10.0 ** RNG.uniform(-3, 2.5) for _ in range(1000)
    ]
    points += [-0.25, 0.0, 3.75]
    assert max(off(erfcx_lane(z), mp.exp(mp.mpf(z) ** 2) * mp.erfc(mp.mpf(z))) for z in points) <= 8.0


def test_distribution_density_and_erfc_are_accurate_relative_to_themselves():
    for x in [RNG.uniform(-37, 8) for _ in range(1500)]:
        assert off(normal_cdf(x), mp.ncdf(mp.mpf(x))) <= 4.0 * (1.0 + x * x)
        assert off(normal_pdf(x), mp.npdf(mp.mpf(x))) <= 4.0 * (1.0 + x * x)
    for x in [RNG.uniform(-6, 26) for _ in range(1000)]:
        assert off(erfc(x), mp.erfc(mp.mpf(x))) <= 4.0 * (1.0 + x * x)


def test_published_values_of_the_normal_distribution():
    # Abramowitz and Stegun (1964), tables 26.1 and 7.1.
    assert normal_cdf(0.0) == 0.5
    assert normal_cdf(1.0) == pytest.approx(0.841344746068543, rel=1e-15)
    assert normal_cdf(-5.0) == pytest.approx(2.866515718791939e-07, rel=1e-14)
    assert normal_pdf(1.0) == pytest.approx(0.2419707245191434, rel=1e-15)
    assert erfc(0.5) == pytest.approx(0.4795001221869535, rel=1e-15)


@given(st.floats(-37, 37))
def test_the_quantile_of_elementary_undoes_the_distribution(x: float):
    if -37.0 < x < 5.0:
        assert elementary.normal_inverse(normal_cdf(x)) == pytest.approx(x, rel=1e-9, abs=1e-9)


@given(st.floats(-60, 60), st.floats(0, 5))
def test_the_distribution_never_falls_by_more_than_rounding(x: float, more: float):
    assert 0.0 <= normal_cdf(x) <= normal_cdf(x + more) * (1.0 + 1e-12) <= 1.0 + 1e-12


def test_a_vector_gives_the_bits_of_the_scalar():
    @njit(**{**LANE, "cache": False, "forceinline": False})
    def over(x, out):  # type: ignore[no-untyped-def]
        for i in range(x.size):
            out[i] = normal_cdf(x[i])

    x = np.linspace(-40.0, 40.0, 10_007)
    out = np.empty_like(x)
    over(x, out)
    assert out.tolist() == [normal_cdf(value) for value in x]
