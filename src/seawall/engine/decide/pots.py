"""Pots come into being when money or a position first needs them; orders are cancelled, cut and recalled.

No amounts are decided here; sizes are signed lots. Scope: one cross pot per account, or one per
settlement asset; an isolated pot holds one position and only its settlement asset.
"""

from __future__ import annotations

from seawall.engine import events as ev
from seawall.engine.decide.measure import held_lots
from seawall.engine.writer import Writer
from seawall.ledger.columns import NONE


def ensure_cross_pot(writer: Writer, account: int, asset: int) -> int:
    """The cross pot that holds `asset`, opened if the scope asks for one per settlement asset."""
    state = writer.state
    pot = state.cross_pot(account, asset)
    if pot == NONE:
        pot = state.book.n_pots
        writer.put(
            ev.PotOpened(
                seq=writer.state.seq + 1,
                cause_seq=writer.command_seq,
                time_ns=writer.time_ns,
                pot=pot,
                account=account,
                unit=asset,
                instrument=NONE,
            )
        )
    return pot


def ensure_isolated_pot(writer: Writer, account: int, instrument: int) -> int:
    state = writer.state
    pot = state.isolated_pot(account, instrument)
    if pot == NONE:
        pot = state.book.n_pots
        writer.put(
            ev.PotOpened(
                seq=writer.state.seq + 1,
                cause_seq=writer.command_seq,
                time_ns=writer.time_ns,
                pot=pot,
                account=account,
                unit=state.settle_row[instrument],
                instrument=instrument,
            )
        )
    return pot


def cancel_all(writer: Writer, pot: int, *, cause: int, reason: str, row: int = NONE) -> int:
    """Cancel the resting orders of a pot, of one instrument or of all; returns how many."""
    orders = writer.state.orders
    numbers = [n for n in writer.state.pot_orders.get(pot, ()) if row in (NONE, orders[n].instrument)]
    for number in numbers:
        writer.put(
            ev.OrderReduced(
                seq=writer.state.seq + 1,
                cause_seq=cause or writer.command_seq,
                time_ns=writer.time_ns,
                order=number,
                size_lots=orders[number].size_lots,
                reason=reason,
            )
        )
    return len(numbers)


def cut_reduce_only(writer: Writer, pot: int, row: int, *, cause: int) -> None:
    """Reduce-only orders never exceed the position: after it shrank or turned, the excess is cancelled."""
    state = writer.state
    held = held_lots(state, pot, row)
    for number in list(state.pot_orders.get(pot, ())):
        order = state.orders[number]
        if not order.reduce_only or order.instrument != row:
            continue
        room = abs(held) if (held > 0) != (order.size_lots > 0) else 0
        excess = abs(order.size_lots) - room
        if excess > 0:
            lots = excess if order.size_lots > 0 else -excess
            reason = "reduce-only: nothing left to reduce"
            writer.put(
                ev.OrderReduced(
                    seq=writer.state.seq + 1,
                    cause_seq=cause or writer.command_seq,
                    time_ns=writer.time_ns,
                    order=number,
                    size_lots=lots,
                    reason=reason,
                )
            )


def recall(writer: Writer, pot: int, *, cause: int, why: str, heir: int = NONE) -> int:
    """Ask the venue to cancel every liquidation order still booked to `pot`; `heir` takes what fills anyway.

    Without an heir the pot keeps it. An order already recalled is named again only if its heir changes.
    """
    state = writer.state
    taker = pot if heir == NONE else heir
    for number in list(state.sent_orders.get(pot, ())):
        order = state.orders[number]
        if order.recalled and order.heir == taker:
            continue
        cause = writer.put(
            ev.LiquidationOrderRecalled(
                seq=writer.state.seq + 1,
                cause_seq=cause or writer.command_seq,
                time_ns=writer.time_ns,
                order=number,
                pot=order.pot,
                heir=taker,
                why=why,
            )
        )
    return cause
