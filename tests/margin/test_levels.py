"""Schedules, weights and levels on published numbers, and one small example per rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seawall.kernels.margin import Overlay
from seawall.margin.compiled import tier_deductions
from seawall.margin.rules import Schedule, Tier, Weight, WeightTier
from seawall.margin.statement import book_health, health, statement
from tests.margin.worlds import (
    FULL,
    PPB,
    ROW,
    START,
    World,
    add_pot,
    flat_rate,
    level,
    make_rules,
    make_world,
)
from tests.oracles.margin_model import Held, Pot, Price

USD = 10**6
COIN = 10**8
MOST = 2**63 - 1
BTC_USD = START["BTC-LIN"] * 100  # USD atoms of one lot of BTC-LIN at its start price


def tiers(*rows: tuple[int, str]) -> tuple[Tier, ...]:
    """(from USD, per cent) rows."""
    return tuple(
        Tier(floor_atoms=floor * USD, rate_ppb=int(float(rate) * 10**9) // 100) for floor, rate in rows
    )


def needs(plan: Schedule, usd: int, *, interest: int = 0, leverage: int = 0, **terms: Any) -> int:
    """Requirement in USD atoms of a BTC position worth that many dollars (1 lot x 1 tick = 1 USD)."""
    pot = Pot(unit="USD", held={"BTC-LIN": Held(lots=usd, cost=usd * USD, leverage=leverage)})
    prices = {name: Price(mark=at, index=at, stable=at) for name, at in (START | {"BTC-LIN": 1}).items()}
    world = make_world(
        make_rules(schedules={"BTC-LIN": plan}, levels=(level(**terms),)),
        pot,
        prices=prices,
        interest=dict.fromkeys(ROW, interest),
    )
    world.margin.view.listing[0, 1] = USD
    return ask(world).requirement_atoms


def ask(world: World, overlay: Overlay | None = None, name: str = "maintenance") -> Any:
    return health(world.book, world.margin, world.market, world.row, name, overlay or Overlay())


def one(
    pot: Pot, plan: Schedule | None = None, weights: dict[str, Weight] | None = None, **terms: Any
) -> World:
    plans = {name: plan or flat_rate(10**7) for name in ("BTC-LIN", "BTC-INV", "ALT-LIN")}
    return make_world(make_rules(schedules=plans, levels=(level(**terms),), weights=weights), pot)


# -- schedules -------------------------------------------------------------------------------------

BINANCE = tiers(
    (0, "0.4"), (50_000, "0.5"), (600_000, "0.65"), (3_000_000, "1"), (12_000_000, "2"), (70_000_000, "2.5"),
    (100_000_000, "5"), (230_000_000, "10"), (480_000_000, "12.5"), (600_000_000, "15"), (800_000_000, "25"),
    (1_200_000_000, "50"),
)  # fmt: skip
BINANCE_CUM = [0, 50, 950, 11_450, 131_450, 481_450, 2_981_450, 14_481_450, 26_481_450, 41_481_450,
               121_481_450, 421_481_450]  # fmt: skip


def test_binance_btcusdt_maintenance_amounts_of_october_2024() -> None:
    assert tier_deductions(BINANCE) == [amount * USD for amount in BINANCE_CUM]


def test_binance_maintenance_of_half_a_million() -> None:
    """1 % less the published amount 1,300 gives 3,700."""
    plan = Schedule(tiers=tiers((0, "0.4"), (50_000, "0.5"), (250_000, "1")))
    assert needs(plan, 500_000) == 3_700 * USD


@pytest.mark.parametrize("row", range(1, len(BINANCE)))
def test_requirement_is_continuous_at_every_tier_edge(row: int) -> None:
    edge = BINANCE[row].floor_atoms // USD
    step = needs(Schedule(tiers=BINANCE), edge) - needs(Schedule(tiers=BINANCE), edge - 1)
    assert step == BINANCE[row - 1].rate_ppb // 1000  # one dollar more at the lower tier's rate


def test_hyperliquid_btc_tiers() -> None:
    """40x to 150 M, 20x above; maintenance is half of initial: 200 M needs 3,125,000."""
    plan = Schedule(tiers=tiers((0, "1.25"), (150_000_000, "2.5")))
    assert tier_deductions(plan.tiers)[1] == 1_875_000 * USD
    assert needs(plan, 200_000_000) == 3_125_000 * USD


@pytest.mark.parametrize(
    "base,step,initial,xbt,mm,im",
    [
        (200, 150, "1", 180, "0.5", "1"),
        (200, 150, "1", 230, "1", "1.5"),
        (200, 150, "1", 350, "1", "1.5"),
        (200, 150, "1", 351, "1.5", "2"),
        (100, 50, "2", 80, "0.5", "2"),
        (100, 50, "2", 130, "1", "2.5"),
    ],
)
def test_bitmex_risk_limits(base: int, step: int, initial: str, xbt: int, mm: str, im: str) -> None:
    """Positions of 180 and 230 XBT at base 200, step 150; 80 and 130 at base 100, step 50."""
    for rate, expected in (("0.5", mm), (initial, im)):
        plan = Schedule(
            kind="steps",
            base_ppb=int(float(rate) * 10**7),
            step_base_atoms=base * USD,
            step_size_atoms=step * USD,
            step_rate_ppb=5_000_000,
        )
        assert needs(plan, xbt) == xbt * int(float(expected) * 10**4)


def test_deribit_standard_margin_grows_with_size() -> None:
    """BTC: 2 % + 0.005 % per coin; 100 coins need 2.5 %."""
    plan = Schedule(kind="size_linear", base_ppb=20_000_000, slope_ppb=50_000, size_unit_lots=1)
    assert needs(plan, 100) == 2_500_000


@pytest.mark.parametrize(
    "units,rate_ppb", [(1, 50_000_000), (4, 50_000_000), (100, 60_000_000), (10_000, 240_000_000)]
)
def test_square_root_premium_is_exact_on_squares(units: int, rate_ppb: int) -> None:
    """max(5 %, 0.8 x 5 % + 0.2 % x sqrt(size)): 100 units need 6 %, 10,000 need 24 %."""
    plan = Schedule(
        kind="size_sqrt",
        base_ppb=50_000_000,
        slope_ppb=2_000_000,
        size_unit_lots=1,
        sqrt_scale_ppb=800_000_000,
    )
    assert needs(plan, units) == units * rate_ppb // 1000


def test_square_root_premium_carries_sizes_beyond_nine_hundred_million_units() -> None:
    plan = Schedule(kind="size_sqrt", base_ppb=10**6, slope_ppb=1000, size_unit_lots=1, sqrt_scale_ppb=PPB)
    small, large = needs(plan, 899_999_999), needs(plan, 10**12)
    assert 0 < small < large == 10**12 * (10**6 + 10**9) // 1000


@pytest.mark.parametrize("interest,percent", [(0, 10), (1000, 10), (1500, 55), (2000, 100), (9999, 100)])
def test_open_interest_ramp_of_dydx(interest: int, percent: int) -> None:
    """rate + (1 - rate) * share of the way from lower to upper."""
    plan = flat_rate(100_000_000, oi_lower_lots=1000, oi_upper_lots=2000)
    assert needs(plan, 1_000, interest=interest) == percent * 10 * USD


@pytest.mark.parametrize("leverage,usd", [(0, 10), (200, 10), (50, 20), (3, Ellipsis), (1, 1000)])
def test_chosen_leverage_can_only_raise_the_requirement(leverage: int, usd: Any) -> None:
    found = needs(flat_rate(10_000_000, use_leverage=True), 1_000, leverage=leverage)
    assert found == (333_333_334 if usd is Ellipsis else usd * USD)
    assert needs(flat_rate(10_000_000), 1_000, leverage=leverage) == 10 * USD


def test_floor_per_position_and_share_of_notional() -> None:
    assert needs(flat_rate(10_000_000, floor_atoms=25 * USD), 1_000) == 25 * USD
    assert needs(flat_rate(10_000_000), 1_000, min_notional_ppb=100_000_000) == 100 * USD
    assert needs(flat_rate(10_000_000), 1_000, factor_ppb=666_666_667) == 6_666_667


# -- prices and orders -----------------------------------------------------------------------------


def test_strict_levels_value_each_side_at_its_worse_price() -> None:
    for lots, worse in ((10, 590_000), (-10, 600_000)):
        world = one(Pot(unit="USD", held={"BTC-LIN": Held(lots, lots * BTC_USD)}), price="strict")
        world.market.stable[0] = 590_000
        found = ask(world)
        assert found.equity_atoms == lots * (worse - 600_000) * 100
        assert found.requirement_atoms == abs(lots) * worse
        world.market.stable[0] = 610_000
        assert ask(world).equity_atoms == (0 if lots > 0 else -10 * 10_000 * 100)


def test_open_orders_count_at_the_worse_of_both_ways() -> None:
    for held, worst in (
        (Held(5, 5 * BTC_USD, 3, 12, 2), 8),
        (Held(-5, -5 * BTC_USD, 12, 3, 2), 8),
        (Held(0, 0, 2, 9, 2), 9),
    ):
        pot = Pot(unit="USD", held={"BTC-LIN": held})
        assert ask(one(pot, orders=True)).requirement_atoms == worst * 600_000
        assert ask(one(pot)).requirement_atoms == abs(held.lots) * 600_000


def test_equal_orders_both_ways_on_a_strict_level_count_at_the_dearer_price() -> None:
    world = one(
        Pot(unit="USD", held={"BTC-LIN": Held(bid=10, ask=10, orders=2)}), orders=True, price="strict"
    )
    world.market.stable[0] = 700_000
    assert ask(world).requirement_atoms == 10 * 700_000


def test_orders_on_the_entry_basis_never_lower_the_requirement() -> None:
    plan = flat_rate(10**7, basis="entry")
    pot = Pot(unit="USD", held={"BTC-LIN": Held(100, 100 * 2 * BTC_USD)})  # bought at twice the mark
    world = one(pot, plan, orders=True)
    held = ask(world).requirement_atoms
    assert held == 100 * BTC_USD * 2 // 100
    assert ask(world, Overlay(instrument=0, bid=10)).requirement_atoms == held + 10 * BTC_USD // 100


def test_what_if_there_were_one_more_position() -> None:
    world = one(Pot(unit="USD", balances={"USD": 10**9}, held={"ALT-LIN": Held(10, 25_000_000)}))
    found = ask(world, Overlay(instrument=0, lots=-2, cost=-2 * BTC_USD - 7))
    assert found.equity_atoms == 10**9 + 7
    assert found.requirement_atoms == 250_000 + 2 * 600_000


# -- contingencies ---------------------------------------------------------------------------------


def test_charges_per_order_and_per_pot_are_in_the_unit_of_the_pot() -> None:
    held = Held(lots=1000, cost=-1000 * 2 * COIN // START["BTC-INV"], bid=5, orders=3)
    terms = {"flat_atoms": 2 * USD, "order_atoms": USD, "factor_ppb": 0}
    cross = one(Pot(unit="USD", held={"BTC-INV": held}), **terms)
    assert ask(cross).requirement_atoms == 5 * USD
    isolated = one(Pot(unit="BTC", held={"BTC-INV": held}, isolated=True), **terms)
    assert ask(isolated).requirement_atoms == -(-5 * COIN * 10 // START["BTC-SPOT"])
    isolated.market.usable[ROW["BTC-SPOT"]] = 0
    assert ask(isolated).unknown == ROW["BTC-SPOT"]


def test_a_level_that_ignores_orders_asks_nothing_for_them_but_the_charge_per_order() -> None:
    pot = Pot(unit="USD", held={"BTC-LIN": Held(bid=5, orders=1)})
    plan = flat_rate(10**7, floor_atoms=99 * USD)
    assert ask(one(pot, plan, flat_atoms=USD)).requirement_atoms == 0
    assert ask(one(pot, plan, flat_atoms=USD, order_atoms=3)).requirement_atoms == 3
    assert ask(one(pot, plan, flat_atoms=USD, orders=True)).requirement_atoms == 100 * USD


def test_the_whole_pot_may_be_asked_for_a_share_of_its_notional() -> None:
    """Hyperliquid transfers: max(initial, 10 % of the whole notional)."""
    pot = Pot(unit="USD", held={"BTC-LIN": Held(10, 10 * BTC_USD), "ALT-LIN": Held(-4, -10 * USD)})
    world = one(pot, min_total_ppb=100_000_000)
    assert ask(world).requirement_atoms == (10 * BTC_USD + 10 * USD) // 10
    parts = statement(world.book, world.margin, world.market, world.row, "maintenance").parts
    assert {part.kind: part.amount_atoms for part in parts}["flat"] == (10 * BTC_USD + 10 * USD) * 9 // 100


def test_confidence_widens_the_requirement() -> None:
    world = one(Pot(unit="USD", held={"BTC-LIN": Held(10, 10 * BTC_USD)}), confidence_factor_ppb=2 * PPB)
    world.market.confidence[0] = 3000  # 0.5 %
    assert ask(world).requirement_atoms == 10 * BTC_USD * 2 // 100


def test_bankruptcy_fee_in_a_cross_pot_goes_by_leverage_not_by_the_wealth_of_the_pot() -> None:
    """Bybit: bankruptcy price = entry x (1 -+ 1 / leverage)."""
    for lots, factor in ((10, 90), (-10, 110)):
        pot = Pot(
            unit="USD", balances={"USD": 10**15}, held={"BTC-LIN": Held(lots, lots * BTC_USD, leverage=10)}
        )
        world = one(pot, close_fee="bankruptcy", factor_ppb=0)
        expected = 10 * BTC_USD * factor * 55 // 10**7
        assert expected <= ask(world).requirement_atoms <= expected + 1


def test_losses_only_levels_do_not_count_profit() -> None:
    pot = Pot(
        unit="USD",
        balances={"USD": 100 * USD},
        held={"BTC-LIN": Held(10, 10 * BTC_USD - 5), "ALT-LIN": Held(4, 10 * USD + 7)},
    )
    assert ask(one(pot)).equity_atoms == 100 * USD - 2
    assert ask(one(pot, profit="losses_only")).equity_atoms == 100 * USD - 7


# -- collateral ------------------------------------------------------------------------------------


def worth(atoms: int, weight: Weight, **terms: Any) -> int:
    world = one(Pot(unit="USD", balances={"BTC": atoms}), weights={"USD": FULL, "BTC": weight}, **terms)
    world.market.index_price[:] = 600_000
    world.market.stable[:] = 540_000
    return int(ask(world).equity_atoms)


def test_okx_discount_tiers_count_each_part_at_its_own_weight() -> None:
    weight = Weight(
        tiers=tuple(
            WeightTier(floor_atoms=f * COIN, weight_ppb=w) for f, w in ((0, 950_000_000), (10, 900_000_000))
        )
    )
    assert worth(4 * COIN, weight) == 4 * 60_000 * USD * 95 // 100
    assert worth(14 * COIN, weight) == (10 * 95 + 4 * 90) * 600 * USD
    assert worth(1, weight) == 0  # rounds down twice


def test_caps_on_the_amount_and_on_the_value() -> None:
    tier = (WeightTier(floor_atoms=0, weight_ppb=500_000_000),)
    assert worth(9 * COIN, Weight(tiers=tier, cap_atoms=2 * COIN)) == 60_000 * USD
    assert worth(9 * COIN, Weight(tiers=tier, cap_value_atoms=50_000 * USD)) == 50_000 * USD


def test_drift_size_discount() -> None:
    """weight = min(w, 1.1 / (1 + 0.3 % x sqrt(units))): 10,000 coins count 1.1 / 1.3."""
    weight = Weight(tiers=(WeightTier(floor_atoms=0, weight_ppb=PPB),), sqrt_ppb=3_000_000)
    assert worth(100 * COIN, weight) == 100 * 60_000 * USD
    assert (
        worth(10_000 * COIN, weight) == 10**12 * 846_153_846 // 10**9 * 600
    )  # 60,000 USD = 600 per 100 atoms


def test_debts_weigh_more_and_at_the_worse_price() -> None:
    weight = Weight(tiers=(WeightTier(floor_atoms=0, weight_ppb=PPB),), liability_ppb=1_100_000_000)
    assert worth(-COIN, weight) == -66_000 * USD
    assert worth(-COIN, weight, price="strict") == -66_000 * USD
    assert worth(COIN, weight, price="strict") == 54_000 * USD
    assert worth(-1, weight) == -660


def test_what_is_required_in_coin_converts_at_the_higher_strict_price() -> None:
    cost = -1_200_000 * 2 * COIN // START["BTC-INV"]
    world = one(Pot(unit="USD", held={"BTC-INV": Held(1_200_000, cost)}), price="strict")
    world.market.stable[ROW["BTC-SPOT"]] = 700_000
    assert ask(world).requirement_atoms == 20 * COIN // 100 * 700  # 0.2 coin at 70,000


def test_an_asset_without_a_weight_counts_nothing_and_a_debt_of_it_in_full() -> None:
    assert worth(COIN, Weight(tiers=())) == 0
    assert worth(-COIN, Weight(tiers=())) == -60_000 * USD


def test_a_pot_in_its_own_unit_does_not_count_other_assets() -> None:
    pot = Pot(unit="BTC", balances={"BTC": 7, "USD": 10**9}, held={"BTC-INV": Held(1, -1667)}, isolated=True)
    assert ask(one(pot)).equity_atoms == 7
    pot.balances["USD"] = -1
    assert not ask(one(pot)).known


def test_collateral_without_a_usable_price_makes_the_pot_unknown() -> None:
    for atoms in (1, -1):
        world = one(Pot(unit="USD", balances={"USD": 10**9, "BTC": atoms}))
        world.market.usable[ROW["BTC-SPOT"]] = 0
        assert ask(world).unknown == ROW["BTC-SPOT"]
        assert not ask(world).safe


# -- the whole book --------------------------------------------------------------------------------


@pytest.mark.parametrize("threads_from,words", [(0, "pot {} "), (10**9, "64 bits")])
@pytest.mark.parametrize("place", [0, 63])
def test_figures_that_do_not_fit_stop_the_scan_whichever_thread_meets_them(
    place: int, threads_from: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.margin.statement.THREADS_FROM", threads_from)
    world = one(Pot(unit="USD", balances={"USD": 1}))
    for number in range(64):
        lots = 10**15 if number == place else 1
        add_pot(world.book, Pot(unit="USD", held={"BTC-LIN": Held(lots, lots)}))
    with pytest.raises(OverflowError):
        health(world.book, world.margin, world.market, place + 1, "maintenance")
    with pytest.raises(OverflowError, match=words.format(place + 1)):
        book_health(world.book, world.margin, world.market, np.arange(65), "maintenance")


@pytest.mark.parametrize(
    "change", [{"lots": MOST}, {"bid": MOST}, {"ask": MOST}, {"cost": MOST}, {"asset": 0, "cash": MOST}]
)
def test_a_what_if_that_does_not_fit_is_refused(change: dict[str, int]) -> None:
    pot = Pot(unit="USD", balances={"USD": 5}, held={"BTC-LIN": Held(5, 5, 5, 5)})
    world = one(pot, orders=True, price="strict")
    assert ask(world).known
    with pytest.raises(OverflowError):
        ask(world, Overlay(instrument=0, **change))


def test_nested_levels_spare_the_weaker_one_where_the_stricter_is_met() -> None:
    levels = (level("initial"), level("maintenance", factor_ppb=PPB // 2))
    rules = make_rules(schedules={"BTC-LIN": flat_rate(10**8)}, levels=levels)
    world = make_world(rules, Pot(unit="USD", balances={"USD": BTC_USD}, held={"BTC-LIN": Held(1, BTC_USD)}))
    for cash in (BTC_USD // 15, BTC_USD // 99):
        add_pot(world.book, Pot(unit="USD", balances={"USD": cash}, held={"BTC-LIN": Held(1, BTC_USD)}))
    args = (world.book, world.margin, world.market, np.arange(3), "initial", "maintenance")
    plain, spared = book_health(*args), book_health(*args, nested=True)
    met = [(equity >= requirement).tolist() for equity, requirement, _unknown in (plain, spared)]
    assert met[0] == met[1] == [[True, False, False], [True, True, False]]
    assert (plain[0][:, 1:] == spared[0][:, 1:]).all() and (plain[1][:, 1:] == spared[1][:, 1:]).all()
