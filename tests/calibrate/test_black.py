"""Black and its inverse against forty digits."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.calibrate.black import black_price, implied_deviation, implied_vol, otm_price, vega
from seawall.errors import InputError


def exact(forward, strike, deviation, is_call):
    with mp.workdps(40):
        x = mp.log(mp.mpf(forward) / mp.mpf(strike))
        d1 = x / deviation + mp.mpf(deviation) / 2
        side = 1 if is_call else -1
        return side * (forward * mp.ncdf(side * d1) - strike * mp.ncdf(side * (d1 - deviation)))


@given(
    st.sampled_from([(0.01, 0.1), (0.1, 1.0), (1.0, 5.0)]).flatmap(lambda span: st.floats(*span)),
    st.floats(-3.0, 3.0),
    st.booleans(),
)
def test_prices_and_vols_against_forty_digits(deviation, moves, is_call):
    strike = float(100.0 * np.exp(moves * deviation))
    price = float(black_price(100.0, strike, deviation, is_call))
    assert price == pytest.approx(float(exact(100.0, strike, deviation, is_call)), rel=1e-11)
    otm = float(otm_price(100.0, strike, deviation))
    assert float(implied_deviation(otm, 100.0, strike)[0]) == pytest.approx(deviation, rel=1e-11)


def test_a_price_without_a_vol_has_none_and_says_why_where_one_is_asked_for():
    prices, strikes = np.array([0.0, -1.0, 200.0, 5.0]), np.array([90.0, 90.0, 90.0, 105.0])
    deviation, found = implied_deviation(prices, 100.0, strikes)
    assert list(found) == [False, False, False, True] and list(deviation[:3]) == [0.0, 0.0, 0.0]
    with pytest.raises(InputError, match="is not between"):
        implied_vol(9.0, 100.0, 90.0, 0.5, is_call=True)
    assert implied_vol(12.0, 100.0, 90.0, 0.5, is_call=True) > 0.0


def test_no_time_and_no_vol_give_the_payoff():
    assert black_price(100.0, np.array([90.0, 100.0, 110.0]), 0.0, True) == pytest.approx([10.0, 0.0, 0.0])
    assert np.isfinite(vega(100.0, 90.0, 0.0))
