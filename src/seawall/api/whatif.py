"""One account before and after a trade, a move of prices, a withdrawal, or all of them together.

The change is written by the engine into a copy of the book; fees of a trade are charged as a taker's. Nothing
is decided for the venue: the verdicts hold the account against the venue's own levels and say by how much.
Trades are text, `INSTRUMENT SIZE [@ PRICE] [isolated]`, sizes in base coins (inverse: quote units).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.api import pricing
from seawall.api.amounts import amount_text, price_text, size_text
from seawall.api.views import PotStatement, WhatIf
from seawall.engine.commands import AnyCommand, ReportFill
from seawall.engine.decide.accounts import transfer_level
from seawall.engine.engine import Engine
from seawall.engine.events import Entry, Refused, Transferred
from seawall.engine.state import EXTERNAL, MARKET
from seawall.errors import InputError
from seawall.ledger.columns import NONE
from seawall.units import parse_decimal, scale

if TYPE_CHECKING:
    from seawall.api.desk import Desk

_TRADE = re.compile(r"^\s*(\S+)\s+([+-]?[\d_,.eE]+)\s*(?:@\s*([\d_,.eE+-]+))?\s*(isolated)?\s*$")
_MONEY = re.compile(r"^\s*([\d_,.eE+-]+)\s+(\S+)\s*$")


def what_if(
    desk: Desk, account: str, trades: tuple[str, ...], prices: dict[str, str], money: tuple[str, ...]
) -> WhatIf:
    """See `Desk.whatif`."""
    from seawall.api.desk import Desk as _Desk

    if not (trades or prices or money):
        raise InputError.at("what if", "nothing was changed", 'Give a trade ("BTC-PERP +0.5"), price or sum.')
    number = desk._number(account)
    changes: list[str] = []
    ticks = pricing.moved(desk.rulebook, desk.ticks, prices)
    for name, change in prices.items():
        first = min(pricing.matching(desk.rulebook, name), key=lambda entry: entry.kind.dated)
        changes.append(f"{name} {change}: {first.name} at {price_text(first, ticks[first.name])}")
    engine = Engine.from_bytes(desk.rulebook, desk.state.to_bytes())
    for text in trades:
        changes.append(_trade(engine, number, ticks, text))
    for text in money:
        changes.append(_withdraw(engine, account, number, text))
    after = _Desk(desk.rulebook, desk.rows, ticks, state=engine.state)
    statements = tuple(row for level in desk.levels for row in after.statement(account, level))
    return WhatIf(
        account=account,
        changes=tuple(changes),
        before=tuple(row for level in desk.levels for row in desk.statement(account, level)),
        after=statements,
        lines_before=desk.liquidation_prices(account),
        lines_after=after.liquidation_prices(account),
        verdicts=tuple(_verdicts(after, statements, trades=bool(trades), money=bool(money))),
    )


def _trade(engine: Engine, account: int, ticks: pricing.Ticks, text: str) -> str:
    """Book a fill against the outside market; returns the change in words."""
    found = _TRADE.match(text)
    if not found:
        raise InputError.at("trade", f"{text!r} cannot be read", 'Write it like "BTC-PERP +0.5 @ 60000".')
    name, size, price, isolated = found.groups()
    state = engine.state
    row = state.instrument_row.get(name)
    if row is None:
        names = ", ".join(state.instrument_row)
        raise InputError.at(f"trade {text!r}", f"there is no instrument {name!r}", f"There are: {names}.")
    instrument = state.instruments[row]
    lots = scale(parse_decimal(size, where="trade"), 1 / instrument.lot_units, where=f"trade {text!r}: size")
    if not lots:
        raise InputError.at(f"trade {text!r}", "the size is zero", "Give + to buy, - to sell.")
    if price is None and name not in ticks:
        raise InputError.at(f"trade {text!r}", f"{name} has no price", f"Give one: {name} {size} @ PRICE.")
    at = ticks[name] if price is None else pricing.to_ticks(instrument, parse_decimal(price, where="trade"))
    buys = lots > 0
    _carry_out(
        engine,
        ReportFill(
            time_ns=state.time_ns,
            instrument=name,
            size_lots=abs(lots),
            price_ticks=at,
            buyer=account if buys else MARKET,
            seller=MARKET if buys else account,
            taker_is_buyer=buys,
            buyer_isolated=bool(isolated) and buys,
            seller_isolated=bool(isolated) and not buys,
        ),
        text,
    )
    where = " isolated" if isolated else ""
    return f"{name} {size_text(instrument, lots)} at {price_text(instrument, at)}{where}, taker fee paid"


def _withdraw(engine: Engine, name: str, account: int, text: str) -> str:
    """Take money out of the cross pot; returns the change in words."""
    found = _MONEY.match(text)
    state = engine.state
    if not found or found[2] not in state.asset_row:
        assets = ", ".join(state.asset_row)
        raise InputError.at("withdrawal", f"{text!r} cannot be read", f'Write "1000 USDC". Assets: {assets}.')
    asset = state.asset_row[found[2]]
    per_unit = state.rulebook.assets[asset].atoms_per_unit
    atoms = scale(parse_decimal(found[1], where="withdrawal"), per_unit, where=f"withdrawal {text!r}")
    pot = state.cross_pot(account, asset)
    held = 0 if pot == NONE else int(state.book.balances[pot, asset])
    if not 0 < atoms <= held:
        what = f"account {name} holds {amount_text(state.rulebook, asset, held)} {found[2]} in its cross pot"
        raise InputError.at(f"withdrawal {text!r}", what, "Give more than zero and not more than that.")
    seq = state.seq + 1
    entries = (Entry(pot, asset, -atoms), Entry(EXTERNAL, asset, atoms))
    engine.apply_events(
        seq,
        (Transferred(seq=seq + 1, cause_seq=seq, time_ns=state.time_ns, kind="withdrawal", entries=entries),),
    )
    return f"{amount_text(state.rulebook, asset, atoms)} {found[2]} withdrawn"


def _carry_out(engine: Engine, command: AnyCommand, text: str) -> None:
    for event in engine.step(command):
        if isinstance(event, Refused):
            numbers = ", ".join(f"{key} {value:,}" for key, value in event.numbers.items())
            what = event.reason + (f" ({numbers})" if numbers else "")
            raise InputError.at(f"trade {text!r}", what, "Change the size or the account.")


def _verdicts(desk: Desk, after: tuple[PotStatement, ...], *, trades: bool, money: bool) -> list[str]:
    """What the venue's levels say to the account as it would be."""
    unknown = sorted({row.unknown_price for row in after if row.unknown_price})
    if unknown:
        return [f"unknown: there is no usable price of {', '.join(unknown)}; nobody can say that it is safe"]
    found: list[str] = []
    call = desk.rulebook.liquidation.margin_call
    asked = [
        (desk.trigger, "it would be liquidated"),
        (call.level if call else "", "a margin call is issued"),
    ]
    if money:
        asked.append((transfer_level(desk.state), "the withdrawal would be refused"))
    if trades:
        asked.append(("initial", "an order that adds to the position would be refused"))
    for level, consequence in asked:
        for row in after:
            if row.level == level and row.margin_atoms is not None and row.margin_atoms < 0:
                short = str(row.margin).lstrip("-")
                found.append(f"{consequence}: {row.pot} is {short} {row.unit} short of the {level} level")
    return found or ["no level that the venue acts on is missed"]
