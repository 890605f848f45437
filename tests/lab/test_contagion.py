"""Clearing, fire sales and cascades: published networks, slow oracles, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from seawall.errors import InputError
from seawall.lab.contagion.cascade import Terms, at_risk, liquidation_prices, run_cascade
from seawall.lab.contagion.clearing import clear, clear_with_creditors, debt_rank, impact
from seawall.lab.contagion.fire_sales import forced_sales, leverage_targeting

BOOK = [(100, 150000), (80, 118000), (120, 165000), (60, 78000), (200, 240000), (50, 50000)]
POOL = (1000.0, 2_000_000.0)
figure = st.floats(0, 50).map(lambda value: round(value, 3))


@st.composite
def networks(draw):
    count = draw(st.integers(2, 6))
    owed = np.array(
        draw(st.lists(st.lists(figure, min_size=count, max_size=count), min_size=count, max_size=count))
    )
    np.fill_diagonal(owed, 0.0)
    outside = np.array(draw(st.lists(figure, min_size=count, max_size=count))) + 0.01
    return owed, outside


def test_published_networks():
    chain = clear([[0, 10, 0], [0, 0, 10], [0, 0, 0]], [6, 2, 1])
    assert chain.payments.tolist() == [6, 8, 0] and chain.default_rounds == ((0,), (1,))
    circle = clear([[0, 10, 0], [0, 0, 10], [10, 0, 0]], [0, 0, 0])
    assert circle.payments.tolist() == [10, 10, 10]  # the greatest of many
    costly = clear([[0, 0, 0.60141038], [0, 0, 0], [0, 0.61136804, 0]], [0.47727664, 0.63927659, 0.32352602],
                   alpha=0.5, beta=0.5)  # fmt: skip
    assert costly.payments == pytest.approx([0.23863832, 0.0, 0.28108217], rel=1e-12)


@given(networks())
@settings(deadline=None)
def test_payments_are_the_greatest_by_linear_programming(network):
    owed, outside = network
    due = owed.sum(axis=1)
    shares = np.divide(owed, due[:, None], out=np.zeros_like(owed), where=due[:, None] > 0)
    best = linprog(-np.ones(len(due)), A_ub=np.eye(len(due)) - shares.T, b_ub=outside,
                   bounds=[(0, most) for most in due])  # fmt: skip
    assert clear(owed, outside).payments == pytest.approx(best.x, abs=1e-6)


@given(networks(), st.floats(0, 1), st.floats(0, 1))
@settings(deadline=None)
def test_no_value_appears_and_recovery_only_helps(network, alpha, beta):
    owed, outside = network
    full, costly = clear(owed, outside), clear(owed, outside, alpha=alpha, beta=beta)
    assert (costly.payments <= full.payments + 1e-9).all()
    assert full.equity.sum() == pytest.approx(outside.sum(), rel=1e-9)  # what is inside cancels
    assert costly.equity.sum() <= outside.sum() + 1e-9


@given(networks())
@settings(deadline=None)
def test_without_creditors_outside_both_seniorities_are_plain_clearing(network):
    owed, outside = network
    plain = clear(owed, outside).payments
    for senior in (True, False):
        beside = clear_with_creditors(owed, outside, np.zeros(len(outside)), senior=senior)
        assert beside.payments == pytest.approx(plain, abs=1e-8)


def test_seniority_changes_who_loses():
    owed = np.array([[0, 0, 0.5], [0.5, 0, 0], [0, 0.5, 0]])
    equal, senior = (
        clear_with_creditors(owed, [8.8, 5, 3], [9, 4, 2], senior=first) for first in (False, True)
    )
    assert equal.equity == pytest.approx([-0.2, 1.0, 0.9894736842105263])
    assert senior.equity == pytest.approx([-0.2, 1.0, 0.8])


def test_debt_rank_and_impact():
    ring = [[0, 0.5, 0], [0, 0, 0.5], [0.5, 0, 0]]
    assert debt_rank([1, 1, 1], ring, [1.2, 0, 0]) == pytest.approx([-0.325, 0.75, 0.5])
    assert debt_rank([1, 1, 1], ring, [0, 0, 0]).tolist() == [1, 1, 1]
    assert impact([[0, 5], [1, 0]], [10, 2]).tolist() == [[0, 1], [0.1, 0]]
    assert impact([[0, 5], [0, 0]], [1, 0]).tolist() == [[0, 1], [0, 0]]


def test_leverage_targeting_against_loops():
    assets, weights, lever = [100, 200], [[0.6, 0.4], [0.2, 0.8]], [9, 19]
    done = leverage_targeting(assets, weights, lever, [1e-4, 2e-4], [-0.05, 0], [10, 10])
    assert done.sales == pytest.approx([-23.8, -41.2])
    assert done.aggregate_vulnerability == pytest.approx(-0.0943)
    assert done.systemicness.sum() == pytest.approx(done.aggregate_vulnerability)
    for asset in range(2):
        sold = sum(lever[n] * assets[n] * weights[n][asset] * (weights[n][0] * -0.05) for n in range(2))
        assert done.sales[asset] == pytest.approx(sold)


def test_forced_sales():
    holdings = [[60, 40], [20, 80], [90, 10]]
    terms = {"most_leverage": 20, "target_leverage": 18, "depth": [6000, 12000]}
    calm = forced_sales(holdings, [6, 7, 8], shock=[-0.005, 0], **terms)
    assert calm.rounds == () and calm.prices.tolist() == [0.995, 1.0]
    one = forced_sales(holdings, [6, 7, 8], shock=[-0.02, 0], **terms)
    assert one.prices == pytest.approx([0.9787953806444943, 0.9995817339214069], rel=1e-12)
    assert one.equity == pytest.approx([4.716577705523298, 6.54244632660244, 6.087401597218559], rel=1e-12)
    gains = forced_sales(holdings, [6, 7, 8], shock=[0.05, 0.05], **terms)
    assert gains.rounds == ()  # nobody buys after gains


@given(st.floats(0, 0.4), st.sampled_from([0.25, 0.5, 1.0]), st.floats(0, 1), st.booleans())
@settings(deadline=None)
def test_a_cascade_adds_up(shock, close_factor, feedback, gate):
    terms = Terms(threshold=0.8, bonus=0.05, close_factor=close_factor, feedback=feedback, profit_gate=gate)
    run = run_cascade(BOOK, POOL, terms, shock=shock)
    base, money = 1000 / (1 - shock), 2_000_000.0
    for step in run.steps:
        assert step.sale_proceeds == pytest.approx(money - base * money / (base + step.seized))
        assert step.seized * step.oracle == pytest.approx(step.repaid * 1.05)
        assert not gate or step.liquidator_pnl >= 0
        base, money = base + step.seized, money - step.sale_proceeds
    assert run.final_pool_price == pytest.approx(money / base)
    assert run.left_unliquidated == () or gate


def test_feedback_is_the_dial():
    found = [
        run_cascade(BOOK, POOL, Terms(threshold=0.8, bonus=0.05, feedback=share), shock=0.1)
        for share in (0.0, 0.5, 1.0)
    ]
    assert [len({step.account for step in run.steps}) for run in found] == [2, 5, 6]
    assert found[2].amplification == pytest.approx(6.2, abs=0.05)


def test_prices_at_which_loans_go():
    assert liquidation_prices(BOOK, 0.8) == [1875.0, 1843.75, 1718.75, 1625.0, 1500.0, 1250.0]
    assert at_risk(BOOK, 0.8, 1400.0) == (751000, 560, 16000.0)
    assert (
        at_risk(BOOK, 0.8, 1500.0)[0] == 511000 and at_risk(BOOK, 0.8, math.nextafter(1500, 0))[0] == 751000
    )


def test_bad_figures_are_refused():
    for bad in ([[0, -1], [0, 0]], [[0, math.nan], [0, 0]], [[0, 1, 2]]):
        with pytest.raises(InputError):
            clear(bad, [1, 1])
    for outside in ([1], [1, math.inf], [-1, 1]):
        with pytest.raises(InputError):
            clear([[0, 1], [0, 0]], outside)
    with pytest.raises(InputError):
        clear([[0, 1], [0, 0]], [1, 1], alpha=1.5)
    with pytest.raises(InputError):
        debt_rank([0, 1], [[0, 0], [0, 0]], [0, 0])
    with pytest.raises(InputError):
        forced_sales([[1]], [1], most_leverage=2, target_leverage=3, depth=[1], shock=[0])
    with pytest.raises(InputError):
        forced_sales([[math.nan]], [1], most_leverage=3, target_leverage=2, depth=[1], shock=[0])
    for pool, shock in (((0, 1), 0.1), ((1, 1), 1.0), ((1, 1), -0.1)):
        with pytest.raises(InputError):
            run_cascade(BOOK, pool, Terms(threshold=0.8, bonus=0.1), shock=shock)
    with pytest.raises(InputError):
        Terms(threshold=1.0, bonus=0.1)
