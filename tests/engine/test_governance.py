"""Overrides, gates and governed parameters: tightening at once, loosening slowly and never alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.governance import loosened
from seawall.margin.rules import InstrumentMargin, MarginRules, Tier
from seawall.rulebooks.model import Rulebook
from seawall.safeguards.rules import Breaker, SafeguardRules
from tests.engine.venue import SECOND, A, B, Venue, kinds, make_rulebook, only, refused, unchanged

replace = msgspec.structs.replace
DAY = 86_400 * SECOND


def gate(venue: Venue, role: str = "guardian", close: bool = True, seconds: int = 60, **more: Any):
    fields = dict(
        by="ann", role=role, action="open", instrument="", close=close, until_ns=venue.now + seconds * SECOND
    )
    return venue.do(cmd.Override, **{**fields, **more})


def test_a_guardian_closes_and_only_a_governor_opens() -> None:
    venue = Venue()
    refused(gate(venue, "king"), "may not do this")
    assert kinds(gate(venue)) == ["GateClosed"]
    refused(gate(venue, close=False), "governor may")
    assert kinds(gate(venue, "governor", close=False)) == ["GateOpened"]
    refused(gate(venue, "governor", close=False), "not closed")


def test_a_guardian_cannot_open_early_by_closing_for_less() -> None:
    venue = Venue()
    gate(venue, seconds=60)
    refused(gate(venue, seconds=1), "closed for longer already")
    assert kinds(gate(venue, "governor", seconds=1)) == ["GateClosed"]


def test_a_gate_needs_a_time_ahead_a_known_action_and_a_known_instrument() -> None:
    venue = Venue()
    refused(gate(venue, seconds=0), "some time ahead")
    refused(gate(venue, until_ns=2**63), "some time ahead")
    refused(gate(venue, action="dance"), "unknown action")
    refused(gate(venue, instrument="DOGE"), "unknown instrument")


def test_a_gate_opens_by_itself_when_its_time_has_passed() -> None:
    venue = Venue()
    gate(venue, seconds=30)
    assert "GateOpened" not in kinds(venue.wait(29))
    assert only(venue.wait(1), ev.GateOpened).reason == "time passed"


@pytest.mark.parametrize(
    ("breaker", "closes"),
    [
        (dict(when="mark_move", threshold_ppb=100_000_000, window_ns=30 * SECOND), True),
        (dict(when="mark_move", threshold_ppb=100_000_000, window_ns=5 * SECOND), False),
        (dict(when="fund_below", threshold_atoms=2 * 10**12), True),
        (dict(when="fund_below", threshold_atoms=10**12), False),
    ],
)
def test_a_breaker_closes_when_its_predicate_holds(breaker: dict[str, Any], closes: bool) -> None:
    rules = SafeguardRules(breakers=(Breaker(name="b", forbids=("open",), for_ns=SECOND, **breaker),))
    venue = Venue(make_rulebook(safeguards=rules))
    venue.price(10, BTC_PERP=475_000)
    found = venue.price(10, BTC_PERP=448_000)  # 10.4 % in 20 s, 5.7 % in 10 s
    assert any(isinstance(e, ev.GateClosed) for _c, events in venue.log for e in events) == closes
    del found


def test_an_account_below_zero_closes_what_waits_for_it() -> None:
    rules = SafeguardRules(
        breakers=(Breaker(name="b", when="negative_equity", forbids=("withdraw",), for_ns=SECOND),)
    )
    venue = Venue(make_rulebook(safeguards=rules))
    venue.fund(A, 10_000)
    venue.fund(B, 10)
    venue.trade(A, 1_000, 500_000)
    found = [event for event in venue.btc(39_000) if isinstance(event, ev.GateClosed)]
    assert not found  # the ladder's order is out; the account is below zero at the next look
    found = [event for event in venue.btc(39_000) if isinstance(event, ev.GateClosed)]
    assert [event.action for event in found] == ["withdraw"]
    refused(venue.do(cmd.Withdraw, account=B, asset="USDC", amount_atoms=1), "withdrawals are closed")


# -- governed parameters ----------------------------------------------------------------


def with_maintenance(rulebook: Rulebook, rate_ppb: int, **changes: Any) -> Rulebook:
    margin = rulebook.margin
    schedules = margin.instruments["BTC-PERP"].schedules
    changed = replace(schedules["maintenance"], tiers=(Tier(floor_atoms=0, rate_ppb=rate_ppb),), **changes)
    listed = {
        **margin.instruments,
        "BTC-PERP": InstrumentMargin(schedules={**schedules, "maintenance": changed}),
    }
    return replace(rulebook, margin=replace(margin, instruments=listed))


def propose(venue: Venue, rulebook: Rulebook | bytes, number: int = 1, by: str = "ann"):
    data = rulebook if isinstance(rulebook, bytes) else msgspec.json.encode(rulebook)
    return venue.do(cmd.Propose, by=by, proposal=number, rulebook=data)


def enact(venue: Venue, number: int = 1):
    return venue.do(cmd.Enact, by="ann", proposal=number)


def approve(venue: Venue, number: int = 1) -> None:
    for name in ("bob", "cyd"):
        assert kinds(venue.do(cmd.Approve, by=name, proposal=number)) == ["Approved"]


def test_tightening_takes_two_others_and_no_wait_and_names_who_becomes_liquidatable() -> None:
    venue = Venue()
    for account, dollars in ((A, 5_100), (B, 50_000)):
        venue.fund(account, dollars)
        venue.trade(account, 1_000, 500_000)
    tighter = with_maintenance(venue.state.rulebook, 99_000_000)
    venue.btc(49_500)  # A has 4,600: 5 % is 2,475, 9.9 % is 4,900
    proposed = only(propose(venue, tighter), ev.Proposed)
    assert proposed.loosens == () and proposed.not_before_ns == venue.now
    refused(venue.do(cmd.Approve, by="ann", proposal=1), "proposer does not count")
    refused(enact(venue), "not approved by enough")
    venue.do(cmd.Approve, by="bob", proposal=1)
    refused(venue.do(cmd.Approve, by="bob", proposal=1), "nobody counts twice")
    refused(venue.do(cmd.Approve, by="", proposal=1))
    venue.do(cmd.Approve, by="cyd", proposal=1)
    found = enact(venue)
    changed = only(found, ev.RulebookChanged)
    assert changed.newly_liquidatable == (venue.pot(A),)
    assert (changed.old_sha256, changed.new_sha256) == (make_rulebook().sha256, tighter.sha256)
    assert only(found, ev.LiquidationStarted).pot == venue.pot(A)
    assert venue.state.tag == tighter.tag


def test_loosening_waits_out_the_timelock() -> None:
    venue = Venue()
    proposed = only(propose(venue, with_maintenance(venue.state.rulebook, 40_000_000)), ev.Proposed)
    assert proposed.loosens == ("margin.instruments.BTC-PERP.maintenance",)
    approve(venue)
    venue.now += DAY - 1
    refused(enact(venue), "timelock")
    venue.now += 1
    assert "RulebookChanged" in kinds(enact(venue))


def test_an_old_proposal_cannot_undo_a_tightening_without_the_wait() -> None:
    """Proposed when it changed nothing; by the time it is put into force it would loosen."""
    venue = Venue()
    propose(venue, replace(venue.state.rulebook, title="the same"), 1)
    approve(venue, 1)
    propose(venue, with_maintenance(venue.state.rulebook, 80_000_000), 2)
    approve(venue, 2)
    enact(venue, 2)
    refused(enact(venue, 1), "timelock")
    venue.now += DAY
    assert "RulebookChanged" in kinds(enact(venue, 1))


def _collateral(margin: MarginRules) -> MarginRules:
    return replace(margin, collateral={"USDC": "", "BTC": "BTC-PERP"})


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda r: with_maintenance(r, 60_000_000, floor_atoms=1), "margin.instruments.BTC-PERP.maintenance"),
        (lambda r: replace(r, margin=_collateral(r.margin)), "margin.collateral"),
        (lambda r: replace(r, remainder=""), "remainder"),
        (lambda r: replace(r, waterfall=r.waterfall[:1]), "waterfall"),
        (lambda r: replace(r, funding={}), "funding"),
        (lambda r: replace(r, title="renamed"), None),
        (lambda r: with_maintenance(r, 60_000_000), None),
    ],
)
def test_what_is_not_plainly_tighter_counts_as_looser(change: Any, part: str | None) -> None:
    rulebook = make_rulebook()
    assert loosened(rulebook, change(rulebook)) == ((part,) if part else ())


def test_a_proposal_must_be_a_sound_rulebook_of_the_same_shape() -> None:
    venue = Venue()
    rulebook, before = venue.state.rulebook, unchanged(venue)
    refused(propose(venue, b""), "cannot be used")
    refused(propose(venue, b"{}"), "cannot be used")
    refused(propose(venue, replace(rulebook, oracles={})), "cannot be used")
    refused(
        propose(venue, replace(rulebook, margin=replace(rulebook.margin, instruments={}))), "cannot be used"
    )
    trigger = replace(rulebook.liquidation, trigger="nothing")
    refused(propose(venue, replace(rulebook, liquidation=trigger)), "cannot be used")
    listed = tuple(replace(i, max_size_lots=5) if i.name == "ETH-PERP" else i for i in rulebook.instruments)
    refused(propose(venue, replace(rulebook, instruments=listed)), "may change parameters")
    sources = {name: replace(policy, sources=("b",)) for name, policy in rulebook.oracles.items()}
    refused(propose(venue, replace(rulebook, oracles=sources)), "price sources")
    refused(propose(venue, rulebook, by=""), "needs a name")
    assert unchanged(venue) == before
    assert kinds(propose(venue, rulebook)) == ["Proposed"]
    refused(propose(venue, rulebook), "in use")
    refused(enact(venue, 9), "no such proposal")
    refused(venue.do(cmd.Approve, by="bob", proposal=9), "no such proposal")


def test_a_new_rulebook_changes_at_once_which_prices_are_good_enough() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.trade(A, 1_000, 500_000)
    venue.wait(61)
    lenient = {
        name: replace(policy, tolerated=(2, 2, 2, 2, 2))
        for name, policy in venue.state.rulebook.oracles.items()
    }
    propose(venue, replace(venue.state.rulebook, oracles=lenient))
    approve(venue)
    venue.now += DAY
    assert "AccountKnown" in kinds(enact(venue))


def test_what_a_change_loosens_is_named_alike_whatever_order_the_rules_were_read_in() -> None:
    """A rulebook file keeps its order, a journal sorts its keys: a replay must write the same event."""
    rules = make_rulebook()
    sorted_rules = msgspec.json.decode(msgspec.json.encode(rules, order="deterministic"), type=Rulebook)
    assert list(rules.margin.instruments) != list(sorted_rules.margin.instruments)
    margins = {}
    for name, margin in rules.margin.instruments.items():
        plans = {key: replace(plan, floor_atoms=1) for key, plan in margin.schedules.items()}
        margins[name] = InstrumentMargin(schedules=plans)
    looser = replace(rules, margin=replace(rules.margin, instruments=margins))
    found = loosened(rules, looser)
    assert found == loosened(sorted_rules, looser) and len(found) == 8
