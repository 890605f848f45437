"""Resting orders: margined at their worst, cut when they could no longer only reduce."""

from __future__ import annotations

import pytest

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.safeguards.rules import Breaker, SafeguardRules
from tests.engine.venue import SECOND, A, B, Venue, kinds, make_rulebook, only, policy, refused, unchanged


def place(venue: Venue, number: int, lots: int, **more):
    fields = dict(account=A, order=number, instrument="BTC-PERP", size_lots=lots, price_ticks=500_000)
    return venue.do(cmd.PlaceOrder, **{**fields, **more})


def test_an_order_reserves_initial_margin_and_says_by_how_much_it_is_short() -> None:
    venue = Venue()
    venue.fund(A, 5_000)
    assert kinds(place(venue, 1, 1_000)) == ["OrderPlaced"]  # 1 BTC: exactly 5,000
    answer = refused(place(venue, 2, 1), "initial margin is short")
    assert answer.numbers["short_atoms"] == 5 * 10**6
    assert kinds(venue.do(cmd.CancelOrder, order=1)) == ["OrderReduced"]
    assert kinds(place(venue, 2, 1)) == ["OrderPlaced"]


def test_orders_on_both_sides_ask_for_the_worse_side_only() -> None:
    venue = Venue()
    venue.fund(A, 5_000)
    place(venue, 1, 1_000)
    assert kinds(place(venue, 2, -1_000)) == ["OrderPlaced"]


@pytest.mark.parametrize("number", [0, -1, 2**40, 2**62])
def test_order_numbers_are_positive_and_below_the_engines_own(number: int) -> None:
    venue = Venue()
    venue.fund(A, 5_000)
    refused(place(venue, number, 1), "order number")


def test_an_order_number_in_use_is_refused() -> None:
    venue = Venue()
    venue.fund(A, 5_000)
    place(venue, 1, 1)
    refused(place(venue, 1, 1), "order number")


@pytest.mark.parametrize(("lots", "ticks"), [(0, 1), (2**63, 1), (1, 0), (1, -5), (1, 2**63)])
def test_sizes_and_prices_outside_the_limits_are_refused(lots: int, ticks: int) -> None:
    venue = Venue()
    venue.fund(A, 5_000)
    refused(place(venue, 1, lots, price_ticks=ticks), "within the instrument's limits")


def test_an_order_that_only_reduces_is_allowed_below_initial_margin() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.trade(A, 1_000, 500_000)
    venue.btc(44_000)  # equity 4,000, initial 4,400
    refused(place(venue, 1, 1), "initial margin")
    assert kinds(place(venue, 2, -1_000)) == ["OrderPlaced"]


def test_orders_that_reduce_one_by_one_but_turn_together_are_margined() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.trade(A, 1_000, 500_000)
    place(venue, 1, -1_000)
    place(venue, 2, -1_000)
    assert kinds(place(venue, 3, -1_000)) == [
        "OrderPlaced"
    ]  # all filled: short 2 BTC, which 10,000 just carries
    refused(place(venue, 4, -1), "initial margin is short")


def test_a_reduce_only_order_may_not_add_or_turn() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    refused(place(venue, 1, 5, reduce_only=True), "reduce-only")
    venue.trade(A, 10, 500_000)
    refused(place(venue, 1, 5, reduce_only=True), "reduce-only")
    refused(place(venue, 1, -11, reduce_only=True), "reduce-only")
    assert kinds(place(venue, 1, -10, reduce_only=True)) == ["OrderPlaced"]


def test_reduce_only_orders_are_cut_when_the_position_shrinks_and_cancelled_when_it_turns() -> None:
    venue = Venue()
    venue.fund(A, 50_000)
    venue.trade(A, 10, 500_000)
    place(venue, 1, -10, reduce_only=True)
    place(venue, 2, -8, reduce_only=True)
    found = venue.trade(A, -6, 500_000, order=1)
    cut = [event for event in found if isinstance(event, ev.OrderReduced)]
    assert [(event.order, event.size_lots) for event in cut] == [(1, -6), (2, -4)]
    assert {number: order.size_lots for number, order in venue.state.orders.items()} == {1: -4, 2: -4}
    venue.trade(A, -20, 500_000)
    assert not venue.state.orders


def test_a_fill_on_a_reduce_only_order_cannot_turn_the_position() -> None:
    venue = Venue()
    venue.fund(A, 50_000)
    venue.trade(A, 10, 500_000)
    place(venue, 1, -10, reduce_only=True)
    venue.trade(A, -6, 500_000)
    refused(venue.trade(A, -10, 500_000, order=1), "does not fit the order")


def test_an_unknown_or_liquidating_account_may_not_add_risk() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.trade(A, 1_000, 500_000)
    venue.btc(42_000)
    refused(place(venue, 1, 1), "liquidating")
    venue.wait(61)
    refused(place(venue, 1, 1, instrument="ETH-PERP"), "not good enough")


def test_a_wide_price_is_good_enough_to_value_with_but_not_to_add_risk() -> None:
    oracle = policy(max_confidence_ppb=10_000_000, tolerated=(16, 16, 0, 16, 16))
    venue = Venue(make_rulebook(oracle=oracle))
    venue.fund(A, 10_000)
    venue.do(cmd.ReportPrices, prices=(cmd.SourcePrice("BTC-PERP", "a", 500_000, venue.now, 50_000),))
    refused(place(venue, 1, 1), "not good enough to add risk")


def test_a_breaker_that_forbids_opening_lets_reducing_orders_through() -> None:
    breaker = Breaker(
        name="fast",
        when="mark_move",
        threshold_ppb=50_000_000,
        window_ns=60 * SECOND,
        forbids=("open",),
        for_ns=30 * SECOND,
    )
    venue = Venue(make_rulebook(safeguards=SafeguardRules(breakers=(breaker,))))
    venue.fund(A, 10_000)
    venue.trade(A, 100, 500_000)
    assert only(venue.price(1, BTC_PERP=530_000), ev.GateClosed).action == "open"
    refused(place(venue, 1, 1), "opening is closed")
    assert kinds(place(venue, 1, -1)) == ["OrderPlaced"]
    venue.price(31, BTC_PERP=530_000)
    refused(place(venue, 2, 1), "opening is closed")  # still moved within the window: closed again
    venue.price(59, BTC_PERP=530_000)
    assert kinds(place(venue, 2, 1)) == ["OrderPlaced"]


def test_an_isolated_order_is_margined_by_its_own_pot() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    refused(place(venue, 1, 100, isolated=True), "the pot holds nothing")
    venue.do(
        cmd.Transfer,
        from_account=A,
        to_account=A,
        asset="USDC",
        amount_atoms=500 * 10**6,
        to_isolated="BTC-PERP",
    )
    refused(place(venue, 1, 101, isolated=True), "initial margin is short")
    assert kinds(place(venue, 1, 100, isolated=True)) == ["OrderPlaced"]
    refused(place(venue, 2, 1, isolated=True, instrument="BTC-SPOT"), "cannot be isolated")


def test_refused_orders_change_nothing() -> None:
    venue = Venue()
    venue.fund(A, 100)
    before = unchanged(venue)
    place(venue, 1, 10_000)
    place(venue, 1, 1, account=B)
    refused(venue.do(cmd.CancelOrder, order=77), "no such resting order")
    assert unchanged(venue) == before
