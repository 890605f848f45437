"""Funding premium and rate, kinked borrow rates, growing debts: published points, rounding, and bounds."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError, NumberError
from seawall.ledger.accrual import (
    YEAR_NS,
    funding_rate_ppb,
    grown_debt_atoms,
    payment_rate_ppb,
    premium_ppb,
)
from seawall.ledger.rates import KinkedRate

PPB = 10**9
# Hyperliquid docs, portfolio margin: 5 % + 4.75 * max(0, u - 0.8), a tenth of it kept.
STABLE = KinkedRate(
    base_ppb=50_000_000, kink_ppb=800_000_000, steep_slope_ppb=4_750_000_000, kept_ppb=100_000_000
)
rates = st.integers(0, 5 * PPB)
shares = st.integers(0, PPB)


@pytest.mark.parametrize(
    ("used", "borrow", "supply"),
    [(500_000_000, 50_000_000, 22_500_000), (900_000_000, 525_000_000, 425_250_000), (0, 50_000_000, 0)],
)
def test_the_published_curve_is_met(used, borrow, supply):
    assert (STABLE.borrow_ppb(used), STABLE.supply_ppb(used)) == (borrow, supply)


@given(base=rates, slope=rates, kink=shares, steep=rates, kept=shares, used=shares)
def test_borrowers_round_up_lenders_down_and_neither_by_more_than_one(base, slope, kink, steep, kept, used):
    curve = KinkedRate(base_ppb=base, slope_ppb=slope, kink_ppb=kink, steep_slope_ppb=steep, kept_ppb=kept)
    exact = base + Fraction(min(used, kink) * slope + max(used - kink, 0) * steep, PPB)
    assert 0 <= curve.borrow_ppb(used) - exact < 1
    earned = Fraction(curve.borrow_ppb(used) * used * (PPB - kept), PPB**2)
    assert 0 <= earned - curve.supply_ppb(used) < 1


@given(first=shares, second=shares)
def test_a_higher_utilisation_never_costs_less(first, second):
    low, high = sorted((first, second))
    assert STABLE.borrow_ppb(low) <= STABLE.borrow_ppb(high)


@pytest.mark.parametrize("used", [-1, PPB + 1])
def test_a_utilisation_outside_zero_to_one_is_refused(used):
    with pytest.raises(InputError, match="utilisation"):
        STABLE.borrow_ppb(used)


@pytest.mark.parametrize(
    ("bid", "ask", "premium"),
    [
        (10_100, 10_101, 10_000_000),
        (9_900, 9_950, -5_000_000),
        (9_990, 10_010, 0),
        (10_003, 9_997, 0),
    ],
)
def test_the_premium_is_what_the_impact_prices_lie_outside_the_index(bid, ask, premium):
    assert premium_ppb(index_ticks=10_000, bid_ticks=bid, ask_ticks=ask) == premium


def test_a_premium_needs_an_index():
    with pytest.raises(InputError, match="index"):
        premium_ppb(index_ticks=0, bid_ticks=1, ask_ticks=1)


@pytest.mark.parametrize(
    ("premium", "rate"),
    [
        (10_000_000, 9_500_000),
        (0, 100_000),
        (600_000, 100_000),
        (-10_000_000, -9_500_000),
        (10**9, 320_000_000),
    ],
)
def test_funding_is_premium_plus_clamped_interest_capped(premium, rate):
    # Hyperliquid: interest 1 bp, clamp 5 bp, cap 32 % per 8 h; the first is the example of its docs.
    found = funding_rate_ppb(
        premium_ppb=premium, interest_ppb=100_000, clamp_ppb=500_000, cap_ppb=320_000_000
    )
    assert found == rate


def test_one_hour_carries_an_eighth_rounded_down():
    assert payment_rate_ppb(9_500_000, payment_ns=1, interval_ns=8) == 1_187_500
    assert payment_rate_ppb(-1, payment_ns=1, interval_ns=8) == -1


@given(debt=st.integers(0, 10**12), rate=st.integers(0, PPB), years=st.floats(0, 3))
@settings(deadline=None)  # the first call compiles
def test_a_debt_grows_as_the_exponential_does_never_less(debt, rate, years):
    elapsed = int(years * YEAR_NS)
    grown = grown_debt_atoms(debt, rate_ppb=rate, elapsed_ns=elapsed)
    exact = debt * math.exp(rate / PPB * (elapsed / YEAR_NS))
    assert exact - 1e-2 <= grown <= exact * (1 + 1e-14) + 1.01
    assert grown >= debt


def test_a_debt_beyond_64_bits_and_negative_values_are_refused():
    with pytest.raises(NumberError, match="64 bits"):
        grown_debt_atoms(2**62, rate_ppb=PPB, elapsed_ns=YEAR_NS)
    with pytest.raises(NumberError, match="64 bits"):
        grown_debt_atoms(1, rate_ppb=PPB, elapsed_ns=10_000 * YEAR_NS)
    with pytest.raises(InputError, match="borrow interest"):
        grown_debt_atoms(-1, rate_ppb=0, elapsed_ns=0)
