"""Writing a trade: legs at one price, zero-sum, and the fees that go with a forced close.

Lots signed, prices ticks, amounts atoms of the settlement asset. Used by fills, takeovers,
deleveraging and settlement alike, so that there is one way a position changes hands.
"""

from __future__ import annotations

from seawall.engine import events as ev
from seawall.engine.state import BACKSTOP, FEES, INSURANCE
from seawall.engine.writer import Writer
from seawall.ledger.columns import NONE
from seawall.ledger.trade import fee_atoms, trade_leg, trade_value
from seawall.units import PPB


def write_trade(
    writer: Writer,
    row: int,
    price_ticks: int,
    legs: list[tuple[int, int]],
    *,
    kind: str,
    order: int = 0,
    cause: int = 0,
    rule: str = "",
) -> int:
    """Book a trade of (pot, signed lots) legs that add to zero, all at one price; returns the event's seq."""
    state = writer.state
    instrument, book = state.instruments[row], state.book
    booked, values = [], [trade_value(instrument, lots, price_ticks) for _pot, lots in legs]
    # Inverse values are floored one by one; the first leg takes the odd atoms so that the trade is zero-sum.
    values[0] = -sum(values[1:])
    for (pot, lots), value in zip(legs, values, strict=True):
        slot = book.position(pot, row)
        held, cost = (int(book.pos_lots[slot]), int(book.pos_cost[slot])) if slot != NONE else (0, 0)
        added, realised = trade_leg(lots=held, cost_atoms=cost, trade_lots=lots, trade_atoms=value)
        booked.append(ev.Leg(pot, lots, added, realised))
    return writer.emit(
        ev.Traded,
        cause=cause,
        instrument=row,
        kind=kind,
        price_ticks=price_ticks,
        legs=tuple(booked),
        order=order,
        rule=rule or state.tag,
    )


def charge_liquidation_fee(
    writer: Writer, pot: int, row: int, notional_atoms: int, step_row: int, *, cause: int
) -> None:
    """The step's fee on what was closed, never more than the pot is left with; split by shares, odd atoms to the fund."""
    state = writer.state
    steps = state.rulebook.liquidation.steps
    if not 0 <= step_row < len(steps) or pot == BACKSTOP:
        return
    split, settle = steps[step_row].fees, state.settle_row[row]
    fee = min(fee_atoms(notional_atoms, split.fee_ppb), max(int(state.book.balances[pot, settle]), 0))
    if fee <= 0:
        return
    backstop, venue = fee * split.backstop_ppb // PPB, fee * split.venue_ppb // PPB
    shares = [(INSURANCE, fee - backstop - venue), (BACKSTOP, backstop), (FEES, venue)]
    pay(
        writer,
        pot,
        settle,
        [share for share in shares if share[1]],
        kind="liquidation fee",
        cause=cause,
        rule=f"{state.tag} liquidation.{steps[step_row].name}",
    )


def pay(
    writer: Writer, pot: int, asset: int, to: list[tuple[int, int]], *, kind: str, cause: int, rule: str
) -> None:
    entries = [
        ev.Entry(pot, asset, -sum(atoms for _pot, atoms in to)),
        *(ev.Entry(p, asset, atoms) for p, atoms in to),
    ]
    writer.emit(ev.Transferred, cause=cause, kind=kind, entries=tuple(entries), rule=rule)
