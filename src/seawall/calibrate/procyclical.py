"""Margin that does not rise most when money is scarcest: buffer, stress weight, floor, and their measures.

Margins are a path, one per step, in any unit; rates are fractions. Sources: EMIR RTS 153/2013 Art. 28(1) (a)
to (c) for the three tools; Murphy, Vasios & Vause (BoE FSP 29) for the measures. How a buffer is released and
rebuilt is ours: the regulation leaves it open.
"""

from __future__ import annotations

import msgspec
import numpy as np

from seawall.calibrate.inputs import Floats, Given, between, finite, not_negative
from seawall.errors import InputError


def with_buffer(
    base: Given, *, buffer: float = 0.25, release_rise: float = 0.1, rebuild_step: float = 0.05
) -> Floats:
    """(a) base (1 + buffer), given up as far as needed when the base rises.

    Where the base rises by more than `release_rise` the margin stays as it was, down to the base at the
    least; otherwise it may grow by `rebuild_step` per step until the buffer is whole again.
    """
    path = _path(base)
    not_negative(buffer, "buffer")
    out = np.empty_like(path)
    out[0] = path[0] * (1.0 + buffer)
    for k in range(1, path.size):
        released = path[k] > path[k - 1] * (1.0 + release_rise)
        allowed = out[k - 1] * (1.0 if released else 1.0 + rebuild_step)
        out[k] = max(path[k], min(path[k] * (1.0 + buffer), allowed))
    return out


def stress_weighted(base: Given, stressed: float, *, weight: float = 0.25) -> Floats:
    """(b) a fixed weight on the margin of a stressed period."""
    between(weight, "weight", -1e-12, 1.0 + 1e-12)
    return (1.0 - weight) * _path(base) + weight * not_negative(stressed, "stressed margin")


def with_floor(base: Given, floor: float) -> Floats:
    """(c) never below the margin of a long period's volatility."""
    return np.maximum(_path(base), not_negative(floor, "floor"))


class Cyclicality(msgspec.Struct, frozen=True, kw_only=True):
    """Peak over trough, the largest rise over 1 and over 3 steps (fractions), and the mean."""

    peak_to_trough: float
    max_rise_1: float
    max_rise_3: float
    mean: float


def cyclicality(path: Given) -> Cyclicality:
    values = _path(path)
    return Cyclicality(
        peak_to_trough=float(values.max() / values.min()),
        max_rise_1=largest_rise(values, 1),
        max_rise_3=largest_rise(values, 3),
        mean=float(values.mean()),
    )


def largest_rise(path: Given, steps: int) -> float:
    """The largest relative rise from any step to the one `steps` later; negative if it only falls."""
    values = _path(path)
    if not 0 < steps < values.size:
        raise InputError.at(
            "steps", f"{steps} in a path of {values.size}", "Give fewer steps or a longer path."
        )
    return float((values[steps:] / values[:-steps]).max() - 1.0)


def shortfall(path: Given, base: Given) -> float:
    """How much a path lies below the base, added up."""
    return float(np.maximum(_path(base) - _path(path), 0.0).sum())


def _path(values: Given) -> Floats:
    path = finite(values, "margins", 2)
    if not (path > 0.0).all():
        bad = int(np.flatnonzero(path <= 0.0)[0])
        raise InputError.at("margins", f"step {bad} is {float(path[bad]):g}", "A margin must be above zero.")
    return path
