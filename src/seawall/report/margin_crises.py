"""The plot of the days of crisis: the loss of each as a bar, the margins that stood against it as dots.

Shares of notional, written in per cent. The loss is the largest that any margin met; a dot is the margin in
force in the window that it did worst on.
"""

from __future__ import annotations

import polars as pl
from markupsafe import Markup

from seawall.report import figures
from seawall.report.margin_plots import colours, per_cent
from seawall.report.margin_tables import MarginTables
from seawall.report.svg import Plot, Scale, el, frame, nice_ticks, padded, percent, x_axis, y_axis

HEIGHT = 240.0
BARS = (("worst_loss", "before", "loss at the worst price"), ("close_loss", "exogenous", "loss at the close"))


def crisis_plot(tables: MarginTables, side: str) -> Plot:
    """One group per crisis, the same scale for all."""
    rows = tables.crises.filter(pl.col("side") == side)
    names = list(dict.fromkeys(rows["crisis"].to_list()))
    heading = f"{side.capitalize()}: largest loss, and the margins in force"
    if not names:
        empty = "The history touches none of the days."
        return Plot(svg=Markup(""), label=heading, heading=heading, empty=empty)
    css = colours(tables)
    scale = padded([*rows["worst_loss"].to_list(), *rows["worst_margin"].to_list()], include_zero=True)
    drawn: list[Markup | None] = []
    for place, name in enumerate(names):
        drawn += _group(rows.filter(pl.col("crisis") == name), place, len(names), css, scale)
    ticks = [(scale.at(t), per_cent(t, 0)) for t in nice_ticks(0.0, scale.high, 4)]
    labels = [((k + 0.5) / len(names), name) for k, name in enumerate(names)]
    svg = frame(
        f"Days of crisis, {side} positions, against the margins in force.",
        HEIGHT,
        *y_axis(ticks, HEIGHT, scale.at(0.0)),
        *x_axis(labels, HEIGHT, marks=False),
        *drawn,
    )
    legend = (*((key, words) for _, key, words in BARS), *((key, model) for model, key in css.items()))
    tips = {
        "x": [round(at, 4) for at, _ in labels],
        "h": names,
        "r": [[key, words, _largest(rows, column, names)] for column, key, words in BARS]
        + [[key, model, _margins(rows, model, names)] for model, key in css.items()],
    }
    return Plot(svg=svg, label=heading, heading=heading, legend=legend, tips=tips)


def _group(
    here: pl.DataFrame, place: int, groups: int, css: dict[str, str], scale: Scale
) -> list[Markup | None]:
    drawn: list[Markup | None] = []
    for column, key, _ in BARS:
        loss = max(here[column].to_list())
        drawn.append(
            el(
                "rect",
                x=percent((place + 0.18) / groups),
                width=percent(0.64 / groups),
                y=(1.0 - scale.at(max(loss, 0.0))) * HEIGHT,
                height=max(scale.at(loss) - scale.at(0.0), 0.0) * HEIGHT,
                class_=f"fill {key}",
            )
        )
    margins = dict(zip(here["model"].to_list(), here["worst_margin"].to_list()))
    for k, (model, key) in enumerate(css.items()):
        if model in margins:
            x = percent((place + 0.24 + 0.52 * (k + 0.5) / len(css)) / groups)
            y = (1.0 - scale.at(margins[model])) * HEIGHT
            drawn.append(el("circle", cx=x, cy=y, r="5", class_=f"dot {key}"))
    return drawn


def _largest(rows: pl.DataFrame, column: str, names: list[str]) -> list[str]:
    return [per_cent(max(rows.filter(pl.col("crisis") == name)[column].to_list())) for name in names]


def _margins(rows: pl.DataFrame, model: str, names: list[str]) -> list[str]:
    own = rows.filter(pl.col("model") == model)
    held = dict(zip(own["crisis"].to_list(), own["worst_margin"].to_list()))
    return [per_cent(held[name]) if name in held else figures.DASH for name in names]
