"""`seawall incidents`: known failures as scenarios, what could be seen when, and what would have held."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from seawall.cli.printing import put, put_json, put_table

if TYPE_CHECKING:
    from seawall.api.incident import IncidentReport

DESCRIPTION = """Failures of lending markets as scenario files. Without a name they are listed. One is run
twice through the engine, as it was and with a safeguard that would have held; published figures stand beside
those of the runs, and detectors say what could be seen in them, first first. Loans are drawn, so the figures
are of the incident's size and not its own."""

EXAMPLES = """  seawall incidents
  seawall incidents aave-crv-2022-11-22
  seawall incidents mine.toml --json                        a scenario file of yours"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="run this one (a name, or a scenario file)")
    parser.add_argument("--json", action="store_true", help="as JSON, with every step of both runs")


def run(args: argparse.Namespace) -> int:
    from seawall.api.incident import list_incidents, load_incident, run_incident

    if args.name is not None:
        report = run_incident(args.name)
        if args.json:
            put_json(report)
        else:
            _show(report)
        return 0
    found = {name: load_incident(name) for name in list_incidents()}
    if args.json:
        put_json(found)
    else:
        put_table(["incident", "what it was"], [[name, one.title] for name, one in found.items()])
    return 0


def _show(report: IncidentReport) -> None:
    one = report.incident
    put(f"{one.title} ({one.date})")
    put(f"  {one.what}")
    put(f"  source    {'; '.join(one.sources)}")
    put(f"  assumed   {one.assumed}")
    put(f"  safeguard {one.safeguard.what}\n")
    rows = [
        [name.replace("_", " "), _figure(published), _figure(was), _figure(kept)]
        for name, published, was, kept in report.rows()
    ]
    put_table(["", "published", "as it was", "with the safeguard"], rows, right=(1, 2, 3))
    put("\nwhat could be seen, first first")
    seen = [
        [
            f"  {fired.name}",
            f"{fired.after_s / 60:,.1f} min",
            f"{fired.measured:,.4g}",
            f"{fired.threshold:,.4g}",
        ]
        for fired in report.as_it_was.fired
    ]
    put_table(
        ["  detector", "after", "measured", "fires from"],
        seen or [["  nothing", "", "", ""]],
        right=(1, 2, 3),
    )
    still = ", ".join(fired.name for fired in report.with_safeguard.fired)
    put(f"\nwith the safeguard: {still or 'nothing fires'}")


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"
