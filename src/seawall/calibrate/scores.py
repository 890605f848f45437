"""Which of two models is better: losses that VaR and ES minimise, their comparison, and plain coverage.

`x` is P&L; `q` and `e` are the model's quantile and shortfall of P&L, both negative; lower scores are better.
Sources: Koenker & Bassett 1978 (tick); Patton, Ziegel & Chen 2019 (FZ0); Diebold & Mariano 1995, Newey-West;
CPMI-IOSCO quantitative disclosure 6.5 (coverage).
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from seawall.calibrate.inputs import Floats, Given, between, finite, same_length
from seawall.errors import InputError


def tick_loss(x: Given, q: Given | float, p: float) -> Floats:
    """(p - 1{x < q}) (x - q)."""
    pnl = finite(x, "P&L")
    quantile = _column(q, pnl.size, "quantile")
    return (between(p, "p", 0.0, 1.0) - (pnl < quantile)) * (pnl - quantile)


def fz0_loss(x: Given, q: Given | float, e: Given | float, p: float) -> Floats:
    """-1{x <= q} (q - x) / (p e) + q / e + log(-e) - 1, for e <= q < 0."""
    pnl = finite(x, "P&L")
    quantile, short = _column(q, pnl.size, "quantile"), _column(e, pnl.size, "shortfall")
    same_length(pnl=pnl, quantile=quantile, shortfall=short)
    if not ((short < 0.0) & (short <= quantile)).all():
        bad = int(np.flatnonzero(~((short < 0.0) & (short <= quantile)))[0])
        what = f"row {bad}: shortfall {float(short[bad]):g}, quantile {float(quantile[bad]):g}"
        raise InputError.at(
            "FZ0", what, "Both are P&L: the shortfall is negative and not above the quantile."
        )
    beyond = np.where(pnl <= quantile, quantile - pnl, 0.0)
    return -beyond / (between(p, "p", 0.0, 1.0) * short) + quantile / short + np.log(-short) - 1.0


def _column(values: Given | float, size: int, name: str) -> Floats:
    if isinstance(values, int | float):
        return np.full(size, float(values))
    return finite(values, name)


class DieboldMariano(msgspec.Struct, frozen=True):
    """Mean difference of the scores (negative: the first is better), its z and two-sided p-value."""

    mean: float
    z: float
    p_value: float


def diebold_mariano(first: Given, second: Given, lags: int | None = None) -> DieboldMariano:
    """Do two rows of scores differ? Newey-West variance with `lags` (n^(1/3) unless given)."""
    from scipy.special import ndtr

    a, b = finite(first, "first scores", 10), finite(second, "second scores", 10)
    same_length(first=a, second=b)
    gap = a - b
    n, mean = gap.size, float(gap.mean())
    centred = gap - mean
    reach = math.floor(n ** (1.0 / 3.0)) if lags is None else lags
    variance = float(centred @ centred) / n
    for lag in range(1, min(reach, n - 1) + 1):
        variance += 2.0 * (1.0 - lag / (reach + 1.0)) * float(centred[lag:] @ centred[:-lag]) / n
    if variance <= 0.0:
        what = "the scores differ by the same amount in every period"
        raise InputError.at("Diebold-Mariano", what, "Compare two models that are not one and the same.")
    z = mean / math.sqrt(variance / n)
    return DieboldMariano(mean, z, 2.0 * float(ndtr(-abs(z))))


class MarginCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """Share of losses that the margin covers (an equal loss is covered), and how far the others go beyond."""

    coverage: float
    exceeded: int
    mean_excess: float
    largest_excess: float


def margin_coverage(margin: Given, loss: Given) -> MarginCoverage:
    """Excesses are 0 where nothing exceeds."""
    held, lost = finite(margin, "margins"), finite(loss, "losses")
    same_length(margins=held, losses=lost)
    excess = (lost - held)[lost > held]
    return MarginCoverage(
        coverage=1.0 - excess.size / lost.size,
        exceeded=int(excess.size),
        mean_excess=float(excess.mean()) if excess.size else 0.0,
        largest_excess=float(excess.max()) if excess.size else 0.0,
    )
