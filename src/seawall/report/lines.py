"""Plots of values over time: prices with and without feedback, and what is left in the funds.

Prices are in quote units, funds in the numeraire, times in nanoseconds. A long series is thinned for the
page by keeping the lowest and highest point of every stretch, so no spike is lost; values are not smoothed.
"""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
from markupsafe import Markup
from numpy.typing import NDArray

from seawall.report import figures
from seawall.report.svg import (
    ACROSS,
    Plot,
    Scale,
    el,
    frame,
    lines_box,
    nice_ticks,
    padded,
    path_of,
    percent,
    thin,
    time_ticks,
    x_axis,
    y_axis,
)
from seawall.report.tables import RUNS, RunTables

PRICE_HEIGHT = 300.0
FUND_HEIGHT = 190.0
PRICE_POINTS = 480
FUND_POINTS = 240
RUN_NAMES = {"with": "with feedback", "without": "without feedback"}
PRICE_SERIES = (
    ("exogenous", "outside shock", "exogenous"),
    ("without_feedback", "without feedback", "without"),
    ("with_feedback", "with feedback", "with"),
)
FUND_SERIES = (
    ("insurance", "insurance fund", "c1"),
    ("backstop_equity", "backstop vault", "c4"),
    ("deficit_open", "open deficit", "c3"),
    ("socialised_cum", "socialised so far", "c2"),
)

Floats = NDArray[np.float64]


class Clock(msgspec.Struct, frozen=True):
    """The span of time that every plot of the page shares, in nanoseconds."""

    start_ns: int
    end_ns: int

    @property
    def span_ns(self) -> int:
        return max(self.end_ns - self.start_ns, 1)

    def at(self, time_ns: float) -> float:
        return (time_ns - self.start_ns) / self.span_ns

    def ticks(self) -> list[tuple[float, str]]:
        times = time_ticks(self.start_ns, self.start_ns + self.span_ns)
        return [(self.at(t), figures.moment(t, self.start_ns, self.span_ns)) for t in times]

    def written(self, time_ns: int) -> str:
        return figures.moment(int(time_ns), self.start_ns, self.span_ns, full=True)


def clock_of(tables: RunTables) -> Clock:
    """From the first to the last time in any table; zero to one second if there is none."""
    ends: list[int] = []
    for frame_ in (tables.prices, tables.flow, tables.funds, tables.calls):
        if frame_.height:
            ends += frame_.select(pl.col("time_ns").min().alias("a"), pl.col("time_ns").max().alias("b")).row(
                0
            )
    return Clock(min(ends), max(ends)) if ends else Clock(0, 1_000_000_000)


def instruments_of(tables: RunTables) -> list[str]:
    """Every instrument with a price, the one that moved furthest first."""
    moves = {}
    for name in tables.prices["instrument"].unique().sort().to_list():
        found = extreme(tables.prices.filter(pl.col("instrument") == name), "with_feedback")
        moves[name] = abs(found[1]) if found else 0.0
    return sorted(moves, key=lambda name: (-moves[name], name))


def extreme(prices: pl.DataFrame, column: str) -> tuple[float, float] | None:
    """The price furthest from the first known one, and the move to it as a fraction; None if unknown."""
    values = prices.sort("time_ns")[column].drop_nulls()
    values = values.filter(values.is_finite())
    if values.is_empty() or values[0] <= 0:
        return None
    known = values.to_numpy()
    first, low, high = float(known[0]), float(known.min()), float(known.max())
    furthest = low if first - low >= high - first else high
    return furthest, furthest / first - 1.0


def columns_of(table: pl.DataFrame, names: list[str]) -> list[Floats]:
    """Columns as floats; null and infinity become NaN: not known."""
    found = []
    for name in names:
        values = table[name].cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)
        found.append(np.where(np.isfinite(values), values, np.nan))
    return found


def price_plot(tables: RunTables, instrument: str, clock: Clock) -> Plot:
    """Mark price with feedback, without, and the shock from outside, of one instrument."""
    rows = tables.prices.filter(pl.col("instrument") == instrument).sort("time_ns")
    known = [s for s in PRICE_SERIES if rows[s[0]].is_finite().any()]
    if not known:
        return Plot(svg=Markup(""), label="", heading=instrument, empty="No price is known.")
    values = dict(zip([s[0] for s in known], columns_of(rows, [s[0] for s in known])))
    keep = thin(list(values.values()), PRICE_POINTS)
    times = rows["time_ns"].to_numpy()[keep]
    values = {name: v[keep] for name, v in values.items()}
    flat = np.concatenate(list(values.values()))
    scale = padded(flat.tolist(), share=0.07)
    decimals = figures.price_decimals(float(np.nanmin(flat)), float(np.nanmax(flat)))
    across = np.array([clock.at(t) * ACROSS for t in times.tolist()])
    down = {
        name: (1.0 - (v - scale.low) / (scale.high - scale.low)) * PRICE_HEIGHT for name, v in values.items()
    }
    drawn = [el("path", d=path_of(across, down[key]), class_=f"line {css}") for key, _, css in known]
    dots = [_extreme_dot(across, down[key], values[key], css) for key, _, css in known if css != "exogenous"]
    axis = [
        (scale.at(t), figures.price(t, _tick_decimals(scale, decimals)))
        for t in nice_ticks(scale.low, scale.high)
    ]
    moves = {css: extreme(rows, key) for key, _, css in known}
    words = [f"{label} {figures.share(m[1])}" for key, label, css in known if (m := moves[css])]
    svg = frame(
        f"Price of {instrument}. Furthest move: {', '.join(words)}.",
        PRICE_HEIGHT,
        *y_axis(axis, PRICE_HEIGHT),
        *x_axis(clock.ticks(), PRICE_HEIGHT),
        lines_box(PRICE_HEIGHT, _gap(across, down), *drawn),
        *dots,
    )
    first = {key: v[np.isfinite(v)][0] for key, v in values.items()}
    tips = {
        "x": [round(a / ACROSS, 4) for a in across.tolist()],
        "h": [clock.written(t) for t in times.tolist()],
        "r": [
            [css, label, [_price_words(v, first[key], decimals) for v in values[key].tolist()]]
            for key, label, css in reversed(known)
        ],
    }
    legend = tuple(
        (f"stroke {css}", f"{label} {figures.share(m[1])}" if (m := moves[css]) else label)
        for _, label, css in reversed(known)
    )
    return Plot(svg=svg, label=instrument, legend=legend, heading=instrument, tips=tips)


def _tick_decimals(scale: Scale, decimals: int) -> int:
    """As few decimals as tell the ticks apart."""
    ticks = nice_ticks(scale.low, scale.high)
    for places in range(decimals + 1):
        if all(abs(round(t, places) - t) < (scale.high - scale.low) * 1e-6 for t in ticks):
            return places
    return decimals


def _price_words(value: float, first: float, decimals: int) -> str:
    move = value / first - 1.0 if first > 0 else float("nan")
    return f"{figures.price(value, decimals)}  {figures.share(move)}"


def _gap(across: Floats, down: dict[str, Floats]) -> Markup | None:
    """The area between the two runs: what the liquidations themselves did to the price."""
    if "with_feedback" not in down or "without_feedback" not in down:
        return None
    one, other = down["with_feedback"], down["without_feedback"]
    fine = np.isfinite(one) & np.isfinite(other)
    if fine.sum() < 2:
        return None
    x = np.concatenate([across[fine], across[fine][::-1]])
    y = np.concatenate([one[fine], other[fine][::-1]])
    return el("path", d=path_of(x, y) + "Z", class_="gap")


def _extreme_dot(across: Floats, down: Floats, values: Floats, css: str) -> Markup | None:
    fine = np.flatnonzero(np.isfinite(values))
    if not len(fine):
        return None
    first = values[fine[0]]
    far = int(fine[np.argmax(np.abs(values[fine] - first))])
    return el(
        "circle", cx=percent(float(across[far]) / ACROSS), cy=float(down[far]), r="4", class_=f"dot {css}"
    )


def fund_plots(tables: RunTables, clock: Clock) -> list[Plot]:
    """Insurance fund, backstop, open deficit and socialised losses: one plot per run, one scale for all."""
    names = [key for key, _, _ in FUND_SERIES]
    moved = []
    for key, label, css in FUND_SERIES:
        if np.nan_to_num(columns_of(tables.funds, [key])[0]).any():
            moved.append((key, label, css))
    everything = np.concatenate([np.zeros(1), *columns_of(tables.funds, names)])
    scale = padded(everything.tolist(), include_zero=True)
    return [_fund_plot(tables, run, moved, scale, clock) for run in tables.runs() if run in RUNS]


def _fund_plot(
    tables: RunTables, run: str, moved: list[tuple[str, str, str]], scale: Scale, clock: Clock
) -> Plot:
    rows = tables.funds.filter(pl.col("run") == run).sort("time_ns")
    heading = RUN_NAMES[run].capitalize()
    if rows.is_empty() or not moved:
        empty = "No fund held or owed anything in this run."
        return Plot(svg=Markup(""), label=heading, heading=heading, empty=empty)
    columns = columns_of(rows, [key for key, _, _ in moved])
    keep = thin(columns, FUND_POINTS)
    columns = [c[keep] for c in columns]
    times = rows["time_ns"].to_numpy()[keep]
    across = np.array([clock.at(t) * ACROSS for t in times.tolist()])
    drawn = []
    for (_, _, css), values in zip(moved, columns):
        down = (1.0 - (values - scale.low) / (scale.high - scale.low)) * FUND_HEIGHT
        drawn.append(el("path", d=path_of(across, down), class_=f"line {css}"))
    axis = [(scale.at(t), figures.amount(t)) for t in nice_ticks(scale.low, scale.high, 4)]
    ends = [f"{label} {figures.amount(c[-1])}" for (_, label, _), c in zip(moved, columns)]
    svg = frame(
        f"Funds {RUN_NAMES[run]}, at the end: {', '.join(ends)}.",
        FUND_HEIGHT,
        *y_axis(axis, FUND_HEIGHT, scale.at(0.0)),
        *x_axis(clock.ticks(), FUND_HEIGHT),
        lines_box(FUND_HEIGHT, *drawn),
    )
    tips = {
        "x": [round(a / ACROSS, 4) for a in across.tolist()],
        "h": [clock.written(t) for t in times.tolist()],
        "r": [
            [css, label, [figures.amount(v) for v in c.tolist()]]
            for (_, label, css), c in zip(moved, columns)
        ],
    }
    legend = tuple((f"stroke {css}", label) for _, label, css in moved)
    return Plot(svg=svg, label=heading, legend=legend, heading=heading, tips=tips)
