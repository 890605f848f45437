"""What a pot is worth and needs, as deciders ask it; and what an amount is in another asset.

A number that does not fit 64 bits makes a pot unknown, like a missing price: never safe, never liquidated.
Amounts atoms, equity rounded down, requirements up, conversions at the index rounded down.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seawall.engine.state import BACKSTOP, WORTH, State
from seawall.kernels import layout
from seawall.kernels.margin import UNFIT, Overlay
from seawall.ledger.columns import NONE
from seawall.ledger.trade import spot_value, trade_value
from seawall.margin.statement import Health, health, scan

I64 = NDArray[np.int64]


def pot_health(state: State, pot: int, level: str, overlay: Overlay | None = None) -> Health:
    """Equity and requirement at a level; `unknown` also where a number passes 64 bits."""
    demands = state.demands
    if demands is not None:
        demands.refresh(state)
        if overlay is not None and level in demands.levels:
            asked = demands.of_pot(state, pot, overlay)
            overlay = overlay._replace(demand=asked[demands.levels.index(level)])
    try:
        return health(state.book, state.margin, state.market, pot, level, overlay)
    except OverflowError:
        return Health(0, 0, _any_instrument(state, pot))


def pots_health(state: State, pots: I64, *levels: str, nested: bool = False) -> tuple[I64, I64, I64]:
    """(equity, requirement, unknown) as columns [level, pot]; one pot too large does not hide the others."""
    if state.demands is not None:
        state.demands.refresh(state)
    found = scan(state.book, state.margin, state.market, pots, *levels, nested=nested)
    unknown = found[2]
    if unknown.size and unknown.min() == UNFIT:
        for level, place in np.argwhere(unknown == UNFIT).tolist():
            unknown[level, place] = _any_instrument(state, int(pots[place]))
    return found


def _any_instrument(state: State, pot: int) -> int:
    slots = state.book.positions(pot)
    return int(state.book.pos_instrument[slots[0]]) if slots else 0


def worth_atoms(state: State, pot: int) -> int:
    """What the pot is worth at its marks, no haircut, in its unit. The caller knows that it can be valued."""
    found = pot_health(state, pot, WORTH)
    assert found.known, f"pot {pot} cannot be valued: instrument {found.unknown}"
    return found.equity_atoms


def vault_worth_atoms(state: State, asset: int) -> int | None:
    """What the vault is worth in `asset`, or None where a price is missing.

    Under scope "settlement" each asset stands for itself: its balance and the open profit settled in it.
    """
    book, market = state.book, state.market
    if not state.margin.view.settlement_scope:
        found = pot_health(state, BACKSTOP, WORTH)
        return convert(state, found.equity_atoms, state.numeraire, asset) if found.known else None
    worth = int(book.balances[BACKSTOP, asset])
    for slot in book.positions(BACKSTOP):
        row, lots = int(book.pos_instrument[slot]), int(book.pos_lots[slot])
        if state.settle_row[row] == asset and lots:
            if not market.usable[row]:
                return None
            worth += trade_value(state.instruments[row], lots, int(market.mark[row]))
            worth -= int(book.pos_cost[slot])
    return worth


def asset_rate(state: State, asset: int) -> tuple[int, int] | None:
    """(numerator, denominator): numeraire atoms per atom of `asset` at its index; None if not known."""
    if asset == state.numeraire:
        return 1, 1
    row = state.margin.view.collateral[asset]
    instrument = int(row[layout.AST_INSTRUMENT])
    if instrument == NONE or state.margin.view.settlement_scope or not state.market.usable[instrument]:
        return None
    ticks = int(state.market.index_price[instrument])
    return (ticks * int(row[layout.AST_NUM]), int(row[layout.AST_DEN])) if ticks > 0 else None


def convert(state: State, atoms: int, asset: int, into: int) -> int | None:
    """`atoms` of one asset in another at the index, rounded down; None where a price is missing."""
    if asset == into:
        return atoms
    source, target = asset_rate(state, asset), asset_rate(state, into)
    if source is None or target is None:
        return None
    return atoms * source[0] * target[1] // (source[1] * target[0])


def spot_atoms(state: State, row: int, lots: int) -> int:
    """What an option's lots are worth of its underlying at the index, 0 where there is none or no option."""
    via = state.underlying_row[row]
    index = int(state.market.index_price[via]) if via != NONE else 0
    if index <= 0:
        return 0
    unit = state.rulebook.assets[state.settle_row[row]].atoms_per_unit
    return spot_value(state.instruments[row], state.instruments[via], unit, lots, index)


def open_slots(state: State, pot: int) -> list[int]:
    lots = state.book.pos_lots
    return [slot for slot in state.book.positions(pot) if lots.item(slot)]


def held_lots(state: State, pot: int, row: int) -> int:
    """Signed lots of the pot in an instrument; 0 for no pot or no position."""
    slot = state.book.position(pot, row) if pot != NONE else NONE
    return state.book.pos_lots.item(slot) if slot != NONE else 0


def free_lots(state: State, pot: int, row: int) -> int:
    """Lots of the position that no liquidation order still out could close; never negative.

    Only orders on the closing side count: one the other way may never fill.
    """
    held = held_lots(state, pot, row)
    orders = (state.orders[number] for number in state.sent_orders.get(pot, ()))
    out = sum(abs(o.size_lots) for o in orders if o.instrument == row and (o.size_lots > 0) != (held > 0))
    return max(abs(held) - out, 0)


def needed_instruments(state: State, pot: int) -> list[int]:
    """Instruments whose price the pot depends on: of its open positions and, for options, of their
    underlyings; and the prices of its other assets."""
    book = state.book
    rows = {book.pos_instrument.item(slot) for slot in open_slots(state, pot)}
    rows |= {state.underlying_row[row] for row in rows if state.underlying_row[row] != NONE}
    if not state.margin.view.settlement_scope:
        unit = book.pot_unit.item(pot)
        for asset, atoms in enumerate(book.balances[pot].tolist()):
            if atoms and asset != unit and state.priced_by[asset] != NONE:
                rows.add(state.priced_by[asset])
    return sorted(rows)
