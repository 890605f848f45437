"""Spot fills: base against quote between two cross pots.

Sizes lots, prices ticks, amounts atoms of base and quote, exact; fees in quote, rounded up. A spot trade
needs the balances it gives: there is no borrowing by trade.
"""

from __future__ import annotations

from typing import Protocol

from seawall.engine import events as ev
from seawall.engine.decide.pots import ensure_cross_pot
from seawall.engine.decide.refuse import Refusal
from seawall.engine.decide.sweep import sweep_pots
from seawall.engine.decide.trades_write import pay
from seawall.engine.state import FEES, HOUSE_ACCOUNTS, MARKET, State
from seawall.engine.writer import Writer
from seawall.ledger.columns import NONE
from seawall.ledger.trade import fee_atoms, trade_value

MOST_ATOMS = 2**61


class SpotSide(Protocol):
    """What is read of trades.Side."""

    account: int
    order: int
    lots: int
    taker: bool


def spot_fill(writer: Writer, row: int, price: int, buyer: SpotSide, seller: SpotSide) -> None:
    state, instrument = writer.state, writer.state.instruments[row]
    if buyer.account == seller.account:
        raise Refusal("a fill needs two different accounts", account=buyer.account)
    base, quote = state.asset_row[instrument.base], state.asset_row[instrument.quote]
    exact = buyer.lots * instrument.lot_units * state.rulebook.assets[base].atoms_per_unit
    if exact.denominator != 1:
        raise Refusal(f"{instrument.name}: a lot is not a whole number of {instrument.base} atoms")
    base_atoms, quote_atoms = exact.numerator, trade_value(instrument, buyer.lots, price)
    if base_atoms > MOST_ATOMS:
        raise Refusal(f"{instrument.name}: more than 2**61 atoms", size_lots=buyer.lots)
    _has(state, buyer.account, quote, quote_atoms)
    _has(state, seller.account, base, base_atoms)
    pots = {
        (side.account, asset): _pot(writer, side.account, asset)
        for side in (buyer, seller)
        for asset in (base, quote)
    }
    seq = writer.put(
        ev.Transferred(
            seq=writer.state.seq + 1,
            cause_seq=writer.command_seq,
            time_ns=writer.time_ns,
            kind="spot trade",
            rule=state.tag,
            entries=(
                ev.Entry(pots[buyer.account, base], base, base_atoms),
                ev.Entry(pots[seller.account, base], base, -base_atoms),
                ev.Entry(pots[buyer.account, quote], quote, -quote_atoms),
                ev.Entry(pots[seller.account, quote], quote, quote_atoms),
            ),
        )
    )
    for side in (buyer, seller):
        rate = instrument.taker_fee_ppb if side.taker else instrument.maker_fee_ppb
        fee = fee_atoms(quote_atoms, rate)
        if fee and side.account != MARKET:
            pot = pots[side.account, quote]
            rule = f"{state.tag} fees.{instrument.name}"
            pay(writer, pot, quote, [(FEES, fee)], kind="fee", cause=seq, rule=rule)
        if side.order:
            writer.put(
                ev.OrderReduced(
                    seq=writer.state.seq + 1,
                    cause_seq=seq or writer.command_seq,
                    time_ns=writer.time_ns,
                    order=side.order,
                    size_lots=side.lots,
                    reason="filled",
                )
            )
    touched = sorted({pot for pot in pots.values() if pot >= HOUSE_ACCOUNTS})
    sweep_pots(writer, touched, cause=seq)


def _pot(writer: Writer, account: int, asset: int) -> int:
    if account < HOUSE_ACCOUNTS:
        return writer.state.account_pot[account]
    return ensure_cross_pot(writer, account, asset)


def _has(state: State, account: int, asset: int, needed: int) -> None:
    if account == MARKET:
        return
    pot = state.cross_pot(account, asset)
    held = int(state.book.balances[pot, asset]) if pot != NONE else 0
    if held < needed:
        raise Refusal(
            "a spot trade needs the balance it gives",
            account=account,
            needed_atoms=needed,
            balance_atoms=held,
        )
