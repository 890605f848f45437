"""The ladder: steps, sizes, limits, waiting, recalling. An order that is out does no more than it should."""

from __future__ import annotations

import msgspec
import pytest

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.measure import free_lots
from seawall.engine.state import BACKSTOP, FEES, INSURANCE, Order
from seawall.liquidation.rules import FeeSplit, Step
from tests.engine.venue import (
    CANCEL,
    DOLLAR,
    EASE,
    SECOND,
    VAULT,
    A,
    B,
    Venue,
    kinds,
    make_rulebook,
    only,
    refused,
)

replace = msgspec.structs.replace


def long_one(steps: tuple[Step, ...] = (CANCEL, EASE, VAULT), equity: float = 10_000, **more) -> Venue:
    """Account A is long 1 BTC from 50,000 on so many dollars."""
    venue = Venue(make_rulebook(steps=steps, **more))
    venue.fund(A, equity)
    venue.trade(A, 1_000, 500_000)
    return venue


def test_nothing_happens_at_the_trigger_and_a_liquidation_starts_one_tick_below() -> None:
    venue = long_one()
    # equity 10,000 - (50,000 - p) = 5 % of p at p = 40,000 / 0.95 = 42,105.26...
    assert "LiquidationStarted" not in kinds(venue.price(1, BTC_PERP=421_053))
    found = only(venue.price(1, BTC_PERP=421_052), ev.LiquidationStarted)
    assert (found.equity_atoms, found.requirement_atoms) == (2_105_200_000, 2_105_260_000)
    assert (found.instrument, found.size_lots, found.exit_level) == (0, 1_000, "restore")


def test_the_restoring_size_is_the_smallest_that_meets_the_exit_level() -> None:
    venue = long_one()
    sent = only(venue.btc(42_000), ev.LiquidationOrderSent)
    # 2,000 of equity carries 6 % of 42,000 on 793 lots (1,998.36), not on 794.
    assert sent.size_lots == -207
    ended = only(venue.fill(sent, 420_000), ev.LiquidationEnded)
    assert (ended.outcome, ended.equity_atoms, ended.requirement_atoms) == (
        "restored",
        2_000_000_000,
        1_998_360_000,
    )
    assert venue.lots(A) == 793


def test_the_limit_of_an_order_is_the_bankruptcy_price() -> None:
    venue = long_one()
    assert only(venue.btc(42_000), ev.LiquidationOrderSent).limit_ticks == 400_000
    short = Venue(make_rulebook())
    short.fund(A, 10_000)
    short.trade(A, -1_000, 500_000)
    assert only(short.btc(57_500), ev.LiquidationOrderSent).limit_ticks == 600_000


def test_above_the_trigger_and_below_the_exit_a_liquidation_goes_on() -> None:
    venue = long_one()
    sent = only(venue.btc(42_000), ev.LiquidationOrderSent)
    venue.done(sent)
    venue.btc(42_300)  # equity 2,300: maintenance 2,115, restore 2,538
    assert venue.liquidating(A)
    assert only(venue.btc(42_600), ev.LiquidationEnded).outcome == "restored"


def test_the_next_attempt_waits_out_the_cooldown_and_the_last_one_too() -> None:
    venue = long_one()
    first = only(venue.btc(42_000), ev.LiquidationOrderSent)
    assert "LiquidationOrderSent" not in kinds(venue.done(first))
    assert "LiquidationOrderSent" not in kinds(venue.btc(42_000, 8))
    second = only(venue.btc(42_000, 2), ev.LiquidationOrderSent)
    assert second.order == first.order + 1
    venue.done(second)
    assert "TakenOver" not in kinds(venue.btc(42_000, 9))
    found = venue.btc(42_000, 1)
    assert only(found, ev.StepEntered).why == "ease: tried 2 times"
    assert only(found, ev.TakenOver).equity_atoms == 2_000 * DOLLAR


def test_falling_below_a_steps_level_ends_its_cooldown() -> None:
    venue = long_one((CANCEL, replace(EASE, leave_below="backstop"), VAULT))
    venue.done(only(venue.btc(42_000), ev.LiquidationOrderSent))
    found = venue.btc(41_300)  # equity 1,300 < 2/3 of 2,065
    assert only(found, ev.TakenOver).to_pot == BACKSTOP
    assert venue.balance(A) == 0 and venue.lots(A) == 0 and venue.lots(BACKSTOP) == 1_000


def test_orders_are_cancelled_by_the_step_that_says_so() -> None:
    venue = long_one()
    venue.do(cmd.PlaceOrder, account=A, order=1, instrument="BTC-PERP", size_lots=-10, price_ticks=600_000)
    found = venue.btc(42_000)
    assert only(found, ev.OrderReduced).reason == "cancel"
    assert "1 cancelled" in next(event.why for event in found if isinstance(event, ev.StepEntered))


def test_a_deposit_that_cures_recalls_the_order_and_ends_the_liquidation() -> None:
    venue = long_one()
    sent = only(venue.btc(42_000), ev.LiquidationOrderSent)
    found = venue.fund(A, 1_000)
    recalled, ended = only(found, ev.LiquidationOrderRecalled), only(found, ev.LiquidationEnded)
    assert (recalled.order, recalled.heir, ended.outcome) == (sent.order, venue.pot(A), "restored")
    assert kinds(venue.done(sent)) == ["LiquidationOrderDone"]


def test_a_recalled_order_may_still_fill_until_the_venue_says_done() -> None:
    venue = long_one()
    sent = only(venue.btc(42_000), ev.LiquidationOrderSent)
    venue.fund(A, 1_000)
    assert "Traded" in kinds(venue.fill(sent, 420_000, -100))
    assert venue.lots(A) == 900
    venue.done(sent)
    refused(venue.fill(sent, 420_000, -100), "not open")


def test_an_order_that_is_out_when_the_vault_takes_over_fills_for_the_vault() -> None:
    venue = long_one((CANCEL, replace(EASE, leave_below="backstop"), VAULT))
    sent = only(venue.btc(42_000), ev.LiquidationOrderSent)
    found = venue.btc(41_300)
    heirs = [event.heir for event in found if isinstance(event, ev.LiquidationOrderRecalled)]
    assert heirs == [venue.pot(A), BACKSTOP]
    venue.fill(sent, 413_000)
    assert venue.lots(A) == 0 and venue.lots(BACKSTOP) == 1_000 - 207


def test_an_order_that_is_out_at_bankruptcy_fills_for_the_vault_and_the_pot_stays_empty() -> None:
    venue = long_one()
    sent = only(venue.btc(42_000), ev.LiquidationOrderSent)
    found = venue.btc(39_000)
    assert only(found, ev.LiquidationEnded).outcome == "bankrupt"
    assert any("below zero while its order is out" in e.why for e in found if isinstance(e, ev.StepEntered))
    venue.fill(sent, 390_000)
    assert venue.balance(A) == 0 and venue.lots(A) == 0


@pytest.mark.parametrize("above", [True, False])
def test_a_step_without_a_limit_of_tries_ends_once_the_pot_is_below_zero(above: bool) -> None:
    """The book takes nothing and says so: above zero it is asked again, below zero the waterfall pays."""
    venue = long_one((replace(EASE, size="all", max_attempts=0, cooldown_ns=0),))
    sent = only(venue.btc(42_000 if above else 39_000), ev.LiquidationOrderSent)
    found = venue.done(sent)
    if above:
        assert only(found, ev.LiquidationOrderSent).size_lots == -1_000
        return
    assert any("below zero after 1 tries" in e.why for e in found if isinstance(e, ev.StepEntered))
    assert only(found, ev.LiquidationEnded).outcome == "bankrupt"
    assert venue.lots(A) == 0


def test_a_step_with_a_limit_of_tries_uses_them_below_zero_too() -> None:
    venue = long_one((replace(EASE, size="all", max_attempts=2, cooldown_ns=0),))
    sent = only(venue.btc(39_000), ev.LiquidationOrderSent)
    again = only(venue.done(sent), ev.LiquidationOrderSent)
    assert only(venue.done(again), ev.LiquidationEnded).outcome == "bankrupt"


def test_what_a_liquidation_order_fills_beyond_the_position_is_the_vaults() -> None:
    venue = long_one((replace(EASE, size="all"), VAULT))
    sent = only(venue.btc(42_000), ev.LiquidationOrderSent)
    assert sent.size_lots == -1_000
    venue.trade(A, -400, 420_000)  # the owner closes part himself, at the venue
    legs = only(venue.fill(sent, 420_000), ev.Traded).legs
    assert {leg.pot: leg.size_lots for leg in legs}[venue.pot(A)] == -600
    assert venue.lots(A) == 0 and venue.lots(BACKSTOP) == -400


def test_an_order_larger_than_the_position_is_recalled_and_its_answer_waited_for() -> None:
    venue = long_one((replace(EASE, size="all", cooldown_ns=0), VAULT))
    sent = only(venue.btc(42_000), ev.LiquidationOrderSent)
    found = venue.trade(A, -10, 420_000)
    assert only(found, ev.LiquidationOrderRecalled).order == sent.order
    assert venue.liquidating(A) and "StepEntered" not in kinds(found)
    assert only(venue.done(sent), ev.LiquidationOrderSent).size_lots == -990


def test_a_venue_that_never_answers_is_not_waited_for_beyond_the_cooldown() -> None:
    venue = long_one()
    first = only(venue.btc(42_000), ev.LiquidationOrderSent)
    found = venue.btc(42_000, 10)
    assert only(found, ev.LiquidationOrderRecalled).order == first.order
    second = only(found, ev.LiquidationOrderSent)
    assert abs(first.size_lots + second.size_lots) <= 1_000
    found = venue.btc(42_000, 10)
    assert only(found, ev.TakenOver).pot == venue.pot(A)


def test_two_orders_out_never_offer_more_than_the_position() -> None:
    venue = long_one((replace(EASE, size="fraction", fraction_ppb=600_000_000, max_attempts=5), VAULT))
    assert only(venue.btc(42_000), ev.LiquidationOrderSent).size_lots == -600
    assert only(venue.btc(42_000, 10), ev.LiquidationOrderSent).size_lots == -400
    found = venue.btc(42_000, 10)
    assert any("nothing to close" in event.why for event in found if isinstance(event, ev.StepEntered))


def test_an_account_that_becomes_unknown_while_liquidating_has_its_order_recalled_and_waits() -> None:
    venue = long_one()
    sent = only(venue.btc(42_000), ev.LiquidationOrderSent)
    found = venue.wait(61)
    assert only(found, ev.LiquidationOrderRecalled).why == "the pot cannot be valued"
    venue.done(sent)
    assert "LiquidationOrderSent" not in kinds(venue.wait(10))
    assert venue.liquidating(A)
    assert "LiquidationOrderSent" in kinds(venue.btc(42_000))


def test_a_gate_that_closes_recalls_the_order_and_its_opening_goes_on() -> None:
    venue = long_one()
    sent = only(venue.btc(42_000), ev.LiquidationOrderSent)
    gate = dict(by="ann", action="liquidate", instrument="BTC-PERP")
    venue.do(cmd.Override, role="guardian", close=True, until_ns=venue.now + 60 * SECOND, **gate)
    found = venue.btc(41_900)
    assert only(found, ev.LiquidationOrderRecalled).why == "liquidation is forbidden for now"
    venue.done(sent)
    assert "LiquidationOrderSent" not in kinds(venue.btc(41_900, 11))
    assert "LiquidationOrderSent" in kinds(venue.do(cmd.Override, role="governor", close=False, **gate))


def test_a_gate_that_opens_by_itself_lets_through_who_waited_behind_it() -> None:
    venue = long_one()
    gate = dict(by="ann", role="guardian", action="liquidate", instrument="")
    venue.do(cmd.Override, close=True, until_ns=venue.now + 30 * SECOND, **gate)
    assert "LiquidationStarted" not in kinds(venue.btc(42_000))
    found = venue.price(30, ETH_PERP=300_000)  # no price of A's changed
    assert only(found, ev.LiquidationStarted).pot == venue.pot(A)


def test_an_isolated_pot_is_liquidated_alone() -> None:
    venue = Venue(make_rulebook(steps=(VAULT,)))
    venue.fund(A, 10_000)
    venue.do(
        cmd.Transfer,
        from_account=A,
        to_account=A,
        asset="USDC",
        amount_atoms=1_000 * DOLLAR,
        to_isolated="BTC-PERP",
    )
    venue.trade(A, 100, 500_000, isolated=True)
    venue.trade(A, 100, 500_000)
    venue.btc(41_900)
    assert venue.balance(A) == 9_000 * DOLLAR and venue.lots(A) == 100
    isolated = venue.state.isolated_pot(A, 0)
    assert not venue.state.book.balances[isolated].any()
    assert venue.lots(BACKSTOP) == 100


def test_the_liquidation_fee_is_split_with_the_odd_atoms_to_the_fund() -> None:
    fees = FeeSplit(
        fee_ppb=5_000_000, insurance_ppb=600_000_000, backstop_ppb=100_000_000, venue_ppb=300_000_000
    )
    venue = long_one((replace(EASE, fees=fees), VAULT))
    funds = [venue.balance(pot) for pot in (INSURANCE, BACKSTOP, FEES)]
    sent = only(venue.btc(42_000), ev.LiquidationOrderSent)
    lots = -sent.size_lots
    fee = lots * 42_000_0 * 100 * 5_000_000 // 10**9
    venue.fill(sent, 420_000)
    gained = [
        venue.balance(pot) - before for pot, before in zip((INSURANCE, BACKSTOP, FEES), funds, strict=True)
    ]
    assert gained == [fee - fee // 10 - fee * 3 // 10, fee // 10, fee * 3 // 10]


def test_a_liquidation_fee_never_makes_a_bankruptcy() -> None:
    fees = FeeSplit(fee_ppb=100_000_000)
    venue = long_one((replace(EASE, size="all", fees=fees, price="none"), VAULT))
    sent = only(venue.btc(42_000), ev.LiquidationOrderSent)
    found = venue.fill(sent, 405_000)  # 500 left; a tenth of 40,500 would be 4,050
    assert only(found, ev.LiquidationEnded).outcome == "closed"
    assert venue.balance(A) == 0


def test_amounts_of_a_step_are_in_the_numeraire_for_positions_settled_in_coin() -> None:
    """20 % above 100,000 USDC of notional, all below it: an inverse position of 60,000 USD is below it."""
    step = replace(
        EASE, size="fraction", fraction_ppb=200_000_000, only_above_atoms=100_000 * DOLLAR, price="none"
    )
    venue = Venue(make_rulebook(steps=(step, VAULT)))
    venue.fund(A, 0.12, "BTC")
    venue.trade(A, 60_000, 100_000, "BTCUSD")
    assert only(venue.btc(46_500), ev.LiquidationOrderSent).size_lots == -60_000
    large = Venue(make_rulebook(steps=(step, VAULT)))
    large.fund(A, 1.2, "BTC")
    large.trade(A, 600_000, 100_000, "BTCUSD")
    assert only(large.btc(46_500), ev.LiquidationOrderSent).size_lots == -120_000


def test_dust_is_closed_with_the_rest_and_pacing_caps_the_order() -> None:
    dust = replace(EASE, size="fraction", fraction_ppb=990_000_000, min_close_atoms=1_000 * DOLLAR)
    assert only(long_one((dust, VAULT)).btc(42_000), ev.LiquidationOrderSent).size_lots == -1_000
    paced = replace(EASE, size="all", max_order_atoms=10_000 * DOLLAR)
    assert only(long_one((paced, VAULT)).btc(42_000), ev.LiquidationOrderSent).size_lots == -238


@pytest.mark.parametrize(
    ("select", "name"),
    [("largest_notional", "ETH-PERP"), ("largest_loss", "BTC-PERP"), ("first", "BTC-PERP")],
)
def test_the_position_to_close_first_is_the_one_the_rule_names(select: str, name: str) -> None:
    venue = Venue(make_rulebook(steps=(replace(EASE, select=select), VAULT)))  # type: ignore[arg-type]
    venue.fund(A, 10_000)
    venue.trade(A, 500, 500_000)
    venue.trade(A, 2_000, 300_000, "ETH-PERP")
    sent = only(venue.btc(37_500), ev.LiquidationOrderSent)  # loss 6,250 + 0; 18,750 against 60,000
    assert venue.state.instruments[sent.instrument].name == name


def test_the_vault_offers_a_share_of_what_it_holds_at_its_own_pace() -> None:
    venue = long_one(
        (VAULT,), liquidation={"unwind_fraction_ppb": 100_000_000, "unwind_every_ns": 60 * SECOND}
    )
    found = venue.btc(42_000)
    sent = only(found, ev.LiquidationOrderSent)
    assert (sent.pot, sent.size_lots) == (BACKSTOP, -100)
    assert "LiquidationOrderSent" not in kinds(venue.btc(42_000, 30))
    venue.fill(sent, 420_000)
    assert venue.lots(BACKSTOP) == 900
    assert only(venue.btc(42_000, 30), ev.LiquidationOrderSent).size_lots == -90


def test_who_is_largest_in_deficit_comes_first_where_the_rulebook_says_so() -> None:
    venue = Venue(make_rulebook(liquidation={"order": "largest_deficit"}))
    for account, dollars in ((A, 5_200), (B, 5_000)):
        venue.fund(account, dollars)
        venue.trade(account, 1_000, 500_000)
    started = [e.pot for e in venue.btc(46_500) if isinstance(e, ev.LiquidationStarted)]
    assert started == [venue.pot(B), venue.pot(A)]


def test_only_orders_on_the_closing_side_count_as_already_on_offer() -> None:
    """The vault may inherit orders of both signs; a buy that never fills must not hide what is being sold."""
    venue = Venue()
    venue.trade(BACKSTOP, 1_000, 500_000)
    state = venue.state
    for number, lots in ((1, -300), (2, 250), (3, -400)):
        state.orders[number] = Order(A, 0, lots, 0, liquidation=True, heir=BACKSTOP, recalled=True)
        state.sent_orders.setdefault(BACKSTOP, []).append(number)
    assert free_lots(state, BACKSTOP, 0) == 300
    state.orders[3].size_lots = -900
    assert free_lots(state, BACKSTOP, 0) == 0
