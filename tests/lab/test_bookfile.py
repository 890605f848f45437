"""Book files: exact text in, exact text out, and every bad cell refused where it stands."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import BookError
from seawall.lab.bookfile import COLUMNS, decimal_text, read_book

HEAD = ",".join(COLUMNS)
GOOD = "a1,BTC-PERP,-0.50,116600.10,USDT,1e3,isolated,10"


def book(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def refusal(tmp_path: Path, *lines: str) -> str:
    with pytest.raises(BookError) as caught:
        read_book(book(tmp_path / "b.csv", *lines))
    return str(caught.value)


def test_a_row_comes_out_as_exact_decimal_text(tmp_path: Path) -> None:
    path = book(tmp_path / "b.csv", HEAD, GOOD)
    row = read_book(path)[0]
    assert (row.account, row.instrument, row.margin_mode) == ("a1", "BTC-PERP", "isolated")
    assert (row.size, row.entry_price) == ("-0.5", "116600.1")
    assert (row.collateral_amount, row.leverage) == ("1000", "10")
    assert row.where == f"{path}, line 2"


def test_collateral_only_and_position_only_rows_are_fine(tmp_path: Path) -> None:
    rows = read_book(book(tmp_path / "b.csv", HEAD, "a,,,,USDT,0,,", "a,X,1,2,,,,"))
    assert rows[0].instrument is None and rows[0].collateral_amount == "0" and rows[0].margin_mode == "cross"
    assert rows[1].collateral_asset is None and rows[1].leverage is None


def test_columns_may_come_in_any_order_and_only_those_needed(tmp_path: Path) -> None:
    rows = read_book(book(tmp_path / "b.csv", "collateral_amount,Account,collateral_asset", "5,007,BTC"))
    assert (rows[0].account, rows[0].collateral_amount) == ("007", "5")


def test_parquet_with_text_and_decimals_reads_and_floats_are_refused(tmp_path: Path) -> None:
    good = pl.DataFrame({"account": [7], "collateral_asset": ["BTC"], "collateral_amount": [Decimal("0.10")]})
    good.write_parquet(tmp_path / "g.parquet")
    row = read_book(tmp_path / "g.parquet")[0]
    assert (row.account, row.collateral_amount) == ("7", "0.1")
    good.cast({"collateral_amount": pl.Float64}).write_parquet(tmp_path / "f.parquet")
    with pytest.raises(BookError, match="holds floats, which are not exact"):
        read_book(tmp_path / "f.parquet")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,X,nan,2,,,,", "line 2, column size: 'nan' is not a number"),
        ("a,X,inf,2,,,,", "column size: 'inf' is not a number"),
        ("a,X,1 000,2,,,,", "column size: '1 000' is not a number"),
        ("a,X,0x10,2,,,,", "is not a number"),
        ("a,X,1e999,2,,,,", "is not a number"),
        ("a,X,0,2,,,,", "column size: 0 is zero"),
        ("a,X,1,-2,,,,", "column entry_price: -2 is negative"),
        ("a,X,1,0,,,,", "column entry_price: 0 is zero"),
        ("a,X,1,2,USDT,-1,isolated,", "column collateral_amount: an isolated pot cannot owe"),
        ("a,X,1,2,,,,0", "column leverage: 0 is zero"),
        ("a,X,1,2,,,half,", "'half' is not a margin mode"),
        ("a,X,1,,,,,", "half a position: entry_price is empty"),
        ("a,,,,USDT,,,", "half a collateral: collateral_amount is empty"),
        ("a,,,,,,,", "neither position nor collateral"),
        ("a,,,,USDT,5,isolated,", "isolated collateral without a position"),
        (",X,1,2,,,,", "column account: it is empty"),
    ],
)
def test_a_bad_cell_is_refused_with_its_place(tmp_path: Path, row: str, said: str) -> None:
    text = refusal(tmp_path, HEAD, row)
    assert said in text and "line 2" in text


def test_the_same_thing_twice_is_refused_naming_both_lines(tmp_path: Path) -> None:
    text = refusal(tmp_path, HEAD, "a,X,1,2,,,,", "b,X,1,2,,,,", "a,X,3,2,,,,")
    assert "line 4" in text and "line 2" in text and "account a in X" in text
    text = refusal(tmp_path, HEAD, "a,,,,USDT,1,,", "a,,,,USDT,1,,")
    assert "the collateral of account a in USDT" in text


def test_one_account_may_hold_a_market_cross_and_isolated(tmp_path: Path) -> None:
    rows = read_book(book(tmp_path / "b.csv", HEAD, "a,X,1,2,USDT,5,cross,", "a,X,1,2,USDT,5,isolated,"))
    assert len(rows) == 2


def test_bad_columns_are_refused(tmp_path: Path) -> None:
    assert "unknown column colour" in refusal(tmp_path, HEAD + ",colour", GOOD + ",red")
    assert "column account is missing" in refusal(tmp_path, "instrument,size,entry_price", "X,1,2")
    assert "column entry_price is missing" in refusal(tmp_path, "account,instrument,size", "a,X,1")
    assert "instrument or collateral_asset is missing" in refusal(tmp_path, "account", "a")
    assert "the book has no rows" in refusal(tmp_path, HEAD)
    assert "cannot be read" in refusal(tmp_path, HEAD, GOOD, GOOD + ",extra,cells")
    with pytest.raises(BookError, match="no such file"):
        read_book(tmp_path / "none.csv")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=12))
def test_decimal_text_keeps_the_value_and_is_plain(value: Decimal) -> None:
    text = decimal_text(str(value))
    assert text is not None and Decimal(text) == value
    assert "e" not in text.lower() and not text.startswith("+")
    assert decimal_text(text) == text
