"""Planted bugs: a storm that could not fail would prove nothing. Each must be found, and by the right check.

A bug is planted in the engine, seeds are played until one fails, and the check that found it is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest

from seawall.engine import engine as engine_module
from seawall.engine import sieve, state
from seawall.engine.decide import bankruptcy, ladder, takeover, trades, trades_write
from seawall.journal import reader
from seawall.ledger.trade import fee_atoms
from seawall.market.policy import OraclePolicy
from tests.storms.ledger import Broken
from tests.storms.play import play
from tests.storms.shrink import shrink
from tests.storms.weather import draw

pytestmark = pytest.mark.storm

MOST_SEEDS = 60


def _gift(real: Any) -> Any:
    def leg(**fields: int) -> tuple[int, int]:
        added, realised = real(**fields)
        left = abs(fields["lots"]) > abs(fields["trade_lots"])
        return (added + 1, realised + 1) if realised and left else (added, realised)

    return leg


def _blind(real: Any) -> Any:
    def endangered(self: Any, state_: Any, rows: list[int]) -> Any:
        found = real(self, state_, rows)
        return found[np.arange(found.size) % 3 != 0]

    return endangered


def _greedy(_real: Any) -> Any:
    def charge(writer: Any, pot: int, row: int, notional: int, step: int, *, cause: int) -> None:
        fee, asset = fee_atoms(notional, 200_000_000), writer.state.settle_row[row]
        to = [(state.FEES, fee)]
        trades_write.pay(writer, pot, asset, to, kind="liquidation fee", cause=cause, rule="greed")

    return charge


def _neighbour(real: Any) -> Any:
    def pot_of(state_: Any, side: Any, row: int) -> int:
        pot = real(state_, side, row)
        user = side.account >= state.HOUSE_ACCOUNTS and not side.order and not side.isolated
        return state_.account_pot[state.HOUSE_ACCOUNTS] if user else pot

    return pot_of


def _forgetful(real: Any) -> Any:
    def apply_events(self: Any, seq: int, events: Any) -> None:
        real(self, seq, list(events)[:-1] if len(events) > 1 else events)

    return apply_events


def _short_read(real: Any) -> Any:
    def steps(self: Any, *args: Any, **named: Any) -> Any:
        found = list(real(self, *args, **named))
        return iter(found[:-1])

    return steps


def _gateless(real: Any) -> Any:
    def from_bytes(cls: Any, rulebook: Any, data: bytes) -> Any:
        restored = real(rulebook, data)
        restored.gates = {}
        return restored

    return classmethod(from_bytes)


def _trusting(_real: Any) -> Any:
    return lambda self, action, conditions: True


def _early(real: Any) -> Any:
    def health(state_: Any, pot: int, level: str, *more: Any) -> Any:
        found = real(state_, pot, level, *more)
        return msgspec.structs.replace(found, requirement_atoms=found.requirement_atoms * 3)

    return health


PLANTED: dict[str, tuple[Any, str, Callable[[Any], Any], set[str]]] = {
    "a closing trade realises one atom too much": (trades_write, "trade_leg", _gift, {"owner"}),
    "the sieve leaves out every third pot": (sieve.Sieve, "endangered", _blind, {"missed", "sieve"}),
    "a liquidation fee takes more than there is": (trades, "charge_liquidation_fee", _greedy, {"fee"}),
    "a fill is booked to the first user": (trades, "_pot_of", _neighbour, {"owner"}),
    "a restart loses the last event of a step": (
        engine_module.Engine,
        "apply_events",
        _forgetful,
        {"restart"},
    ),
    "a snapshot forgets the gates": (state.State, "from_bytes", _gateless, {"restart"}),
    "every price is trusted": (OraclePolicy, "allows", _trusting, {"unknown", "short", "missed"}),
    "pots are liquidated before they are short": (ladder, "pot_health", _early, {"short"}),
    "orders are not recalled when the ladder moves on": (
        ladder,
        "recall",
        lambda _real: lambda writer, pot, *, cause, **more: cause,
        {"order"},
    ),
    "a bankrupt pot keeps what it owes": (
        bankruptcy,
        "hand_over",
        lambda _real: lambda *args, **named: None,
        {"owner", "short"},
    ),
}


def first_found(seeds: range) -> Broken | None:
    for seed in seeds:
        try:
            play(seed)
        except Broken as error:
            return error
    return None


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found_by_the_right_check(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, name, plant, checkers = PLANTED[bug]
    monkeypatch.setattr(place, name, plant(getattr(place, name)))
    if name == "charge_liquidation_fee":
        monkeypatch.setattr(takeover, name, plant(None))
    found = first_found(range(MOST_SEEDS))
    assert found is not None, f"{MOST_SEEDS} storms did not see that {bug}"
    assert found.checker in checkers, str(found)


def test_a_journal_read_without_its_last_step_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader.JournalReader, "steps", _short_read(reader.JournalReader.steps))
    seeds = (seed for seed in range(400) if draw(Random(seed)).on_disk)
    for seed in seeds:
        try:
            play(seed)
        except Broken as error:
            assert error.checker in ("journal", "restart")
            return
    raise AssertionError("no storm on disk saw a lost step")


def test_a_failing_storm_is_cut_to_a_few_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trades_write, "trade_leg", _gift(trades_write.trade_leg))
    found = first_found(range(MOST_SEEDS))
    assert found is not None
    acts = shrink(found.world.rulebook, found.world.stage.acts, found.checker)
    kinds = [type(act.command).__name__ for act in acts if act.kind == "step"]
    assert len(acts) < 12 and kinds.count("ReportFill") == 2, kinds
