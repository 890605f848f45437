"""Portfolio margin inside the engine: the demand is the statement, moves with the surface, liquidates."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.legs import lots_to_neutral, toward_delta_neutral
from seawall.engine.decide.measure import pot_health
from seawall.engine.engine import Engine
from seawall.engine.state import FLAG_LIQUIDATING, FLAG_UNKNOWN, State
from seawall.kernels.margin import Overlay
from seawall.margin.statement import statement
from tests.engine.options_venue import EXPIRY, MINUTE, OPTIONS, World, refused


@pytest.fixture
def world() -> World:
    """User 0 is rich; 1 sold a strangle, 2 holds it hedged, 3 is long a perpetual."""
    made = World()
    made.move()
    made.fund(0, 50_000_000)
    made.fund(1, 60_000)
    made.fund(2, 60_000)
    made.fund(3, 20_000)
    made.trade(0, 1, "BTC-31JAN26-80000-P", 2)
    made.trade(0, 1, "BTC-31JAN26-100000-C", 2)
    made.trade(2, 0, "BTC-31JAN26-90000-P", 1)
    made.trade(2, 0, "BTC-PERP", 0.5)
    made.trade(3, 0, "BTC-PERP", 1)
    return made


def demand(world: World, user: int, level: str) -> int:
    return pot_health(world.engine.state, world.pot(user), level).requirement_atoms


def test_the_demand_is_the_portfolio_statement(world: World) -> None:
    state = world.engine.state
    for user in range(4):
        found = state.demands.explain(state, world.pot(user))
        for level in ("initial", "maintenance"):
            assert demand(world, user, level) == found.levels[level] > 0
            told = statement(state.book, state.margin, state.market, world.pot(user), level)
            assert sum(p.amount_atoms for p in told.parts if p.kind != "collateral") == told.requirement_atoms


def test_a_hedge_needs_less_than_its_parts_and_volatility_lifts_a_short_strangle(world: World) -> None:
    state = world.engine.state
    before = pot_health(state, world.pot(1), "maintenance")
    world.move(vol=0.9)
    after = pot_health(state, world.pot(1), "maintenance")
    assert after.requirement_atoms > before.requirement_atoms and after.equity_atoms < before.equity_atoms
    assert demand(world, 2, "maintenance") < demand(world, 3, "maintenance")  # a put under half a perpetual


def test_volatility_alone_liquidates_a_short_strangle_and_names_its_cause(world: World) -> None:
    for vol in (0.7, 0.9, 1.2, 1.5, 1.9):
        world.move(vol=vol)
        if world.happened(ev.LiquidationStarted):
            break
    (first, *_), state = world.happened(ev.LiquidationStarted), world.engine.state
    assert first.pot == world.pot(1)
    sent = world.happened(ev.LiquidationOrderSent)[0]
    assert sent.pot == first.pot
    for _ in range(40):
        world.fill_liquidations(0)
        world.move()
        if not state.flags[first.pot] & FLAG_LIQUIDATING:
            break
    ended = world.happened(ev.LiquidationEnded)
    assert ended and ended[0].pot == first.pot
    world.engine.check()


def test_an_order_is_admitted_by_what_the_portfolio_would_then_need(world: World) -> None:
    def order(size: float, number: int) -> tuple[Any, ...]:
        return world.give(
            cmd.PlaceOrder, account=world.users[3], order=number, instrument=OPTIONS[4],
            size_lots=-world.lots(OPTIONS[4], size), price_ticks=50_000,
        )  # fmt: skip

    assert "initial" in refused(order(40, 1))
    (placed,) = order(0.5, 2)
    assert type(placed) is ev.OrderPlaced
    with_order = demand(world, 3, "initial")
    world.give(cmd.CancelOrder, order=2)
    assert demand(world, 3, "initial") < with_order


def test_a_surface_that_is_too_old_or_missing_makes_its_holders_unknown_and_nobody_safe(world: World) -> None:
    state = world.engine.state
    world.now += 31 * MINUTE
    world.give(cmd.ReportPrices, prices=tuple(
        cmd.SourcePrice(name, source, int(state.market.mark[state.instrument_row[name]]), world.now)
        for name in ("BTC-PERP", *OPTIONS)
        for source in (("alpha", "beta", "gamma") if name == "BTC-PERP" else ("surface",))
    ))  # fmt: skip
    assert state.flags[world.pot(1)] & FLAG_UNKNOWN and state.flags[world.pot(2)] & FLAG_UNKNOWN
    assert not state.flags[world.pot(3)] & FLAG_UNKNOWN  # holds no option
    assert not pot_health(state, world.pot(1), "maintenance").safe
    world.move()
    assert not state.flags[world.pot(1)] & FLAG_UNKNOWN


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"vols": (cmd.OptionVol(OPTIONS[0], 0),)}, "0 and 500 %"),
        ({"vols": (cmd.OptionVol(OPTIONS[0], 5_000_000_001),)}, "0 and 500 %"),
        ({"vols": (cmd.OptionVol(OPTIONS[0], 10**9),) * 2}, "twice"),
        ({"vols": (cmd.OptionVol("BTC-PERP", 10**9),)}, "no option on BTC"),
        ({"expiry_ns": 1}, "past"),
        ({"expiry_ns": EXPIRY + 1}, "another expiry"),
        ({"forward_e9": 0}, "forward must be positive"),
        ({"confidence_ppb": 10**9 + 1}, "confidence"),
    ],
)
def test_a_surface_that_cannot_be_believed_is_refused_whole(
    world: World, change: dict[str, Any], says: str
) -> None:
    told = {
        "asset": "BTC",
        "expiry_ns": EXPIRY,
        "forward_e9": 10**14,
        "vols": (cmd.OptionVol(OPTIONS[0], 10**9),),
    }
    before = world.engine.state.digest
    seen = before()
    assert says in refused(world.give(cmd.ReportVols, **{**told, **change}))
    assert world.engine.state.vols_ppb[world.engine.state.instrument_row[OPTIONS[0]]] == round(
        world.vol * 1e9
    )
    assert before() != seen  # the refusal itself is on record


def test_collateral_that_moves_with_the_underlying_is_shocked_with_it(world: World) -> None:
    world.fund(4, 1, "BTC")
    state = world.engine.state
    assert demand(world, 4, "maintenance") > 0.8 * 0.15 * 90_000 * 10**6
    assert pot_health(state, world.pot(4), "maintenance").safe
    after = pot_health(
        state, world.pot(4), "maintenance", Overlay(asset=state.asset_row["BTC"], cash=-(10**8))
    )
    assert after.requirement_atoms == 0


def test_a_snapshot_goes_on_like_the_original(world: World) -> None:
    other = Engine.from_bytes(world.engine.state.rulebook, world.engine.state.to_bytes())
    commands: list[Any] = []
    real = world.engine.step

    def step(command: Any) -> Any:
        commands.append(command)
        return real(command)

    world.engine.step = step  # type: ignore[method-assign]
    for spot, vol in ((88_000, 0.6), (80_000, 0.9), (70_000, 1.3), (95_000, 1.0)):
        world.move(spot=spot, vol=vol)
        world.fill_liquidations(0)
    assert [other.step(command) for command in commands]
    assert other.state.digest() == world.engine.state.digest()
    assert world.happened(ev.LiquidationStarted)


def test_the_sieve_changes_nothing() -> None:
    digests = []
    for sieved in (True, False):
        world = World()
        if not sieved:
            world.engine.state.sieve = None
        world.move()
        for user, amount in enumerate((50_000_000, 60_000, 60_000, 9_000)):
            world.fund(user, amount)
        world.trade(0, 1, OPTIONS[0], 2)
        world.trade(0, 1, OPTIONS[3], 2)
        world.trade(3, 0, "BTC-PERP", 1)
        for spot, vol in ((88_000, 0.6), (83_000, 0.9), (78_000, 1.3), (95_000, 1.0), (105_000, 1.2)):
            world.move(spot=spot, vol=vol)
            world.fill_liquidations(0)
        assert world.happened(ev.LiquidationStarted)
        digests.append(world.engine.state.digest())
    assert digests[0] == digests[1]


def test_a_state_by_itself_calls_nobody_safe(world: World) -> None:
    """Whoever reads the tables without the cache is told that the demand is unknown."""
    bare = State.from_bytes(world.engine.state.rulebook, world.engine.state.to_bytes())
    told = statement(bare.book, bare.margin, bare.market, world.pot(1), "maintenance")
    assert not told.known


def test_closing_toward_neutral_takes_the_perpetual_first_and_stops_at_neutral(world: World) -> None:
    """Long a perpetual, short two calls of a quarter delta: the net is long, so the perpetual goes first."""
    state = world.engine.state
    world.fund(4, 40_000)
    world.trade(4, 0, "BTC-PERP", 1)
    world.trade(0, 4, "BTC-31JAN26-100000-C", 2)
    pot = world.pot(4)
    rows = sorted(state.book.pos_instrument[slot].item() for slot in state.book.positions(pot))
    perpetual = state.instrument_row["BTC-PERP"]
    assert toward_delta_neutral(state, pot, rows) == perpetual
    deltas = {leg: state.demands.market.books["BTC"].deltas[place]
              for leg, place in state.demands.market.books["BTC"].contracts.items()}  # fmt: skip
    call = next(delta for leg, delta in deltas.items() if leg.name == "BTC-31JAN26-100000-C")
    lots = lots_to_neutral(state, pot, perpetual)
    assert lots == -int(-(1 - 2 * call) * 1000 // 1) and 0 < lots < 1000
    option = state.instrument_row["BTC-31JAN26-100000-C"]
    assert lots_to_neutral(state, pot, option) == 200  # does not help: all of it, where it is asked for
