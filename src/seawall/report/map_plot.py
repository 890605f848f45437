"""The heat map of a portfolio: health over price and vols, with its zero line and the worst scenario.

Both axes are even in the logarithm. A cell is coloured by its health against the largest on its own side of
zero, in eight steps; the zero line is interpolated between the cells' centres.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from seawall.report import figures
from seawall.report.map_tables import HeatMap
from seawall.report.svg import ACROSS, Plot, Scale, el, frame, lines_box, percent, x_axis, y_axis

HEIGHT = 380.0
STEPS = 8
MOST_LEGS = 8
PRICE_TICKS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0)
VOL_TICKS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
APART = 0.06  # of the width: labels nearer than this to the one before are left out


def heat_plot(heat: HeatMap) -> Plot:
    across, up = _axis(heat.prices), _axis(heat.vols)
    svg = frame(
        f"Health of {heat.underlying} at {heat.level} over price and vols: "
        f"{int(np.count_nonzero(heat.health < 0.0))} of {heat.health.size} cells below zero.",
        HEIGHT,
        el("g", *_cells(heat), class_="cells"),
        *y_axis([(up.at(math.log(v)), f"{v:g}×") for v in VOL_TICKS if _inside(up, v)], HEIGHT),
        *x_axis(_price_ticks(heat, across), HEIGHT),
        lines_box(HEIGHT, el("path", d=zero_line(heat.health, HEIGHT), class_="line zeroline")),
        *_today(across, up),
        *_worst(heat, across, up),
        el("rect", width="0", height="0", class_="here"),
    )
    legend = (
        ("pos", "health above zero"),
        ("neg", f"below zero: {heat.level} missed"),
        ("stroke zeroline", "zero"),
        ("ring now", "today"),
        *((("ring worst", f"worst scenario: {heat.worst.words}"),) if heat.worst else ()),
    )
    heading = f"{heat.underlying}: health at {heat.level}, {heat.unit}"
    return Plot(svg=svg, label=heading, heading=heading, legend=legend, tips=_tips(heat))


def zero_line(health: np.ndarray, height: float) -> str:
    """Marching squares over the cells' centres, as a path; "" where all have one sign."""
    rows, columns = health.shape

    def point(row: float, column: float) -> str:
        return f"{(column + 0.5) / columns * ACROSS:.1f} {height * (1.0 - (row + 0.5) / rows):.1f}"

    pieces = []
    for row, column in np.ndindex(rows - 1, columns - 1):
        corners = ((row, column), (row, column + 1), (row + 1, column + 1), (row + 1, column))
        cuts = []
        for (r0, c0), (r1, c1) in pairwise((*corners, corners[0])):
            a, b = float(health[r0, c0]), float(health[r1, c1])
            if (a >= 0.0) != (b >= 0.0):
                share = a / (a - b)
                cuts.append(point(r0 + share * (r1 - r0), c0 + share * (c1 - c0)))
        pieces += [f"M{one}L{two}" for one, two in zip(cuts[::2], cuts[1::2])]
    return "".join(pieces)


def _axis(factors: np.ndarray) -> Scale:
    """Logarithms to 0..1, with half a cell of room at both ends, for cells are centred on their factors."""
    low, high = math.log(float(factors[0])), math.log(float(factors[-1]))
    half = (high - low) / (2 * (len(factors) - 1))
    return Scale(low - half, high + half)


def _inside(scale: Scale, factor: float) -> bool:
    return scale.low <= math.log(factor) <= scale.high


def _cells(heat: HeatMap) -> list[Markup]:
    rows, columns = heat.health.shape
    tops = {True: float(max(heat.health.max(), 0.0)), False: float(max(-heat.health.min(), 0.0))}
    cells = []
    tall = HEIGHT / rows
    for row, column in np.ndindex(rows, columns):
        value = float(heat.health[row, column])
        met = value >= 0.0
        step = max(math.ceil(abs(value) / tops[met] * STEPS), 1) if tops[met] else 1
        cells.append(
            el(
                "rect",
                x=f"{column / columns * 100:.3f}%",
                y=HEIGHT - (row + 1) * tall,
                width=f"{100.0 / columns:.3f}%",
                height=tall,
                class_=f"{'pos' if met else 'neg'} s{step}",
            )
        )
    return cells


def _price_ticks(heat: HeatMap, across: Scale) -> list[tuple[float, str]]:
    ticks: list[tuple[float, str]] = []
    for factor in PRICE_TICKS:
        place = across.at(math.log(factor))
        if _inside(across, factor) and (not ticks or place - ticks[-1][0] > APART):
            ticks.append((place, figures.amount(heat.spot * factor)))
    return ticks


def _today(across: Scale, up: Scale) -> list[Markup]:
    if not (_inside(across, 1.0) and _inside(up, 1.0)):
        return []
    x, y = percent(across.at(0.0)), HEIGHT * (1.0 - up.at(0.0))
    return [el("circle", cx=x, cy=y, r="5", class_="ring now")]


def _worst(heat: HeatMap, across: Scale, up: Scale) -> list[Markup]:
    """A ring in the middle of the shocks of the legs' vols, and a bar from the least to the largest."""
    if heat.worst is None:
        return []
    x = percent(min(max(across.at(math.log(heat.worst.price)), 0.0), 1.0))
    ends = [math.log(max(vol, 1e-3)) for vol in (heat.worst.low_vol, heat.worst.high_vol)]
    low, high = (HEIGHT * (1.0 - min(max(up.at(end), 0.0), 1.0)) for end in ends)
    bar = el("line", x1=x, x2=x, y1=low, y2=high, class_="worstbar")
    return [bar, el("circle", cx=x, cy=0.5 * (low + high), r="7", class_="ring worst")]


def _tips(heat: HeatMap) -> dict[str, object]:
    """Per cell, rows from the lowest vol: health, requirement, and the change of each leg, largest first."""
    order = sorted(range(len(heat.legs)), key=lambda leg: -float(np.abs(heat.changes[leg]).max()))
    shown, rest = order[:MOST_LEGS], order[MOST_LEGS:]
    rows = [["health", _texts(heat.health)], [f"{heat.level} needs", _texts(heat.needs)]]
    rows += [[heat.legs[leg], _texts(heat.changes[leg], signed=True)] for leg in shown]
    if rest:
        others = np.sum([heat.changes[leg] for leg in rest], axis=0)
        rows.append([f"{len(rest)} other legs", _texts(others, signed=True)])
    return {
        "columns": len(heat.prices),
        "rows": len(heat.vols),
        "x": [f"{heat.underlying} {figures.amount(heat.spot * p)} ({p - 1.0:+.1%})" for p in heat.prices],
        "y": [f"vols {v:.2f}×" for v in heat.vols],
        "r": rows,
        "start": [int(np.abs(np.log(heat.vols)).argmin()), int(np.abs(np.log(heat.prices)).argmin())],
    }


def _texts(grid: np.ndarray, signed: bool = False) -> list[str]:
    texts = [figures.amount(float(value)) for value in grid.ravel()]
    return [f"+{text}" if signed and text[0] not in f"{figures.MINUS}0" else text for text in texts]
