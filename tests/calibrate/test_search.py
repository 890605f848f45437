"""Worst cases, fronts, level sets and sensitivities against definitions by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.calibrate import level_set, pareto, worst_cases
from seawall.calibrate.sensitivity import Ishigami, g_function_shares, sobol_shares
from seawall.calibrate.tails import historical_tail
from seawall.errors import InputError

WHOLE = st.integers(0, 9)
POINTS = st.lists(st.tuples(WHOLE, WHOLE), min_size=1, max_size=14)


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=40), st.sampled_from((0.6, 0.75, 0.9, 0.95)))
def test_the_least_cvar_is_the_mean_of_the_worst_with_the_last_in_part(losses, level):
    found, defined = worst_cases.least_cvar(losses, level), historical_tail(losses, level)
    assert found.es == pytest.approx(defined.es, abs=1e-9)
    assert found.var in losses


def test_the_least_cvar_portfolio_is_the_best_of_a_fine_grid():
    draw = np.random.default_rng(4)
    returns = draw.normal([0.01, 0.004], [0.08, 0.02], (40, 2))
    found = worst_cases.least_cvar_weights(returns.tolist(), 0.75, least_mean=0.005)
    best = 9.9
    for share in np.linspace(0, 1, 4001):
        mix = returns @ np.array([share, 1 - share])
        if mix.mean() >= 0.005:
            best = min(best, historical_tail((-mix).tolist(), 0.75).es)
    assert found.cvar == pytest.approx(best, abs=1e-5) and found.cvar <= best + 1e-9
    assert sum(found.weights) == pytest.approx(1.0) and min(found.weights) >= 0.0
    with pytest.raises(InputError, match="no mean reaches"):
        worst_cases.least_cvar_weights(returns.tolist(), 0.75, least_mean=1.0)


@given(st.lists(st.lists(st.integers(-5, 20), min_size=1, max_size=5), min_size=1, max_size=5))
def test_cover_two_bears_any_two_failures(losses):
    found = worst_cases.cover_two(losses)
    for row in losses:
        for one in range(len(row)):
            for other in range(len(row)):
                pair = max(row[one], 0) + (max(row[other], 0) if other != one else 0)
                assert pair <= found.target
    assert any(
        found.target == max(row[i], 0) + (max(row[j], 0) if i != j else 0)
        for row in losses for i in range(len(row)) for j in range(len(row))
    )  # fmt: skip


@given(POINTS)
def test_fronts_are_peeled_off_one_by_one(points):
    left, expected = list(range(len(points))), []
    while left:
        free = [i for i in left if not any(pareto.dominates(points[j], points[i]) for j in left)]
        expected.append(free)
        left = [i for i in left if i not in free]
    assert pareto.fronts(points) == expected


@given(POINTS)
def test_the_hypervolume_is_the_count_of_unit_squares_dominated(points):
    count = sum(any(x <= i and y <= j for x, y in points) for i in range(10) for j in range(10))
    assert pareto.hypervolume(points, (10, 10)) == count


def test_crowding_is_infinite_at_the_ends_and_the_gap_between_neighbours_inside():
    assert pareto.crowding([[1, 5], [2, 3], [4, 1]]) == [float("inf"), pytest.approx(2.0), float("inf")]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 8), st.integers(0, 2**32), st.floats(0.05, 1.0))
def test_a_posterior_is_the_normal_distribution_conditioned(count, seed, length):
    draw = np.random.default_rng(seed)
    x, y = np.sort(draw.uniform(0, 1, count)), draw.normal(size=count)
    process = level_set.Process(length=length, variance=2.0, noise=0.01)
    mean, sd = process.posterior(x.tolist(), y.tolist(), [0.5])
    joint = np.array([[2.0 * np.exp(-0.5 * ((a - b) / length) ** 2) for b in (*x, 0.5)] for a in (*x, 0.5)])
    seen, cross = joint[:-1, :-1] + 0.01 * np.eye(count), joint[:-1, -1]
    assert mean[0] == pytest.approx(cross @ np.linalg.inv(seen) @ y, rel=1e-5, abs=1e-7)
    assert sd[0] ** 2 == pytest.approx(2.0 - cross @ np.linalg.inv(seen) @ cross, rel=1e-4, abs=1e-7)


def test_the_straddle_finds_a_boundary_it_was_not_told():
    """The failure surface known in closed form: depth below d*(s) fails; the search closes in on it."""
    true = float(worst_cases.critical_depth([0.02], margin=0.02, impact=0.02, size=1.0, fund_share=0.03)[0])
    process = level_set.Process(length=0.3)
    tried = [0.05, 0.95]
    grid = np.linspace(0.0, 1.0, 201)
    for _ in range(14):
        seen = [at - true for at in tried]
        wanted = [float(at) for at in grid if min(abs(at - t) for t in tried) > 1e-9]
        mean, sd = process.posterior(tried, seen, wanted)
        tried.append(wanted[level_set.search(mean, sd, 0.0).next_place])
    assert min(abs(at - true) for at in tried) < 0.01


def test_sensitivities_are_estimated_near_those_known_exactly():
    function = Ishigami(7.0, 0.1)
    guess = sobol_shares(function, [(-np.pi, np.pi)] * 3, samples=4096)
    assert guess.first == pytest.approx(function.shares.first, abs=0.02)
    assert guess.total == pytest.approx(function.shares.total, abs=0.02)
    a = [0.0, 1.0, 4.5, 9.0]

    def product(x):
        return np.prod([(np.abs(4 * x[i] - 2) + a[i]) / (1 + a[i]) for i in range(4)], axis=0)

    again = sobol_shares(product, [(0.0, 1.0)] * 4, samples=4096)
    assert again.first == pytest.approx(g_function_shares(a).first, abs=0.02)
    assert again.total == pytest.approx(g_function_shares(a).total, abs=0.02)
    with pytest.raises(InputError, match="power of two"):
        sobol_shares(function, [(0.0, 1.0)] * 3, samples=1000)


def test_bad_tables_are_refused():
    with pytest.raises(InputError, match="one row of finite numbers"):
        pareto.fronts([[1.0, float("nan")]])
    with pytest.raises(InputError, match="no scenario"):
        worst_cases.cover_two([])
    with pytest.raises(InputError, match="no uncertainty left"):
        level_set.search(np.zeros(1), np.zeros(1), 0.0)
