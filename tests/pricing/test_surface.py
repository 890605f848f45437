"""A surface: interpolation in time, and a verdict per action as prices have."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.market.policy import Action, Condition
from seawall.pricing.ssvi import PowerLaw, to_raw
from seawall.pricing.surface import (
    ACTIONS,
    YEAR_NS,
    Smile,
    SurfaceCondition,
    SurfacePolicy,
    SurfaceVerdict,
    calendar_gap,
    make_surface,
    read,
    read_strip,
    static_faults,
)
from seawall.pricing.svi import RawSvi, total_variance

HOUR = 3_600_000_000_000
START = 1_700_000_000_000_000_000
LAW = PowerLaw(eta=1.0, gamma=0.45, rho=-0.3)
STRICT = SurfacePolicy(max_age_ns=HOUR)


def smile(days, theta, **changes):
    told = {
        "expiry_ns": START + days * 24 * HOUR,
        "observed_ns": START,
        "svi": to_raw(LAW.slice_at(theta)),
        "low_k": -0.6,
        "high_k": 0.6,
        "quotes": 20,
        "rmse_vol": 0.002,
        "half_spread_vol": 0.004,
    }
    return Smile(**{**told, **changes})


SURFACE = make_surface((smile(7, 0.007), smile(30, 0.03), smile(90, 0.08)))


def ask(surface=SURFACE, policy=STRICT, *, strike=100.0, days=30, now_ns=START, action=Action.VALUE):
    return read(
        surface,
        policy,
        forward=100.0,
        strike=strike,
        expiry_ns=START + int(days * 24 * HOUR),
        now_ns=now_ns,
        action=action,
    )


def test_actions_and_shared_bits_are_those_of_prices():
    assert len(Action) == ACTIONS
    for name in ("MISSING", "STALE", "DIVERGENT", "WIDE"):
        assert SurfaceCondition[name] == Condition[name]


@pytest.mark.parametrize("strike", [70.0, 100.0, 140.0])
def test_at_its_own_expiry_a_smile_gives_its_own_vol(strike):
    found = ask(strike=strike)
    w = total_variance(SURFACE.smiles[1].svi, np.array([np.log(strike / 100.0)]))[0]
    assert found.vol == pytest.approx(np.sqrt(w * 365 / 30), rel=1e-13)
    assert found.verdict == SurfaceVerdict.USE and found.reason == "good" and found.uncertainty_vol == 0.0


@given(st.floats(60.0, 170.0), st.floats(0.5, 200.0), st.floats(0.01, 100.0))
def test_total_variance_never_falls_with_expiry(strike, first, further):
    near, far = (ask(strike=strike, days=days) for days in (first, first + further))
    assert near.vol**2 * first <= far.vol**2 * (first + further) * (1 + 1e-12)
    assert not near.conditions & SurfaceCondition.CALENDAR


def test_between_expiries_total_variance_is_linear_in_time():
    w = [float(total_variance(one.svi, np.zeros(1))[0]) for one in SURFACE.smiles[:2]]
    found = ask(days=18.5)
    assert found.vol**2 * 18.5 / 365 == pytest.approx(0.5 * (w[0] + w[1]), rel=1e-12)


@pytest.mark.parametrize(("days", "vol_days"), [(2, 7), (300, 90)])
def test_outside_its_expiries_vol_stays_flat_and_says_so(days, vol_days):
    found, edge = ask(days=days), ask(days=vol_days)
    assert found.vol == pytest.approx(edge.vol, rel=1e-12)
    assert found.verdict == SurfaceVerdict.REFUSE and found.reason == "extrapolated"
    lenient = msgspec.structs.replace(STRICT, tolerated=(int(SurfaceCondition.EXTRAPOLATED), 0, 0, 0, 0))
    assert ask(policy=lenient, days=days).verdict == SurfaceVerdict.DEGRADE
    assert ask(policy=lenient, days=days).uncertainty_vol == lenient.degrade_vol
    assert ask(policy=lenient, days=days, action=Action.OPEN).verdict == SurfaceVerdict.REFUSE


def test_half_an_hour_later_the_vol_is_the_same_and_the_variance_left_is_less():
    now, later = ask(), ask(now_ns=START + HOUR // 2)
    assert later.vol == pytest.approx(now.vol, rel=1e-12) and later.verdict == SurfaceVerdict.USE


@pytest.mark.parametrize("age", [HOUR + 1, -1])
def test_quotes_too_old_or_from_the_future_are_stale(age):
    found = ask(now_ns=START + age)
    assert found.reason == "stale" and found.verdict == SurfaceVerdict.REFUSE


@pytest.mark.parametrize(
    ("changes", "condition"),
    [
        ({"quotes": 4}, SurfaceCondition.THIN),
        ({"half_spread_vol": 0.2}, SurfaceCondition.WIDE),
        ({"rmse_vol": 0.1}, SurfaceCondition.POOR_FIT),
        ({"repair_vol": 0.003}, SurfaceCondition.REPAIRED),
        ({"low_k": 0.1}, SurfaceCondition.EXTRAPOLATED),
        ({"svi": RawSvi(a=-0.041, b=0.1331, rho=0.306, m=-0.8793 + 0.3586, sigma=0.4153)}, 0),
    ],
)
def test_what_is_wrong_with_a_smile_is_in_its_reading(changes, condition):
    found = ask(make_surface((smile(30, 0.03, **changes),)))
    assert found.conditions == condition


def test_a_strike_where_the_density_is_negative_is_refused_even_inside_the_quotes():
    vogt = RawSvi(a=-0.041, b=0.1331, rho=0.306, m=0.3586, sigma=0.4153)
    surface = make_surface((smile(365, 0.02, svi=vogt, high_k=2.0),))
    bad, good = ask(surface, strike=100.0 * np.exp(0.88), days=365), ask(surface, strike=100.0, days=365)
    assert bad.conditions == SurfaceCondition.BUTTERFLY and bad.verdict == SurfaceVerdict.REFUSE
    assert good.verdict == SurfaceVerdict.USE
    assert "smile 0: g has its minimum -0.0329 at k = 0.8793" in static_faults(surface)[0]
    assert "leave this expiry out" in static_faults(surface)[0]


def test_where_variance_falls_between_two_smiles_readings_say_calendar():
    surface = make_surface((smile(7, 0.03), smile(30, 0.02)))
    assert ask(surface, days=18).conditions & SurfaceCondition.CALENDAR
    assert "total variance falls" in static_faults(surface)[0]
    assert static_faults(SURFACE) == ()


def test_no_surface_and_an_expired_option_are_refused_whatever_the_policy_tolerates():
    everything = msgspec.structs.replace(STRICT, tolerated=(2**11 - 1,) * 5)
    for found in (
        ask(None, everything),
        ask(make_surface(()), everything),
        ask(policy=everything, days=0),
        ask(policy=everything, now_ns=START + 100 * 24 * HOUR, days=101),
    ):
        assert found.verdict == SurfaceVerdict.REFUSE and found.vol == 0.0
    assert ask(None).reason == "missing" and ask(days=0).reason == "expired"


def test_a_strip_of_strikes_reads_as_its_options_one_by_one():
    strikes = np.array([40.0, 80.0, 100.0, 130.0, 250.0])
    told = {"forward": 100.0, "expiry_ns": START + 20 * 24 * HOUR, "now_ns": START}
    vols, conditions = read_strip(SURFACE, STRICT, strikes=strikes, **told)
    for strike, vol, condition in zip(strikes, vols, conditions):
        one = read(SURFACE, STRICT, strike=float(strike), action=Action.VALUE, **told)
        assert (one.vol, one.conditions) == (vol, condition)
    assert list(conditions != 0) == [True, False, False, False, True]


def test_crossing_wings_are_found_beyond_any_grid():
    early = RawSvi(a=0.01, b=0.2, rho=0.0, m=0.0, sigma=0.1)
    late = RawSvi(a=3.0, b=0.1, rho=0.0, m=0.0, sigma=0.1)
    gap, _ = calendar_gap(early, late)
    assert gap < 0.0


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda: make_surface((smile(30, 0.03), smile(7, 0.01))), "expiries do not rise"),
        (lambda: make_surface((smile(30, 0.03, observed_ns=START + YEAR_NS),)), "after its expiry"),
        (lambda: ask(strike=-5.0), "positive and finite"),
        (lambda: ask(strike=float("nan")), "positive and finite"),
        (lambda: ask(action=9), "Action"),
    ],
)
def test_bad_input_is_refused_with_place_value_and_fix(build, word):
    with pytest.raises(InputError, match=word):
        build()
