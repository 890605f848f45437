"""Fitting one raw SVI slice to vols, without arbitrage, or refusing it with the reason.

Vols per year, k = ln(K / F). First the plain weighted least squares; where that allows arbitrage, the same
with the violations as residuals, ever heavier; then the jump-wing repair of Gatheral and Jacquier; then no
slice. Starts come from a grid of vertices, for each of which the other three numbers are a linear fit
(Zeliade's quasi-explicit calibration), so the answer depends on no chance. Errors in vol are weighted RMS.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.calibrate.smile import Target, between_wings, fault_of, penalty_grid, violations, worst_points
from seawall.errors import InputError
from seawall.pricing.svi import (
    JumpWings,
    RawSvi,
    butterfly,
    from_jump_wings,
    repaired_wings,
    to_jump_wings,
)

Floats = NDArray[np.float64]

_STARTS = 3
_HEAVIER = (0.1, 1.0, 10.0, 100.0, 1000.0)


class SliceFit(msgspec.Struct, frozen=True, kw_only=True):
    """A fitted slice, or none and why. `how`: svi, penalised, jump_wings, ssvi, or refused."""

    svi: RawSvi | None
    how: str
    rmse_vol: float
    g_min: float
    plain_rmse_vol: float  # of the best fit that need not be free of arbitrage
    reason: str = ""  # what was wrong with the plain fit, or why there is none

    @property
    def accepted(self) -> bool:
        return self.svi is not None


def fit_slice(target: Target, *, max_rmse_vol: float = 0.05, start: RawSvi | None = None) -> SliceFit:
    """The best slice without arbitrage, or a refusal. `max_rmse_vol` is how far a repair may lie off."""
    starts = grid_starts(target) + ([start] if start is not None else [])
    rough = min((_polish(target, one, 0.0, steps=40) for one in starts), key=target.rmse)
    plain = _polish(target, rough, 0.0)
    plain_rmse = target.rmse(plain)
    fault = fault_of(plain, target)
    tried = [("svi", plain)] if not fault else _repairs(target, plain)
    best: tuple[str, RawSvi] | None = None
    for how, svi in tried:
        if fault_of(svi, target):
            continue
        if best is None or target.rmse(svi) < target.rmse(best[1]):
            best = how, svi
    if best is None:
        return _refused(plain_rmse, f"no repair is free of arbitrage; the plain fit: {fault}")
    how, svi = best
    rmse = target.rmse(svi)
    if rmse > max_rmse_vol:
        return _refused(
            plain_rmse,
            f"the nearest slice without arbitrage is {rmse:.4f} of vol off, limit {max_rmse_vol:g}",
        )
    return SliceFit(
        svi=svi,
        how=how,
        rmse_vol=rmse,
        g_min=butterfly(svi).g_min,
        plain_rmse_vol=plain_rmse,
        reason=fault,
    )


def _refused(plain_rmse: float, reason: str) -> SliceFit:
    return SliceFit(
        svi=None, how="refused", rmse_vol=0.0, g_min=0.0, plain_rmse_vol=plain_rmse, reason=reason
    )


def grid_starts(target: Target) -> list[RawSvi]:
    """The best few slices of a grid of vertices; each is a weighted linear fit of total variance."""
    w = target.vol * target.vol * target.years
    reach = max(float(np.ptp(target.k)), 1e-3)
    scale = np.sqrt(target.weights)
    found = []
    for m in np.linspace(float(np.min(target.k)), float(np.max(target.k)), 9):
        for sigma in reach * np.array([0.02, 0.05, 0.12, 0.3, 0.7]):
            x = target.k - m
            columns = np.stack([np.ones_like(x), x, np.sqrt(x * x + sigma * sigma)], axis=1)
            a, slope, b = np.linalg.lstsq(columns * scale[:, None], w * scale, rcond=None)[0]
            if b > 1e-12 and abs(slope) < 0.999 * b:
                svi = RawSvi(a=float(a), b=float(b), rho=float(slope / b), m=float(m), sigma=float(sigma))
                found.append((target.rmse(svi), svi))
    if not found:
        level = float(np.average(w, weights=target.weights))
        return [RawSvi(a=0.5 * level, b=0.5 * level / reach, rho=0.0, m=0.0, sigma=reach)]
    return [svi for _, svi in sorted(found, key=lambda one: one[0])[:_STARTS]]


def _polish(
    target: Target, start: RawSvi, heavy: float, watch: tuple[float, ...] = (), *, steps: int = 400
) -> RawSvi:
    """Least squares from this start; with `heavy` > 0 arbitrage is a residual too, also at `watch`."""
    from scipy.optimize import least_squares

    reach = max(float(np.max(np.abs(target.k))), 1e-3)
    grid = np.unique(np.append(penalty_grid(start, reach), watch))
    root = np.sqrt(target.weights / np.sum(target.weights))
    low = np.array([-np.inf, 1e-10, -0.9999, -3.0 * reach, 1e-4 * reach])
    high = np.array([np.inf, 50.0, 0.9999, 3.0 * reach, 30.0 * reach])
    first = np.clip(_numbers(start), low + 1e-12, high - 1e-12)

    def residuals(numbers: Floats) -> Floats:
        svi = _slice(numbers)
        miss = root * (target.model_vol(svi) - target.vol)
        return np.concatenate([miss, heavy * violations(svi, target, grid)]) if heavy else miss

    def slopes(numbers: Floats) -> Floats:
        svi = _slice(numbers)
        x = target.k - svi.m
        far = np.sqrt(x * x + svi.sigma * svi.sigma)
        parts = (
            np.ones_like(x),
            svi.rho * x + far,
            svi.b * x,
            -svi.b * (svi.rho + x / far),
            svi.b * svi.sigma / far,
        )
        return np.stack(parts, axis=1) * (0.5 * root / (target.model_vol(svi) * target.years))[:, None]

    scale = np.array([max(abs(first[0]), 1e-4), max(first[1], 1e-4), 0.5, 0.3 * reach, max(first[4], 1e-3)])
    found = least_squares(
        residuals,
        first,
        jac="2-point" if heavy else slopes,
        bounds=(low, high),
        x_scale=scale,
        ftol=1e-15,
        xtol=1e-13,
        gtol=1e-14,
        max_nfev=min(steps, 120) if heavy else steps,
    )
    return _slice(found.x)


def _numbers(svi: RawSvi) -> Floats:
    return np.array([svi.a, svi.b, svi.rho, svi.m, svi.sigma])


def _slice(numbers: Floats) -> RawSvi:
    a, b, rho, m, sigma = (float(number) for number in numbers)
    return RawSvi(a=a, b=b, rho=rho, m=m, sigma=sigma)


def _repairs(target: Target, plain: RawSvi) -> list[tuple[str, RawSvi]]:
    """Candidates for a slice without arbitrage, nearest first."""
    found: list[tuple[str, RawSvi]] = []
    svi, watch = plain, worst_points(plain, target)
    for heavy in _HEAVIER:
        svi = _polish(target, svi, heavy, watch)
        found += [("penalised", svi), ("penalised", between_wings(svi, target))]
        if not fault_of(svi, target):
            break
        # Between two points of the grid it may be worse than at both: look there too from now on.
        watch += worst_points(svi, target)
    if plain.least_variance > 0.0 and all(fault_of(one, target) for _, one in found):
        found += _jump_wing_repair(target, plain)
    return found


def _jump_wing_repair(target: Target, plain: RawSvi) -> list[tuple[str, RawSvi]]:
    wings = to_jump_wings(plain, target.years)
    try:
        c, vtilde = repaired_wings(wings.v, wings.psi, wings.p)
        safe = from_jump_wings(
            JumpWings(v=wings.v, psi=wings.psi, p=wings.p, c=c, vtilde=vtilde), target.years
        )
    except InputError:
        return []  # a smile without an at-the-money skew that fits: this repair does not apply
    polished = between_wings(_polish(target, safe, _HEAVIER[-1]), target)
    return [("jump_wings", safe), ("jump_wings", polished)]
