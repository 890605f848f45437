"""ADL at work: who is hit, at what price, what is skipped; and the fast queue equals the exact one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.adl_find import circle, pick, reachable
from seawall.engine.state import BACKSTOP
from seawall.liquidation.adl import fill_queue
from seawall.liquidation.adl_rank import AdlCandidates, rank
from seawall.liquidation.tiers import AdlTier, SocialiseTier
from tests.engine.venue import DOLLAR, SECOND, VAULT, A, B, C, D, Venue, kinds, make_rulebook, only

SHARE = SocialiseTier(method="positive_equity")


def crowd(tier: AdlTier, **more: Any) -> Venue:
    """A long 1 BTC on 10,000; B, C, D are short 0.4, 0.4 and 0.8 BTC from 50,000, 80,000 and 48,000."""
    venue = Venue(make_rulebook(steps=(VAULT,), waterfall=(tier, SHARE), insurance={}, **more))
    for account, dollars in ((A, 10_000), (B, 5_000), (C, 20_000), (D, 20_000)):
        venue.fund(account, dollars)
    venue.trade(A, 1_000, 500_000)
    for account, lots, ticks in ((B, 400, 500_000), (C, 400, 800_000), (D, 800, 480_000)):
        venue.trade(account, -lots, ticks)
    return venue


@pytest.mark.parametrize(
    ("ranker", "hit"),
    [
        # profits 4,400, 16,400, 7,200 on entries 20,000, 32,000, 38,400; worth 9,400, 36,400, 27,200
        ("binance", {B: 400, D: 600}),  # .073, .018, .021
        ("bitmex", {B: 400, C: 400, D: 200}),  # .365, .220, .215
        ("hyperliquid", {B: 400, D: 600}),  # 1.29, .21, .93
        ("hyperliquid_decompiled", {B: 400, C: 400, D: 200}),
        ("pnl", {C: 400, D: 600}),
        ("leverage", {B: 400, D: 600}),  # 1.66, .43, 1.15
        ("pro_rata", {B: 250, C: 250, D: 500}),
    ],
)
def test_each_ranker_hits_the_winners_it_names(ranker: Any, hit: dict[int, int]) -> None:
    venue = crowd(AdlTier(ranker=ranker, price="mark"))
    before = {account: venue.lots(account) for account in (B, C, D)}
    found = venue.btc(39_000)
    taken = {account: venue.lots(account) - before[account] for account in (B, C, D)}
    assert {account: lots for account, lots in taken.items() if lots} == hit
    assert venue.lots(A) == 0
    trade = next(event for event in found if isinstance(event, ev.Traded) and event.kind == "adl")
    assert trade.price_ticks == 390_000


def test_the_unranked_queue_starts_where_the_sequence_number_says() -> None:
    tier = AdlTier(ranker="unranked", seed_from="sequence", price="mark")
    first, second = crowd(tier), crowd(tier)
    assert first.btc(39_000) == second.btc(39_000)
    assert sum(first.lots(account) for account in (B, C, D)) == -600


def test_at_the_bankruptcy_price_the_winners_carry_the_deficit_and_the_pot_ends_at_zero() -> None:
    venue = crowd(AdlTier(ranker="pnl", price="bankruptcy"))
    found = venue.btc(39_000)
    trade = next(event for event in found if isinstance(event, ev.Traded) and event.kind == "adl")
    assert trade.price_ticks == 400_000
    passed = only(found, ev.TierPassed)
    assert (passed.paid_atoms, passed.left_atoms) == (1_000 * DOLLAR, 0)
    assert venue.balance(A) == 0
    assert "LossSocialised" not in kinds(found)


def test_at_the_previous_mark_what_is_left_goes_to_the_next_tier() -> None:
    venue = crowd(AdlTier(ranker="pnl", price="previous_mark"))
    venue.btc(45_000)
    found = venue.btc(39_000)
    trade = next(event for event in found if isinstance(event, ev.Traded) and event.kind == "adl")
    assert trade.price_ticks == 450_000
    assert only(found, ev.LiquidationEnded).outcome == "bankrupt"


def test_without_a_mark_before_this_one_the_mark_is_used_and_said_so() -> None:
    """The first price of all already finds the account below zero."""
    tier = AdlTier(ranker="pnl", price="previous_mark")
    venue = Venue(make_rulebook(steps=(VAULT,), waterfall=(tier, SHARE), insurance={}), prices=False)
    for account in (A, B):
        venue.fund(account, 10_000)
    venue.trade(A, 1_000, 500_000, against=B)
    found = venue.price(1, BTC_PERP=390_000, ETH_PERP=300_000, BTC_SPOT=390_000)
    trade = next(event for event in found if isinstance(event, ev.Traded) and event.kind == "adl")
    assert trade.price_ticks == 390_000 and trade.rule.endswith(
        "(has no mark before this one: closed at the mark)"
    )
    assert "BTC-PERP has no mark before this one" in next(
        e.why for e in found if isinstance(e, ev.TierPassed)
    )


def test_a_position_without_a_positive_bankruptcy_price_is_left_to_the_next_tier() -> None:
    """Short with a deficit larger than the position is worth: no price above zero would do."""
    venue = Venue(make_rulebook(steps=(VAULT,), waterfall=(AdlTier(ranker="pnl"), SHARE), insurance={}))
    for account, dollars in ((A, 2_000), (B, 30_000)):
        venue.fund(account, dollars)
    venue.trade(A, -10, 500_000, against=B)  # worth 500
    venue.trade(A, 1_000, 300_000, "ETH-PERP")  # 30,000
    venue.trade(A, -999, 150_000, "ETH-PERP")  # and 14,985 lost: the venue reports what was traded
    passed = [event for _c, events in venue.log for event in events if isinstance(event, ev.TierPassed)]
    assert "BTC-PERP has no positive bankruptcy price" in passed[0].why
    assert passed[1].kind == "socialise" and passed[1].paid_atoms > 0
    assert venue.lots(B) == 10


def test_a_gate_on_adl_leaves_the_position_to_the_next_tier() -> None:
    venue = crowd(AdlTier(ranker="pnl"))
    venue.do(
        cmd.Override,
        by="ann",
        role="guardian",
        action="adl",
        instrument="BTC-PERP",
        close=True,
        until_ns=venue.now + 60 * SECOND,
    )
    found = venue.btc(39_000)
    assert "BTC-PERP is gated" in next(e.why for e in found if isinstance(e, ev.TierPassed))
    assert [venue.lots(account) for account in (B, C, D)] == [-400, -400, -800]
    assert "LossSocialised" in kinds(found)


def test_the_unknown_and_the_venue_itself_are_not_deleveraged() -> None:
    """C's collateral has gone stale; with C out of the queue, B and D alone give what is needed."""
    venue = crowd(AdlTier(ranker="pnl"))
    venue.trade(BACKSTOP, -300, 600_000)
    venue.fund(C, 0.01, "BTC")
    found = venue.price(61, BTC_PERP=390_000)
    assert venue.pot(C) in [event.pot for event in found if isinstance(event, ev.AccountUnknown)]
    assert [venue.lots(account) for account in (B, C, D, BACKSTOP)] == [-200, -400, 0, -300]


def test_orders_of_the_deleveraged_are_cancelled_in_that_market_only() -> None:
    venue = crowd(AdlTier(ranker="pnl"))
    for number, name in ((1, "BTC-PERP"), (2, "ETH-PERP")):
        venue.do(cmd.PlaceOrder, account=D, order=number, instrument=name, size_lots=1, price_ticks=200_000)
    found = venue.btc(39_000)
    assert [event.order for event in found if isinstance(event, ev.OrderReduced)] == [1]


def test_whoever_adl_pushes_below_the_line_is_liquidated_in_the_same_sweep() -> None:
    """B is short at a profit and long something else; ADL closes the short at a price above the mark."""
    venue = Venue(make_rulebook(steps=(VAULT,), waterfall=(AdlTier(ranker="pnl"), SHARE), insurance={}))
    for account, dollars in ((A, 1_000), (B, 2_300)):
        venue.fund(account, dollars)
    venue.trade(A, 100, 500_000, against=B)
    venue.trade(B, 1_000, 300_000, "ETH-PERP")  # 30,000: needs 1,500
    venue.price(1, BTC_PERP=450_000)
    found = venue.price(1, **{"BTC-PERP": 390_000, "ETH-PERP": 280_300})
    # B: 2,300 + 1,100 - 1,970 = 1,430 against 1,402 + 195: it is below the line itself, but A comes first.
    assert next(e for e in found if isinstance(e, ev.Traded) and e.kind == "adl").price_ticks == 400_000
    # After ADL at 40,000: 1,330 against 1,402. Nobody has touched the vault's step for it but this sweep.
    assert [e.pot for e in found if isinstance(e, ev.TakenOver)] == [venue.pot(B)]


def test_inverse_deleveraging_with_many_winners_leaves_no_atom_to_halt_over() -> None:
    venue = Venue(
        make_rulebook(
            steps=(VAULT,), waterfall=(AdlTier(ranker="pnl"),), insurance={}, scope="settlement", backstop={}
        ),
        accounts=12,
    )
    for account in range(A, A + 12):
        venue.fund(account, 0.01, "BTC")
    for winner in range(B, A + 12):
        venue.trade(A, 227, 100_000, "BTCUSD", against=winner)
    venue.price(1, BTCUSD=70_003)
    assert not venue.state.halted
    pot = venue.state.cross_pot(A, 1)
    assert not venue.state.book.balances[pot].any()


NUMBERS = st.one_of(
    st.integers(-20, 20), st.integers(-(10**12), 10**12), st.sampled_from([-(2**55), 2**55, 2**55 - 1])
)


@st.composite
def candidates(draw: st.DrawFn) -> AdlCandidates:
    """Columns of one regime: many ties, ordinary, or huge and nearly equal."""
    count = draw(st.integers(1, 30))
    regime = draw(st.sampled_from(["ties", "ordinary", "near"]))
    base = draw(st.integers(10**15, 2**55))
    value = {
        "ties": st.integers(-3, 3),
        "ordinary": NUMBERS,
        "near": st.integers(base, base + 5),
    }[regime]

    def column(numbers: st.SearchStrategy[int]) -> np.ndarray:
        return np.array(draw(st.lists(numbers, min_size=count, max_size=count)), np.int64)

    return AdlCandidates(
        pot_ids=np.array(draw(st.permutations(range(7, 7 + count))), np.int64),
        lots=column(st.integers(1, 1_000)),
        entry_value_atoms=column(value),
        mark_value_atoms=column(value),
        unrealised_atoms=column(value),
        wallet_atoms=column(value),
        account_value_atoms=column(value),
        maintenance_atoms=column(st.integers(0, 10**12)),
        bankruptcy_value_atoms=column(value),
    )


@pytest.mark.parametrize(
    "ranker", ["binance", "bitmex", "hyperliquid", "hyperliquid_decompiled", "pnl", "leverage"]
)
@settings(max_examples=150, deadline=None)
@given(everyone=candidates(), share=st.integers(1, 1_000), direction=st.sampled_from(["literal", "inverted"]))
def test_the_fast_queue_takes_exactly_what_ranking_everyone_takes(ranker, everyone, share, direction) -> None:
    needed = max(int(everyone.lots.sum()) * share // 1_000, 1)
    if ranker != "hyperliquid":
        direction = "literal"
    exact = fill_queue(
        rank(everyone, ranker, direction=direction, unit_atoms=10**6).order, everyone.lots, needed
    )
    rows = reachable(everyone, ranker, needed, unit_atoms=10**6, direction=direction)
    few = rank(pick(everyone, rows), ranker, direction=direction, unit_atoms=10**6)
    taken = np.zeros(everyone.lots.size, np.int64)
    taken[rows] = fill_queue(few.order, everyone.lots[rows], needed).lots
    assert taken.tolist() == exact.lots.tolist()


@settings(max_examples=60, deadline=None)
@given(everyone=candidates(), seed=st.integers(0, 2**60))
def test_the_circle_is_the_unranked_queue(everyone, seed) -> None:
    assert circle(everyone.pot_ids, seed).tolist() == rank(everyone, "unranked", seed=seed).order.tolist()


def test_the_fast_queue_looks_at_few() -> None:
    count = 10_000
    profit = np.arange(count, dtype=np.int64) * 1_000
    ones = np.ones(count, np.int64)
    everyone = AdlCandidates(
        pot_ids=np.arange(count, dtype=np.int64),
        lots=ones,
        entry_value_atoms=ones,
        mark_value_atoms=ones,
        unrealised_atoms=profit,
        wallet_atoms=ones,
        account_value_atoms=ones,
        maintenance_atoms=ones,
        bankruptcy_value_atoms=ones,
    )
    assert reachable(everyone, "pnl", 10, unit_atoms=1, direction="literal").size == 11
