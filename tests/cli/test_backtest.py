"""`seawall backtest`: tables, JSON, files, and refusals in words."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.calibrate.histories import as_csv, walk

pytest.importorskip("scipy")


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "BTCUSDT_4h.csv"
    as_csv(walk(days=900, crash={6 * 869 + 2: -0.45}), path)
    return path


def test_two_tables_and_sentences(call, history):
    said = call("backtest", "harbor", "--history", history, "--model", "historical")
    assert said.code == 0
    assert "Did it hold?" in said.out and "2021-05-19" in said.out and "NO -4" in said.out
    assert "The maintenance margin of harbor for BTC-PERP is 1.05% of notional" in said.out
    assert "Prices are in USDT" in said.err


def test_json_holds_what_the_tables_show(call, history):
    said = call("backtest", "harbor", "--history", history, "--model", "historical", "--json")
    told = json.loads(said.out)
    assert [(row["model"], row["side"]) for row in told["results"]] == [
        ("harbor", "long"), ("harbor", "short"), ("historical", "long"), ("historical", "short")
    ]  # fmt: skip
    assert told["summary"]["level"] == 0.99 and {row["crisis"] for row in told["crises"]} == {"2021-05-19"}


def test_a_folder_that_holds_a_backtest_is_not_overwritten(call, history, tmp_path):
    words = ["backtest", "harbor", "--history", history, "--model", "historical", "--out", tmp_path / "out"]
    assert call(*words).code == 0
    assert (tmp_path / "out" / "backtest.html").stat().st_size > 20_000
    call(*words).refuses("holds results.csv already", "--force")
    assert call(*words, "--force").code == 0


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--model", "garch"], ["there is no 'garch'", "fhs-garch"]),
        (["--horizon", "5 h"], ["5 h is no whole number of bars of 4 h", "multiple of 4 h"]),
        (["--level", "1.5"], ["level: 1.5 is not usable"]),
        (["--lookback", "3000"], ["the first margin looks back on 3000"]),
        (
            ["--instrument", "ETH-PERP"],
            ["it holds prices of BTC, ETH-PERP follows ETH", "Give a history of ETH"],
        ),
    ],
)
def test_what_cannot_be_asked_is_refused(call, history, words, parts):
    call("backtest", "harbor", "--history", history, *words).refuses(*parts)


def test_a_file_that_is_not_there_is_refused(call):
    call("backtest", "harbor", "--history", "nowhere.csv").refuses("nowhere.csv", "there is no such file")


def test_help_does_not_import_what_the_command_needs():
    code = """
import sys
from seawall.cli.main import main
try:
    main(["backtest", "--help"])
except SystemExit:
    pass
sys.exit(bool({"scipy", "numpy", "polars"} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_the_command_finds_scipy_in_a_process_of_its_own(history):
    words = ["backtest", "harbor", "--history", str(history), "--model", "pot", "--json"]
    done = subprocess.run([sys.executable, "-m", "seawall.cli.main", *words], capture_output=True, text=True)
    assert done.returncode == 0 and '"z2_p"' in done.stdout, done.stderr
