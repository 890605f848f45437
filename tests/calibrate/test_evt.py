"""Hill's index and Pareto tails against samples whose tail is known, scipy, and the published Danish fit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.calibrate import evt
from seawall.errors import InputError

stats = pytest.importorskip("scipy.stats")


def pareto(xi: float, size: int, seed: int) -> np.ndarray:
    return stats.genpareto.rvs(xi, scale=0.02, size=size, random_state=seed)


def test_the_danish_fire_losses_have_the_printed_tail():
    pot = evt.Pot(threshold=10.0, xi=0.497, beta=6.98, size=2156, exceedances=109)
    tail = pot.tail(0.99)
    assert (tail.var, tail.es) == pytest.approx((27.3, 58.2), abs=0.3)


@given(
    xi=st.floats(-0.4, 0.9, allow_subnormal=False),
    beta=st.floats(0.001, 2.0),
    share=st.floats(0.02, 0.1),
    level=st.floats(0.95, 0.9999),
)
def test_var_and_shortfall_are_those_of_the_pareto_law(xi, beta, share, level):
    size, count = 100_000, int(100_000 * share)
    pot = evt.Pot(threshold=0.5, xi=xi, beta=beta, size=size, exceedances=count)
    if 1 - level > count / size + 1e-12:  # as the threshold itself is rounded
        with pytest.raises(InputError, match="below the threshold"):
            pot.tail(level)
        return
    beyond = min((1 - level) * size / count, 1.0)
    excess = stats.genpareto.isf(beyond, xi, scale=beta)
    tail = pot.tail(level)
    assert tail.var == pytest.approx(0.5 + excess, rel=1e-6)
    # The mean excess of a Pareto tail is again one: (beta + xi e) / (1 - xi).
    assert tail.es == pytest.approx(tail.var + (beta + xi * excess) / (1 - xi), rel=1e-6)
    assert tail.es > tail.var


@pytest.mark.parametrize("method", ["mle", "pwm"])
@pytest.mark.parametrize("xi", [0.05, 0.25, 0.45])
def test_a_fit_finds_the_shape_that_made_the_excesses(method, xi):
    found = evt.fit_pareto(pareto(xi, 20_000, 7), method)
    assert found == pytest.approx((xi, 0.02), abs=0.04)


def test_the_likelihood_of_a_fit_is_not_below_scipys():
    y = pareto(0.3, 400, 3)
    ours, theirs = evt.fit_pareto(y), stats.genpareto.fit(y, floc=0.0)
    likelihood = [stats.genpareto.logpdf(y, shape, scale=scale).sum() for shape, scale in (ours, theirs[::2])]
    assert likelihood[0] >= likelihood[1] - 1e-3


@pytest.mark.parametrize("alpha", [2.0, 3.0, 5.0])
def test_hill_finds_the_index_of_a_pure_power_law(alpha):
    losses = np.random.default_rng(1).pareto(alpha, 50_000) + 1.0
    assert evt.hill_index(losses) == pytest.approx(alpha, rel=0.06)


def test_a_tail_without_a_mean_is_refused_with_its_shape():
    with pytest.raises(InputError, match=r"the shape xi is 1\.\d+"):
        evt.fit_pot(pareto(1.4, 20_000, 5))


def test_too_few_losses_for_a_tail_are_refused_with_the_number_needed():
    with pytest.raises(InputError, match="Give 400 losses or more"):
        evt.fit_pot(pareto(0.2, 300, 1))


def test_an_interval_of_draws_holds_the_figure_and_repeats():
    losses = pareto(0.2, 2000, 2)
    var, es = evt.bootstrap_interval(losses, 0.99, seed=4)
    tail = evt.fit_pot(losses, method="pwm").tail(0.99)
    assert var.low < tail.var < var.high and es.low < tail.es < es.high
    assert evt.bootstrap_interval(losses, 0.99, seed=4) == (var, es)
    assert math.isfinite(es.high) and var.draws >= 190
