"""One smile: total variance as raw SVI or as jump wings, its slopes, and where it would allow arbitrage.

k = ln(K / F), w = vol^2 * years, both plain floats; nothing is rounded here. Only + - * / and square
roots, so the same bits on every CPU. A slice is free of butterfly arbitrage where Durrleman's g(k) >= 0 and
no wing is steeper than 2 (Lee): the density of the price is then nowhere negative.
Sources: Gatheral and Jacquier, arXiv:1204.0646; wings: Lee, Math. Finance 14 (2004).
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError

Floats = NDArray[np.float64]

G_FLOOR = -1e-8  # a slice whose g is below this somewhere has arbitrage
STEEPEST_WING = 2.0
LEAST_VARIANCE = 1e-16  # a vol of 1 % for half a minute has a million times more
LARGEST = 1e6
_GRID = 400
_HALVINGS = 80


class RawSvi(msgspec.Struct, frozen=True, kw_only=True):
    """w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)). a and b are variances, m and sigma are in k."""

    a: float
    b: float
    rho: float
    m: float
    sigma: float

    @property
    def least_variance(self) -> float:
        """The lowest total variance of the slice, at any k."""
        return self.a + self.b * self.sigma * float(np.sqrt(1.0 - self.rho * self.rho))

    @property
    def wing_slopes(self) -> tuple[float, float]:
        """(left, right) slope of w far out, both as positive numbers."""
        return self.b * (1.0 - self.rho), self.b * (1.0 + self.rho)


class JumpWings(msgspec.Struct, frozen=True, kw_only=True):
    """The same five numbers as a trader says them: at-the-money variance and skew, wings, least variance."""

    v: float  # variance per year at k = 0
    psi: float  # slope of vol at k = 0 times sqrt(years)
    p: float  # left wing
    c: float  # right wing
    vtilde: float  # least variance per year


class Butterfly(msgspec.Struct, frozen=True, kw_only=True):
    """Where the density of a slice is lowest. `negative` are the intervals of k with g below zero."""

    g_min: float
    k_at_g_min: float
    negative: tuple[tuple[float, float], ...]
    steepest_wing: float
    holds: bool

    def explain(self) -> str:
        """In words, for a refusal."""
        if self.steepest_wing > STEEPEST_WING:
            return f"a wing has slope {self.steepest_wing:.4f}, above {STEEPEST_WING:g}"
        where = ", ".join(f"({low:.4f}, {high:.4f})" for low, high in self.negative) or "nowhere"
        return f"g has its minimum {self.g_min:.3g} at k = {self.k_at_g_min:.4f}; below zero on {where}"


def check_raw(svi: RawSvi, where: str = "SVI slice") -> None:
    """InputError unless the five numbers describe a smile whose variance is positive everywhere."""
    values = np.array([svi.a, svi.b, svi.rho, svi.m, svi.sigma])
    if not np.all(np.abs(values) <= LARGEST):
        raise InputError.at(
            where, "a parameter is no number of this size", f"Give five finite numbers, at most {LARGEST:g}."
        )
    if svi.b < 0.0 or abs(svi.rho) >= 1.0 or svi.sigma <= 0.0:
        raise InputError.at(
            where,
            f"b = {svi.b:g}, rho = {svi.rho:g}, sigma = {svi.sigma:g} describe no smile",
            "b must be >= 0, rho inside (-1, 1), sigma > 0.",
        )
    if svi.least_variance < LEAST_VARIANCE:
        raise InputError.at(
            where,
            f"total variance falls to {svi.least_variance:g}",
            f"a + b sigma sqrt(1 - rho^2) must be at least {LEAST_VARIANCE:g}: raise a.",
        )


def total_variance(svi: RawSvi, k: Floats) -> Floats:
    """w(k); any shape."""
    x = k - svi.m
    return svi.a + svi.b * (svi.rho * x + np.sqrt(x * x + svi.sigma * svi.sigma))


def derivatives(svi: RawSvi, k: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """w and its first three derivatives in k."""
    x = k - svi.m
    square = svi.sigma * svi.sigma
    root = np.sqrt(x * x + square)
    w = svi.a + svi.b * (svi.rho * x + root)
    first = svi.b * (svi.rho + x / root)
    second = svi.b * square / (root * root * root)
    third = -3.0 * second * x / (root * root)
    return w, first, second, third


def durrleman(k: Floats, w: Floats, first: Floats, second: Floats) -> Floats:
    """g(k) of any smile with this w and these derivatives; the density is g times a positive number."""
    half = 1.0 - k * first / (2.0 * w)
    return half * half - 0.25 * first * first * (1.0 / w + 0.25) + 0.5 * second


def density_factor(svi: RawSvi, k: Floats) -> Floats:
    """Durrleman's g(k) of the slice. InputError where its variance is not positive."""
    check_raw(svi)
    w, first, second, _ = derivatives(svi, k)
    return durrleman(k, w, first, second)


def _density_slope(svi: RawSvi, k: Floats) -> Floats:
    """g'(k)."""
    w, first, second, third = derivatives(svi, k)
    half = 1.0 - k * first / (2.0 * w)
    half_slope = -first / (2.0 * w) - k * (second * w - first * first) / (2.0 * w * w)
    return (
        2.0 * half * half_slope
        - 0.5 * first * second * (1.0 / w + 0.25)
        + 0.25 * first * first * first / (w * w)
        + 0.5 * third
    )


def scan_points(svi: RawSvi, low: float, high: float) -> Floats:
    """Points of [low, high], dense around the vertex and around the money, sparse far out."""
    x = np.linspace(-1.0, 1.0, _GRID + 1)[1:-1]
    spread = x / (1.0 - np.abs(x))
    width = np.sqrt(max(float(total_variance(svi, np.zeros(1))[0]), 1e-12))
    points = np.concatenate([svi.m + svi.sigma * spread, width * spread, np.linspace(low, high, _GRID)])
    return np.unique(points[(points >= low) & (points <= high)])


def butterfly(svi: RawSvi, *, low: float = -10.0, high: float = 10.0) -> Butterfly:
    """Check the density over [low, high] and the wings beyond. InputError if the variance is not positive.

    Every change of sign of g and of g' between neighbouring points is bisected to the last bit.
    """
    check_raw(svi)
    k = scan_points(svi, low, high)
    turns = _roots(lambda at: _density_slope(svi, at), k)
    candidates = np.concatenate([k, turns])
    g = density_factor(svi, candidates)
    best = int(np.argmin(g))
    # Turning points are added first, so that a dip between two points of the grid is seen.
    ordered = np.unique(candidates)
    edges = _roots(lambda at: density_factor(svi, at), ordered)
    steepest = max(svi.wing_slopes)
    return Butterfly(
        g_min=float(g[best]),
        k_at_g_min=float(candidates[best]),
        negative=_below_zero(svi, edges, low, high),
        steepest_wing=steepest,
        holds=bool(g[best] >= G_FLOOR and steepest <= STEEPEST_WING),
    )


def _roots(function, points: Floats) -> Floats:  # type: ignore[no-untyped-def]
    """Where the function changes sign between neighbouring points."""
    values = function(points)
    at = np.flatnonzero((values[:-1] < 0.0) != (values[1:] < 0.0))
    left, right = points[at].copy(), points[at + 1].copy()
    negative_left = values[at] < 0.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (left + right)
        same = (function(middle) < 0.0) == negative_left
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    return np.asarray(0.5 * (left + right))


def _below_zero(svi: RawSvi, edges: Floats, low: float, high: float) -> tuple[tuple[float, float], ...]:
    bounds = np.concatenate([[low], edges, [high]])
    middles = 0.5 * (bounds[:-1] + bounds[1:])
    signs = density_factor(svi, middles)
    return tuple(
        (float(bounds[place]), float(bounds[place + 1])) for place in range(signs.size) if signs[place] < 0.0
    )


def to_jump_wings(svi: RawSvi, years: float) -> JumpWings:
    """The slice as jump wings at its time to expiry."""
    check_raw(svi)
    _check_years(years)
    root = float(np.sqrt(svi.m * svi.m + svi.sigma * svi.sigma))
    w0 = svi.a + svi.b * (-svi.rho * svi.m + root)
    scale = float(np.sqrt(w0))
    return JumpWings(
        v=w0 / years,
        psi=svi.b / (2.0 * scale) * (svi.rho - svi.m / root),
        p=svi.b * (1.0 - svi.rho) / scale,
        c=svi.b * (1.0 + svi.rho) / scale,
        vtilde=svi.least_variance / years,
    )


def from_jump_wings(wings: JumpWings, years: float) -> RawSvi:
    """The raw slice of these jump wings. InputError if no slice has them."""
    _check_years(years)
    where = "jump wings"
    w0 = wings.v * years
    if w0 <= 0.0 or wings.p < 0.0 or wings.c < 0.0 or wings.p + wings.c <= 0.0:
        raise InputError.at(where, f"v = {wings.v:g}, p = {wings.p:g}, c = {wings.c:g}", "v > 0, wings >= 0.")
    if not 0.0 < wings.vtilde <= wings.v:
        raise InputError.at(where, f"vtilde = {wings.vtilde:g} is not in (0, v]", "Lower vtilde to v.")
    scale = float(np.sqrt(w0))
    b = 0.5 * scale * (wings.c + wings.p)
    rho = 1.0 - wings.p * scale / b
    beta = rho - 2.0 * wings.psi * scale / b
    if abs(beta) >= 1.0 or abs(rho) >= 1.0:
        raise InputError.at(
            where, f"psi = {wings.psi:g} does not fit wings {wings.p:g}, {wings.c:g}", "Need -p < 2 psi < c."
        )
    # beta = m / sqrt(m^2 + sigma^2): the place of the vertex as a fraction of its distance.
    flat = float(np.sqrt(1.0 - beta * beta))
    dip = b * (1.0 - rho * beta - float(np.sqrt(1.0 - rho * rho)) * flat)
    if dip <= 0.0:
        raise InputError.at(where, "psi = 0 at the vertex says nothing about sigma", "Give a raw slice.")
    distance = (wings.v - wings.vtilde) * years / dip
    sigma, m = distance * flat, distance * beta
    a = wings.vtilde * years - b * sigma * float(np.sqrt(1.0 - rho * rho))
    svi = RawSvi(a=a, b=b, rho=rho, m=m, sigma=sigma)
    check_raw(svi, where)
    return svi


def repaired_wings(v: float, psi: float, p: float) -> tuple[float, float]:
    """(c', vtilde') that make jump wings with this v, psi and p free of arbitrage.

    Source: Gatheral and Jacquier section 5.1: the SSVI slice with the same at-the-money level, skew and
    left wing. InputError where p + 2 psi is not positive: the right wing would have to slope down.
    """
    c = p + 2.0 * psi
    if v <= 0.0 or p <= 0.0 or c <= 0.0:
        raise InputError.at(
            "jump wings", f"v = {v:g}, p = {p:g}, p + 2 psi = {c:g}", "All three must be above 0 to repair."
        )
    return c, v * 4.0 * p * c / ((p + c) * (p + c))


def _check_years(years: float) -> None:
    if not years > 0.0:
        raise InputError.at("SVI slice", f"{years:g} years to expiry", "Leave out what has expired.")
