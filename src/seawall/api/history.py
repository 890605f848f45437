"""A price file as a history for a backtest: read, cut, checked, its currency held against the rulebook's.

Prices come by the readers of the lab, volume where the file has a column of that name. Nothing is repaired.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from seawall.api.pricing import ALIASES, coin_of
from seawall.calibrate.history import History
from seawall.calibrate.inputs import Floats
from seawall.errors import InputError
from seawall.instruments.model import Instrument
from seawall.lab.frames import read_frame
from seawall.lab.prices import cut
from seawall.lab.readers import QUOTES, Columns, Series, parse_time, read_series, read_values, split_source

DOLLARS = ("USD", "USDT", "USDC", "FDUSD", "BUSD", "TUSD")


def load_history(
    source: str | Path, *, start: str | None = None, end: str | None = None, columns: Columns | None = None
) -> tuple[History, tuple[str, ...]]:
    """The history of one file (`FILE` or `NAME=FILE`) and what is odd about it, in words.

    InputError for trades instead of bars, a bad print, too many gaps; with place, value and what to do.
    """
    series = read_series(source, columns)
    if not series.bar_ns:
        raise InputError.at(series.source, "it holds trades", "Give bars: time, open, high, low, close.")
    volume = _volume(split_source(source)[1], series)
    kept = cut(series, None if start is None else parse_time(start), None if end is None else parse_time(end))
    first = int(np.searchsorted(series.time_ns, kept.time_ns[0]))
    history = History(
        name=kept.name,
        source=kept.source,
        bar_ns=kept.bar_ns,
        time_ns=kept.time_ns,
        open=kept.open,
        high=kept.high,
        low=kept.low,
        close=kept.close,
        volume=None if volume is None else volume[first : first + kept.time_ns.size],
    )
    return history, history.checked()


def _volume(path: Path, series: Series) -> Floats | None:
    frame, line = read_frame(path)
    if "volume" not in frame.columns or frame.height != series.time_ns.size:
        return None
    volume = read_values(path, line, np.arange(frame.height), frame["volume"])
    return volume if (np.isfinite(volume) & (volume >= 0.0)).all() and volume.any() else None


def quote_of(source: str | Path) -> str | None:
    """The currency that a file's name speaks of, `BTCUSDT_binance_4h` -> USDT; None where it says nothing."""
    for part in re.split(r"[^A-Za-z0-9]+", split_source(source)[1].name):
        found = next((q for q in QUOTES if part.upper().endswith(q) and len(part) > len(q)), None)
        if found:
            return found
    return None


def check_market(history: History, instrument: Instrument) -> tuple[str, ...]:
    """InputError where the prices are of another coin or currency than the contract; dollars of all kinds are
    one, and a note says so."""
    coin, own = coin_of(instrument), ALIASES.get(history.name, history.name)
    if own not in (coin, instrument.name):
        what = f"it holds prices of {history.name}, {instrument.name} follows {coin}"
        raise InputError.at(history.source, what, f"Give a history of {coin}; if it is one: {coin}=FILE.")
    quote = quote_of(history.source)
    if quote is None:
        return (f"The file names no currency; taken as {instrument.quote}, the quote of {instrument.name}.",)
    if quote == instrument.quote:
        return ()
    if quote in DOLLARS and instrument.quote in DOLLARS:
        return (
            f"Prices are in {quote}, {instrument.name} is quoted in {instrument.quote}: taken one for one.",
        )
    what = f"prices are in {quote}, {instrument.name} is quoted in {instrument.quote}"
    name = f"{instrument.base}{instrument.quote}"
    fix = f"Give a history in {instrument.quote}; if it is one, name the file {name}_..."
    raise InputError.at(history.source, what, fix)
