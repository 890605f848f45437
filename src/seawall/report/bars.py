"""Plots of amounts and counts in bins over time: liquidations by step, and margin calls.

Amounts are in the numeraire. Bins are of equal length; an event on an edge belongs to the later bin, one at
the very end to the last. Both runs are drawn on one scale, so that their heights can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from markupsafe import Markup
from numpy.typing import NDArray

from seawall.report import figures
from seawall.report.lines import RUN_NAMES, Clock, columns_of
from seawall.report.svg import Plot, Scale, el, frame, nice_ticks, percent, x_axis, y_axis
from seawall.report.tables import STEPS, RunTables, ordered

HEIGHT = 190.0
MOST_BINS = 48
# From a mild step (blue) to the last resort (red).
COLOURS = {"reduce": "c1", "close": "c7", "auction": "c5", "takeover": "c2", "backstop": "c4", "adl": "c3"}
SPARE = ("c6", "c8")

Floats = NDArray[np.float64]


def bins_of(tables: RunTables) -> int:
    """As many bins over time as there are steps, up to what a phone can show."""
    steps = tables.prices["time_ns"].n_unique() if tables.prices.height else 0
    return min(max(steps, 1), MOST_BINS)


def step_colours(tables: RunTables) -> dict[str, str]:
    """Each step's colour class, the same in every plot of the page; steps not known here share the rest."""
    found = ordered(STEPS, tables.flow["step"].unique().to_list())
    strange = [name for name in found if name not in COLOURS]
    return {name: COLOURS.get(name) or SPARE[strange.index(name) % len(SPARE)] for name in found}


def binned(rows: pl.DataFrame, amounts: str | None, clock: Clock, bins: int) -> Floats:
    """The sum of a column (or the number of rows) in each bin over time."""
    if rows.is_empty():
        return np.zeros(bins)
    times = (rows["time_ns"].to_numpy() - clock.start_ns) / clock.span_ns
    place = np.clip((times * bins).astype(np.int64), 0, bins - 1)
    weights = np.nan_to_num(columns_of(rows, [amounts])[0]) if amounts else None
    return np.bincount(place, weights=weights, minlength=bins).astype(np.float64)


def bin_heads(clock: Clock, bins: int) -> tuple[list[float], list[str]]:
    """Middle of each bin as a fraction, and its start as text."""
    starts = [clock.start_ns + clock.span_ns * k // bins for k in range(bins)]
    return [round((k + 0.5) / bins, 4) for k in range(bins)], [f"from {clock.written(t)}" for t in starts]


def stacks(
    columns: Sequence[tuple[str, Floats]], scale: Scale, height: float, sign: float = 1.0
) -> list[Markup]:
    """Stacked bars, upwards (sign 1) or downwards (-1) from zero; bars of nothing are not drawn."""
    if not columns:
        return []
    bins = len(columns[0][1])
    reached = np.zeros(bins)
    drawn = []
    for css, values in columns:
        for k in np.flatnonzero(values > 0).tolist():
            ends = sorted((scale.at(sign * reached[k]), scale.at(sign * (reached[k] + values[k]))))
            tall = max((ends[1] - ends[0]) * height, 0.75)
            drawn.append(
                el(
                    "rect",
                    x=percent((k + 0.1) / bins),
                    width=percent(0.8 / bins),
                    y=height * (1.0 - ends[1]),
                    height=tall,
                    class_=f"fill {css}",
                )
            )
        reached = reached + values
    return drawn


def flow_plots(tables: RunTables, clock: Clock) -> list[Plot]:
    """Liquidated notional over time by step, one plot per run, on one scale."""
    bins, colours = bins_of(tables), step_colours(tables)
    cut: dict[str, list[tuple[str, str, Floats]]] = {}
    for run in tables.runs():
        rows = tables.flow.filter(pl.col("run") == run)
        cut[run] = [
            (name, css, binned(rows.filter(pl.col("step") == name), "notional", clock, bins))
            for name, css in colours.items()
        ]
    heights = [np.sum([values for _, _, values in columns], axis=0) for columns in cut.values() if columns]
    top = max((float(h.max()) for h in heights), default=0.0)
    return [_flow_plot(tables, run, cut[run], Scale(0.0, top * 1.06 or 1.0), clock) for run in tables.runs()]


def _flow_plot(
    tables: RunTables, run: str, cut: list[tuple[str, str, Floats]], scale: Scale, clock: Clock
) -> Plot:
    heading = RUN_NAMES[run].capitalize()
    rows = tables.flow.filter(pl.col("run") == run)
    total = float(np.nansum(columns_of(rows, ["notional"])[0]))
    if total <= 0.0:
        return Plot(
            svg=Markup(""), label=heading, heading=heading, empty="Nothing was liquidated in this run."
        )
    bins = len(cut[0][2])
    x, heads = bin_heads(clock, bins)
    axis = [(scale.at(t), figures.amount(t)) for t in nice_ticks(0.0, scale.high, 4)]
    longs = binned(rows.filter(pl.col("side") == "long"), "notional", clock, bins)
    shorts = binned(rows.filter(pl.col("side") == "short"), "notional", clock, bins)
    closed = binned(rows, "count", clock, bins)
    present = [(name, css, v) for name, css, v in cut if v.any()]
    svg = frame(
        f"Liquidated {RUN_NAMES[run]}: {figures.amount(total)} in all.",
        HEIGHT,
        *y_axis(axis, HEIGHT, 0.0),
        *x_axis(clock.ticks(), HEIGHT),
        *stacks([(css, v) for _, css, v in cut], scale, HEIGHT),
    )
    detail = [
        [css, figures.words(name), [figures.amount(a) for a in v.tolist()]]
        for name, css, v in reversed(present)
    ]
    detail += [
        ["", "longs closed", [figures.amount(a) for a in longs.tolist()]],
        ["", "shorts closed", [figures.amount(a) for a in shorts.tolist()]],
        ["", "closings", [figures.count(a) for a in closed.tolist()]],
    ]
    return Plot(
        svg=svg,
        label=heading,
        heading=heading,
        tips={"x": x, "h": heads, "r": detail},
        legend=tuple((css, figures.words(name)) for name, css, _ in present),
    )


CALLS = (("issued", "issued", "c2"), ("cured", "cured in time", "c5"), ("deadline", "deadline passed", "c3"))


def call_plots(tables: RunTables, clock: Clock) -> list[Plot]:
    """Margin calls over time: issued upwards, how they ended downwards; one scale for both runs."""
    bins = bins_of(tables)
    cut = {
        run: {
            kind: binned(
                tables.calls.filter((pl.col("run") == run) & (pl.col("kind") == kind)), None, clock, bins
            )
            for kind, _, _ in CALLS
        }
        for run in tables.runs()
    }
    up = max((float(c["issued"].max()) for c in cut.values()), default=0.0)
    down = max((float((c["cured"] + c["deadline"]).max()) for c in cut.values()), default=0.0)
    scale = Scale(-down * 1.08, up * 1.08) if up + down > 0 else Scale(0.0, 1.0)
    return [_call_plot(run, cut[run], scale, clock) for run in tables.runs()]


def _call_plot(run: str, cut: dict[str, Floats], scale: Scale, clock: Clock) -> Plot:
    heading = RUN_NAMES[run].capitalize()
    if not any(v.any() for v in cut.values()):
        return Plot(
            svg=Markup(""), label=heading, heading=heading, empty="No margin call was made in this run."
        )
    x, heads = bin_heads(clock, len(cut["issued"]))
    ticks = [t for t in nice_ticks(scale.low, scale.high, 4) if float(t).is_integer()]
    axis = [(scale.at(t), figures.count(abs(t))) for t in ticks]
    totals = ", ".join(f"{figures.count(cut[kind].sum())} {label}" for kind, label, _ in CALLS)
    svg = frame(
        f"Margin calls {RUN_NAMES[run]}: {totals}.",
        HEIGHT,
        *y_axis(axis, HEIGHT, scale.at(0.0)),
        *x_axis(clock.ticks(), HEIGHT),
        *stacks([("c2", cut["issued"])], scale, HEIGHT),
        *stacks([("c5", cut["cured"]), ("c3", cut["deadline"])], scale, HEIGHT, -1.0),
    )
    rows = [[css, label, [figures.count(v) for v in cut[kind].tolist()]] for kind, label, css in CALLS]
    legend = tuple((css, f"{label} {figures.count(cut[kind].sum())}") for kind, label, css in CALLS)
    return Plot(svg=svg, label=heading, heading=heading, legend=legend, tips={"x": x, "h": heads, "r": rows})
