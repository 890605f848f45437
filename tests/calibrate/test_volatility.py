"""EWMA and GARCH against plain loops and the arch library; filtered simulation; the pace of a response."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.calibrate import volatility
from seawall.calibrate.volatility import Garch
from seawall.errors import InputError

pytest.importorskip("scipy")
RETURNS = st.lists(st.floats(-0.3, 0.3), min_size=1, max_size=60)


def simulated(size: int, seed: int, model: Garch) -> np.ndarray:
    chance = np.random.default_rng(seed)
    h, out = model.long_run_variance, np.empty(size)
    for t in range(size):
        z = (
            chance.standard_normal()
            if math.isinf(model.dof)
            else (chance.standard_t(model.dof) * math.sqrt((model.dof - 2) / model.dof))
        )
        out[t] = z * math.sqrt(h)
        h = model.omega + model.alpha * out[t] ** 2 + model.beta * h
    return out


@given(returns=RETURNS, decay=st.sampled_from([0.9, 0.94, 0.97]))
def test_an_ewma_is_its_recursion(returns, decay):
    h = [returns[0] ** 2]
    for r in returns[1:]:
        h.append(decay * h[-1] + (1 - decay) * r * r)
    assert np.allclose(volatility.ewma_variance(returns, decay), h, rtol=1e-11, atol=1e-18)


@given(returns=RETURNS)
def test_a_garch_is_its_recursion(returns):
    model = Garch(omega=1e-5, alpha=0.1, beta=0.85)
    h = [model.long_run_variance]
    for r in returns:
        h.append(model.omega + model.alpha * r * r + model.beta * h[-1])
    assert np.allclose(volatility.garch_variance(returns, model), h, rtol=1e-11)


def test_a_garch_that_never_settles_needs_its_first_variance():
    model = Garch(omega=1e-5, alpha=0.2, beta=0.8)
    with pytest.raises(InputError, match=r"alpha \+ beta is 1"):
        volatility.garch_variance([0.01], model)
    assert volatility.garch_variance([0.0], model, 1e-4)[1] == pytest.approx(1e-5 + 0.8e-4)


@pytest.mark.parametrize("dof", [math.inf, 5.0])
def test_a_fit_finds_the_parameters_that_made_the_returns(dof):
    truth = Garch(omega=2e-5, alpha=0.08, beta=0.9, dof=dof)
    found = volatility.fit_garch(simulated(6000, 4, truth), student=math.isfinite(dof))
    assert found.alpha == pytest.approx(0.08, abs=0.025)
    assert found.beta == pytest.approx(0.9, abs=0.035)
    if math.isfinite(dof):
        assert found.dof == pytest.approx(5.0, abs=1.0)


@pytest.mark.parametrize("student", [False, True])
def test_a_fit_is_as_likely_as_that_of_arch(student):
    arch = pytest.importorskip("arch")
    returns = simulated(2500, 9, Garch(omega=2e-5, alpha=0.1, beta=0.87, dof=5.0))
    model = arch.arch_model(returns * 100, mean="Zero", vol="GARCH", dist="t" if student else "normal")
    backcast = float(np.var(returns * 100))
    theirs = model.fit(disp="off", backcast=backcast)
    ours = volatility.fit_garch(returns, student=student)
    # Theirs is in per cent; the likelihood of returns is shifted by log(100) each.
    assert ours.log_likelihood == pytest.approx(theirs.loglikelihood + 2500 * math.log(100), abs=0.5)
    assert ours.alpha == pytest.approx(theirs.params["alpha[1]"], abs=5e-3)
    assert ours.beta == pytest.approx(theirs.params["beta[1]"], abs=5e-3)


def test_a_fit_of_the_same_returns_in_other_units_is_the_same():
    returns = simulated(1500, 2, Garch(omega=2e-5, alpha=0.1, beta=0.87))
    one, other = volatility.fit_garch(returns), volatility.fit_garch(returns * 64)
    assert (one.alpha, one.beta) == pytest.approx((other.alpha, other.beta), rel=1e-6)
    assert other.omega == pytest.approx(one.omega * 64**2, rel=1e-6)


@pytest.mark.parametrize("returns", [np.zeros(300), np.full(100, 0.01)])
def test_returns_too_few_or_that_never_move_are_not_fitted(returns):
    with pytest.raises(InputError):
        volatility.fit_garch(returns)


def test_a_filtered_scenario_keeps_its_sign_and_takes_the_volatility_to_come():
    found = volatility.filtered_scenarios([-0.02, 0.01], [1e-4, 4e-4], 4e-4)
    assert found.scenarios.tolist() == pytest.approx([-0.04, 0.01])
    held = volatility.filtered_scenarios([-0.02, 0.01], [1e-4, 4e-4], 16e-4, bounds=(0.5, 3.0))
    assert held.scenarios.tolist() == pytest.approx([-0.06, 0.02]) and held.capped == 1


def test_paths_over_a_day_of_a_garch_scatter_as_its_variance():
    model = Garch(omega=2e-5, alpha=0.05, beta=0.9)
    returns = simulated(3000, 1, model)
    one = volatility.bootstrap_paths(returns, model, horizon=1, paths=50_000, seed=1)
    h = volatility.garch_variance(returns, model, float(returns.var()))
    z = returns / np.sqrt(h[:-1])
    assert one.std() == pytest.approx(math.sqrt(h[-1]) * z.std(), rel=0.02)
    ten = volatility.bootstrap_paths(returns, model, horizon=10, paths=20_000, seed=1)
    assert 2.2 < ten.std() / one.std() < 4.2


@given(low=st.floats(0.005, 0.05), times=st.floats(1.2, 10.0), decay=st.sampled_from([0.9, 0.94, 0.97, 0.99]))
def test_a_response_reaches_its_share_just_at_the_step_it_says(low, times, decay):
    steps = volatility.steps_to_reach(low, low * times, decay)
    goal = 0.9 * low * times
    assert volatility.step_response(low, low * times, decay, steps) >= goal
    if steps:
        assert volatility.step_response(low, low * times, decay, steps - 1) < goal
