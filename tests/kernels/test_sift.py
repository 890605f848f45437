"""Whoever a move of prices could put in danger has a trigger that the move crosses: nobody is missed.

Drawn venues (every kind of schedule, weight, level; several collaterals, isolated pots, orders, debts), a pot
filed at drawn prices, then any move of any of its prices. If no trigger is crossed, the pot must still be
calm when it is judged exactly. The bound on how fast a margin falls and the ladders are both in that.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from hypothesis import Phase, given, note, seed, settings
from hypothesis import strategies as st

from seawall.engine.sieve import make_plan
from seawall.kernels import sift, triggers
from seawall.margin.compiled import CompiledMargin, MarketView, compile_margin
from seawall.margin.rules import MarginRules
from seawall.margin.statement import health
from tests.margin.worlds import ASSETS, FULL, INSTRUMENTS, World, worlds

NAMES = ["warning", "maintenance"]


class Ladders:
    """The sieve's tables for one pot, made by hand."""

    def __init__(self, world: World, rules: MarginRules, margin: CompiledMargin, flag: int) -> None:
        self.world, self.margin, self.flag = world, margin, flag
        count = len(INSTRUMENTS)
        self.levels = np.array([margin.levels[name] for name in NAMES], np.int64)
        self.plan = make_plan(
            rules, NAMES, nested=False, cure="warning", trigger="maintenance", instruments=count
        )
        self.first = np.full(len(world.book.pot_unit), triggers.NONE, np.int32)
        self.posts = np.zeros(256, triggers.POST)
        self.heads = np.zeros(6 * count * int(self.plan[sift.PLAN_RING]), np.int32)
        self.near = np.tile(np.array([np.inf, -np.inf]), 3 * count)
        self.counters = np.array([triggers.NONE, 0], np.int64)
        self.seen = np.zeros(len(world.book.pot_unit), np.uint8)
        self.walked = np.zeros(3 * count)
        self.all = np.arange(count, dtype=np.int64)

    def tables(self, market: MarketView) -> tuple[Any, Any, Any, Any, Any, Any, Any, Any]:
        return (
            *self.world.book.view(),
            market.table,
            self.margin.view.table,
            self.world.book.scratch,
            self.world.book.line,
        )

    def room(self, market: MarketView) -> tuple[int, int]:
        return sift.room(*self.tables(market), self.plan, self.levels, self.flag, self.world.row)

    def file(self, market: MarketView, room: int) -> bool:
        sift.arrive(market.table, self.plan, self.walked, self.all, self.posts, self.heads, self.near)
        return sift.file_pot(
            *self.tables(market)[:6], self.plan, self.levels, self.world.row, room, self.flag == sift.CALLED,
            self.first, self.posts, self.heads, self.near, self.counters,
        )  # fmt: skip

    def met(self, market: MarketView) -> bool:
        found = np.zeros(len(self.seen), np.int64)
        return bool(
            sift.walk(
                market.table, self.plan, self.walked, self.all, self.posts, self.heads, self.seen, found, 0
            )
        )

    def quiet(self, market: MarketView) -> bool:
        """What the engine asks first: does every price lie between the nearest triggers?"""
        prices = market.table[:, :3].T.reshape(-1)
        inside = (self.near[0::2] < prices) & (prices < self.near[1::2])
        return bool((inside | (prices == 0)).all())


def two_levels(rules: MarginRules) -> MarginRules:
    """The drawn level as the trigger, and a stricter one that calls."""
    trigger = rules.levels[0]
    call = msgspec.structs.replace(trigger, name="warning", factor_ppb=trigger.factor_ppb * 6 // 5)
    return msgspec.structs.replace(rules, levels=(trigger, call))


def tame(rules: MarginRules, *, whole: bool) -> MarginRules:
    """Without what is never trusted (terms that move without a price); cash counts, `whole` or in part."""
    replace = msgspec.structs.replace
    counting = {
        name: FULL if whole else replace(weight, tiers=weight.tiers or FULL.tiers)
        for name, weight in rules.weights["w"].items()
    }
    plans = {
        name: replace(
            margin, schedules={"s": replace(margin.schedules["s"], oi_lower_lots=0, oi_upper_lots=0)}
        )
        for name, margin in rules.instruments.items()
    }
    levels = tuple(replace(level, confidence_factor_ppb=0) for level in rules.levels)
    return replace(rules, instruments=plans, levels=levels, weights={"w": counting})


def fund(ladders: Ladders, data: st.DataObject) -> None:
    """Give the pot what it lacks, and something to spare: most drawn pots would be in danger at once."""
    world, market = ladders.world, ladders.world.market
    unit, needs = int(world.book.pot_unit[world.row]), []
    for name in NAMES[-1:] if ladders.flag else NAMES:
        found = health(world.book, ladders.margin, market, world.row, name)
        needs.append(found.requirement_atoms - found.equity_atoms)
    gross = int(np.abs(world.book.pos_cost[: world.book.n_positions]).sum())
    spare = data.draw(st.sampled_from([gross // 1000, gross // 100, gross // 20, gross // 4, 10**6]))
    if max(needs) + spare > 0:
        world.book.balances[world.row, unit] += min(max(needs) + spare, 2**60)


@st.composite
def moves(draw: st.DrawFn, market: MarketView, x: float) -> MarketView:
    """Prices near the edge of what the pot is trusted to bear, on it, far beyond it, or as they were."""
    regime = draw(st.sampled_from(["edge", "one", "any", "together"]))
    table, sign = market.table.copy(), draw(st.sampled_from([-1.0, 1.0]))
    only = draw(st.integers(0, len(table) - 1))
    for row in range(len(table)):
        if regime == "one" and row != only:
            continue
        for column in range(3):
            share = draw(st.sampled_from([-1.0, -0.999, 0.0, 0.999, 1.0]))
            if regime == "together":
                share = sign * draw(st.sampled_from([0.5, 0.99, 1.0]))
            if regime == "any":
                share = draw(st.floats(-0.5, 0.5)) / max(x, 1e-9)
            moved = int(table[row, column] * (1.0 + share * x))
            if table[row, column]:
                table[row, column] = max(moved, 1)
    fresh = MarketView(len(table))
    fresh.table[:] = table
    return fresh


def check(world: World, flag: int, data: st.DataObject, stretch: float = 1.0) -> str:
    wild = data.draw(st.integers(0, 7))
    rules = two_levels(world.rules if wild == 0 else tame(world.rules, whole=wild > 3))
    ladders = Ladders(world, rules, compile_margin(ASSETS, INSTRUMENTS, rules), flag)
    try:
        fund(ladders, data)
    except OverflowError:
        return "does not fit"
    verdict, room = ladders.room(world.market)
    if verdict != sift.CALM:
        return "not calm"
    room = int(room * stretch)
    x = sift.reach(
        *ladders.tables(world.market)[:6], ladders.plan, ladders.levels, world.row, room, flag == sift.CALLED
    )
    if not ladders.file(world.market, room):
        assert x == 0.0, f"x = {x}"
        return "not trusted"
    moved = data.draw(moves(world.market, x))
    note(f"x = {x}, room = {room}, moved = {moved.table[:, :3].tolist()}")
    met, quiet = ladders.met(moved), ladders.quiet(moved)
    assert not (met and quiet), "a trigger is crossed between bounds that say there is none"
    if met:
        return "met"
    assert ladders.room(moved)[0] == sift.CALM, "the pot is in danger and no trigger was crossed"
    return "spared"


@settings(max_examples=400, deadline=None)
@given(worlds(), st.sampled_from([0, sift.CALLED]), st.data())
def test_a_pot_in_danger_has_a_trigger_that_was_crossed(world: World, flag: int, data: st.DataObject) -> None:
    check(world, flag, data)


def test_every_outcome_is_met_often_and_a_careless_bound_is_found_out() -> None:
    """Twice the room there is: some drawn pot must then be missed.

    What a seed draws depends on the modules loaded (Hypothesis tries the constants it finds in them), and
    so on the tests a worker ran before. One seed in two finds the fault: sixteen in a row that do not are
    no accident.
    """
    outcomes: dict[str, int] = {}

    @settings(max_examples=600, deadline=None, derandomize=True, database=None)
    @given(worlds(), st.sampled_from([0, sift.CALLED]), st.data())
    def honest(world: World, flag: int, data: st.DataObject) -> None:
        found = check(world, flag, data)
        outcomes[found] = outcomes.get(found, 0) + 1

    honest()
    assert min(outcomes.get(name, 0) for name in ("met", "spared", "not trusted", "not calm")) > 10, outcomes
    assert any(careless_is_found_out(number) for number in range(16)), "the test sees nothing"


def careless_is_found_out(number: int) -> bool:
    @seed(number)
    @settings(max_examples=600, deadline=None, database=None, phases=[Phase.generate])
    @given(worlds(), st.sampled_from([0, sift.CALLED]), st.data())
    def careless(world: World, flag: int, data: st.DataObject) -> None:
        check(world, flag, data, stretch=2.0)

    try:
        careless()
    except AssertionError as error:
        return "no trigger was crossed" in str(error)
    return False
