"""Tables and JSON on stdout. JSON is canonical: keys sorted, two spaces, unknown figures null."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any


def put(text: str = "") -> None:
    sys.stdout.write(text + "\n")


def say(text: str) -> None:
    """Something about the result, not the result: stderr."""
    sys.stderr.write(text + "\n")


def put_json(value: Any) -> None:
    import msgspec

    plain = msgspec.json.encode(value, order="sorted")
    put(msgspec.json.format(plain, indent=2).decode())


def put_table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """Columns as wide as their widest cell, two spaces apart; `right` are columns of numbers."""
    widths = [max(len(str(row[k])) for row in (heads, *rows)) for k in range(len(heads))]
    for row in (heads, *rows):
        cells = [
            str(cell).rjust(width) if k in right else str(cell).ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths))
        ]
        put("  ".join(cells).rstrip())


def share(value: float | None) -> str:
    """A fraction as per cent with sign, or a dash where there is none."""
    return "-" if value is None else f"{value:+.1%}"
