"""Tables from files: Parquet, and CSV plain, in .gz or in .zip, with every refusal naming the file.

CSV cells stay text. What a file says about its own size is checked against the memory there is before it is
unpacked or read, so that a few kilobytes cannot ask for terabytes. A damaged file is refused, whatever the
libraries below say about it.
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import polars as pl

from seawall.errors import InputError
from seawall.lab import memory
from seawall.lab.plain import GROWTH, place
from seawall.parquet.read import TooLarge, read_parquet

KLINE = ["open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
         "taker_buy_volume", "taker_buy_quote_volume", "ignore"]  # fmt: skip
CHUNK = 1 << 20
_FIX = "Give a Parquet file, a CSV file, or a CSV in .gz or .zip."
# Polars panics on some damaged files; its panic is no Exception, so it is named.
_UNREADABLE = (
    pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, EOFError, ValueError, OverflowError,
    MemoryError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
    struct.error,
)  # fmt: skip


def read_frame(path: Path, *, headerless: bool = True) -> tuple[pl.DataFrame, int | None]:
    """The table of a file, and for CSV the line number of its first data row (None for Parquet).

    `headerless`: a first line that starts with a number is a Binance kline.
    """
    if not os.path.isfile(path):  # unlike Path.is_file, quiet about names no file system takes
        raise InputError.at(str(path), "there is no such file", "Check the path.")
    try:
        if path.suffix == ".parquet":
            return _read_parquet(path), None
        return _read_csv(path, headerless)
    except InputError:
        raise
    except _UNREADABLE as error:
        text = str(error).strip().split("\n")[0][:300]
        raise InputError.at(str(path), f"it cannot be read as a table ({text})", _FIX) from None


def _read_parquet(path: Path) -> pl.DataFrame:
    """In a child: a damaged file may bring down the process that reads it."""
    try:
        return read_parquet(path, memory.room_bytes())
    except TooLarge as error:
        _require(path, error.need_bytes, str(error))
        raise InputError.at(str(path), f"{error} are more than there is room for", _FIX) from None


def _read_csv(path: Path, headerless: bool) -> tuple[pl.DataFrame, int]:
    data = _csv_bytes(path)
    first = data.split(b"\n", 1)[0].decode("utf-8-sig").strip()
    header = not (headerless and _is_number(first.split(",")[0]))
    if not header and len(first.split(",")) != len(KLINE):
        raise InputError.at(
            f"{path}, line 1",
            f"no header, and {len(first.split(','))} columns where a Binance kline has {len(KLINE)}",
            "Put the column names in the first line.",
        )
    frame = pl.read_csv(io.BytesIO(data), has_header=header, infer_schema=False)
    if not header:
        frame = frame.rename(dict(zip(frame.columns, KLINE)))
    return frame, 2 if header else 1


def _csv_bytes(path: Path) -> bytes:
    if path.suffix == ".gz":
        return _unzipped(path)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            held = archive.infolist()
            if len(held) != 1:
                raise InputError.at(str(path), f"it holds {len(held)} files", "Keep one CSV in the archive.")
            _require(path, held[0].file_size * GROWTH, f"{memory.size_text(held[0].file_size)} of text")
            return archive.read(held[0])
    _require(path, path.stat().st_size * GROWTH, f"{memory.size_text(path.stat().st_size)} of text")
    return path.read_bytes()


def _unzipped(path: Path) -> bytes:
    """A gzip file does not say how long it is, so what has come out is measured as it comes."""
    room, out, length = memory.room_bytes() // GROWTH, io.BytesIO(), 0
    with gzip.open(path) as packed:
        while chunk := packed.read(CHUNK):
            length += len(chunk)
            if length > room:
                _require(path, length * GROWTH, f"{memory.size_text(length)} of text and more")
            out.write(chunk)
    return out.getvalue()


def _require(path: Path, need_bytes: int, what: str) -> None:
    memory.require(need_bytes, str(path), what, "Cut the file into parts, for example one a day.")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def text_column(path: Path, line: int | None, column: pl.Series) -> list[str]:
    """Cells as text, "" where there is none; InputError for a type that has no text, such as a list."""
    try:
        held: list[str | None] = column.cast(pl.String).to_list()
    except (*_UNREADABLE, TypeError) as error:
        what = f"column {column.name} holds {column.dtype}, which cannot be read as text"
        raise InputError.at(str(path), what, "Store it as text.") from error
    return ["" if cell is None else cell for cell in held]


def number_column(path: Path, line: int | None, index: np.ndarray, column: pl.Series) -> pl.Series:
    """A column as float64 with nulls where a cell is no number; InputError for a type that has no numbers."""
    dtype = column.dtype
    if not (dtype.is_numeric() or dtype in (pl.String, pl.Null)):
        what = f"column {column.name} holds {dtype}, not numbers"
        raise InputError.at(place(path, line, int(index[0])), what, "Store it as numbers or as text.")
    return (column.str.strip_chars() if dtype == pl.String else column).cast(pl.Float64, strict=False)
