"""Two small tables: what an account holds, and the market it is valued at.

Portfolio: `instrument`, `size` (contracts of one unit of the underlying; cash as its coin). Market:
`instrument`, and `mark` (futures, perpetuals, assets, and the underlying itself: its index), `forward` and
`iv` (options; 0.65 or 65 %), `rate`, `confidence` where known. Numbers are decimal text; an empty cell is an
unknown, never a zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from seawall.errors import InputError
from seawall.units import parse_decimal

PORTFOLIO = ("instrument", "size")
MARKET = ("instrument", "mark", "forward", "iv", "rate", "confidence")


class Row(NamedTuple):
    """One line of a table: where it stands, and its cells as text."""

    where: str
    cells: dict[str, str]

    def number(self, column: str) -> Fraction | None:
        """None for an empty cell. NumberError for anything that is no decimal number."""
        text = self.cells.get(column, "").strip()
        if not text:
            return None
        share = text.endswith("%")
        value = parse_decimal(text.removesuffix("%"), where=f"{self.where}, column {column}")
        return value / 100 if share else value

    def floating(self, column: str) -> float | None:
        value = self.number(column)
        return None if value is None else float(value)


def read_rows(table: Any, columns: tuple[str, ...], *, name: str) -> list[Row]:
    """Rows of a CSV or Parquet path, a Polars frame, or a list of dicts. InputError for other columns."""
    rows = _rows(table, name)
    for row in rows:
        for column in row.cells:
            if column not in columns:
                raise InputError.at(
                    row.where, f"has a column {column!r}", f"Columns known: {', '.join(columns)}."
                )
        if not row.cells.get("instrument", "").strip():
            raise InputError.at(row.where, "names no instrument", "Fill the column instrument.")
    return rows


def _rows(table: Any, name: str) -> list[Row]:
    if isinstance(table, Sequence) and not isinstance(table, str):
        return [
            entry
            if isinstance(entry, Row)
            else Row(
                f"{name}, row {place}",
                {key: "" if cell is None else str(cell) for key, cell in entry.items()},
            )
            for place, entry in enumerate(table, start=1)
            if _is_mapping(entry, name, place)
        ]
    from seawall.lab.frames import read_frame, text_column

    if isinstance(table, str | Path):
        path = Path(table)
        frame, line = read_frame(path, headerless=False)
        name, first = path.name, line if line is not None else 1
    else:
        path, frame, line, first = Path(name), table, None, 1
    cells = {column: text_column(path, line, frame[column]) for column in frame.columns}
    word = "line" if line is not None else "row"
    return [
        Row(f"{name}, {word} {first + place}", {column: texts[place] for column, texts in cells.items()})
        for place in range(frame.height)
    ]


def _is_mapping(entry: Any, name: str, place: int) -> bool:
    if not isinstance(entry, Mapping | Row):
        raise InputError.at(f"{name}, row {place}", f"is {entry!r}", "Give one dict per row.")
    return True
