"""P14 and the end of a contract: funding payments, expiry and settlement.

Rates ppb of the position's value, prices ticks. Each account's payment is floored against it; the
odd atoms go to the fee pot. Settlement closes every position at one price against nobody: lots and
cost of a market are zero-sum, so the closing trades cancel among themselves.
"""

from __future__ import annotations

import numpy as np

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.pots import cancel_all
from seawall.engine.decide.refuse import Refusal, known_instrument, positive
from seawall.engine.decide.sweep import sweep_all
from seawall.engine.decide.trades_write import write_trade
from seawall.engine.writer import Writer
from seawall.instruments.model import InstrumentKind
from seawall.kernels.fixed import mul_div_floor
from seawall.ledger.trade import trade_value
from seawall.market.policy import Action
from seawall.units import PPB


def funding_rate_ppb(*, premium_ppb: int, interest_ppb: int, clamp_ppb: int, cap_ppb: int) -> int:
    """Rate of one interval: premium + clamp(interest - premium, +-clamp), then capped. Source: Hyperliquid, Binance docs."""
    rate = premium_ppb + min(max(interest_ppb - premium_ppb, -clamp_ppb), clamp_ppb)
    return min(max(rate, -cap_ppb), cap_ppb) if cap_ppb else rate


def apply_funding(writer: Writer, command: cmd.ApplyFunding) -> None:
    state, book = writer.state, writer.state.book
    row = known_instrument(state, command.instrument)
    instrument = state.instruments[row]
    if instrument.kind not in (InstrumentKind.LINEAR_PERPETUAL, InstrumentKind.INVERSE_PERPETUAL):
        raise Refusal(f"{instrument.name} is not a perpetual and has no funding")
    if abs(command.rate_ppb) > PPB:
        raise Refusal("a funding rate beyond 100 % per payment", rate_ppb=command.rate_ppb)
    if not state.policies[row].allows(Action.SETTLE, state.prices[row].conditions):
        raise Refusal(
            "the price is not good enough to settle funding on", conditions=state.prices[row].conditions
        )
    rules = state.rulebook.funding.get(instrument.name)
    price = int((state.market.mark if rules and rules.price == "mark" else state.market.index_price)[row])
    count = book.n_positions
    slots = np.flatnonzero(
        (book.pos_instrument[:count] == row) & (book.pos_pot[:count] >= 0) & (book.pos_lots[:count] != 0)
    )
    pots = book.pos_pot[slots].astype("<i8")
    # An inverse long is short the coin: its value is negative, and it pays a positive rate all the same.
    sign = -1 if instrument.kind.inverse else 1
    amounts = np.array(
        [
            mul_div_floor(-sign * trade_value(instrument, int(lots), price), command.rate_ppb, PPB)
            for lots in book.pos_lots[slots]
        ],
        "<i8",
    )
    writer.emit(
        ev.FundingPaid,
        instrument=row,
        rate_ppb=command.rate_ppb,
        price_ticks=price,
        pots=pots.tobytes(),
        amounts_atoms=amounts.tobytes(),
        rest_atoms=-int(amounts.sum()) if amounts.size else 0,
    )
    sweep_all(writer)


def settle_instrument(writer: Writer, command: cmd.SettleInstrument) -> None:
    state, book = writer.state, writer.state.book
    row = known_instrument(state, command.instrument)
    instrument = state.instruments[row]
    price = positive(command.price_ticks, "a settlement price")
    if instrument.expiry_ns is not None and command.time_ns < instrument.expiry_ns:
        raise Refusal(
            f"{instrument.name} has not expired", expiry_ns=instrument.expiry_ns, now_ns=command.time_ns
        )
    for pot in sorted(
        {order.pot for order in state.orders.values() if order.instrument == row and not order.liquidation}
    ):
        cancel_all(writer, pot, cause=0, reason="settlement")
    for number in [
        n for n, order in sorted(state.orders.items()) if order.instrument == row and order.liquidation
    ]:
        order = state.orders[number]
        writer.emit(ev.LiquidationOrderDone, order=number, pot=order.pot, unfilled_lots=order.size_lots)
    count = book.n_positions
    slots = np.flatnonzero(
        (book.pos_instrument[:count] == row) & (book.pos_pot[:count] >= 0) & (book.pos_lots[:count] != 0)
    )
    legs = sorted((int(book.pos_pot[slot]), -int(book.pos_lots[slot])) for slot in slots)
    seq = write_trade(writer, row, price, legs, kind="settlement") if legs else 0
    writer.emit(ev.InstrumentSettled, cause=seq, instrument=row, price_ticks=price, positions=len(legs))
    sweep_all(writer)
