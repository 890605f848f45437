"""Did the engine do what it was asked, to whom it was asked, and nothing to anybody else?

The command against its events, with the slow ledger as it is afterwards. `exposed`: who held a position or
owed something before; nobody else may be touched by another's trouble, except by sharing a loss.
"""

from __future__ import annotations

from typing import Any

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.state import BACKSTOP, EXTERNAL, HOUSE_ACCOUNTS, SHORTFALL
from tests.storms.causes import MAY_CAUSE
from tests.storms.ledger import Broken, Ledger, touched

OWN = (cmd.Deposit, cmd.Withdraw, cmd.Transfer, cmd.ReportFill, cmd.OpenAccount)  # may touch who they name


def check_answer(
    ledger: Ledger, command: cmd.AnyCommand, events: tuple[ev.AnyEvent, ...], exposed: set[int]
) -> None:
    look = _LOOKS.get(type(command))
    if look is not None:
        look(ledger, command, events)
    for event in events:
        cause, kind = ledger.records.get(event.cause_seq), type(event).__name__
        if cause not in MAY_CAUSE[kind]:
            raise Broken("cause", f"{kind} may not follow from {cause}: {event}")
        if event.cause_seq < events[0].seq - 1 and cause != "LiquidationStarted":
            raise Broken("cause", f"{kind} follows from an older {cause}: {event}")
        if isinstance(command, OWN) or isinstance(event, ev.LossSocialised):
            continue
        strangers = {pot for pot in touched(event) if pot >= HOUSE_ACCOUNTS} - exposed
        if strangers:
            raise Broken("owner", f"pots {sorted(strangers)} hold nothing and are touched: {event}")


def _moved(ledger: Ledger, event: Any, asset: str) -> dict[int, int]:
    moved: dict[int, int] = {}
    for entry in event.entries:
        if ledger.assets[entry.asset] != asset:
            raise Broken("owner", f"another asset than {asset} moved: {event}")
        moved[entry.pot] = moved.get(entry.pot, 0) + entry.amount_atoms
    return moved


def _first(events: tuple[ev.AnyEvent, ...], kind: type) -> Any:
    return next((event for event in events if isinstance(event, kind)), None)


def _deposit(ledger: Ledger, command: cmd.Deposit, events: tuple[ev.AnyEvent, ...]) -> None:
    event = _first(events, ev.Transferred)
    moved = _moved(ledger, event, command.asset)
    gets = {pot: atoms for pot, atoms in moved.items() if pot != EXTERNAL}
    (pot,) = gets
    if gets[pot] != command.amount_atoms or ledger.owner[pot] != command.account or ledger.only[pot]:
        raise Broken("owner", f"{command} went to {moved}")


def _withdraw(ledger: Ledger, command: cmd.Withdraw, events: tuple[ev.AnyEvent, ...]) -> None:
    moved = _moved(ledger, _first(events, ev.Transferred), command.asset)
    gives = {pot: atoms for pot, atoms in moved.items() if pot not in (EXTERNAL, SHORTFALL)}
    (pot,) = gives
    if gives[pot] != -command.amount_atoms or ledger.owner[pot] != command.account:
        raise Broken("owner", f"{command} came from {moved}")
    if min(moved.get(EXTERNAL, 0), moved.get(SHORTFALL, 0)) < 0 or len(events) > 1:
        raise Broken("owner", f"{command} did more than it says: {events}")


def _transfer(ledger: Ledger, command: cmd.Transfer, events: tuple[ev.AnyEvent, ...]) -> None:
    moved = _moved(ledger, _first(events, ev.Transferred), command.asset)
    (giver,) = [pot for pot, atoms in moved.items() if atoms == -command.amount_atoms]
    (taker,) = [pot for pot, atoms in moved.items() if atoms == command.amount_atoms]
    if (ledger.owner[giver], ledger.only[giver]) != (command.from_account, command.from_isolated):
        raise Broken("owner", f"{command} came from pot {giver}")
    if (ledger.owner[taker], ledger.only[taker]) != (command.to_account, command.to_isolated):
        raise Broken("owner", f"{command} went to pot {taker}")


def _fill(ledger: Ledger, command: cmd.ReportFill, events: tuple[ev.AnyEvent, ...]) -> None:
    event = _first(events, ev.Traded)
    if command.instrument.endswith("-SPOT"):
        return
    if (ledger.names[event.instrument], event.price_ticks) != (command.instrument, command.price_ticks):
        raise Broken("owner", f"{command} was booked elsewhere: {event}")
    sides = (
        (command.buyer, command.size_lots, command.buyer_order, command.buyer_isolated),
        (command.seller, -command.size_lots, command.seller_order, command.seller_isolated),
    )
    for account, lots, order, isolated in sides:
        mine = [leg for leg in event.legs if leg.size_lots * lots > 0]
        if sum(leg.size_lots for leg in mine) != lots:
            raise Broken("owner", f"{command} was booked with another size: {event}")
        for leg in mine:
            heir = order and leg.pot == BACKSTOP  # what a liquidation order fills too much is the vault's
            right = ledger.owner[leg.pot] == account
            if not order and account >= HOUSE_ACCOUNTS:
                right = right and ledger.only[leg.pot] == (command.instrument if isolated else "")
            if not (heir or right):
                raise Broken("owner", f"{command} was booked to pot {leg.pot}: {event}")


_LOOKS: dict[type, Any] = {
    cmd.Deposit: _deposit,
    cmd.Withdraw: _withdraw,
    cmd.Transfer: _transfer,
    cmd.ReportFill: _fill,
}
