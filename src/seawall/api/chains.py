"""Option chains as venues and vendors store them, at one moment: Tardis, Deribit, OKX.

Prices in quote units, vols as shares of a year's move, times ns UTC. Of each contract the last quote at or
before the moment counts, at most a day old. One forward stands for all quotes of an expiry: their median.
A quote that is crossed, negative, expired, or whose vol is not in (0, 500 %] is left out with place, value
and fix; nothing is repaired. Columns: Tardis' downloadable CSV files, Deribit's book summaries.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from seawall.api.portfolio_files import Row
from seawall.api.portfolio_names import Named, read_contract_name
from seawall.calibrate.quotes import MAX_VOL
from seawall.errors import InputError
from seawall.lab.readers import read_times
from seawall.rulebooks.dates import parse_moment_ns
from seawall.units import SECOND_NS, format_time

Chain = Literal["tardis", "deribit", "okx"]
OLDEST_NS = 86_400 * SECOND_NS
APART = 0.01  # a forward further than this from its expiry's median is another market's
# Their names for: contract, moment, mark volatility, forward.
NAMES: dict[Chain, tuple[str, str, str, str]] = {
    "tardis": ("symbol", "timestamp", "mark_iv", "underlying_price"),
    "deribit": ("instrument_name", "ts", "implied_volatility", "underlying"),
    "okx": ("symbol", "ts", "mark_iv", "underlying_price"),
}
# The future whose mark the forward is, where there is one.
FUTURES: dict[Chain, str] = {
    "tardis": "underlying_index",
    "deribit": "futures_instrument_name",
    "okx": "underlying_index",
}


class Quotes(NamedTuple):
    """The chain at its moment, in the columns of a market table."""

    rows: tuple[Row, ...]
    now: str
    left_out: dict[str, str]
    notes: tuple[str, ...]


class _Quote(NamedTuple):
    where: str
    name: str
    named: Named
    forward: float
    vol: float
    future: str


def chain_kind(columns: Sequence[str]) -> Chain | None:
    """Whose chain has these columns; None for no chain known here."""
    for kind, names in NAMES.items():
        if set(names) <= set(columns):
            return kind
    return None


def read_chain(frame: pl.DataFrame, kind: Chain, *, path: Path, line: int | None, at: str) -> Quotes:
    """The chain at `at` (the last moment there is where that is empty), cut to the whole second.

    InputError for a file without rows, times that cannot be read, and a chain that ended more than a day
    before `at` or begins after it.
    """
    if frame.is_empty():
        raise InputError.at(str(path), "it has no rows", "Give a chain with quotes in it.")
    name, moment, vol, forward = NAMES[kind]
    index = np.arange(frame.height)
    times = read_times(path, line, index, frame[moment])
    numbers = {"iv": vol, "forward": forward, "bid": "bid_price", "ask": "ask_price", "index": "index_price"}
    future = _texts(frame, FUTURES[kind])
    table = pl.DataFrame(
        {"name": frame[name].cast(pl.String).str.strip_chars(), "time": times, "place": index}
        | {"future": future}
        | {key: _floats(frame, column) for key, column in numbers.items()}
    )
    if kind == "tardis":
        on_index = pl.Series(future) == "index_price"
        table = table.with_columns(iv=pl.col("iv") / 100.0, index=table["forward"].set(~on_index, None))
    chosen, now_ns, notes = _at(table, kind, path, at)
    rows, left_out, more = _sound(chosen, now_ns, path, line)
    return Quotes(rows, format_time(now_ns), left_out, notes + more)


def two_sided(frame: pl.DataFrame, kind: Chain, *, path: Path, line: int | None, at: str) -> pl.DataFrame:
    """Bids and asks at the moment, in the columns of calibrate.quotes.make_chains and `base` and `coin`.

    Prices as the venue quotes them: `coin` says whether that is in coin. Raises as `read_chain` does.
    """
    name, moment, _, forward = NAMES[kind]
    index = np.arange(frame.height)
    table = pl.DataFrame(
        {"name": frame[name].cast(pl.String).str.strip_chars(), "place": index}
        | {"time": read_times(path, line, index, frame[moment]), "forward": _floats(frame, forward)}
        | {side: _floats(frame, f"{side}_price") for side in ("bid", "ask")}
    )
    chosen, now_ns, _notes = _at(table, kind, path, at)
    rows: list[dict[str, object]] = []
    for cells in chosen.iter_rows(named=True):
        try:
            named = read_contract_name(cells["name"], where=path.name)
        except InputError:
            continue  # another product's
        if named.kind == "option" and cells["forward"] is not None:
            told = {"type": "call" if named.is_call else "put", "strike": float(named.strike)}
            about = {"expiry": named.expiry_ns, "observed": now_ns, "base": named.base}
            sides = {key: cells[key] for key in ("name", "bid", "ask", "forward")}
            rows.append({**sides, **told, **about, "coin": named.quote in ("", "USD")})
    return pl.DataFrame(rows, infer_schema_length=None)


def _floats(frame: pl.DataFrame, column: str) -> pl.Series:
    if column not in frame.columns:
        return pl.Series([None] * frame.height, dtype=pl.Float64)
    return frame[column].cast(pl.Float64, strict=False).fill_nan(None)


def _texts(frame: pl.DataFrame, column: str) -> list[str]:
    if column not in frame.columns:
        return [""] * frame.height
    return frame[column].cast(pl.String).fill_null("").to_list()


def _at(table: pl.DataFrame, kind: Chain, path: Path, at: str) -> tuple[pl.DataFrame, int, tuple[str, ...]]:
    """The last quote of every contract, the moment they are valued at, and how old they are.

    A snapshot is valued at its own moment, a stream of quotes at the moment that was asked for.
    """
    times = table["time"].to_numpy()
    wanted = parse_moment_ns(at, where="--at") if at else int(times.max()) + SECOND_NS - 1
    until = table.filter(pl.col("time") < wanted // SECOND_NS * SECOND_NS + SECOND_NS)
    if until.is_empty():
        raise InputError.at(
            str(path), f"its first quote is of {format_time(int(times.min()))}", "Ask for a later --at."
        )
    last = int(until["time"].to_numpy().max())
    if at and wanted - last > OLDEST_NS:
        raise InputError.at(
            str(path),
            f"its last quote before {at} is of {format_time(last)}, more than a day older",
            "Ask for an --at that the file has quotes of.",
        )
    if kind == "deribit":
        chosen, now = until.filter(pl.col("time") == last), last
        older = (wanted - last) // SECOND_NS if at else 0
        notes = (f"the last snapshot before {at} is of {format_time(last)}: valued there",) * (older > 0)
    else:
        recent = until.filter(pl.col("time") > last - OLDEST_NS)
        chosen = recent.group_by("name", maintain_order=True).last().sort("place")
        now = wanted if at else last
        age = (now - int(chosen["time"].to_numpy().min())) // SECOND_NS
        notes = (f"quotes are up to {age:,} s older than {format_time(now)}",) * (age > 0)
    return chosen, now // SECOND_NS * SECOND_NS, notes


def _sound(
    chosen: pl.DataFrame, now_ns: int, path: Path, line: int | None
) -> tuple[tuple[Row, ...], dict[str, str], tuple[str, ...]]:
    left_out: dict[str, str] = {}
    quotes: list[_Quote] = []
    indices: dict[str, list[float]] = {}
    foreign = 0
    for cells in chosen.iter_rows(named=True):
        place = f"{path.name}, " + (
            f"row {cells['place'] + 1}" if line is None else f"line {line + cells['place']}"
        )
        try:
            named = read_contract_name(cells["name"], where=place)
        except InputError:
            foreign += 1
            continue
        if cells["index"] is not None and cells["index"] > 0.0:
            indices.setdefault(named.base, []).append(cells["index"])
        fault = _fault(cells, named, now_ns)
        if fault:
            left_out[cells["name"]] = f"{place}: {fault}"
        else:
            quotes.append(_Quote(place, cells["name"], named, cells["forward"], cells["iv"], cells["future"]))
    forwards = _forwards(quotes)
    rows = [_index_row(path, base, seen) for base, seen in indices.items()]
    futures: dict[str, Row] = {}
    for quote in quotes:
        forward = forwards[quote.named.base, quote.named.expiry_ns]
        if abs(quote.forward - forward) > APART * forward:
            left_out[quote.name] = (
                f"{quote.where}: forward {quote.forward:g} where its expiry has {forward:g}. "
                "Check which market it is of"
            )
            continue
        cells = {"instrument": quote.name, "forward": repr(forward), "iv": repr(quote.vol)}
        rows.append(Row(quote.where, cells))
        if quote.future == f"{quote.named.base}-{quote.name.split('-')[1]}":
            told = {"instrument": quote.future, "mark": repr(forward)}
            futures.setdefault(quote.future, Row(quote.where, told))
    notes = (f"{foreign} names follow no grammar known here and are not read",) * (foreign > 0)
    return (*rows, *futures.values()), left_out, notes


def _forwards(quotes: list[_Quote]) -> dict[tuple[str, int], float]:
    seen: dict[tuple[str, int], list[float]] = {}
    for quote in quotes:
        seen.setdefault((quote.named.base, quote.named.expiry_ns), []).append(quote.forward)
    return {key: float(np.median(values)) for key, values in seen.items()}


def _index_row(path: Path, base: str, seen: list[float]) -> Row:
    """The index of a snapshot: its rows were read one after the other, so the median of theirs."""
    return Row(f"{path.name}, index of {base}", {"instrument": base, "mark": repr(float(np.median(seen)))})


def _fault(cells: dict[str, float | None], named: Named, now_ns: int) -> str:
    """What makes a quote useless, and the fix; "" for a sound one."""
    vol, forward = cells["iv"], cells["forward"]
    bid, ask = cells["bid"] or 0.0, cells["ask"] or 0.0
    if named.kind != "option":
        return "no option. Give its price with --mark"
    if named.expiry_ns <= now_ns:
        return f"expired {format_time(named.expiry_ns)}. Settle it and take it out of the portfolio"
    if forward is None or not 0.0 < forward < np.inf:
        return f"forward {forward}. Wait for a quote with a positive one"
    if bid < 0.0 or ask < 0.0:
        return f"a negative quote: bid {bid:g}, ask {ask:g}. Check the sign, or wait for another"
    if ask and bid > ask:
        return f"crossed: bid {bid:g} above ask {ask:g}. Wait for a consistent quote"
    if vol is None or not 0.0 < vol <= MAX_VOL:
        said = "missing" if vol is None else f"{vol:.4g}"
        return f"mark volatility {said}, outside (0, {MAX_VOL:g}]. Wait for another quote"
    return ""
