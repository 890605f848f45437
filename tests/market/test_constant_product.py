"""Constant product and shares of pools: published numbers, k, round trips, fair value, refusals."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.market.amm import constant_product as cp
from seawall.market.amm.concentrated import Range, range_amounts
from seawall.market.amm.constant_product import ConstantProductPool
from seawall.market.amm.lp_value import (
    impermanent_loss,
    is_manipulated,
    range_impermanent_loss,
    range_value,
    share_value,
)
from seawall.market.amm.ticks import price_of, sqrt_price_of

TOKEN = 10**18
reserves = st.integers(10**3, 10**30)
amounts = st.integers(1, 10**28)
fees = st.sampled_from([(0, 1), (3, 1000), (25, 10000)])
pools = st.builds(
    lambda x, y, fee, shares: ConstantProductPool(
        reserve0_atoms=x, reserve1_atoms=y, shares=shares, fee_numerator=fee[0], fee_denominator=fee[1]
    ),
    reserves,
    reserves,
    fees,
    st.integers(10**3, 10**30),
)
prices = st.fractions(min_value=Fraction(1, 10**6), max_value=10**6)


def pool_of(x, y, **more):
    return ConstantProductPool(reserve0_atoms=x, reserve1_atoms=y, **more)


@pytest.mark.parametrize(
    ("paid", "x", "y", "out"),
    [
        (TOKEN, 5 * TOKEN, 10 * TOKEN, 1662497915624478906),
        (TOKEN, 10 * TOKEN, 5 * TOKEN, 453305446940074565),
        (TOKEN, 1000 * TOKEN, 1000 * TOKEN, 996006981039903216),
    ],
)
def test_the_published_quotes(paid, x, y, out):
    assert cp.amount_out(pool_of(x, y), paid) == out
    assert cp.amount_out(pool_of(y, x), paid, zero_for_one=False) == out


@given(pools, amounts, st.booleans())
def test_k_never_falls_and_a_round_trip_never_gains(pool, paid, zero_for_one):
    out, after = cp.swap(pool, paid, zero_for_one=zero_for_one)
    assert after.reserve0_atoms * after.reserve1_atoms >= pool.reserve0_atoms * pool.reserve1_atoms
    assert after.reserve0_atoms > 0 and after.reserve1_atoms > 0
    if out:
        assert cp.swap(after, out, zero_for_one=not zero_for_one)[0] <= paid


@given(pools, amounts, st.booleans())
def test_out_is_the_exact_quote_cut_off_and_in_is_enough(pool, paid, zero_for_one):
    x, y = (pool.reserve0_atoms, pool.reserve1_atoms)[:: 1 if zero_for_one else -1]
    trading = paid * pool.kept
    out = cp.amount_out(pool, paid, zero_for_one=zero_for_one)
    assert 0 <= y - Fraction(x * y) / (x + trading) - out < 1
    if out:
        asked = cp.amount_in(pool, out, zero_for_one=zero_for_one)
        assert asked <= paid + 1 and cp.amount_out(pool, asked, zero_for_one=zero_for_one) >= out


@given(pools, st.fractions(min_value=0, max_value=Fraction(99, 100)))
def test_the_most_to_sell_meets_the_discount_and_one_more_does_not(pool, discount):
    most = cp.most_to_sell(pool, discount)

    def average(sold):
        depth = pool.reserve0_atoms + pool.kept * sold
        return pool.price * pool.kept * pool.reserve0_atoms / depth

    limit = pool.price * (1 - discount)
    assert most == 0 or average(most) >= limit
    assert average(most + 1) < limit


@given(pools, prices)
def test_selling_to_a_price_stops_where_the_next_atom_brings_no_more(pool, price):
    most = cp.amount_to_price(pool, price)

    def next_brings(sold):
        depth = pool.reserve0_atoms + pool.kept * sold
        return pool.kept * pool.reserve0_atoms * pool.reserve1_atoms / depth**2

    assert most == 0 or next_brings(most) >= price
    assert next_brings(most + 2) < price


@given(
    st.integers(10**12, 10**30),
    st.integers(10**12, 10**30),
    st.fractions(min_value=Fraction(1, 100), max_value=100),
)
def test_moving_the_price(x, y, ratio):
    pool = pool_of(x, y)
    paid, out = cp.inputs_to_move_price(pool, ratio)
    delta = (-out, paid) if ratio > 1 else (paid, -out)
    moved = Fraction(pool.reserve1_atoms + delta[1], pool.reserve0_atoms + delta[0]) / pool.price
    assert abs(moved / ratio - 1) < Fraction(1, 10**9)


@pytest.mark.parametrize(("x", "y"), [(0, 5), (5, 0), (0, 0)])
def test_a_drained_pool_has_no_price(x, y):
    drained = pool_of(x, y)
    for ask in (
        lambda: drained.price,
        lambda: cp.amount_out(drained, 1),
        lambda: cp.amount_in(drained, 1),
        lambda: cp.sell(drained, 1),
        lambda: cp.most_to_sell(drained, Fraction(1, 10)),
        lambda: cp.amount_to_price(drained, Fraction(1)),
        lambda: cp.inputs_to_move_price(drained, Fraction(2)),
    ):
        with pytest.raises(InputError):
            ask()


def test_the_last_atom_cannot_be_bought_and_bad_amounts_are_refused():
    pool = pool_of(100, 100)
    with pytest.raises(InputError):
        cp.amount_in(pool, 100)
    for bad in (0, -1, 1.5, True):
        with pytest.raises(InputError):
            cp.amount_out(pool, bad)
    with pytest.raises(InputError):
        pool_of(-1, 5)
    with pytest.raises(InputError):
        pool_of(1, 5, fee_numerator=1000)


@given(st.integers(10**4, 10**28), st.integers(10**4, 10**28), st.integers(1, 10**28), st.integers(1, 10**28))
def test_joining_and_leaving_never_gains(x, y, more0, more1):
    _, pool = cp.add_liquidity(pool_of(0, 0), x, y)
    assert pool.shares == isqrt(x * y)
    try:
        minted, after = cp.add_liquidity(pool, more0, more1)
    except InputError:
        return
    out0, out1, left = cp.remove_liquidity(after, minted)
    assert out0 <= more0 and out1 <= more1
    assert left.reserve0_atoms >= x and left.reserve1_atoms >= y and left.shares == pool.shares


@given(pools, prices, prices, amounts, st.booleans())
def test_a_fair_value_is_never_above_the_reserves_and_no_trade_moves_it(
    pool, price0, price1, paid, zero_for_one
):
    held = pool.reserve0_atoms * price0 + pool.reserve1_atoms * price1
    fair = share_value(pool, pool.shares, price0, price1)
    assert fair <= held
    _, after = cp.swap(pool, paid, zero_for_one=zero_for_one)
    moved = share_value(after, pool.shares, price0, price1)
    grown = Fraction(after.reserve0_atoms * after.reserve1_atoms, pool.reserve0_atoms * pool.reserve1_atoms)
    # Only fees that stay in the pool, and atoms of rounding, move the value: it follows sqrt(k).
    assert fair <= moved and moved**2 <= grown * (fair + 1) ** 2 + 1


def test_where_pool_and_oracle_agree_the_value_is_that_of_the_reserves():
    pool = pool_of(10_000 * TOKEN, 20_000_000 * TOKEN, shares=TOKEN)
    assert share_value(pool, TOKEN, Fraction(2000), Fraction(1)) == 40_000_000 * TOKEN
    assert share_value(pool, TOKEN // 4, Fraction(2000), Fraction(1)) == 10_000_000 * TOKEN
    # A flash trade that multiplies the pool's price by four doubles what a naive sum makes of the reserves.
    pushed = pool_of(5_000 * TOKEN, 40_000_000 * TOKEN, shares=TOKEN)
    assert share_value(pushed, TOKEN, Fraction(2000), Fraction(1)) == 40_000_000 * TOKEN
    assert is_manipulated(pushed.price, Fraction(2000), Fraction(5, 100))
    assert not is_manipulated(pool.price, Fraction(2000), Fraction(5, 100))
    for price in (Fraction(0), Fraction(-1)):
        with pytest.raises(InputError):
            share_value(pool, 1, price, Fraction(1))
    with pytest.raises(InputError):
        share_value(pool, TOKEN + 1, Fraction(1), Fraction(1))


def test_the_known_impermanent_losses():
    assert impermanent_loss(Fraction(1)) == 0
    assert impermanent_loss(Fraction(4)) == impermanent_loss(Fraction(1, 4)) == Fraction(-1, 5)
    assert float(impermanent_loss(Fraction(2))) == pytest.approx(-0.0571909584179366, rel=1e-14)
    with pytest.raises(InputError):
        impermanent_loss(Fraction(0))


@given(st.fractions(min_value=Fraction(1, 1000), max_value=1000))
def test_a_full_range_loses_as_a_constant_product_and_a_narrow_one_more(ratio):
    whole = Range(lower=-887220, upper=887220, liquidity=10**30)
    narrow = Range(lower=-6960, upper=6960, liquidity=10**30)
    entry, now = sqrt_price_of(1), sqrt_price_of(ratio)
    assert abs(range_impermanent_loss(whole, entry, now) - impermanent_loss(ratio)) < Fraction(1, 10**9)
    assert range_impermanent_loss(narrow, entry, now) <= range_impermanent_loss(whole, entry, now)


def test_a_range_is_valued_where_the_oracle_is():
    held = Range(lower=-600, upper=600, liquidity=10**24)
    root = sqrt_price_of(Fraction(101, 100))
    amount0, amount1 = range_amounts(root, held, up=False)
    value = amount0 * Fraction(101, 100) + amount1
    assert range_value(held, Fraction(101, 100), Fraction(1)) == value.numerator // value.denominator
    with_fees = range_value(held, Fraction(101, 100), Fraction(1), fee0_atoms=100, fee1_atoms=7)
    assert with_fees - range_value(held, Fraction(101, 100), Fraction(1)) in (108, 109)
    # Its value is concave in the price: nothing that happens to the pool's price can raise it.
    assert price_of(root) <= Fraction(101, 100)
