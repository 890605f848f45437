"""The solver against brute force, closed forms and published liquidation prices."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seawall.margin.rules import Schedule, Tier
from seawall.margin.solve import (
    close_health,
    liquidation_price,
    moved_market,
    price_crossings,
    smallest_close,
)
from seawall.margin.statement import health
from tests.margin.worlds import (
    BTC,
    INSTRUMENTS,
    PPB,
    ROW,
    START,
    USD,
    World,
    flat_rate,
    level,
    make_rules,
    make_world,
    worlds,
)
from tests.oracles.margin_model import Held, Pot, Price

LEVEL = "maintenance"


def simple(
    name: str, held: Held, balance: int, plan: Schedule, *, isolated: bool = True, ticks: int | None = None
) -> World:
    settle = INSTRUMENTS[ROW[name]].settle
    pot = Pot(unit=settle, balances={settle: balance}, held={name: held}, isolated=isolated)
    prices = {key: Price(mark=at, index=at, stable=at) for key, at in START.items()}
    if ticks is not None:
        prices[name] = Price(mark=ticks, index=ticks, stable=ticks)
    return make_world(make_rules(schedules={name: plan}, levels=(level(),)), pot, prices=prices)


def margin_at(world: World, name: str, ticks: int) -> int:
    moved = moved_market(world.market, ROW[name], ticks, {})
    return health(world.book, world.margin, moved, world.row, LEVEL).margin_atoms


def value_num(name: str) -> int:
    return INSTRUMENTS[ROW[name]].value_num


@given(worlds(), st.sampled_from(["BTC-LIN", "BTC-INV", "ALT-LIN"]))
def test_every_crossing_is_met_at_its_safe_tick_and_missed_at_the_next(world: World, name: str) -> None:
    for found in price_crossings(world.book, world.margin, world.market, world.row, LEVEL, ROW[name]):
        assert abs(found.safe_ticks - found.failing_ticks) == 1
        assert margin_at(world, name, found.safe_ticks) >= 0 > margin_at(world, name, found.failing_ticks)


@st.composite
def small_worlds(draw: st.DrawFn) -> tuple[str, World]:
    """Prices of some hundred ticks, so that every tick can be tried; health far above rounding."""
    name = draw(st.sampled_from(["BTC-LIN", "BTC-INV"]))
    ticks, inverse = draw(st.integers(20, 900)), name == "BTC-INV"
    lots = draw(st.integers(1000, 100_000)) * draw(st.sampled_from([1, -1]))
    notional = abs(lots) * value_num(name) // ticks if inverse else abs(lots) * value_num(name) * ticks
    if draw(st.booleans()):
        floors = sorted(draw(st.sets(st.integers(notional // 20, notional * 20), max_size=4)))
        rates = sorted(
            draw(st.lists(st.integers(10**6, 9 * 10**8), min_size=len(floors) + 1, max_size=len(floors) + 1))
        )
        plan = Schedule(tiers=tuple(Tier(floor_atoms=f, rate_ppb=r) for f, r in zip([0, *floors], rates)))
    else:
        plan = Schedule(
            kind="steps",
            base_ppb=draw(st.integers(10**6, 10**8)),
            step_base_atoms=notional // draw(st.integers(1, 4)),
            step_size_atoms=notional // draw(st.sampled_from([1, 3, 10, 30])),
            step_rate_ppb=draw(st.integers(10**6, 10**8)),
        )
    entry = draw(st.integers(max(ticks // 2, 1), ticks * 2))
    cost = -lots * value_num(name) // entry if inverse else lots * entry * value_num(name)
    balance = draw(st.integers(0, notional))
    return name, simple(name, Held(lots=lots, cost=cost), balance, plan, ticks=ticks)


@given(small_worlds())
def test_all_crossings_are_those_of_trying_every_tick(drawn: tuple[str, World]) -> None:
    name, world = drawn
    last = 4 * int(world.market.mark[ROW[name]])
    found = price_crossings(world.book, world.margin, world.market, world.row, LEVEL, ROW[name])
    signs = {ticks: margin_at(world, name, ticks) < 0 for ticks in range(1, last + 1)}
    changes = {(low, low + 1) for low in range(1, last) if signs[low] != signs[low + 1]}
    pairs = {tuple(sorted((c.safe_ticks, c.failing_ticks))) for c in found}
    assert {pair for pair in pairs if pair[1] <= last} == changes


@pytest.mark.parametrize("name", ["BTC-LIN", "BTC-INV"])
def test_every_tooth_of_a_step_schedule_is_found(name: str) -> None:
    """Each step frees about what the move between two steps costs, so the margin crosses zero many times."""
    inverse, row = name == "BTC-INV", ROW[name]
    notional = 10**6 * value_num(name) // 10_000 if inverse else 1000 * 10_000 * value_num(name)
    plan = Schedule(
        kind="steps",
        base_ppb=10**7,
        step_base_atoms=notional // 2,
        step_size_atoms=notional // 200,
        step_rate_ppb=2_500_000,
    )
    lots = -(10**6) if inverse else 1000
    world = simple(name, Held(lots=lots, cost=notional), notional * 26 // 100, plan, ticks=10_000)
    signs = [margin_at(world, name, ticks) < 0 for ticks in range(1, 15_001)]
    changes = {(low + 1, low + 2) for low in range(15_000 - 1) if signs[low] != signs[low + 1]}
    found = price_crossings(world.book, world.margin, world.market, world.row, LEVEL, row)
    pairs = {tuple(sorted((c.safe_ticks, c.failing_ticks))) for c in found}
    assert len(changes) > 3
    assert {pair for pair in pairs if pair[1] <= 15_000} == changes


def test_a_narrow_window_that_no_edge_of_the_instrument_marks_is_found() -> None:
    """The other position turns steep 1 % above its mark and moves along: safe only around there."""
    lots, edge_ticks = 1000, START["ALT-LIN"] * 101 // 100
    steep = Schedule(
        tiers=(
            Tier(floor_atoms=0, rate_ppb=10**7),
            Tier(floor_atoms=lots * edge_ticks * value_num("ALT-LIN"), rate_ppb=50 * PPB),
        )
    )
    held = {
        "BTC-LIN": Held(lots=10, cost=10 * START["BTC-LIN"] * value_num("BTC-LIN")),
        "ALT-LIN": Held(lots=lots, cost=lots * START["ALT-LIN"] * value_num("ALT-LIN")),
    }
    plans = {"BTC-LIN": flat_rate(10**7), "ALT-LIN": steep}
    world = make_world(make_rules(schedules=plans, levels=(level(),)), Pot(unit="USD", held=held))
    deficit = -health(world.book, world.margin, world.market, world.row, LEVEL).margin_atoms
    world.book.balances[world.row, 0] = deficit - 20 * 10**6
    found = price_crossings(
        world.book, world.margin, world.market, world.row, LEVEL, 0, betas_ppb={ROW["ALT-LIN"]: PPB}
    )
    assert len(found) == 2
    assert START["BTC-LIN"] < found[0].failing_ticks < found[0].safe_ticks
    assert found[0].safe_ticks <= found[1].safe_ticks < found[1].failing_ticks < START["BTC-LIN"] * 103 // 100


def test_a_narrow_window_of_safety_between_two_grid_points_is_found() -> None:
    # Long with a table that turns steep just above the mark: safe only around 101,000 ticks.
    edge = 1000 * 101_000 * value_num("BTC-LIN")
    plan = Schedule(tiers=(Tier(floor_atoms=0, rate_ppb=10**7), Tier(floor_atoms=edge, rate_ppb=9 * PPB)))
    cost = 1000 * 100_000 * value_num("BTC-LIN")
    world = simple("BTC-LIN", Held(lots=1000, cost=cost), edge // 100 - 9 * 10**7, plan, ticks=99_000)
    found = price_crossings(world.book, world.margin, world.market, world.row, LEVEL, 0)
    assert len(found) == 2
    assert (
        99_000 < found[0].failing_ticks < found[0].safe_ticks <= found[1].safe_ticks < found[1].failing_ticks
    )


@given(
    st.integers(1, 10**6),
    st.integers(10_000, 10**6),
    st.integers(1, 5 * 10**8),
    st.integers(1, 99),
    st.booleans(),
)
def test_linear_isolated_price_is_the_closed_form(
    lots: int, entry: int, rate: int, share: int, long: bool
) -> None:
    """balance + side * q * (P - entry) = m * q * P (Binance, Bybit, Hyperliquid)."""
    side, v = 1 if long else -1, value_num("BTC-LIN")
    balance = lots * entry * v * share // 100
    world = simple(
        "BTC-LIN", Held(lots=side * lots, cost=side * lots * entry * v), balance, flat_rate(rate), ticks=entry
    )
    root = Fraction(lots * entry * v - side * balance) / (lots * v * (1 - side * Fraction(rate, PPB)))
    below, above = liquidation_price(world.book, world.margin, world.market, world.row, LEVEL, 0)
    found = below if (margin_at(world, "BTC-LIN", entry) >= 0) == long else above
    if not Fraction(entry, 4096) < root - 1 < root + 1 < entry * 4096:
        return
    assert found is not None
    atom = 1 / (
        lots * v * (1 - side * Fraction(rate, PPB))
    )  # the requirement rounds up by less than one atom
    if long:
        assert found.failing_ticks < root + atom and found.safe_ticks >= root
    else:
        assert found.failing_ticks > root - atom and found.safe_ticks <= root


@given(
    st.integers(1000, 10**9),
    st.integers(10_000, 10**6),
    st.integers(1, 5 * 10**8),
    st.integers(1, 99),
    st.booleans(),
)
def test_inverse_isolated_price_is_the_closed_form(
    lots: int, entry: int, rate: int, share: int, long: bool
) -> None:
    """balance + cost = Q * (side + m) / P in coin, with the value at entry as cost (Kraken, BitMEX)."""
    side, v = 1 if long else -1, value_num("BTC-INV")
    cost = -side * lots * v // entry
    balance = lots * v // entry * share // 100
    world = simple("BTC-INV", Held(lots=side * lots, cost=cost), balance, flat_rate(rate), ticks=entry)
    assume(balance > 1000)
    room = Fraction(balance - cost)  # equity = room - side * Q / P
    scaled = lots * v * (side + Fraction(rate, PPB))
    if not (scaled > 0 < room or scaled < 0 > room):
        found = price_crossings(world.book, world.margin, world.market, world.row, LEVEL, ROW["BTC-INV"])
        assert not found
        return
    exact, blurred = scaled / room, scaled / (room - 2) if abs(room) > 2 else None
    found = price_crossings(world.book, world.margin, world.market, world.row, LEVEL, ROW["BTC-INV"])
    if (
        blurred is None
        or not Fraction(entry, 4000) < min(exact, blurred) <= max(exact, blurred) < entry * 4000
    ):
        return
    assert len(found) == 1
    low, high = sorted((found[0].safe_ticks, found[0].failing_ticks))
    assert floor(min(exact, blurred)) <= low and high <= ceil(max(exact, blurred)) + 1


@pytest.mark.parametrize("other_usd,published", [(0, Fraction("95.4")), (4, Fraction("99.4"))])
def test_a_cross_price_carries_the_requirement_of_the_other_positions(
    other_usd: int, published: Fraction
) -> None:
    """TorchTrade issue 344: size 1 at 100, equity 5, maintenance 0.4 %, others need 0 or 4."""
    alt = START["ALT-LIN"] * value_num("ALT-LIN")
    lots = other_usd * 10 * 10**6 // alt  # at 10 %
    pot = Pot(
        unit="USD",
        balances={"USD": 5 * 10**6},
        held={
            "BTC-LIN": Held(lots=1000, cost=100 * 10**6),
            "ALT-LIN": Held(lots=lots, cost=lots * alt),
        },
    )
    prices = {name: Price(mark=at, index=at, stable=at) for name, at in (START | {"BTC-LIN": 1000}).items()}
    plans = {"BTC-LIN": flat_rate(4_000_000), "ALT-LIN": flat_rate(100_000_000)}
    world = make_world(make_rules(schedules=plans, levels=(level(),)), pot, prices=prices)
    below, above = liquidation_price(world.book, world.margin, world.market, world.row, LEVEL, 0)
    assert below is not None and above is None
    exact = (95 + Fraction(lots * alt, 10**7)) / (1 - Fraction(4, 1000))
    assert below.failing_ticks <= exact * 10 <= below.safe_ticks
    assert abs(exact - published) < Fraction(2, 100)


def test_two_position_account_of_the_binance_faq() -> None:
    """USD-M cross, wallet 1,535,443.01: liquidation prices 1,153.26 (ETH) and 26,316.89 (BTC)."""
    # Tables with the published deduction at the published rate: 135,365 at 10 % and 16,300 at 2.5 %.
    eth = Schedule(
        tiers=(
            Tier(floor_atoms=0, rate_ppb=5 * 10**7),
            Tier(floor_atoms=2_707_300 * 10**6, rate_ppb=10**8),
        )
    )
    btc = Schedule(
        tiers=(
            Tier(floor_atoms=0, rate_ppb=5_000_000),
            Tier(floor_atoms=815_000 * 10**6, rate_ppb=25_000_000),
        )
    )
    # ETH in the place of the ALT contract, both in lots of 0.001 coin and ticks of 0.01 USD.
    pot = Pot(
        unit="USD",
        balances={"USD": 1_535_443_010_000},
        held={
            "BTC-LIN": Held(lots=109_488, cost=109_488 * 3_248_198 * 10),
            "ALT-LIN": Held(lots=3_683_979, cost=3_683_979 * 145_684 * 10),
        },
    )
    prices = {name: Price(mark=at, index=at, stable=at) for name, at in START.items()}
    prices["BTC-LIN"] = Price(mark=3_196_727, index=3_196_727, stable=3_196_727)
    prices["ALT-LIN"] = Price(mark=133_518, index=133_518, stable=133_518)
    rules = make_rules(schedules={"BTC-LIN": btc, "ALT-LIN": eth}, levels=(level(),))
    world = make_world(rules, pot, prices=prices)
    world.margin.view.listing[[0, 2], 1] = 10  # 0.001 coin x 0.01 USD = 10 atoms
    for name, published in (("ALT-LIN", 115_326), ("BTC-LIN", 2_631_689)):
        below, _above = liquidation_price(world.book, world.margin, world.market, world.row, LEVEL, ROW[name])
        assert below is not None
        assert published in (below.safe_ticks, below.failing_ticks)  # the page rounds to the nearest cent


def test_hyperliquid_isolated_price_of_a_recorded_position() -> None:
    """szi 0.2259, rawUsd -475.23904, maintenance 1 %: 2,125.00856 (ccxt fixture; docs, Liquidations)."""
    world = simple("BTC-LIN", Held(lots=2259, cost=475_239_040), 0, flat_rate(10_000_000), ticks=22_139)
    world.margin.view.listing[0, 1] = 10  # 0.0001 coin x 0.1 USD
    below, _above = liquidation_price(world.book, world.margin, world.market, world.row, LEVEL, 0)
    assert below is not None
    assert (below.failing_ticks, below.safe_ticks) == (21_250, 21_251)


def test_kraken_inverse_example() -> None:
    """1,000 contracts at 8,000 with 0.01 XBT and maintenance 1 %: 7,481 published (7,481.48)."""
    world = simple(
        "BTC-INV", Held(lots=1000, cost=-12_500_000), 1_000_000, flat_rate(10_000_000), ticks=16_000
    )
    found = health(world.book, world.margin, world.market, world.row, LEVEL)
    assert (found.equity_atoms, found.requirement_atoms) == (1_000_000, 125_000)
    below, _above = liquidation_price(
        world.book, world.margin, world.market, world.row, LEVEL, ROW["BTC-INV"]
    )
    assert below is not None
    assert (below.failing_ticks, below.safe_ticks) == (14_962, 14_963)  # ticks of 0.5: 7,481.0 and 7,481.5


def test_bybit_usdt_isolated_example() -> None:
    """1 BTC at 20,000, leverage 50, maintenance 0.5 % of entry: 400, 100, price 19,700."""
    plan = flat_rate(5_000_000, basis="entry")
    cost = 1000 * 200_000 * value_num("BTC-LIN")
    world = simple("BTC-LIN", Held(lots=1000, cost=cost), 400 * 10**6, plan, ticks=200_000)
    assert health(world.book, world.margin, world.market, world.row, LEVEL).requirement_atoms == 100 * 10**6
    below, _above = liquidation_price(world.book, world.margin, world.market, world.row, LEVEL, 0)
    assert below is not None
    assert below.safe_ticks == 197_000


def test_bybit_inverse_example_with_the_fee_at_bankruptcy() -> None:
    """10,000 USD at 8,000, balance 0.5, maintenance 0.5 %, taker 0.075 %: 5,739.50, the safe tick."""
    pot = Pot(
        unit="BTC", balances={"BTC": 50_000_000}, held={"BTC-INV": Held(10_000, -125_000_000)}, isolated=True
    )
    prices = {name: Price(mark=at, index=at, stable=at) for name, at in (START | {"BTC-INV": 16_000}).items()}
    rules = make_rules(
        schedules={"BTC-INV": flat_rate(5_000_000, basis="entry")}, levels=(level(close_fee="bankruptcy"),)
    )
    world = make_world(rules, pot, prices=prices)
    world.margin.view.listing[ROW["BTC-INV"], 3] = 750_000
    below, _above = liquidation_price(
        world.book, world.margin, world.market, world.row, LEVEL, ROW["BTC-INV"]
    )
    assert below is not None
    assert (below.failing_ticks, below.safe_ticks) == (11_478, 11_479)  # ticks of 0.5


def test_bybit_inverse_short_example() -> None:
    """60,000 USD short at 50,000, leverage 10, maintenance 0.5 %: Q / (PV - (IM - MM)) = 55,248.62."""
    plan = flat_rate(5_000_000, basis="entry")
    world = simple("BTC-INV", Held(lots=-60_000, cost=120_000_000), 12_000_000, plan, ticks=100_000)
    _below, above = liquidation_price(
        world.book, world.margin, world.market, world.row, LEVEL, ROW["BTC-INV"]
    )
    assert above is not None
    assert (above.safe_ticks, above.failing_ticks) == (110_497, 110_498)


def test_others_that_move_by_beta_move_the_price() -> None:
    alt = START["ALT-LIN"] * value_num("ALT-LIN")
    pot = Pot(
        unit="USD",
        balances={"USD": 10 * 10**6},
        held={"BTC-LIN": Held(lots=1, cost=60 * 10**6), "ALT-LIN": Held(lots=8, cost=8 * alt)},
    )
    plans = {"BTC-LIN": flat_rate(10_000_000), "ALT-LIN": flat_rate(10_000_000)}
    world = make_world(make_rules(schedules=plans, levels=(level(),)), pot)

    def price(**betas: int) -> int:
        moves = {ROW[name.replace("_", "-")]: beta for name, beta in betas.items()}
        below, _above = liquidation_price(
            world.book, world.margin, world.market, world.row, LEVEL, 0, betas_ppb=moves
        )
        assert below is not None
        return below.safe_ticks

    for beta in (0, 1, 2, -1):

        def meets(ticks: int, beta: int = beta) -> bool:
            alt_ticks = floor(Fraction(START["ALT-LIN"]) * (1 + beta * Fraction(ticks - 600_000, 600_000)))
            btc_usd, alt_usd = Fraction(ticks, 10_000), Fraction(8 * alt_ticks, 10_000)
            return 10 + (btc_usd - 60) + (alt_usd - 20) >= (btc_usd + alt_usd) / 100

        found = price(ALT_LIN=beta * PPB)
        assert meets(found) and not meets(found - 1)
    assert price(ALT_LIN=2 * PPB) > price(ALT_LIN=PPB) > price() > price(ALT_LIN=-PPB)
    # the instrument itself is not moved twice
    assert price(BTC_LIN=PPB) == price()


def test_a_position_that_is_paid_for_has_no_liquidation_price() -> None:
    cost = 100 * START["BTC-LIN"] * value_num("BTC-LIN")
    world = simple("BTC-LIN", Held(lots=100, cost=cost), cost, flat_rate(10**8))
    assert price_crossings(world.book, world.margin, world.market, world.row, LEVEL, 0) == []
    world = simple("BTC-INV", Held(lots=-100, cost=100 * 200_000_000 // 120_000), 84_000, flat_rate(10**8))
    assert (
        liquidation_price(world.book, world.margin, world.market, world.row, LEVEL, ROW["BTC-INV"])[0] is None
    )


def test_a_pot_that_fails_now_shows_the_price_at_which_it_would_meet_the_level_again() -> None:
    cost = 100 * 700_000 * value_num("BTC-LIN")
    world = simple("BTC-LIN", Held(lots=100, cost=cost), 10**8, flat_rate(10**7))
    below, above = liquidation_price(world.book, world.margin, world.market, world.row, LEVEL, 0)
    assert below is None and above is not None
    assert START["BTC-LIN"] < above.failing_ticks < above.safe_ticks


@given(worlds())
def test_an_unknown_pot_has_no_crossing_and_no_size_that_cures_it(world: World) -> None:
    held = [name for name, h in world.pot.held.items() if h.lots]
    assume(held)
    world.market.usable[ROW[held[0]]] = 0
    for name in held:
        row = ROW[name]
        assert price_crossings(world.book, world.margin, world.market, world.row, LEVEL, row) == []
        closed = smallest_close(
            world.book, world.margin, world.market, world.row, LEVEL, row, price_ticks=100, fee_ppb=0
        )
        assert closed == (0, False)


@st.composite
def short_of_margin(draw: st.DrawFn) -> tuple[World, str, int, int]:
    """A small position under some schedule, with a balance about what it needs, and a closing price."""
    name = draw(st.sampled_from(["BTC-LIN", "BTC-INV"]))
    lots = draw(st.integers(1, 60)) * draw(st.sampled_from([1, -1])) * (1000 if name == "BTC-INV" else 1)
    lots = lots // 1000 if name == "BTC-INV" else lots
    ticks, inverse = START[name], name == "BTC-INV"
    notional = -(-abs(lots) * value_num(name) // ticks) if inverse else abs(lots) * value_num(name) * ticks
    if draw(st.booleans()):
        floors = sorted(draw(st.sets(st.integers(max(notional // 10, 1), notional), max_size=4)))
        rates = sorted(
            draw(st.lists(st.integers(10**6, 9 * 10**8), min_size=len(floors) + 1, max_size=len(floors) + 1))
        )
        plan = Schedule(
            tiers=tuple(Tier(floor_atoms=f, rate_ppb=r) for f, r in zip([0, *floors], rates)),
            floor_atoms=draw(st.sampled_from([0, 0, notional // 50])),
        )
    else:
        plan = Schedule(
            kind="steps",
            base_ppb=10**7,
            step_base_atoms=notional // 4,
            step_size_atoms=max(notional // draw(st.integers(2, 8)), 1),
            step_rate_ppb=draw(st.integers(10**6, 10**8)),
        )
    cost = -lots * value_num(name) // ticks if inverse else lots * ticks * value_num(name)
    balance = notional * draw(st.integers(0, 400)) // 1000
    price = ticks + ticks * draw(st.integers(-20, 20)) // 1000
    world = simple(name, Held(lots=lots, cost=cost), balance, plan, isolated=draw(st.booleans()))
    return world, name, price, draw(st.sampled_from([0, 550_000, 15_000_000]))


@settings(max_examples=300)
@given(short_of_margin())
def test_the_smallest_close_is_that_of_trying_every_size(drawn: tuple[World, str, int, int]) -> None:
    world, name, price, fee = drawn
    row, sign = ROW[name], 1 if world.pot.held[name].lots > 0 else -1
    whole = abs(world.pot.held[name].lots)

    def meets(lots: int) -> bool:
        if lots == 0:
            return health(world.book, world.margin, world.market, world.row, LEVEL).safe
        return close_health(
            world.book, world.margin, world.market, world.row, LEVEL, row, sign * lots, price, fee
        ).safe

    expected = next(((lots, True) for lots in range(whole + 1) if meets(lots)), (whole, False))
    found = smallest_close(
        world.book, world.margin, world.market, world.row, LEVEL, row, price_ticks=price, fee_ppb=fee
    )
    assert found == expected


def test_closing_at_the_price_it_is_valued_at_frees_its_requirement_and_costs_the_fee() -> None:
    cost = 100 * START["BTC-LIN"] * value_num("BTC-LIN")
    world = simple("BTC-LIN", Held(lots=100, cost=cost), 10**8, flat_rate(10**7))
    before = health(world.book, world.margin, world.market, world.row, LEVEL)
    after = close_health(
        world.book, world.margin, world.market, world.row, LEVEL, 0, 40, START["BTC-LIN"], 10**6
    )
    assert before.equity_atoms - after.equity_atoms == cost * 40 // 100 // 1000
    assert after.requirement_atoms * 100 == before.requirement_atoms * 60


def test_a_pot_without_the_position_has_nothing_to_close() -> None:
    world = simple("BTC-LIN", Held(lots=100, cost=10**12), 0, flat_rate(10**7))
    args = (world.book, world.margin, world.market, world.row, LEVEL, 2)
    assert smallest_close(*args, price_ticks=100, fee_ppb=0) == (0, False)


assert USD.decimals == 6 and BTC.decimals == 8  # the published examples above are written in these atoms
