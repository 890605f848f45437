"""Option prices by Lewis's integral: one contour, any model, no damping to choose.

C = F - sqrt(F K) / pi * integral over u > 0 of Re(e^{iuk} phi(u - i/2)) / (u^2 + 1/4), k = ln(F / K).
Undiscounted, in the unit of forward and strike. Gauss-Legendre panels grow with u until oscillation limits
them; a coarser rule on the same panels estimates the error, and what does not converge is refused.
The absolute error is about 1e-14 of the forward, so far wings keep fewer digits. Source: Lewis (2001).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from seawall.calibrate.models.model import Complexes, Floats, Model
from seawall.errors import NumberError

_FINE, _COARSE = 16, 11
_GROWTH = 0.3
_NODES_LIMIT = 6_000_000
TAIL = 1e-17  # what is cut off, of the forward
TOLERANCE = 1e-12  # of the forward


@cache
def _rule(points: int) -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(points)
    return nodes, weights


def _shifted(model: Model, u: Floats, years: float) -> Complexes:
    return model.log_cf(np.asarray(u, dtype=np.complex128) - 0.5j, years)


def _reach(model: Model, years: float) -> float:
    """Where the rest of the integral no longer counts."""
    for power in range(2, 48):
        u = 2.0**power
        at = np.array([u, 1.5 * u, 2.0 * u])
        # |phi| / u bounds the rest where phi only falls; three points guard against a lull.
        if np.all(np.exp(_shifted(model, at, years).real) / at < TAIL):
            return u
    return 2.0**48


def _panels(model: Model, strikes_log: Floats, years: float, shrink: float) -> Floats:
    """Edges of the panels."""
    reach = _reach(model, years)
    probe = np.geomspace(0.1, reach, 40)
    phase = np.unwrap(_shifted(model, probe, years).imag)
    turning = float(np.max(np.abs(np.diff(phase) / np.diff(probe)))) + float(np.max(np.abs(strikes_log)))
    widest = shrink * 6.0 / max(turning, 1e-9)  # about one turn a panel
    edges, at = [0.0], 0.0
    while at < reach:
        width = min(shrink * max(0.1, _GROWTH * at), widest)
        if width == widest:
            count = int(np.ceil((reach - at) / widest))
            if count * _FINE > _NODES_LIMIT:
                raise NumberError(
                    f"model {model.name}: its characteristic function falls too slowly to integrate "
                    f"({count} panels up to u = {reach:.3g})\n"
                    "  Use a longer expiry, or the model's closed form."
                )
            return np.concatenate([edges, at + widest * np.arange(1, count + 1)])
        at += width
        edges.append(at)
    return np.array(edges)


def _integrals(model: Model, k: Floats, years: float, edges: Floats, points: int) -> Floats:
    nodes, weights = _rule(points)
    half = 0.5 * np.diff(edges)
    u = (0.5 * (edges[:-1] + edges[1:]))[:, None] + half[:, None] * nodes
    phi = np.exp(_shifted(model, u.ravel(), years)) * (half[:, None] * weights).ravel()
    flat = u.ravel()
    base = phi / (flat * flat + 0.25)
    # One strike at a time: the phase of all strikes at once would not fit in memory for slow models.
    return np.array([float(np.sum((np.exp(1j * flat * one) * base).real)) for one in k])


def lewis_calls(model: Model, forward: float, strikes: Any, years: float) -> Floats:
    """Undiscounted calls at these strikes. NumberError where the integral does not settle."""
    model.check()
    strikes = np.atleast_1d(np.asarray(strikes, dtype=np.float64))
    k = np.log(forward / strikes)
    scale = np.sqrt(forward * strikes) / np.pi
    worst = np.inf
    for shrink in (1.0, 0.5, 0.25, 0.125):
        edges = _panels(model, k, years, shrink)
        fine = _integrals(model, k, years, edges, _FINE)
        coarse = _integrals(model, k, years, edges, _COARSE)
        worst = float(np.max(np.abs(fine - coarse) * scale)) / forward
        if worst <= TOLERANCE:
            return np.asarray(np.maximum(forward - scale * fine, 0.0))
    raise NumberError(
        f"model {model.name}: the price integral settles to {worst:.2g} of the forward only\n"
        "  Use a longer expiry or other parameters."
    )
