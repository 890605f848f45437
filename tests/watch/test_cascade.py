"""Cascades against brute force: fixed points, order by order books, clusters simulated, warnings by pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.watch import cascade, signals

LADDER = st.lists(st.tuples(st.integers(50, 99), st.integers(1, 400)), min_size=1, max_size=8)


@given(LADDER, st.integers(1, 30), st.integers(20, 500))
def test_a_cascade_stops_at_the_highest_price_that_holds_itself_up(ladder, percent, depth):
    shock = percent / 100
    found = cascade.cascade(ladder, start=100.0, shock=shock, depth=depth)
    start = 100.0 * (1 - shock)
    assert found.price == pytest.approx(start - cascade.triggered(ladder, found.price) / depth)
    every = sorted({start - sum(s for t, s in ladder if t >= edge) / depth for edge, _ in ladder} | {start})
    stable = [p for p in every if abs(start - cascade.triggered(ladder, p) / depth - p) < 1e-9]
    assert found.price == pytest.approx(max(stable))
    assert found.price_amplification >= 1.0 - 1e-9
    assert all(a[0] >= b[0] and a[1] <= b[1] for a, b in zip(found.rounds, found.rounds[1:], strict=False))


@given(LADDER, LADDER, st.integers(1, 2_000))
def test_a_static_book_is_walked_unit_by_unit(ladder, bids, size):
    found = cascade.book_cascade(ladder, bids, float(size))
    units = [price for price, held in sorted(bids, reverse=True) for _ in range(held)]
    pending, sold, gone, last = size, 0, set(), math.inf
    while pending:
        take = min(pending, len(units) - sold)
        if take:
            last = units[sold + take - 1]
        sold, pending = sold + take, 0
        fresh = {place for place, (trigger, _) in enumerate(ladder) if trigger >= last} - gone
        gone |= fresh
        pending = sum(ladder[place][1] for place in fresh)
    assert (found.sold, found.last, set(found.triggered)) == (sold, last, gone)
    assert found.sold + found.unfilled == size + sum(ladder[place][1] for place in gone)


def test_clusters_have_the_sizes_that_branching_gives_them():
    draw, sizes = np.random.default_rng(1), []
    for _ in range(40_000):
        alive = size = 1
        while alive:
            alive = int(draw.poisson(0.5, alive).sum())
            size += alive
        sizes.append(size)
    for count, chance in enumerate(cascade.cluster_sizes(0.5, [1, 2, 3, 4]), 1):
        assert np.mean(np.array(sizes) == count) == pytest.approx(chance, abs=0.01)
    assert np.var(sizes) == pytest.approx(cascade.cluster_variance(0.5), rel=0.1)
    assert cascade.observed_rate(sizes) == pytest.approx(0.5, abs=0.02)
    assert sum(cascade.cluster_sizes(0.9, range(1, 4000))) == pytest.approx(1.0, abs=1e-6)


@given(st.floats(1.01, 4.0))
def test_extinction_is_the_least_fixed_point(rate):
    gone = cascade.extinction(rate)
    assert math.exp(-rate * (1 - gone)) == pytest.approx(gone, abs=1e-9) and gone < 1.0 / rate + 1e-9
    assert cascade.extinction(1.0) == 1.0


@given(st.floats(0.01, 5.0), st.floats(0.05, 2.0), st.floats(0.05, 2.0))
def test_root_impact_settles_on_itself(first, impact, density):
    settled = cascade.root_impact_move(first, impact=impact, density=density)
    assert settled == pytest.approx(first + impact * math.sqrt(density * settled), rel=1e-9)


def test_the_minimum_of_a_walk_is_passed_as_often_as_it_says():
    draw = np.random.default_rng(2)
    steps = draw.normal(0, 0.04 / math.sqrt(500), (20_000, 500)).cumsum(axis=1)
    price = cascade.liquidation_at_risk(
        [(90.0, 5.0)], start=100.0, daily_vol=0.04, days=1.0, level=0.95
    ).price
    assert np.mean(100 * np.exp(steps.min(axis=1)) < price) == pytest.approx(0.05, abs=0.008)


@given(st.integers(1, 1000), st.integers(1, 100), st.floats(0.001, 0.05), st.floats(0.1, 10.0))
def test_bad_debt_begins_at_the_largest_solvent_size(size, price, maintenance, depth):
    most = cascade.most_solvent(price, maintenance=maintenance, depth=depth)
    debt = cascade.instant_bad_debt(size, price, maintenance=maintenance, depth=depth)
    assert (debt > 0) == (size > most * (1 + 1e-12)) or debt < 1e-6
    proceeds = size * price - size * size / (2 * depth)  # sold through a linear book
    assert debt == pytest.approx(max(size * price * (1 - maintenance) - proceeds, 0), rel=1e-6, abs=1e-6)


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=20))
def test_concentration_is_by_definition(sizes):
    found = signals.concentration(sizes)
    total = sum(sizes)
    pairs = sum(abs(a - b) for a in sizes for b in sizes) / (2 * len(sizes) * total)
    assert found.gini == pytest.approx(pairs) and found.hhi == pytest.approx(
        sum((s / total) ** 2 for s in sizes)
    )
    assert found.top[0] == pytest.approx(max(sizes) / total) and found.top[-1] == pytest.approx(1.0)
    assert 1 <= found.effective <= len(sizes) + 1e-9


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10)), min_size=2, max_size=30))
def test_a_warning_is_worth_what_its_pairs_say(cases):
    labels, scores = [int(one) for one, _ in cases], [score / 10 for _, score in cases]
    if len(set(labels)) < 2:
        with pytest.raises(InputError, match="one outcome"):
            signals.warning_worth(labels, scores)
        return
    found = signals.warning_worth(labels, scores)
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    for value in set(scores):
        same = np.array(scores) == value
        ranks[same] = ranks[same].mean()
    ones = np.array(labels) == 1
    area = (ranks[ones].sum() - ones.sum() * (ones.sum() + 1) / 2) / (ones.sum() * (~ones).sum())
    assert found.auc == pytest.approx(area)


def test_a_market_that_slows_down_is_seen_to():
    draw, values = np.random.default_rng(3), [0.0]
    for at in range(600):
        values.append(values[-1] * at / 620 + draw.normal())
    found = signals.slowing_down(values, window=150, step=30)
    assert found.tau > 0.7 and found.autocorrelation[-1] > found.autocorrelation[0] + 0.3


@pytest.mark.parametrize(
    "call",
    [
        lambda: cascade.cascade([(90.0, 1.0)], start=100.0, shock=0.0, depth=1.0),
        lambda: cascade.linear_multiplier(1.0),
        lambda: cascade.observed_rate([]),
        lambda: cascade.fuel_ratio([(90.0, 1.0)], [(50.0, 1.0)], start=100.0, fall=0.1),
        lambda: signals.concentration([0.0]),
        lambda: signals.leverage([(1.0, 0.0)], 0.01),
        lambda: signals.slowing_down([1.0, 2.0], window=100, step=1),
    ],
)
def test_what_has_no_answer_is_refused(call):
    with pytest.raises(InputError):
        call()
