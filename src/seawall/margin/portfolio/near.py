"""Which accounts of a whole book a move of the market brings below zero, without asking those far from it.

Health is cash + sum n base - max(0, worst loss) - charges: the worst over scenarios of what each lot counts
for (`outcome` = base - loss; today is one more). If outcomes of i move by low_i to high_i it falls at most by
    sum |n_i| max(-low_i, high_i)  <=  most * sum |n_i| weight_i,      most = max_i (move_i / weight_i).
The right side needs one number of each account (`reach`: health over gross weight), sorted once: a calm tick
is one search. Whom it meets is asked for the sum with signs (bought lots by low, sold by high), and whom that
leaves is valued exactly. Both are bounds for any weights, so nobody is missed; weights say how many are asked
in vain. Good ones are how far outcomes go in a reference move: Greeks, or the table repriced there.
Whole atoms per lot and whole lots in float64, exact below 2**53, which is checked; reach rounds down.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError, NumberError
from seawall.kernels.near_book import gross_of_book, least_of_accounts, sum_of_book
from seawall.kernels.scenario_book import (
    BEYOND,
    EXACT,
    exact_worst,
    heaviest,
    tiled,
    worst_of_accounts,
    worst_of_book,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SHADE = 1.0 - 1e-15  # times this, a quotient rounded to nearest is below the true one


class Positions(NamedTuple):
    """A book in columns: account a holds instrument[p], size[p] lots, for ends[a] <= p < ends[a + 1]."""

    ends: NDArray[np.uint32]
    instrument: NDArray[np.uint16]
    size: Floats
    cash: Floats  # atoms, by account
    charge: Floats  # atoms per lot of gross size, by instrument


class Found(NamedTuple):
    """Accounts whose health is below zero, with it; how many were met, and how many valued, to find them."""

    accounts: Ints
    health: Floats
    met: int
    judged: int


class NearBook:
    """A book filed at one market; `below` asks about another one. File anew when `met` has grown large."""

    def __init__(self, held: Positions, base: Ints, losses: Ints, weights: Ints) -> None:
        """base, weights: (instruments,) atoms per lot, weights above 0; losses: (instruments, scenarios).

        InputError where shapes do not fit or a weight is not above 0; NumberError where sums may pass 2**53.
        """
        self._held = held
        self._heaviest = heaviest(held.ends, held.size)
        self._check(base, losses)
        if weights.shape != base.shape or (weights <= 0).any():
            raise InputError.at(
                "filing a book", f"weights {weights.shape}", "Give each instrument a weight above zero."
            )
        self._weights = weights.astype(np.float64)
        self._outcomes = _outcomes(base, losses)
        self._exact(self._weights)
        self.health = self._health_of_all(base, losses)
        gross = np.empty(held.cash.size)
        gross_of_book(held.ends, held.instrument, held.size, self._weights, gross)
        with np.errstate(divide="ignore"):
            reach = np.where(gross > 0.0, self.health / np.maximum(gross, 1.0) * SHADE, np.inf)
        # Nothing held never moves; who is below already is always met.
        reach = np.where(self.health < 0.0, -np.inf, reach)
        self._order = np.argsort(reach, kind="stable")
        self._reach = reach[self._order]

    def below(self, base: Ints, losses: Ints) -> Found:
        """The accounts below zero at this market, in order; exactly those that valuing all would find."""
        held = self._held
        self._check(base, losses)
        moved = _outcomes(base, losses)
        moved -= self._outcomes
        low = moved.min(axis=1).astype(np.float64)
        high = moved.max(axis=1).astype(np.float64)
        gone = np.maximum(np.maximum(-low, high), 0.0)
        self._exact(gone)
        most = float((gone / self._weights).max(initial=0.0)) / SHADE
        met = np.sort(self._order[: np.searchsorted(self._reach, most, side="right")])
        least = np.empty(met.size)
        least_of_accounts(met, held.ends, held.instrument, held.size, low, high, least)
        asked = met[self.health[met] + least < 0.0]
        health = self._health_of(asked, base, losses)
        under = health < 0.0
        return Found(asked[under], health[under], met.size, asked.size)

    def _health_of_all(self, base: Ints, losses: Ints) -> Floats:
        held, table = self._held, tiled(losses)
        worst, worth = np.empty(held.cash.size), np.empty(held.cash.size)
        self._exact(np.abs(losses).max(axis=1, initial=0) + held.charge)
        worst_of_book(held.ends, held.instrument, held.size, table, held.charge, worst)
        sum_of_book(held.ends, held.instrument, held.size, base.astype(np.float64), worth)
        return np.asarray(held.cash + worth - worst)

    def _health_of(self, asked: Ints, base: Ints, losses: Ints) -> Floats:
        held = self._held
        if not asked.size:
            return np.empty(0)
        reach = np.abs(losses).max(axis=1, initial=0) + held.charge
        worst, worth = np.empty(asked.size), np.empty(asked.size)
        table, values = tiled(losses), base.astype(np.float64)
        worst_of_accounts(asked, held.ends, held.instrument, held.size, table, reach, held.charge, worst)
        least_of_accounts(asked, held.ends, held.instrument, held.size, values, values, worth)
        for row in np.flatnonzero(worst == BEYOND):
            span = slice(int(held.ends[asked[row]]), int(held.ends[asked[row] + 1]))
            which = held.instrument[span]
            worst[row] = exact_worst(held.size[span], losses[which], held.charge[which])
        return np.asarray(held.cash[asked] + worth - worst)

    def _exact(self, most: NDArray[Any]) -> None:
        """NumberError unless every account's gross size times the largest entry stays below 2**53."""
        largest = float(np.max(most, initial=0.0))
        gross = self._heaviest
        if gross * largest >= EXACT or float(np.abs(self._held.cash).max(initial=0.0)) >= EXACT:
            raise NumberError(
                f"book: {gross:,.0f} lots at {largest:,.0f} atoms, or an account's cash, pass 2**53\n"
                "  Keep the book in larger lots or a coarser unit."
            )

    def _check(self, base: Ints, losses: Ints) -> None:
        instruments = self._held.charge.size
        if base.shape != (instruments,) or losses.ndim != 2 or losses.shape[0] != instruments:
            raise InputError.at(
                "scenario margin of a book",
                f"base {base.shape}, losses {losses.shape} for {instruments} instruments",
                "Give a value and a row of losses for each instrument.",
            )
        self._exact(np.abs(base))


def _outcomes(base: Ints, losses: Ints) -> Ints:
    """What a lot counts for in each scenario, and today in the last column."""
    found = np.empty((losses.shape[0], losses.shape[1] + 1), dtype=np.int64)
    np.subtract(base[:, None], losses, out=found[:, :-1])
    found[:, -1] = base
    return found
