"""Fills: facts from the venue. They are booked, never judged; only impossible ones are refused.

Lots signed, prices ticks, fees in atoms of the settlement asset (rounded up). A fill that belongs
to a liquidation order pays that step's liquidation fee as well, split as the rulebook says.
"""

from __future__ import annotations

import numpy as np

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.pots import ensure_cross_pot, ensure_isolated_pot
from seawall.engine.decide.refuse import Refusal, known_account, known_instrument, positive
from seawall.engine.decide.sweep import sweep_pots
from seawall.engine.decide.trades_write import charge_liquidation_fee, pay, write_trade
from seawall.engine.state import FEES, MARKET, Order, State
from seawall.engine.writer import Writer
from seawall.instruments.model import Instrument, InstrumentKind
from seawall.ledger.columns import NONE
from seawall.ledger.trade import fee_atoms, notional, trade_value


def report_fill(writer: Writer, command: cmd.ReportFill) -> None:
    state = writer.state
    row = known_instrument(state, command.instrument)
    instrument = state.instruments[row]
    size = positive(command.size_lots, "a fill")
    price = positive(command.price_ticks, "a price")
    known_account(state, command.buyer, house=True)
    known_account(state, command.seller, house=True)
    if size > instrument.max_size_lots:
        raise Refusal(
            f"{command.instrument}: larger than the venue allows",
            size_lots=size,
            most=instrument.max_size_lots,
        )
    if notional(instrument, size, price) > 2**61:
        raise Refusal(
            f"{command.instrument}: the notional would pass 2**61 atoms", size_lots=size, price_ticks=price
        )
    if instrument.kind is InstrumentKind.SPOT:
        _spot_fill(writer, command, row, instrument)
        return
    sides = (
        (command.buyer, command.buyer_order, size, command.buyer_isolated),
        (command.seller, command.seller_order, -size, command.seller_isolated),
    )
    for account, order, signed, _isolated in sides:
        _check_order(state, account, order, row, signed)
    pots = [_pot_for(writer, account, order, row, isolated) for account, order, _signed, isolated in sides]
    liquidation = next(
        (order for _a, order, _s, _i in sides if order in state.orders and state.orders[order].liquidation), 0
    )
    kind = "liquidation" if liquidation else "fill"
    legs = [(pot, signed) for pot, (_a, _o, signed, _i) in zip(pots, sides, strict=True)]
    seq = write_trade(writer, row, price, legs, kind=kind, order=liquidation, cause=0)
    for (account, order, signed, _isolated), pot in zip(sides, pots, strict=True):
        taker = command.taker_is_buyer == (signed > 0)
        _charge(writer, pot, row, signed, price, taker=taker, order=order, cause=seq)
        if order in state.orders:
            left = state.orders[order]
            writer.emit(
                ev.OrderReduced,
                cause=seq,
                order=order,
                size_lots=_part(left.size_lots, signed),
                reason="filled",
            )
            if left.liquidation and left.size_lots == 0:
                writer.emit(ev.LiquidationOrderDone, cause=seq, order=order, pot=pot, unfilled_lots=0)
    sweep_pots(writer, np.array(sorted(set(pots) - {MARKET}), np.int64), cause=seq)


def _part(left: int, filled: int) -> int:
    return filled if abs(filled) <= abs(left) else left


def _check_order(state: State, account: int, number: int, row: int, signed: int) -> None:
    if not number:
        return
    order = state.orders.get(number)
    if order is None:
        raise Refusal("the fill names an order that is not open", account=account, order=number)
    owner = int(state.book.pot_account[order.pot])
    if (
        owner != account
        or order.instrument != row
        or (order.size_lots > 0) != (signed > 0)
        or abs(signed) > abs(order.size_lots)
    ):
        raise Refusal(
            "the fill does not fit the order it names",
            account=account,
            order=number,
            order_lots=order.size_lots,
            fill_lots=signed,
            order_account=owner,
        )


def _pot_for(writer: Writer, account: int, number: int, row: int, isolated: bool) -> int:
    state = writer.state
    if number in state.orders:
        return state.orders[number].pot
    if account == MARKET:
        return MARKET
    if isolated:
        return ensure_isolated_pot(writer, account, row)
    return ensure_cross_pot(writer, account, state.settle_row[row])


def _charge(
    writer: Writer, pot: int, row: int, lots: int, price: int, *, taker: bool, order: int, cause: int
) -> None:
    """Maker or taker fee, and the liquidation fee where the fill closes a liquidation order."""
    state, instrument = writer.state, writer.state.instruments[row]
    if pot == MARKET:
        return
    settle = state.settle_row[row]
    size = notional(instrument, lots, price)
    fee = fee_atoms(size, instrument.taker_fee_ppb if taker else instrument.maker_fee_ppb)
    if fee:
        pay(
            writer,
            pot,
            settle,
            [(FEES, fee)],
            kind="fee",
            cause=cause,
            rule=f"{state.tag} fees.{instrument.name}",
        )
    resting: Order | None = state.orders.get(order)
    if resting is not None and resting.liquidation:
        charge_liquidation_fee(writer, pot, row, size, resting.step, cause=cause)


def _spot_fill(writer: Writer, command: cmd.ReportFill, row: int, instrument: Instrument) -> None:
    """Base against quote between two cross pots; fees in quote."""
    state = writer.state
    base, quote = state.asset_row[instrument.base], state.asset_row[instrument.quote]
    base_atoms = command.size_lots * instrument.lot_units * state.rulebook.assets[base].atoms_per_unit
    if base_atoms.denominator != 1:
        raise Refusal(f"{instrument.name}: a lot is not a whole number of {instrument.base} atoms")
    quote_atoms = trade_value(instrument, command.size_lots, command.price_ticks)
    for account, asset, needed in (
        (command.buyer, quote, quote_atoms),
        (command.seller, base, base_atoms.numerator),
    ):
        pot = state.cross_pot(account, asset)
        if account != MARKET and (pot == NONE or state.book.balances[pot, asset] < needed):
            raise Refusal("a spot trade needs the balance it gives", account=account, needed_atoms=needed)
    pots = {
        (account, asset): MARKET if account == MARKET else ensure_cross_pot(writer, account, asset)
        for account in (command.buyer, command.seller)
        for asset in (base, quote)
    }
    seq = writer.emit(
        ev.Transferred,
        kind="spot trade",
        rule=state.tag,
        entries=(
            ev.Entry(pots[command.buyer, base], base, base_atoms.numerator),
            ev.Entry(pots[command.seller, base], base, -base_atoms.numerator),
            ev.Entry(pots[command.buyer, quote], quote, -quote_atoms),
            ev.Entry(pots[command.seller, quote], quote, quote_atoms),
        ),
    )
    for account, is_buyer in ((command.buyer, True), (command.seller, False)):
        rate = instrument.taker_fee_ppb if command.taker_is_buyer == is_buyer else instrument.maker_fee_ppb
        fee = fee_atoms(quote_atoms, rate)
        if fee and account != MARKET:
            pay(writer, pots[account, quote], quote, [(FEES, fee)], kind="fee", cause=seq, rule=state.tag)
    sweep_pots(writer, np.array(sorted({pot for pot in pots.values() if pot != MARKET}), np.int64), cause=seq)


def report_order_done(writer: Writer, command: cmd.ReportOrderDone) -> None:
    """The venue is through with a liquidation order; the ladder goes on with what is left."""
    order = writer.state.orders.get(command.order)
    if order is None or not order.liquidation:
        raise Refusal("no such liquidation order", order=command.order)
    seq = writer.emit(
        ev.LiquidationOrderDone, order=command.order, pot=order.pot, unfilled_lots=order.size_lots
    )
    sweep_pots(writer, np.array([order.pot], np.int64), cause=seq)
