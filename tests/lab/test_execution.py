"""Impact models against brute force: other schedules cost more, books step by step, chains simulated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.lab import execution, queues

CASE = {
    "size": 1e6, "horizon": 5.0, "steps": 5, "vol": 0.95, "half_spread": 0.0625, "permanent": 2.5e-7,
    "temporary": 2.5e-6, "aversion": 1e-6,
}  # fmt: skip


def cost_of(trades, case):
    """Cost and variance of any schedule, step by step: what was sold before, then the slice's own."""
    step = case["horizon"] / case["steps"]
    left, cost, variance, sold = case["size"], 0.0, 0.0, 0.0
    for trade in trades:
        permanent = case["permanent"] * sold
        cost += trade * (permanent + case["half_spread"] + case["temporary"] * trade / step)
        sold, left = sold + trade, left - trade
        variance += case["vol"] ** 2 * step * left**2
    return cost, variance


def test_the_cost_is_that_of_the_trades_one_by_one_and_no_other_schedule_is_better():
    found = execution.almgren_chriss(**CASE)
    cost, variance = cost_of(found.trades, CASE)
    assert (found.cost, found.variance) == (pytest.approx(cost), pytest.approx(variance))
    even = cost_of([CASE["size"] / 5] * 5, CASE)
    assert (found.straight_cost, found.straight_variance) == (pytest.approx(even[0]), pytest.approx(even[1]))
    draw, goal = np.random.default_rng(1), cost + 1e-6 * variance
    for _ in range(300):
        nudge = draw.normal(0, 20_000, 5)
        trades = np.array(found.trades) + nudge - nudge.mean()
        other = cost_of(trades, CASE)
        assert other[0] + 1e-6 * other[1] >= goal


def test_blocks_at_both_ends_beat_one_block_and_an_even_rate_and_cost_what_the_book_takes():
    found = execution.obizhaeva_wang(size=1000.0, horizon=1.0, recovery=5.0, depth=200.0, permanent=0.002)
    assert found.cost < found.cost_even < found.cost_at_once
    assert 2 * found.block + found.rate == pytest.approx(1000.0)
    steps, kappa = 20_000, 1 / 200.0 - 0.002
    sold, gap, cost = 0.0, 0.0, 0.0
    sizes = [found.block, *[found.rate / steps] * steps, found.block]
    for place, size in enumerate(sizes):
        cost += size * (0.002 * sold + gap + 0.5 * size / 200.0)
        sold, gap = sold + size, gap + kappa * size
        if 0 < place <= steps:
            gap *= math.exp(-5.0 / steps)
    assert found.cost == pytest.approx(cost, rel=1e-3)


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0, 100)), max_size=6), st.floats(0, 100))
def test_displacement_is_followed_step_by_step(blocks, at):
    blocks = sorted(blocks)
    gap, now = 0.0, 0.0
    for time, size in blocks:
        if time > at:
            break
        gap, now = gap * math.exp(-0.05 * (time - now)) + 0.003 * size, time
    expected = gap * math.exp(-0.05 * (at - now))
    assert execution.displacement(blocks, [at], impact=0.003, recovery=0.05)[0] == pytest.approx(
        expected, abs=1e-12
    )


def test_a_constant_flow_settles_where_it_says():
    settled = execution.steady_displacement(flow=6e7, d100=5e8, depth_share=0.1, half_life=2.0)
    gap, step = 0.0, 0.001
    for _ in range(60_000):
        gap = gap * 0.5 ** (step / 2.0) + 6e7 * step / (5e8 * 0.1 / 0.01)
    assert settled == pytest.approx(gap, rel=1e-3)


def test_the_sweep_goes_through_both_points_it_was_fitted_to():
    exponent = execution.depth_exponent(3.5, 16.53)
    assert execution.sweep_impact(3.5, d100=16.53, exponent=exponent) == pytest.approx(0.001)
    assert execution.sweep_impact(16.53, d100=16.53, exponent=exponent) == pytest.approx(0.01)
    four = [
        execution.square_root_impact(q, prefactor=0.8, daily_vol=0.02, daily_volume=100.0) for q in (1, 4)
    ]
    assert four[1] == pytest.approx(2 * four[0])


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6))
def test_queues_of_equal_rates_are_a_race_of_two_walks(bid, ask):
    """Cont and de Larrard's integral against the chain of the same race, and both sides add up to one."""
    walk = queues.up_probability_symmetric(bid, ask)
    assert walk + queues.up_probability_symmetric(ask, bid) == pytest.approx(1.0, abs=1e-9)
    chain = queues.up_probability(ask, bid, arrival=1.0, market=1.0, cancel=0.0)
    assert walk == pytest.approx(chain, abs=2e-3)  # the chain is cut where the walk never ends


def test_a_race_with_cancels_is_what_simulation_gives():
    draw, ups, runs = np.random.default_rng(2), 0, 20_000
    for _ in range(runs):
        ask, bid = 2, 3
        while ask and bid:
            rates = np.array([1.85, 0.94 + 0.71 * ask, 1.85, 0.94 + 0.71 * bid])
            event = int(np.searchsorted(np.cumsum(rates), draw.uniform(0, rates.sum())))
            ask, bid = ask + (event == 0) - (event == 1), bid + (event == 2) - (event == 3)
        ups += ask == 0
    exact = queues.up_probability(2, 3, arrival=1.85, market=0.94, cancel=0.71)
    assert exact == pytest.approx(ups / runs, abs=0.012)


@pytest.mark.parametrize(
    "call",
    [
        lambda: execution.almgren_chriss(**{**CASE, "permanent": 1e-5}),
        lambda: execution.obizhaeva_wang(size=1.0, horizon=1.0, recovery=1.0, depth=200.0, permanent=0.01),
        lambda: execution.steady_displacement(flow=1.0, d100=0.0, depth_share=1.0, half_life=1.0),
        lambda: execution.depth_exponent(0.0, 1.0),
        lambda: queues.up_probability_symmetric(0, 1),
        lambda: queues.up_probability(1, 1, arrival=1.0, market=0.0, cancel=0.0),
        lambda: queues.random_orders(limit_rate=0.0, market_rate=1.0, cancel_rate=0.0, order_size=1.0),
    ],
)
def test_what_has_no_answer_is_refused(call):
    with pytest.raises(InputError):
        call()
