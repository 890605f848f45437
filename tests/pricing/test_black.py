"""Prices and Greeks on forwards and spots: published values, derivatives of the oracle, refused inputs."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.pricing.black import black_greeks, black_higher_greeks, black_price
from seawall.pricing.spot import spot_greeks, spot_price
from tests.kernels.black_oracle import oracle

# Haug, The Complete Guide to Option Pricing Formulas (1998): S, K, rate, yield, years, vol, call, printed.
HAUG = [
    (60.0, 65.0, 0.08, 0.00, 0.25, 0.30, True, 2.1334),
    (100.0, 95.0, 0.10, 0.05, 0.50, 0.20, False, 2.4648),
    (19.0, 19.0, 0.10, 0.10, 0.75, 0.28, False, 1.7011),
    (1.56, 1.60, 0.06, 0.08, 0.50, 0.12, True, 0.0291),
    (42.0, 40.0, 0.04, 0.08, 0.75, 0.35, True, 5.0975),
]
# The same book, pp. 11-16: Greek, S, K, rate, yield, years, vol, call, printed value.
HAUG_GREEKS = [
    ("delta", 105.0, 100.0, 0.10, 0.10, 0.50, 0.36, True, 0.5946),
    ("delta", 105.0, 100.0, 0.10, 0.10, 0.50, 0.36, False, -0.3566),
    ("elasticity", 105.0, 100.0, 0.10, 0.10, 0.50, 0.36, False, -4.8775),
    ("gamma", 55.0, 60.0, 0.10, 0.00, 0.75, 0.30, True, 0.0278),
    ("vega", 55.0, 60.0, 0.10, 0.00, 0.75, 0.30, True, 18.9358),
    ("theta_year", 430.0, 405.0, 0.07, 0.05, 1 / 12, 0.20, False, -31.1924),
    ("rho", 72.0, 75.0, 0.09, 0.00, 1.00, 0.19, True, 38.7325),
    ("dividend_rho", 500.0, 490.0, 0.08, 0.05, 0.25, 0.15, False, 42.2254),
]


@pytest.mark.parametrize("row", HAUG, ids=str)
def test_published_prices(row):
    s, k, r, q, t, v, call, printed = row
    assert spot_price(s, k, t, v, call, rate=r, dividend_yield=q) == pytest.approx(printed, abs=5.1e-5)


@pytest.mark.parametrize("row", HAUG_GREEKS, ids=str)
def test_published_greeks(row):
    name, s, k, r, q, t, v, call, printed = row
    found = spot_greeks(s, k, t, v, call, rate=r, dividend_yield=q)
    assert getattr(found, name) == pytest.approx(printed, abs=5.1e-5)


def spot_oracle(s, k, t, v, r, q, call):
    return mp.exp(-r * t) * oracle(s * mp.exp((r - q) * t), k, t, v, call)


@pytest.mark.parametrize("call", [True, False])
@pytest.mark.parametrize("s", [80.0, 100.0, 130.0])
def test_spot_greeks_are_the_derivatives_of_the_oracle(s: float, call: bool):
    point = (s, 100.0, 0.7, 0.45, 0.06, 0.02)
    s_, k, t, v, r, q = point
    found = spot_greeks(s_, k, t, v, call, rate=r, dividend_yield=q)
    orders = {"delta": (0, 1, 1), "gamma": (0, 2, 1), "theta_year": (2, 1, -1), "vega": (3, 1, 1)}
    orders |= {"rho": (4, 1, 1), "dividend_rho": (5, 1, 1)}
    with mp.workdps(60):
        exact = [mp.mpf(value) for value in point]
        for name, (place, order, sign) in orders.items():
            which = tuple(order if position == place else 0 for position in range(6))
            true = sign * mp.diff(lambda *at: spot_oracle(*at, call), tuple(exact), which)
            assert getattr(found, name) == pytest.approx(float(true), rel=1e-12), name


@pytest.mark.parametrize("call", [True, False])
def test_discounted_greeks_on_a_forward_are_the_derivatives_of_the_oracle(call: bool):
    f, k, t, v, r = 105.0, 100.0, 0.5, 0.36, 0.1
    found = black_greeks(f, k, t, v, call, rate=r)
    higher = black_higher_greeks(f, k, t, v, call, rate=r)
    undiscounted = black_higher_greeks(f, k, t, v, call)
    with mp.workdps(60):

        def price(forward, years, vol, rate):
            return mp.exp(-rate * years) * oracle(forward, mp.mpf(k), years, vol, call)

        point = tuple(mp.mpf(value) for value in (f, t, v, r))
        for name, which, sign in (
            ("delta", (1, 0, 0, 0), 1), ("gamma", (2, 0, 0, 0), 1), ("vega", (0, 0, 1, 0), 1),
            ("theta_year", (0, 1, 0, 0), -1), ("rho", (0, 0, 0, 1), 1),
        ):  # fmt: skip
            assert getattr(found, name) == pytest.approx(
                float(sign * mp.diff(price, point, which)), rel=1e-12
            )
        true = float(mp.diff(price, point, (1, 0, 1, 0)))
    assert higher.vanna == pytest.approx(true, rel=1e-12)
    assert higher.ultima == pytest.approx(math.exp(-r * t) * float(undiscounted.ultima), rel=1e-14)


def test_results_have_the_broadcast_shape():
    strikes = np.array([[90.0], [100.0], [110.0]])
    vols = np.array([0.3, 0.5])
    found = black_greeks(100.0, strikes, 0.25, vols, [True, False])
    assert found.price.shape == found.rho.shape == (3, 2)
    assert found.price[2, 1] == black_price(100.0, 110.0, 0.25, 0.5, False)
    assert black_price(100.0, strikes, 0.25, vols, True, rate=strikes / 1000).shape == (3, 2)
    assert black_price([], [], [], [], np.array([], np.bool_)).shape == (0,)
    assert black_price(100.0, 100.0, 0.25, 0.3, True).shape == ()


def test_a_strided_or_reversed_array_is_read_as_it_is():
    strikes = np.linspace(50.0, 150.0, 101)
    plain = black_price(100.0, strikes, 0.25, 0.5, True)
    assert black_price(100.0, strikes[::-2], 0.25, 0.5, True).tolist() == plain[::-2].tolist()


@given(st.floats(1, 1e6), st.floats(1, 1e6), st.floats(0, 5), st.floats(0, 3), st.floats(-0.5, 0.5))
def test_call_and_put_differ_by_the_discounted_forward(f: float, k: float, t: float, v: float, r: float):
    call, put = (black_price(f, k, t, v, side, rate=r) for side in (True, False))
    assert call - put == pytest.approx(math.exp(-r * t) * (f - k), abs=1e-14 * max(f, k) * math.exp(2.5))


REFUSED = [
    (dict(forward=math.nan), r"forward\[0\] is nan"),
    (dict(strike=-1.0), r"strike\[0\] is -1"),
    (dict(vol=[0.5, math.inf]), r"vol\[1\] is inf"),
    (dict(years=[1.0, 2.0, -1e-9]), r"years\[2\] is -1e-09"),
    (dict(strike="x"), "strike is 'x'"),
    (dict(is_call="call"), "is_call holds"),
    (dict(is_call=1), "is_call holds int64"),
    (dict(vol=[0.1, 0.2], strike=[1.0, 2.0, 3.0]), "shapes do not fit"),
    (dict(rate=math.inf), r"rate\[0\] is inf"),
    (dict(rate=[0.1, 0.2]), "rate .* for options"),
]


@pytest.mark.parametrize(("wrong", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_bad_inputs_are_refused_with_their_place(wrong, said):
    good = dict(forward=100.0, strike=100.0, years=1.0, vol=0.5, is_call=True)
    for function in (black_price, black_greeks, black_higher_greeks):
        with pytest.raises(InputError, match=said):
            function(**{**good, **wrong})


def test_rates_that_carry_the_forward_out_of_bounds_are_refused():
    with pytest.raises(InputError, match=r"forward\[0\] is inf"):
        spot_price(100.0, 100.0, 1000.0, 0.5, True, rate=1.0)
    with pytest.raises(InputError, match="dividend_yield"):
        spot_greeks(100.0, 100.0, 1.0, 0.5, True, dividend_yield=math.nan)
