"""The structure of ISDA SIMM with weights that the caller brings: delta, vega, curvature, and their sums.

Sensitivities, thresholds and margins are in one currency; risk weights per unit of sensitivity. No weights
are built in: SIMM has no crypto class, and what stands in for one is the user's choice. Nothing is rounded.
Source: ISDA SIMM methodology 2.6, sections B and C.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.calibrate.inputs import Floats, Given, finite, not_negative, positive
from seawall.errors import InputError

Matrix = Sequence[Sequence[float]] | NDArray[np.float64]
LEVEL, CURVATURE_LEVEL = 0.99, 0.995


def concentration(net: float, threshold: float | None) -> float:
    """CR = max(1, sqrt(|net| / threshold)); without a threshold 1."""
    if threshold is None:
        return 1.0
    return max(1.0, math.sqrt(abs(net) / positive(threshold, "concentration threshold")))


def correlated_sum(values: Given, correlation: Matrix | float, factors: Given | None = None) -> float:
    """sqrt(sum_kl rho_kl f_kl v_k v_l), f_kl = min / max of the concentration factors; 0 below zero.

    `correlation` is a matrix with ones on its diagonal, or one number for every pair.
    """
    v = finite(values, "weighted sensitivities")
    rho = full_matrix(correlation, v.size)
    if factors is not None:
        cr = finite(factors, "concentration factors")
        rho = rho * np.minimum.outer(cr, cr) / np.maximum.outer(cr, cr)
    return math.sqrt(max(float(v @ rho @ v), 0.0))


def full_matrix(correlation: Matrix | float, size: int) -> Floats:
    """The matrix, or one number off a diagonal of ones. InputError for another shape or beyond -1..1."""
    if isinstance(correlation, int | float):
        rho = np.full((size, size), float(correlation))
        np.fill_diagonal(rho, 1.0)
    else:
        rho = np.asarray(correlation, dtype=np.float64)
    fits = rho.shape == (size, size) and np.isfinite(rho).all() and (np.abs(rho) <= 1.0).all()
    if not fits or not np.array_equal(rho, rho.T) or not (np.diag(rho) == 1.0).all():
        what = f"it is {rho.shape} for {size} sensitivities, or no correlation matrix"
        raise InputError.at(
            "correlation", what, "Give a symmetric matrix within -1..1, ones on its diagonal."
        )
    return rho


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket: its margin K, the plain sum of what is in it, and the concentration factors used."""

    margin: float
    net: float
    weighted: tuple[float, ...]
    factors: tuple[float, ...]

    @property
    def clipped(self) -> float:
        """S = the sum held within -K..K, as the sum over buckets takes it."""
        return max(min(self.net, self.margin), -self.margin)


def delta_bucket(
    sensitivities: Given,
    weights: Given | float,
    correlation: Matrix | float,
    *,
    threshold: float | None = None,
    common: bool = False,
) -> Bucket:
    """WS_k = RW_k s_k CR_k and K = sqrt(sum rho f WS WS).

    `common`: one concentration factor from the net sensitivity, as for a curve; else one for each factor.
    """
    s = finite(sensitivities, "sensitivities")
    rw = (
        np.full(s.size, float(weights))
        if isinstance(weights, int | float)
        else finite(weights, "risk weights")
    )
    if rw.size != s.size:
        what = f"{rw.size} for {s.size} sensitivities"
        raise InputError.at("risk weights", what, "Give one for each.")
    if common:
        factors = np.full(s.size, concentration(float(s.sum()), threshold))
    else:
        factors = np.array([concentration(float(one), threshold) for one in s])
    ws = rw * s * factors
    return Bucket(
        margin=correlated_sum(ws, correlation, factors),
        net=float(ws.sum()),
        weighted=tuple(ws.tolist()),
        factors=tuple(factors.tolist()),
    )


def vega_bucket(
    vega_times_vol: Given,
    weight: float,
    correlation: Matrix | float,
    *,
    volatility_ratio: float = 1.0,
    threshold: float | None = None,
) -> Bucket:
    """VR_k = HVR (vol x vega)_k, weighted by VRW VCR, VCR from the net of the bucket."""
    vr = not_negative(volatility_ratio, "volatility ratio") * finite(vega_times_vol, "vega")
    return delta_bucket(
        vr, not_negative(weight, "vega weight"), correlation, threshold=threshold, common=True
    )


def implied_sigma(risk_weight: float) -> float:
    """The annual volatility behind a 10-day weight: RW sqrt(365/14) / Phi^-1(0.99)."""
    from scipy.special import ndtri

    return risk_weight * math.sqrt(365.0 / 14.0) / float(ndtri(LEVEL))


def curvature_scale(days: float) -> float:
    """SF(t) = 0.5 min(1, 14 days / t): the part of a vega that becomes curvature over the margin period."""
    return 0.5 * min(1.0, 14.0 / positive(days, "days to expiry"))


def curvature_lambda(theta: float) -> float:
    """(Phi^-1(0.995)^2 - 1)(1 + theta) - theta for theta in -1..0."""
    from scipy.special import ndtri

    if not -1.0 <= theta <= 0.0:
        raise InputError.at(
            "theta", f"{theta!r} is not between -1 and 0", "It is min(sum CVR / sum |CVR|, 0)."
        )
    return (float(ndtri(CURVATURE_LEVEL)) ** 2 - 1.0) * (1.0 + theta) - theta


class Curvature(msgspec.Struct, frozen=True, kw_only=True):
    """K of the bucket (with squared correlations), theta, and the margin with its divisor applied."""

    bucket: Bucket
    theta: float
    margin: float


def curvature_margin(
    scaled: Given, correlation: Matrix | float, *, volatility_ratio: float = 1.0
) -> Curvature:
    """max(0, sum CVR + lambda K) / HVR^2 for one bucket; `scaled` are SF(t) times vol x vega."""
    cvr = finite(scaled, "curvature")
    rho = full_matrix(correlation, cvr.size) ** 2
    k = correlated_sum(cvr, rho)
    gross = float(np.abs(cvr).sum())
    theta = min(float(cvr.sum()) / gross, 0.0) if gross else 0.0
    margin = (
        max(float(cvr.sum()) + curvature_lambda(theta) * k, 0.0) / positive(volatility_ratio, "ratio") ** 2
    )
    bucket = Bucket(margin=k, net=float(cvr.sum()), weighted=tuple(cvr.tolist()), factors=(1.0,) * cvr.size)
    return Curvature(bucket=bucket, theta=theta, margin=margin)


def across_buckets(
    buckets: Sequence[Bucket], correlation: Matrix | float, residual: Bucket | None = None
) -> float:
    """sqrt(sum K_b^2 + sum gamma g S_b S_c) + K_residual, g = min / max of the buckets' largest factors."""
    if not buckets:
        return residual.margin if residual else 0.0
    k = np.array([bucket.margin for bucket in buckets])
    s = np.array([bucket.clipped for bucket in buckets])
    top = np.array([max(bucket.factors, default=1.0) for bucket in buckets])
    gamma = full_matrix(correlation, k.size) * np.minimum.outer(top, top) / np.maximum.outer(top, top)
    np.fill_diagonal(gamma, 0.0)
    whole = math.sqrt(max(float((k * k).sum() + s @ gamma @ s), 0.0))
    return whole + (residual.margin if residual else 0.0)


def across_classes(margins: Mapping[str, float], psi: Mapping[str, float]) -> float:
    """sqrt(sum IM_r^2 + sum psi_rs IM_r IM_s); `psi` by "A-B" or "B-A". InputError for a pair left out."""
    names = list(margins)
    matrix = np.eye(len(names))
    for a, one in enumerate(names):
        for b, two in enumerate(names[:a]):
            value = psi.get(f"{one}-{two}", psi.get(f"{two}-{one}"))
            if value is None:
                raise InputError.at(
                    "psi", f"there is none for {one}-{two}", "Give one for each pair of classes."
                )
            matrix[a, b] = matrix[b, a] = value
    return correlated_sum([not_negative(margins[name], f"margin of {name}") for name in names], matrix)
