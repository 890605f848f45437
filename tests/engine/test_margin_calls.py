"""Margin calls: issued with the deficit and a deadline, cured with hysteresis, and what the deadline does."""

from __future__ import annotations

import msgspec

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.liquidation.rules import MarginCall
from seawall.margin.rules import Level
from tests.engine.venue import DOLLAR, SECOND, A, Venue, kinds, make_rulebook, margin_rules, only, refused


def called(on_deadline: str = "none") -> Venue:
    """Call below 1.5 x maintenance, cured at 2 x, twenty seconds' grace; 1 BTC long on 10,000."""
    rules = margin_rules()
    levels = (
        *rules.levels,
        Level(name="call", schedule="maintenance", factor_ppb=1_500_000_000),
        Level(name="cure", schedule="maintenance", factor_ppb=2_000_000_000),
    )
    call = MarginCall(level="call", cure_level="cure", grace_ns=20 * SECOND, on_deadline=on_deadline)
    venue = Venue(
        make_rulebook(margin=msgspec.structs.replace(rules, levels=levels), liquidation={"margin_call": call})
    )
    venue.fund(A, 10_000)
    venue.trade(A, 1_000, 500_000)
    return venue


def test_a_call_names_equity_requirement_and_deadline() -> None:
    venue = called()
    assert "MarginCalled" not in kinds(venue.btc(43_300))  # equity 3,300, call level 3,247.5
    found = only(venue.btc(43_200), ev.MarginCalled)  # equity 3,200, call level 3,240
    assert (found.equity_atoms, found.requirement_atoms) == (3_200 * DOLLAR, 3_240 * DOLLAR)
    assert found.deadline_ns == venue.now + 20 * SECOND


def test_one_call_until_it_is_cured_at_the_higher_level() -> None:
    venue = called()
    venue.btc(43_200)
    assert not {"MarginCalled", "MarginCallCured"} & set(kinds(venue.btc(43_100)))
    assert not {"MarginCalled", "MarginCallCured"} & set(kinds(venue.btc(44_300)))  # 4,300 < 4,430
    found = only(venue.btc(44_500), ev.MarginCallCured)
    assert (found.equity_atoms, found.requirement_atoms) == (4_500 * DOLLAR, 4_450 * DOLLAR)
    assert "MarginCalled" in kinds(venue.btc(43_200))


def test_a_deposit_cures() -> None:
    venue = called()
    venue.btc(43_200)
    assert "MarginCallCured" not in kinds(venue.fund(A, 1_119))
    assert "MarginCallCured" in kinds(venue.fund(A, 1))


def test_a_deadline_without_consequence_passes() -> None:
    venue = called()
    venue.btc(43_200)
    assert "LiquidationStarted" not in kinds(venue.btc(43_200, 21))


def test_after_the_deadline_the_account_is_liquidated_until_the_call_is_cured() -> None:
    venue = called("liquidate")
    venue.btc(43_200)
    assert "LiquidationStarted" not in kinds(venue.btc(43_200, 19))
    found = venue.btc(43_200, 1)
    started = only(found, ev.LiquidationStarted)
    assert started.exit_level == "cure" and started.rule.endswith("deadline")
    sent = only(found, ev.LiquidationOrderSent)
    # Equity 3,200 meets 10 % of what is kept: 740 lots (3,196.8); 741 ask 3,201.12.
    assert sent.size_lots == -260
    ended = only(venue.fill(sent, 432_000), ev.LiquidationEnded)
    assert ended.outcome == "restored" and ended.equity_atoms >= ended.requirement_atoms
    assert not venue.state.ladders


def test_a_call_that_is_cured_before_the_deadline_has_no_consequence() -> None:
    venue = called("liquidate")
    venue.btc(43_200)
    venue.btc(45_000)
    assert "LiquidationStarted" not in kinds(venue.btc(45_000, 30))


def test_whoever_falls_through_both_lines_at_once_is_liquidated_not_called() -> None:
    venue = called()
    found = kinds(venue.btc(42_000))
    assert "LiquidationStarted" in found and "MarginCalled" not in found


def test_a_closed_gate_stops_the_liquidation_and_not_the_call() -> None:
    venue = called()
    venue.do(
        cmd.Override,
        by="ann",
        role="guardian",
        action="liquidate",
        instrument="",
        close=True,
        until_ns=venue.now + 100 * SECOND,
    )
    found = kinds(venue.btc(42_000))
    assert "MarginCalled" in found and "LiquidationStarted" not in found


def test_an_unknown_account_is_not_called() -> None:
    venue = called()
    venue.price(1, ETH_PERP=300_000)
    assert "MarginCalled" not in kinds(venue.wait(61))
    refused(venue.do(cmd.Withdraw, account=A, asset="USDC", amount_atoms=1))


def test_a_call_that_ran_out_while_the_account_was_unknown_is_not_forgotten() -> None:
    """Its price comes back while liquidation is forbidden; once that is over the call has its consequence."""
    venue = called("liquidate")
    venue.btc(43_200)
    venue.do(
        cmd.Override,
        by="ann",
        role="guardian",
        action="liquidate",
        instrument="",
        close=True,
        until_ns=venue.now + 100 * SECOND,
    )
    assert "AccountUnknown" in kinds(venue.wait(61))
    assert "AccountKnown" in kinds(venue.btc(43_200))
    assert "LiquidationStarted" not in kinds(venue.wait(37))
    found = only(venue.wait(1), ev.LiquidationStarted)
    assert found.pot == venue.pot(A) and found.rule.endswith("deadline")
