"""Storms: random worlds, hundreds of commands, every invariant after every step. STORM_SEEDS sets how many.

A storm that could not fail would prove nothing: planted bugs must be found.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from seawall.engine.decide import bankruptcy, ladder, sweep, trades_write
from seawall.errors import InvariantViolation
from tests.storms.rules import REGIMES
from tests.storms.world import World

SEEDS = int(os.environ.get("STORM_SEEDS", "60"))
CHUNK = 5

pytestmark = pytest.mark.storm


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_every_invariant_holds_after_every_step(first: int) -> None:
    for seed in range(first, min(first + CHUNK, SEEDS)):
        world = World(seed)
        try:
            world.run()
        except Exception as error:
            raise AssertionError(
                f"storm {seed} ({world.regime}) after {len(world.commands)} commands: {error}"
            ) from error


def test_storms_reach_every_way_a_liquidation_can_end() -> None:
    outcomes, tiers, events = set(), set(), set()
    for seed in range(2 * len(REGIMES)):
        world = World(seed)
        world.run()
        for _seq, written in world.checker.events:
            for event in written:
                events.add(type(event).__name__)
                outcomes.add(getattr(event, "outcome", ""))
                if type(event).__name__ == "TierPassed":
                    tiers.add(event.kind)
    assert {"restored", "closed", "taken_over", "bankrupt"} <= outcomes
    assert {"insurance", "adl", "socialise"} <= tiers
    assert {
        "LiquidationOrderRecalled",
        "AccountUnknown",
        "VenueHalted",
        "GateClosed",
        "MarginCalled",
    } <= events


def found_by(first: int = 0, count: int = 24) -> int:
    """Seeds of the first so many storms that fail."""
    failed = 0
    for seed in range(first, first + count):
        try:
            World(seed).run(120)
        except (AssertionError, InvariantViolation):
            failed += 1
    return failed


def _leaky_leg(**fields: int) -> tuple[int, int]:
    added, realised = REAL_LEG(**fields)
    return added, realised + (1 if realised else 0)


def _gift_leg(**fields: int) -> tuple[int, int]:
    """Balanced, and wrong: a closing trade realises one atom too much and leaves it in the cost."""
    added, realised = REAL_LEG(**fields)
    return (added + 1, realised + 1) if realised else (added, realised)


REAL_LEG = trades_write.trade_leg
REAL_SOCIALISE = bankruptcy.socialise


def _socialise_half(*args: Any, **named: Any) -> None:
    """Takes only half of what is due."""
    *head, due = args
    REAL_SOCIALISE(*head, due // 2, **named)


PLANTED = {
    "an atom appears when profit is realised": (trades_write, "trade_leg", _leaky_leg),
    "a closed position keeps an atom of cost": (trades_write, "trade_leg", _gift_leg),
    "the vault takes positions and leaves the debts": (bankruptcy, "hand_over", lambda *a, **k: None),
    "orders are not recalled when the ladder moves on": (ladder, "recall", lambda w, p, *, cause, **k: cause),
    "a third of the pots is never looked at": (sweep, "_codes", None),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name, wrong = PLANTED[bug]
    if wrong is None:
        real = sweep._codes

        def blind(state: Any, pots: Any) -> Any:
            return {pot: code for pot, code in real(state, pots).items() if pot % 3}

        wrong = blind
    monkeypatch.setattr(module, name, wrong)
    assert found_by() > 0


def test_a_loss_that_is_half_socialised_halts_the_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a violation: what a tier leaves goes on, and what nobody takes halts. The storm still adds up."""
    monkeypatch.setattr(bankruptcy, "socialise", _socialise_half)
    halted = 0
    for seed in range(3, 60, len(REGIMES)):  # regime no_fund
        world = World(seed)
        world.run()
        halted += bool(world.engine.state.halted)
    assert halted
