"""The closing table: both runs side by side, nothing read as markup, silent where nobody looks."""

from __future__ import annotations

import io

from rich.console import Console

from seawall.report import print_closing, progress
from tests.report.demo import demo


def printed(summary: dict) -> str:
    out = io.StringIO()
    print_closing(summary, Console(file=out, width=100, color_system=None))
    return out.getvalue().replace("\u00a0", " ")


def row(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.strip().startswith(name))
    return line.replace(name, "", 1).replace(" M", "M").split()


def test_the_table_shows_both_runs_and_their_ratio() -> None:
    text = printed(demo(count=20, steps=10).summary)
    assert row(text, "liquidated") == ["489M", "208M", "2.35×"]
    assert row(text, "amplification") == ["1.89×", "1.00×"]
    assert row(text, "auto-deleveraged") == ["41M", "0"]
    assert "took 12.5 s" in text


def test_an_unknown_figure_is_a_dash() -> None:
    summary = demo(count=20, steps=10).summary
    summary["runs"]["without"]["bad_debt"] = None
    assert row(printed(summary), "bad debt") == ["61.2M", "–"]


def test_a_single_run_has_one_column() -> None:
    summary = demo(count=20, steps=10).summary
    del summary["runs"]["without"]
    text = printed(summary)
    assert "without" not in text
    assert row(text, "liquidated") == ["489M"]


def test_names_are_not_read_as_markup() -> None:
    summary = demo(count=20, steps=10).summary
    summary["rulebook"]["tag"] = "[red]x[/red]"
    assert "[red]x[/red]" in printed(summary)


def test_progress_writes_nothing_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    with progress(10, "[bold]steps", Console(file=out)) as advance:
        advance(3)
        advance()
    assert out.getvalue() == ""


def test_progress_shows_its_label_in_a_terminal() -> None:
    out = io.StringIO()
    with progress(10, "crash [x]", Console(file=out, force_terminal=True, width=80)) as advance:
        advance(10)
    assert "crash [x]" in out.getvalue() and "10/10" in out.getvalue()
