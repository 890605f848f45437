"""The benchmark table: what is stored, what stands for what was not run, and the page it is written into."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.page import BEGIN, END, PAGE, write_page
from benchmarks.record import EMPTY, latest, store
from benchmarks.rows import make_row
from benchmarks.run import cells_of, here

MACHINE = {"processor": "a | b", "cores": "2", "load at the end": "0.5 (1 per busy core)"}
FAST = make_row("fast", ours="1 ms", peer="NumPy 9 ms", ratio=9.0, goal="5x", met=True, note="as hoped")
SLOW = make_row("slow", ours="9 ms", peer="NumPy 1 ms", ratio=0.111, goal="5x", met=False)


def test_what_is_not_run_keeps_its_rows_and_their_commit(tmp_path: Path) -> None:
    store(EMPTY, "aaa", MACHINE, {"one": [FAST], "two": [SLOW]}, tmp_path)
    store(latest(tmp_path), "bbb+", MACHINE, {"two": [FAST]}, tmp_path)
    modules = latest(tmp_path)["modules"]
    assert [(name, modules[name]["commit"]) for name in modules] == [("one", "aaa"), ("two", "bbb+")]
    assert modules["two"]["rows"] == [FAST] and (tmp_path / "bbb.json").exists()


def test_figures_of_an_older_form_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(json.dumps({"commit": "old", "rows": []}))
    assert latest(tmp_path) == EMPTY


def test_the_page_shows_every_row_and_says_no_where_a_goal_is_missed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold figures\n{END}\nafter\n")
    store(EMPTY, "aaa", MACHINE, {"two": [SLOW], "one": [FAST]}, tmp_path)
    write_page(latest(tmp_path), ("one", "two"), page)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith(f"{END}\nafter\n") and "old figures" not in text
    assert text.index("| fast<br>as hoped | 1 ms | NumPy 9 ms | 9.0x | 5x | yes | aaa |") < text.index(
        "| slow | 9 ms | NumPy 1 ms | 0.111x | 5x | **no** | aaa |"
    )
    assert "- processor: a | b" in text and "at the end of the runs: 0.5" in text
    write_page(latest(tmp_path), ("one", "two"), page)
    assert page.read_text() == text


def test_a_page_without_markers_is_not_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("by hand")
    with pytest.raises(ValueError, match="markers"):
        write_page(EMPTY, (), page)
    assert page.read_text() == "by hand"
    assert BEGIN in PAGE.read_text() and END in PAGE.read_text()


def test_every_benchmark_can_be_asked_for_its_rows() -> None:
    assert {"crash", "sweep", "startup", "whole_book"} <= set(here())
    for name in here():
        assert callable(import_module(f"benchmarks.{name}").measure)


def test_a_row_that_does_not_say_whether_its_goal_is_met_gets_no_word_for_it() -> None:
    assert [cells_of(row)[-1] for row in (FAST, SLOW)] == ["met", "not met"]
    assert cells_of({**FAST, "met": None})[-1] == ""
