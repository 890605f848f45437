"""Ticks and roots of prices: the protocol's ends, mpmath, the inverse, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import mpmath as mp
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.market.amm.ticks import (
    MAX_SQRT_PRICE_X96,
    MAX_TICK,
    MIN_SQRT_PRICE_X96,
    MIN_TICK,
    price_of,
    sqrt_price_at_tick,
    sqrt_price_of,
    tick_at_sqrt_price,
)

ticks = st.integers(MIN_TICK, MAX_TICK)


@pytest.mark.parametrize(
    ("tick", "root"),
    [
        (MIN_TICK, 4295128739),
        (-500000, 1101692437043807371),
        (-100, 78833030112140176575862854579),
        (0, 1 << 96),
        (500, 81233731461783161732293370115),
        (MAX_TICK - 1, 1461373636630004318706518188784493106690254656249),
        (MAX_TICK, 1461446703485210103287273052203988822378723970342),
    ],
)
def test_the_published_roots(tick, root):
    assert sqrt_price_at_tick(tick) == root


@given(ticks)
def test_a_root_is_that_of_the_power(tick):
    with mp.workdps(60):
        exact = mp.mpf("1.0001") ** (mp.mpf(tick) / 2) * mp.mpf(2) ** 96
        # Each of 20 factors errs, and each product is cut off, by 2**-128; a positive tick turns that over.
        spread = 40 * exact**2 / mp.mpf(2) ** 224 if tick > 0 else mp.mpf(40) / 2**32
        assert abs(sqrt_price_at_tick(tick) - exact) <= 1 + spread


@given(ticks.filter(lambda tick: tick < MAX_TICK), st.floats(0, 1))
@example(MIN_TICK, 0.0)
@example(MAX_TICK - 1, 1.0)
@example(-1, 1.0)
def test_the_tick_of_a_price_is_the_greatest_not_above_it(tick, part):
    low, high = sqrt_price_at_tick(tick), sqrt_price_at_tick(tick + 1)
    assert low < high
    root = min(high - 1, low + int((high - low) * Fraction(part)))
    assert tick_at_sqrt_price(root) == tick


@pytest.mark.parametrize("root", [0, MIN_SQRT_PRICE_X96 - 1, MAX_SQRT_PRICE_X96])
def test_prices_outside_the_protocol_are_refused(root):
    with pytest.raises(InputError):
        tick_at_sqrt_price(root)


@pytest.mark.parametrize("tick", [MIN_TICK - 1, MAX_TICK + 1, 1.5, True])
def test_ticks_outside_the_protocol_are_refused(tick):
    with pytest.raises(InputError):
        sqrt_price_at_tick(tick)


@given(st.fractions(min_value=Fraction(1, 10**20), max_value=10**20))
def test_a_price_and_its_root(price):
    root = sqrt_price_of(price)
    assert price_of(root) <= price < price_of(root + 1)


@pytest.mark.parametrize("price", [0, -1, Fraction(1, 10**60), 10**60])
def test_prices_without_a_root_are_refused(price):
    with pytest.raises(InputError):
        sqrt_price_of(price)
