"""Small plain CSV without a library that takes longer to import than the file takes to read.

Plain is: UTF-8 with a header, every line with as many commas as the first, no quote, no carriage return, no
empty line. Anything else, and anything large, is None here and for `frames.read_frame` to read or to refuse,
so there is one place that knows what is wrong with a file. Cells stay text; no units, no rounding.
"""

from __future__ import annotations

import os.path
from pathlib import Path

from seawall.lab import memory

MOST_BYTES = 1 << 20
GROWTH = 6  # a table takes up to so many times the bytes of its text
PACKED = (".parquet", ".gz", ".zip")
_NOT_PLAIN = ('"', "\r", "\0", "\ufeff", "\n\n")


def read_plain(path: Path) -> dict[str, list[str]] | None:
    """Columns of text by header; None for a file that is not plain, or too large for the memory there is."""
    if path.suffix in PACKED or not os.path.isfile(path):
        return None
    try:
        size = os.path.getsize(path)
        if size > MOST_BYTES or size * GROWTH > memory.room_bytes():
            return None
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if any(mark in text for mark in _NOT_PLAIN):
        return None
    head, *rows = (line.split(",") for line in text.removesuffix("\n").split("\n"))
    named = len(set(head)) == len(head) and all(name.strip() for name in head)
    if not (named and rows and all(len(row) == len(head) for row in rows)):
        return None
    return {name: list(column) for name, column in zip(head, zip(*rows))}


def place(path: Path, first_line: int | None, index: int) -> str:
    """How a row is named in a refusal: the line of a CSV, the row (from 0) of a Parquet file."""
    return f"{path}, row {index}" if first_line is None else f"{path}, line {first_line + index}"
