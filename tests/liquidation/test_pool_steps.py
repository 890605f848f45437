"""Perpetuals against a pool: fills and funding in steps, windows by counting, caps and keepers."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.liquidation import pool_steps
from seawall.market import pool_fees, pool_pricing
from seawall.market.pool_pricing import ImpactTerms

SIZE = st.integers(-(10**6), 10**6).map(Fraction)
UP = st.integers(0, 10**6).map(Fraction)
PRICE = st.integers(1, 10**5).map(Fraction)
TERMS = ImpactTerms(positive=Fraction(5, 10**9), negative=Fraction(1, 10**8), exponent=Fraction(2))


@given(SIZE, SIZE, PRICE, st.integers(1, 10**9))
def test_a_fill_by_skew_costs_the_same_in_one_trade_or_in_many(skew, size, oracle, scale):
    whole = size * pool_pricing.skew_fill(oracle, skew=skew, scale=Fraction(scale), size=size)
    parts, at = Fraction(0), skew
    for share in (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)):
        part = size * share
        parts += part * pool_pricing.skew_fill(oracle, skew=at, scale=Fraction(scale), size=part)
        at += part
    assert parts == whole


@given(SIZE, SIZE)
def test_there_and_back_again_never_pays(before, change):
    there = pool_pricing.price_impact(TERMS, before=before, after=before + change)
    back = pool_pricing.price_impact(TERMS, before=before + change, after=before)
    assert there + back <= 0
    shared = pool_pricing.worse_impact(TERMS, own=before, shared=before + 5, change=change)
    assert shared <= there


@given(st.lists(st.tuples(SIZE, st.fractions(0, 5, max_denominator=100)), max_size=6), PRICE)
def test_velocity_funding_is_the_sum_of_small_steps(steps, price):
    whole = small = pool_fees.Funding()
    for skew, days in steps:
        terms = {"skew": skew, "scale": Fraction(10**6), "velocity": Fraction(3), "price": price}
        whole = pool_fees.advance(whole, days=days, **terms)
        for _ in range(4):
            small = pool_fees.advance(small, days=days / 4, **terms)
    assert whole == small


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 60)), max_size=25), st.integers(0, 100))
def test_no_stretch_of_a_window_closes_more_than_its_capacity(calls, capacity):
    market, now, seen = pool_steps.Windows(Fraction(capacity), Fraction(10)), Fraction(0), []
    for wait, size in calls:
        now += wait
        taken = market.close(Fraction(size), now)
        before = sum((done for at, done in seen if at > now - 10), Fraction(0))
        assert taken == min(size, max(capacity - before, 0))
        seen.append((now, taken))
    for start, _ in seen:
        assert sum(done for at, done in seen if start <= at < start + 10) <= capacity
    if seen and sum(done for _, done in seen):
        with pytest.raises(InputError, match="in the past"):
            market.close(Fraction(1), Fraction(-1))


def test_one_window_more_where_skew_is_small_and_once_in_a_block():
    market = pool_steps.Windows(Fraction(25), Fraction(10))
    small = {"skew_share": Fraction(1, 100), "most_skew": Fraction(6, 100)}
    assert market.close(Fraction(90), Fraction(0)) == 25
    assert market.close(Fraction(65), Fraction(1)) == 0
    assert market.close(Fraction(65), Fraction(1), **small) == 25
    assert market.close(Fraction(40), Fraction(1), **small) == 0
    assert (
        market.close(Fraction(40), Fraction(2), skew_share=Fraction(6, 100), most_skew=Fraction(6, 100)) == 0
    )


@given(UP, UP, UP, UP, UP, UP, st.integers(1, 5))
def test_a_keeper_gets_at_least_its_cost_and_no_more_than_the_cap(
    least, most, reward, cost, margin, per, windows
):
    guards = pool_steps.Guards(least=least, profit=Fraction(1, 10), most=most, scaling=Fraction(1, 2))
    found = pool_steps.keeper_reward(
        guards, reward=reward, cost=cost, margin=margin, windows=windows, window_cost=per
    )
    cap = min(most, margin / 2)
    assert found - (windows - 1) * per == min(max(cost + least, cost * 11 / 10, reward + cost), cap)


@given(st.lists(st.tuples(UP, UP), min_size=1, max_size=6), st.integers(1, 10**7), st.integers(0, 100))
def test_profits_paid_never_pass_the_share_of_the_pool_that_is_there(positions, pool, percent):
    factor = Fraction(percent, 100)
    found = pool_steps.payouts(positions, pool=Fraction(pool), sides=2, factor=factor)
    before = Fraction(pool)
    for (collateral, profit), (paid, after, _left) in zip(positions, found):
        assert 0 <= paid - collateral <= min(profit, before / 2 * factor) or paid - collateral == profit
        assert before - after == paid - collateral
        before = after


@given(UP, UP, st.integers(0, 10**7))
def test_the_factor_grows_waits_or_shrinks_and_is_never_below_zero(longs, shorts, seconds):
    terms = pool_fees.AdaptiveTerms(
        increase=Fraction(1, 10**6),
        decrease=Fraction(2, 10**8),
        stable=Fraction(5, 100),
        falling=Fraction(3, 100),
    )
    start = Fraction(1, 1000)
    after = pool_fees.adapt(start, terms, longs=longs, shorts=shorts, seconds=Fraction(seconds))
    share = abs(longs - shorts) / (longs + shorts) if longs + shorts else Fraction(0)
    assert after >= 0
    assert (after > start) == (share > terms.stable and seconds > 0)
    assert not (after < start) or share < terms.falling


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="scale"):
        pool_pricing.skew_fill(Fraction(1), skew=Fraction(0), scale=Fraction(0), size=Fraction(1))
    with pytest.raises(InputError, match="larger than itself"):
        pool_pricing.execution_price(
            Fraction(1), size_usd=Fraction(10), impact=Fraction(-10), is_long=True, increase=True
        )
    with pytest.raises(InputError, match="pool is empty"):
        pool_fees.borrowing_fee(
            reserved=Fraction(1),
            pool=Fraction(0),
            factor=Fraction(1),
            exponent=Fraction(1),
            seconds=Fraction(1),
        )
    with pytest.raises(InputError, match="length above zero"):
        pool_steps.Windows(Fraction(1), Fraction(0))
    assert not pool_steps.deleverage_enabled(Fraction(10), pool=Fraction(100), most=Fraction(1, 10))
    assert not pool_steps.deleverage_allowed(Fraction(1, 10), Fraction(1, 100), floor=Fraction(2, 100))
