"""Compiled swaps are those of the definition: amounts, and every field of the pool afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.market.amm.concentrated import Range, open_pool, swap
from seawall.market.amm.pool_run import PoolRun
from seawall.market.amm.ticks import MAX_SQRT_PRICE_X96, MIN_SQRT_PRICE_X96, sqrt_price_at_tick

ENDS = {True: MIN_SQRT_PRICE_X96 + 1, False: MAX_SQRT_PRICE_X96 - 1}


@st.composite
def pools(draw):
    spacing = draw(st.sampled_from([10, 60, 200]))
    ends = st.integers(-600, 600).map(lambda slot: slot * spacing)
    rows = draw(st.lists(st.tuples(ends, ends, st.integers(0, 26)).filter(lambda r: r[0] < r[1]), max_size=6))
    held = [
        Range(lower=low, upper=high, liquidity=draw(st.integers(10**size, 10 ** (size + 1))))
        for low, high, size in rows
    ]
    start = draw(st.integers(-700, 700).map(lambda slot: sqrt_price_at_tick(slot * spacing)))
    return open_pool(
        fee_pips=draw(st.sampled_from([0, 100, 3000, 10000])),
        tick_spacing=spacing,
        sqrt_price_x96=start + draw(st.sampled_from([0, 0, 1, 12345])),
        ranges=held,
    )


amounts = st.integers(0, 36).flatmap(lambda size: st.integers(10**size, 10 ** (size + 1)))
orders = st.lists(st.tuples(st.booleans(), amounts, st.sampled_from([1, 1, -1])), min_size=1, max_size=12)


def by_definition(pool, sides, asked):
    found = []
    for zero_for_one, amount in zip(sides, asked):
        if pool.sqrt_price_x96 == ENDS[zero_for_one]:
            found.append((0, 0))
            continue
        done = swap(pool, zero_for_one=zero_for_one, amount_atoms=amount)
        found.append((done.amount0_atoms, done.amount1_atoms))
        pool = done.pool
    return found, pool


@given(pools(), orders)
@settings(deadline=None, max_examples=80)
def test_compiled_swaps_are_those_of_the_definition(pool, orders):
    sides, asked = [side for side, _, _ in orders], [amount * sign for _, amount, sign in orders]
    run = PoolRun(pool)
    assert run.swap_all(np.array(sides), asked) == by_definition(pool, sides, asked)[0]
    assert run.pool() == by_definition(pool, sides, asked)[1]


@given(pools(), st.lists(amounts, min_size=1, max_size=6))
@settings(deadline=None, max_examples=30)
def test_a_price_left_on_an_edge_goes_back_over_it(pool, asked):
    """Swaps that stop exactly at ends of ranges leave the tick below its own price."""
    run = PoolRun(pool)
    for amount in asked:
        for side in (True, False):
            before = run.pool()
            if before.sqrt_price_x96 == ENDS[side]:
                continue
            run.swap_all(np.array([side]), [amount])
            assert run.pool() == swap(before, zero_for_one=side, amount_atoms=amount).pool


@pytest.mark.parametrize("tick", [-887200, -500000, 0, 500000, 887200])
@pytest.mark.parametrize("liquidity", [1, 10**18, (1 << 128) - 1])
@pytest.mark.parametrize("amount", [1, 10**20, (1 << 128) - 1])
def test_the_largest_numbers_fit_at_every_price(tick, liquidity, amount):
    held = [Range(lower=-887200, upper=887200, liquidity=liquidity)]
    pool = open_pool(fee_pips=3000, tick_spacing=200, sqrt_price_x96=sqrt_price_at_tick(tick), ranges=held)
    for side in (True, False):
        for asked in (amount, -amount):
            run = PoolRun(pool)
            assert run.swap_all(np.array([side]), [asked]) == by_definition(pool, [side], [asked])[0]
            assert run.pool() == by_definition(pool, [side], [asked])[1]


@pytest.mark.parametrize("amount", [0, 1 << 128, -(1 << 128), True, 1.0])
def test_amounts_the_kernel_cannot_hold_are_refused_before_anything_moves(amount):
    pool = open_pool(
        fee_pips=0, tick_spacing=60, sqrt_price_x96=1 << 96, ranges=[Range(lower=-60, upper=60, liquidity=9)]
    )
    run = PoolRun(pool)
    with pytest.raises(InputError):
        run.swap_all(np.array([True, True]), [1, amount])
    with pytest.raises(InputError):
        run.swap_all(np.array([True]), [1, 2])
    assert run.pool() == pool
