"""What docs/reference/oracles.md says of the transforms is so: its example runs, its tables are whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seawall.market.policy import Condition
from seawall.market.transforms.pipeline import run, start
from seawall.rulebooks.parse_transforms import _KINDS
from tests.market.transforms.test_memory import HOUR, said
from tests.market.transforms.test_pipeline import ALL

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "oracles.md").read_text("utf-8")
SILENT = {"stands": ("deviation_heartbeat", "limiter", "anchor", "delay", "twap", "ema", "stable")}
SILENT["nothing"] = ("clamp", "confidence", "validity", "sequencer_gate", "ratio", "rate_cap")


def test_the_worked_example_runs():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "oracles.md", "exec"), {})


def test_every_kind_has_its_rule_and_says_what_it_does_with_nothing():
    rules, rest = PAGE.split("## Nothing, zero, stale")
    silence = rest.split("## Conditions")[0]
    for kind in _KINDS:
        assert rules.count(f"\n| {kind} |") == 1
        assert re.search(rf"[|,] {kind}[, ]", silence), kind
    assert {transform.__struct_config__.tag for transform in ALL} == set(_KINDS)


@pytest.mark.parametrize("kind", [*SILENT["stands"], *SILENT["nothing"]])
def test_nothing_after_a_good_price_is_as_the_table_says(kind):
    (one,) = (transform for transform in ALL if transform.__struct_config__.tag == kind)
    words = {name: said(1000, 5) for name in "abc"} | {
        "c": said(1 if kind == "sequencer_gate" else 10**18, 5)
    }
    states, now = start((one,)), 5
    for _hour in range(4):
        now += HOUR
        fresh = {name: said(word.price, now) for name, word in words.items()}
        states, good = run((one,), states, said(1000, now), fresh, now_ns=now)
    assert good.price == 1000 and not good.conditions & (Condition.MISSING | Condition.STALE)
    for zero in (None, 0):
        out = run((one,), states, said(zero, now), words, now_ns=now)[1]
        told = (out.price, bool(out.conditions & Condition.STALE), bool(out.conditions & Condition.MISSING))
        assert told == ((1000, True, False) if kind in SILENT["stands"] else (None, False, True))
