"""Divergences planted, causes by permutations, change points by enumeration, budgets that add up."""

from __future__ import annotations

import math
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.postmortem import attribution, changes, divergence


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=40), st.integers(0, 39))
def test_a_planted_difference_is_found_in_few_comparisons(events, at):
    one = divergence.chain(events)
    assert divergence.first_divergence(one, divergence.chain(list(events))).first is None
    place = at % len(events)
    other = [*events[:place], events[place] + b"x", *events[place + 1 :]]
    found = divergence.first_divergence(one, divergence.chain(other))
    assert (
        found.first == place and found.comparisons <= math.ceil(math.log2(len(events)))
        if len(events) > 1
        else 1
    )


@given(st.sets(st.integers(0, 19), min_size=1, max_size=5), st.integers(20, 30))
def test_minimising_leaves_just_what_is_needed(needed, count):
    asked = []

    def fails(some):
        asked.append(tuple(some))
        return needed <= set(some)

    assert divergence.minimal_failing(list(range(count)), fails) == sorted(needed)
    with pytest.raises(InputError, match="does not fail"):
        divergence.minimal_failing([99], lambda some: False)


@given(st.lists(st.integers(-20, 20), min_size=8, max_size=8))
def test_shares_are_the_mean_over_all_orders_of_causes(values):
    subsets = [frozenset(s) for n in range(4) for s in combinations(range(3), n)]
    worth = dict(zip(subsets, (0, *values[1:]), strict=True))
    found = attribution.attribute(lambda some: float(worth[some]), 3)
    for cause in range(3):
        gains = []
        for order in permutations(range(3)):
            before = frozenset(order[: order.index(cause)])
            gains.append(worth[before | {cause}] - worth[before])
        assert found.shapley[cause] == pytest.approx(np.mean(gains))
        assert found.actual[cause] == any(gains)
    assert sum(found.shapley) == pytest.approx(worth[frozenset({0, 1, 2})])
    with pytest.raises(InputError, match="Group them"):
        attribution.attribute(lambda some: 0.0, 17)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=8), st.integers(0, 500))
def test_equal_awards_give_the_same_to_all_who_claim_more(claims, budget):
    paid = attribution.equal_awards(claims, budget)
    assert sum(paid) == pytest.approx(min(budget, sum(claims)))
    level = max(paid)
    assert all(got == pytest.approx(min(claim, level)) for got, claim in zip(paid, claims, strict=True))


def test_gainers_keep_their_gain_and_losers_claim():
    fills = [attribution.Fill("a", -1, 2.0, 55.0, 59.0), attribution.Fill("b", 1, 3.0, 55.0, 59.0)]
    found = attribution.compensate(fills, 4.0)
    assert (found.delta, found.claims, found.pro_rata) == ((8.0, -12.0), (8.0, 0.0), (4.0, 0.0))


@given(st.lists(st.sampled_from((0.0, 5.0)), min_size=1, max_size=9), st.floats(0.1, 20.0))
@settings(max_examples=100)
def test_break_points_are_the_best_of_all_cuts(values, penalty):
    def cost(cuts):
        pieces = [values[a:b] for a, b in zip((0, *cuts), (*cuts, len(values)), strict=True)]
        return sum(float(np.var(piece)) * len(piece) for piece in pieces) + penalty * len(cuts)

    inner = range(1, len(values))
    best = min(cost(cuts) for n in range(len(values)) for cuts in combinations(inner, n))
    assert cost(tuple(changes.breakpoints(values, penalty)[:-1])) == pytest.approx(best, abs=1e-9)


def test_a_run_length_posterior_is_every_history_weighed():
    """All 2**n ways in which changes may have happened, each with its own Gaussian evidence."""
    values, hazard, variance, weight = [0.1, -0.2, 3.0, 2.8], 0.2, 0.5, 0.1
    found = changes.run_length_posteriors(values, hazard=hazard, mean=0.0, weight=weight, variance=variance)[
        -1
    ]
    total = np.zeros(len(values) + 1)
    for bits in range(2 ** len(values)):
        joint, mean, held, length = 1.0, 0.0, weight, 0
        for at, value in enumerate(values):
            spread = variance * (1 + 1 / held)
            joint *= math.exp(-0.5 * (value - mean) ** 2 / spread) / math.sqrt(2 * math.pi * spread)
            if bits >> at & 1:
                joint, mean, held, length = joint * hazard, 0.0, weight, 0
            else:
                mean, held = (held * mean + value) / (held + 1), held + 1
                joint, length = joint * (1 - hazard), length + 1
        total[length] += joint
    assert found == pytest.approx(total / total.sum())


def test_sums_alarm_once_a_shift_is_there_and_run_as_long_as_siegmund_says():
    draw = np.random.default_rng(4)
    # After the step each value adds 50 / n, so the sum passes 20 once ln(n / 50) is about 0.4.
    first = next(n for n in range(51, 200) if sum(50 / k for k in range(51, n + 1)) > 20.0)
    assert changes.page_hinkley([0.0] * 50 + [1.0] * 60, delta=0.0, threshold=20.0) == first - 1
    lengths = []
    for _ in range(1_500):
        values = draw.normal(1.0, 1.0, 400)
        lengths.append(1 + changes.cusum(values.tolist(), target=0.0, slack=0.5, limit=5.0).alarm)
    assert np.mean(lengths) == pytest.approx(changes.run_length(5.0, 0.5, 1.0), rel=0.06)
    assert changes.run_length(5.0, 0.5, 0.5) == pytest.approx(changes.run_length(5.0, 0.5, 0.5001), rel=1e-2)


@given(st.dictionaries(st.sampled_from("ABCDE"), st.integers(90, 110), min_size=3), st.integers(1, 1000))
def test_a_source_is_held_against_the_median_of_the_others(prices, limit):
    found = changes.cross_sources(prices, limit)
    for name, price in prices.items():
        rest = sorted(value for other, value in prices.items() if other != name)
        middle = (
            rest[len(rest) // 2] if len(rest) % 2 else (rest[len(rest) // 2 - 1] + rest[len(rest) // 2]) / 2
        )
        assert found.deviations[name] == pytest.approx((price / middle - 1) * 1e4)
        assert (name in found.flagged) == (abs(found.deviations[name]) > limit)


def test_robust_scores_and_feeds():
    found = changes.robust_scores([1.0, 1.0, 1.0, 1.0, 9.0])
    assert found.deviation == 0.0 and found.flagged == (4,)  # 8 over 1.2533 times a mean of 1.6
    assert found.scores[4] == pytest.approx(8 / (1.2533 * 1.6))
    assert changes.frozen([5.0] * 4, count=4, reference_bps=-30, least_bps=20)
    assert not changes.frozen([5.0] * 3, count=4, reference_bps=90, least_bps=20)
    assert changes.stale(100.0, [99.0, 60.0], 30.0) == [False, True]
    for call in (
        lambda: changes.robust_scores([1.0, 1.0]),
        lambda: changes.cross_sources({"A": 1.0, "B": 2.0}, 10.0),
        lambda: changes.run_length_posteriors([1.0], hazard=0.0, mean=0.0, weight=1.0, variance=1.0),
        lambda: attribution.roots_and_paths([("a", "b")], "c"),
    ):
        with pytest.raises(InputError):
            call()


def test_roots_are_what_nothing_causes_and_chains_are_simple():
    edges = [("a", "b"), ("b", "c"), ("c", "b"), ("d", "c")]
    roots, paths = attribution.roots_and_paths(edges, "c")
    assert roots == ["a", "d"] and paths["a"] == [["a", "b", "c"]] and paths["d"] == [["d", "c"]]
