"""The Dutch auction: published numbers, and what must hold of any share, discount and reserve."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.liquidation.auction import (
    AuctionTerms,
    auction_fee_atoms,
    buffer_margin,
    cash_required_atoms,
    cost_atoms,
    discount_at,
    insolvent_bid,
    insolvent_offer,
    largest_share,
)

MINUTE, HOUR, PERCENT = 60 * 10**9, 3600 * 10**9, 10_000_000
DERIVE = AuctionTerms(
    start_ppb=5 * PERCENT,
    fast_ppb=30 * PERCENT,
    fast_ns=15 * MINUTE,
    slow_ns=12 * HOUR,
    insolvent_ns=60 * MINUTE,
    buffer_ppb=15 * PERCENT,
    fee_ppb=10 * PERCENT,
)


def test_the_discount_of_derive_runs_from_5_over_30_to_100_percent():
    at = {0: "5", 3: "10", 15: "30", 15 + 6 * 60: "65", 15 + 12 * 60: "100", 10**6: "100"}
    assert {m: discount_at(DERIVE, m * MINUTE) * 100 for m in at} == {m: Fraction(v) for m, v in at.items()}
    with pytest.raises(InputError, match="before its start"):
        discount_at(DERIVE, -1)


def test_the_published_bidders():
    """First and second bidder of the page, and its insolvent auction after 10 of 60 minutes."""
    first = largest_share(buffer_atoms=-62_000, worth_atoms=98_000, discount=Fraction(12, 100))
    assert round(float(first), 3) == 0.418
    cost = cost_atoms(share=Fraction(1, 5), worth_atoms=98_000, discount=Fraction(12, 100))
    assert cost == 17_248
    assert cash_required_atoms(share=Fraction(1, 5), cost=cost, buffer_atoms=-62_000) == 29_648
    assert auction_fee_atoms(buffer_atoms=-60_000, worth_atoms=100_000, fee_ppb=10 * PERCENT) == (
        Fraction(3, 8), 3_750,
    )  # fmt: skip
    offer = insolvent_offer(
        worth_atoms=-4_000, maintenance_atoms=-15_000, elapsed_ns=10 * MINUTE, total_ns=60 * MINUTE
    )
    assert round(float(offer), 2) == -5_833.33
    assert insolvent_bid(share=Fraction(2, 5), offer=offer, maintenance_atoms=-15_000) == (2_333, 3_667)


AMOUNT = st.sampled_from([10**3, 10**9, 10**15]).flatmap(lambda most: st.integers(1, most))
SHARES = st.fractions(0, 1, max_denominator=1000)


@given(AMOUNT, AMOUNT, SHARES, st.fractions(0, 1, max_denominator=1000))
def test_the_largest_share_brings_the_buffer_margin_to_zero(short, worth, discount, part):
    """Sold a share f, what is left is (BM - R)(1 - f) + R + f (MtM - R)(1 - d): zero at the largest share."""
    reserved = int(part * worth)
    share = largest_share(buffer_atoms=-short, worth_atoms=worth, discount=discount, reserved_atoms=reserved)
    left = (-short - reserved) * (1 - share) + reserved + share * (worth - reserved) * (1 - discount)
    assert 0 <= share <= 1
    assert left == 0 or (share == 1 and (1 - discount) * worth + discount * reserved <= 0)


@given(AMOUNT, AMOUNT, SHARES, SHARES, SHARES)
def test_a_bidder_pays_more_for_more_and_less_later(worth, short, share, discount, other):
    low, high = sorted((discount, other))
    assert cost_atoms(share=share, worth_atoms=worth, discount=high) <= cost_atoms(
        share=share, worth_atoms=worth, discount=low
    )
    assert cost_atoms(share=share, worth_atoms=worth, discount=low) <= worth
    assert largest_share(buffer_atoms=-short, worth_atoms=worth, discount=low) <= largest_share(
        buffer_atoms=-short, worth_atoms=worth, discount=high
    )


@given(st.integers(-(10**15), 10**15), AMOUNT, st.integers(0, 10**10), st.integers(1, 10**10), SHARES)
def test_an_insolvent_offer_stays_between_worth_and_maintenance(worth, gap, elapsed, total, share):
    maintenance = worth - gap
    assume(maintenance < 0)
    offer = insolvent_offer(
        worth_atoms=worth, maintenance_atoms=maintenance, elapsed_ns=elapsed, total_ns=total
    )
    assert maintenance <= offer <= min(worth, 0)
    payout, needs = insolvent_bid(share=share, offer=offer, maintenance_atoms=maintenance)
    assert 0 <= payout <= share * -maintenance <= payout + needs < share * -maintenance + 2


def test_the_buffer_margin_rounds_down():
    assert buffer_margin(maintenance_atoms=-10, worth_atoms=-3, buffer_ppb=15 * PERCENT) == -12
    assert largest_share(buffer_atoms=0, worth_atoms=5, discount=Fraction(0)) == 0
