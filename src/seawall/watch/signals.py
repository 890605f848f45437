"""Concentration of positions, slowing of a market before it breaks, and whether a warning was worth anything.

Sizes and equities in one unit; shares as fractions. Sources: Hirschman, Gini; Scheffer et al. 2009 (critical
slowing down); Brier 1950; Hanley & McNeil 1982 (area under the curve as a rank statistic).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seawall.errors import InputError


class Concentration(NamedTuple):
    """Herfindahl index, the number of equal positions it stands for, Gini coefficient, shares by rank."""

    hhi: float
    effective: float
    gini: float
    top: tuple[float, ...]


def concentration(sizes: Sequence[float]) -> Concentration:
    """InputError for a negative size or nothing at all. `top[k - 1]` is the share of the k largest."""
    held = np.sort(np.abs(np.array(sizes, dtype=np.float64)))
    total = float(held.sum())
    if not (total > 0.0 and math.isfinite(total)) or min(sizes) < 0:
        raise InputError.at("sizes", "add up to nothing, or one is negative", "Give sizes of zero or more.")
    shares = held / total
    hhi, count = float(np.sum(shares**2)), held.size
    ranks = np.arange(1, count + 1)
    gini = float(np.sum((2 * ranks - count - 1) * held) / (count * total))
    return Concentration(hhi, 1.0 / hhi, gini, tuple(np.cumsum(shares[::-1]).tolist()))


class Leverage(NamedTuple):
    """Weighted by open interest, of all together, and each position's distance to liquidation."""

    weighted: float
    aggregate: float
    distance: tuple[float, ...]


def leverage(positions: Sequence[tuple[float, float]], maintenance: float) -> Leverage:
    """Of longs as (notional, equity). InputError where equity or notional is not above zero."""
    if not positions or any(min(pair) <= 0.0 for pair in positions):
        raise InputError.at("positions", "without notional or equity", "Give both above zero.")
    notional = math.fsum(n for n, _ in positions)
    return Leverage(
        math.fsum(n * n / e for n, e in positions) / notional,
        notional / math.fsum(e for _, e in positions),
        tuple((e - maintenance * n) / (n * (1.0 - maintenance)) for n, e in positions),
    )


class Slowing(NamedTuple):
    """Correlation with the value before, window by window, and Kendall's tau of it against time."""

    autocorrelation: tuple[float, ...]
    tau: float


def slowing_down(series: Sequence[float], *, window: int, step: int) -> Slowing:
    """InputError for fewer than two windows."""
    from scipy.stats import kendalltau

    values = np.array(series, dtype=np.float64)
    starts = range(0, values.size - window, step)
    if window < 3 or len(starts) < 2:
        raise InputError.at("series", f"{values.size} values for windows of {window}", "Give a longer one.")
    found = [
        float(np.corrcoef(values[at : at + window - 1], values[at + 1 : at + window])[0, 1]) for at in starts
    ]
    return Slowing(tuple(found), float(kendalltau(np.arange(len(found)), found).statistic))


class Worth(NamedTuple):
    """Of a warning: area under its curve, and mean squared error of its probabilities."""

    auc: float
    brier: float


def warning_worth(labels: Sequence[int], scores: Sequence[float]) -> Worth:
    """InputError unless both outcomes were seen, as often as there are scores."""
    positive = [score for label, score in zip(labels, scores, strict=True) if label]
    negative = [score for label, score in zip(labels, scores, strict=True) if not label]
    if not positive or not negative:
        raise InputError.at("labels", "hold one outcome only", "Give cases with and without the event.")
    wins = math.fsum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    errors = math.fsum((score - label) ** 2 for label, score in zip(labels, scores, strict=True))
    return Worth(wins / (len(positive) * len(negative)), errors / len(labels))
