"""Fills: facts from the venue. They are booked, never judged; only impossible ones are refused.

Lots signed, prices ticks, fees in atoms of the settlement asset (rounded up). A fill that belongs to a
liquidation order pays that step's fee as well; what it fills beyond the position goes to the vault.
"""

from __future__ import annotations

import msgspec

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.measure import held_lots, spot_atoms
from seawall.engine.decide.pots import cut_reduce_only, ensure_cross_pot, ensure_isolated_pot
from seawall.engine.decide.refuse import Refusal, known_account, known_instrument, positive
from seawall.engine.decide.spot import spot_fill
from seawall.engine.decide.sweep import sweep_pots
from seawall.engine.decide.trades_write import charge_liquidation_fee, pay, write_trade
from seawall.engine.state import BACKSTOP, FEES, HOUSE_ACCOUNTS, MARKET, State
from seawall.engine.writer import Writer
from seawall.instruments.model import InstrumentKind
from seawall.ledger.columns import NONE
from seawall.ledger.trade import fee_atoms, notional, option_fee_atoms

TRADERS = (BACKSTOP, MARKET)  # house accounts that trade
MOST_ATOMS = 2**61  # of value in one position, and of one market's open interest


class Side(msgspec.Struct):
    """One side of a fill: who, by which order, signed lots, and the pot it goes to (-1: to be opened)."""

    account: int
    order: int
    lots: int
    isolated: bool
    taker: bool
    pot: int = NONE


def report_fill(writer: Writer, command: cmd.ReportFill) -> None:
    state = writer.state
    row = known_instrument(state, command.instrument)
    instrument = state.instruments[row]
    size = positive(command.size_lots, "a fill")
    price = positive(command.price_ticks, "a price")
    if size > instrument.max_size_lots or notional(instrument, size, price) > MOST_ATOMS:
        raise Refusal(
            f"{command.instrument}: larger than the venue allows, or worth more than 2**61 atoms",
            size_lots=size,
            most_lots=instrument.max_size_lots,
            price_ticks=price,
        )
    taker = command.taker_is_buyer
    sides = [
        Side(command.buyer, command.buyer_order, size, command.buyer_isolated, taker),
        Side(command.seller, command.seller_order, -size, command.seller_isolated, not taker),
    ]
    for side in sides:
        known_account(state, side.account, house=TRADERS)
        if side.isolated and (side.account < HOUSE_ACCOUNTS or instrument.kind is InstrumentKind.SPOT):
            raise Refusal("only a user's contract position can be isolated", account=side.account)
        _check_order(state, side, row)
    if instrument.kind is InstrumentKind.SPOT:
        spot_fill(writer, row, price, sides[0], sides[1])
        return
    for side in sides:
        side.pot = _pot_of(state, side, row)
    _check_fits(state, row, size, price, sides)
    for side in sides:
        if side.pot == NONE:
            side.pot = (
                ensure_isolated_pot(writer, side.account, row)
                if side.isolated
                else ensure_cross_pot(writer, side.account, state.settle_row[row])
            )
    _book(writer, row, price, sides)


def _check_order(state: State, side: Side, row: int) -> None:
    if not side.order:
        return
    order = state.orders.get(side.order)
    if order is None:
        raise Refusal(
            "the fill names an order that is not open; report it without one if it did happen",
            account=side.account,
            order=side.order,
        )
    owner = int(state.book.pot_account[order.pot])
    if (
        owner != side.account
        or order.instrument != row
        or (order.size_lots > 0) != (side.lots > 0)
        or abs(side.lots) > abs(order.size_lots)
    ):
        raise Refusal(
            "the fill does not fit the order it names",
            account=side.account,
            order=side.order,
            order_lots=order.size_lots,
            fill_lots=side.lots,
            order_account=owner,
        )


def _pot_of(state: State, side: Side, row: int) -> int:
    if side.order in state.orders:
        order = state.orders[side.order]
        return order.heir if order.liquidation else order.pot
    if side.account < HOUSE_ACCOUNTS:
        return state.account_pot[side.account]
    if side.isolated:
        return state.isolated_pot(side.account, row)
    return state.cross_pot(side.account, state.settle_row[row])


def _check_fits(state: State, row: int, size: int, price: int, sides: list[Side]) -> None:
    """Refuse what could not be booked or valued: one pot on both sides, or sums that near 64 bits."""
    instrument, book = state.instruments[row], state.book
    if sides[0].pot == sides[1].pot and (sides[0].pot != NONE or sides[0].account == sides[1].account):
        raise Refusal("a fill needs two different pots", account=sides[0].account)
    mark = int(state.market.mark[row]) or price
    worst = min(price, mark) if instrument.kind.inverse else max(price, mark)
    added = 0
    slots = [book.position(side.pot, row) if side.pot != NONE else NONE for side in sides]
    for side, slot in zip(sides, slots, strict=True):
        held = book.pos_lots.item(slot) if slot != NONE else 0
        added += max(held + side.lots, 0) - max(held, 0)
    open_lots = int(state.market.oi_lots[row]) + added
    if (
        added > 0
        and max(notional(instrument, open_lots, worst), spot_atoms(state, row, open_lots)) > MOST_ATOMS
    ):
        raise Refusal(
            f"{instrument.name}: open interest would be worth more than 2**61 atoms",
            open_interest_lots=int(state.market.oi_lots[row]),
            size_lots=size,
        )
    for side, slot in zip(sides, slots, strict=True):
        if slot != NONE and abs(book.pos_cost.item(slot)) > MOST_ATOMS:
            raise Refusal("the position's cost is beyond 2**61 atoms", account=side.account)


def _book(writer: Writer, row: int, price: int, sides: list[Side]) -> None:
    state = writer.state
    named = [side.order for side in sides if side.order in state.orders]
    liquidation = next((number for number in named if state.orders[number].liquidation), 0)
    legs: list[tuple[int, int]] = []
    for side in sides:
        legs += _split(state, side, row, taken=[s.pot for s in sides])
    kind = "liquidation" if liquidation else "fill"
    seq = write_trade(writer, row, price, legs, kind=kind, order=liquidation)
    for pot, lots in legs:
        side = sides[0] if lots > 0 else sides[1]
        _charge(writer, side, pot, row, lots, price, cause=seq)
    for side in sides:
        if side.order in state.orders:
            _reduce_order(writer, side, cause=seq)
    touched = sorted({pot for pot, _lots in legs if pot >= HOUSE_ACCOUNTS})
    for pot in touched:
        cut_reduce_only(writer, pot, row, cause=seq)
    sweep_pots(writer, touched, cause=seq)


def _split(state: State, side: Side, row: int, *, taken: list[int]) -> list[tuple[int, int]]:
    """A liquidation order closes and never opens: what it fills beyond the pot's position is the vault's."""
    order = state.orders.get(side.order)
    if order is None or not order.liquidation or side.pot == BACKSTOP or BACKSTOP in taken:
        return [(side.pot, side.lots)]
    held = held_lots(state, side.pot, row)
    closing = min(abs(held), abs(side.lots)) if held and (held > 0) != (side.lots > 0) else 0
    sign = 1 if side.lots > 0 else -1
    parts = [(side.pot, sign * closing), (BACKSTOP, side.lots - sign * closing)]
    return [(pot, lots) for pot, lots in parts if lots]


def _charge(writer: Writer, side: Side, pot: int, row: int, lots: int, price: int, *, cause: int) -> None:
    """Maker or taker fee, and the liquidation fee where the fill closes a liquidation order."""
    state, instrument = writer.state, writer.state.instruments[row]
    if pot == MARKET:
        return
    settle, size = state.settle_row[row], notional(instrument, lots, price)
    fee = _trade_fee(
        state, row, lots, size, instrument.taker_fee_ppb if side.taker else instrument.maker_fee_ppb
    )
    if fee:
        rule = f"{state.tag} fees.{instrument.name}"
        pay(writer, pot, settle, [(FEES, fee)], kind="fee", cause=cause, rule=rule)
    order = state.orders.get(side.order)
    if order is not None and order.liquidation:
        charge_liquidation_fee(writer, pot, row, size, order.step, cause=cause)


def _trade_fee(state: State, row: int, lots: int, size_atoms: int, fee_ppb: int) -> int:
    """A rate of what was traded; of an option, of its underlying's index, capped at a share of the price.

    While the underlying has no index, only the cap is known, and it is charged.
    """
    option = state.instruments[row]
    if not option.kind.option or fee_ppb <= 0:
        return fee_atoms(size_atoms, fee_ppb)
    spot = spot_atoms(state, row, lots)
    if not spot:
        return fee_atoms(size_atoms, option.fee_cap_ppb)
    return option_fee_atoms(
        spot_atoms=spot, worth_atoms=size_atoms, fee_ppb=fee_ppb, cap_ppb=option.fee_cap_ppb
    )


def _reduce_order(writer: Writer, side: Side, *, cause: int) -> None:
    state = writer.state
    order = state.orders[side.order]
    writer.put(
        ev.OrderReduced(
            seq=writer.state.seq + 1,
            cause_seq=cause or writer.command_seq,
            time_ns=writer.time_ns,
            order=side.order,
            size_lots=side.lots,
            reason="filled",
        )
    )
    if order.liquidation and order.size_lots == 0:
        writer.put(
            ev.LiquidationOrderDone(
                seq=writer.state.seq + 1,
                cause_seq=cause or writer.command_seq,
                time_ns=writer.time_ns,
                order=side.order,
                pot=order.pot,
                unfilled_lots=0,
            )
        )


def report_order_done(writer: Writer, command: cmd.ReportOrderDone) -> None:
    """The venue is through with a liquidation order; the ladder goes on with what is left."""
    order = writer.state.orders.get(command.order)
    if order is None or not order.liquidation:
        raise Refusal("no such liquidation order", order=command.order)
    pot = order.pot
    seq = writer.put(
        ev.LiquidationOrderDone(
            seq=writer.state.seq + 1,
            cause_seq=writer.command_seq,
            time_ns=writer.time_ns,
            order=command.order,
            pot=pot,
            unfilled_lots=order.size_lots,
        )
    )
    sweep_pots(writer, [pot], cause=seq)
