"""Whoever is said to wait on the ladder is left as it is by the ladder, in crashes and case by case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
import pytest

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.ladder import continue_liquidation
from seawall.engine.engine import Engine
from seawall.engine.sieve import Sieve
from seawall.engine.state import State
from seawall.engine.writer import Writer
from seawall.kernels import waiting as kernel
from seawall.lab.experiment import OpenBook, Plan, crash_options, open_book
from seawall.lab.shock import Shock, shock_path
from seawall.lab.simulate import run_crash
from seawall.rulebooks.load import load_rulebook
from tests.engine.venue import START, A, B, Venue, kinds

START_USD = {"BTC": 121_580.0, "ETH": 4_360.0}


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Every answer of the sieve is put to the ladder: it must write nothing. Yields who waited."""
    waited: list[int] = []
    told = Sieve.idle

    def idle(self: Sieve, state: State, asked: Sequence[int]) -> list[int]:
        found = told(self, state, asked)
        for pot in found:
            writer = Writer(state, command_seq=state.seq, time_ns=state.time_ns)
            continue_liquidation(writer, pot)
            assert not writer.events, f"pot {pot} was said to wait: {writer.events}"
        waited.extend(found)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Sieve, "idle", idle)
        yield waited


def crash(name: str, depth: float) -> None:
    path = shock_path(
        START_USD,
        [Shock("BTC", depth, 60.0, 20.0, 0.5)],
        duration_seconds=180.0,
        step_seconds=1.0,
        noise_daily_vol=0.05,
        seed=3,
    )
    plan = Plan(rulebook=load_rulebook(name), path=path, accounts=200, seed=3, book_seed=0)
    opened: OpenBook = open_book(plan)
    run_crash(Engine.from_bytes(plan.rulebook, opened.state), plan.path, crash_options(plan, 1.0), ())


@pytest.mark.parametrize("name", ["harbor", "bybit-linear", "kraken-inverse"])
def test_in_a_crash_nobody_is_passed_over(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with watched(monkeypatch) as waited:
        crash(name, -0.25)
    assert len(waited) > 50


def test_the_check_finds_a_kernel_that_lets_everyone_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def lazy(*arguments: object) -> None:
        arguments[-1][:] = True  # type: ignore[index]

    monkeypatch.setattr(kernel, "wait", lazy)
    with pytest.raises(Exception, match="was said to wait"), watched(monkeypatch):
        crash("harbor", -0.25)


def one_order_out() -> tuple[Venue, int]:
    """A is being liquidated, its order is at the venue; B has a deep pocket."""
    venue = Venue()
    venue.fund(A, 10_000)
    venue.fund(B, 10**6)
    venue.trade(A, 1_000, 500_000, against=B)
    assert "LiquidationOrderSent" in kinds(venue.btc(42_000))
    return venue, venue.pot(A)


def waits(venue: Venue, pot: int) -> bool:
    return venue.state.sieve.idle(venue.state, [pot]) == [pot]


def test_a_pot_waits_for_its_order_and_no_longer_than_that() -> None:
    venue, pot = one_order_out()
    assert waits(venue, pot)
    number = venue.state.ladders[pot].order
    size = abs(venue.state.orders[number].size_lots)
    venue.do(
        cmd.ReportFill, instrument="BTC-PERP", size_lots=size // 2, price_ticks=420_000, buyer=B,
        seller=A, taker_is_buyer=False, seller_order=number,
    )  # fmt: skip
    assert waits(venue, pot)
    row = venue.state.sieve.waiting.rows[venue.state.sieve.waiting.row_of[pot]]
    assert row[kernel.LOTS] == abs(venue.state.orders[number].size_lots) == size - size // 2
    venue.do(cmd.Deposit, account=A, asset="USDC", amount_atoms=10**12)
    assert not venue.liquidating(A) and not waits(venue, pot)


def test_a_closed_gate_and_a_bad_price_leave_nobody_waiting() -> None:
    for spoil in (
        lambda venue: venue.do(
            cmd.Override, by="ann", role="guardian", action="liquidate", instrument="BTC-PERP", close=True,
            until_ns=START + 10**15,
        ),
        lambda venue: venue.wait(61),  # the price goes stale
    ):  # fmt: skip
        venue, pot = one_order_out()
        assert waits(venue, pot)
        spoil(venue)
        assert venue.liquidating(A) and not waits(venue, pot)


def test_a_restored_engine_tells_the_same_who_waits() -> None:
    venue, pot = one_order_out()
    other = Engine.from_bytes(venue.state.rulebook, venue.state.to_bytes())
    command = msgspec.structs.replace(venue.log[-1][0], time_ns=venue.now)
    assert isinstance(command, cmd.ReportPrices) and not isinstance(other.step(command)[0], ev.Refused)
    assert other.state.sieve.idle(other.state, [pot]) == venue.state.sieve.idle(venue.state, [pot]) == [pot]
