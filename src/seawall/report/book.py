"""Plots of the whole book: how equity was spread before and after, and where the next liquidations lie.

Equity and notional are in the numeraire, moves are fractions of the price before the crash. The equity bins
are half decades on both sides of zero, with everything smaller than the first edge in one bin in the middle;
their heights are on a logarithmic scale, so that one bankrupt account among ten thousand can be seen.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from markupsafe import Markup
from numpy.typing import NDArray

from seawall.report import figures
from seawall.report.lines import RUN_NAMES, columns_of, extreme
from seawall.report.svg import Plot, Scale, el, frame, nice_ticks, percent, x_axis, y_axis
from seawall.report.tables import RunTables

EQUITY_HEIGHT = 240.0
MAP_HEIGHT = 280.0
MOST_DECADES = 8

Floats = NDArray[np.float64]


def equity_edges(values: Floats) -> Floats:
    """Bin edges, symmetric in kind: half decades away from zero on the sides that hold accounts."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0.0)])
    if not len(sizes):
        return np.array([-1.0, 1.0])
    top = math.ceil(2.0 * math.log10(float(sizes.max())) + 1e-9)
    first = 2 * math.floor(math.log10(max(float(np.quantile(sizes, 0.02)), 1e-9)))
    first = min(max(first, top - 2 * MOST_DECADES), top - 1)
    steps = [10.0 ** (k / 2.0) for k in range(first, top + 1)]
    lowest, highest = float(np.nanmin(values)), float(np.nanmax(values))
    below = [-e for e in reversed(steps) if -e >= lowest or e == steps[0]]
    # One more edge outwards, so that the lowest account has a bin.
    wider = [-e for e in steps if -e < lowest]
    below = [max(wider), *below] if wider and lowest < -steps[0] else below
    above = [e for e in steps if e <= highest or e == steps[0]]
    taller = [e for e in steps if e > highest]
    above = [*above, min(taller)] if taller and highest > steps[0] else above
    return np.array([*below, *above])


def counts_in(values: Floats, edges: Floats) -> Floats:
    """Accounts per bin; values outside go to the outermost bins, unknown ones are not counted."""
    fine = values[np.isfinite(values)]
    place = np.clip(np.searchsorted(edges, fine, side="right") - 1, 0, len(edges) - 2)
    return np.bincount(place, minlength=len(edges) - 1).astype(np.float64)


def _equity(tables: RunTables, run: str, column: str) -> Floats:
    return columns_of(tables.accounts.filter(pl.col("run") == run), [column])[0]


def equity_plot(tables: RunTables) -> Plot:
    """Accounts by equity: before the crash (wide, grey) and after it (narrow), per run."""
    sets = [("before", "before the crash", "before", _equity(tables, "with", "equity_before"))]
    sets += [
        (run, f"after, {RUN_NAMES[run]}", run, _equity(tables, run, "equity_after")) for run in tables.runs()
    ]
    everything = np.concatenate([values for *_, values in sets])
    if not np.isfinite(everything).any():
        return Plot(svg=Markup(""), label="Equity", empty="No account is in the tables.")
    edges = equity_edges(everything)
    cut = [(key, label, css, counts_in(values, edges)) for key, label, css, values in sets]
    bins = len(edges) - 1
    top = max(float(c.max()) for *_, c in cut)
    scale = Scale(0.0, math.log10(1.0 + top) * 1.05 or 1.0)
    drawn = []
    for place, (_, _, css, heights) in enumerate(cut):
        # The grey bar fills its bin; the runs stand in front of it, side by side.
        left, wide = (0.04, 0.92) if place == 0 else (0.14 + 0.38 * (place - 1), 0.34)
        for k in np.flatnonzero(heights).tolist():
            tall = scale.at(math.log10(1.0 + heights[k])) * EQUITY_HEIGHT
            drawn.append(
                el(
                    "rect",
                    x=percent((k + left) / bins),
                    width=percent(wide / bins),
                    y=EQUITY_HEIGHT - tall,
                    height=tall,
                    class_=f"fill {css}",
                )
            )
    axis = [(scale.at(math.log10(1.0 + n)), figures.count(n)) for n in _log_counts(top)]
    zero = int(np.searchsorted(edges, 0.0)) - 1
    broke = [f"{figures.count((values < 0).sum())} below zero {label}" for _, label, _, values in sets]
    svg = frame(
        f"Accounts by equity: {', '.join(broke)}.",
        EQUITY_HEIGHT,
        *y_axis(axis, EQUITY_HEIGHT, 0.0),
        *x_axis(_edge_ticks(edges), EQUITY_HEIGHT),
        el(
            "rect",
            x=percent(zero / bins),
            width=percent(1 / bins),
            y="0",
            height=EQUITY_HEIGHT,
            class_="zero",
        ),
        *drawn,
    )
    heads = [f"{figures.amount(edges[k])} to {figures.amount(edges[k + 1])}" for k in range(bins)]
    tips = {
        "x": [round((k + 0.5) / bins, 4) for k in range(bins)],
        "h": heads,
        "r": [[css, label, [figures.count(n) for n in c.tolist()]] for _, label, css, c in cut],
    }
    return Plot(svg=svg, label="Equity", tips=tips, legend=tuple((css, label) for _, label, css, _ in cut))


def _log_counts(top: float) -> list[float]:
    ticks = [0.0]
    step = 1.0
    while step <= top:
        ticks.append(step)
        step *= 10.0
    return ticks


def _edge_ticks(edges: Floats) -> list[tuple[float, str]]:
    """A label at every whole decade, thinned to about nine."""
    whole = [k for k, e in enumerate(edges.tolist()) if abs(math.log10(abs(e)) % 1.0) < 1e-6]
    every = max(1, math.ceil(len(whole) / 9))
    zero = next((n for n, k in enumerate(whole) if edges[k] > 0), 0)
    chosen = [k for n, k in enumerate(whole) if (n - zero) % every == 0]
    return [(k / (len(edges) - 1), figures.amount(edges[k])) for k in chosen]


def map_plot(tables: RunTables, instrument: str) -> Plot:
    """What the book before the crash would lose to liquidation at each price: longs up, shorts down."""
    rows = tables.liquidation_map.filter(pl.col("instrument") == instrument).sort("move")
    rows = rows.filter(pl.col("move").is_finite() & (pl.col("move") > -1.0) & (pl.col("price") > 0))
    longs, shorts = map(np.nan_to_num, columns_of(rows, ["long_notional", "short_notional"]))
    if rows.is_empty() or not (longs.any() or shorts.any()):
        return Plot(
            svg=Markup(""),
            label=instrument,
            heading=instrument,
            empty="No position would be liquidated anywhere on this map.",
        )
    moves = rows["move"].to_numpy()
    now = float(rows["price"][0]) / (1.0 + float(moves[0]))
    left, right = map_spans(moves)
    across = Scale(float(left.min()), float(right.max()))
    scale = Scale(-float(shorts.max()) * 1.08, float(longs.max()) * 1.08)
    drawn = []
    for k in range(len(moves)):
        x, wide = across.at(left[k]), across.at(right[k]) - across.at(left[k])
        for value, sign, css in ((longs[k], 1.0, "long"), (shorts[k], -1.0, "short")):
            if value <= 0:
                continue
            ends = sorted((scale.at(0.0), scale.at(sign * value)))
            drawn.append(
                el(
                    "rect",
                    x=percent(x + wide * 0.06),
                    width=percent(wide * 0.88),
                    class_=f"fill {css}",
                    y=MAP_HEIGHT * (1.0 - ends[1]),
                    height=max((ends[1] - ends[0]) * MAP_HEIGHT, 0.75),
                )
            )
    axis = [(scale.at(t), figures.amount(abs(t))) for t in nice_ticks(scale.low, scale.high, 5)]
    svg = frame(
        f"Liquidation map of {instrument}: {figures.amount(longs.sum())} of longs, "
        f"{figures.amount(shorts.sum())} of shorts.",
        MAP_HEIGHT,
        *y_axis(axis, MAP_HEIGHT, scale.at(0.0)),
        *_move_axis(across, now),
        *drawn,
        *_level(across, 0.0, "now"),
        *_reached(tables, instrument, across),
        foot=40.0,
    )
    return Plot(
        svg=svg,
        label=instrument,
        heading=instrument,
        tips=_map_tips(rows, left, right, across),
        legend=(
            ("long", "longs liquidated"),
            ("short", "shorts liquidated"),
            ("stroke now", "price before"),
            *((f"stroke {run} dashed", f"furthest price {RUN_NAMES[run]}") for run in tables.runs()),
        ),
    )


def map_spans(moves: Floats) -> tuple[Floats, Floats]:
    """Each bucket reaches from its own move to its neighbour nearer to the price before the crash."""
    left, right = moves.copy(), moves.copy()
    for k in range(len(moves)):
        if moves[k] < 0:
            right[k] = min(moves[k + 1], 0.0) if k + 1 < len(moves) else 0.0
        elif moves[k] > 0:
            left[k] = max(moves[k - 1], 0.0) if k else 0.0
    width = float(np.median(np.diff(moves))) if len(moves) > 1 else 0.01
    still = moves == 0.0
    left[still], right[still] = -width / 4.0, width / 4.0
    return left, right


def _move_axis(across: Scale, now: float) -> list[Markup]:
    ticks = nice_ticks(across.low, across.high, 8)
    low, high = now * (1.0 + across.low), now * (1.0 + across.high)
    decimals = max(figures.price_decimals(low, high) - 1, 0)
    drawn = x_axis([(across.at(t), _move_words(t)) for t in ticks], MAP_HEIGHT)
    below = [(across.at(t), figures.price(now * (1.0 + t), decimals)) for t in ticks]
    return drawn + x_axis(below, MAP_HEIGHT + 15.0, marks=False, every=4)


def _move_words(move: float) -> str:
    places = 0 if abs(round(move, 2) - move) < 1e-9 else 1
    return ("+" if move > 1e-12 else "") + figures.share(move, places)


def _level(across: Scale, move: float, css: str) -> list[Markup]:
    if not across.low <= move <= across.high:
        return []
    x = percent(across.at(move))
    return [el("line", x1=x, x2=x, y1="0", y2=MAP_HEIGHT, class_=f"level {css}")]


def _reached(tables: RunTables, instrument: str, across: Scale) -> list[Markup]:
    rows = tables.prices.filter(pl.col("instrument") == instrument)
    lines = []
    for run in tables.runs():
        found = extreme(rows, f"{run}_feedback")
        lines += _level(across, found[1], f"{run} dashed") if found else []
    return lines


def _map_tips(rows: pl.DataFrame, left: Floats, right: Floats, across: Scale) -> dict:
    moves = rows["move"].to_numpy()
    prices = rows["price"].to_numpy()
    decimals = figures.price_decimals(float(prices.min()), float(prices.max()))
    longs, shorts = map(np.nan_to_num, columns_of(rows, ["long_notional", "short_notional"]))
    # A fall to this price liquidates every long between here and the price before; a rise, every short.
    long_sum = np.cumsum(np.where(moves <= 0, longs, 0.0)[::-1])[::-1]
    short_sum = np.cumsum(np.where(moves >= 0, shorts, 0.0))
    so_far = np.where(moves <= 0, long_sum, short_sum)
    return {
        "x": [round(across.at((a + b) / 2.0), 4) for a, b in zip(left.tolist(), right.tolist())],
        "h": [
            f"{figures.price(p, decimals)}  {_move_words(m)}"
            for p, m in zip(rows["price"].to_list(), moves.tolist())
        ],
        "r": [
            ["long", "longs in this step", [figures.amount(v) for v in longs.tolist()]],
            ["short", "shorts in this step", [figures.amount(v) for v in shorts.tolist()]],
            ["", "all on the way here", [figures.amount(v) for v in so_far.tolist()]],
        ],
    }
