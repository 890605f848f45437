"""Add-ons, anti-procyclicality and dynamic margin: what must always be so."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.calibrate import addons, dynamic, procyclical
from seawall.calibrate.dynamic import DynamicRule
from seawall.errors import InputError

PATHS = st.lists(st.floats(1.0, 1000.0), min_size=4, max_size=40)


@given(notional=st.floats(1e3, 1e10), volume=st.floats(1e6, 1e11), vol=st.floats(0.001, 0.3))
def test_four_times_the_size_moves_the_price_twice_as_far_and_costs_eight_times(notional, volume, vol):
    one, four = (addons.impact(n, volume, vol) for n in (notional, 4 * notional))
    assert four == pytest.approx(2 * one)
    costs = [addons.liquidity_addon(n, volume, vol) for n in (notional, 4 * notional)]
    assert costs[1] == pytest.approx(8 * costs[0])


@given(days=st.integers(1, 60), volume=st.integers(1_000, 10**9))
def test_just_what_may_be_sold_in_so_many_days_takes_so_many(days, volume):
    period = addons.close_out(days * volume * 0.5, float(volume), 0.5)
    assert period.days == days
    assert period.factor == pytest.approx(math.sqrt(sum((k / days) ** 2 for k in range(1, days + 1))))


def test_a_small_position_pays_nothing_for_concentration_and_the_whole_market_most():
    terms = {"margin": 100.0, "open_interest": 1e6, "threshold": 0.05, "slope": 2.0}
    assert addons.concentration_addon(5e4, **terms) == 0.0
    assert addons.concentration_addon(1e5, **terms) == pytest.approx(10.0)
    assert addons.concentration_addon(9e6, **terms) == pytest.approx(190.0)


@given(base=PATHS, buffer=st.floats(0.0, 1.0), step=st.floats(0.0, 0.5), trigger=st.floats(0.0, 0.5))
def test_a_buffer_is_never_below_the_base_nor_above_what_was_meant(base, buffer, step, trigger):
    path = procyclical.with_buffer(base, buffer=buffer, release_rise=trigger, rebuild_step=step)
    assert (path >= np.array(base)).all()
    assert (path <= np.array(base) * (1 + buffer) * (1 + 1e-12)).all()
    assert procyclical.shortfall(path, base) == 0.0


def test_a_buffer_is_given_up_when_the_base_jumps_and_comes_back_slowly():
    path = procyclical.with_buffer([100, 115, 115, 115], buffer=0.25, release_rise=0.1, rebuild_step=0.05)
    assert path.tolist() == pytest.approx([125.0, 125.0, 131.25, 137.8125])


@given(base=PATHS, stressed=st.floats(1.0, 1000.0), floor=st.floats(0.0, 500.0))
def test_a_stress_weight_and_a_floor_only_calm(base, stressed, floor):
    calm = procyclical.cyclicality(base).peak_to_trough
    weighted = procyclical.stress_weighted(base, stressed)
    assert procyclical.cyclicality(weighted).peak_to_trough <= calm * (1 + 1e-12)
    floored = procyclical.with_floor(base, floor)
    assert procyclical.cyclicality(floored).peak_to_trough <= calm * (1 + 1e-12)
    assert floored.min() >= floor


RULES = st.builds(
    DynamicRule, max_rise=st.floats(0.0, 1.0), max_fall=st.floats(0.0, 0.9), floor=st.floats(0.001, 0.01)
)


@given(rule=RULES, vols=st.lists(st.floats(0.0, 0.5), min_size=2, max_size=30))
def test_what_is_in_force_was_published_a_step_before_and_moved_no_further_than_allowed(rule, vols):
    steps = dynamic.dynamic_path(rule, vols, [1e9] * len(vols), notional=1e6)
    for before, after in pairwise(steps):
        assert after.now == before.next
        assert after.now <= before.now * (1 + rule.max_rise) * (1 + 1e-12)
        assert after.now >= before.now * (1 - rule.max_fall) * (1 - 1e-12)
    for step in steps:
        assert rule.floor <= step.target <= rule.cap
        assert step.held_back == (step.next < step.target)


@given(vol=st.floats(0.0, 0.4), more=st.floats(0.0, 0.2), depth=st.floats(0.02, 1.0))
def test_less_depth_or_more_volatility_never_asks_for_less(vol, more, depth):
    rule = DynamicRule()
    base = dynamic.target_rate(rule, daily_vol=vol, notional=1e7, daily_volume=1e9)
    assert dynamic.target_rate(rule, daily_vol=vol + more, notional=1e7, daily_volume=1e9) >= base
    assert dynamic.target_rate(rule, daily_vol=vol, notional=1e7, daily_volume=1e9, depth=depth) >= base


def test_a_floor_above_the_cap_is_refused_with_both():
    with pytest.raises(InputError, match=r"floor 0\.6 is above cap 0\.5"):
        dynamic.target_rate(DynamicRule(floor=0.6), daily_vol=0.1, notional=1.0, daily_volume=1.0)
