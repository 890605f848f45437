"""Option chains: reading them, and which quotes are good enough to fit a surface to.

Only out-of-the-money quotes with both sides are used; prices are in the quote currency per unit (USD) or in
coin (divided by the forward), undiscounted; vols per year of 365 days; times ns. Nothing is repaired: a quote
that is crossed, negative, expired or of impossible vol is left out, with its name, its value and what to do.
Plain columns: name, expiry, observed, strike, type, bid, ask, forward, and mark_iv where there is one.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from seawall.calibrate.black import implied_deviation
from seawall.errors import InputError

Floats = NDArray[np.float64]

YEAR_NS = 365 * 86_400 * 1_000_000_000
MAX_VOL = 5.0  # 500 %: beyond it a number is a unit error or a placeholder
SPREAD_FLOOR = 0.002  # no quote is believed to better than a fifth of a vol point

COLUMNS = ("name", "expiry", "observed", "strike", "type", "bid", "ask", "forward")
# Deribit's names for the same things, as its public snapshots have them.
DERIBIT = {
    "instrument_name": "name",
    "expiry_datetime": "expiry",
    "ts": "observed",
    "option_type": "type",
    "bid_price": "bid",
    "ask_price": "ask",
    "underlying": "forward",
    "implied_volatility": "mark_iv",
}


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """One quote that was left out."""

    name: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}. {self.fix}"


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """The usable quotes of one expiry, by strike. Columns have one row per quote."""

    observed_ns: int
    expiry_ns: int
    forward: float  # median; each quote keeps its own
    forwards: Floats
    strikes: Floats
    is_call: NDArray[np.bool_]
    bid_usd: Floats
    ask_usd: Floats
    bid_vol: Floats
    ask_vol: Floats
    mid_vol: Floats
    rejected: tuple[Rejected, ...] = ()
    unused: int = 0  # in the money, or without one of its sides: no fault, no use

    @property
    def years(self) -> float:
        return (self.expiry_ns - self.observed_ns) / YEAR_NS

    @property
    def k(self) -> Floats:
        return np.asarray(np.log(self.strikes / self.forwards))

    @property
    def half_spread_vol(self) -> Floats:
        return np.asarray(0.5 * (self.ask_vol - self.bid_vol))

    @property
    def weights(self) -> Floats:
        """One over the half-spread in vol: the price spread over vega, so far wings count as little as they
        tell."""
        return np.asarray(1.0 / np.maximum(self.half_spread_vol, SPREAD_FLOOR))


def read_chain_file(path: Path) -> pl.DataFrame:
    """A chain from Parquet or CSV. InputError if it is not there or is neither."""
    if not path.is_file():
        raise InputError.at(str(path), "no such file", "Give a .parquet or .csv file of option quotes.")
    if path.suffix == ".parquet":
        return pl.read_parquet(path)
    if path.suffix == ".csv":
        return pl.read_csv(path, try_parse_dates=True)
    raise InputError.at(str(path), f"a file of kind {path.suffix!r}", "Give a .parquet or .csv file.")


def make_chains(frame: pl.DataFrame, *, coin: bool) -> tuple[Chain, ...]:
    """Sort quotes of one underlying and one moment into chains, earliest expiry first.

    `coin`: prices are in coin, as inverse options have them. InputError for missing columns, no rows, or
    rows of several moments.
    """
    renamed = frame.rename({old: new for old, new in DERIBIT.items() if old in frame.columns})
    absent = [column for column in COLUMNS if column not in renamed.columns]
    if absent:
        raise InputError.at(
            "chain", f"no column {', '.join(absent)}", f"Columns needed: {', '.join(COLUMNS)}."
        )
    if renamed.is_empty():
        raise InputError.at("chain", "no rows", "Give at least one quote.")
    moments = renamed["observed"].unique()
    if len(moments) > 1:
        raise InputError.at("chain", f"{len(moments)} moments of observation", "Filter to one of them first.")
    observed_ns = as_ns(moments[0], "observed")
    found = []
    for expiry in renamed["expiry"].unique().sort():
        rows = renamed.filter(pl.col("expiry") == expiry).sort("strike", "name")
        found.append(_chain(rows, observed_ns, as_ns(expiry, "expiry"), coin))
    return tuple(found)


def as_ns(value: Any, name: str) -> int:
    """A moment as ns since 1970: integers are ns already."""
    if isinstance(value, datetime):
        return int(pl.Series([value]).dt.epoch("ns")[0])
    if isinstance(value, int):
        return value
    raise InputError.at("chain", f"{name} is {value!r}", "Give a date with time, or integer nanoseconds.")


def _chain(rows: pl.DataFrame, observed_ns: int, expiry_ns: int, coin: bool) -> Chain:
    names = rows["name"].to_list()
    columns = {
        name: rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
        for name in ("strike", "bid", "ask", "forward")
    }
    strike, bid, ask, forward = columns.values()
    is_call = np.array([str(kind).lower().startswith("c") for kind in rows["type"]])
    mark_iv = (
        rows["mark_iv"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        if "mark_iv" in rows.columns
        else np.full(strike.size, np.nan)
    )
    reasons = [
        _fault(*row, expired=expiry_ns <= observed_ns) for row in zip(strike, forward, bid, ask, mark_iv)
    ]
    sound = np.array([not reason for reason in reasons])
    useful = sound & np.isfinite(bid) & np.isfinite(ask) & (is_call == (strike >= forward))
    scale = forward if coin else np.ones_like(forward)
    years = max((expiry_ns - observed_ns) / YEAR_NS, 1e-12)
    vols = [np.full(strike.size, np.nan), np.full(strike.size, np.nan)]
    for vol, price in zip(vols, (bid, ask)):
        deviation, found = implied_deviation((price * scale)[useful], forward[useful], strike[useful])
        vol[useful] = np.where(found, deviation / np.sqrt(years), np.nan)
    for place in np.flatnonzero(useful):
        reasons[place] = _vol_fault(float(vols[0][place]), float(vols[1][place]))
    used = useful & np.array([not reason for reason in reasons])
    rejected = tuple(
        Rejected(name=str(names[place]), what=reason[0], fix=reason[1])
        for place, reason in enumerate(reasons)
        if reason
    )
    positive = forward[np.isfinite(forward) & (forward > 0.0)]
    return Chain(
        observed_ns=observed_ns,
        expiry_ns=expiry_ns,
        forward=float(np.median(positive)) if positive.size else 0.0,
        forwards=forward[used],
        strikes=strike[used],
        is_call=is_call[used],
        bid_usd=(bid * scale)[used],
        ask_usd=(ask * scale)[used],
        bid_vol=vols[0][used],
        ask_vol=vols[1][used],
        mid_vol=0.5 * (vols[0] + vols[1])[used],
        rejected=rejected,
        unused=int(strike.size - np.count_nonzero(used) - len(rejected)),
    )


def _fault(
    strike: float, forward: float, bid: float, ask: float, mark_iv: float, *, expired: bool
) -> tuple[str, str] | tuple[()]:
    """(what, fix) for what makes a quote worthless before its vol is asked for."""
    if expired:
        return "its expiry is not after the moment of its quote", "Leave expired options out"
    if not (strike > 0.0 and forward > 0.0 and np.isfinite(strike) and np.isfinite(forward)):
        return f"strike {strike:g}, forward {forward:g}", "Both must be positive numbers"
    if bid < 0.0 or ask < 0.0:
        return f"a negative quote: bid {bid:g}, ask {ask:g}", "Check the sign, or drop the quote"
    if bid > ask:
        return f"crossed: bid {bid:g} above ask {ask:g}", "Wait for a consistent quote"
    if mark_iv <= 0.0 or mark_iv > MAX_VOL:
        return f"mark vol {mark_iv:.4g} is outside (0, {MAX_VOL:g}]", "Give vols as decimals, 0.55 for 55 %"
    return ()


def _vol_fault(bid_vol: float, ask_vol: float) -> tuple[str, str] | tuple[()]:
    if not (np.isfinite(bid_vol) and np.isfinite(ask_vol)):
        return "a price outside the bounds of any vol", "Check the currency of the price and the forward"
    if not 0.0 < bid_vol <= ask_vol <= MAX_VOL:
        return f"vols {bid_vol:.4g} to {ask_vol:.4g} are outside (0, {MAX_VOL:g}]", "Check the expiry's time"
    return ()
