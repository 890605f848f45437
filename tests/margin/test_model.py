"""The kernels against the slow model of tests/oracles, written from the prose of docs/reference/margin.md."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings

from seawall.margin.statement import book_health, health, statement
from tests.margin.worlds import World, add_pot, flat_rate, level, make_rules, make_world, worlds
from tests.oracles.margin_model import Held, Pot, exact


@given(worlds())
def test_equity_and_requirement_are_those_of_the_prose_to_the_atom(world: World) -> None:
    found = health(world.book, world.margin, world.market, world.row, "maintenance")
    expected = world.model().health(world.pot, "maintenance")
    assert expected is not None and found.known
    assert (found.equity_atoms, found.requirement_atoms) == expected


@given(worlds())
def test_rounding_is_never_in_favour_of_the_account(world: World) -> None:
    found = health(world.book, world.margin, world.market, world.row, "maintenance")
    unrounded = world.model(up=exact, down=exact).health(world.pot, "maintenance")
    assert unrounded is not None
    equity, requirement = unrounded
    assert found.equity_atoms <= equity
    assert found.requirement_atoms >= requirement


@given(worlds())
def test_the_parts_of_a_statement_add_up_to_its_totals(world: World) -> None:
    found = statement(world.book, world.margin, world.market, world.row, "maintenance")
    assert found.equity_atoms == sum(part.amount_atoms for part in found.parts if part.kind == "collateral")
    assert found.requirement_atoms == sum(
        part.amount_atoms for part in found.parts if part.kind != "collateral"
    )
    needs = [part.amount_atoms for part in found.parts if part.kind != "collateral"]
    assert (found.worst.amount_atoms if found.worst else None) == max(needs, default=None)


@given(worlds())
def test_an_unusable_price_makes_the_pot_unknown_at_the_level(world: World) -> None:
    held = [name for name, h in world.pot.held.items() if h.lots or h.bid or h.ask]
    for name in held:
        world.prices[name].usable = False
        row = list(world.prices).index(name)
        world.market.usable[row] = 0
        found = health(world.book, world.margin, world.market, world.row, "maintenance")
        assert found.unknown == row
        assert not found.safe
        assert statement(world.book, world.margin, world.market, world.row, "maintenance").parts == ()
        assert world.model().health(world.pot, "maintenance") is None
        world.prices[name].usable, world.market.usable[row] = True, 1


@pytest.mark.parametrize("threads", [0, 1, 2])
def test_scanning_the_book_gives_each_pot_what_asking_for_it_gives(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 = without threads at all."""
    monkeypatch.setattr("seawall.margin.statement.THREADS_FROM", 0 if threads else 10**9)
    drawn: list[World] = []

    @settings(derandomize=True, database=None)
    @given(worlds())
    def collect(world: World) -> None:
        drawn.append(world)

    collect()
    world = drawn[0]
    for other in drawn[1:]:
        add_pot(world.book, other.pot)
    pots = np.arange(world.book.n_pots, dtype=np.int64)
    alone = [health(world.book, world.margin, world.market, int(pot), "maintenance") for pot in pots]
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(min(max(threads, 1), numba.config.NUMBA_NUM_THREADS))
        found = book_health(world.book, world.margin, world.market, pots, "maintenance")
    finally:
        numba.set_num_threads(before)
    together = list(zip(*(column[0].tolist() for column in found)))
    assert together == [(a.equity_atoms, a.requirement_atoms, a.unknown) for a in alone]


def test_a_position_slot_that_holds_nothing_asks_for_nothing() -> None:
    pot = Pot(unit="USD", balances={"USD": 5}, held={"BTC-LIN": Held(leverage=10)})
    world = make_world(
        make_rules(schedules={"BTC-LIN": flat_rate(10**7)}, levels=(level(flat_atoms=9),)), pot
    )
    found = health(world.book, world.margin, world.market, world.row, "maintenance")
    assert (found.equity_atoms, found.requirement_atoms) == (5, 0)
