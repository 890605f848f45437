"""Rulebooks are found by name, date or path; layout and comments do not change what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seawall.errors import RulebookError
from seawall.margin.compiled import compile_margin
from seawall.rulebooks.check import contradictions
from seawall.rulebooks.load import list_rulebooks, load_rulebook
from tests.rulebooks.mini import MINI, read

VENUES = (
    "binance-usdm",
    "bitmex",
    "bybit-linear",
    "bybit-options",
    "cboe-strategy",
    "deribit-standard",
    "derive-srm",
    "drift-v2",
    "dydx-v4",
    "gmx-v2",
    "harbor",
    "harbor-lending",
    "harbor-options",
    "hyperliquid",
    "kraken-inverse",
    "mango-v4",
    "paradex",
    "synthetix-v3",
)


def test_the_venues_are_built_in():
    assert sorted({entry.partition("@")[0] for entry in list_rulebooks()}) == list(VENUES)


@pytest.mark.parametrize("name", VENUES)
def test_a_built_in_rulebook_loads_without_contradiction(name):
    rulebook = load_rulebook(name)
    assert contradictions(rulebook) == ()
    assert f"{rulebook.name}@{rulebook.effective}" in list_rulebooks()
    assert rulebook.sources and rulebook.unsupported


@pytest.mark.parametrize("name", VENUES)
def test_a_built_in_rulebook_fits_the_margin_kernels(name):
    rulebook = load_rulebook(name)
    compiled = compile_margin(rulebook.assets, rulebook.instruments, rulebook.margin)
    assert set(compiled.levels) == {level.name for level in rulebook.margin.levels}


@pytest.mark.parametrize("name", VENUES)
def test_every_parameter_of_a_built_in_rulebook_names_its_source(name):
    rulebook = load_rulebook(name)
    for path, (unit, source) in rulebook.provenance.items():
        assert unit and len(source) > 15, path


def test_a_date_selects_that_very_rulebook():
    assert load_rulebook("harbor@2026-01-01") == load_rulebook("harbor")


def test_an_unknown_name_is_refused_with_the_nearest_one():
    with pytest.raises(
        RulebookError, match=r"harbour: there is no built-in rulebook of that name\n.*'harbor'"
    ):
        load_rulebook("harbour")


def test_a_date_that_is_not_held_is_refused_with_the_dates_that_are():
    with pytest.raises(RulebookError, match=r"not held for that date\n.*2026-01-01"):
        load_rulebook("harbor@2020-01-01")


def test_a_path_is_read_as_a_file(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(MINI, encoding="utf-8")
    assert load_rulebook(path) == load_rulebook(str(path)) == read(MINI)


def test_a_missing_file_is_refused_with_its_path(tmp_path: Path):
    with pytest.raises(RulebookError, match=r"none.toml: cannot be read"):
        load_rulebook(tmp_path / "none.toml")


def test_a_file_that_contradicts_itself_is_refused_by_its_file_name(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(MINI.replace("quorum = 2", "quorum = 4"), encoding="utf-8")
    with pytest.raises(RulebookError, match=r'^mine.toml: oracles."BTC-PERP".quorum is 4'):
        load_rulebook(path)


def test_layout_and_comments_do_not_change_the_hash():
    tables = re.split(r"\n(?=\[)", MINI.strip())
    single = [table for table in tables if not table.startswith("[[")]
    arrays = [table for table in tables if table.startswith("[[")]  # their order means something
    moved = (
        "\n# a remark\n".join([*reversed(single), *arrays]).replace(" = ", "   =   ").replace("1_000", "1000")
    )
    assert moved != MINI
    assert read(moved) == read(MINI)
    assert read(moved).sha256 == read(MINI).sha256


def test_the_order_of_steps_does_change_the_hash():
    swapped = MINI.replace('name = "cancel"', 'name = "first"')
    assert read(swapped).sha256 != read(MINI).sha256


def test_a_number_changes_the_hash_and_so_does_its_source():
    hashes = {
        read(text).sha256
        for text in (
            MINI,
            MINI.replace('taker_fee = "5 bp"', 'taker_fee = "6 bp"'),
            MINI.replace("a document", "another document"),
        )
    }
    assert len(hashes) == 3
