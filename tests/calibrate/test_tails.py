"""VaR and ES against printed values, other libraries, brute force, and what must always be so."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seawall.calibrate.tails import (
    Moments,
    cornish_fisher,
    delta_gamma_var,
    historical_tail,
    joint_shocks,
    monte_carlo_tail,
    normal_tail,
    student_tail,
    upper_var,
)
from seawall.errors import InputError

stats = pytest.importorskip("scipy.stats")
integrate = pytest.importorskip("scipy.integrate")
mpmath = pytest.importorskip("mpmath")

LEVELS = st.sampled_from([0.9, 0.95, 0.975, 0.99, 0.995, 0.999])
LOSSES = arrays(
    np.float64, st.integers(1, 400), elements=st.integers(-(10**6), 10**6).map(lambda n: n / 1024)
)


@pytest.mark.parametrize("level", [0.95, 0.975, 0.99, 0.995, 0.999])
def test_normal_figures_equal_forty_digits(level):
    with mpmath.workdps(40):
        q = mpmath.sqrt(2) * mpmath.erfinv(2 * mpmath.mpf(repr(level)) - 1)
        es = mpmath.npdf(q) / (1 - mpmath.mpf(repr(level)))
    tail = normal_tail(level)
    assert math.isclose(tail.var, float(q), rel_tol=1e-13)
    assert math.isclose(tail.es, float(es), rel_tol=1e-13)


@pytest.mark.parametrize("dof", [1.5, 2.5, 3.0, 7.0, 200.0])
@pytest.mark.parametrize("level", [0.95, 0.999])
def test_students_shortfall_is_the_mean_of_its_quantiles_beyond_the_level(dof, level):
    tail = student_tail(level, dof)
    whole, _ = integrate.quad(
        lambda x: x * stats.t.pdf(x, dof), tail.var, np.inf, epsabs=0, epsrel=1e-10, limit=500
    )
    assert math.isclose(tail.es, whole / (1 - level), rel_tol=1e-7)


def test_a_student_of_unit_variance_has_the_variance_it_says():
    assert math.isclose(student_tail(0.99, 4.0, sd=1.0).var, student_tail(0.99, 4.0).var * math.sqrt(0.5))
    assert math.isclose(student_tail(0.99, 1e7, sd=2.0).es, 2.0 * normal_tail(0.99).es, rel_tol=1e-5)


@pytest.mark.parametrize(("dof", "sd"), [(1.0, None), (0.5, None), (2.0, 1.0), (math.nan, None)])
def test_a_tail_without_a_mean_or_variance_is_refused_with_its_number(dof, sd):
    with pytest.raises(InputError, match=rf"with {dof!r} the .* is infinite"):
        student_tail(0.99, dof, sd=sd)


@given(losses=LOSSES, level=LEVELS)
def test_historical_shortfall_is_the_least_of_rockafellar_and_uryasev(losses, level):
    tail = historical_tail(losses, level)
    # The minimum of c + E[(L - c)+] / (1 - level) lies at a loss: try them all.
    tried = [c + np.maximum(losses - c, 0.0).mean() / (1 - level) for c in losses]
    assert math.isclose(tail.es, min(tried), rel_tol=1e-9, abs_tol=1e-6)


@given(losses=LOSSES, level=LEVELS)
def test_no_more_losses_exceed_a_historical_var_than_the_level_allows(losses, level):
    tail = historical_tail(losses, level)
    assert np.count_nonzero(losses > tail.var) <= losses.size * (1 - level) + 1e-9
    assert tail.es >= tail.var - 1e-9 * abs(tail.var)
    assert upper_var(losses, level) <= tail.var


@given(losses=LOSSES, level=LEVELS, shift=st.integers(-1000, 1000), scale=st.integers(1, 64))
def test_a_tail_moves_with_its_losses(losses, level, shift, scale):
    moved = historical_tail(losses * scale + shift, level)
    plain = historical_tail(losses, level)
    assert math.isclose(moved.var, plain.var * scale + shift, rel_tol=1e-9, abs_tol=1e-6)
    assert math.isclose(moved.es, plain.es * scale + shift, rel_tol=1e-9, abs_tol=1e-6)


@given(one=LOSSES, level=LEVELS, seed=st.integers(0, 9))
def test_shortfall_never_punishes_putting_two_books_together(one, level, seed):
    other = np.random.default_rng(seed).permutation(one)
    together = historical_tail(one + other, level).es
    assert together <= 2 * historical_tail(one, level).es + 1e-6


def test_a_decimal_level_counts_as_it_is_written():
    losses = np.arange(1.0, 1001.0)
    # In floats 1000 * (1 - 0.99) is 10.000000000000009, whose ceiling would be 11.
    assert historical_tail(losses, 0.99).var == 991.0
    assert historical_tail(losses, 0.99).es == np.arange(991.0, 1001.0).mean()


def test_cornish_fisher_is_refused_where_the_tail_has_no_fourth_moment():
    moments = Moments(mean=0.0, sd=0.04, skew=-0.5, excess_kurtosis=3.0)
    with pytest.raises(InputError, match=r"the tail index is 2\.82, below 4"):
        cornish_fisher(0.99, moments, tail_index=2.82)
    assert cornish_fisher(0.99, moments, tail_index=4.5)[0] == pytest.approx(-3.301284492180553)


def quantile(z, s, k):
    return z + (z * z - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s * s / 36


@given(s=st.floats(-3, 3), k=st.floats(-2, 20))
def test_cornish_fisher_answers_just_where_its_quantiles_increase(s, k):
    z = np.linspace(-8.0, 0.0, 4001)
    rises = np.diff(quantile(z, s, k)) / np.diff(z)
    moments = Moments(mean=0.0, sd=1.0, skew=s, excess_kurtosis=k)
    try:
        cornish_fisher(0.99, moments)
    except InputError as error:
        assert "do not increase" in str(error)
        assert rises.min() < 0.05  # the slope of a chord; its end may touch zero
    else:
        assert rises.min() > 0.0


@settings(max_examples=60)
@given(
    delta=st.sampled_from([-200.0, -1.0, 0.0, 1.0, 100.0]),
    gamma=st.sampled_from([-40.0, -30.0, -1e-6, 0.0, 1e-6, 5.0, 80.0]),
    level=st.sampled_from([0.95, 0.99, 0.999]),
)
def test_the_exact_delta_gamma_quantile_leaves_the_chance_it_should(delta, gamma, level):
    if delta == gamma == 0.0:
        with pytest.raises(InputError):
            delta_gamma_var(delta, gamma, 1.0, level)
        return
    var = delta_gamma_var(delta, gamma, 1.0, level).exact
    if gamma > 0 and delta == 0.0:
        assert var <= 1e-9  # it cannot lose
        return
    with mpmath.workdps(40):
        inside = mpmath.mpf(delta) ** 2 - 2 * mpmath.mpf(gamma) * mpmath.mpf(var)
        if gamma == 0.0:
            chance = mpmath.ncdf(-var / abs(delta))
        else:
            ends = sorted((-delta + sign * mpmath.sqrt(inside)) / gamma for sign in (-1, 1))
            between = mpmath.ncdf(ends[1]) - mpmath.ncdf(ends[0])
            chance = between if gamma > 0.0 else 1 - between
    assert float(chance) == pytest.approx(1 - level, rel=1e-7)


@pytest.mark.slow
def test_simulated_tails_cover_the_truth_as_their_errors_say():
    inside = 0
    for seed in range(60):
        losses = np.random.default_rng(seed).standard_t(5, 20_000)
        found, truth = monte_carlo_tail(losses, 0.99), student_tail(0.99, 5.0)
        inside += (
            abs(found.var - truth.var) < 2 * found.var_error and abs(found.es - truth.es) < 2 * found.es_error
        )
    assert 48 <= inside <= 60


def test_too_few_paths_are_refused_with_the_number_needed():
    with pytest.raises(InputError, match=r"Give 10,000 or more"):
        monte_carlo_tail(np.arange(500.0), 0.999)


def test_joint_shocks_have_the_spread_and_the_correlation_asked_for():
    shocks = joint_shocks([[1.0, 0.6], [0.6, 1.0]], [0.02, 0.05], paths=200_000, seed=3, dof=5.0)
    assert np.allclose(shocks.std(axis=0), [0.02, 0.05], rtol=0.03)
    assert np.corrcoef(shocks.T)[0, 1] == pytest.approx(0.6, abs=0.02)
    again = joint_shocks([[1.0, 0.6], [0.6, 1.0]], [0.02, 0.05], paths=200_000, seed=3, dof=5.0)
    assert shocks.tobytes() == again.tobytes()


@pytest.mark.parametrize("bad", [[1.0, math.nan], [math.inf, 0.0], []])
def test_losses_that_are_none_are_refused_with_their_place(bad):
    with pytest.raises(InputError, match="losses: "):
        historical_tail(bad, 0.99)
