"""The time-weighted average: the documented recursion, its limits, and what it refuses."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.market.averages import TimedAverage

TAU = 150.0
samples = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0.001, 1e4)), min_size=1, max_size=20)


def average(rows, tau=TAU):
    state = TimedAverage()
    for value, seconds in rows:
        state = state.add(value, elapsed_seconds=seconds, tau_seconds=tau)
    return state


def test_the_documented_recursion_gives_the_known_value():
    assert average([(1.0, 3.0)] * 100 + [(2.0, 3.0)] * 50).value == pytest.approx(
        1.6652409557748231, rel=1e-14
    )


@given(samples)
@settings(deadline=None)  # the first call compiles
def test_it_is_the_mean_weighted_by_time_and_age(rows):
    ages = [sum(seconds for _, seconds in rows[place + 1 :]) for place in range(len(rows))]
    weights = [seconds * math.exp(-age / TAU) for (_, seconds), age in zip(rows, ages)]
    mean = sum(weight * value for weight, (value, _) in zip(weights, rows)) / sum(weights)
    assert average(rows).value == pytest.approx(mean, rel=1e-9, abs=1e-6)


@given(samples)
@settings(deadline=None)  # the first call compiles
def test_it_stays_between_the_smallest_and_the_largest_sample(rows):
    values = [value for value, _ in rows]
    assert min(values) - 1e-6 <= average(rows).value <= max(values) + 1e-6


@given(value=st.floats(-1e6, 1e6), seconds=st.floats(0.001, 1e6))
@settings(deadline=None)  # the first call compiles
def test_one_sample_is_its_own_average_however_long_it_stood(value, seconds):
    assert average([(value, seconds)]).value == pytest.approx(value, rel=1e-12, abs=1e-300)


def test_a_sample_that_stood_for_no_time_weighs_nothing():
    before = average([(5.0, 10.0)])
    assert before.add(1e9, elapsed_seconds=0.0, tau_seconds=TAU) == before


def test_no_sample_has_no_average_and_bad_times_are_refused():
    with pytest.raises(InputError, match="no sample"):
        _ = TimedAverage().value
    for elapsed, tau in ((-1.0, TAU), (1.0, 0.0)):
        with pytest.raises(InputError, match="tau"):
            TimedAverage().add(1.0, elapsed_seconds=elapsed, tau_seconds=tau)
