"""Plots of a margin backtest over time: margin and loss, and exceedances added up.

Shares of notional, written in per cent. Long series are thinned: of the losses the largest of each stretch is
kept, of the margins the lowest and the highest, so that no spike is lost.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import polars as pl
from markupsafe import Markup
from numpy.typing import NDArray

from seawall.report import figures
from seawall.report.lines import Clock
from seawall.report.margin_tables import MarginTables
from seawall.report.svg import (
    ACROSS,
    Plot,
    Scale,
    el,
    frame,
    lines_box,
    nice_ticks,
    path_of,
    thin,
    x_axis,
    y_axis,
)

HEIGHT, COUNT_HEIGHT = 300.0, 220.0
STICKS, POINTS = 560, 360
COLOURS = ("with", "c1", "c5", "c4", "c2", "c6", "c7", "c8")
Floats = NDArray[np.float64]


def colours(tables: MarginTables) -> dict[str, str]:
    """Each model's colour class; the venue's own is the loudest."""
    return {name: COLOURS[k % len(COLOURS)] for k, name in enumerate(tables.models())}


def per_cent(value: float, places: int | None = None) -> str:
    """With one decimal, two below a tenth; or as many as asked for."""
    decimals = (2 if abs(value) < 0.0995 else 1) if places is None else places
    return f"{value * 100:.{decimals}f}{figures.NBSP}%"


def years(clock: Clock) -> list[tuple[float, str]]:
    """The first of January of each year where there are several, else the clock's own ticks."""
    first = datetime.fromtimestamp(clock.start_ns // 10**9, tz=UTC).year
    last = datetime.fromtimestamp((clock.start_ns + clock.span_ns) // 10**9, tz=UTC).year
    if last - first < 2:
        return clock.ticks()
    starts = {
        year: int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 10**9 for year in range(first, last + 1)
    }
    return [(clock.at(t), str(year)) for year, t in starts.items() if t >= clock.start_ns]


def _clock(tables: MarginTables) -> Clock:
    times = tables.margins["time_ns"]
    return Clock(int(times.to_numpy().min()), int(times.to_numpy().max()))


def _legend(tables: MarginTables, extra: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return extra + tuple((f"stroke {css}", name) for name, css in colours(tables).items())


def time_plot(tables: MarginTables, side: str) -> Plot:
    """Losses as bars from zero, margins as lines."""
    clock = _clock(tables)
    lost = tables.losses_of(side).filter(pl.col("time_ns") >= clock.start_ns)
    times, losses = lost["time_ns"].to_numpy(), lost["loss"].to_numpy()
    paths = {name: tables.margin_of(name, side) for name in tables.models()}
    top = max([float(losses.max())] + [float(p["margin"].to_numpy().max()) for p in paths.values()])
    scale = Scale(0.0, top * 1.04)
    css = colours(tables)
    drawn: list[Markup | None] = [
        el("path", d=_sticks(times, losses, clock, scale), class_="line before thin")
    ]
    for name, path in reversed(paths.items()):
        values = path["margin"].to_numpy()
        keep = thin([values], POINTS)
        across = np.array([clock.at(t) * ACROSS for t in path["time_ns"].to_numpy()[keep].tolist()])
        drawn.append(
            el("path", d=path_of(across, _down(values[keep], scale, HEIGHT)), class_=f"line {css[name]}")
        )
    over = {row["model"]: row["exceeded"] for row in tables.results.filter(pl.col("side") == side).to_dicts()}
    words = ", ".join(f"{name} exceeded {count} times" for name, count in over.items())
    svg = frame(
        f"Margins and losses of {side} positions: {words}.",
        HEIGHT,
        *y_axis([(scale.at(t), per_cent(t, 0)) for t in nice_ticks(0.0, scale.high)], HEIGHT, scale.at(0.0)),
        *x_axis(years(clock), HEIGHT),
        lines_box(HEIGHT, *drawn),
    )
    heading = f"{side.capitalize()} positions"
    return Plot(
        svg=svg,
        label=heading,
        heading=heading,
        legend=_legend(tables, (("stroke before", "loss of a window"),)),
        tips=_time_tips(tables, side, clock, times, losses),
    )


def _down(values: Floats, scale: Scale, height: float) -> Floats:
    return (1.0 - (values - scale.low) / (scale.high - scale.low)) * height


def _largest(values: Floats, most: int) -> NDArray[np.int64]:
    """The place of the largest value of each stretch."""
    edges: NDArray[np.int64] = np.unique(np.linspace(0, values.size, most + 1).astype(np.int64))
    return np.array([a + int(np.argmax(values[a:b])) for a, b in pairwise(edges.tolist())], np.int64)


def _sticks(times: NDArray[np.int64], losses: Floats, clock: Clock, scale: Scale) -> str:
    pieces = []
    for place in _largest(losses, STICKS).tolist():
        if losses[place] > 0.0:
            x = round(clock.at(int(times[place])) * ACROSS, 1)
            pieces.append(f"M{x:g} {HEIGHT:g}V{round((1.0 - scale.at(float(losses[place]))) * HEIGHT, 1):g}")
    return "".join(pieces)


def _time_tips(
    tables: MarginTables, side: str, clock: Clock, times: NDArray[np.int64], losses: Floats
) -> dict[str, object]:
    """At the largest loss of each stretch: the loss, and every margin that stood against it."""
    at = _largest(losses, 240)
    css = colours(tables)
    rows: list[list[object]] = [["before", "loss", [per_cent(v) for v in losses[at].tolist()]]]
    for name in tables.models():
        path = tables.margin_of(name, side)
        place = np.searchsorted(path["time_ns"].to_numpy(), times[at], side="right") - 1
        values = path["margin"].to_numpy()[np.maximum(place, 0)]
        rows.append([css[name], name, [per_cent(v) for v in values.tolist()]])
    return {
        "x": [round(clock.at(int(t)), 4) for t in times[at].tolist()],
        "h": [clock.written(int(t)) for t in times[at].tolist()],
        "r": rows,
    }


def count_plot(tables: MarginTables, side: str) -> Plot:
    """Exceedances so far, of the challengers and of the venue, and what the level allows."""
    clock = _clock(tables)
    css, counts = colours(tables), {}
    lost = tables.losses_of(side).filter(pl.col("time_ns") >= clock.start_ns)
    times, losses = lost["time_ns"].to_numpy(), lost["loss"].to_numpy()
    for name in tables.models():
        counts[name] = np.cumsum(losses > tables.margin_of(name, side)["margin"].to_numpy()).astype(
            np.float64
        )
    share = 1.0 - float(tables.summary["level"])
    allowed: Floats = share * np.arange(1, losses.size + 1, dtype=np.float64)
    # A row that lies far beyond all others would flatten them: it leaves the plot at its top, and says so.
    ends = sorted(float(path[-1]) for path in counts.values())
    top = max([end for end in ends if end <= 6.0 * allowed[-1]] + [float(allowed[-1])]) * 1.15
    scale = Scale(0.0, top)
    across = np.array([clock.at(int(t)) * ACROSS for t in times.tolist()])
    keep = thin(list(counts.values()), POINTS)
    drawn: list[Markup | None] = [
        el(
            "path",
            d=path_of(across[keep], _down(allowed[keep], scale, COUNT_HEIGHT)),
            class_="line exogenous",
        )
    ]
    for name, path in reversed(counts.items()):
        shown = np.where(path > top, np.nan, path)
        drawn.append(
            el(
                "path",
                d=path_of(across[keep], _down(shown[keep], scale, COUNT_HEIGHT)),
                class_=f"line {css[name]}",
            )
        )
    axis = [(scale.at(t), figures.count(round(t))) for t in nice_ticks(0.0, top, 4) if t == round(t)]
    words = ", ".join(f"{name} {int(path[-1])}" for name, path in counts.items())
    svg = frame(
        f"Exceedances of {side} positions: {words}; {allowed[-1]:.0f} allowed.",
        COUNT_HEIGHT,
        *y_axis(axis, COUNT_HEIGHT, scale.at(0.0)),
        *x_axis(years(clock), COUNT_HEIGHT),
        lines_box(COUNT_HEIGHT, *drawn),
    )
    rows: list[list[object]] = [["exogenous", "allowed", [f"{v:.1f}" for v in allowed[keep].tolist()]]]
    rows += [[css[name], name, [str(int(v)) for v in path[keep].tolist()]] for name, path in counts.items()]
    tips = {
        "x": [round(a / ACROSS, 4) for a in across[keep].tolist()],
        "h": [clock.written(int(t)) for t in times[keep].tolist()],
        "r": rows,
    }
    legend: tuple[tuple[str, str], ...] = (("stroke exogenous", f"allowed {allowed[-1]:.0f}"),)
    legend += tuple(
        (f"stroke {css[name]}", f"{name} {int(path[-1])}{' (beyond the top)' if path[-1] > top else ''}")
        for name, path in counts.items()
    )
    heading = f"{side.capitalize()} positions"
    return Plot(svg=svg, label=f"Exceedances, {side}", heading=heading, legend=legend, tips=tips)
