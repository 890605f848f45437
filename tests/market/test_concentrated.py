"""Concentrated liquidity: published swaps, an oracle in fractions, and what no trade may do."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError, NumberError
from seawall.market.amm.concentrated import (
    Range,
    add_liquidity,
    fees_owed,
    growth_inside,
    open_pool,
    range_amounts,
    remove_liquidity,
    swap,
)
from seawall.market.amm.swap_step import amount0_between, amount1_between, swap_step
from seawall.market.amm.ticks import MAX_SQRT_PRICE_X96, MIN_SQRT_PRICE_X96, sqrt_price_at_tick

ONE = 1 << 96
SPACING = 60
ends = st.integers(-30, 30).map(lambda slot: slot * SPACING)
ranges = st.lists(
    st.tuples(ends, ends, st.integers(1, 10**24)).filter(lambda row: row[0] < row[1]), min_size=1, max_size=6
).map(lambda rows: [Range(lower=low, upper=high, liquidity=held) for low, high, held in rows])
trades = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 10**22)), min_size=1, max_size=8)


def pool_of(held, fee_pips=3000, root=ONE):
    return open_pool(fee_pips=fee_pips, tick_spacing=SPACING, sqrt_price_x96=root, ranges=held)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (
            (ONE, 79623317895830914510639640423, 2 * 10**18, 10**18, 600),
            (79623317895830914510639640423, 9975124224178055, 9925619580021728, 5988667735148),
        ),
        (
            (ONE, 250541448375047931186413801569, 2 * 10**18, 10**18, 600),
            (118818475322642227089037862318, 999400000000000000, 666399946655997866, 600000000000000),
        ),
        ((2413, 79887613182836312, 1985041575832132834610021537970, 10, 1872), (2413, 0, 0, 10)),
        (
            (20282409603651670423947251286016, 22310650564016837466341976414617, 1024, -4, 3000),
            (22310650564016837466341976414617, 26215, 0, 79),
        ),
    ],
)
def test_the_published_steps(given_, expected):
    done = swap_step(*given_)
    assert (done.sqrt_next_x96, done.amount_in_atoms, done.amount_out_atoms, done.fee_atoms) == expected


def test_a_published_swap():
    whole = Range(lower=-887220, upper=887220, liquidity=2 * 10**18)
    pool = pool_of([whole], root=1033437718471923706666374484006904511252097097914)
    done = swap(pool, zero_for_one=True, amount_atoms=1000)
    assert (done.amount0_atoms, done.amount1_atoms) == (1000, -26083549850867114346332688477747755628)
    assert (done.pool.tick, done.pool.growth0_x128) == (705098, 2381976568446569244235)
    assert range_amounts(pool.sqrt_price_x96, whole, up=True) == (1, 26087635650665564424699143612505016738)


def exact_sale(held, root, fee_pips, amount):
    """Selling token0 in fractions: no rounding anywhere, one stretch between two ends of ranges at a time."""
    price, left, out = Fraction(root, ONE), amount * (1 - Fraction(fee_pips, 10**6)), Fraction(0)
    edges = sorted({Fraction(sqrt_price_at_tick(end), ONE) for r in held for end in (r.lower, r.upper)})
    for edge in reversed([edge for edge in edges if edge < price]):
        liquidity = sum(
            r.liquidity
            for r in held
            if Fraction(sqrt_price_at_tick(r.lower), ONE) <= edge < Fraction(sqrt_price_at_tick(r.upper), ONE)
        )
        if liquidity:
            taken = min(left, liquidity * (1 / edge - 1 / price))
            stop = 1 / (1 / price + taken / liquidity)
            out, left = out + liquidity * (price - stop), left - taken
            if not left:
                return out, stop
        price = edge
    return out, None


@given(ranges, st.integers(10**6, 10**22), st.sampled_from([0, 100, 3000, 10000]))
@settings(deadline=None)
def test_a_sale_is_the_exact_one_less_atoms(held, amount, fee_pips):
    out, stop = exact_sale(held, ONE, fee_pips, amount)
    done = swap(pool_of(held, fee_pips), zero_for_one=True, amount_atoms=amount)
    assert -done.amount1_atoms <= out
    # An atom of token0 per stop is worth at most the price, below 1.2; so is one of token1.
    stops = 4 * (len(held) * 2 + 4)
    assert out - -done.amount1_atoms <= stops
    if stop is None:
        assert done.amount0_atoms <= amount and done.pool.liquidity == 0


@given(ranges, trades)
@settings(deadline=None, max_examples=60)
def test_the_pool_can_always_pay_everyone(held, orders):
    """What came in covers every range and its fees after any trades, and liquidity is conserved."""
    pool = pool_of(held)
    paid = [range_amounts(pool.sqrt_price_x96, r, up=True) for r in held]
    balance = [sum(pair[0] for pair in paid), sum(pair[1] for pair in paid)]
    start = [growth_inside(pool, r.lower, r.upper) for r in held]
    for zero_for_one, exact_in, amount in orders:
        edge = MIN_SQRT_PRICE_X96 + 1 if zero_for_one else MAX_SQRT_PRICE_X96 - 1
        if pool.sqrt_price_x96 == edge:
            continue
        done = swap(pool, zero_for_one=zero_for_one, amount_atoms=amount if exact_in else -amount)
        balance = [balance[0] + done.amount0_atoms, balance[1] + done.amount1_atoms]
        pool = done.pool
        assert pool.liquidity == sum(r.liquidity for r in held if r.lower <= pool.tick < r.upper)
        assert pool.liquidity == sum(tick.net for tick in pool.ticks if tick.index <= pool.tick)
    owed = [0, 0]
    for r, before in zip(held, start):
        now, amounts = growth_inside(pool, r.lower, r.upper), range_amounts(pool.sqrt_price_x96, r, up=False)
        for side in (0, 1):
            owed[side] += amounts[side] + fees_owed(r.liquidity, now[side], before[side])
    assert balance[0] >= owed[0] and balance[1] >= owed[1]
    for r in held:
        pool = remove_liquidity(pool, r)
    assert pool.ticks == () and pool.liquidity == 0


def paid_and_got(done, zero_for_one):
    pair = (done.amount0_atoms, -done.amount1_atoms)
    return pair if zero_for_one else (done.amount1_atoms, -done.amount0_atoms)


@given(ranges, st.booleans(), st.integers(1, 10**22), st.sampled_from([0, 500, 3000]))
@settings(deadline=None)
def test_a_round_trip_never_gains(held, zero_for_one, amount, fee_pips):
    out = swap(pool_of(held, fee_pips), zero_for_one=zero_for_one, amount_atoms=amount)
    paid, got = paid_and_got(out, zero_for_one)
    assert paid <= amount and got >= 0
    if got:
        back = swap(out.pool, zero_for_one=not zero_for_one, amount_atoms=got)
        assert paid_and_got(back, not zero_for_one)[1] <= paid


@given(ranges, st.booleans(), st.integers(1, 10**22))
@settings(deadline=None)
def test_asking_for_what_a_sale_brought_costs_no_more(held, zero_for_one, amount):
    paid, got = paid_and_got(
        swap(pool_of(held), zero_for_one=zero_for_one, amount_atoms=amount), zero_for_one
    )
    if got > 0:
        asked = swap(pool_of(held), zero_for_one=zero_for_one, amount_atoms=-got)
        cost, brought = paid_and_got(asked, zero_for_one)
        assert brought == got and cost <= paid


def test_past_the_last_range_the_price_runs_and_nothing_more_is_taken():
    pool = pool_of([Range(lower=-600, upper=600, liquidity=10**18)])
    done = swap(pool, zero_for_one=True, amount_atoms=10**30)
    assert 0 < done.amount0_atoms < 10**17 and done.pool.sqrt_price_x96 == MIN_SQRT_PRICE_X96 + 1
    # The atoms of token1 that are left are those that rounding kept for the pool.
    assert (
        range_amounts(done.pool.sqrt_price_x96, Range(lower=-600, upper=600, liquidity=10**18), up=False)[1]
        == 0
    )
    with pytest.raises(InputError):
        swap(done.pool, zero_for_one=True, amount_atoms=1)


@pytest.mark.parametrize("limit", [ONE, ONE + 1, MIN_SQRT_PRICE_X96])
def test_a_limit_on_the_wrong_side_is_refused(limit):
    with pytest.raises(InputError, match="SPL"):
        swap(pool_of([]), zero_for_one=True, amount_atoms=1, sqrt_limit_x96=limit)


@pytest.mark.parametrize("amount", [0, True, 1.5])
def test_no_amount_is_refused(amount):
    with pytest.raises(InputError):
        swap(pool_of([]), zero_for_one=True, amount_atoms=amount)


@pytest.mark.parametrize(
    "held",
    [
        Range(lower=0, upper=0, liquidity=1),
        Range(lower=60, upper=-60, liquidity=1),
        Range(lower=-61, upper=60, liquidity=1),
        Range(lower=-887280, upper=60, liquidity=1),
        Range(lower=-60, upper=60, liquidity=0),
    ],
)
def test_ranges_that_cannot_be_are_refused(held):
    with pytest.raises(InputError):
        add_liquidity(pool_of([]), held)


def test_more_than_a_word_is_refused_and_so_is_taking_out_what_is_not_there():
    with pytest.raises(NumberError):
        add_liquidity(pool_of([]), Range(lower=-60, upper=60, liquidity=1 << 128))
    with pytest.raises(NumberError):
        remove_liquidity(
            pool_of([Range(lower=-60, upper=60, liquidity=5)]), Range(lower=-60, upper=60, liquidity=6)
        )
    with pytest.raises(NumberError):
        amount0_between(0, ONE, 1, up=True)


@given(st.integers(1, 10**30), st.integers(1, 10**30), st.integers(1, 10**30))
def test_amounts_between_roots_are_the_exact_ones_rounded(one, two, liquidity):
    low, high = sorted((one + 10**20, two + 10**20))
    exact1 = Fraction(liquidity * (high - low), ONE)
    exact0 = Fraction(liquidity * (high - low) * ONE, low * high)
    for exact, between in ((exact0, amount0_between), (exact1, amount1_between)):
        assert 0 <= exact - between(low, high, liquidity, up=False) < 2
        assert 0 <= between(low, high, liquidity, up=True) - exact < 2
