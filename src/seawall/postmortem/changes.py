"""What changed in a series, and when; and which prints of a feed cannot be believed.

Values in one unit, places from 0. Sources: Page 1954 and Montgomery (tabular CUSUM), Siegmund 1985 (run
lengths), Gama et al. 2014 (Page-Hinkley), Adams & MacKay 2007 (Bayesian change points), Killick et al. 2012
(PELT: here the same optimum by dynamic programming), Iglewicz & Hoaglin 1993 (median absolute deviation).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError

NORMAL_MAD = 0.6744897501960817  # median absolute deviation of a standard normal
SIEGMUND = 1.166
PENALTY = 3.0
Floats = NDArray[np.float64]


class Cusum(NamedTuple):
    """Sums above and below the target, and the first place either passes the limit (None: never)."""

    high: tuple[float, ...]
    low: tuple[float, ...]
    alarm: int | None


def cusum(values: Sequence[float], *, target: float, slack: float, limit: float) -> Cusum:
    """S+ = max(0, S+ + x - target - slack), and the mirror image."""
    high, low, alarm = [0.0], [0.0], None
    for at, value in enumerate(values):
        high.append(max(0.0, high[-1] + value - target - slack))
        low.append(max(0.0, low[-1] + target - slack - value))
        if alarm is None and max(high[-1], low[-1]) > limit:
            alarm = at
    return Cusum(tuple(high[1:]), tuple(low[1:]), alarm)


def run_length(limit: float, slack: float, shift: float = 0.0) -> float:
    """Mean values until a one-sided CUSUM of standard normals alarms (Siegmund's approximation)."""
    drift, reach = shift - slack, limit + SIEGMUND
    if drift == 0.0:
        return reach * reach
    return (math.exp(-2.0 * drift * reach) + 2.0 * drift * reach - 1.0) / (2.0 * drift * drift)


def page_hinkley(values: Sequence[float], *, delta: float, threshold: float, least: int = 30) -> int | None:
    """First place where the mean has risen: sum of (x - running mean - delta) above its minimum by more."""
    mean = total = lowest = 0.0
    for at, value in enumerate(values):
        mean += (value - mean) / (at + 1)
        total += value - mean - delta
        lowest = min(lowest, total)
        if at + 1 >= least and total - lowest > threshold:
            return at
    return None


def run_length_posteriors(
    values: Sequence[float], *, hazard: float, mean: float, weight: float, variance: float
) -> list[Floats]:
    """Posterior of the time since the last change after each value: Gaussian of known variance."""
    if not (0.0 < hazard < 1.0 and weight > 0.0 and variance > 0.0):
        raise InputError.at(
            "change points", "hazard, weight or variance", "Give 0 < hazard < 1, others above 0."
        )
    posterior, found = np.ones(1), []
    means, weights = np.array([mean]), np.array([weight])
    for value in values:
        spread = variance * (1.0 + 1.0 / weights)
        chance = np.exp(-0.5 * (value - means) ** 2 / spread) / np.sqrt(2.0 * math.pi * spread)
        grown = posterior * chance * (1.0 - hazard)
        posterior = np.concatenate([[float(np.sum(posterior * chance)) * hazard], grown])
        posterior /= posterior.sum()
        means = np.concatenate([[mean], (weights * means + value) / (weights + 1.0)])
        weights = np.concatenate([[weight], weights + 1.0])
        found.append(posterior)
    return found


def breakpoints(values: Sequence[float], penalty: float = PENALTY) -> list[int]:
    """Ends of the pieces of constant mean that minimise squared error plus a penalty per piece."""
    x = np.array(values, dtype=np.float64)
    sums, squares = np.concatenate([[0.0], np.cumsum(x)]), np.concatenate([[0.0], np.cumsum(x * x)])
    best, last = np.full(x.size + 1, np.inf), np.zeros(x.size + 1, dtype=np.int64)
    best[0] = -penalty
    for end in range(1, x.size + 1):
        start = np.arange(end)
        total = sums[end] - sums[start]
        cost = best[start] + squares[end] - squares[start] - total * total / (end - start) + penalty
        last[end] = int(np.argmin(cost))
        best[end] = cost[last[end]]
    ends, at = [], x.size
    while at > 0:
        ends.append(at)
        at = int(last[at])
    return ends[::-1]


class Robust(NamedTuple):
    """Median, median absolute deviation, robust z of each value, and places beyond the threshold."""

    median: float
    deviation: float
    scores: tuple[float, ...]
    flagged: tuple[int, ...]


def robust_scores(values: Sequence[float], threshold: float = 3.5) -> Robust:
    """Where more than half are equal the mean absolute deviation stands in. InputError if all are equal."""
    x = np.array(values, dtype=np.float64)
    median = float(np.median(x))
    apart = np.abs(x - median)
    deviation = float(np.median(apart))
    scale = deviation / NORMAL_MAD if deviation else float(np.mean(apart)) * 1.2533
    if not scale > 0.0:
        raise InputError.at("values", "are all equal", "There is no spread to measure an outlier by.")
    scores = (x - median) / scale
    return Robust(
        median, deviation, tuple(scores.tolist()), tuple(np.flatnonzero(np.abs(scores) > threshold))
    )


def stale(now: float, updated: Sequence[float], most: float) -> list[bool]:
    """Which feeds were last heard of too long ago."""
    return [now - last > most for last in updated]


def frozen(values: Sequence[float], *, count: int, reference_bps: float, least_bps: float) -> bool:
    """The last `count` values are one while the reference moved by more than `least_bps`."""
    tail = list(values)[-count:]
    return len(tail) >= count and len(set(tail)) == 1 and abs(reference_bps) > least_bps


class Sources(NamedTuple):
    """Median of all, deviation of each from the median of the others (bps), and whose is too large."""

    median: float
    deviations: dict[str, float]
    flagged: tuple[str, ...]


def cross_sources(prices: Mapping[str, float], limit_bps: float) -> Sources:
    """InputError for fewer than three sources, of which none could be told to be wrong."""
    if len(prices) < 3:
        raise InputError.at("sources", f"{len(prices)} of them", "Give three or more.")
    apart = {}
    for name, price in prices.items():
        others = float(np.median([value for other, value in prices.items() if other != name]))
        apart[name] = (price / others - 1.0) * 10_000.0
    flagged = tuple(name for name, value in apart.items() if abs(value) > limit_bps)
    return Sources(float(np.median(list(prices.values()))), apart, flagged)
