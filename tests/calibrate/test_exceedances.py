"""Tests of hits against printed tables, other ways to the same number, and simulated truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.calibrate import exceedances
from seawall.errors import InputError

stats = pytest.importorskip("scipy.stats")

P = st.sampled_from([0.01, 0.025, 0.05])
ROWS = st.lists(st.booleans(), min_size=3, max_size=300).map(np.array)


@pytest.mark.parametrize(
    ("count", "p", "statistic"),
    [(57, 0.05, 0.46147), (59, 0.05, 0.91023), (17, 0.01, 3.5118), (22, 0.01, 9.8298)],
)
def test_kupiec_as_printed_for_1043_days(count, p, statistic):
    assert exceedances.kupiec(1043, count, p).statistic == pytest.approx(statistic, abs=5e-5)


def test_kupiecs_own_regions():
    assert [exceedances.accepted_counts(n, 0.01) for n in (250, 500, 1000)] == [(1, 6), (2, 9), (5, 16)]


@given(size=st.integers(2, 2000), p=P, share=st.floats(0, 1))
def test_a_count_further_from_what_is_allowed_is_never_likelier(size, p, share):
    count = int(size * share)
    far = exceedances.kupiec(size, count, p).p_value
    near = count + 1 if count < size * p - 1 else count - 1 if count > size * p + 1 else count
    assert exceedances.kupiec(size, near, p).p_value >= far - 1e-12


@pytest.mark.parametrize(
    ("size", "p", "edges"),
    [(250, 0.01, (4, 9)), (365, 0.01, (6, 12)), (1000, 0.01, (14, 23)), (8760, 0.001, (13, 21))],
)
def test_the_zones_of_the_traffic_light(size, p, edges):
    assert exceedances.zone_edges(size, p) == edges


@given(row=ROWS, p=P)
def test_christoffersens_parts_add_up_and_none_is_negative(row, p):
    found = exceedances.christoffersen(row, p)
    assert found.n00 + found.n01 + found.n10 + found.n11 == row.size - 1
    assert found.independence.statistic >= -1e-9
    assert found.conditional.statistic == found.coverage.statistic + found.independence.statistic
    assert 0.0 <= found.conditional.p_value <= 1.0


@given(row=ROWS, p=P, lags=st.integers(1, 3))
def test_the_dynamic_quantile_is_the_regression_it_says(row, p, lags):
    if row.size < lags + 2 or not row[:-1].any():
        with pytest.raises(InputError):
            exceedances.dynamic_quantile(row, p, lags)
        return
    found = exceedances.dynamic_quantile(row, p, lags)
    y = row[lags:] - p
    x = np.array([[1.0] + [row[t - k] - p for k in range(1, lags + 1)] for t in range(lags, row.size)])
    beta = np.linalg.pinv(x) @ y
    assert found.statistic == pytest.approx(beta @ x.T @ x @ beta / (p * (1 - p)), rel=1e-6, abs=1e-9)


def test_clusters_are_found_where_their_number_is_fine():
    apart, together = np.zeros(1000, dtype=bool), np.zeros(1000, dtype=bool)
    apart[::100] = True
    together[500:510] = True
    assert not exceedances.christoffersen(apart, 0.01).conditional.rejects()
    found = exceedances.christoffersen(together, 0.01)
    assert not found.coverage.rejects() and found.independence.rejects() and found.conditional.rejects()


@pytest.mark.slow
def test_a_right_model_is_rejected_about_as_often_as_the_test_says():
    chance = np.random.default_rng(11)
    rows = chance.random((2000, 1000)) < 0.05
    rejected = np.mean([exceedances.kupiec(1000, int(row.sum()), 0.05).rejects() for row in rows])
    assert 0.03 < rejected < 0.07
    rejected = np.mean([exceedances.christoffersen(row, 0.05).conditional.rejects() for row in rows])
    assert 0.03 < rejected < 0.09


@given(p_values=st.dictionaries(st.text(min_size=1), st.floats(0, 1), min_size=1, max_size=12))
def test_holm_rejects_no_more_than_plain_tests_and_no_less_than_bonferroni(p_values):
    found = exceedances.holm(p_values)
    for name, p in p_values.items():
        assert not (found[name] and p > 0.05)
        assert found[name] or p > 0.05 / len(p_values)


@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_equals_its_definition_by_the_largest_corrected_value_so_far(p_values):
    named = {str(k): p for k, p in enumerate(p_values)}
    ordered = sorted(named, key=lambda name: (named[name], name))
    worst, wanted = 0.0, {}
    for rank, name in enumerate(ordered):
        worst = max(worst, named[name] / (0.05 / (len(ordered) - rank)))
        wanted[name] = worst <= 1.0
    assert exceedances.holm(named) == wanted


@pytest.mark.slow
def test_blocks_see_the_doubt_that_single_draws_of_overlapping_windows_miss():
    chance, inside = np.random.default_rng(5), {1: 0, 10: 0}
    for _ in range(150):
        shocks = chance.standard_normal(3010)
        sums = np.convolve(shocks, np.ones(10), "valid")[:3000]
        hits = sums < -1.645 * math.sqrt(10)
        for block in inside:
            low, high = exceedances.block_interval(hits, block, draws=300)
            inside[block] += low <= 0.05 <= high
    assert inside[10] > 120 > inside[1]


@pytest.mark.parametrize(("size", "count"), [(10, 11), (10, -1), (0, 0)])
def test_a_count_that_cannot_be_is_refused(size, count):
    with pytest.raises(InputError, match=f"{count} of {size}"):
        exceedances.kupiec(size, count, 0.01)
