"""Takeover, bankruptcy and the waterfall: who pays, how much, in which order, and what is given back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.state import BACKSTOP, INSURANCE, SHORTFALL
from seawall.liquidation.rules import FeeSplit
from seawall.liquidation.tiers import AdlTier, InsuranceTier, SocialiseTier
from seawall.rulebooks.check import contradictions
from tests.engine.venue import (
    DOLLAR,
    EASE,
    VAULT,
    A,
    B,
    C,
    Venue,
    kinds,
    make_rulebook,
    only,
    refused,
)

SHARE = SocialiseTier(method="positive_equity")


def bankrupt(
    waterfall: tuple[Any, ...], *, insurance: float = 10**6, fall: float = 39_000, **more: Any
) -> tuple[Venue, tuple[ev.AnyEvent, ...]]:
    """A, long 1 BTC from 50,000 on 10,000, meets a price at which it is 1,000 short (or as `fall` says)."""
    venue = Venue(
        make_rulebook(
            steps=(VAULT,), waterfall=waterfall, insurance={"USDC": round(insurance * DOLLAR)}, **more
        )
    )
    for account, dollars in ((A, 10_000), (B, 30_000), (C, 10_000)):
        venue.fund(account, dollars)
    venue.trade(A, 1_000, 500_000)
    return venue, venue.btc(fall)


def tier(events: tuple[ev.AnyEvent, ...], number: int) -> ev.TierPassed:
    return next(event for event in events if isinstance(event, ev.TierPassed) and event.tier == number)


def test_insurance_pays_the_deficit_and_the_pot_ends_at_exactly_zero() -> None:
    venue, found = bankrupt((InsuranceTier(fund="insurance"), SHARE))
    assert only(found, ev.Bankrupt).deficit_atoms == 1_000 * DOLLAR
    assert only(found, ev.LiquidationEnded).outcome == "bankrupt"
    assert venue.balance(INSURANCE) == (10**6 - 1_000) * DOLLAR
    assert venue.balance(A) == 0 and venue.lots(A) == 0
    assert venue.lots(BACKSTOP) == 1_000


@pytest.mark.parametrize(
    ("rule", "insurance", "paid", "why"),
    [
        (InsuranceTier(fund="insurance"), 400, 400, "paid_fund"),
        (InsuranceTier(fund="insurance", keep_atoms=DOLLAR), 400, 399, "paid_fund"),
        (InsuranceTier(fund="insurance", rule="all_or_nothing"), 999, 0, "not_enough_for_all"),
        (InsuranceTier(fund="insurance", rule="all_or_nothing"), 1_000, 1_000, "paid_all"),
        (InsuranceTier(fund="insurance", rule="capped", cap_atoms=250 * DOLLAR), 5_000, 250, "paid_capped"),
        (InsuranceTier(fund="insurance", rule="capped", cap_ppb=100_000_000), 5_000, 500, "paid_capped"),
        (
            InsuranceTier(fund="insurance", min_deficit_atoms=1_001 * DOLLAR),
            5_000,
            0,
            "deficit_below_minimum",
        ),
        (InsuranceTier(fund="insurance", min_fund_atoms=5_001 * DOLLAR), 5_000, 0, "fund_below_minimum"),
        (InsuranceTier(fund="insurance"), 0, 0, "fund_empty"),
    ],
)
def test_each_amount_rule_pays_what_it_says_and_the_rest_is_shared(rule, insurance, paid, why) -> None:
    venue, found = bankrupt((rule, SHARE), insurance=insurance)
    first = tier(found, 0)
    assert (first.paid_atoms, first.left_atoms, first.why) == (paid * DOLLAR, (1_000 - paid) * DOLLAR, why)
    # B and C have 30,000 and 10,000: three quarters and one quarter of what is left.
    left = (1_000 - paid) * DOLLAR
    assert venue.balance(B) == 30_000 * DOLLAR - left * 3 // 4
    assert venue.balance(C) == 10_000 * DOLLAR - left // 4


def test_the_vault_as_a_fund_pays_no_more_than_it_is_worth() -> None:
    """Cash of 1,000 and an open loss of 900 is a worth of 100."""
    waterfall = (InsuranceTier(fund="backstop"), SHARE)
    venue = Venue(make_rulebook(steps=(VAULT,), waterfall=waterfall, insurance={}, backstop={"USDC": 10**9}))
    for account, dollars in ((A, 10_000), (B, 30_000)):
        venue.fund(account, dollars)
    venue.trade(BACKSTOP, 100, 480_000)
    venue.trade(A, 1_000, 500_000)
    found = venue.btc(39_000)
    assert tier(found, 0).paid_atoms == 100 * DOLLAR
    assert venue.worth(BACKSTOP) == 0


def test_a_loss_that_no_tier_takes_stands_in_the_shortfall_pot_and_halts_the_venue() -> None:
    venue, found = bankrupt((InsuranceTier(fund="insurance"),), insurance=400)
    assert only(found, ev.VenueHalted).unpaid_atoms == 600 * DOLLAR
    assert venue.balance(SHORTFALL) == -600 * DOLLAR
    assert venue.balance(A) == 0
    refused(venue.do(cmd.Withdraw, account=B, asset="USDC", amount_atoms=1), "halted")


def test_a_halted_venue_books_facts_and_liquidates_nobody() -> None:
    venue = Venue(make_rulebook(steps=(VAULT,), waterfall=(InsuranceTier(fund="insurance"),), insurance={}))
    for account in (A, B, C):
        venue.fund(account, 10_000)
        venue.trade(account, 1_000, 500_000)
    found = venue.btc(39_000)
    assert len([event for event in found if isinstance(event, ev.Bankrupt)]) == 1
    assert kinds(venue.trade(B, -1_000, 390_000)) == ["Traded"]
    assert kinds(venue.fund(C, 5)) == ["Transferred"]
    assert set(kinds(venue.btc(30_000))) == {"SourcesSeen", "MarkSet"}
    assert not venue.liquidating(C)


def test_a_vault_that_cannot_carry_the_pot_does_not_take_it() -> None:
    venue, found = bankrupt(
        (InsuranceTier(fund="insurance"), AdlTier(ranker="pnl"), SHARE),
        fall=42_000,
        backstop={"USDC": 99 * DOLLAR},
        liquidation={"backstop_level": "maintenance"},
    )
    assert "the vault would be 1000000 short of its maintenance level" in only(found, ev.StepEntered).why
    # Worth 2,000, needing 2,100: nobody is short, so in the end the vault has it, at the mark.
    ended = only(found, ev.LiquidationEnded)
    assert (ended.outcome, ended.equity_atoms) == ("closed", 2_000 * DOLLAR)
    assert venue.balance(A) == 2_000 * DOLLAR and venue.lots(A) == 0 and venue.lots(BACKSTOP) == 1_000


def test_a_solvent_pot_whose_ladder_has_ended_keeps_what_it_is_worth() -> None:
    venue = Venue(make_rulebook(steps=(msgspec.structs.replace(EASE, max_attempts=1, cooldown_ns=0),)))
    venue.fund(A, 10_000)
    venue.trade(A, 1_000, 500_000)
    found = venue.done(only(venue.btc(42_000), ev.LiquidationOrderSent))
    ended = only(found, ev.LiquidationEnded)
    assert ended.outcome == "closed" and "Bankrupt" not in kinds(found)
    assert venue.balance(A) == 2_000 * DOLLAR


@pytest.mark.parametrize(("price", "left"), [("mark", 2_000 * DOLLAR), ("bankruptcy", 0), ("collateral", 0)])
def test_a_takeover_leaves_the_owner_what_its_price_rule_says(price: str, left: int) -> None:
    venue = Venue(make_rulebook(steps=(msgspec.structs.replace(VAULT, takeover_price=price),)))
    venue.fund(A, 10_000)
    venue.trade(A, 1_000, 500_000)
    before = venue.worth(BACKSTOP)
    assert only(venue.btc(42_000), ev.LiquidationEnded).outcome == "taken_over"
    assert venue.balance(A) == left
    assert venue.worth(BACKSTOP) == before + 2_000 * DOLLAR - left


def test_a_takeover_at_the_mark_pays_the_debts_out_of_the_rest() -> None:
    """0.1 BTC owed after an inverse loss; dollars pay for it at the index."""
    step = msgspec.structs.replace(VAULT, takeover_price="mark", fees=FeeSplit())
    venue = Venue(make_rulebook(steps=(step,)))
    venue.fund(A, 3_000)
    venue.trade(A, 30_000, 100_000, "BTCUSD")
    venue.btc(46_500)
    assert venue.balance(A, "BTC") == 0
    assert venue.lots(A, "BTCUSD") == 0
    assert 0 < venue.balance(A) < 3_000 * DOLLAR


def owes_bitcoin(dollars: float) -> Venue:
    """A has so many dollars and owes 0.05 BTC, lost on an inverse position that is closed."""
    venue = Venue(make_rulebook())
    venue.fund(A, dollars)
    venue.trade(A, 10_000, 100_000, "BTCUSD")  # 0.2 BTC
    venue.trade(A, -10_000, 80_000, "BTCUSD")  # bought at 0.2, worth 0.25: 0.05 BTC lost
    return venue


def test_a_pot_without_positions_pays_its_debt_with_as_little_as_that_takes() -> None:
    """0.05 BTC at 50,000 weigh 1.1 x 2,500. Dollars weigh 100 %, so they are sold at the index."""
    venue = owes_bitcoin(2_600)
    found = [event for _command, events in venue.log[-1:] for event in events]
    assert only(tuple(found), ev.LiquidationEnded).outcome == "closed"
    moved = next(event for event in found if isinstance(event, ev.Transferred) and event.kind == "conversion")
    assert {(entry.pot, entry.asset): entry.amount_atoms for entry in moved.entries} == {
        (venue.pot(A), 0): -2_500 * DOLLAR,
        (BACKSTOP, 0): 2_500 * DOLLAR,
        (venue.pot(A), 1): 5_000_000,
        (BACKSTOP, 1): -5_000_000,
    }
    assert venue.balance(A) == 100 * DOLLAR and venue.balance(A, "BTC") == 0


def owes_dollars(dollars: int) -> Venue:
    """A has 0.1 BTC (worth 5,000, weighs 4,500) and owes so many dollars, lost on a closed position."""
    venue = Venue(make_rulebook())
    venue.fund(A, 0.1, "BTC")
    venue.trade(A, 1_000, 500_000)
    venue.trade(A, -1_000, 500_000 - dollars * 10)
    return venue


def test_a_debt_that_the_weights_carry_is_left_alone() -> None:
    venue = owes_dollars(4_500)
    assert venue.balance(A) == -4_500 * DOLLAR and venue.balance(A, "BTC") == 10_000_000


def test_bitcoin_sold_for_a_dollar_debt_fetches_the_index_less_half_its_haircut_rounded_up() -> None:
    venue = owes_dollars(4_650)
    sold = -(-4_650 * 10**8 // 47_500)  # 95 % of 50,000
    assert venue.balance(A) == 0 and venue.balance(A, "BTC") == 10_000_000 - sold
    assert not venue.liquidating(A)


def test_where_no_sale_suffices_the_vault_takes_everything_and_pays() -> None:
    venue = owes_dollars(4_800)  # 0.1 BTC fetch 4,750 and are worth 5,000
    assert venue.balance(A) == 0 and venue.balance(A, "BTC") == 0
    assert venue.balance(INSURANCE) == 10**6 * DOLLAR
    assert venue.worth(BACKSTOP) == (10**6 + 200) * DOLLAR


def test_a_debt_larger_than_everything_is_a_bankruptcy() -> None:
    venue = owes_bitcoin(2_400)
    assert venue.balance(A) == 0 and venue.balance(A, "BTC") == 0
    assert venue.balance(INSURANCE) == (10**6 - 100) * DOLLAR


def test_a_vault_below_zero_is_a_loss_like_any_other() -> None:
    venue = Venue(make_rulebook(backstop={"USDC": 1_000 * DOLLAR}, insurance={"USDC": 300 * DOLLAR}))
    venue.fund(B, 40_000)
    venue.trade(BACKSTOP, 1_000, 500_000)
    found = venue.btc(48_500)  # the vault has lost 1,500
    assert only(found, ev.Bankrupt).pot == BACKSTOP
    assert venue.balance(INSURANCE) == 0
    assert venue.worth(BACKSTOP) == 0
    assert venue.balance(B) == 39_800 * DOLLAR


def test_a_vault_below_zero_with_nobody_to_pay_halts_the_venue() -> None:
    venue = Venue(make_rulebook(backstop={}, insurance={}))
    venue.trade(BACKSTOP, 1_000, 500_000)
    assert only(venue.btc(48_500), ev.VenueHalted).unpaid_atoms == 1_500 * DOLLAR


def test_an_account_without_positions_is_not_touched_by_anothers_bankruptcy_unless_it_is_shared() -> None:
    venue, _found = bankrupt((InsuranceTier(fund="insurance"), AdlTier(ranker="pnl"), SHARE))
    assert venue.balance(B) == 30_000 * DOLLAR and venue.balance(C) == 10_000 * DOLLAR


def test_a_tier_is_passed_over_below_the_deficit_it_acts_on() -> None:
    waterfall = (AdlTier(ranker="pnl", min_deficit_atoms=1_001 * DOLLAR), SHARE)
    _venue, found = bankrupt(waterfall)
    assert tier(found, 0).why == "below the 1001000000 it acts on"
    waterfall = (SocialiseTier(method="positive_equity", min_deficit_atoms=1_001 * DOLLAR), SHARE)
    venue, found = bankrupt(waterfall)
    assert tier(found, 0).paid_atoms == 0 and tier(found, 1).paid_atoms == 1_000 * DOLLAR
    assert not venue.state.halted


def test_a_quota_on_a_fund_that_nobody_measures_is_refused_in_the_rulebook() -> None:
    rulebook = make_rulebook(waterfall=(InsuranceTier(fund="insurance", rule="capped", cap_room=True), SHARE))
    (finding,) = contradictions(rulebook)
    assert finding.path == "waterfall.tiers[0].cap_room" and "no such quota" in finding.what
