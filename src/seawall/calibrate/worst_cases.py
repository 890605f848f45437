"""CVaR as a minimum, the portfolio that makes it least, and how large a fund must be.

Losses are positive and in the unit given; a level of 0.75 leaves 25 % beyond. Sources: Rockafellar & Uryasev
2000; CPMI-IOSCO Principles, principle 4 (cover two); Gauntlet's published objective (a weighted sum).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from seawall.calibrate.inputs import Floats, finite, level_of
from seawall.calibrate.tails import Tail
from seawall.errors import InputError


def least_cvar(losses: Sequence[float], level: float) -> Tail:
    """(c, min over c of c + E[(L - c)+] / (1 - level)): the smallest minimiser is the VaR."""
    sample = np.sort(finite(losses, "losses"))
    tail = 1.0 - level_of(level)
    costs = np.array([c + float(np.mean(np.maximum(sample - c, 0.0))) / tail for c in sample])
    best = int(np.flatnonzero(costs <= costs.min() + 1e-15 * abs(costs.min()))[0])
    return Tail(float(sample[best]), float(costs[best]))


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Shares that add up to 1, none below zero, and the CVaR they leave."""

    weights: tuple[float, ...]
    cvar: float


def least_cvar_weights(returns: Sequence[Sequence[float]], level: float, *, least_mean: float) -> Weights:
    """The long-only portfolio of least CVaR with a mean of at least `least_mean`; returns [times, assets].

    InputError where no such portfolio exists.
    """
    from scipy.optimize import linprog

    table = np.array(returns, dtype=np.float64)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise InputError.at("returns", f"of shape {table.shape}", "Give a row per time, a column per asset.")
    times, assets = table.shape
    # Unknowns: weights, c (free), and the excess of each time's loss over c.
    cost = np.concatenate([np.zeros(assets), [1.0], np.full(times, 1.0 / (times * (1.0 - level_of(level))))])
    excess = np.hstack([-table, -np.ones((times, 1)), -np.eye(times)])
    mean = np.concatenate([-table.mean(axis=0), np.zeros(times + 1)])
    found = linprog(
        cost,
        A_ub=np.vstack([excess, mean]),
        b_ub=np.concatenate([np.zeros(times), [-least_mean]]),
        A_eq=np.concatenate([np.ones(assets), np.zeros(times + 1)])[None, :],
        b_eq=[1.0],
        bounds=[(0.0, None)] * assets + [(None, None)] + [(0.0, None)] * times,
        method="highs",
    )
    if not found.success:
        raise InputError.at("portfolio", f"no mean reaches {least_mean:g}", "Ask for less.")
    return Weights(weights=tuple(found.x[:assets].tolist()), cvar=float(found.fun))


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """By scenario: the largest loss over margin, and the two largest; `target` is the worst of the latter."""

    one: tuple[float, ...]
    two: tuple[float, ...]
    target: float


def cover_two(losses_over_margin: Sequence[Sequence[float]]) -> Cover:
    """Size of a fund that bears the failure of any two members; [scenarios, members]."""
    if not losses_over_margin:
        raise InputError.at("losses over margin", "no scenario", "Give at least one row.")
    rows = [np.sort(np.maximum(finite(row, "losses over margin"), 0.0))[::-1] for row in losses_over_margin]
    two = tuple(float(np.sum(row[:2])) for row in rows)
    return Cover(one=tuple(float(row[0]) for row in rows), two=two, target=max(two))


def weighted_objective(
    *, bad_debt: float, liquidated: float, efficiency: float, weights: Sequence[float]
) -> float:
    """w1 * bad debt / OI + w2 * liquidated / OI - w3 * OI / margin: smaller is better."""
    first, second, third = finite(weights, "weights", 3).tolist()
    return first * bad_debt + second * liquidated - third * efficiency


def critical_depth(
    shocks: Sequence[float], *, margin: float, impact: float, size: float, fund_share: float
) -> Floats:
    """Depth below which a shock exhausts margin and fund: q (c / (m + F/N - s))**2; infinite from m + F/N on.

    Square-root impact c sqrt(q / d) on the liquidated size q. A ground truth to test searches with.
    """
    room = margin + fund_share - finite(shocks, "shocks")
    with np.errstate(divide="ignore"):
        return np.where(room > 0.0, size * (impact / np.maximum(room, 1e-300)) ** 2, np.inf)
