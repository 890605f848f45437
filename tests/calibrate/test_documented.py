"""The figures on docs/reference/tail-margin.md are those that its code gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("scipy")
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "tail-margin.md"


def test_every_figure_beside_a_line_of_code_is_its_value():
    scope: dict[str, object] = {}
    checked = 0
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        for line in block.splitlines():
            code, _, printed = line.partition("  # ")
            if printed:
                assert repr(eval(code, scope)) == printed.strip(), line
                checked += 1
            else:
                exec(code, scope)
    assert checked == 7
