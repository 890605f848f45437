"""Do losses exceed a margin as often as it claims, and independently? Tests of VaR on a row of hits.

`hits` are truth values, one per period; `p` is the share of hits that the model claims (0.01 at 99 %).
0 log 0 is 0. Sources: Kupiec 1995; Christoffersen 1998 (LR_cc = LR_uc + LR_ind, LR_uc over all periods);
Engle & Manganelli 2004; Basel Committee 1996 (bcbs22), table 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.calibrate.inputs import Floats, between
from seawall.errors import InputError

Hits = Sequence[bool] | NDArray[np.bool_]
GREEN, YELLOW = 0.95, 0.9999
BASEL_SIZE, BASEL_P = 250, 0.01
BASEL_MULTIPLIERS = (3.0, 3.0, 3.0, 3.0, 3.0, 3.40, 3.50, 3.65, 3.75, 3.85, 4.00)
LEAST_POWER = 250  # periods; a test on fewer finds only the worst models


class Ratio(msgspec.Struct, frozen=True):
    """A statistic and the chance of one at least as large if the model is right."""

    statistic: float
    p_value: float

    def rejects(self, size: float = 0.05) -> bool:
        return self.p_value < size


def kupiec(size: int, count: int, p: float) -> Ratio:
    """Proportion of failures: -2 log of the likelihood at p over that at count / size, chi2 with 1."""
    between(p, "p", 0.0, 1.0)
    if not 0 <= count <= size or size < 1:
        raise InputError.at("hits", f"{count} of {size} periods", "Give a count from zero to the periods.")
    share = count / size
    ratio = -2.0 * (_log_likelihood(size - count, count, p) - _log_likelihood(size - count, count, share))
    return Ratio(ratio, _chi2(ratio, 1))


def _log_likelihood(misses: float, hits: float, p: float) -> float:
    return (misses * math.log(1.0 - p) if misses else 0.0) + (hits * math.log(p) if hits else 0.0)


def _chi2(statistic: float, dof: int) -> float:
    from scipy.special import gammaincc

    return float(gammaincc(dof / 2.0, max(statistic, 0.0) / 2.0))


def accepted_counts(size: int, p: float, significance: float = 0.05) -> tuple[int, int]:
    """The least and the largest number of hits that Kupiec's test does not reject."""
    centre = round(size * p)
    fits = [x for x in range(size + 1) if not kupiec(size, x, p).rejects(significance)]
    return (fits[0], fits[-1]) if fits else (centre, centre)


class Christoffersen(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of pairs (n01: a miss, then a hit), their shares, and the three tests."""

    n00: int
    n01: int
    n10: int
    n11: int
    p01: float
    p11: float
    coverage: Ratio
    independence: Ratio
    conditional: Ratio


def christoffersen(hits: Hits, p: float) -> Christoffersen:
    """Are hits independent of the period before (LR_ind), and both at once (LR_cc)?"""
    row = _row(hits, 2)
    first, then = row[:-1], row[1:]
    n00, n01, n10, n11 = (
        int(np.count_nonzero((first == a) & (then == b))) for a in (False, True) for b in (False, True)
    )
    p01 = n01 / (n00 + n01) if n00 + n01 else 0.0
    p11 = n11 / (n10 + n11) if n10 + n11 else 0.0
    pooled = (n01 + n11) / (row.size - 1)
    apart = _log_likelihood(n00, n01, p01) + _log_likelihood(n10, n11, p11)
    independence = -2.0 * (_log_likelihood(n00 + n10, n01 + n11, pooled) - apart)
    coverage = kupiec(row.size, int(row.sum()), p)
    both = coverage.statistic + independence
    return Christoffersen(
        n00=n00, n01=n01, n10=n10, n11=n11, p01=p01, p11=p11, coverage=coverage,
        independence=Ratio(independence, _chi2(independence, 1)), conditional=Ratio(both, _chi2(both, 2)),
    )  # fmt: skip


class DynamicQuantile(msgspec.Struct, frozen=True):
    """Coefficients of the regression (constant first), its statistic, and its p-value."""

    beta: tuple[float, ...]
    statistic: float
    p_value: float


def dynamic_quantile(hits: Hits, p: float, lags: int = 1) -> DynamicQuantile:
    """Regress hit - p on a constant and its own lags: beta' X'X beta / (p (1 - p)), chi2 with 1 + lags.

    Without a hit there is nothing to regress on: InputError.
    """
    row = _row(hits, lags + 2)
    if not row[:-1].any():
        raise InputError.at("dynamic quantile", "no hit has a period after it", "Use Kupiec's test instead.")
    centred = row.astype(np.float64) - between(p, "p", 0.0, 1.0)
    y = centred[lags:]
    columns = [np.ones(y.size), *(centred[lags - k : row.size - k] for k in range(1, lags + 1))]
    x: Floats = np.stack(columns, axis=1)
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    fitted = x @ beta
    statistic = float(fitted @ fitted) / (p * (1.0 - p))
    return DynamicQuantile(tuple(beta.tolist()), statistic, _chi2(statistic, 1 + lags))


Zone = Literal["green", "yellow", "red"]


class Light(msgspec.Struct, frozen=True):
    """Chance of at most so many hits, the zone, and Basel's multiplier (250 periods at 1 % only)."""

    cumulative: float
    zone: Zone
    multiplier: float | None


def traffic_light(size: int, count: int, p: float) -> Light:
    """Green below 95 % cumulative binomial probability, yellow below 99.99 %, else red."""
    from scipy.stats import binom

    between(p, "p", 0.0, 1.0)
    if not 0 <= count <= size or size < 1:
        raise InputError.at("hits", f"{count} of {size} periods", "Give a count from zero to the periods.")
    cumulative = float(binom.cdf(count, size, p))
    zone: Zone = "green" if cumulative < GREEN else "yellow" if cumulative < YELLOW else "red"
    listed = (size, p) == (BASEL_SIZE, BASEL_P)
    return Light(cumulative, zone, BASEL_MULTIPLIERS[min(count, 10)] if listed else None)


def zone_edges(size: int, p: float) -> tuple[int, int]:
    """The largest count that is green and the largest that is yellow (-1: none is)."""
    edges = [-1, -1]
    for count in range(size + 1):
        zone = traffic_light(size, count, p).zone
        if zone == "red":
            break
        edges[1] = count
        if zone == "green":
            edges[0] = count
    return edges[0], edges[1]


def holm(p_values: Mapping[str, float], size: float = 0.05) -> dict[str, bool]:
    """Which of several tests are rejected, the chance of any false rejection held to `size` (Holm 1979)."""
    ordered = sorted(p_values, key=lambda name: (p_values[name], name))
    rejected = dict.fromkeys(p_values, False)
    for rank, name in enumerate(ordered):
        if not p_values[name] <= size / (len(ordered) - rank):
            break
        rejected[name] = True
    return rejected


def block_interval(
    hits: Hits, block: int, *, draws: int = 2000, seed: int = 0, confidence: float = 0.95
) -> tuple[float, float]:
    """A range for the share of hits of windows that overlap: circular blocks of `block` drawn again."""
    row = _row(hits, 2).astype(np.float64)
    if not 0 < block <= row.size:
        raise InputError.at("block", f"{block} of {row.size} periods", "Give a length within the row.")
    chance = np.random.Generator(np.random.PCG64(seed))
    ends = np.concatenate([[0.0], np.cumsum(np.concatenate([row, row[:block]]))])
    sums = ends[block : block + row.size] - ends[: row.size]
    count = -(-row.size // block)
    drawn = sums[chance.integers(0, row.size, (draws, count))].sum(axis=1) / (count * block)
    edges = np.quantile(drawn, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    return float(edges[0]), float(edges[1])


def _row(hits: Hits, least: int) -> NDArray[np.bool_]:
    row = np.asarray(hits)
    if row.dtype != np.bool_ or row.ndim != 1 or row.size < least:
        what = f"{row.size} values of {row.dtype}"
        raise InputError.at("hits", what, f"Give one truth value per period, {least} or more.")
    return row
