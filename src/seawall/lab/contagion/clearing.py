"""Who pays what when members of a network of claims cannot pay all: greatest clearing payments, and DebtRank.

Matrices are (n, n) with [i, j] what i owes j unless said otherwise; all in one money unit. Doubles, because
these are scenarios. Seniority is an argument, because the same inputs give other equities with another.
Source: Eisenberg and Noe (2001); Rogers and Veraart (2013) for recovery rates alpha (outside assets) and beta
(claims on others); Bardoscia et al. (2015) for linear DebtRank.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from seawall.errors import InputError

Vector = NDArray[np.float64]
CLOSE = 1e-12  # relative: what rounding may leave open without being a default
MAX_ROUNDS = 100_000


class Cleared(msgspec.Struct, frozen=True, kw_only=True):
    """Payments and equity of each member, and who defaulted in which round."""

    payments: Vector
    equity: Vector
    default_rounds: tuple[tuple[int, ...], ...] = ()

    @property
    def defaults(self) -> tuple[int, ...]:
        """All who defaulted, in order."""
        return tuple(sorted(member for found in self.default_rounds for member in found))


def clear(owed: ArrayLike, outside: ArrayLike, *, alpha: float = 1.0, beta: float = 1.0) -> Cleared:
    """The greatest clearing payments by fictitious default: at most n rounds, each one linear system.

    `outside` (n,) are assets from outside the network. Equity of a defaulter is zero. InputError for
    negative or unknown figures, or recovery rates outside 0 to 1.
    """
    debts, assets = _network(owed, outside)
    if not (0 <= alpha <= 1 and 0 <= beta <= 1):
        raise InputError.at("recovery", f"alpha {alpha}, beta {beta}", "Give rates from 0 to 1.")
    due = debts.sum(axis=1)
    shares = np.divide(debts, due[:, None], out=np.zeros_like(debts), where=due[:, None] > 0)
    payments, failed = due.copy(), np.zeros(len(due), bool)
    rounds: list[tuple[int, ...]] = []
    while True:
        worth = assets + shares.T @ payments
        new = ~failed & (worth < due - CLOSE * np.maximum(due, 1.0))
        if not new.any():
            equity = np.where(failed, 0.0, np.maximum(worth - due, 0.0))
            return Cleared(payments=payments, equity=equity, default_rounds=tuple(rounds))
        rounds.append(tuple(int(member) for member in np.flatnonzero(new)))
        failed |= new
        within = shares[np.ix_(failed, failed)].T
        known = alpha * assets[failed] + beta * (shares[~failed].T @ due[~failed])[failed]
        solved = np.linalg.solve(np.eye(int(failed.sum())) - beta * within, known)
        payments = due.copy()
        payments[failed] = np.clip(solved, 0.0, due[failed])


def clear_with_creditors(
    owed: ArrayLike, assets: ArrayLike, outside_debt: ArrayLike, *, senior: bool
) -> Cleared:
    """Clearing beside creditors from outside: paid first (`senior`), or pro rata with the members.

    Equity is assets less all that was promised, below zero for a defaulter. InputError as `clear`.
    """
    debts, held = _network(owed, assets)
    outer = _vector(outside_debt, len(held), "outside_debt")
    due = debts.sum(axis=1)
    shares = np.divide(debts, due[:, None], out=np.zeros_like(debts), where=due[:, None] > 0)
    promised = due + outer
    payments = due.copy()
    for _ in range(MAX_ROUNDS):
        worth = held + shares.T @ payments
        if senior:
            paid = np.clip(worth - outer, 0.0, due)
        else:
            part = np.divide(worth, promised, out=np.ones_like(worth), where=promised > 0)
            paid = due * np.clip(part, 0.0, 1.0)
        if np.allclose(paid, payments, rtol=1e-15, atol=0.0):
            return Cleared(payments=paid, equity=held + shares.T @ paid - promised)
        payments = paid
    raise InputError.at("network", "payments do not settle", "Give members some assets from outside.")


def debt_rank(equity: ArrayLike, exposures: ArrayLike, shock: ArrayLike) -> Vector:
    """Equity after linear DebtRank: a member loses on j as much of its exposure as j lost of its equity.

    `exposures` [i, j] is what i may lose on j. Losses spread before anyone defaults: earlier than clearing.
    InputError unless every equity is above zero.
    """
    before = np.asarray(equity, float)
    matrix, lost = _network(exposures, before)[0], _vector(shock, len(before), "shock")
    if (before <= 0).any():
        raise InputError.at("equity", "is not above zero", "Leave out members that have failed already.")
    now = before - lost
    for _ in range(MAX_ROUNDS):
        after = before - lost - matrix @ np.clip(1.0 - now / before, 0.0, 1.0)
        if np.allclose(after, now, rtol=1e-15, atol=1e-15):
            return np.asarray(after)
        now = after
    raise InputError.at("exposures", "losses do not settle", "Give exposures below the equity they strike.")


def impact(liabilities: ArrayLike, buffer: ArrayLike) -> NDArray[np.float64]:
    """[i, j]: the part of j's buffer that is lost when i fails, at most 1; all of no buffer."""
    debts, room = _network(liabilities, buffer)
    ratio = np.divide(debts, room[None, :], out=np.where(debts > 0, 1.0, 0.0), where=room[None, :] > 0)
    return np.minimum(ratio, 1.0)


def _network(owed: Any, beside: Any) -> tuple[Vector, Vector]:
    matrix = np.asarray(owed, float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError.at("network", f"has shape {matrix.shape}", "Give a square matrix of claims.")
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise InputError.at("network", "holds unknown or negative claims", "Give amounts from 0.")
    vector = _vector(beside, len(matrix), "members")
    if (vector < 0).any():
        raise InputError.at("members", "hold less than nothing", "Give amounts from 0.")
    return matrix, vector


def _vector(values: Any, count: int, where: str) -> Vector:
    vector = np.asarray(values, float)
    if vector.shape != (count,) or not np.isfinite(vector).all():
        raise InputError.at(where, f"has shape {vector.shape} or holds unknown figures", f"Give {count}.")
    return vector
