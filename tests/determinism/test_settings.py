"""One hour, one set of digests: on every interpreter, CPU setting, number of threads, and in any batches.

`make determinism` runs the whole list (settings.HERE); here several of them are put together to save time.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.determinism import settings
from tests.determinism.settings import Setting
from tests.determinism.worker import GROUP, again, journal, records, sha, valuation
from tests.determinism.world import Played, play

ONE = {"NUMBA_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "PYTHONHASHSEED": "1", "TZ": "Asia/Kathmandu"}
TWO = {"NUMBA_NUM_THREADS": "2", "POLARS_MAX_THREADS": "2", "PYTHONHASHSEED": "2", "LC_ALL": "C"}


@pytest.fixture(scope="module")
def plain() -> dict[str, str]:
    return settings.run(settings.PLAIN)


@pytest.fixture(scope="module")
def played() -> Played:
    return play()


def test_the_hour_is_violent_enough_to_prove_anything(played: Played) -> None:
    events = {type(event).__name__ for _, found in played.log for event in found}
    tiers = {event.kind for _, found in played.log for event in found if type(event).__name__ == "TierPassed"}
    assert tiers == {"insurance", "adl", "socialise"}
    assert {
        "FundingPaid", "RulebookChanged", "GateClosed", "GateOpened", "MarginCallCured", "OrderPlaced",
        "LiquidationOrderRecalled", "InstrumentSettled", "LossSocialised", "Refused",
    } <= events  # fmt: skip
    deposits = [command.asset for command, _ in played.log if type(command).__name__ == "Deposit"]
    assert set(deposits) == {"USDC", "BTC", "ETH"}


@pytest.mark.parametrize("split", range(1, 7))
def test_commands_in_any_batches_give_the_same_records_and_state(played: Played, split: int) -> None:
    log, engine = again(played, split)
    assert records(log) == records(played.log)
    assert engine.state.digest() == played.engine.state.digest()


@pytest.mark.parametrize("group", [1, 3, 4_096, 10**6])
def test_commits_of_any_size_hold_the_same_records(played: Played, group: int, tmp_path: Path) -> None:
    assert journal(played, tmp_path, group)[1][1:] == records(played.log)


def test_one_missing_command_changes_records_state_and_chain(played: Played, tmp_path: Path) -> None:
    short = played._replace(log=played.log[:-1])
    log, engine = again(short, split=1)
    assert sha(records(log)) != sha(records(played.log))
    assert engine.state.digest() != played.engine.state.digest()
    (tmp_path / "short").mkdir()
    assert journal(short, tmp_path / "short", GROUP)[0] != journal(played, tmp_path, GROUP)[0]


@pytest.mark.slow
@pytest.mark.parametrize("env", [ONE, TWO], ids=["one thread", "two threads"])
def test_threads_hashes_zone_and_locale_change_nothing(plain: dict[str, str], env: dict[str, str]) -> None:
    assert settings.run(Setting("here", env)) == plain


@pytest.mark.slow
@pytest.mark.skipif(not settings.has_glibc(), reason="GLIBC_TUNABLES needs glibc on x86-64")
def test_an_older_cpu_changes_nothing_although_it_changes_the_platforms_exp(plain: dict[str, str]) -> None:
    tunables = {"GLIBC_TUNABLES": settings.OLDEST_CPU}
    assert settings.run(Setting("older", tunables)) == plain
    assert settings.run(Setting("older, generic", {**tunables, "NUMBA_CPU_NAME": "generic"})) == plain
    if settings.libm_digest({"GLIBC_TUNABLES": settings.OLDER_CPU}) == settings.libm_digest({}):
        pytest.skip("equal, but this CPU has no FMA to mask: the platform's exp does not change either")


# Kernels that LLVM did not optimise: they compile in two thirds of the time, and show that no digit hangs
# on the optimiser. `make determinism` runs the same interpreters with optimised ones.
@pytest.mark.slow
@pytest.mark.parametrize("setting", settings.others({"NUMBA_OPT": "0"}), ids=lambda setting: setting.name)
def test_another_interpreter_changes_nothing(plain: dict[str, str], setting: Setting) -> None:
    python, why = settings.environment(setting.python)
    if why:
        pytest.skip(why)
    assert settings.run(setting, python) == plain


def test_threads_do_not_change_the_valuation_of_the_whole_book(played: Played) -> None:
    assert len(valuation(played.engine.state)) == 3  # asserts within that both ways are equal
