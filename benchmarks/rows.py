"""What a benchmark gives back: rows of the table, and medians of runs. Plain values that JSON can hold."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]


def make_row(
    figure: str, *, ours: str, peer: str, ratio: float, goal: str, met: bool, note: str = "", **more: Any
) -> Row:
    """A row of the table. `met` is computed from what was measured; `more` is kept, but not shown."""
    return {
        "figure": figure,
        "ours": ours,
        "peer": peer,
        "ratio": round(float(ratio), 3),
        "goal": goal,
        "met": bool(met),
        "note": note,
        **more,
    }


def seconds_of(run: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def median_seconds(run: Callable[[], object], repeats: int) -> float:
    """Median wall seconds of several calls."""
    return median(seconds_of(run) for _ in range(repeats))
