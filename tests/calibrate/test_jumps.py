"""Jumps and regimes against sums over jump counts, quadrature, and chains followed step by step."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from seawall.calibrate.jumps import DoubleExponential, Hawkes, merton_moments
from seawall.calibrate.regimes import TwoRegimes, tail_dependence
from seawall.calibrate.volatility import Garch, garch_variance, gjr_variance, variance_ahead
from seawall.errors import InputError


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-0.5, 0.5), st.floats(0.05, 1.5), st.floats(0.0, 40.0), st.floats(-0.2, 0.2),
    st.floats(0.0, 0.2), st.floats(0.002, 1.0),
)  # fmt: skip
def test_merton_moments_are_those_of_the_mixture_over_jump_counts(mu, vol, intensity, mean, sd, years):
    found = merton_moments(drift=mu, vol=vol, intensity=intensity, jump_mean=mean, jump_vol=sd, years=years)
    rate = intensity * years
    base = (mu - 0.5 * vol**2 - intensity * math.expm1(mean + 0.5 * sd**2)) * years
    raw = np.zeros(5)
    chance = math.exp(-rate)
    for jumps in range(400):
        m, v = base + jumps * mean, vol**2 * years + jumps * sd**2
        raw += chance * np.array([1.0, m, m * m + v, m**3 + 3 * m * v, m**4 + 6 * m * m * v + 3 * v * v])
        chance *= rate / (jumps + 1)
    c = raw[1]
    variance = raw[2] - c * c
    third = raw[3] - 3 * c * raw[2] + 2 * c**3
    fourth = raw[4] - 4 * c * raw[3] + 6 * c * c * raw[2] - 3 * c**4
    assert found.mean == pytest.approx(c, rel=1e-9, abs=1e-12)
    assert found.variance == pytest.approx(variance, rel=1e-7)
    assert found.skew == pytest.approx(third / variance**1.5, rel=1e-5, abs=1e-6)
    assert found.excess_kurtosis == pytest.approx(fourth / variance**2 - 3.0, rel=1e-4, abs=1e-5)


@given(st.floats(0.0, 1.0), st.floats(6.0, 60.0), st.floats(1.0, 60.0), st.integers(1, 4))
def test_kou_moments_are_integrals_of_the_density(p_up, up, down, order):
    jump = DoubleExponential(p_up=p_up, eta_up=up, eta_down=down)
    right = quad(lambda x: x**order * up * math.exp(-up * x), 0, np.inf)[0]
    left = quad(lambda x: (-x) ** order * down * math.exp(-down * x), 0, np.inf)[0]
    assert jump.moment(order) == pytest.approx(p_up * right + (1 - p_up) * left, rel=1e-6, abs=1e-12)
    grown = quad(lambda x: up * math.exp((1.0 - up) * x), 0, np.inf)[0]
    fallen = quad(lambda x: down * math.exp((-1.0 - down) * x), 0, np.inf)[0]
    assert jump.compensator == pytest.approx(p_up * grown + (1 - p_up) * fallen - 1.0, rel=1e-6, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.05, 0.5), min_size=1, max_size=12), st.floats(0.1, 2.0), st.floats(0.1, 0.95))
def test_a_hawkes_likelihood_is_its_intensity_event_by_event(gaps, mu, branching):
    model = Hawkes(mu=mu, alpha=branching * 2.0, beta=2.0)
    times = np.cumsum(gaps).tolist()
    end = times[-1] + 0.7
    before = [mu + sum(model.alpha * math.exp(-2.0 * (t - s)) for s in times if s < t) for t in times]
    area = 0.0
    for low, high in zip([0.0, *times], [*times, end]):
        area += quad(lambda t, low=low: model.intensity(t, [s for s in times if s <= low]), low, high)[0]
    assert model.compensator(end, times) == pytest.approx(area, rel=1e-9)
    assert model.log_likelihood(end, times) == pytest.approx(
        sum(map(math.log, before)) - area, rel=1e-9, abs=1e-9
    )


def test_clusters_grow_to_the_size_that_the_branching_says():
    model, draw = Hawkes(mu=1.0, alpha=0.6, beta=1.0), np.random.default_rng(3)
    sizes = []
    for _ in range(20_000):
        alive, size = 1, 0
        while alive:
            size, alive = size + alive, int(draw.poisson(model.branching, alive).sum())
        sizes.append(size)
    assert np.mean(sizes) == pytest.approx(model.mean_cluster_size, rel=0.05)


@given(st.floats(0.02, 0.98), st.floats(0.02, 0.98), st.floats(0.001, 0.1), st.floats(0.001, 0.2))
def test_regimes_settle_where_the_chain_does(stay, back, calm, stressed):
    model = TwoRegimes(stay=stay, back=back)
    chain = np.array([[stay, 1 - stay], [back, 1 - back]])
    share = np.linalg.matrix_power(chain, 4096)[0]
    assert model.stationary == pytest.approx(tuple(share), rel=1e-6)
    assert model.long_run_vol((calm, stressed)) ** 2 == pytest.approx(
        share @ np.array([calm**2, stressed**2])
    )
    assert model.durations[0] == pytest.approx(sum(n * stay ** (n - 1) * (1 - stay) for n in range(1, 3000)))


def test_tail_dependence_is_the_share_of_joint_crashes():
    draw = np.random.default_rng(5)
    normal = draw.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 2_000_000)
    pair = normal / np.sqrt(draw.chisquare(3, 2_000_000) / 3)[:, None]
    low = np.quantile(pair, 0.002, axis=0)
    both = (pair < low).all(axis=1).mean() / 0.002
    assert tail_dependence(0.8, 3) == pytest.approx(both, abs=0.03)
    assert tail_dependence(0.0, 200.0) < 1e-6


@given(st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=20), st.floats(0.0, 0.3))
def test_gjr_counts_falls_more_and_rises_as_before(returns, leverage):
    model = Garch(omega=1e-4, alpha=0.05, beta=0.6)
    path = gjr_variance(returns, model, leverage)
    assert path[0] == pytest.approx(1e-4 / (1 - 0.05 - leverage / 2 - 0.6))
    for now, move, after in zip(path, returns, path[1:]):
        weight = 0.05 + (leverage if move < 0 else 0.0)
        assert after == pytest.approx(1e-4 + weight * move**2 + 0.6 * now)
    assert gjr_variance(returns, model, 0.0).tolist() == garch_variance(returns, model).tolist()


@given(st.floats(1e-6, 1e-2), st.integers(1, 60))
def test_variance_ahead_is_the_recursion_taken_by_its_mean(start, steps):
    model = Garch(omega=1e-5, alpha=0.1, beta=0.88)
    path = [start]
    for _ in range(steps - 1):
        path.append(1e-5 + 0.98 * path[-1])
    single, total = variance_ahead(model, start, [steps])
    assert single[0] == pytest.approx(path[-1], rel=1e-9) and total[0] == pytest.approx(sum(path), rel=1e-9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Hawkes(mu=1.0, alpha=2.0, beta=2.0), "clusters never end"),
        (lambda: Hawkes(mu=1.0, alpha=0.5, beta=2.0).log_likelihood(3.0, [2.0, 1.0]), "do not rise"),
        (lambda: DoubleExponential(p_up=0.5, eta_up=1.0, eta_down=5.0), "eta_up"),
        (lambda: DoubleExponential(p_up=1.5, eta_up=5.0, eta_down=5.0), "p_up"),
        (lambda: TwoRegimes(stay=1.0, back=0.5), "stay"),
        (lambda: TwoRegimes(stay=0.9, back=0.5).long_run_vol([0.1, 0.2, 0.3]), "one volatility for each"),
        (lambda: tail_dependence(1.0, 3.0), "correlation"),
        (lambda: variance_ahead(Garch(omega=1e-5, alpha=0.1, beta=0.8), 1e-4, [0.5]), "1 or more"),
        (lambda: merton_moments(drift=0, vol=0, intensity=0, jump_mean=0, jump_vol=0, years=1), "variance"),
    ],
)  # fmt: skip
def test_what_no_model_is_gets_refused_in_words(call, words):
    with pytest.raises(InputError, match=words):
        call()
