"""The same numbers as SciPy and, where it is installed, QuantLib. Neither is needed to run Seawall."""

from __future__ import annotations

import numpy as np
import pytest

from seawall.pricing.black import black_greeks, black_price
from seawall.pricing.implied import implied_vols
from seawall.pricing.spot import spot_greeks


def market(size: int) -> tuple[np.ndarray, ...]:
    draw = np.random.default_rng(7)
    years, vol = draw.uniform(1 / 8760, 1.5, size), draw.uniform(0.25, 1.5, size)
    forward = draw.uniform(10.0, 1e5, size)
    strike = forward * np.exp(draw.uniform(-3, 3, size) * vol * np.sqrt(years))
    return forward, strike, years, vol, draw.random(size) < 0.5


def test_prices_are_scipys():
    special = pytest.importorskip("scipy.special")
    f, k, t, v, call = market(20_000)
    s = v * np.sqrt(t)
    d1 = np.log(f / k) / s + 0.5 * s
    c = np.where(call, 1.0, -1.0)
    theirs = c * (f * special.ndtr(c * d1) - k * special.ndtr(c * (d1 - s)))
    assert np.abs(black_price(f, k, t, v, call) - theirs).max() <= 1e-14 * max(f.max(), k.max())


def test_prices_greeks_and_vols_are_quantlibs():
    ql = pytest.importorskip("QuantLib")
    rate, dividend = 0.07, 0.02
    for f, k, t, v, call in zip(*market(300)):
        kind = ql.Option.Call if call else ql.Option.Put
        ours = black_price(f, k, t, v, bool(call))
        assert ours == pytest.approx(ql.blackFormula(kind, k, f, v * t**0.5), abs=1e-14 * max(f, k))
        forward = f * np.exp((rate - dividend) * t)
        payoff = ql.PlainVanillaPayoff(kind, k)
        calculator = ql.BlackCalculator(payoff, forward, v * t**0.5, np.exp(-rate * t))
        found = spot_greeks(f, k, t, v, bool(call), rate=rate, dividend_yield=dividend)
        size = max(f, k)
        assert found.price == pytest.approx(calculator.value(), abs=1e-13 * size)
        assert found.delta == pytest.approx(calculator.delta(f), abs=1e-12)
        assert found.gamma == pytest.approx(calculator.gamma(f), rel=1e-10, abs=1e-15)
        assert found.vega == pytest.approx(calculator.vega(t), rel=1e-10, abs=1e-12 * size)
        assert found.theta_year == pytest.approx(calculator.theta(f, t), rel=1e-9, abs=1e-11 * size)
        assert found.rho == pytest.approx(calculator.rho(t), rel=1e-10, abs=1e-12 * size)
        assert found.dividend_rho == pytest.approx(calculator.dividendRho(t), rel=1e-10, abs=1e-12 * size)


def test_our_vols_give_back_the_prices_they_came_from():
    f, k, t, v, _ = market(20_000)
    call = f < k
    price = black_price(f, k, t, v, call)
    found = implied_vols(price, f, k, t, call)
    assert found.ok.all()
    assert np.abs(found.vol / v - 1.0).max() <= 1e-13
    again = black_greeks(f, k, t, found.vol, call).price
    assert np.abs(again / price - 1.0).max() <= 1e-11
