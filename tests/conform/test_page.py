"""The page of published numbers says what a run says today, and counts the code that names a venue."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.conform import run_conformance
from tools.conformance_page import MARK, PAGE, SCORES, lines_by_file, page, scores, venue_lines, venue_section

SHARED = Path(__file__).resolve().parents[3] / "shared" / "vectors"


def test_the_page_has_todays_figures():
    if not SHARED.is_dir():
        pytest.skip("published vectors (../shared) are not here")
    fix = "run `python -m tools.conformance_page ../shared/vectors`"
    found = run_conformance(SHARED)
    assert PAGE.read_text("utf-8") == page(found), fix
    assert SCORES.read_text("utf-8") == scores(found), fix


def test_the_page_counts_the_code_that_names_a_venue():
    assert PAGE.read_text("utf-8").split(MARK)[1].strip() == venue_section(lines_by_file()).strip()


def test_a_venue_is_counted_in_code_and_not_in_prose():
    assert venue_lines('"""Of Binance."""\nx = 1  # binance\n') == 0
    assert venue_lines("if venue == 'binance':\n    pass\n") == 1
    assert venue_lines("def okx_margin():\n    maker_fee = derived = 0\n") == 1
