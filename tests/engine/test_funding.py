"""Funding, expiry and wind-down: exact, zero-sum, each account rounded against."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.funding import _payments
from seawall.engine.state import FEES
from seawall.ledger.trade import trade_value
from tests.engine.venue import DOLLAR, SECOND, START, A, B, C, Venue, kinds, only, refused, unchanged


def test_longs_pay_shorts_at_a_positive_rate_and_the_odd_atoms_go_to_the_fee_pot() -> None:
    venue = Venue()
    for account in (A, B, C):
        venue.fund(account, 10_000)
    venue.trade(A, 3, 500_000, against=B)
    venue.trade(C, 4, 500_000, against=B)
    found = only(venue.do(cmd.ApplyFunding, instrument="BTC-PERP", rate_ppb=333), ev.FundingPaid)
    paid = dict(zip(np.frombuffer(found.pots, "<i8"), np.frombuffer(found.amounts_atoms, "<i8"), strict=True))
    value = 500_000 * 100 * 333
    expected = {venue.pot(A): -(3 * value // 10**9) - 1, venue.pot(B): 7 * value // 10**9, venue.pot(C): -67}
    assert paid == expected
    assert venue.balance(FEES) == found.rest_atoms == -sum(paid.values())


def test_an_inverse_long_pays_a_positive_rate_too() -> None:
    venue = Venue()
    venue.fund(A, 1, "BTC")
    venue.trade(A, 50_000, 100_000, "BTCUSD")  # 1 BTC
    venue.do(cmd.ApplyFunding, instrument="BTCUSD", rate_ppb=100_000)
    assert venue.balance(A, "BTC") == 10**8 - 10_000


@given(
    st.sampled_from(["BTC-PERP", "BTCUSD"]),
    st.lists(st.one_of(st.integers(-(10**4), 10**4), st.integers(-(10**13), 10**13)), max_size=5),
    st.one_of(st.integers(1, 10**6), st.integers(1, 2**63 - 1)),
    st.one_of(st.integers(-(10**9), 10**9), st.sampled_from([0, 1, -1, 100_000])),
)
def test_payments_by_column_are_those_of_python_integers(name, lots, price, rate) -> None:
    """Whether the products fit 64 bits or not."""
    instrument = next(i for i in Venue().state.instruments if i.name == name)
    sign = -1 if instrument.kind.inverse else 1
    slow = [-sign * trade_value(instrument, one, price) * rate // 10**9 for one in lots]
    held = np.array(lots, np.int64)
    if any(not -(2**63) <= amount < 2**63 for amount in slow):  # the engine refuses the command then
        with pytest.raises(OverflowError):
            _payments(instrument, held, price, rate)
    else:
        assert _payments(instrument, held, price, rate).tolist() == slow


def test_funding_can_start_a_liquidation() -> None:
    venue = Venue()
    venue.fund(A, 2_600)
    venue.trade(A, 1_000, 500_000)
    found = venue.do(cmd.ApplyFunding, instrument="BTC-PERP", rate_ppb=3_000_000)
    assert only(found, ev.LiquidationStarted).pot == venue.pot(A)


def test_funding_is_refused_without_a_good_price_a_perpetual_or_a_sane_rate() -> None:
    venue = Venue()
    fund = lambda name, rate=1: venue.do(cmd.ApplyFunding, instrument=name, rate_ppb=rate)  # noqa: E731
    refused(fund("BTC-DEC"), "not a perpetual")
    refused(fund("BTC-PERP", 10**9 + 1), "beyond 100 %")
    venue.wait(61)
    refused(fund("BTC-PERP"), "not good enough")


def test_a_dated_future_settles_at_expiry_and_not_before() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.trade(A, 100, 500_000, "BTC-DEC")
    settle = dict(instrument="BTC-DEC", price_ticks=510_000)
    refused(venue.do(cmd.SettleInstrument, **settle), "has not expired")
    venue.now = START + 10**6 * SECOND
    found = venue.do(cmd.SettleInstrument, **settle)
    assert only(found, ev.InstrumentSettled).positions == 2
    assert venue.balance(A) == 10_000 * DOLLAR + 100 * 10_000 * 100
    assert venue.lots(A, "BTC-DEC") == 0
    refused(venue.do(cmd.SettleInstrument, **settle), "has been settled")
    refused(venue.trade(A, 1, 500_000, "BTC-DEC"), "has been settled")


def test_settlement_cancels_orders_of_that_market_only() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    for number, name in ((1, "ETH-PERP"), (2, "BTC-PERP")):
        venue.do(cmd.PlaceOrder, account=A, order=number, instrument=name, size_lots=1, price_ticks=300_000)
    venue.do(cmd.SettleInstrument, instrument="ETH-PERP", price_ticks=300_000)
    assert list(venue.state.orders) == [2]


def test_the_odd_atoms_of_an_inverse_settlement_are_the_fee_pots() -> None:
    venue = Venue(accounts=12)
    accounts = range(A, A + 12)
    for account in accounts:
        venue.fund(account, 1, "BTC")
    for long in accounts[::2]:
        venue.trade(long, 7, 100_000, "BTCUSD", against=long + 1)
    before = [venue.worth(account) for account in accounts]
    cash = [venue.balance(account, "BTC") for account in accounts]
    venue.price(1, BTCUSD=99_999)
    value = 7 * 200_000_000 / 99_999
    venue.do(cmd.SettleInstrument, instrument="BTCUSD", price_ticks=99_999)
    gains = [venue.balance(account, "BTC") - start for account, start in zip(accounts, cash, strict=True)]
    assert gains == [14_000 - int(value) - 1, int(value) - 14_000] * 6
    assert venue.balance(FEES, "BTC") == 6
    assert len(before) == 12


@pytest.mark.parametrize("name", ["BTC-SPOT"])
def test_a_market_that_prices_collateral_cannot_be_settled(name: str) -> None:
    venue = Venue()
    refused(venue.do(cmd.SettleInstrument, instrument=name, price_ticks=500_000), "cannot be settled")


def test_an_absurd_settlement_price_is_refused_and_changes_nothing() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.trade(A, 1, 300_000, "ETH-PERP")
    before = unchanged(venue)
    refused(venue.do(cmd.SettleInstrument, instrument="ETH-PERP", price_ticks=2**62), "10000 times")
    refused(venue.do(cmd.SettleInstrument, instrument="ETH-PERP", price_ticks=0), "must be positive")
    assert unchanged(venue) == before


def test_a_liquidation_order_of_a_settled_market_is_done() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.trade(A, 4_000, 300_000, "ETH-PERP")
    sent = only(venue.price(1, ETH_PERP=280_000), ev.LiquidationOrderSent)
    found = venue.do(cmd.SettleInstrument, instrument="ETH-PERP", price_ticks=280_000)
    assert only(found, ev.LiquidationOrderDone).order == sent.order
    assert only(found, ev.LiquidationEnded).outcome == "closed"
    assert "Refused" in kinds(venue.done(sent))
