"""What a smile is fitted to, and what it may not do: the arbitrage of a slice, as words and as residuals.

Vols per year, k = ln(K / F). A slice may have no negative density, no wing steeper than 2, and may not cross
its neighbours in time. Residuals are relative to the slice's own level, so that a day and a year are judged
alike, and start a cushion inside what is allowed.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.pricing.surface import CALENDAR_FLOOR, calendar_gap
from seawall.pricing.svi import (
    STEEPEST_WING,
    RawSvi,
    butterfly,
    derivatives,
    durrleman,
    total_variance,
)

Floats = NDArray[np.float64]

LEAST_QUOTES = 5
_CUSHION = 1e-3  # penalties start this far inside what is allowed


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a slice is fitted to: not below `floor`, a slice before it, nor above `ceiling`, one after it."""

    k: Floats
    vol: Floats
    years: float
    weights: Floats
    floor: RawSvi | None = None
    ceiling: RawSvi | None = None

    def rmse(self, svi: RawSvi) -> float:
        miss = self.model_vol(svi) - self.vol
        return float(np.sqrt(np.sum(self.weights * miss * miss) / np.sum(self.weights)))

    def model_vol(self, svi: RawSvi) -> Floats:
        return np.asarray(np.sqrt(np.maximum(total_variance(svi, self.k), 1e-12) / self.years))


def make_target(
    k: Any,
    vol: Any,
    years: float,
    *,
    weights: Any = None,
    floor: RawSvi | None = None,
    ceiling: RawSvi | None = None,
) -> Target:
    """Check what is to be fitted. InputError for what is no smile; weights are alike where none are given."""
    k, vol = np.asarray(k, dtype=np.float64), np.asarray(vol, dtype=np.float64)
    weights = np.ones_like(k) if weights is None else np.asarray(weights, dtype=np.float64)
    if not k.shape == vol.shape == weights.shape or k.ndim != 1:
        raise InputError.at("smile", "k, vol and weights differ in length", "Give one of each per quote.")
    if k.size < LEAST_QUOTES:
        raise InputError.at("smile", f"{k.size} quotes", f"Five numbers need at least {LEAST_QUOTES} quotes.")
    bad = np.flatnonzero(~np.isfinite(k) | ~(vol > 0.0) | ~(vol <= 5.0) | ~(weights > 0.0))
    if bad.size:
        at = int(bad[0])
        raise InputError.at(
            f"smile quote {at}",
            f"k = {k[at]:g}, vol = {vol[at]:g}, weight = {weights[at]:g}",
            "vol must be in (0, 5], given as a decimal, and the weight above 0.",
        )
    if not (years > 0.0 and np.isfinite(years)):
        raise InputError.at("smile", f"{years:g} years to expiry", "Leave out what has expired.")
    even = weights / np.mean(weights)
    return Target(k=k, vol=vol, years=years, weights=even, floor=floor, ceiling=ceiling)


def fault_of(svi: RawSvi, target: Target) -> str:
    """What arbitrage the slice allows, in words; '' if none."""
    if svi.least_variance <= 0.0:
        return f"total variance falls to {svi.least_variance:.3g}"
    report = butterfly(svi)
    if not report.holds:
        return report.explain()
    if target.floor is not None:
        gap, where = calendar_gap(target.floor, svi)
        if gap < CALENDAR_FLOOR:
            return f"total variance is {-gap:.3g} below the expiry before it at k = {where:.4f}"
    if target.ceiling is not None:
        gap, where = calendar_gap(svi, target.ceiling)
        if gap < CALENDAR_FLOOR:
            return f"total variance is {-gap:.3g} above the expiry after it at k = {where:.4f}"
    return ""


def violations(svi: RawSvi, target: Target, grid: Floats) -> Floats:
    """How far each condition is missed, 0 where it holds with a cushion."""
    w, first, second, _ = derivatives(svi, grid)
    # Relative to the level of the slice, so that a day and a year are judged alike.
    level = max(float(np.median(w)), 1e-8)
    safe = np.maximum(w, 1e-3 * level)
    g = durrleman(grid, safe, first, second)
    parts = [
        np.maximum(_CUSHION - g, 0.0),
        np.maximum(1e-3 * level - w, 0.0) / level,
        np.array([max(max(svi.wing_slopes) - (STEEPEST_WING - _CUSHION), 0.0)]),
    ]
    for earlier, later in ((target.floor, svi), (svi, target.ceiling)):
        if earlier is not None and later is not None:
            upper = np.maximum(total_variance(later, grid), 1e-3 * level)
            short = total_variance(earlier, grid) / upper - 1.0
            parts.append(np.maximum(short + _CUSHION, 0.0))
            slopes = [before - after for before, after in zip(earlier.wing_slopes, later.wing_slopes)]
            parts.append(np.maximum(np.array(slopes) + 1e-6, 0.0))
    return np.concatenate(parts)


def penalty_grid(svi: RawSvi, reach: float) -> Floats:
    """Where arbitrage is looked for while fitting: the quoted strikes closely, the rest as far as it goes."""
    x = np.linspace(-0.97, 0.97, 41)
    far = x / (1.0 - np.abs(x))
    near = np.linspace(-1.5 * reach, 1.5 * reach, 81)
    points = np.concatenate([near, svi.m + svi.sigma * far, reach * far])
    return np.unique(points[np.abs(points) <= 10.0])


def worst_points(svi: RawSvi, target: Target) -> tuple[float, ...]:
    """Where g is lowest and where the neighbours in time are closest."""
    points = []
    if svi.least_variance > 0.0:
        points.append(butterfly(svi).k_at_g_min)
    for earlier, later in ((target.floor, svi), (svi, target.ceiling)):
        if earlier is not None and later is not None:
            points.append(calendar_gap(earlier, later)[1])
    return tuple(point for point in points if np.isfinite(point))


def between_wings(svi: RawSvi, target: Target) -> RawSvi:
    """The slice with its wing slopes put exactly between its neighbours': a penalty only comes near."""
    slopes = list(svi.wing_slopes)
    for side in (0, 1):
        if target.ceiling is not None:
            slopes[side] = min(slopes[side], target.ceiling.wing_slopes[side])
        if target.floor is not None:
            slopes[side] = max(slopes[side], target.floor.wing_slopes[side])
    left, right = slopes
    if (left, right) == svi.wing_slopes or left + right <= 0.0:
        return svi
    return RawSvi(
        a=svi.a, b=0.5 * (left + right), rho=(right - left) / (right + left), m=svi.m, sigma=svi.sigma
    )
