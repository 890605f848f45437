"""Implied vol: against 60 digits, the kinds of prices that have none, and the two ways to an answer."""

from __future__ import annotations

import math
import random

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.kernels import implied
from seawall.kernels.black import black_price
from seawall.kernels.greeks import black_greeks
from seawall.kernels.implied import careful, implied_lane, implied_vol, implied_vol_array
from tests.kernels.black_oracle import DIGITS, Option, drawn, oracle

NAN, INF = math.nan, math.inf


def true_vol(option: Option, price: float) -> mp.mpf:
    """The vol of exactly this float of a price, by Newton on the logarithm at 60 digits."""
    f, k, t, v = (mp.mpf(value) for value in option[:4])
    inside = max(f - k, 0) if option.is_call else max(k - f, 0)
    target = mp.mpf(price) - inside
    call = f < k  # the side without intrinsic value
    for _ in range(60):
        value = oracle(f, k, t, v, call)
        d1 = mp.log(f / k) / (v * mp.sqrt(t)) + v * mp.sqrt(t) / 2
        slope = f * mp.npdf(d1) * mp.sqrt(t) / value
        move = mp.log(value / target) / slope
        v -= move
        if abs(move) < mp.mpf(10) ** -45 * v:
            return v
    raise AssertionError(f"the oracle did not settle: {option}")


def condition(option: Option, price: float) -> float:
    """How many units in the last place of the vol one of the price is worth."""
    vega = black_greeks(*option)[3]
    return price / (vega * option.vol) if vega > 0.0 else INF


def checked(options: list[Option]) -> list[float]:
    """Relative errors; every one within the larger of 1e-13 and four units of the condition."""
    errors = []
    with mp.workdps(DIGITS):
        for option in options:
            price = black_price(*option)
            size = condition(option, price)
            if price < 1e-290 * min(option.forward, option.strike) or size > 1e10:
                continue
            vol, status = implied_vol(price, option.forward, option.strike, option.years, option.is_call)
            assert status == implied.OK, option
            error = float(abs(mp.mpf(vol) / true_vol(option, price) - 1))
            assert error <= max(1e-13, 4 * 2.0**-52 * size), (option, error, size)
            errors.append(error)
    return errors


def test_out_of_the_money_vols_are_accurate_to_some_units_in_the_last_place():
    errors = sorted(checked(drawn(700, 11, out_of_the_money=True)))
    assert len(errors) > 600
    assert errors[-len(errors) // 100] <= 1e-14 and errors[-1] <= 5e-14


def test_in_the_money_vols_are_as_accurate_as_the_price_allows():
    assert len(checked(drawn(400, 12))) > 200


def test_odd_corners_are_settled_too():
    """Nearly at the money with next to no time, and with so much vol that the price is all but its bound."""
    chance = random.Random(13)
    options = []
    for _ in range(400):
        x = chance.choice((0.0, 10.0 ** chance.uniform(-16, 1.2)))
        options.append(Option(1.0, math.exp(x), 1.0, 10.0 ** chance.uniform(-8, 0.7), True))
    assert len(checked(options)) > 150


def test_both_ways_agree():
    for option in drawn(400, 14, out_of_the_money=True):
        price = black_price(*option)
        given_ = (price, option.forward, option.strike, option.years, option.is_call)
        vol, status = careful(*given_)
        if status == implied.OK and vol > 0.0:
            assert implied_vol(*given_)[0] == pytest.approx(vol, rel=2e-14)


def test_nearly_every_option_is_settled_by_the_two_steps():
    options = [option for option in drawn(4000, 15, out_of_the_money=True) if option.h < 30]
    left = 0
    for option in options:
        price = black_price(*option)
        if price > 1e-290 * min(option.forward, option.strike) and option.deviation < 5:
            change = implied_lane(price, option.forward, option.strike, option.years, option.is_call)[1]
            left += not change <= implied.SETTLED
    assert left <= len(options) // 500


@pytest.mark.parametrize(
    ("given_", "status"),
    [
        ((-1e-9, 100.0, 100.0, 1.0, True), implied.BELOW_INTRINSIC),
        ((9.999, 100.0, 90.0, 1.0, True), implied.BELOW_INTRINSIC),
        ((100.0, 100.0, 90.0, 1.0, True), implied.ABOVE_MAXIMUM),
        ((90.0, 100.0, 90.0, 1.0, False), implied.ABOVE_MAXIMUM),
        ((100.0, 100.0, 90.0, 0.0, True), implied.ABOVE_MAXIMUM),
        ((5.0, 100.0, 100.0, 0.0, True), implied.NO_TIME),
        ((5.0, 100.0, 100.0, -1.0, True), implied.NO_TIME),
        ((5.0, 100.0, 100.0, INF, True), implied.NO_TIME),
        ((1e-305, 1.0, 2.0, 1.0, True), implied.TOO_SMALL),
        ((NAN, 100.0, 100.0, 1.0, True), implied.UNDEFINED),
        ((5.0, NAN, 100.0, 1.0, True), implied.UNDEFINED),
        ((5.0, 100.0, NAN, 1.0, True), implied.UNDEFINED),
        ((5.0, 100.0, 100.0, NAN, True), implied.UNDEFINED),
        ((5.0, INF, 100.0, 1.0, True), implied.UNDEFINED),
        ((INF, 100.0, 100.0, 1.0, True), implied.UNDEFINED),
        ((0.0, 0.0, 100.0, 1.0, True), implied.UNDEFINED),
        ((0.0, -5.0, 100.0, 1.0, True), implied.UNDEFINED),
        ((-1.0, -5.0, -4.0, 1.0, True), implied.UNDEFINED),
        ((10.0, 100.0, 90.0, 1.0, True), implied.OK),
    ],
)
def test_a_price_without_a_vol_says_why_and_gets_0(given_: tuple[float, ...], status: int):
    assert implied_vol(*given_) == (0.0, status)


@given(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(allow_nan=True, allow_infinity=True),
    st.booleans(),
)
def test_any_floats_give_a_finite_vol_or_0(price: float, f: float, k: float, t: float, call: bool):
    vol, status = implied_vol(price, f, k, t, call)
    assert math.isfinite(vol) and vol >= 0.0
    assert status == implied.OK or vol == 0.0


@given(st.floats(0.01, 100), st.floats(1e-4, 5), st.floats(0.02, 3), st.floats(1e-9, 0.2), st.booleans())
def test_a_dearer_option_has_no_smaller_vol(k: float, t: float, v: float, more: float, call: bool):
    price = black_price(1.0, k, t, v, call)
    vol, status = implied_vol(price, 1.0, k, t, call)
    dearer, above = implied_vol(price * (1.0 + more), 1.0, k, t, call)
    if status == above == implied.OK:
        assert dearer >= vol * (1.0 - 1e-13)


@pytest.mark.parametrize("size", [1, 3, 8, 17, 2050])
def test_arrays_are_the_scalars_to_the_last_bit(size: int):
    options = drawn(size, size)
    prices = [black_price(*option) for option in options]
    prices[::5] = [NAN, -1.0, 1e12][size % 3 : size % 3 + 1] * len(prices[::5])
    columns = [
        np.array(column) for column in zip(*[(p, o[0], o[1], o[2], o[4]) for p, o in zip(prices, options)])
    ]
    vol, status, room = np.empty(size), np.empty(size, np.int8), np.empty((6, implied.BLOCK))
    implied_vol_array(*columns, vol, status, room)
    singly = [implied_vol(p, o[0], o[1], o[2], o[4]) for p, o in zip(prices, options)]
    assert list(zip(vol.tolist(), status.tolist())) == singly
