"""Fills are facts: booked exactly, refused only where they cannot have happened."""

from __future__ import annotations

import pytest

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.state import BACKSTOP, CLEARING, FEES, MARKET
from tests.engine.venue import DOLLAR, A, B, Venue, kinds, make_rulebook, only, refused, unchanged


def test_profit_is_realised_through_clearing_to_the_atom() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.trade(A, 300, 500_000)
    leg = only(venue.trade(A, -100, 510_001), ev.Traded).legs
    mine = next(part for part in leg if part.pot == venue.pot(A))
    assert (mine.size_lots, mine.realised_atoms) == (-100, 100 * 10_001 * 100)
    assert venue.balance(A) == 10_000 * DOLLAR + 100 * 10_001 * 100
    assert venue.balance(CLEARING) == -venue.balance(A) + 10_000 * DOLLAR - venue.balance(MARKET)
    assert venue.lots(A) == 200


def test_an_inverse_trade_is_zero_sum_and_the_seller_pays_the_odd_atom() -> None:
    venue = Venue()
    venue.fund(A, 1, "BTC")
    venue.fund(B, 1, "BTC")
    found = only(venue.trade(A, 7, 99_999, "BTCUSD", against=B), ev.Traded)
    costs = {leg.pot: leg.cost_atoms for leg in found.legs}
    exact = 7 * 200_000_000 / 99_999  # 14000.14 atoms
    assert costs[venue.pot(A)] == -(int(exact) + 1) and costs[venue.pot(B)] == int(exact) + 1
    assert sum(costs.values()) == 0


def test_fees_are_rounded_up_and_go_to_the_fee_pot() -> None:
    venue = Venue(make_rulebook(fee_ppb=333_333))
    venue.fund(A, 10_000)
    venue.trade(A, 1, 500_001)
    assert venue.balance(FEES) == -(-500_001 * 100 * 333_333 // 10**9)


@pytest.mark.parametrize("size", [0, -1, 2**63])
def test_a_fill_needs_a_size(size: int) -> None:
    venue = Venue()
    fill = dict(instrument="BTC-PERP", price_ticks=500_000, buyer=A, seller=MARKET, taker_is_buyer=True)
    refused(venue.do(cmd.ReportFill, size_lots=size, **fill))


def test_values_that_near_64_bits_are_refused() -> None:
    venue = Venue()
    refused(venue.trade(A, 2**61 // (500_000 * 100) + 1, 500_000), "2**61")
    half = 2**60 // (500_000 * 100)
    assert "Traded" in kinds(venue.trade(A, half, 500_000, against=B))
    assert "Traded" in kinds(venue.trade(A, half, 500_000, against=B))
    refused(venue.trade(A, half, 500_000, against=B), "open interest")
    assert "Traded" in kinds(venue.trade(A, -half, 500_000, against=B))


def test_a_price_that_the_open_interest_could_not_be_valued_at_is_refused() -> None:
    venue = Venue()
    venue.trade(A, 2**60 // (500_000 * 100), 500_000, against=B)
    refused(venue.price(1, BTC_PERP=500_000 * 8), "could not be valued")


@pytest.mark.parametrize("account", [0, 1, 2, 3, 6, 99, -1])
def test_only_users_the_market_and_the_vault_trade(account: int) -> None:
    venue = Venue()
    refused(venue.trade(A, 1, 500_000, against=account))


def test_one_pot_cannot_be_both_sides() -> None:
    venue = Venue()
    refused(venue.trade(A, 1, 500_000, against=A), "two different pots")
    refused(venue.trade(MARKET, 1, 500_000, against=MARKET), "two different pots")
    fill = dict(
        instrument="BTC-PERP", size_lots=1, price_ticks=500_000, buyer=A, seller=A, taker_is_buyer=True
    )
    assert "Traded" in kinds(venue.do(cmd.ReportFill, buyer_isolated=True, **fill))


def test_the_venues_own_positions_are_never_isolated() -> None:
    venue = Venue()
    fill = dict(
        instrument="BTC-PERP", size_lots=1, price_ticks=500_000, buyer=BACKSTOP, seller=A, taker_is_buyer=True
    )
    refused(venue.do(cmd.ReportFill, buyer_isolated=True, **fill), "can be isolated")


def test_a_fill_must_fit_the_order_it_names() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.fund(B, 10_000)
    venue.do(cmd.PlaceOrder, account=A, order=1, instrument="BTC-PERP", size_lots=10, price_ticks=500_000)
    before = unchanged(venue)
    refused(venue.trade(A, 11, 500_000, order=1), "does not fit")
    refused(venue.trade(A, -5, 500_000, order=1), "does not fit")
    refused(venue.trade(B, 5, 500_000, order=1), "does not fit")
    refused(venue.trade(A, 5, 300_000, "ETH-PERP", order=1), "does not fit")
    refused(venue.trade(A, 5, 500_000, order=2), "not open")
    assert unchanged(venue) == before
    assert kinds(venue.trade(A, 4, 500_000, order=1)) == ["Traded", "OrderReduced"]
    assert venue.state.orders[1].size_lots == 6


def test_a_fill_by_order_goes_to_the_pot_the_order_was_placed_for() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.do(
        cmd.Transfer, from_account=A, to_account=A, asset="USDC", amount_atoms=10**9, to_isolated="BTC-PERP"
    )
    venue.do(
        cmd.PlaceOrder,
        account=A,
        order=1,
        instrument="BTC-PERP",
        size_lots=10,
        price_ticks=500_000,
        isolated=True,
    )
    venue.trade(A, 10, 500_000, order=1)
    isolated = venue.state.isolated_pot(A, 0)
    assert venue.lots(A) == 0
    assert int(venue.state.book.pos_lots[venue.state.book.position(isolated, 0)]) == 10


def test_a_fill_before_any_price_is_booked_and_makes_the_account_unknown_with_the_first_price() -> None:
    venue = Venue(prices=False)
    venue.fund(A, 10_000)
    assert kinds(venue.trade(A, 10, 500_000)) == ["Traded"]
    found = only(venue.price(1, ETH_PERP=300_000), ev.AccountUnknown)
    assert (found.pot, found.instrument) == (venue.pot(A), 0)
