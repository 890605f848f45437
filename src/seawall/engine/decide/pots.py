"""Pots come into being when money or a position first needs them; orders of a pot are cancelled together.

No amounts are decided here. Scope: one cross pot per account, or one per settlement asset; an
isolated pot holds one position and only its settlement asset.
"""

from __future__ import annotations

from seawall.engine import events as ev
from seawall.engine.writer import Writer
from seawall.ledger.columns import NONE


def ensure_cross_pot(writer: Writer, account: int, asset: int) -> int:
    """The cross pot that holds `asset`, opened if the scope asks for one per settlement asset."""
    state = writer.state
    pot = state.cross_pot(account, asset)
    if pot == NONE:
        pot = state.book.n_pots
        writer.emit(ev.PotOpened, pot=pot, account=account, unit=asset, instrument=NONE)
    return pot


def ensure_isolated_pot(writer: Writer, account: int, instrument: int) -> int:
    state = writer.state
    pot = state.isolated_pot(account, instrument)
    if pot == NONE:
        pot = state.book.n_pots
        writer.emit(
            ev.PotOpened, pot=pot, account=account, unit=state.settle_row[instrument], instrument=instrument
        )
    return pot


def cancel_all(writer: Writer, pot: int, *, cause: int, reason: str) -> int:
    """Cancel every resting order of a pot; returns how many."""
    numbers = list(writer.state.pot_orders.get(pot, ()))
    for number in numbers:
        writer.emit(
            ev.OrderReduced,
            cause=cause,
            order=number,
            size_lots=writer.state.orders[number].size_lots,
            reason=reason,
        )
    return len(numbers)
