"""Several objectives at once, all to be made small: fronts, crowding, and the volume a front dominates.

Points [n, objectives] in any units. Sources: Deb et al. 2002 (NSGA-II); Zitzler & Thiele 1998 (hypervolume).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from seawall.calibrate.inputs import Floats
from seawall.errors import InputError

Points = Sequence[Sequence[float]]


def _table(points: Points, objectives: int | None = None) -> Floats:
    table = np.array(points, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all() or objectives not in (None, table.shape[-1]):
        raise InputError.at(
            "objectives", f"points of shape {table.shape}", "Give one row of finite numbers for each point."
        )
    return table


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """No worse anywhere, better somewhere."""
    return all(a <= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)


def fronts(points: Points) -> list[list[int]]:
    """Places of the points nobody dominates, then of those only the former dominate, and so on."""
    table = _table(points)
    no_worse = np.all(table[:, None, :] <= table[None, :, :], axis=2)
    better = np.logical_and(no_worse, np.any(table[:, None, :] < table[None, :, :], axis=2))
    left, found = np.arange(len(table)), []
    while left.size:
        free = ~np.any(better[np.ix_(left, left)], axis=0)
        found.append(left[free].tolist())
        left = left[~free]
    return found


def crowding(points: Points) -> list[float]:
    """How far each point's neighbours lie apart, by objective over its range; infinite at the ends."""
    table = _table(points)
    room = np.zeros(len(table))
    for column in table.T:
        order = np.argsort(column, kind="stable")
        span = float(column[order[-1]] - column[order[0]])
        room[order[0]] = room[order[-1]] = math.inf
        if span > 0.0:
            room[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
    return room.tolist()


def hypervolume(points: Points, reference: Sequence[float]) -> float:
    """Area between a front of two objectives and a reference point that is worse in both."""
    table, corner = _table(points, 2), _table([reference], 2)[0]
    inside = table[(table < corner).all(axis=1)]
    area, lowest = 0.0, float(corner[1])
    for first, second in inside[np.lexsort((inside[:, 1], inside[:, 0]))]:
        if second < lowest:
            area += (float(corner[0]) - float(first)) * (lowest - float(second))
            lowest = float(second)
    return area
