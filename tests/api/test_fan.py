"""Many paths: the same rows from every backend and any number of workers, and errors that name their path."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

import seawall as sw
from seawall.api import fan as fan_module
from seawall.api.fan import run_path, shared_book
from seawall.api.setup import CrashSetup, make_plan
from seawall.errors import InputError
from seawall.lab.experiment import open_book

BOOK = """account,instrument,size,entry_price,collateral_asset,collateral_amount
alice,BTC-PERP,1.5,121000,USDC,4000
bob,BTC-PERP,-0.5,121000,USDC,30000
"""


def setup(**changes: object) -> CrashSetup:
    base: dict[str, object] = {
        "rulebook": sw.load_rulebook("harbor"),
        "accounts": 40,
        "open_interest_usd": 3e7,
        "paths": 5,
        "start": "2025-10-10T21:14:00Z",
        "end": "2025-10-10T21:17:00Z",
    }
    return CrashSetup(**{**base, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def alone():  # type: ignore[no-untyped-def]
    return {seed: sw.fan(setup(book_seed=seed), workers=1) for seed in (None, 7)}


@pytest.mark.parametrize("seed", [None, 7])
def test_two_workers_give_the_rows_of_one(alone, seed) -> None:  # type: ignore[no-untyped-def]
    steps: list[int] = []
    found = sw.fan(setup(book_seed=seed), workers=2, advance=steps.append)
    assert found.paths.equals(alone[seed].paths) and found.summary == alone[seed].summary
    assert steps == [1] * 5


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'seawall[ray]'")
@pytest.mark.parametrize("seed", [None, 7])
def test_ray_gives_the_rows_of_joblib(alone, seed) -> None:  # type: ignore[no-untyped-def]
    assert sw.fan(setup(book_seed=seed), workers=2, backend="ray").paths.equals(alone[seed].paths)


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_the_message_says_how_to_get_it() -> None:
    with pytest.raises(InputError, match=r"seawall\[ray\]"):
        sw.fan(setup(), backend="ray")


def test_a_book_opened_once_gives_the_rows_of_one_opened_by_every_path(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_text(BOOK)
    for one in (setup(book_seed=7), setup(book=str(tmp_path / "book.csv"))):
        handle = shared_book(open_book(make_plan(one)))
        assert run_path(one, 3, handle) == run_path(one, 3)


def test_a_book_of_another_moment_is_not_used() -> None:
    one, other = setup(book_seed=7), setup(book_seed=7, start="2025-10-10T21:10:00Z")
    handle = shared_book(open_book(make_plan(other)))
    assert run_path(one, 1, handle) == run_path(one, 1)


def test_a_book_that_stays_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def counted(plan, *more):  # type: ignore[no-untyped-def]
        opened.append(plan.seed)
        return open_book(plan, *more)

    monkeypatch.setattr(fan_module, "open_book", counted)
    monkeypatch.setattr("seawall.lab.experiment.open_book", counted)
    # From midnight on: all paths begin at the same prices.
    sw.fan(setup(book_seed=7, paths=3, start=None, end="2025-10-10T00:02:00Z"), workers=1)
    assert opened == [0]
    sw.fan(setup(paths=3, start=None, end="2025-10-10T00:02:00Z"), workers=1)
    assert opened == [0, 0, 1, 2]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_error_of_a_path_reaches_the_caller_with_its_seed(workers: int) -> None:
    # Every path fails here; with two workers the first to say so may be another than path 0.
    with pytest.raises(InputError, match=r"path 0, seed 11: .*2 acc|path 1, seed 12: .*2 acc"):
        sw.fan(setup(accounts=2, seed=11), workers=workers)


@pytest.mark.parametrize(
    ("choice", "text"), [({"workers": 0}, "--workers"), ({"backend": "abacus"}, "Choose joblib or ray")]
)
def test_a_sweep_that_cannot_be_is_refused(choice, text) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=text):
        sw.fan(setup(), **choice)
