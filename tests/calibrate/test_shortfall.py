"""Tests of expected shortfall and scores, against simulation and what they are minimal at."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.calibrate import scores, shortfall
from seawall.calibrate.tails import normal_tail, student_tail
from seawall.errors import InputError

stats = pytest.importorskip("scipy.stats")


@pytest.mark.slow
@pytest.mark.parametrize("dof", [math.inf, 3.0, 5.0])
def test_the_law_of_z2_is_the_one_that_simulation_gives(dof):
    size, p, trials = 250, 0.025, 60_000
    chance = np.random.default_rng(2)
    x = chance.standard_normal((trials, size)) if math.isinf(dof) else chance.standard_t(dof, (trials, size))
    tail = normal_tail(1 - p) if math.isinf(dof) else student_tail(1 - p, dof)
    z2 = np.where(x < -tail.var, x / tail.es, 0.0).sum(axis=1) / (size * p) + 1.0
    law = shortfall.z2_law(size, p, dof)
    for level in (0.01, 0.05, 0.25, 0.5, 0.9):
        error = 4 * math.sqrt(level * (1 - level) / trials)
        assert abs(np.mean(z2 <= law.critical(level)) - level) < error


@pytest.mark.parametrize(("dof", "critical"), [(math.inf, -0.7), (3.0, -0.82)])
def test_critical_values_as_acerbi_and_szekely_print_them(dof, critical):
    assert shortfall.z2_law(250, 0.025, dof).critical(0.05) == pytest.approx(critical, abs=0.01)


PNL = st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=80)


@given(pnl=PNL, var=st.floats(0.001, 0.1), more=st.floats(0.001, 0.1))
def test_z1_and_z2_are_bound_to_each_other(pnl, var, more):
    found = shortfall.acerbi_szekely(pnl, var, var + more, 0.025)
    assert found.hits == sum(x < -var for x in pnl)
    if found.z1 is None:
        assert found.z2 == 1.0
    else:
        assert shortfall.z2_from_z1(found.z1, found.hits, len(pnl), 0.025) == pytest.approx(found.z2)


def test_a_model_that_halves_the_shortfall_is_found_out_and_a_right_one_is_not():
    x = np.random.default_rng(8).standard_t(4, 2000)
    tail = student_tail(0.975, 4.0)
    right = shortfall.acerbi_szekely(x, tail.var, tail.es, 0.025)
    wrong = shortfall.acerbi_szekely(x, tail.var / 2, tail.es / 2, 0.025)
    law = shortfall.z2_law(2000, 0.025, 4.0)
    assert law.p_value(right.z2) > 0.05 > law.p_value(wrong.z2)


@pytest.mark.slow
def test_tail_coverage_of_uniform_probabilities_is_standard_normal():
    u = np.random.default_rng(4).random((3000, 800))
    z = np.array([shortfall.costanzino_curran(row, 0.05).z for row in u])
    assert abs(z.mean()) < 0.08 and z.std() == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("p", [0.01, 0.05])
def test_scores_are_least_at_the_true_quantile_and_shortfall(p):
    x = stats.t.ppf((np.arange(200_000) + 0.5) / 200_000, 5)
    tail = student_tail(1 - p, 5.0)
    best_tick = scores.tick_loss(x, -tail.var, p).mean()
    best_fz = scores.fz0_loss(x, -tail.var, -tail.es, p).mean()
    for off in (0.8, 0.95, 1.05, 1.25):
        assert scores.tick_loss(x, -tail.var * off, p).mean() > best_tick
        assert scores.fz0_loss(x, -tail.var * off, -max(tail.es, tail.var * off), p).mean() > best_fz
        if off * tail.es >= tail.var:
            assert scores.fz0_loss(x, -tail.var, -tail.es * off, p).mean() > best_fz


def test_a_shortfall_above_its_quantile_has_no_score():
    with pytest.raises(InputError, match=r"row 1: shortfall -0\.01, quantile -0\.02"):
        scores.fz0_loss([0.0, 0.0], [-0.02, -0.02], [-0.03, -0.01], 0.01)


@pytest.mark.slow
def test_equal_forecasters_differ_by_chance_alone():
    chance = np.random.default_rng(6)
    p_values = [
        scores.diebold_mariano(chance.standard_normal(400), chance.standard_normal(400)).p_value
        for _ in range(1500)
    ]
    assert 0.03 < np.mean(np.array(p_values) < 0.05) < 0.08


def test_a_worse_forecaster_is_found_and_the_sign_says_which():
    x = np.random.default_rng(3).standard_t(4, 3000)
    tail = student_tail(0.99, 4.0)
    good, bad = scores.tick_loss(x, -tail.var, 0.01), scores.tick_loss(x, -tail.var / 3, 0.01)
    found = scores.diebold_mariano(good, bad)
    assert found.mean < 0.0 and found.p_value < 0.01


@given(rows=st.lists(st.tuples(st.floats(0, 10), st.floats(0, 20)), min_size=1, max_size=50))
def test_coverage_counts_what_is_beyond(rows):
    margin, loss = (np.array(column) for column in zip(*rows))
    found = scores.margin_coverage(margin, loss)
    assert found.exceeded == int((loss > margin).sum())
    assert found.coverage == 1 - found.exceeded / len(rows)
    assert found.largest_excess >= found.mean_excess >= 0.0
