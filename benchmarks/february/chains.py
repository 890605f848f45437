"""Recorded option chains as snapshots: index, forwards, volatilities and marks of every quoted option.

Prices USD, marks of coin-settled options are their coin price times the index of the same row, volatilities
per year of 365 days, times ns. Of several index values in one snapshot the median is taken. An option whose
volatility cannot be reported (not between 0 and 500 %) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

from seawall.calibrate.quotes import as_ns

COLUMNS = ("instrument_name", "underlying", "option_type", "strike", "expiry_datetime", "mark_price",
           "implied_volatility", "currency", "index_price", "ts")  # fmt: skip
YEAR_NS = 365 * 86_400 * 10**9
MOST_VOL = 5.0


class Quote(NamedTuple):
    """One option as it stood."""

    name: str
    strike: float
    is_call: bool
    vol: float
    mark_usd: float


class Expiry(NamedTuple):
    asset: str
    expiry_ns: int
    forward: float
    quotes: tuple[Quote, ...]  # by strike, puts before calls

    def years(self, now_ns: int) -> float:
        return (self.expiry_ns - now_ns) / YEAR_NS

    def at_the_money(self) -> float:
        return min(self.quotes, key=lambda quote: (abs(quote.strike - self.forward), quote.name)).vol


class Snapshot(NamedTuple):
    time_ns: int
    indexes: dict[str, float]
    expiries: tuple[Expiry, ...]

    def of(self, asset: str) -> list[Expiry]:
        return [expiry for expiry in self.expiries if expiry.asset == asset]


def read_snapshots(path: Path, first: datetime, end: datetime) -> list[Snapshot]:
    """Snapshots with first <= time < end, in their order; `first` and `end` are UTC without a zone."""
    frame = pl.read_parquet(path, columns=list(COLUMNS))
    return snapshots_of(
        frame.with_columns(pl.col("ts", "expiry_datetime").dt.replace_time_zone(None)).filter(
            pl.col("ts") >= first, pl.col("ts") < end
        )
    )


def snapshots_of(frame: pl.DataFrame) -> list[Snapshot]:
    """A frame of quotes (see COLUMNS, times without a zone) cut into its snapshots."""
    sound = frame.filter(
        pl.col("implied_volatility").is_between(0.0, MOST_VOL, closed="right"),
        pl.col("mark_price") >= 0.0,
        pl.col("underlying") > 0.0,
        pl.col("index_price") > 0.0,
        pl.col("expiry_datetime") > pl.col("ts"),
    ).unique(["ts", "instrument_name"], keep="first", maintain_order=True)
    return list(_snapshots(sound))


def _snapshots(frame: pl.DataFrame) -> Iterator[Snapshot]:
    for time in frame["ts"].unique().sort().to_list():
        rows = frame.filter(pl.col("ts") == time)
        medians = rows.group_by("currency").agg(pl.col("index_price").median()).sort("currency")
        index = {asset: float(value) for asset, value in medians.rows()}
        found = []
        for asset, expiry in rows.select("currency", "expiry_datetime").unique().sort(pl.all()).rows():
            chain = rows.filter(pl.col("currency") == asset, pl.col("expiry_datetime") == expiry)
            forward = float(chain["underlying"].median())  # type: ignore[arg-type]
            found.append(Expiry(asset, as_ns(expiry, "expiry"), forward, _quotes(chain)))
        yield Snapshot(as_ns(time, "ts"), index, tuple(found))


def _quotes(chain: pl.DataFrame) -> tuple[Quote, ...]:
    columns = ("instrument_name", "strike", "option_type", "implied_volatility", "mark_price", "index_price")
    quotes = [
        Quote(name, float(strike), kind.lower().startswith("c"), float(vol), float(mark) * float(index))
        for name, strike, kind, vol, mark, index in chain.select(columns).rows()
    ]
    return tuple(sorted(quotes, key=lambda quote: (quote.strike, quote.is_call)))
