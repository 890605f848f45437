"""One HTML file that says whether a margin would have held: days of crisis, plots, tests, how to read it.

It needs nothing else and sends nothing; text is escaped by Jinja2 and `report.svg`. The same tables give the
same bytes. Margins and losses are written in per cent of notional, p-values with three digits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from markupsafe import Markup

from seawall.report import figures
from seawall.report.html import content_hash, page_environment, template_text
from seawall.report.margin_crises import crisis_plot
from seawall.report.margin_plots import count_plot, per_cent, time_plot
from seawall.report.margin_tables import MarginTables

HELD = {"held": "o1", "held at the close only": "o2", "did not hold": "o3"}
ZONES = {"green": "o1", "yellow": "o2", "red": "o3"}
TEST_HEADS = (
    ("Model", False), ("Verdict", False), ("Exceeded", True), ("Allowed", True), ("Mean margin", True),
    ("Worst excess", True), ("Kupiec p", True), ("Indep. p", True), ("DQ p", True), ("Light", False),
    ("Z2", True), ("Z2 p", True), ("In stress", True), ("All windows, 95 %", True), ("Peak / trough", True),
    ("Max rise", True),
)  # fmt: skip


class Cell(msgspec.Struct, frozen=True):
    text: str
    badge: str = ""
    note: str = ""


class Line(msgspec.Struct, frozen=True):
    name: str
    cells: list[Cell]


def render_margin_page(tables: MarginTables, command: str = "") -> str:
    """The whole page as text."""
    summary = tables.summary
    style, script = template_text("report.css") + template_text("margin.css"), template_text("report.js")
    sides = [
        {
            "name": side,
            "crisis_heads": _crisis_heads(tables),
            "crisis_rows": _crisis_rows(tables, side),
            "crisis_plot": crisis_plot(tables, side),
            "time_plot": time_plot(tables, side),
            "test_heads": TEST_HEADS,
            "test_rows": _test_rows(tables, side),
        }
        for side in tables.sides()
    ]
    return (
        page_environment()
        .get_template("margin.html.j2")
        .render(
            title=f"Would the {summary['requirement']} margin of {summary['venue']} have held?",
            facts=_facts(summary),
            sentences=tables.sentences,
            sides=sides,
            count_plots=[count_plot(tables, side) for side in tables.sides()],
            row_count=tables.results.height,
            notes=tables.notes,
            provenance=_provenance(tables),
            command=command,
            style=Markup(style),
            style_hash=content_hash(style),
            script=Markup(script),
            script_hash=content_hash(script),
        )
    )


def write_margin_page(tables: MarginTables, target: Path, command: str = "") -> Path:
    target.write_bytes(render_margin_page(tables, command).encode("utf-8"))
    return target


def _facts(summary: dict[str, Any]) -> str:
    return (
        f"{summary['instrument']} · {summary['from'][:10]} to {summary['to'][:10]} · horizon "
        f"{summary['horizon_hours']:g} h · level {summary['level']:.2%} · notional {summary['notional']:,.0f}"
    )


def _provenance(tables: MarginTables) -> list[tuple[str, str]]:
    names = {
        "rulebook": "Rulebook", "rulebook_sha256": "Rulebook SHA-256", "instrument": "Instrument",
        "requirement": "Requirement", "history": "History", "from": "First window", "to": "Last window",
        "windows": "Windows of the tests", "lookback": "Past of a margin, windows",
    }  # fmt: skip
    return [(words, str(tables.summary[key])) for key, words in names.items()]


def _crises(tables: MarginTables) -> list[str]:
    return list(dict.fromkeys(tables.crises["crisis"].to_list()))


def _crisis_heads(tables: MarginTables) -> tuple[tuple[str, bool], ...]:
    return (("Model", False), *((name, False) for name in _crises(tables)))


def _crisis_rows(tables: MarginTables, side: str) -> list[Line]:
    lines = []
    for model in tables.models():
        cells = []
        for name in _crises(tables):
            found = tables.crises.filter(
                (pl.col("model") == model) & (pl.col("side") == side) & (pl.col("crisis") == name)
            ).to_dicts()
            cells.append(_crisis_cell(found[0]) if found else Cell(figures.DASH))
        lines.append(Line(model, cells))
    return lines


def _crisis_cell(row: dict[str, Any]) -> Cell:
    surplus = row["worst_surplus"]
    sign = "+" if surplus >= 0.0 else figures.MINUS
    note = f"loss {per_cent(row['worst_loss'])}, margin {per_cent(row['worst_margin'])}"
    words = row["verdict"].replace("held at the close only", "close only")
    return Cell(f"{words} {sign}{per_cent(abs(surplus))}", HELD[row["verdict"]], note)


def _test_rows(tables: MarginTables, side: str) -> list[Line]:
    return [
        Line(row["model"], _test_cells(row))
        for row in tables.results.filter(pl.col("side") == side).to_dicts()
    ]


def _test_cells(row: dict[str, Any]) -> list[Cell]:
    return [
        Cell(
            row["verdict"],
            "o1" if row["verdict"] == "in line" else "o3" if row["verdict"] == "too low" else "o2",
        ),
        Cell(f"{row['exceeded']:,}"),
        Cell(f"{row['expected']:,.1f}"),
        Cell(per_cent(row["mean_margin"], 2)),
        Cell(per_cent(row["largest_excess"])),
        *(Cell(p_text(row[name])) for name in ("kupiec_p", "independence_p", "quantile_p")),
        Cell(row["zone"], ZONES[row["zone"]]),
        Cell(figures.DASH if row["z2"] is None else f"{row['z2']:.2f}".replace("-", figures.MINUS)),
        Cell(p_text(row["z2_p"])),
        Cell(per_cent(row["stressed_share"])),
        Cell(f"{per_cent(row['overlap_low'], 2)} to {per_cent(row['overlap_high'], 2)}"),
        Cell(f"{row['peak_to_trough']:.2f}"),
        Cell(per_cent(row["max_rise_1"], 0)),
    ]


def p_text(value: float | None) -> str:
    """Three digits, a dash where there is none, and never a zero that only means small."""
    if value is None:
        return figures.DASH
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
