"""Price files into checked columns: Parquet and CSV bars, Binance klines, Tardis trades.

Prices are float64 in the quote currency of the file (taken as USD), times int64 ns UTC. Nothing is
repaired: a zero, negative, NaN or infinite price, a duplicate or backward time, a bar whose high
is below its low, or a price 10**4 times the last is refused with file, row, value and what to do.
Whole-number times are read as s, ms, us or ns by their size; text without a zone is UTC.
Sources: data.binance.vision kline layout (12 columns, header or not; spot is in us from 2025);
Tardis trades CSV (exchange,symbol,timestamp,local_timestamp,id,side,price,amount).
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.lab.frames import number_column, read_frame, text_column
from seawall.lab.plain import place
from seawall.units import INT64_MAX

TIME_NAMES = ("ts", "timestamp", "time", "open_time", "transact_time", "datetime", "date")
QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "EUR")
ASSET_NAMES = ("coin", "symbol")
JUMP = 1e4  # a price this many times the last one (or its inverse) is a bad print, not a market
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Columns(msgspec.Struct, frozen=True):
    """Which column of the file holds what; None means: find it by its usual name."""

    ts: str | None = None
    open: str | None = None
    high: str | None = None
    low: str | None = None
    close: str | None = None
    price: str | None = None


class Series(msgspec.Struct, frozen=True, eq=False):
    """One asset of one file, checked. Trades: bar_ns is 0 and the four price columns are one array."""

    name: str
    source: str
    bar_ns: int
    time_ns: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]


def split_source(source: str | Path) -> tuple[str | None, Path]:
    """`NAME=path` or `path` -> (name or None, path)."""
    text = str(source)
    found = re.match(r"^([A-Z0-9._-]{1,24})=(.+)$", text)
    if found and not os.path.exists(text):
        return found[1], Path(found[2])
    return None, Path(text)


def asset_of(text: str) -> str:
    """The asset a file name or symbol speaks of: `BTCUSDT_binance_1m` -> `BTC`."""
    parts = [part.upper() for part in re.split(r"[^A-Za-z0-9]+", text) if part]
    for part in parts:
        for quote in QUOTES:
            if part.endswith(quote) and len(part) > len(quote):
                return part[: -len(quote)]
    return parts[0] if parts else "PRICE"


def _stem(path: Path) -> str:
    return re.sub(r"(\.(csv|gz|zip|parquet))+$", "", path.name)


def parse_time(text: str) -> int:
    """An ISO 8601 time (UTC unless it says otherwise) as ns since 1970."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError.at("time", f"{text!r} is not a time", "Write it as 2025-10-10T20:00:00Z.") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    gap = moment - _EPOCH
    time_ns = ((gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds) * 1_000
    if abs(time_ns) > INT64_MAX:
        raise InputError.at("time", f"{text!r} is beyond 64 bits of ns", "Give a year from 1678 to 2261.")
    return time_ns


def read_series(source: str | Path, columns: Columns | None = None) -> Series:
    """Read and check one file; InputError names file, row, value and the fix."""
    name, path = split_source(source)
    frame, line = read_frame(path)
    if frame.height == 0:
        raise InputError.at(str(path), "it has no rows", "Give a file with prices in it.")
    index = np.arange(frame.height)
    frame, index, name = _one_asset(path, frame, index, name)
    asked = columns or Columns()
    names = _find_columns(path, frame, asked)
    bars = len(names) == 5
    time_ns = read_times(path, line, index, frame[names[0]])
    values = [read_values(path, line, index, frame[column]) for column in names[1:]]
    if not bars:
        values = values * 4
    series = Series(name or asset_of(_stem(path)), str(path), int(bars), time_ns, *values)
    _check(path, line, index, series)
    return msgspec.structs.replace(series, bar_ns=_bar_length(series)) if bars else series


def _bar_length(series: Series) -> int:
    """The length of the bars: the smallest distance between two. Others must be whole multiples."""
    if series.time_ns.size < 2:
        raise InputError.at(series.source, "one bar has no length", "Give a file with two bars or more.")
    length = int(np.diff(series.time_ns).min())
    bad = np.flatnonzero((series.time_ns - series.time_ns[0]) % length != 0)
    if bad.size:
        when = iso(int(series.time_ns[bad[0]]))
        what = f"the bar of {when} does not lie on the grid of {length / 1e9:g} s bars"
        raise InputError.at(series.source, what, "Keep bars of one length in one file.")
    return length


def _one_asset(
    path: Path, frame: pl.DataFrame, index: NDArray[np.int64], name: str | None
) -> tuple[pl.DataFrame, NDArray[np.int64], str | None]:
    """A file may hold several assets in a `coin` or `symbol` column: then the name picks one."""
    column = next((c for c in ASSET_NAMES if c in frame.columns), None)
    if column is None:
        return frame, index, name
    cells = text_column(path, None, frame[column])
    if "" in cells:
        where = f"{path}, data row {cells.index('') + 1}, column {column}"
        raise InputError.at(where, "no asset is named", "Fill the cell, or leave the row out.")
    held = list(dict.fromkeys(cells))
    if len(held) == 1:
        from_name = asset_of(_stem(path))
        speaks = any(from_name + quote in _stem(path).upper() for quote in QUOTES)
        return frame, index, name or (from_name if speaks else asset_of(held[0]))
    if name not in [asset_of(h) for h in held] + held:
        raise InputError.at(
            f"{path}, column {column}",
            f"it holds {len(held)} assets: {', '.join(held[:12])}",
            f"Say which one: {asset_of(held[0])}={path}",
        )
    wanted = [h for h in held if h == name] or [h for h in held if asset_of(h) == name]
    keep = np.array([cell == wanted[0] for cell in cells])
    return frame.filter(pl.Series(keep)), index[keep], name


def _find_columns(path: Path, frame: pl.DataFrame, asked: Columns) -> list[str]:
    """[time, open, high, low, close] or [time, price], by the names given or the usual ones."""
    plain = {c.strip().lower().replace(" ", "_"): c for c in reversed(frame.columns)}

    def find(given: str | None, usual: tuple[str, ...]) -> str | None:
        if given is not None:
            if given not in frame.columns:
                raise InputError.at(
                    str(path), f"no column {given!r}", f"The file has: {', '.join(frame.columns)}."
                )
            return given
        return next((plain[u] for u in usual if u in plain), None)

    time = find(asked.ts, TIME_NAMES)
    price = find(asked.price, ("price",))
    bar = [find(getattr(asked, key), (key,)) for key in ("open", "high", "low", "close")]
    if time is not None and asked.price is None and all(bar):
        return [time, *(b for b in bar if b)]
    if time is not None and price is not None:
        return [time, price]
    raise InputError.at(
        str(path),
        f"a time and either open, high, low, close or price are needed; it has {', '.join(frame.columns)}",
        "Name the columns: columns=Columns(ts=..., open=..., high=..., low=..., close=...) or price=...",
    )


def read_values(
    path: Path, line: int | None, index: NDArray[np.int64], column: pl.Series
) -> NDArray[np.float64]:
    """A column as float64; InputError names the first cell that is no number."""
    values = number_column(path, line, index, column)
    bad = np.flatnonzero(values.is_null().to_numpy())
    if bad.size:
        raise InputError.at(
            f"{place(path, line, int(index[bad[0]]))}, column {column.name}",
            f"{column[int(bad[0])]!r} is not a number",
            "Correct the value or leave the row out.",
        )
    return np.ascontiguousarray(values.to_numpy(), dtype=np.float64)


def read_times(
    path: Path, line: int | None, index: NDArray[np.int64], column: pl.Series
) -> NDArray[np.int64]:
    """A column as ns since 1970; InputError names the first cell that is no time."""

    def refuse(row: int, what: str = "") -> None:
        raise InputError.at(
            f"{place(path, line, int(index[row]))}, column {column.name}",
            what or f"{column[row]!r} is not a time",
            "Write times as whole seconds, ms, us or ns since 1970, or as ISO 8601.",
        )

    if isinstance(column.dtype, pl.Datetime | pl.Date):
        return _calendar_times(column, refuse)
    if column.dtype.is_float() and (column.is_finite() & (column != column.floor())).any():
        refuse(int((column != column.floor()).arg_max() or 0))
    if not (column.dtype.is_numeric() or column.dtype in (pl.String, pl.Null)):
        refuse(0, f"the column holds {column.dtype}, not times")
    whole = column.cast(pl.Int64, strict=False)
    if whole.null_count() and column.dtype == pl.String:
        return _iso_times(column, refuse)
    values = whole.fill_null(0).to_numpy().astype(np.int64)
    out = np.zeros_like(values)
    # 2001 to 2286 in seconds is 10**9..10**10; each finer unit is 10**3 further up, so no overlap.
    for low, factor in ((10**9, 10**9), (10**12, 10**6), (10**15, 10**3), (10**18, 1)):
        inside = (values >= low) & (values // low < 10) & (values <= INT64_MAX // factor)
        out[inside] = values[inside] * factor
    bad = np.flatnonzero(out == 0)
    if bad.size:
        refuse(int(bad[0]), f"{column[int(bad[0])]!r} is not a time in s, ms, us or ns since 1970")
    return out


def _calendar_times(column: pl.Series, refuse: Callable[..., None]) -> NDArray[np.int64]:
    """A date or datetime column; its own unit may reach further than 64 bits of ns do."""
    unit = column.dtype.time_unit if isinstance(column.dtype, pl.Datetime) else "ms"
    factor = {"ns": 1, "us": 1_000, "ms": 1_000_000}[unit or "us"]
    if column.null_count():
        refuse(int(column.is_null().arg_max() or 0))
    plain = column if isinstance(column.dtype, pl.Datetime) else column.cast(pl.Datetime("ms"))
    values = plain.cast(pl.Int64).to_numpy().astype(np.int64)
    far = np.flatnonzero((values > INT64_MAX // factor) | (values < -(INT64_MAX // factor)))
    if far.size:
        # As a number: the calendar of the library may not reach as far as its columns.
        refuse(int(far[0]), f"{values[far[0]]} {unit} since 1970 is not a time that 64 bits of ns hold")
    return np.asarray(values * factor, np.int64)


def _iso_times(column: pl.Series, refuse: Callable[..., None]) -> NDArray[np.int64]:
    out = np.empty(len(column), dtype=np.int64)
    for row, text in enumerate(column.to_list()):
        try:
            out[row] = parse_time(text or "")
        except InputError:
            refuse(row)
    return out


def _check(path: Path, line: int | None, index: NDArray[np.int64], series: Series) -> None:
    """Refuse what no market prints. Equal times are allowed between trades, not between bars."""

    def refuse(row: int, what: str, fix: str) -> None:
        raise InputError.at(place(path, line, int(index[row])), what, fix)

    step = np.diff(series.time_ns)
    wrong = np.flatnonzero(step <= 0 if series.bar_ns else step < 0)
    if wrong.size:
        row = int(wrong[0]) + 1
        kind = "is the time of the row before" if step[row - 1] == 0 else "is before the row above it"
        fix = "Sort the rows by time and leave out repeats (Tardis trades: or use local_timestamp as ts)."
        refuse(row, f"time {iso(int(series.time_ns[row]))} {kind}", fix)
    named = {"open": series.open, "high": series.high, "low": series.low, "close": series.close}
    columns = named if series.bar_ns else {"price": series.close}
    for label, values in columns.items():
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0.0)))
        if bad.size:
            row = int(bad[0])
            fix = "A price must be positive and finite: leave the row out."
            refuse(row, f"{label} is {float(values[row])!r}", fix)
    # Only now: a jump after a price of zero would blame the row behind it.
    for label, values in columns.items():
        last = np.concatenate([series.open[:1], series.close[:-1]])
        with np.errstate(all="ignore"):  # a price near the end of float64 may overflow: still a jump
            bad = np.flatnonzero((values >= JUMP * last) | (values * JUMP <= last))
        if bad.size:
            row = int(bad[0])
            what = f"{label} is {float(values[row])!r} where the last price was {float(last[row])!r}"
            refuse(row, what, "A move of 10,000 times is a bad print or a change of unit: leave the row out.")
    body_high, body_low = np.maximum(series.open, series.close), np.minimum(series.open, series.close)
    bad = np.flatnonzero((series.high < body_high) | (series.low > body_low))
    if bad.size:
        row = int(bad[0])
        bar = ", ".join(f"{k} {float(v[row])!r}" for k, v in named.items())
        fix = "The high must be the largest and the low the smallest: correct the row or leave it out."
        refuse(row, f"the bar contradicts itself ({bar})", fix)


def iso(time_ns: int) -> str:
    """ns since 1970 as ISO 8601 UTC, with only the decimals it needs."""
    seconds, rest = divmod(time_ns, 10**9)
    decimals = f".{rest:09d}".rstrip("0") if rest else ""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S") + decimals + "Z"
