"""What must hold after every step, or nothing further is written.

Cheap form after each step from running totals (per asset and instrument, not per account); the
full form re-adds the columns. Balances of all pots add to zero (deposits come from the external
pot), lots of an instrument add to zero, and the clearing pot mirrors the cost of open positions.
"""

from __future__ import annotations

import numpy as np

from seawall.engine.state import CLEARING, State
from seawall.errors import InvariantViolation


def check_step(state: State) -> None:
    """Running totals balance. O(assets + instruments)."""
    if state.balance_sum.any() or state.lots_sum.any():
        raise InvariantViolation(
            f"seq {state.seq}: balances add to {state.balance_sum.tolist()}, lots to "
            f"{state.lots_sum.tolist()}; both must be 0 everywhere"
        )
    clearing = [int(x) for x in state.book.balances[CLEARING]]
    owed = [0] * len(clearing)
    for row, cost in enumerate(state.cost_sum):
        owed[state.settle_row[row]] += int(cost)
    if any(have + cost for have, cost in zip(clearing, owed, strict=True)):
        raise InvariantViolation(
            f"seq {state.seq}: clearing holds {clearing}, open positions cost {owed}; they must cancel"
        )


def check_full(state: State) -> None:
    """Re-add every column and compare with the running totals. O(accounts)."""
    book = state.book
    balances = book.balances[: book.n_pots].sum(axis=0)
    if balances.any():
        raise InvariantViolation(
            f"seq {state.seq}: balances of {book.n_pots} pots add to {balances.tolist()}, not 0"
        )
    live = book.pos_pot[: book.n_positions] >= 0
    rows = book.pos_instrument[: book.n_positions][live]
    for name, column, running in (
        ("lots", book.pos_lots, state.lots_sum),
        ("cost", book.pos_cost, state.cost_sum),
    ):
        total = np.zeros(book.instruments, np.int64)
        np.add.at(total, rows, column[: book.n_positions][live])
        if (total != running).any():
            raise InvariantViolation(
                f"seq {state.seq}: {name} add to {total.tolist()} by column, {running.tolist()} by count"
            )
    check_step(state)
