"""P14 and the end of a contract: funding payments, expiry and settlement.

Rates ppb of the position's value, prices ticks. Each account's payment is rounded against it; the odd atoms
go to the fee pot. Settlement closes every position at one price against nobody: lots and cost of a market
are zero-sum, so the closing trades cancel among themselves. An option is settled at its payoff, and the price
given is then the delivery price, in ticks of its underlying.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.pots import cancel_all
from seawall.engine.decide.prices import ABSURD, MOST_ATOMS
from seawall.engine.decide.refuse import Refusal, known_instrument, positive
from seawall.engine.decide.sweep import sweep_all
from seawall.engine.decide.trades_write import write_trade
from seawall.engine.state import FEES, State
from seawall.engine.writer import Writer
from seawall.instruments.model import Instrument, InstrumentKind
from seawall.ledger.accrual import funding_rate_ppb
from seawall.ledger.trade import expiry_value, notional, trade_value
from seawall.liquidation.allocation import exact_sum
from seawall.market.policy import Action
from seawall.units import INT64_MAX, PPB

__all__ = ["apply_funding", "funding_rate_ppb", "settle_instrument"]


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
    if price <= 0:
        raise Refusal(f"{instrument.name} has no price to pay funding on")
    slots = _open_positions(state, row)
    amounts = _payments(instrument, book.pos_lots[slots], price, command.rate_ppb)
    writer.emit(
        ev.FundingPaid,
        instrument=row,
        rate_ppb=command.rate_ppb,
        price_ticks=price,
        pots=book.pos_pot[slots].astype("<i8").tobytes(),
        amounts_atoms=amounts.tobytes(),
        rest_atoms=-exact_sum(amounts),
    )
    sweep_all(writer)


def _payments(
    instrument: Instrument, lots: NDArray[np.int64], price_ticks: int, rate_ppb: int
) -> NDArray[np.int64]:
    """What each position gets (+) or pays (-), rounded against it.

    An inverse long is short the coin: its value is negative, and it pays a positive rate all the same.
    """
    sign = -1 if instrument.kind.inverse else 1
    most = max(int(lots.max()), -int(lots.min())) if lots.size else 0
    worth = most * instrument.value_num * (1 if instrument.kind.inverse else price_ticks)
    if most and worth * max(abs(rate_ppb), 1) < INT64_MAX:
        if instrument.kind.inverse:
            value = -(lots * instrument.value_num) // price_ticks
        else:
            value = lots * (price_ticks * instrument.value_num)
        return (-sign * value * rate_ppb // PPB).astype("<i8")
    values = (trade_value(instrument, held, price_ticks) for held in lots.tolist())
    return np.array([-sign * value * rate_ppb // PPB for value in values], "<i8")


def _open_positions(state: State, row: int) -> NDArray[np.int64]:
    """Slots of every position in an instrument, the venue's own too."""
    book, count = state.book, state.book.n_positions
    return np.flatnonzero(
        (book.pos_instrument[:count] == row) & (book.pos_pot[:count] >= 0) & (book.pos_lots[:count] != 0)
    )


def settle_instrument(writer: Writer, command: cmd.SettleInstrument) -> None:
    state, book = writer.state, writer.state.book
    row = known_instrument(state, command.instrument)
    price = positive(command.price_ticks, "a settlement price")
    _may_settle(state, row, price, command.time_ns)
    for pot in sorted({o.pot for o in state.orders.values() if o.instrument == row and not o.liquidation}):
        cancel_all(writer, pot, cause=0, reason="settlement", row=row)
    for number in sorted(n for n, o in state.orders.items() if o.instrument == row and o.liquidation):
        order = state.orders[number]
        writer.emit(ev.LiquidationOrderDone, order=number, pot=order.pot, unfilled_lots=order.size_lots)
    slots = _open_positions(state, row)
    legs = sorted((int(book.pos_pot[slot]), -int(book.pos_lots[slot])) for slot in slots)
    # The fee pot takes part with no lots: the odd atoms of inverse values and payoffs are its own.
    terms: dict[str, Any] = {"kind": "settlement"}
    if state.instruments[row].kind.option:
        terms = {"kind": "expiry", "value": lambda lots: _payoff(state, row, lots, price)}
    seq = write_trade(writer, row, price, [(FEES, 0), *legs], **terms) if legs else 0
    writer.emit(ev.InstrumentSettled, cause=seq, instrument=row, price_ticks=price, positions=len(legs))
    sweep_all(writer)


def _payoff(state: State, row: int, lots: int, delivery_ticks: int) -> int:
    option, underlying = state.instruments[row], state.instruments[state.underlying_row[row]]
    unit = state.rulebook.assets[state.settle_row[row]].atoms_per_unit
    return expiry_value(option, underlying, unit, lots, delivery_ticks)


def _may_settle(state: State, row: int, price: int, time_ns: int) -> None:
    instrument = state.instruments[row]
    index = int(state.market.index_price[state.underlying_row[row] if instrument.kind.option else row])
    if instrument.kind is InstrumentKind.SPOT or instrument.name in state.rulebook.margin.collateral.values():
        raise Refusal(f"{instrument.name} prices assets that accounts hold and cannot be settled")
    if instrument.expiry_ns is not None and time_ns < instrument.expiry_ns:
        raise Refusal(f"{instrument.name} has not expired", expiry_ns=instrument.expiry_ns, now_ns=time_ns)
    if index and not index <= price * ABSURD <= index * ABSURD * ABSURD:
        raise Refusal(
            f"{instrument.name}: more than {ABSURD} times away from the last index",
            price_ticks=price,
            index_ticks=index,
        )
    open_lots = int(state.market.oi_lots[row])
    paid = _payoff(state, row, open_lots, price) if instrument.kind.option else None
    if (notional(instrument, open_lots, price) if paid is None else paid) > MOST_ATOMS:
        raise Refusal(
            f"{instrument.name}: at this price the open interest could not be valued in 64 bits",
            price_ticks=price,
            open_interest_lots=open_lots,
        )
