"""Writing a trade: legs at one price, zero-sum, and the fees that go with a forced close.

Lots signed, prices ticks, amounts atoms of the settlement asset. Used by fills, takeovers,
deleveraging and settlement alike, so that there is one way a position changes hands.
"""

from __future__ import annotations

from collections.abc import Callable

from seawall.engine import events as ev
from seawall.engine.decide.measure import convert, pot_health
from seawall.engine.state import BACKSTOP, FEES, INSURANCE, WORTH
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
    value: Callable[[int], int] | None = None,
) -> int:
    """Book a trade of (pot, signed lots) legs that add to zero, all at one price; returns the event's seq.

    Inverse values are whole atoms only after rounding: every leg but the first pays its value rounded up,
    and the first takes what that leaves, so the trade is zero-sum and the first pot never loses by rounding.
    A first leg of no lots just collects those atoms. `value` gives what signed lots are worth, rounded down,
    where that is not their value at `price_ticks`: at an option's expiry that is the delivery price.
    """
    state = writer.state
    instrument, book = state.instruments[row], state.book
    worth = value or (lambda lots: trade_value(instrument, lots, price_ticks))
    values = [0] + [-worth(-lots) for _pot, lots in legs[1:]]
    values[0] = -sum(values)
    booked = []
    for (pot, lots), atoms in zip(legs, values, strict=True):
        if not lots:
            booked.append(ev.Leg(pot, 0, 0, -atoms))
            continue
        slot = book.position(pot, row)
        held, cost = (book.pos_lots.item(slot), book.pos_cost.item(slot)) if slot != NONE else (0, 0)
        added, realised = trade_leg(lots=held, cost_atoms=cost, trade_lots=lots, trade_atoms=atoms)
        booked.append(ev.Leg(pot, lots, added, realised))
    return writer.put(
        ev.Traded(
            seq=writer.state.seq + 1,
            cause_seq=cause or writer.command_seq,
            time_ns=writer.time_ns,
            instrument=row,
            kind=kind,
            price_ticks=price_ticks,
            legs=tuple(booked),
            order=order,
            rule=rule or state.tag,
        )
    )


def charge_liquidation_fee(
    writer: Writer, pot: int, row: int, notional_atoms: int, step_row: int, *, cause: int
) -> None:
    """The step's fee on what was closed, split by shares; odd atoms go to the fund.

    Never more than the pot is worth, nor than its balance: a fee makes no bankruptcy. A pot that cannot be
    valued pays none.
    """
    state = writer.state
    steps = state.rulebook.liquidation.steps
    if not 0 <= step_row < len(steps) or pot == BACKSTOP or not steps[step_row].fees.fee_ppb:
        return
    split, settle = steps[step_row].fees, state.settle_row[row]
    found = pot_health(state, pot, WORTH)
    worth = convert(state, max(found.equity_atoms, 0), int(state.book.pot_unit[pot]), settle)
    if not found.known or worth is None:
        return
    fee = min(fee_atoms(notional_atoms, split.fee_ppb), max(int(state.book.balances[pot, settle]), 0), worth)
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
    writer.put(
        ev.Transferred(
            seq=writer.state.seq + 1,
            cause_seq=cause or writer.command_seq,
            time_ns=writer.time_ns,
            kind=kind,
            entries=tuple(entries),
            rule=rule,
        )
    )
