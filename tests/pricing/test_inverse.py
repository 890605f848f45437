"""Options paid in coin, Deribit's conventions, and what settlement pays."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.pricing.deribit import deribit_ticker, deribit_years
from seawall.pricing.inverse import inverse_greeks, inverse_payoff, inverse_price, linear_payoff
from tests.kernels.black_oracle import oracle


@pytest.mark.parametrize("call", [True, False])
@pytest.mark.parametrize("f", [2000.0, 3000.0, 4500.0])
def test_coin_greeks_are_the_derivatives_of_the_coin_price(f: float, call: bool):
    k, t, v = 3000.0, 0.25, 0.7
    found = inverse_greeks(f, k, t, v, call)
    with mp.workdps(60):

        def coin(forward, years, vol):
            return oracle(forward, mp.mpf(k), years, vol, call) / forward

        point = tuple(mp.mpf(value) for value in (f, t, v))
        for name, which, sign in (
            ("slope", (1, 0, 0), 1),
            ("gamma", (2, 0, 0), 1),
            ("vega", (0, 0, 1), 1),
            ("theta_year", (0, 1, 0), -1),
        ):
            assert getattr(found, name) == pytest.approx(float(sign * mp.diff(coin, point, which)), rel=1e-11)
    assert found.net_transaction_delta == pytest.approx(float(found.delta - found.price), rel=1e-15)


@given(st.floats(100, 1e6), st.floats(0.3, 3), st.floats(0, 2), st.floats(0, 3))
def test_parity_in_coin_and_a_call_below_one_coin(f: float, moneyness: float, t: float, v: float):
    k = f * moneyness
    call, put = (float(inverse_price(f, k, t, v, side)) for side in (True, False))
    assert call - put == pytest.approx(1.0 - k / f, abs=1e-13)
    assert 0.0 <= call <= 1.0 and put >= 0.0


def test_a_put_has_no_bound_in_coin():
    assert inverse_price(1.0, 1e6, 0.1, 0.5, False) > 900_000.0


@pytest.mark.parametrize("call", [True, False])
def test_selling_the_net_transaction_delta_keeps_the_dollars_of_a_buyer(call: bool):
    """One option bought for coin, its net transaction delta sold: nothing is left at first order."""
    f, k, t, v = 60_000.0, 65_000.0, 0.1, 0.6
    here = inverse_greeks(f, k, t, v, call)

    def dollars(now: float) -> float:
        gained = (float(inverse_price(now, k, t, v, call)) - float(here.price)) * now
        return gained - float(here.net_transaction_delta) * (now - f)

    slope = (dollars(f + 1.0) - dollars(f - 1.0)) / 2.0
    assert abs(slope) < 1e-6 < 1e-3 * abs(float(here.net_transaction_delta))


def test_settlement_pays_the_published_example():
    # Deribit, inverse options: a 100,000 call settles at 125,000 and pays 0.2 coin, worth 25,000.
    assert inverse_payoff(125_000.0, 100_000.0, True) == 0.2
    assert linear_payoff(125_000.0, 100_000.0, True) == 25_000.0
    assert inverse_payoff([50.0, 200.0], 100.0, False).tolist() == [1.0, 0.0]


@given(st.floats(1, 1e6), st.floats(0, 1e6), st.booleans())
def test_at_expiry_the_price_is_the_payoff(s: float, k: float, call: bool):
    assert float(inverse_price(s, k, 0.0, 0.5, call)) == float(inverse_payoff(s, k, call))


def test_deribits_own_ticker_is_met_within_its_rounding():
    """BTC-27MAR26-92000-P, its public ticker of 2025-12-30; the vol it prints is rounded to 0.01 points."""
    found = deribit_ticker(89559.35, 92000.0, 7482524.055819, 0.4123, False)
    assert found.mark_price == pytest.approx(0.09543596, abs=2e-5)
    assert found.delta == pytest.approx(-0.51353, abs=5e-4)
    assert found.vega_per_point == pytest.approx(173.9192, abs=0.15)
    assert deribit_years(365 * 86_400) == 1.0


@pytest.mark.parametrize("forward", [0.0, -1.0, np.nan, np.inf])
def test_a_forward_of_nothing_is_refused(forward: float):
    with pytest.raises(InputError, match="forward"):
        inverse_greeks(forward, 100.0, 1.0, 0.5, True)
    with pytest.raises(InputError, match="settlement"):
        inverse_payoff([100.0, forward], 100.0, True)
