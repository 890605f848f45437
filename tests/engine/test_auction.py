"""Auctions of a whole account: price over time, shares, the fund that pays, and nothing lost on the way."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import pytest

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.measure import pot_health, worth_atoms
from seawall.engine.engine import Engine
from seawall.engine.state import FLAG_LIQUIDATING, INSURANCE
from seawall.liquidation import auction as formula
from seawall.units import PPB
from tests.engine.options_venue import MINUTE, World, refused


@pytest.fixture
def world() -> World:
    """User 1 sold a strangle and fell short; the auction is the first step that does anything."""
    made = World()
    rules = made.engine.state.rulebook
    steps = tuple(step for step in rules.liquidation.steps if step.name != "close")
    liquidation = msgspec.structs.replace(rules.liquidation, steps=steps)
    made.engine = Engine(msgspec.structs.replace(rules, liquidation=liquidation))
    made.now = made.now
    for user in made.users:
        made.give(cmd.OpenAccount, account=user)
    made.move()
    made.fund(0, 50_000_000)
    made.fund(1, 60_000)
    made.fund(2, 1_000)
    made.trade(0, 1, "BTC-31JAN26-80000-P", 4)
    made.trade(0, 1, "BTC-31JAN26-100000-C", 4)
    return made


def fall_short(world: World, vol: float = 0.8) -> Any:
    world.move(vol=vol)
    return world.happened(ev.AuctionOpened)[-1]


def bid(world: World, user: int, share: float, most: int = 10**15) -> tuple[Any, ...]:
    return world.give(
        cmd.Bid,
        account=world.users[user],
        target=world.users[1],
        share_ppb=round(share * PPB),
        most_atoms=most,
    )


def totals(world: World) -> list[int]:
    """What target, bidder and fund are worth together: a bid moves it between them and makes none."""
    state = world.engine.state
    return [
        worth_atoms(state, world.pot(1)) + worth_atoms(state, world.pot(0)),
        int(state.book.balances[INSURANCE, 2]),
    ]


def test_a_bid_is_priced_by_the_formulas_and_moves_what_they_say(world: World) -> None:
    opened, state = fall_short(world), world.engine.state
    assert opened.solvent and opened.pot == world.pot(1)
    world.now += 5 * MINUTE
    step = next(step for step in state.rulebook.liquidation.steps if step.auction is not None)
    worth = worth_atoms(state, opened.pot)
    health = pot_health(state, opened.pot, "maintenance").margin_atoms
    discount = formula.discount_at(step.auction, 5 * MINUTE)
    assert discount == Fraction(5, 100) + Fraction(25, 100) * Fraction(1, 3)
    buffer = formula.buffer_margin(maintenance_atoms=health, worth_atoms=worth, buffer_ppb=200_000_000)
    before, mine = totals(world), worth_atoms(state, world.pot(0))
    lots = state.book.pos_lots[state.book.positions(opened.pot)[0]].item()
    events = bid(world, 0, 0.0333)  # of 400 lots: no whole number
    (sold,) = [event for event in events if type(event) is ev.AuctionBid]
    assert sold.share_ppb == 33_300_000 and sold.worth_atoms == worth
    assert sold.largest_ppb == -(-formula.largest_share(
        buffer_atoms=buffer, worth_atoms=worth, discount=discount
    ) * PPB // 1)  # fmt: skip
    assert sold.discount_atoms == int(Fraction(333, 10_000) * worth * discount)
    assert sold.cost_atoms + sold.discount_atoms == pytest.approx(worth * 0.0333, abs=1)
    assert worth_atoms(state, world.pot(0)) - mine == sold.discount_atoms
    assert abs(lots) == 400
    assert abs(state.book.pos_lots[state.book.positions(opened.pot)[0]].item()) == 400 - 14
    assert totals(world) == before
    assert state.auctions[opened.pot].reserved_atoms == sold.cost_atoms
    world.engine.check()


def test_bids_restore_the_account_and_end_the_auction(world: World) -> None:
    opened, state = fall_short(world), world.engine.state
    for _ in range(12):
        world.move(later=2 * MINUTE)
        if opened.pot not in state.auctions:
            break
        bid(world, 0, 0.25)
    assert not state.flags[opened.pot] & FLAG_LIQUIDATING and not state.auctions
    assert [event.outcome for event in world.happened(ev.LiquidationEnded)] == ["restored"]
    assert pot_health(state, opened.pot, "restore").safe


def test_whoever_waits_is_paid_more_and_a_limit_holds(world: World) -> None:
    fall_short(world)
    costs = []
    for _ in range(3):
        world.now += 4 * MINUTE
        (only,) = bid(world, 0, 0.1, most=0)
        costs.append(only.numbers["cost_atoms"])
    assert costs[0] > costs[1] > costs[2] > 0


def test_an_insolvent_account_is_taken_for_what_the_fund_pays(world: World) -> None:
    """It was put up while its marks still looked solvent: the first bid puts it up again as what it is."""
    opened, state = fall_short(world, vol=4.9), world.engine.state
    assert opened.solvent
    first = bid(world, 0, 0.001)
    (opened,) = [event for event in first if type(event) is ev.AuctionOpened]
    assert not opened.solvent and opened.worth_atoms < 0
    assert [event.payout_atoms for event in first if type(event) is ev.AuctionBid] == [
        -opened.worth_atoms // 1000
    ]
    fund = int(state.book.balances[INSURANCE, state.numeraire])
    before = sum(totals(world)[:1]) + fund
    world.now += 30 * MINUTE
    mine = worth_atoms(state, world.pot(0))
    events = bid(world, 0, 1.0)
    (sold,) = [event for event in events if type(event) is ev.AuctionBid]
    left = int(state.book.balances[INSURANCE, state.numeraire])
    assert sold.payout_atoms == fund - left > -sold.worth_atoms
    assert worth_atoms(state, world.pot(0)) - mine == sold.discount_atoms + sold.payout_atoms > 0
    assert sum(totals(world)[:1]) + left == before
    assert not state.book.positions(opened.pot) and opened.pot not in state.auctions
    world.engine.check()


def test_nobody_bids_and_the_next_step_takes_over(world: World) -> None:
    opened = fall_short(world)
    for _ in range(7):
        world.move(later=10 * MINUTE)
    entered = [event for event in world.happened(ev.StepEntered) if event.pot == opened.pot]
    assert entered[-1].why == "auction: nobody took what was left"
    assert world.happened(ev.TakenOver)[0].pot == opened.pot
    assert not world.engine.state.auctions


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"target": 0}, "own account"),
        ({"share_ppb": 0}, "above 0"),
        ({"share_ppb": PPB + 1}, "above 0"),
        ({"account": 1}, "own account"),
        ({"target": 2}, "not in auction"),
        ({"account": 2}, "no room at initial"),
        ({"account": 4}, "no room at initial"),
        ({"asset": "DOGE"}, "unknown asset"),
    ],
)
def test_a_bid_that_cannot_be_is_refused(world: World, change: dict[str, Any], says: str) -> None:
    fall_short(world)
    told: dict[str, Any] = {"account": 0, "target": 1, "share_ppb": PPB // 10, "most_atoms": 10**15, **change}
    if change == {"target": 0}:
        told["account"], told["target"] = 1, 1
    told["account"], told["target"] = world.users[told["account"]], world.users[told["target"]]
    assert says in refused(world.give(cmd.Bid, **told))


def test_a_snapshot_in_an_auction_goes_on_like_the_original(world: World) -> None:
    fall_short(world)
    bid(world, 0, 0.1)
    other = Engine.from_bytes(world.engine.state.rulebook, world.engine.state.to_bytes())
    world.now += MINUTE
    bid(world, 0, 0.1)
    other.step(cmd.Bid(
        time_ns=world.now, account=world.users[0], target=world.users[1], share_ppb=10**8, most_atoms=10**15
    ))  # fmt: skip
    assert other.state.digest() == world.engine.state.digest()
