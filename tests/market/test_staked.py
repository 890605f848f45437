"""Staked collateral: its ratio, its queue, a broken peg and a slashing, and what is unknown."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.market.staked import (
    DAY_NS,
    WAD,
    YEAR_NS,
    Claim,
    Holding,
    RatioPolicy,
    believed_ratio,
    redeemed,
    releasable,
    staked_value,
    unstake,
)
from seawall.units import PPB

POLICY = RatioPolicy(growth_ppb_per_year=96_800_000, fall_ppb=50_000_000)
RATIO = 12 * WAD // 10
PRICE = Fraction(2000)


def test_a_ratio_grows_to_its_cap_and_no_further():
    assert believed_ratio(POLICY, WAD, WAD, 0) == WAD
    assert believed_ratio(POLICY, WAD, WAD + 10**16, YEAR_NS) == WAD + 10**16
    assert believed_ratio(POLICY, WAD, 2 * WAD, YEAR_NS) == 1_096_800_000_000_000_000
    assert believed_ratio(POLICY, WAD, 2 * WAD, 0) == WAD


def test_a_slashing_counts_at_once_and_a_deeper_fall_is_unknown():
    assert believed_ratio(POLICY, WAD, 95 * WAD // 100, 0) == 95 * WAD // 100
    assert believed_ratio(POLICY, WAD, 95 * WAD // 100 - 1, 0) is None
    assert believed_ratio(POLICY, WAD, 0, DAY_NS) is None
    assert believed_ratio(POLICY, WAD, WAD, -1) is None
    with pytest.raises(InputError):
        believed_ratio(POLICY, 0, WAD, 0)


@given(st.integers(1, 10**30), st.integers(0, 10**30), st.integers(0, 10 * YEAR_NS))
def test_what_is_believed_lies_between_the_fall_and_the_cap(before, now, elapsed):
    ratio = believed_ratio(POLICY, before, now, elapsed)
    if ratio is None:
        assert now * PPB < before * (PPB - POLICY.fall_ppb) or now == 0
    else:
        assert ratio <= now and ratio <= before * (1 + Fraction(968, 10_000) * elapsed / YEAR_NS)


def test_the_lesser_of_redemption_and_market_counts():
    held = Holding(shares_atoms=10)
    assert staked_value(held, RATIO, PRICE, 0) == 24_000
    assert staked_value(held, RATIO, PRICE, 0, market_price=Fraction(1900)) == 19_000
    assert staked_value(held, RATIO, PRICE, 0, market_price=Fraction(9000)) == 24_000
    assert staked_value(held, RATIO, PRICE, 0, slashed_ppb=PPB // 2) == 12_000
    assert staked_value(held, RATIO, PRICE, 0, slashed_ppb=PPB) == 0


def test_a_claim_stops_earning_waits_and_is_paid():
    held = unstake(Holding(shares_atoms=10), 4, 15 * WAD // 10, 0, delay_ns=3 * DAY_NS)
    assert held == Holding(shares_atoms=6, claims=(Claim(amount_atoms=6, released_at_ns=3 * DAY_NS),))
    worth = [
        staked_value(held, WAD, Fraction(100), at, wait_haircut_ppb_per_day=PPB // 10) for at in
        (0, DAY_NS - 1, DAY_NS, 3 * DAY_NS)
    ]  # fmt: skip
    assert worth == [600 + 420, 600 + 420, 600 + 480, 600 + 600]
    assert (releasable(held.claims, 3 * DAY_NS - 1), releasable(held.claims, 3 * DAY_NS)) == (0, 6)
    # Slashing reaches what waits, not what was paid out.
    assert staked_value(held, WAD, Fraction(100), 0, slashed_ppb=PPB // 2) == 300 + 300
    assert staked_value(held, WAD, Fraction(100), 3 * DAY_NS, slashed_ppb=PPB // 2) == 300 + 600
    # A wait too long for its haircut is worth nothing, never less.
    assert staked_value(Holding(shares_atoms=0, claims=held.claims), WAD, PRICE, 0,
                        wait_haircut_ppb_per_day=PPB) == 0  # fmt: skip


@given(st.integers(0, 10**30), st.integers(1, 10**24), st.integers(0, PPB), st.integers(0, PPB))
def test_more_slashing_is_never_worth_more(shares, ratio, one, two):
    less, more = sorted((one, two))
    assert redeemed(shares, ratio, slashed_ppb=more) <= redeemed(shares, ratio, slashed_ppb=less)
    exact = Fraction(shares * ratio, WAD) * (1 - Fraction(one, PPB))
    assert 0 <= exact - redeemed(shares, ratio, slashed_ppb=one) < 1


def test_what_cannot_be_is_refused():
    held = Holding(shares_atoms=1)
    for ratio, price in ((0, PRICE), (WAD, Fraction(0)), (-1, PRICE)):
        with pytest.raises(InputError, match="unknown"):
            staked_value(held, ratio, price, 0)
    with pytest.raises(InputError, match="unknown"):
        staked_value(held, WAD, PRICE, 0, market_price=Fraction(0))
    for shares, delay in ((0, 0), (2, 0), (1, -1)):
        with pytest.raises(InputError):
            unstake(held, shares, WAD, 0, delay_ns=delay)
    with pytest.raises(InputError):
        redeemed(1, WAD, slashed_ppb=PPB + 1)
    with pytest.raises(InputError):
        RatioPolicy(growth_ppb_per_year=-1, fall_ppb=0)
