"""One HTML file that tells the story of a run: plots, tables and where it all came from.

The file needs nothing else: no network, no fonts, no plotting library. All content is escaped by Jinja2 and
`seawall.report.svg`; the page's own content policy allows only the one script and style it was built with.
The same run gives the same bytes. Amounts are in the numeraire, rounded for reading.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from seawall.report import figures
from seawall.report.bars import call_plots, flow_plots
from seawall.report.book import equity_plot, map_plot
from seawall.report.lines import RUN_NAMES, clock_of, fund_plots, instruments_of, price_plot
from seawall.report.rows import HIT_HEADS, endings, hits, other_figures, payers, roles, run_figures
from seawall.report.story import cards, sentences, warnings
from seawall.report.svg import Plot
from seawall.report.tables import RunTables, lookup

_FOLDER = Path(__file__).with_name("templates")
# What the provenance list shows, in this order; every other figure is in the table of all figures.
PROVENANCE = (
    ("Rulebook", "rulebook.tag"),
    ("Rulebook SHA-256", "rulebook.sha256"),
    ("Seed", "seed"),
    ("Accounts", "accounts"),
    ("Steps", "steps"),
    ("Numeraire", "numeraire"),
)


def template_text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def content_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def page_environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {
        "sort_keys": True,
        "separators": (",", ":"),
        "allow_nan": False,
    }
    return environment


def _provenance(summary: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [(words, figures.exact(lookup(summary, path))) for words, path in PROVENANCE]
    rows += [
        ("From", figures.calendar(lookup(summary, "start_ns"))),
        ("To", figures.calendar(lookup(summary, "end_ns"))),
    ]
    for run, words in RUN_NAMES.items():
        commands, events = lookup(summary, f"runs.{run}.commands"), lookup(summary, f"runs.{run}.events")
        if figures.known(commands) or figures.known(events):
            rows.append(
                (words.capitalize(), f"{figures.count(commands)} commands, {figures.count(events)} events")
            )
    return rows


def _maps(tables: RunTables, names: list[str]) -> list[Plot]:
    mapped = set(tables.liquidation_map["instrument"].to_list())
    return [map_plot(tables, name) for name in names if name in mapped] + [
        map_plot(tables, name) for name in sorted(mapped - set(names))
    ]


def render_html(tables: RunTables) -> str:
    """The whole page as text. Raises InputError if a table has the wrong shape."""
    tidy = tables.canonical()
    summary = tidy.summary
    clock, names = clock_of(tidy), instruments_of(tidy)
    style, script = template_text("report.css"), template_text("report.js")
    return (
        page_environment()
        .get_template("report.html.j2")
        .render(
            title=str(summary.get("title") or f"Crash on {summary['rulebook']['tag']}"),
            numeraire=str(summary["numeraire"]),
            span=figures.period(clock.start_ns, clock.span_ns),
            style=Markup(style),
            style_hash=content_hash(style),
            script=Markup(script),
            script_hash=content_hash(script),
            runs=tidy.runs(),
            run_names=RUN_NAMES,
            summary=summary,
            sentences=sentences(tidy),
            warnings=warnings(tidy),
            cards=cards(tidy),
            prices=[price_plot(tidy, name, clock) for name in names],
            flows=flow_plots(tidy, clock),
            funds=fund_plots(tidy, clock),
            calls=call_plots(tidy, clock),
            equity=equity_plot(tidy),
            maps=_maps(tidy, names),
            payers=payers(tidy),
            endings=endings(tidy),
            roles=roles(tidy),
            hits=hits(tidy),
            hit_heads=HIT_HEADS,
            run_figures=run_figures(tidy),
            other_figures=other_figures(tidy),
            provenance=_provenance(summary),
            notes=[str(note) for note in summary.get("notes") or []],
            command=str(summary.get("command") or ""),
        )
    )


def write_html(tables: RunTables, path: Path | str) -> Path:
    """Write the page to `path` (its folder is made if absent) and return it."""
    target = Path(path)
    page = render_html(tables)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(page.encode("utf-8"))
    return target
