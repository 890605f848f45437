"""An account book from CSV or Parquet: text checked and kept as exact decimal text, row by row.

Columns: account, instrument, size (signed coins or contracts), entry_price, collateral_asset,
collateral_amount (below zero: owed), margin_mode (cross or isolated) and leverage. A row may hold a position,
or collateral, or both; empty cells mean absent. Nothing passes through float: numbers come out as plain
decimal strings ("0.001", never "1e-3") and become integers where the instrument is known.
Refused with line, column, value and fix: unknown or missing columns, text that is no number, NaN,
infinite, a negative or zero where it cannot be, half a position, the same thing twice.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from seawall.errors import BookError, InputError
from seawall.lab import memory
from seawall.lab.plain import place, read_plain

if TYPE_CHECKING:
    import polars as pl

REQUIRED = ("account",)
COLUMNS = (
    "account", "instrument", "size", "entry_price", "collateral_asset", "collateral_amount",
    "margin_mode", "leverage",
)  # fmt: skip
MODES = ("cross", "isolated")
_NUMBER = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$")
MAX_DIGITS = 60
ROW_BYTES = 2_500  # its cells as text, its commands, its rows in the engine (docs/internals/memory.md)


class BookRow(msgspec.Struct, frozen=True):
    """One line of a book. `where` names it in later refusals; numbers are decimal strings or None."""

    where: str
    account: str
    instrument: str | None
    size: str | None
    entry_price: str | None
    collateral_asset: str | None
    collateral_amount: str | None
    margin_mode: str
    leverage: str | None


def decimal_text(text: str) -> str | None:
    """A number as plain decimal text without exponent or spare zeros; None if it is not a number."""
    plain = text.strip()
    if not _NUMBER.match(plain):
        return None
    value = Decimal(plain)
    if value.is_zero():
        return "0"
    shown = format(value, "f")
    if "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    return shown if len(shown) <= MAX_DIGITS else None


def read_book(path: str | Path) -> list[BookRow]:
    """Read and check a book; BookError says which line and column, and what to do."""
    path = Path(path)
    plain = read_plain(path)
    if plain is not None:
        _check_columns(path, list(plain))
        _check_height(path, len(plain[next(iter(plain))]))
        return _rows(path, 2, {name: [cell.strip() for cell in column] for name, column in plain.items()})
    from seawall.lab.frames import read_frame  # late: it brings Polars

    try:
        frame, line = read_frame(path, headerless=False)
    except BookError:
        raise
    except InputError as error:
        raise BookError(str(error)) from None
    return rows_of(frame, path, line)


def rows_of(frame: pl.DataFrame, path: Path, line: int | None = None) -> list[BookRow]:
    """Check a table as if it had been read from `path` (rows named from 0 where `line` is None)."""
    _check_columns(path, frame.columns)
    _check_height(path, frame.height)
    return _rows(path, line, {name: _as_text(path, line, frame[name]) for name in frame.columns})


def _check_height(path: Path, height: int) -> None:
    fix = "Load fewer accounts, or partition the book by account over machines."
    memory.require(height * ROW_BYTES, str(path), f"{height:,} rows", fix, BookError)
    if height == 0:
        raise BookError.at(str(path), "the book has no rows", "Give at least one account.")


def _rows(path: Path, line: int | None, text: dict[str, list[str]]) -> list[BookRow]:
    """Rows from columns of stripped text, by the names in the header."""
    cells = {_column(name): column for name, column in text.items()}
    rows = []
    for i in range(len(cells["account"])):
        where = place(path, line, i)
        rows.append(_row(where, {name: cells[name][i] if name in cells else "" for name in COLUMNS}))
    _refuse_repeats(rows)
    return rows


def _column(name: str) -> str:
    return name.strip().lower()


def _check_columns(path: Path, header: list[str]) -> None:
    names = [_column(name) for name in header]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        what = f"unknown column {', '.join(unknown)}"
        raise BookError.at(f"{path}, line 1", what, f"Known columns: {', '.join(COLUMNS)}.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        what = f"column {', '.join(twice)} stands there twice"
        raise BookError.at(f"{path}, line 1", what, "Keep one.")
    missing = [name for name in REQUIRED if name not in names]
    pairs = (("instrument", "size", "entry_price"), ("collateral_asset", "collateral_amount"))
    for pair in pairs:
        if any(name in names for name in pair):
            missing += [name for name in pair if name not in names]
    if missing or not any(pair[0] in names for pair in pairs):
        what = f"column {', '.join(missing) or 'instrument or collateral_asset'} is missing"
        raise BookError.at(f"{path}, line 1", what, f"A book has the columns {', '.join(COLUMNS)}.")


def _as_text(path: Path, line: int | None, column: pl.Series) -> list[str]:
    """Cells as text. Parquet floats are refused: a decimal that went through float is not exact."""
    import polars as pl

    from seawall.lab.frames import text_column

    if column.dtype in (pl.Float32, pl.Float64):
        what = f"column {column.name} holds floats, which are not exact amounts"
        fix = "Store it as text or as a decimal type (polars: pl.String or pl.Decimal)."
        raise BookError.at(str(path), what, fix)
    try:
        return [cell.strip() for cell in text_column(path, line, column)]
    except InputError as error:
        raise BookError(str(error)) from None


def _row(where: str, cell: dict[str, str]) -> BookRow:
    if not cell["account"]:
        raise BookError.at(f"{where}, column account", "it is empty", "Every row needs an account.")
    mode = cell["margin_mode"].lower() or "cross"
    if mode not in MODES:
        what = f"{cell['margin_mode']!r} is not a margin mode"
        raise BookError.at(f"{where}, column margin_mode", what, f"Write {' or '.join(MODES)}.")
    size = _number(where, cell, "size", signed=True, zero=False)
    entry = _number(where, cell, "entry_price", signed=False, zero=False)
    amount = _number(where, cell, "collateral_amount", signed=True, zero=True)
    leverage = _number(where, cell, "leverage", signed=False, zero=False)
    row = BookRow(
        where, cell["account"], cell["instrument"] or None, size, entry,
        cell["collateral_asset"] or None, amount, mode, leverage,
    )  # fmt: skip
    _check_whole(row)
    return row


def _check_whole(row: BookRow) -> None:
    """A position needs instrument, size and entry price; collateral needs asset and amount."""
    position = {"instrument": row.instrument, "size": row.size, "entry_price": row.entry_price}
    collateral = {"collateral_asset": row.collateral_asset, "collateral_amount": row.collateral_amount}
    for kind, parts in (("position", position), ("collateral", collateral)):
        absent = [name for name, value in parts.items() if value is None]
        if absent and len(absent) < len(parts):
            what = f"half a {kind}: {', '.join(absent)} is empty"
            raise BookError.at(row.where, what, f"Fill {', '.join(parts)}, or leave all of them empty.")
    if row.instrument is None and row.collateral_asset is None:
        fix = "Fill one of them, or leave out the row."
        raise BookError.at(row.where, "neither position nor collateral", fix)
    if row.margin_mode == "isolated" and row.instrument is None:
        fix = "Name the instrument, size and entry price it backs."
        raise BookError.at(row.where, "isolated collateral without a position", fix)
    if row.margin_mode == "isolated" and (row.collateral_amount or "").startswith("-"):
        fix = "Owe it in a row of margin_mode cross."
        raise BookError.at(f"{row.where}, column collateral_amount", "an isolated pot cannot owe", fix)


def _number(where: str, cell: dict[str, str], name: str, *, signed: bool, zero: bool) -> str | None:
    text = cell[name]
    if not text:
        return None
    place_ = f"{where}, column {name}"
    value = decimal_text(text)
    if value is None:
        fix = f"Write a finite decimal number such as 0.25, of at most {MAX_DIGITS} digits."
        raise BookError.at(place_, f"{text!r} is not a number", fix)
    if value.startswith("-") and not signed:
        raise BookError.at(place_, f"{text} is negative", f"{name} cannot be negative.")
    if value == "0" and not zero:
        raise BookError.at(place_, f"{text} is zero", f"{name} cannot be zero; leave the cell empty.")
    return value


def _refuse_repeats(rows: list[BookRow]) -> None:
    """One position per account, instrument and mode; one balance per account and asset (cross)."""
    seen: dict[tuple[str, str, str, str], str] = {}
    for row in rows:
        keys = []
        if row.instrument is not None:
            keys.append(("position", row.account, row.instrument, row.margin_mode))
        if row.collateral_asset is not None and row.margin_mode == "cross":
            keys.append(("collateral", row.account, row.collateral_asset, "cross"))
        for key in keys:
            if key in seen:
                what = f"the {key[0]} of account {key[1]} in {key[2]} ({key[3]}) is also in {seen[key]}"
                raise BookError.at(row.where, what, "Add the two up, or leave one out.")
            seen[key] = row.where
