"""The table in the documentation: docs/benchmarks.md, between two markers, from the stored record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.record import Record
from benchmarks.rows import Row

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


def write_page(record: Record, order: Sequence[str], page: Path = PAGE) -> str:
    """Put the record between the markers. ValueError if the page has lost them."""
    text = page.read_text()
    head, begin, rest = text.partition(BEGIN)
    _, end, foot = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page.name}: the markers are gone\n  Put back {BEGIN!r} and {END!r}.")
    page.write_text(f"{head}{BEGIN}\n\n{figures_text(record, order)}\n{END}{foot}")
    return page.name


def figures_text(record: Record, order: Sequence[str]) -> str:
    """A table per machine, in the order of the modules."""
    modules = record["modules"]
    names = [name for name in order if name in modules]
    machines: list[dict[str, str]] = []
    for name in names:
        if _without_load(modules[name]["machine"]) not in machines:
            machines.append(_without_load(modules[name]["machine"]))
    parts = []
    for machine in machines:
        mine = [modules[name] for name in names if _without_load(modules[name]["machine"]) == machine]
        rows = [_line(row, module["commit"]) for module in mine for row in module["rows"]]
        loads = ", ".join(dict.fromkeys(m["machine"].get("load at the end", "").split(" ")[0] for m in mine))
        parts += [
            *(f"- {key}: {value}" for key, value in machine.items()),
            f"- load of the machine at the end of the runs: {loads}",
            "",
            "| figure | ours | peer, same run | ratio | goal | met | commit |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    return "\n".join(parts)


def _line(row: Row, commit: str) -> str:
    met = {True: "yes", False: "**no**"}.get(row.get("met"), "")  # type: ignore[arg-type]
    note = f"<br>{row['note']}" if row.get("note") else ""
    cells = (f"{row['figure']}{note}", row["ours"], row["peer"], f"{row['ratio']}x", row["goal"], met, commit)
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"


def _without_load(machine: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in machine.items() if key != "load at the end"}
