"""Every example runs, and says what its first lines promise."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_run_by_a_test():
    known = {"loan_market", "liquidation_prices", "crash_own_book", "adl_rankers", "vol_surface"}
    known |= {"what_kills_my_book", "is_this_margin_model_safe"}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == known


def test_a_desk_gets_its_liquidation_prices(capsys):
    load("liquidation_prices").main()
    said = capsys.readouterr().out
    assert "retail-1    cross" in said and "momentum, if BTC -6%: BTC-PERP at 106,220.0" in said


def test_a_loan_market_fails_where_nobody_liquidates(capsys):
    """A smaller market: absent liquidators and a thin pool leave deficits, a deep pool none."""
    runs = load("loan_market").main(60)
    said = capsys.readouterr().out
    assert runs["deep pool"].deficit_atoms == 0 < runs["keepers away for an hour"].deficit_atoms
    assert runs["thin pool"].deficit_atoms > runs["thin pool, oracle apart"].deficit_atoms
    assert "keepers away for an hour" in said and all(not run.halted for run in runs.values())


def test_a_venue_crashes_its_own_book(capsys, tmp_path):
    load("crash_own_book").main(str(tmp_path / "run"))
    said = capsys.readouterr().out
    assert "momentum: " in said and "replay gives the same bytes: True" in said


@pytest.mark.slow
def test_rankers_choose_different_winners(capsys):
    module = load("adl_rankers")
    module.main(accounts=60)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(module.RANKERS)
    assert len({line.split(maxsplit=1)[1] for line in lines[1:]}) > 1


def test_a_surface_is_fitted_asked_and_refused(capsys):
    load("vol_surface").main()
    said = capsys.readouterr().out
    assert "crossed: bid" in said and "2 hours old, to liquidate" in said
    assert "use: good" in said and "degrade: stale" in said and "refuse: stale" in said
    assert "set by merton" in said


def test_a_desk_learns_what_kills_its_book(capsys, tmp_path):
    module = load("what_kills_my_book")
    said = capsys.readouterr().out
    assert said.count("liquidated with BTC above") == 3 and "paradex-pm asks " in said
    assert "with 3 BTC-27MAR26-95000-C: needs " in said
    assert module.draw(str(tmp_path / "map.html")).stat().st_size > 100_000


def test_the_market_of_the_guide_is_the_one_of_the_example():
    module, table = load("what_kills_my_book"), EXAMPLES / "market.csv"
    known = {row["instrument"]: row for row in module.chain({"27FEB26": 22.0, "27MAR26": 50.0})}
    lines = [line.split(",") for line in table.read_text().splitlines()]
    for cells in lines[1:]:
        row = dict(zip(lines[0], cells))
        assert known[row["instrument"]] == {key: cell for key, cell in row.items() if cell}


def test_a_venue_asks_whether_its_margin_model_is_safe(capsys):
    load("is_this_margin_model_safe")
    said = capsys.readouterr().out
    assert said.count("Kupiec p") == 3 and "more than its level" in said and "in line" in said
    assert "reserve for not knowing which" in said and "set by merton" in said
