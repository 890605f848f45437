"""Small deterministic pieces of which price paths are built: lines through knots, and bridges.

Written with separate numpy additions and multiplications: `np.interp` and reductions are avoided,
because compiled loops may fuse or reorder them differently on another CPU. Values are plain
float64 (log prices, factors); times are float64 in whatever unit the caller uses throughout.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seawall.lab.streams import Stream

Floats = NDArray[np.float64]


def knot_line(at: Floats, knots: Floats, values: Floats) -> Floats:
    """Straight lines through (knots, values); level before the first and after the last knot."""
    right = np.clip(np.searchsorted(knots, at, side="right"), 1, knots.size - 1)
    left = right - 1
    share = np.clip((at - knots[left]) / (knots[right] - knots[left]), 0.0, 1.0)
    line = values[left] * (1.0 - share) + values[right] * share
    return np.where(share == 0.0, values[left], np.where(share == 1.0, values[right], line))


def walk(stream: Stream, step_sd: Floats) -> Floats:
    """A Gaussian walk of the given standard deviation per step, starting at 0 before the first."""
    return np.asarray(np.cumsum(stream.normal(step_sd.size) * step_sd), dtype=np.float64)


def bridge(stream: Stream, at: Floats, knots: Floats, step_sd: Floats) -> Floats:
    """A Gaussian walk bent so that it is exactly 0 at each knot (knots must be among `at`)."""
    free = walk(stream, step_sd)
    pinned = free - knot_line(at, knots, free[np.searchsorted(at, knots)])
    pinned[np.searchsorted(at, knots)] = 0.0
    return pinned
