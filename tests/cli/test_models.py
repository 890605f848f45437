"""`seawall models`: a table for people, every figure as JSON."""

from __future__ import annotations

import json

import pytest

from tests.api.test_portfolio_models import HELD, JUMPY, chain


@pytest.fixture
def files(tmp_path):
    chain(JUMPY).write_parquet(tmp_path / "chain.parquet")
    lines = ["instrument,size", *(f"{row['instrument']},{row['size']}" for row in HELD)]
    (tmp_path / "held.csv").write_text("\n".join(lines))
    return tmp_path / "held.csv", "--market", tmp_path / "chain.parquet"


def test_the_table_says_who_may_speak_and_what_the_reserve_is(call, files):
    said = call("models", *files, "--model", "black", "merton")
    assert said.code == 0 and "reserve for model error" in said.out and "set by merton" in said.out
    assert next(line for line in said.out.splitlines() if "black" in line).endswith(
        "does not describe the market"
    )


def test_json_has_the_parameters_and_every_figure(call, files):
    said = call("models", *files, "--model", "black", "merton", "--json")
    (book,) = json.loads(said.out)
    assert book["models"][1]["parameters"].keys() == {"vol", "intensity", "jump_mean", "jump_vol"}
    assert book["models"][1]["margin"]["es_usd"] > book["models"][0]["margin"]["es_usd"] > 0


def test_a_missing_file_is_said_with_its_name(call, files, tmp_path):
    call("models", tmp_path / "none.csv", *files[1:]).refuses("none.csv")
    call("models", files[0], "--market", tmp_path / "none.parquet").refuses("none.parquet")
