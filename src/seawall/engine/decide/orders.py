"""Resting orders: margined at their worst, refused when initial margin would not hold.

Lots signed (+ buy), prices ticks. An order that with all others on its side can only reduce the position
needs no margin and is allowed even below the initial level; an unknown account may not add risk.
"""

from __future__ import annotations

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.measure import held_lots, needed_instruments, pot_health
from seawall.engine.decide.pots import ensure_cross_pot, ensure_isolated_pot
from seawall.engine.decide.refuse import Refusal, known_account, known_instrument
from seawall.engine.state import FLAG_LIQUIDATING, FLAG_UNKNOWN, State
from seawall.engine.writer import Writer
from seawall.instruments.model import InstrumentKind
from seawall.kernels.margin import Overlay
from seawall.ledger.columns import NONE
from seawall.market.policy import Action
from seawall.units import INT64_MAX


def place_order(writer: Writer, command: cmd.PlaceOrder) -> None:
    state = writer.state
    account = known_account(state, command.account)
    instrument = known_instrument(state, command.instrument)
    size, listing = command.size_lots, state.instruments[instrument]
    if not 0 < abs(size) <= listing.max_size_lots or not 0 < command.price_ticks <= INT64_MAX:
        raise Refusal(
            "size and price of an order must be within the instrument's limits",
            account=account,
            most_lots=listing.max_size_lots,
        )
    if command.order in state.orders or not 0 < command.order < 1 << 40:
        raise Refusal("an order number is positive, below 2**40 and not in use", account=account)
    if command.isolated and listing.kind is InstrumentKind.SPOT:
        raise Refusal("a spot trade cannot be isolated", account=account)
    settle = state.settle_row[instrument]
    pot = state.isolated_pot(account, instrument) if command.isolated else state.cross_pot(account, settle)
    held = held_lots(state, pot, instrument)
    against = held != 0 and (held > 0) != (size > 0)
    if command.reduce_only and not (against and abs(size) <= abs(held)):
        raise Refusal(
            "a reduce-only order may not add to or turn the position", account=account, position_lots=held
        )
    if not (against and abs(size) + _resting(state, pot, instrument, size) <= abs(held)):
        if not command.reduce_only:
            _may_add(state, pot, instrument, size, account)
    if pot == NONE:
        pot = (
            ensure_isolated_pot(writer, account, instrument)
            if command.isolated
            else ensure_cross_pot(writer, account, settle)
        )
    writer.emit(
        ev.OrderPlaced,
        order=command.order,
        pot=pot,
        instrument=instrument,
        size_lots=size,
        price_ticks=command.price_ticks,
        reduce_only=command.reduce_only,
    )


def _resting(state: State, pot: int, instrument: int, size: int) -> int:
    """Lots of plain orders already resting on the side of `size`: each may reduce, together they may turn."""
    slot = state.book.position(pot, instrument)
    return int((state.book.pos_bid if size > 0 else state.book.pos_ask)[slot]) if slot != NONE else 0


def _may_add(state: State, pot: int, instrument: int, size: int, account: int) -> None:
    """Everything that forbids adding risk, each with its number."""
    if until := state.gate_closed("open", instrument):
        raise Refusal("opening is closed here", account=account, until_ns=until)
    if pot == NONE:
        raise Refusal("initial margin: the pot holds nothing", account=account)
    for row in sorted({instrument, *needed_instruments(state, pot)}):
        conditions = state.prices[row].conditions
        if not state.policies[row].allows(Action.OPEN, conditions):
            raise Refusal(
                f"the price of {state.instruments[row].name} is not good enough to add risk",
                account=account,
                conditions=conditions,
            )
    if state.flags[pot] & (FLAG_UNKNOWN | FLAG_LIQUIDATING):
        raise Refusal(
            "an unknown or liquidating account may not add risk", account=account, flags=int(state.flags[pot])
        )
    overlay = Overlay(instrument=instrument, bid=max(size, 0), ask=max(-size, 0))
    after = pot_health(state, pot, "initial", overlay)
    if not after.known:
        raise Refusal("a price this account needs is unknown", account=account, instrument=after.unknown)
    if after.margin_atoms < 0:
        raise Refusal(
            "initial margin is short",
            account=account,
            equity_atoms=after.equity_atoms,
            requirement_atoms=after.requirement_atoms,
            short_atoms=-after.margin_atoms,
        )


def cancel_order(writer: Writer, command: cmd.CancelOrder) -> None:
    state = writer.state
    order = state.orders.get(command.order)
    if order is None or order.liquidation:
        raise Refusal("no such resting order", order=command.order)
    writer.put(
        ev.OrderReduced(
            seq=writer.state.seq + 1,
            cause_seq=writer.command_seq,
            time_ns=writer.time_ns,
            order=command.order,
            size_lots=order.size_lots,
            reason="cancelled",
        )
    )
