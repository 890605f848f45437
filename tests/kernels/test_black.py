"""Black's formula and its Greeks: 60 digits, edges without nan, bounds, and the bits of a vector."""

from __future__ import annotations

import itertools
import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.kernels.black import BLOCK, black_price, black_price_array
from seawall.kernels.greeks import black_greeks, black_greeks_array, black_higher, black_higher_array
from tests.kernels.black_oracle import Option, drawn, oracle, true_price

MONEY = st.floats(1e-6, 1e9)
YEARS = st.one_of(st.just(0.0), st.floats(1e-12, 50.0))
VOL = st.one_of(st.just(0.0), st.floats(1e-9, 20.0))
NAMES = ("vanna", "volga", "charm", "veta", "speed", "zomma", "color", "ultima")


def test_prices_of_the_out_of_the_money_side_are_accurate_relative_to_themselves():
    for option in drawn(2500, 1, out_of_the_money=True):
        true = true_price(option)
        if true > 1e-290:
            error = float(abs(mp.mpf(black_price(*option)) / true - 1))
            assert error <= 3e-15 * (1.0 + option.h**2), option


def test_prices_of_either_side_are_accurate_relative_to_the_forward_or_strike():
    for option in drawn(1500, 2):
        size = max(option.forward, option.strike)
        assert abs(mp.mpf(black_price(*option)) - true_price(option)) <= 1e-15 * size, option


def derivative(option: Option, orders: tuple[int, int, int]) -> mp.mpf:
    """d/dF, d/dT, d/dvol of the oracle, of these orders, by differences at 90 digits."""
    with mp.workdps(90):
        point = tuple(mp.mpf(option[place]) for place in (0, 2, 3))

        def price(forward, years, vol):  # type: ignore[no-untyped-def]
            return oracle(forward, mp.mpf(option.strike), years, vol, option.is_call)

        return mp.diff(price, point, orders)


@pytest.mark.parametrize("seed", range(4))
def test_greeks_are_the_derivatives_of_the_oracle(seed: int):
    for option in drawn(12, 100 + seed):
        if option.h > 8:
            continue
        f, s, t, v = option.forward, option.deviation, option.years, option.vol
        _, delta, gamma, vega, theta = black_greeks(*option)
        higher = dict(zip(NAMES, black_higher(*option[:4])))
        # (value, orders, sign, natural size): errors are relative to the largest term of each.
        phi = float(mp.npdf(-option.h + s / 2))
        density, h2 = f * phi, 1.0 + option.h**2 + s * s
        wanted = [
            (delta, (1, 0, 0), 1, 1.0),
            (gamma, (2, 0, 0), 1, phi / (f * s)),
            (vega, (0, 0, 1), 1, density * math.sqrt(t)),
            (theta, (0, 1, 0), -1, density * v / math.sqrt(t)),
            (higher["vanna"], (1, 0, 1), 1, phi * h2 / v),
            (higher["volga"], (0, 0, 2), 1, density * math.sqrt(t) * h2 / v),
            (higher["charm"], (1, 1, 0), -1, phi * h2 / t),
            (higher["veta"], (0, 1, 1), -1, density * h2 / math.sqrt(t)),
            (higher["speed"], (3, 0, 0), 1, phi * h2 / (f * f * s * s)),
            (higher["zomma"], (2, 0, 1), 1, phi * h2 / (f * s * v)),
            (higher["color"], (2, 1, 0), -1, phi * h2 / (f * s * t)),
            (higher["ultima"], (0, 0, 3), 1, density * math.sqrt(t) * h2 * h2 / v**2),
        ]
        for place, (got, orders, sign, size) in enumerate(wanted):
            true = sign * derivative(option, orders)
            scale = max(size * max(f, option.strike) / f, float(abs(true)))
            assert abs(mp.mpf(got) - true) <= 2e-13 * scale, (place, option)


def test_a_small_delta_keeps_its_digits():
    option = Option(60_000.0, 45_000.0, 7 / 365, 0.55, False)
    with mp.workdps(60):
        true = derivative(option, (1, 0, 0))
        assert abs(mp.mpf(black_greeks(*option)[1]) / true - 1) < 1e-13


@given(MONEY, MONEY, YEARS, VOL, st.booleans())
def test_a_price_keeps_its_bounds_and_parity(f: float, k: float, t: float, v: float, call: bool):
    price = black_price(f, k, t, v, call)
    inside = max(f - k, 0.0) if call else max(k - f, 0.0)
    assert inside <= price <= (f if call else k) * (1.0 + 1e-15)
    assert price - black_price(f, k, t, v, not call) == pytest.approx(
        f - k if call else k - f, abs=4e-16 * max(f, k)
    )


@given(MONEY, MONEY, YEARS, VOL, st.floats(0, 3), st.booleans())
def test_more_vol_never_costs_less(f: float, k: float, t: float, v: float, more: float, call: bool):
    low, high = black_price(f, k, t, v, call), black_price(f, k, t, v + more, call)
    assert high >= low * (1.0 - 1e-11)


EXTREMES = (0.0, 5e-324, 1e-310, 1e-200, 1e-20, 1.0, 50.0, 1e20, 1e200, 1.7e308)


def test_no_nan_at_any_extreme_of_finite_inputs():
    with np.errstate(all="ignore"):
        for f, k, t, v in itertools.product(EXTREMES, repeat=4):
            for call in (True, False):
                price = black_price(f, k, t, v, call)
                assert 0.0 <= price <= max(f, k), (f, k, t, v, call)
                assert -1.0 <= black_greeks(f, k, t, v, call)[1] <= 1.0


@given(st.floats(1e-12, 1e12), st.floats(1e-12, 1e12), YEARS, VOL, st.booleans())
def test_greeks_of_usual_sizes_are_finite(f: float, k: float, t: float, v: float, call: bool):
    values = (*black_greeks(f, k, t, v, call), *black_higher(f, k, t, v))
    assert all(math.isfinite(value) for value in values)


def test_without_time_or_vol_the_option_is_its_intrinsic_value():
    for t, v in ((0.0, 0.5), (1.0, 0.0), (0.0, 0.0)):
        assert black_greeks(110.0, 100.0, t, v, True) == (10.0, 1.0, 0.0, 0.0, 0.0)
        assert black_greeks(110.0, 100.0, t, v, False) == (0.0,) * 5
        assert black_greeks(90.0, 100.0, t, v, False) == (10.0, -1.0, 0.0, 0.0, 0.0)
        assert black_greeks(90.0, 100.0, t, v, True) == (0.0,) * 5
        assert black_greeks(100.0, 100.0, t, v, True)[:3] == (0.0, 0.5, 0.0)
        assert black_greeks(100.0, 100.0, t, v, False)[:3] == (0.0, -0.5, 0.0)
        assert black_higher(100.0, 100.0, t, v) == (0.0,) * 8
    assert (
        black_price(0.0, 100.0, 1.0, 1.0, False) == 100.0 and black_price(0.0, 100.0, 1.0, 1.0, True) == 0.0
    )
    assert (
        black_price(100.0, 0.0, 1.0, 1.0, True) == 100.0 and black_price(100.0, 0.0, 1.0, 1.0, False) == 0.0
    )
    assert (
        black_price(100.0, 80.0, 1.0, 1e9, True) == 100.0
        and black_price(100.0, 80.0, 1.0, 1e9, False) == 80.0
    )


def test_an_unknown_input_gives_an_unknown_price_and_not_a_safe_one():
    known = (100.0, 110.0, 1.0, 0.5)
    for place in range(4):
        given_ = list(known)
        given_[place] = math.nan
        for call in (True, False):
            assert math.isnan(black_price(*given_, call))
            assert math.isnan(black_greeks(*given_, call)[0])
    assert math.isnan(black_price(100.0, 110.0, -1.0, 0.5, True))


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 31, 511, 513, 4099])
def test_arrays_are_the_scalars_to_the_last_bit(size: int):
    options = drawn(size, size)
    columns = [np.array(column) for column in zip(*options)]
    price, five, eight, room = np.empty(size), np.empty((5, size)), np.empty((8, size)), np.empty((4, BLOCK))
    assert black_price_array(*columns, price, room) == 0
    assert black_greeks_array(*columns, *five, room) == 0
    assert black_higher_array(*columns[:4], *eight, room) == 0
    assert price.tolist() == [black_price(*option) for option in options]
    assert list(zip(*five.tolist())) == [black_greeks(*option) for option in options]
    assert list(zip(*eight.tolist())) == [black_higher(*option[:4]) for option in options]
    assert five[0].tolist() == price.tolist()


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, -1e-300])
def test_every_unsound_input_is_counted(wrong: float):
    for place in range(4):
        columns = [np.array(column) for column in zip(*drawn(37, 5))]
        columns[place][[3, 20, 36]] = wrong
        room = np.empty((4, BLOCK))
        assert black_price_array(*columns, np.empty(37), room) == 3
        assert black_greeks_array(*columns, *np.empty((5, 37)), room) == 3
        assert black_higher_array(*columns[:4], *np.empty((8, 37)), room) == 3
