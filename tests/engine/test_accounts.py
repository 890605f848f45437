"""Accounts and money: who may put in, who may take out, and what stands in the way."""

from __future__ import annotations

import pytest

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.state import CLEARING, EXTERNAL, INSURANCE, SHORTFALL
from tests.engine.venue import (
    BTC,
    DOLLAR,
    LADDER,
    SECOND,
    A,
    B,
    Venue,
    kinds,
    make_rulebook,
    only,
    policy,
    refused,
    unchanged,
)


def test_accounts_are_numbered_in_order_and_the_next_number_is_named() -> None:
    venue = Venue()
    answer = refused(venue.do(cmd.OpenAccount, account=99))
    assert answer.numbers == {"next": A + 4}
    assert kinds(venue.do(cmd.OpenAccount, account=A + 4, owner="ann")) == ["AccountOpened"]
    assert venue.state.owners == {A + 4: "ann"}


def test_a_deposit_comes_from_outside_to_the_atom() -> None:
    venue = Venue()
    before = venue.balance(EXTERNAL)
    venue.fund(A, 1_000)
    assert venue.balance(A) == 1_000 * DOLLAR
    assert venue.balance(EXTERNAL) == before - 1_000 * DOLLAR


@pytest.mark.parametrize("account", [EXTERNAL, CLEARING, 5])
def test_house_accounts_that_hold_no_funds_take_no_deposit(account: int) -> None:
    venue = Venue()
    refused(venue.do(cmd.Deposit, account=account, asset="USDC", amount_atoms=1), "the venue's own account")


def test_the_insurance_fund_can_be_paid_into() -> None:
    venue = Venue()
    venue.fund(INSURANCE, 5)
    assert venue.balance(INSURANCE) == 1_000_005 * DOLLAR


@pytest.mark.parametrize("amount", [0, -1, 2**63, -(2**70)])
def test_an_amount_that_is_not_positive_or_too_large_is_refused(amount: int) -> None:
    venue = Venue()
    for kind in (cmd.Deposit, cmd.Withdraw):
        refused(venue.do(kind, account=A, asset="USDC", amount_atoms=amount), "must be positive")


def test_deposits_that_would_not_fit_64_bits_are_refused_by_amount_and_by_value() -> None:
    venue = Venue()
    most = 2**62 - 2 * 10**12
    assert kinds(venue.do(cmd.Deposit, account=A, asset="USDC", amount_atoms=most)) == ["Transferred"]
    refused(venue.do(cmd.Deposit, account=B, asset="USDC", amount_atoms=3 * 10**12), "2**62")
    refused(venue.do(cmd.Deposit, account=B, asset="BTC", amount_atoms=2**54), "2**62")


def test_a_withdrawal_leaves_what_initial_margin_asks_and_not_an_atom_less() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.trade(A, 1_000, 500_000)  # 1 BTC at 50,000: initial margin 5,000
    answer = refused(
        venue.do(cmd.Withdraw, account=A, asset="USDC", amount_atoms=5_000 * DOLLAR + 1), "initial"
    )
    assert answer.numbers == {
        "equity_atoms": 5_000 * DOLLAR - 1,
        "requirement_atoms": 5_000 * DOLLAR,
        "short_atoms": 1,
    }
    assert kinds(venue.do(cmd.Withdraw, account=A, asset="USDC", amount_atoms=5_000 * DOLLAR)) == [
        "Transferred"
    ]


def test_nothing_leaves_an_account_that_cannot_be_valued() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.trade(A, 100, 500_000)
    venue.wait(61)
    refused(venue.do(cmd.Withdraw, account=A, asset="USDC", amount_atoms=1), "unknown")
    assert kinds(venue.fund(A, 1)) == ["Transferred"]


def test_nothing_leaves_on_a_price_that_is_good_enough_to_value_but_not_to_withdraw() -> None:
    oracle = policy(max_confidence_ppb=10_000_000, tolerated=(16, 16, 16, 0, 0))
    venue = Venue(make_rulebook(oracle=oracle))
    venue.fund(A, 10_000)
    venue.trade(A, 100, 500_000)
    row = cmd.SourcePrice("BTC-PERP", "a", 500_000, venue.now, 10_000)
    venue.do(cmd.ReportPrices, prices=(row,))
    answer = refused(venue.do(cmd.Withdraw, account=A, asset="USDC", amount_atoms=1), "not good enough")
    assert answer.numbers == {"conditions": 16}


def test_nothing_leaves_an_account_under_liquidation() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.trade(A, 1_000, 500_000)
    venue.btc(42_000)
    assert venue.liquidating(A)
    refused(venue.do(cmd.Withdraw, account=A, asset="USDC", amount_atoms=1), "liquidated")
    refused(
        venue.do(
            cmd.Transfer, from_account=A, to_account=A, asset="USDC", amount_atoms=1, to_isolated="ETH-PERP"
        )
    )


def gate(venue: Venue, instrument: str = "") -> None:
    venue.do(
        cmd.Override,
        by="ann",
        role="guardian",
        action="withdraw",
        instrument=instrument,
        close=True,
        until_ns=venue.now + 60 * SECOND,
    )


def test_a_closed_gate_stops_withdrawals_and_transfers_to_others_but_not_within_an_account() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    gate(venue)
    refused(venue.do(cmd.Withdraw, account=A, asset="USDC", amount_atoms=1), "withdrawals are closed")
    out = dict(from_account=A, asset="USDC", amount_atoms=DOLLAR)
    refused(venue.do(cmd.Transfer, to_account=B, **out), "withdrawals are closed")
    assert "Transferred" in kinds(venue.do(cmd.Transfer, to_account=A, to_isolated="BTC-PERP", **out))
    refused(
        venue.do(
            cmd.Transfer, from_account=A, to_account=B, asset="USDC", amount_atoms=1, from_isolated="BTC-PERP"
        )
    )
    venue.wait(61)
    venue.price(BTC_PERP=500_000)
    assert kinds(venue.do(cmd.Withdraw, account=A, asset="USDC", amount_atoms=1)) == ["Transferred"]


def test_a_gate_on_one_instrument_stops_those_who_hold_it() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.fund(B, 10_000)
    venue.trade(A, 100, 500_000)
    gate(venue, "BTC-PERP")
    refused(venue.do(cmd.Withdraw, account=A, asset="USDC", amount_atoms=1), "withdrawals are closed")
    assert kinds(venue.do(cmd.Withdraw, account=B, asset="USDC", amount_atoms=1)) == ["Transferred"]


def test_another_pot_of_the_account_below_zero_stops_what_would_leave() -> None:
    """One pot per settlement asset: the dollar pot is no way round a bitcoin pot that is in trouble."""
    venue = Venue(make_rulebook(scope="settlement", steps=(LADDER[1],), insurance={}, backstop={}))
    venue.fund(A, 10_000)
    venue.fund(A, 0.1, "BTC")
    venue.trade(A, 30_000, 100_000, "BTCUSD")
    venue.price(1, BTCUSD=84_000)
    refused(venue.do(cmd.Withdraw, account=A, asset="USDC", amount_atoms=1), "another pot")


def test_a_transfer_needs_two_pots_and_the_right_asset() -> None:
    venue = Venue()
    venue.fund(A, 100)
    refused(
        venue.do(cmd.Transfer, from_account=A, to_account=A, asset="USDC", amount_atoms=1),
        "two different pots",
    )
    refused(
        venue.do(
            cmd.Transfer, from_account=A, to_account=A, asset="USDC", amount_atoms=1, to_isolated="BTCUSD"
        ),
        "only its settlement asset",
    )
    refused(
        venue.do(
            cmd.Transfer, from_account=A, to_account=A, asset="USDC", amount_atoms=1, to_isolated="BTC-SPOT"
        ),
        "only its settlement asset",
    )


def test_a_withdrawal_haircut_is_taken_rounded_up_and_ends_with_the_shortfall() -> None:
    venue = Venue()
    venue.fund(A, 100)
    state = venue.state
    state.haircut_ppb[0] = 333_333_333
    # A shortfall of 11 atoms stands; the books stay balanced.
    state.book.balances[SHORTFALL, 0] -= 11
    state.book.balances[INSURANCE, 0] += 11
    moved = only(venue.do(cmd.Withdraw, account=A, asset="USDC", amount_atoms=10), ev.Transferred)
    assert [entry.amount_atoms for entry in moved.entries] == [-10, 6, 4]  # ceil(10 * 0.333333333) = 4
    moved = only(venue.do(cmd.Withdraw, account=A, asset="USDC", amount_atoms=100), ev.Transferred)
    assert [entry.amount_atoms for entry in moved.entries] == [-100, 93, 7]  # what was left of the shortfall
    assert venue.balance(SHORTFALL) == 0
    moved = only(venue.do(cmd.Withdraw, account=A, asset="USDC", amount_atoms=100), ev.Transferred)
    assert [entry.amount_atoms for entry in moved.entries] == [-100, 100]


def test_leverage_is_refused_where_nothing_is_margined_and_beyond_the_cap() -> None:
    venue = Venue()
    refused(venue.do(cmd.SetLeverage, account=A, instrument="BTC-SPOT", leverage=2), "no leverage")
    for leverage in (0, -1, 11, 2**70):
        refused(venue.do(cmd.SetLeverage, account=A, instrument="BTC-PERP", leverage=leverage), "outside")


def test_lower_leverage_needs_the_initial_margin_it_asks_for() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.trade(A, 1_000, 500_000)
    answer = refused(
        venue.do(cmd.SetLeverage, account=A, instrument="BTC-PERP", leverage=4), "more initial margin"
    )
    assert answer.numbers == {"short_atoms": 2_500 * DOLLAR}
    assert kinds(venue.do(cmd.SetLeverage, account=A, instrument="BTC-PERP", leverage=5)) == ["LeverageSet"]


def test_halving_leverage_with_only_orders_resting_is_checked_too() -> None:
    venue = Venue()
    venue.fund(A, 5_000)
    venue.do(cmd.PlaceOrder, account=A, order=1, instrument="BTC-PERP", size_lots=1_000, price_ticks=500_000)
    refused(venue.do(cmd.SetLeverage, account=A, instrument="BTC-PERP", leverage=5), "more initial margin")


def test_a_spot_trade_moves_both_assets_exactly_and_needs_what_it_gives() -> None:
    venue = Venue()
    venue.fund(A, 600)
    refused(venue.trade(A, 200, 500_000, "BTC-SPOT"), "needs the balance")
    venue.trade(A, 100, 500_000, "BTC-SPOT")  # 0.01 BTC for 500 USDC
    assert venue.balance(A) == 100 * DOLLAR
    assert venue.balance(A, "BTC") == BTC.atoms_per_unit // 100


def test_a_spot_order_rests_with_full_margin_and_its_fill_reduces_it() -> None:
    venue = Venue()
    venue.fund(A, 1_000)
    place = dict(account=A, instrument="BTC-SPOT", price_ticks=500_000)
    refused(venue.do(cmd.PlaceOrder, order=1, size_lots=201, **place), "initial margin is short")
    venue.do(cmd.PlaceOrder, order=1, size_lots=200, **place)
    found = venue.trade(A, 150, 500_000, "BTC-SPOT", order=1)
    assert kinds(found) == ["Transferred", "OrderReduced"]
    assert venue.state.orders[1].size_lots == 50


def test_a_refusal_changes_nothing() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    before = unchanged(venue)
    refused(venue.do(cmd.Withdraw, account=A, asset="USDC", amount_atoms=10**12))
    refused(venue.do(cmd.Withdraw, account=99, asset="USDC", amount_atoms=1))
    refused(venue.do(cmd.Deposit, account=A, asset="DOGE", amount_atoms=1), "unknown asset")
    assert unchanged(venue) == before
