"""The market a portfolio is valued at: a table of one's own, or a chain of option quotes at a moment.

Prices are quote units, vols per year as shares (0.55), moments UTC. A table of one's own is refused at its
first impossible cell. Of a chain, whose far wings are never all sound, a faulty quote is left out with its
place, value and fix; who holds that contract is unknown, and reads why.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from seawall.api.portfolio_files import MARKET, Row, read_rows
from seawall.calibrate.quotes import MAX_VOL
from seawall.errors import InputError
from seawall.rulebooks.dates import parse_moment_ns
from seawall.units import format_time


class MarketTable(msgspec.Struct, frozen=True, kw_only=True):
    """`now`: the moment options and futures are valued at, "" where none was given. `left_out`: contract ->
    why its quote is not used. `notes`: what a reader of the answer must know about the quotes."""

    name: str
    rows: tuple[Row, ...]
    now: str = ""
    left_out: dict[str, str] = {}
    notes: tuple[str, ...] = ()


def read_market(table: Any, *, at: str = "", marks: Mapping[str, str] | None = None) -> MarketTable:
    """A path (CSV, .csv.gz, Parquet), a Polars frame, or a list of dicts, told apart by their columns.

    Own: see `portfolio_files`. Chains: Tardis `options_chain` (vols in per cent), Deribit snapshots and OKX
    quotes (vols as shares); of these the last at or before `at` is taken, or the last of all. `marks` are
    prices by name that go before those of the table. InputError: place, value, fix.
    """
    when = format_time(parse_moment_ns(at, where="--at")) if at else ""
    found = _read(table, when)
    if not marks:
        return found
    told = _told(marks)
    kept = tuple(row for row in found.rows if row.cells["instrument"].strip() not in marks)
    left_out = {name: why for name, why in found.left_out.items() if name not in marks}
    return msgspec.structs.replace(found, rows=kept + told, left_out=left_out)


def _read(table: Any, at: str) -> MarketTable:
    name = Path(table).name if isinstance(table, str | Path) else "market"
    if isinstance(table, list | tuple):
        return _own(table, name, at)
    from seawall.api.chains import chain_kind, read_chain
    from seawall.lab.frames import read_frame

    path = Path(table) if isinstance(table, str | Path) else Path(name)
    frame, line = read_frame(path, headerless=False) if isinstance(table, str | Path) else (table, None)
    kind = chain_kind(frame.columns)
    if kind is None:
        if "instrument" not in frame.columns:
            raise InputError.at(
                name,
                f"has the columns {', '.join(frame.columns[:12])}, which are those of no market known here",
                f"Columns of your own: {', '.join(MARKET)}. Chains: Tardis options_chain, Deribit, OKX.",
            )
        return _own(table, name, at)
    quotes = read_chain(frame, kind, path=path, line=line, at=at)
    return MarketTable(
        name=name, rows=quotes.rows, now=quotes.now, left_out=quotes.left_out, notes=quotes.notes
    )


def _own(table: Any, name: str, at: str) -> MarketTable:
    rows = tuple(read_rows(table, MARKET, name=name))
    for row in rows:
        _check(row)
    return MarketTable(name=name, rows=rows, now=at)


def _told(marks: Mapping[str, str]) -> tuple[Row, ...]:
    rows = tuple(Row(f"--mark {name}", {"instrument": name, "mark": text}) for name, text in marks.items())
    for row in rows:
        _check(row)
    return rows


def _check(row: Row) -> None:
    """InputError for a price or a volatility that no market has."""
    name = row.cells["instrument"].strip()
    for column in ("mark", "forward"):
        price = row.number(column)
        if price is not None and price <= 0:
            raise InputError.at(
                f"{row.where}, column {column}",
                f"{name} costs {row.cells[column].strip()}",
                "Give a positive price, or leave the cell empty where none is known.",
            )
    vol = row.number("iv")
    if vol is not None and not 0 < vol <= MAX_VOL:
        raise InputError.at(
            f"{row.where}, column iv",
            f"{name} has a volatility of {row.cells['iv'].strip()}, outside 0 to {MAX_VOL:.0%}",
            "Write 55 % as 0.55 or 55%, or leave the cell empty where none is known.",
        )
