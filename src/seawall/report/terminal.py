"""What the terminal shows: a bar while a run goes on, and a closing table with and without feedback.

Amounts are in the numeraire, rounded for reading by the same rules as the page. Instrument and rulebook
names are shown as plain text: nothing in them is read as markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from seawall.report import figures
from seawall.report.story import run_figure
from seawall.report.tables import RUNS

# Key, words, how it is written. None starts a new group.
LINES: tuple[tuple[str, str, Callable[..., str]] | None, ...] = (
    ("liquidated_total", "liquidated", figures.amount),
    ("first_round", "  first round", figures.amount),
    ("amplification", "  amplification", figures.times),
    ("liquidations", "liquidations", figures.count),
    ("bankruptcies", "bankrupt accounts", figures.count),
    None,
    ("bad_debt", "bad debt", figures.amount),
    ("insurance_used", "insurance fund used", figures.amount),
    ("insurance_end", "  left at the end", figures.amount),
    ("backstop_pnl", "backstop profit or loss", figures.amount),
    ("adl_notional", "auto-deleveraged", figures.amount),
    ("adl_accounts", "  accounts", figures.count),
    ("adl_haircut", "  profit given up", figures.amount),
    ("socialised", "socialised loss", figures.amount),
    None,
    ("margin_calls", "margin calls", figures.count),
    ("cured", "  cured in time", figures.count),
    ("unknown_accounts", "accounts not judged", figures.count),
)


def closing_table(summary: Mapping[str, Any]) -> Table:
    """The key figures of both runs side by side, and how much larger feedback made them."""
    unit = str(summary.get("numeraire", ""))
    tag = str((summary.get("rulebook") or {}).get("tag", ""))
    runs = [run for run in RUNS if run in summary.get("runs", {})]
    table = Table(
        title=Text(f"{tag}   seed {summary.get('seed', figures.DASH)}   amounts in {unit}"),
        title_style="bold",
        title_justify="left",
        box=box.SIMPLE,
        show_edge=False,
        pad_edge=False,
        header_style="dim",
    )
    table.add_column("")
    table.add_column("with feedback", justify="right", style="bold")
    if "without" in runs:
        table.add_column("without", justify="right")
        table.add_column("ratio", justify="right", style="dim")
    pending = False
    for line in LINES:
        if line is None:
            pending = table.row_count > 0
            continue
        key, words, write = line
        values = [run_figure(summary, run, key) for run in runs]
        if not any(figures.known(v) for v in values):
            continue
        if pending:
            table.add_section()
            pending = False
        cells = [Text(write(v)) for v in values]
        if "without" in runs:
            cells.append(Text(_ratio(key, *values)))
        warn = key == "unknown_accounts" and any(figures.known(v) and v > 0 for v in values)
        table.add_row(Text(words), *cells, style="bold yellow" if warn else None)
    return table


def _ratio(key: str, one: Any, other: Any) -> str:
    """With ÷ without, where that says something: both positive, and not itself a factor."""
    if key in ("amplification", "unknown_accounts", "insurance_end", "backstop_pnl"):
        return ""
    if not (figures.known(one) and figures.known(other)) or one <= 0 or other <= 0:
        return ""
    return figures.times(one / other)


def print_closing(summary: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the closing table, and how long the run took if the summary says so."""
    screen = console or Console()
    screen.print()
    screen.print(closing_table(summary))
    seconds = summary.get("wall_seconds")
    if figures.known(seconds):
        screen.print(Text(f"took {seconds:.1f} s", style="dim"))


@contextmanager
def progress(total: int, label: str, console: Console | None = None) -> Iterator[Callable[[int], None]]:
    """Give a function that moves a bar on by so many steps. Silent where the output is not a terminal."""
    screen = console or Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(label, total=total)

        def advance(steps: int = 1) -> None:
            bar.advance(task, steps)

        yield advance
