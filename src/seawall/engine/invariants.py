"""What must hold after every step, or nothing further is written.

Cheap form after each step from running totals (per asset and instrument, not per account); the
full form re-adds the columns and compares orders, lists and ladders. Balances of all pots add to zero
(deposits come from the external pot), lots of an instrument add to zero, and the clearing pot mirrors
the cost of open positions.
"""

from __future__ import annotations

import numpy as np

from seawall.engine.state import CLEARING, FLAG_LIQUIDATING, State
from seawall.errors import InvariantViolation


def check_step(state: State) -> None:
    """Running totals balance. O(assets + instruments)."""
    balances, lots = state.balance_sum.tolist(), state.lots_sum.tolist()
    if any(balances) or any(lots):
        raise InvariantViolation(
            f"seq {state.seq}: balances add to {balances}, lots to {lots}; both must be 0 everywhere"
        )
    clearing = state.book.balances[CLEARING].tolist()
    owed = [0] * len(clearing)
    for settle, cost in zip(state.settle_row, state.cost_sum.tolist(), strict=True):
        owed[settle] += cost
    if any(have + cost for have, cost in zip(clearing, owed, strict=True)):
        raise InvariantViolation(
            f"seq {state.seq}: clearing holds {clearing}, open positions cost {owed}; they must cancel"
        )


def check_full(state: State) -> None:
    """Re-add every column and compare with the running totals. O(accounts + orders)."""
    book = state.book
    balances = book.balances[: book.n_pots].sum(axis=0)
    if balances.any():
        raise InvariantViolation(
            f"seq {state.seq}: balances of {book.n_pots} pots add to {balances.tolist()}, not 0"
        )
    live = book.pos_pot[: book.n_positions] >= 0
    rows = book.pos_instrument[: book.n_positions][live]
    lots = book.pos_lots[: book.n_positions][live]
    for name, column, running in (
        ("lots", lots, state.lots_sum),
        ("cost", book.pos_cost[: book.n_positions][live], state.cost_sum),
        ("open interest", np.maximum(lots, 0), state.market.oi_lots),
    ):
        total = np.zeros(book.instruments, np.int64)
        np.add.at(total, rows, column)
        if (total != running).any():
            raise InvariantViolation(
                f"seq {state.seq}: {name} add to {total.tolist()} by column, {running.tolist()} by count"
            )
    _check_lists(state, int(live.sum()))
    _check_orders(state)
    check_step(state)


def _check_lists(state: State, live: int) -> None:
    """Every live slot stands in its pot's list once; ladders and flags name the same pots."""
    book, seen = state.book, 0
    pots = np.flatnonzero(book.pot_head[: book.n_pots] >= 0)
    slots = book.pot_head[pots]  # all lists are walked in step, a slot of each at a time
    while slots.size and seen <= live:
        if (book.pos_pot[slots] != pots).any():
            raise InvariantViolation(f"seq {state.seq}: a slot stands in the list of another pot")
        seen += slots.size
        following = book.pos_next[slots]
        pots, slots = pots[following >= 0], following[following >= 0]
    if seen != live:
        raise InvariantViolation(f"seq {state.seq}: {live} live slots, {seen} in the pots' lists")
    flagged = np.flatnonzero(state.flags[: book.n_pots] & FLAG_LIQUIDATING).tolist()
    missing = [pot for pot in flagged if pot not in state.ladders]
    if missing:
        raise InvariantViolation(f"seq {state.seq}: pots {missing} are liquidated without a ladder")


def _check_orders(state: State) -> None:
    """Order columns are the sums of the orders, and every order is in exactly one list."""
    book = state.book
    sums: dict[tuple[int, int], list[int]] = {}
    for order in state.orders.values():
        if not order.liquidation and not order.reduce_only:
            entry = sums.setdefault((order.pot, order.instrument), [0, 0, 0])
            entry[order.size_lots < 0] += abs(order.size_lots)
            entry[2] += 1
    columns, count = {}, book.n_positions
    resting = (book.pos_bid[:count] != 0) | (book.pos_ask[:count] != 0) | (book.pos_orders[:count] != 0)
    for slot in np.flatnonzero(resting & (book.pos_pot[:count] >= 0)).tolist():
        found = [int(book.pos_bid[slot]), int(book.pos_ask[slot]), int(book.pos_orders[slot])]
        columns[int(book.pos_pot[slot]), int(book.pos_instrument[slot])] = found
    if sums != columns:
        raise InvariantViolation(f"seq {state.seq}: orders add to {sums}, columns say {columns}")
    listed = [number for numbers in state.pot_orders.values() for number in numbers]
    listed += [number for numbers in state.sent_orders.values() for number in numbers]
    if sorted(listed) != sorted(state.orders):
        raise InvariantViolation(f"seq {state.seq}: orders {sorted(state.orders)}, listed {sorted(listed)}")
