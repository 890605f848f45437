"""A small book of options through an invented crash, by the driver that takes the recorded one."""

from __future__ import annotations

import sys

import pytest

from benchmarks.february import venue
from benchmarks.february.__main__ import compare, main
from benchmarks.february.accounts import KINDS, draw_holder
from benchmarks.february.chains import snapshots_of
from benchmarks.february.run import Run
from benchmarks.february.venue import DEALERS
from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS, State
from seawall.rulebooks.model import Rulebook
from tests.engine.february_chains import EXPIRIES, INDEX, PATH, frame

SNAPSHOTS = snapshots_of(frame())
ACCOUNTS = 50


@pytest.fixture(scope="module")
def run() -> Run:
    made = Run(SNAPSHOTS, ACCOUNTS, 7)
    made.go()
    return made


def test_a_frame_becomes_snapshots() -> None:
    assert [round(each.index["BTC"] / INDEX["BTC"], 9) for each in SNAPSHOTS] == [share for share, _ in PATH]
    first = SNAPSHOTS[0]
    assert len(first.expiries) == 2 * len(EXPIRIES) and len(SNAPSHOTS[-1].expiries) == 2 * (len(EXPIRIES) - 1)
    call = next(quote for quote in first.of("BTC")[2].quotes if quote.is_call and quote.strike == 80_000)
    assert call.vol == 0.5 and 4_000 < call.mark_usd < 6_000  # 0.4 * 80,000 * 0.5 * sqrt(26 days)


def test_everybody_entered_with_their_initial_margin_and_some_did_not_keep_it(run: Run) -> None:
    state = run.venue.engine.state
    assert len(state.account_pot) == HOUSE_ACCOUNTS + DEALERS + ACCOUNTS
    assert len(run.venue.holders) == ACCOUNTS and not run.venue.refused
    assert sum(day.counts["liquidations"] for day in run.days) > 5
    assert sum(day.counts["calls"] for day in run.days) > 5
    assert not state.halted


def test_demands_together_are_those_of_the_statements(run: Run) -> None:
    state = run.venue.engine.state
    demands = state.demands
    assert demands is not None
    demands.refresh(state)
    held = 0
    for pot in range(HOUSE_ACCOUNTS, state.book.n_pots):
        statement = demands.explain(state, pot)
        asked = state.book.demanded[pot].tolist()
        levels = {} if statement is None else statement.levels
        assert asked == [levels.get(name, 0) for name in demands.asked]
        held += bool(asked[0])
    assert held > ACCOUNTS / 2


def test_a_demand_does_not_depend_on_when_it_was_last_asked(run: Run) -> None:
    """One expiry's new surface moves those who hold it; a state that knows no demand works out the same."""
    engine = Engine.from_bytes(run.rulebook, run.venue.engine.state.to_bytes())
    state, last = engine.state, SNAPSHOTS[-1].of("BTC")[-1]
    assert state.demands is not None
    state.demands.refresh(state)
    before = state.book.demanded.copy()
    vols = tuple(cmd.OptionVol(quote.name, round(quote.vol * 1.2e9)) for quote in last.quotes)
    engine.step(
        cmd.ReportVols(
            time_ns=state.time_ns, asset="BTC", expiry_ns=last.expiry_ns, vols=vols,
            forward_e9=round(last.forward * 1e9),
        )
    )  # fmt: skip
    bare = State.from_bytes(state.rulebook, state.to_bytes())
    assert bare.demands is not None
    bare.demands.refresh(bare)
    state.demands.refresh(state)
    count = state.book.n_pots
    assert (bare.book.demanded[:count] == state.book.demanded[:count]).all()
    moved = (before[:count] != state.book.demanded[:count]).any(axis=1)
    assert 0 < moved.sum() < count


def test_what_expired_was_settled_and_nothing_is_left_of_it(run: Run) -> None:
    state = run.venue.engine.state
    expired = {
        row for row, option in enumerate(state.instruments)
        if option.kind.option and option.expiry_ns <= SNAPSHOTS[-1].time_ns
    }  # fmt: skip
    book = state.book
    rows = book.pos_instrument[: book.n_positions][book.pos_pot[: book.n_positions] >= 0]
    assert expired & set(state.settled) and not expired & set(rows.tolist())


def test_twice_the_same_bytes_and_the_stories_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(SNAPSHOTS, ACCOUNTS, 7, once=False) == 0
    told = capsys.readouterr().out
    for word in ("the same bytes", "worst of", "charges:", "LiquidationOrderSent", "2026-02-02"):
        assert word in told


class Unsieved(Engine):
    """Looks at everybody in every sweep."""

    def __init__(self, rulebook: Rulebook) -> None:
        super().__init__(rulebook)
        self.state.sieve = None


def test_the_sieve_changes_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue, "Engine", Unsieved)
    again = Run(SNAPSHOTS, ACCOUNTS, 7)
    again.go()
    assert again.venue.engine.state.sieve is None
    assert again.digests() == run.digests()


def test_another_seed_is_another_book() -> None:
    first = [draw_holder(7, number, SNAPSHOTS[0]) for number in range(200)]
    assert first == [draw_holder(7, number, SNAPSHOTS[0]) for number in range(200)]
    assert first != [draw_holder(8, number, SNAPSHOTS[0]) for number in range(200)]
    assert {holder.kind for holder in first} == set(KINDS)
    assert all(holder.slack >= 1.02 and holder.legs for holder in first)


def test_without_the_data_it_says_so_and_stops(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["february", "--data", "nowhere.parquet"])
    assert main() == 2
    assert "not there" in capsys.readouterr().out


def test_liquidations_wait_while_a_snapshot_comes_in(run: Run) -> None:
    """No liquidation begins between the first report of a snapshot and its last."""
    open_gate = True
    begun = 0
    for record in run.journal:
        if isinstance(record, ev.GateClosed):
            open_gate = False
        elif isinstance(record, ev.GateOpened):
            open_gate = True
        elif isinstance(record, ev.LiquidationStarted):
            assert open_gate
            begun += 1
    assert begun
