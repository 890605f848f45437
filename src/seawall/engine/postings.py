"""How money is written: entries and columns of amounts, checked whole before a balance is touched.

Zero-sum per asset or InvariantViolation; every sum fits 64 bits or OverflowError. Atoms. Called by
`engine.apply` alone.
"""

from __future__ import annotations

import numpy as np

from seawall.engine import events as ev
from seawall.engine.state import FEES, State
from seawall.errors import InvariantViolation
from seawall.liquidation.allocation import exact_sum
from seawall.units import INT64_MAX

INT64_MIN = -INT64_MAX - 1


def fit(number: int) -> int:
    if not INT64_MIN <= number <= INT64_MAX:
        raise OverflowError(f"{number} does not fit in 64 bits")
    return number


def credited(state: State, changes: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """(pot, asset) -> balance after the changes, all of them checked to fit."""
    held = state.book.balances.item
    return {key: fit(held(key) + atoms) for key, atoms in changes.items()}


def set_balances(state: State, after: dict[tuple[int, int], int]) -> None:
    balances, sums = state.book.balances, state.balance_sum
    for key, atoms in after.items():
        sums[key[1]] = sums.item(key[1]) + atoms - balances.item(key)
        balances[key] = atoms


def post(state: State, entries: tuple[ev.Entry, ...], what: str) -> None:
    sums: dict[int, int] = {}
    changes: dict[tuple[int, int], int] = {}
    for entry in entries:
        key = (entry.pot, entry.asset)
        sums[entry.asset] = sums.get(entry.asset, 0) + entry.amount_atoms
        changes[key] = changes.get(key, 0) + entry.amount_atoms
    for asset, total in sums.items():
        if total:
            raise InvariantViolation(f"{what}: entries of asset {asset} add to {total}, not 0: {entries}")
    set_balances(state, credited(state, changes))


def spread(
    state: State, asset: int, pots_bytes: bytes, amounts_bytes: bytes, rest_atoms: int, what: str
) -> None:
    """Add columns of amounts to balances; `rest` goes to the fee pot. Zero-sum or refused."""
    pots, amounts = np.frombuffer(pots_bytes, "<i8"), np.frombuffer(amounts_bytes, "<i8")
    total = exact_sum(amounts)
    if total + rest_atoms:
        raise InvariantViolation(f"{what}: amounts add to {total} and the rest is {rest_atoms}")
    column = state.book.balances[:, asset]
    if amounts.size:
        # Each pot at most once, so the largest balance and the largest amount bound every sum.
        rising = np.sort(pots)
        if (rising[1:] == rising[:-1]).any():
            raise InvariantViolation(f"{what}: a pot is named twice")
        held = column[pots]
        fit(int(held.max()) + int(amounts.max()))
        fit(int(held.min()) + int(amounts.min()))
    fees = fit(int(column[FEES]) + rest_atoms)
    column[FEES] = fees
    column[pots] += amounts
