"""Bad input of every kind is refused with its place, its value and what to do; never with a traceback."""

from __future__ import annotations

import re

import pytest

from tests.cli.small import BOOK, MARKS
from tests.rulebooks.mini import changed

TIER = 'from = "1_000 USDC"'


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (('settle = "USDC"\nlot = "0.001 BTC"', 'settel = "USDC"\nlot = "0.001 BTC"'), ["settel", "settle"]),
        (('max_age = "30 s"', 'max_age = "30 fathom"'), ["max_age", "'30 fathom' has no unit", "'30 s'"]),
        (("quorum = 2", "quorum = 7"), ['oracles."BTC-PERP".quorum is 7', "from 1 to 3"]),
        (('0 bp"\ntaker_fee = "5 bp"\nmax', '0 bp"\ntaker_fee = "-5 bp"\nmax'), ["taker_fee", "-0.05 %"]),
        (('mark_clamp = "3 %"', ""), ["mark_clamp"]),
    ],
    ids=["key", "unit", "contradiction", "negative", "missing"],
)  # fmt: skip
def test_a_wrong_rulebook_is_refused_with_place_value_and_fix(change, parts, call, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(changed(change))
    said = call("simulate", path)
    said.refuses("mine.toml", *parts)
    checked = call("check", path)
    assert checked.code == 1 and all(part in checked.out for part in parts)


def test_a_tier_that_falls_with_size_is_a_contradiction(call, tmp_path):
    text = changed(*_two_tiers("2 %", "1 %"))
    path = tmp_path / "mine.toml"
    path.write_text(text)
    said = call("check", path)
    assert said.code == 1 and "mine.toml" in said.out and "1 %" in said.out


def _two_tiers(first: str, second: str) -> list[tuple[str, str]]:
    found = re.search(r"\[margin\.instruments\.BTC-PERP\.maintenance\]\n(?:.+\n)+", changed())
    assert found
    tiers = (
        f'tiers = [{{ from = "0 USDC", rate = "{first}" }}, {{ from = "1_000 USDC", rate = "{second}" }}]\n'
    )
    fresh = '[margin.instruments.BTC-PERP.maintenance]\nsource = "doc"\n' + tiers
    return [(found[0], fresh)]


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("BTC-PERP,0.5", "DOGE-PERP,0.5", ["line 2", "DOGE-PERP", "It lists: "]),
        ("USDC,5000", "USDC,-5000", ["line 2", "collateral_amount", "-5000 is owed", "lends no USDC"]),
        ("USDC,5000", "USDC,NaN", ["line 2", "collateral_amount", "'NaN'", "finite"]),
        ("62000", "inf", ["line 2", "entry_price", "'inf'", "finite"]),
        ("USDC,5000", "USDC,99999999999999999999", ["line 2", "99999999999999999999", "64-bit"]),
        ("BTC-PERP,0.5", "BTC-PERP,0.00001", ["line 2", "size", "finer than the smallest unit"]),
        ("USDC,5000", "XRP,5000", ["line 2", "'XRP'", "It has: "]),
        ("62000", "", ["line 2", "half a position", "entry_price"]),
        ("alice,BTC", "bob,SOL-PERP,1,1,USDC,1,isolated\nalice,BTC", ["line 5", "also in"]),
        ("account,", "acount,", ["line 1", "acount", "Known columns"]),
    ],
)
def test_a_wrong_book_is_refused_with_line_value_and_fix(old, new, parts, call, book):
    assert BOOK.count(old) == 1
    book.write_text(BOOK.replace(old, new))
    call("margin", "harbor", book, *MARKS).refuses("book.csv", *parts)
    call("simulate", "harbor", "--book", book).refuses("book.csv", *parts)
    checked = call("check", book, "--rulebook", "harbor")
    assert checked.code == 1 and all(part in checked.out for part in parts)


BARS = [[60 * k, 100.0 + k, 101.0 + k, 99.0 + k, 100.5 + k] for k in range(8)]


@pytest.mark.parametrize(
    ("row", "column", "value", "parts"),
    [
        (3, 4, 0.0, ["line 5"]),
        (3, 4, -5.0, ["line 5", "-5"]),
        (3, None, 1e4 * 1.1, ["line 5"]),
        (3, 0, 60, ["line 5"]),
        (3, 0, 120, ["line 5"]),
        (3, 4, float("nan"), ["line 5", "nan"]),
        (3, 2, 1.0, ["line 5"]),
    ],
    ids=["zero", "negative", "ten thousand times", "in the past", "duplicated", "nan", "high below low"],
)
def test_wrong_prices_are_refused_with_line_and_fix(row, column, value, parts, call, tmp_path):
    rows = [list(bar) for bar in BARS]
    if column is None:
        rows[row] = [rows[row][0], *(price * value for price in rows[row][1:])]
    else:
        rows[row][column] = value
    start = 1_760_000_000
    lines = ["ts,open,high,low,close"] + [f"{start + r[0]},{r[1]},{r[2]},{r[3]},{r[4]}" for r in rows]
    path = tmp_path / "BTCUSDT.csv"
    path.write_text("\n".join(lines) + "\n")
    said = call("simulate", "harbor", "--prices", path)
    said.refuses("BTCUSDT.csv", *parts)
    assert "\n  " in said.err  # what to do stands on a line of its own


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--shock", "BTC:-130%:20m"], ["BTC", "-1.3"]),
        (["--shock", "DOGE:-30%:20m"], ["DOGE", "BTC"]),
        (["--shock", "BTC-30%"], ["BTC-30%", "ASSET:MOVE:OVER"]),
        (["--fault", "power_cut,from=1 h"], ["power_cut", "source_out"]),
        (["--feedback", "nan"], ["--feedback", "nan"]),
        (["--accounts", "0"], ["--accounts", "0"]),
        (["--open-interest", "-1"], ["--open-interest", "-1"]),
        (["--from", "yesterday"], ["yesterday", "2025-10-10T20:00:00Z"]),
        (["--from", "2026-01-01"], ["2025-10-10"]),
        (["--step", "5"], ["--step", "one step a minute"]),
        (["--columns", "price"], ["--columns", "price", "close=px"]),
        (["--prices", "nowhere.csv"], ["nowhere.csv", "no such file"]),
        (["--shock", "BTC:-3%:20m", "--process", "1"], ["--process"]),
    ],
)
def test_wrong_options_are_refused_with_their_value(words, parts, call, tmp_path):
    out = tmp_path / "out"
    call("simulate", "harbor", *words, "--out", out).refuses(*parts)
    assert not out.exists()  # refused before anything was written


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ["without prices", "--mark"]),
        (["--mark", "BTC"], ["BTC", "NAME=VALUE"]),
        (["--mark", "BTC=-1"], ["BTC", "-1", "positive"]),
        (["--mark", "BTC=0"], ["BTC", "not positive"]),
        (["--mark", "BTC=nan"], ["'nan'"]),
        (["--mark", "PEPE=1"], ["PEPE", "Coins:"]),
        (["--mark", "BTC=1e30"], ["64 bits"]),
        ([*MARKS, "--account", "zoe"], ["'zoe'", "alice"]),
        ([*MARKS, "--level", "nirvana"], ["nirvana", "maintenance"]),
    ],
)
def test_wrong_questions_about_margin_are_refused(words, parts, call, book):
    call("margin", "harbor", book, *words).refuses(*parts)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ["nothing was changed"]),
        (["--trade", "BTC-PERP"], ["'BTC-PERP'", "+0.5 @ 60000"]),
        (["--trade", "DOGE-PERP +1"], ["DOGE-PERP", "BTC-PERP"]),
        (["--trade", "BTC-PERP +0.00001"], ["finer than the smallest unit"]),
        (["--trade", "AVAX-PERP +1"], ["AVAX-PERP has no price"]),
        (["--trade", "BTC-PERP 0"], ["zero"]),
        (["--withdraw", "1e9 USDC"], ["5,000.00 USDC"]),
        (["--withdraw", "1 XRP"], ["1 XRP", "USDC"]),
        (["--price", "AVAX=-5%"], ["AVAX", "unknown price"]),
        (["--price", "BTC=-100%"], ["BTC"]),
    ],
)
def test_wrong_questions_about_a_change_are_refused(words, parts, call, book):
    call("whatif", "harbor", book, *MARKS, "--account", "alice", *words).refuses(*parts)


def test_a_file_that_is_none_of_ours_is_refused(call, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    call("check", path).refuses("notes.txt", ".toml")
    call("check", tmp_path / "absent.csv").refuses("absent.csv", "no such file")
    call("report", tmp_path).refuses("prices.parquet", "is missing")
    call("replay", tmp_path).refuses("no such journal")
    call("explain", tmp_path / "absent.db", "--worst").refuses("absent.db")
