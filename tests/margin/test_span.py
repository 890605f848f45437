"""SPAN's arrays and charges against a plain model, and what must hold of any portfolio."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.margin.portfolio.span import (
    SpanContract,
    SpanRules,
    composite_delta,
    points_of,
    risk_array,
    span_margin,
)
from tests.oracles.portfolio_margin import black, phi

RULES = SpanRules(
    price_scan_e9=6_000 * 10**9,
    vol_scan_ppb=10**8,
    intermonth_e9=900 * 10**9,
    short_option_minimum_e9=300 * 10**9,
)
DECIMALS = 8
UNIT = 10**DECIMALS


def contract(name, month, strike=None, call=True, price=60_000.0, years=0.1, vol=0.6):
    if strike is None:
        return SpanContract(name=name, kind="future", month=month, price=price)
    return SpanContract(
        name=name, kind="option", month=month, price=price, strike=strike, years=years, vol=vol, is_call=call
    )


MAR, JUN = contract("MAR", "MAR"), contract("JUN", "JUN", price=61_000.0)
CALL, PUT = contract("C", "MAR", 66_000.0), contract("P", "MAR", 54_000.0, call=False)


@pytest.mark.parametrize("option", [CALL, PUT, contract("D", "JUN", 30_000.0, years=0.5, vol=1.2)])
def test_arrays_and_deltas_are_those_of_a_plain_model(option):
    years, ahead = option.years, 1 / 365
    today = black(option.price, option.strike, years, option.vol, option.is_call)
    want, deltas = [], []
    for thirds in (0, 1, -1, 2, -2, 3, -3):
        price = option.price + thirds * 2_000
        for shift in (0.1, -0.1):
            want.append(
                today - black(price, option.strike, years - ahead, option.vol + shift, option.is_call)
            )
        d1 = (
            math.log(price / option.strike) / (option.vol * math.sqrt(years))
            + option.vol * math.sqrt(years) / 2
        )
        deltas.append(phi(d1) - (0 if option.is_call else 1))
    for move in (18_000, -18_000):
        moved = black(option.price + move, option.strike, years - ahead, option.vol, option.is_call)
        want.append((today - moved) * 0.33)
    got = risk_array(option, RULES, decimals=DECIMALS)
    assert [value / UNIT for value in got] == pytest.approx(want, rel=1e-9, abs=2e-8)
    weights = (0.27, 0.217, 0.217, 0.11, 0.11, 0.037, 0.037)
    mean = sum(weight * delta for weight, delta in zip(weights, deltas)) / sum(weights)
    assert float(composite_delta(option, RULES)) == pytest.approx(mean, rel=1e-9)


sizes = st.lists(st.integers(-20, 20), min_size=4, max_size=4)


@settings(max_examples=30, deadline=None)
@given(sizes, st.integers(2, 5))
def test_requirements_scale_and_parts_add_up(held, times):
    listed = (MAR, JUN, CALL, PUT)
    once = span_margin(list(zip(listed, held)), RULES, decimals=DECIMALS)
    more = span_margin([(entry, size * times) for entry, size in zip(listed, held)], RULES, decimals=DECIMALS)
    assert more.scan_atoms == times * once.scan_atoms
    assert abs(more.intermonth_atoms - times * once.intermonth_atoms) <= times
    assert more.minimum_atoms == times * once.minimum_atoms
    assert once.risk_atoms == max(once.scan_atoms + once.intermonth_atoms, once.minimum_atoms)
    assert once.requirement_atoms == once.risk_atoms - once.option_value_atoms
    assert once.scan_atoms == max(0, *once.losses_atoms)
    assert once.losses_atoms[once.active_scenario - 1] == max(once.losses_atoms)


def test_a_calendar_spread_pays_for_the_spread_and_not_for_the_scan():
    found = span_margin([(MAR, 5), (JUN, -5)], RULES, decimals=DECIMALS)
    assert found.scan_atoms == 0 and found.spreads == 5
    assert found.risk_atoms == 5 * 900 * UNIT


def test_an_account_that_holds_nothing_is_asked_for_nothing():
    found = span_margin([(MAR, 0)], RULES, decimals=DECIMALS)
    assert found.requirement_atoms == 0 and found.weighted_price_risk == 0


def test_a_range_wider_than_the_price_is_refused():
    wide = SpanRules(price_scan_e9=25_000 * 10**9, vol_scan_ppb=10**8)
    with pytest.raises(InputError, match="no positive price"):
        risk_array(CALL, wide, decimals=DECIMALS)
    with pytest.raises(InputError, match="worth"):
        points_of(Fraction(1), value_per_point=Fraction(0))


def test_price_risk_is_the_mean_of_a_scenario_and_its_pair_less_time_risk():
    """A short straddle at a small range: volatility up is the active scenario, volatility down its pair."""
    rules = SpanRules(price_scan_e9=60 * 10**9, vol_scan_ppb=10**8, extreme_cover_ppb=0)
    straddle = [(contract("C0", "MAR", 60_000.0), -1), (contract("P0", "MAR", 60_000.0, call=False), -1)]
    found = span_margin([*straddle, (MAR, -2)], rules, decimals=DECIMALS)
    losses = found.losses_atoms
    assert found.active_scenario % 2 == 1 and found.active_scenario < 15
    active = found.active_scenario - 1
    mean = Fraction(losses[active] + losses[active + 1], 2)
    assert found.adjusted_scan == mean and found.price_risk == mean - Fraction(losses[0] + losses[1], 2)
    assert found.weighted_price_risk == max(found.price_risk / abs(found.net_delta), 0)


def test_only_short_options_are_counted_by_the_minimum():
    found = span_margin([(CALL, -3), (PUT, 5), (MAR, -9)], RULES, decimals=DECIMALS)
    assert found.minimum_atoms == 3 * 300 * UNIT
