"""Socialised loss at work: each method, both sides or the winning one, and a haircut that adds up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.state import SHORTFALL
from seawall.liquidation.tiers import SocialiseTier
from tests.engine.venue import DOLLAR, EASE, VAULT, A, B, C, D, Venue, make_rulebook, only


def shared(tier: SocialiseTier, *more: Any, accounts: tuple[int, ...] = (5_000, 20_000, 100)) -> Venue:
    """A long 1 BTC on 10,000 against nobody; B short 0.6 BTC, C long 0.2 BTC, D without a position."""
    venue = Venue(make_rulebook(steps=(VAULT,), waterfall=(tier, *more), insurance={}))
    for account, dollars in zip((A, B, C, D), (10_000, *accounts), strict=True):
        venue.fund(account, dollars)
    venue.trade(A, 1_000, 500_000)
    venue.trade(B, -600, 500_000)
    venue.trade(C, 200, 500_000)
    return venue


def losses(events: tuple[ev.AnyEvent, ...]) -> dict[int, int]:
    """What each account lost by the LossSocialised events alone, in dollars."""
    found: dict[int, int] = {}
    for event in events:
        if isinstance(event, ev.LossSocialised):
            pots, amounts = np.frombuffer(event.pots, "<i8"), np.frombuffer(event.amounts_atoms, "<i8")
            for pot, atoms in zip(pots.tolist(), amounts.tolist(), strict=True):
                found[pot] = found.get(pot, 0) + atoms
    return {pot: atoms // DOLLAR for pot, atoms in found.items() if atoms < 0}


@pytest.mark.parametrize(
    ("tier", "paid"),
    [
        (SocialiseTier(method="open_interest"), {B: -750, C: -250}),
        (SocialiseTier(method="open_interest", sides="winning"), {B: -1_000}),
    ],
)
def test_by_open_interest_both_sides_or_the_winning_one_pay_per_lot(
    tier: SocialiseTier, paid: dict[int, int]
) -> None:
    venue = shared(tier)
    found = venue.btc(39_000)
    assert losses(found) == paid
    assert only(found, ev.LossSocialised).instrument == 0


def test_by_positive_equity_everyone_pays_in_proportion_to_what_he_could_lose() -> None:
    """B: worth 5,000 + 6,600, of which 5,000 is a balance; C: worth 17,800; D: 100."""
    venue = shared(SocialiseTier(method="positive_equity"))
    found = venue.btc(39_000)
    total = 5_000 + 17_800 + 100
    assert losses(found) == {
        B: -(1_000 * 5_000 // total) - 1,
        C: -(1_000 * 17_800 // total) - 1,
        D: -(1_000 * 100 // total) - 1,
    }


def test_nobody_falls_below_zero_and_what_is_left_goes_on() -> None:
    venue = shared(SocialiseTier(method="positive_equity"), accounts=(1_600, 3_000, 100))
    found = venue.btc(37_000)  # A is 3,000 short; B has 1,600 in cash, C is worth 3,000 - 2,600, D 100
    passed = next(event for event in found if isinstance(event, ev.TierPassed))
    assert (passed.paid_atoms, passed.left_atoms) == (2_100 * DOLLAR, 900 * DOLLAR)
    assert venue.state.halted


def test_the_market_of_a_loss_is_remembered_when_nothing_of_the_position_is_left() -> None:
    """Closed in the book far below: the loss still belongs to the market in which the liquidation began."""
    tier = SocialiseTier(method="open_interest", sides="winning")
    venue = Venue(make_rulebook(steps=(EASE, VAULT), waterfall=(tier,), insurance={}))
    for account in (A, B):
        venue.fund(account, 10_000)
    venue.trade(A, 1_000, 500_000, against=B)
    venue.trade(A, 10, 300_000, "ETH-PERP")
    sent = only(venue.btc(42_000), ev.LiquidationOrderSent)
    del sent
    venue.trade(A, -10, 300_000, "ETH-PERP")
    found = venue.trade(A, -1_000, 390_000)
    shared_loss = only(found, ev.LossSocialised)
    assert shared_loss.instrument == 0 and shared_loss.loss_atoms == 1_000 * DOLLAR
    assert losses(found) == {venue.pot(B): -1_000}


def test_a_loss_that_belongs_to_no_market_is_left_to_the_next_tier() -> None:
    """A debt of coin outgrew the dollars; no position was ever there when it was found."""
    tiers = (SocialiseTier(method="open_interest"), SocialiseTier(method="positive_equity"))
    venue = Venue(make_rulebook(waterfall=tiers, insurance={}))
    for account, dollars in ((A, 3_000), (B, 10_000)):
        venue.fund(account, dollars)
    venue.trade(A, 10_000, 100_000, "BTCUSD")
    venue.trade(A, -10_000, 80_000, "BTCUSD")  # owes 0.05 BTC: 2,750 of weight
    found = venue.btc(62_000)  # 3,100
    whys = [event.why for event in found if isinstance(event, ev.TierPassed)]
    assert whys == ["open_interest: the loss belongs to no market", "positive_equity"]
    assert venue.balance(B) == 9_900 * DOLLAR


def test_a_withdrawal_haircut_covers_all_that_is_still_uncovered() -> None:
    """1,000 short against claims of 39,000: 1 / 40. Then another 1,000, and what is left of the first."""
    venue = shared(SocialiseTier(method="withdrawal_haircut"), accounts=(19_000, 19_900, 100))
    found = venue.btc(39_000)
    assert only(found, ev.LossSocialised).haircut_ppb == 25_000_000
    assert venue.balance(SHORTFALL) == -1_000 * DOLLAR
    moved = only(venue.do(cmd.Withdraw, account=D, asset="USDC", amount_atoms=100 * DOLLAR), ev.Transferred)
    assert [entry.amount_atoms for entry in moved.entries] == [-100 * DOLLAR, 97_500_000, 2_500_000]
    venue.fund(A, 10_000)
    venue.trade(A, 1_000, 390_000)
    found = venue.btc(28_000)
    claims = (19_000 + 19_900) * DOLLAR
    short = (2_000 * DOLLAR) - 2_500_000
    assert only(found, ev.LossSocialised).haircut_ppb == -(-short * 10**9 // (claims + short))
