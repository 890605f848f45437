"""Small storms under portfolio margin: drawn markets, trades, orders, bids, restarts; two engines that agree.

One has the sieve and keeps its cache of demands; the other looks at everybody and starts its cache anew
before every command. Same events, same state, sums that hold, and nobody short and left alone.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.measure import pot_health
from seawall.engine.demands import Demands
from seawall.engine.engine import Engine
from seawall.engine.state import FLAG_LIQUIDATING, FLAG_UNKNOWN, HOUSE_ACCOUNTS
from tests.engine.options_venue import MINUTE, OPTIONS, World

SEEDS = 12
STEPS = 45


class Twins(World):
    """A world whose commands are also given to an engine without sieve and without memory."""

    def __init__(self) -> None:
        self.other: Engine | None = None
        super().__init__()

    def give(self, kind: type, **fields: Any) -> tuple[Any, ...]:
        if self.other is None:
            self.other = Engine(self.engine.state.rulebook)
            self.other.state.sieve = None
        self.other.state.demands = Demands(self.other.state.rulebook)
        command = kind(time_ns=self.now, **fields)
        expected = self.other.step(command)
        events = self.engine.step(command)
        assert events == expected
        self.events += events
        return events


def act(world: Twins, draw: Random) -> None:
    """One thing that happens."""
    kind = draw.choice(
        ["move", "move", "trade", "trade", "order", "cash", "coin", "fill", "bid", "tick", "jump"]
    )
    one, other = draw.sample(range(6), 2)
    name = draw.choice((*OPTIONS, "BTC-PERP"))
    if kind == "move":
        world.move(
            spot=world.spot * draw.uniform(0.97, 1.03),
            vol=min(max(world.vol * draw.uniform(0.9, 1.12), 0.2), 4.0),
        )
    elif kind == "jump":
        world.move(
            spot=world.spot * draw.choice([0.85, 1.12]), vol=min(world.vol * draw.uniform(1.0, 1.8), 4.5)
        )
    elif kind == "trade":
        world.trade(one, other, name, draw.choice([0.05, 0.5, 2.0]))
    elif kind == "order":
        lots = world.lots(name, draw.choice([0.1, 1.0])) * draw.choice([-1, 1])
        number, ticks = draw.randrange(1, 10**6), world.ticks(name, world.price_of(name))
        world.give(
            cmd.PlaceOrder,
            account=world.users[one],
            order=number,
            instrument=name,
            size_lots=lots,
            price_ticks=ticks,
        )
    elif kind == "cash":
        world.give(draw.choice([cmd.Deposit, cmd.Withdraw]), account=world.users[one], asset="USDC",
                   amount_atoms=draw.randrange(1, 40_000) * 10**6)  # fmt: skip
    elif kind == "coin":
        world.give(cmd.Deposit, account=world.users[one], asset="BTC", amount_atoms=draw.randrange(1, 10**7))
    elif kind == "fill":
        world.fill_liquidations(0)
    elif kind == "bid":
        world.give(cmd.Bid, account=world.users[0], target=world.users[other],
                   share_ppb=draw.randrange(1, 10**9), most_atoms=10**15)  # fmt: skip
    else:
        world.now += draw.choice([MINUTE, 10 * MINUTE, 31 * MINUTE])
        world.give(cmd.Tick)


def check(world: Twins) -> None:
    """Sums hold; whoever is short or cannot be valued is on record for it."""
    state = world.engine.state
    world.engine.check()
    for pot in range(HOUSE_ACCOUNTS, state.book.n_pots):
        found = pot_health(state, pot, "maintenance")
        if found.known and found.margin_atoms < 0:
            assert state.flags[pot] & FLAG_LIQUIDATING or state.halted, pot
        if not found.known and state.book.positions(pot):
            assert state.flags[pot] & FLAG_UNKNOWN or state.halted, pot


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
def test_two_engines_agree_through_a_storm(seed: int) -> None:
    draw, world = Random(seed), Twins()
    world.move()
    world.fund(0, 5_000_000)
    for user in range(1, 6):
        world.fund(user, draw.choice([3_000, 20_000, 80_000]))
    for _ in range(STEPS):
        act(world, draw)
        check(world)
        if draw.random() < 0.1:
            world.engine = Engine.from_bytes(world.engine.state.rulebook, world.engine.state.to_bytes())
    assert world.engine.state.digest() == world.other.state.digest()


def test_the_storms_are_violent_enough() -> None:
    """What they are to shake is reached by the first seeds."""
    seen = set[type]()
    for seed in range(5):
        draw, world = Random(seed), Twins()
        world.move()
        world.fund(0, 5_000_000)
        for user in range(1, 6):
            world.fund(user, draw.choice([3_000, 20_000, 80_000]))
        for _ in range(STEPS):
            act(world, draw)
        seen |= {type(event) for event in world.events}
    wanted = {
        ev.LiquidationStarted,
        ev.LiquidationEnded,
        ev.MarginCalled,
        ev.AuctionOpened,
        ev.VolsSet,
        ev.AccountUnknown,
    }
    assert wanted <= seen, wanted - seen
