"""The sieve changes nothing: whole crashes with and without it end in the same state."""

from __future__ import annotations

import pytest

from seawall.engine import engine as engine_module
from seawall.engine.engine import Engine
from seawall.engine.sieve import Sieve
from seawall.engine.state import State
from seawall.lab.experiment import Plan, crash_options, open_book
from seawall.lab.october import october_path
from seawall.lab.prices import window
from seawall.lab.simulate import run_crash
from seawall.rulebooks.load import load_rulebook

HOUR = 3_600_000_000_000


def digest(name: str, accounts: int) -> tuple[str, int]:
    path = october_path(assets=("BTC", "ETH", "SOL", "AVAX"))
    start = int(path.time_ns[0])
    path = window(path, start + 20 * HOUR, start + 22 * HOUR)
    plan = Plan(rulebook=load_rulebook(name), path=path, accounts=accounts)
    engine = Engine.from_bytes(plan.rulebook, open_book(plan).state)
    run_crash(engine, path, crash_options(plan, 1.0))
    return engine.state.digest().hex(), engine.state.seq


@pytest.mark.parametrize("name", ["harbor", "binance-usdm", "hyperliquid", "kraken-inverse"])
def test_a_crash_ends_the_same_with_and_without_the_sieve(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sieved = digest(name, 250)
    monkeypatch.setattr(engine_module, "Sieve", lambda: None)
    assert digest(name, 250) == sieved


def test_a_sieve_that_trusts_too_much_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    right = digest("harbor", 250)

    def careless(self: Sieve, state: State) -> bool:
        self.moved.clear()  # as if no trigger were anywhere near
        return True

    monkeypatch.setattr(Sieve, "_quiet", careless)
    assert digest("harbor", 250) != right
