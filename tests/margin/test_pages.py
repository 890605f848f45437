"""The worked examples of the reference pages, run as they are printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("pages", [("margin", "solver"), ("prices",), ("portfolio-margin",), ("options",)])
def test_the_worked_examples_hold(pages: tuple[str, ...]) -> None:
    """The solver page goes on with the pot of the margin page."""
    names: dict[str, Any] = {}
    for page in pages:
        blocks = re.findall(r"^```python\n(.*?)^```", (PAGES / f"{page}.md").read_text(), flags=re.M | re.S)
        assert blocks
        for block in blocks:
            assert "assert " in block
            exec(compile(block, f"{page}.md", "exec"), names)
