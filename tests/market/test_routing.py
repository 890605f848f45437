"""Routing over a book and a pool: published splits, brute force over every split, and pools that run dry."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.market.amm.concentrated import Range, open_pool
from seawall.market.amm.constant_product import ConstantProductPool, amount_out
from seawall.market.routing import Bid, Concentrated, ConstantProduct, route_sale

TOKEN = 10**18
BIDS = [
    Bid(price=Fraction(price), size_atoms=size * TOKEN)
    for price, size in ((1999, 20), (1995, 50), (1980, 100), (1900, 300))
]
POOL = ConstantProductPool(
    reserve0_atoms=10_000 * TOKEN, reserve1_atoms=20_000_000 * TOKEN, fee_numerator=0, fee_denominator=1
)
bids = st.lists(
    st.builds(
        Bid,
        price=st.fractions(min_value=Fraction(1, 10), max_value=4, max_denominator=50),
        size_atoms=st.integers(1, 12),
    ),
    max_size=4,
)


def test_the_published_split():
    routed = route_sale(200 * TOKEN, BIDS, ConstantProduct(POOL))
    assert routed.proceeds_atoms / TOKEN == pytest.approx(397632.5157352024, rel=1e-14)
    assert routed.pool_atoms / TOKEN == pytest.approx(50.37815259212039, rel=1e-13)
    assert [(price, size / TOKEN) for price, size in routed.book_fills] == [
        (1999, 20), (1995, 50), (1980, pytest.approx(79.62184740787961, rel=1e-13))
    ]  # fmt: skip
    assert routed.unfilled_atoms == 0 and float(routed.marginal_price) == pytest.approx(1980.0, rel=1e-12)


@given(
    bids, st.integers(1, 40), st.integers(20, 400), st.integers(20, 400), st.sampled_from([(0, 1), (3, 1000)])
)
@settings(deadline=None)
def test_no_split_brings_more_than_rounding(levels, amount, x, y, fee):
    pool = ConstantProductPool(
        reserve0_atoms=x, reserve1_atoms=y, fee_numerator=fee[0], fee_denominator=fee[1]
    )

    def book(sold):
        total = Fraction(0)
        for level in sorted(levels, key=lambda bid: -bid.price):
            filled = min(sold, level.size_atoms)
            total, sold = total + filled * level.price, sold - filled
        return total if not sold else None

    best = max(
        amount_out(pool, part) + brought if part else brought
        for part in range(amount + 1)
        if (brought := book(amount - part)) is not None
    )
    routed = route_sale(amount, levels, ConstantProduct(pool))
    assert routed.pool_atoms + sum(size for _, size in routed.book_fills) == amount
    assert routed.unfilled_atoms == 0
    # Each fill is cut off, and so is the pool; and the split is even to about an atom, worth at most a bid.
    assert routed.proceeds_atoms >= best - 2 - len(routed.book_fills) - max([0, *(b.price for b in levels)])


@given(bids, st.integers(1, 10**6))
def test_a_book_alone_leaves_what_it_cannot_take(levels, amount):
    routed = route_sale(amount, levels, None)
    assert routed.unfilled_atoms == max(0, amount - sum(level.size_atoms for level in levels))


def test_a_pool_of_ranges_takes_part_and_runs_dry():
    pool = open_pool(
        fee_pips=3000,
        tick_spacing=60,
        sqrt_price_x96=1 << 96,
        ranges=[Range(lower=-600, upper=600, liquidity=10**21)],
    )
    levels = [Bid(price=Fraction(99, 100), size_atoms=10**18), Bid(price=Fraction(1, 2), size_atoms=10**18)]
    routed = route_sale(10**19, levels, Concentrated(pool))
    assert routed.pool_atoms + 10**18 == 10**19 and routed.book_fills == ((Fraction(99, 100), 10**18),)
    assert routed.proceeds_atoms > route_sale(10**19, [], Concentrated(pool)).proceeds_atoms
    assert Fraction(1, 2) < routed.marginal_price < Fraction(99, 100)
    huge = route_sale(10**24, levels, Concentrated(pool))
    assert huge.unfilled_atoms == 10**24 - huge.pool_atoms - 2 * 10**18 > 0


def test_bad_bids_and_amounts_are_refused():
    for bad in (Bid(price=Fraction(0), size_atoms=1), Bid(price=Fraction(1), size_atoms=0)):
        with pytest.raises(InputError):
            route_sale(1, [bad], None)
    with pytest.raises(InputError):
        route_sale(0, [], None)
