"""The structure of SIMM: sums, concentration, curvature, written out, and what must always be so."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.calibrate import simm
from seawall.errors import InputError

pytest.importorskip("scipy")
S = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6)


def test_one_factor_needs_its_weight_times_its_sensitivity():
    assert simm.delta_bucket([-250.0], 64.0, 0.0).margin == 16_000.0


def test_concentration_sets_in_above_the_threshold():
    assert simm.concentration(4e6, 1e6) == 2.0 and simm.concentration(1e5, 1e6) == 1.0


@given(s=S, rho=st.floats(0.0, 0.99))
def test_a_bucket_lies_between_full_netting_and_none(s, rho):
    bucket = simm.delta_bucket(s, 2.0, rho)
    assert bucket.margin <= 2.0 * sum(map(abs, s)) * (1 + 1e-9)
    assert abs(bucket.clipped) <= bucket.margin
    written = math.sqrt(
        max(sum(4 * a * b * (1.0 if i == j else rho) for i, a in enumerate(s) for j, b in enumerate(s)), 0)
    )
    assert bucket.margin == pytest.approx(written, rel=1e-6, abs=1e-3)


@given(s=S, scale=st.integers(2, 9))
def test_margin_grows_with_the_position_and_with_its_root_once_concentrated(s, scale):
    one = simm.delta_bucket(s, 1.0, 0.3, threshold=1e-3, common=True)
    more = simm.delta_bucket([scale * x for x in s], 1.0, 0.3, threshold=1e-3, common=True)
    if abs(sum(s)) > 1.0:
        assert more.margin == pytest.approx(one.margin * scale**1.5, rel=1e-6)


def test_two_buckets_and_a_residual_written_out():
    a, b = simm.delta_bucket([3.0], 1.0, 0.0), simm.delta_bucket([-4.0], 1.0, 0.0)
    rest = simm.delta_bucket([2.0], 1.0, 0.0)
    whole = simm.across_buckets([a, b], 0.5, rest)
    assert whole == pytest.approx(math.sqrt(9 + 16 - 2 * 0.5 * 12) + 2.0)


def test_curvature_of_a_short_book_is_nothing_and_of_a_long_one_more_than_its_sum():
    short, long = simm.curvature_margin([-5.0, -7.0], 0.4), simm.curvature_margin([5.0, 7.0], 0.4)
    assert short.margin == 0.0 and short.theta == -1.0
    assert long.margin > 12.0 and long.theta == 0.0


@given(days=st.floats(1.0, 4000.0))
def test_the_curvature_scale_is_a_half_up_to_a_fortnight(days):
    assert simm.curvature_scale(days) == (0.5 if days <= 14 else pytest.approx(7.0 / days))


def test_the_volatility_behind_a_weight_gives_it_back_over_ten_days():
    sigma = simm.implied_sigma(64.0)
    assert sigma * math.sqrt(14 / 365) * 2.3263478740408408 == pytest.approx(64.0)


@pytest.mark.parametrize(
    "rho", [[[1.0, 0.5], [0.4, 1.0]], [[1.0, 2.0], [2.0, 1.0]], [[1.0]], [[0.9, 0.0], [0.0, 1.0]]]
)
def test_what_is_no_correlation_matrix_is_refused(rho):
    with pytest.raises(InputError, match="correlation"):
        simm.delta_bucket([1.0, 2.0], 1.0, np.array(rho))


def test_a_pair_of_classes_without_correlation_is_named():
    with pytest.raises(InputError, match="there is none for FX-Equity"):
        simm.across_classes({"Equity": 1.0, "FX": 2.0}, {})
