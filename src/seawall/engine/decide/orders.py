"""Resting orders: margined at their worst, refused when initial margin would not hold.

Lots signed (+ buy), prices ticks. An order that can only reduce the position needs no margin and
is allowed even below the initial level; an unknown account may not add risk.
"""

from __future__ import annotations

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.pots import ensure_cross_pot, ensure_isolated_pot
from seawall.engine.decide.refuse import Refusal, known_account, known_instrument
from seawall.engine.state import FLAG_LIQUIDATING, FLAG_UNKNOWN, State
from seawall.engine.writer import Writer
from seawall.kernels.margin import Overlay
from seawall.ledger.columns import NONE
from seawall.margin.statement import health
from seawall.market.policy import Action


def place_order(writer: Writer, command: cmd.PlaceOrder) -> None:
    state = writer.state
    account = known_account(state, command.account)
    instrument = known_instrument(state, command.instrument)
    size = command.size_lots
    if not 0 < abs(size) <= state.instruments[instrument].max_size_lots or command.price_ticks <= 0:
        raise Refusal(
            "size and price of an order must be within the instrument's limits",
            account=account,
            most_lots=state.instruments[instrument].max_size_lots,
        )
    if command.order in state.orders or not 0 < command.order < 1 << 40:
        raise Refusal("order numbers are positive, below 2**40 and used once", account=account)
    settle = state.settle_row[instrument]
    pot = state.isolated_pot(account, instrument) if command.isolated else state.cross_pot(account, settle)
    held = _held(state, pot, instrument)
    reduces = (held > 0) != (size > 0) and abs(size) <= abs(held) and held != 0
    if command.reduce_only and not reduces:
        raise Refusal(
            "a reduce-only order may not add to or turn the position", account=account, position_lots=held
        )
    if not reduces:
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


def _held(state: State, pot: int, instrument: int) -> int:
    if pot == NONE:
        return 0
    slot = state.book.position(pot, instrument)
    return int(state.book.pos_lots[slot]) if slot != NONE else 0


def _may_add(state: State, pot: int, instrument: int, size: int, account: int) -> None:
    """Everything that forbids adding risk, each with its number."""
    policy, price = state.policies[instrument], state.prices[instrument]
    if until := state.gate_closed("open", instrument):
        raise Refusal("opening is closed here", account=account, until_ns=until)
    if not policy.allows(Action.OPEN, price.conditions):
        raise Refusal(
            "the price is not good enough to add risk", account=account, conditions=price.conditions
        )
    if pot == NONE:
        raise Refusal("initial margin: the pot holds nothing", account=account)
    if state.flags[pot] & (FLAG_UNKNOWN | FLAG_LIQUIDATING):
        raise Refusal(
            "an unknown or liquidating account may not add risk", account=account, flags=int(state.flags[pot])
        )
    overlay = Overlay(instrument=instrument, bid=max(size, 0), ask=max(-size, 0))
    after = health(state.book, state.margin, state.market, pot, "initial", overlay)
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
        raise Refusal("no such resting order")
    writer.emit(ev.OrderReduced, order=command.order, size_lots=order.size_lots, reason="cancelled")
