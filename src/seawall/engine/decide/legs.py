"""Which leg of a pot under portfolio rules is closed first.

A leg has no requirement of its own there: it makes the worst scenario better or worse. The worst leg is the
one that loses most in the worst scenario of its underlying. Towards delta neutral, futures whose close brings
the net delta of their underlying nearer to zero go first, the largest delta first, then options that do, then
the worst leg. Losses atoms of the pot's unit, deltas 1e-9 of the underlying; ties go to the lower row.
Source of the order: Deribit (futures, then options, to delta neutral), Derive.
"""

from __future__ import annotations

from seawall.engine.decide.measure import held_lots, open_slots
from seawall.engine.state import State
from seawall.margin.portfolio.statement import LegLine


def under_portfolio(state: State, pot: int) -> bool:
    """Is the pot held against its trigger by portfolio rules?"""
    demands = state.demands
    cross = state.book.pot_instrument.item(pot) < 0
    return demands is not None and cross and state.rulebook.liquidation.trigger in demands.levels


def _legs(state: State, pot: int) -> dict[str, LegLine]:
    assert state.demands is not None
    statement = state.demands.explain(state, pot)
    return {leg.name: leg for node in statement.nodes for leg in node.legs} if statement is not None else {}


def worst_leg(state: State, pot: int, rows: list[int]) -> int:
    """Of these instruments, the one whose position loses most in the worst scenario."""
    legs = _legs(state, pot)
    losses = {row: legs[name].worst_atoms for row in rows if (name := state.instruments[row].name) in legs}
    return min(rows, key=lambda row: (losses.get(row, 0), row))


def toward_delta_neutral(state: State, pot: int, rows: list[int]) -> int:
    """Of these instruments, the one to close first so that the net delta of its underlying nears zero."""
    deltas = _deltas(state, pot, rows)
    net: dict[str, int] = {}
    for row, delta in deltas.items():
        base = state.instruments[row].base
        net[base] = net.get(base, 0) + delta
    for options in (False, True):
        kind = [row for row in rows if state.instruments[row].kind.option == options and row in deltas]
        helps = [row for row in kind if deltas[row] * net[state.instruments[row].base] > 0]
        if helps:
            return max(helps, key=lambda row: (abs(deltas[row]), -row))
    return worst_leg(state, pot, rows) if under_portfolio(state, pot) else rows[0]


def lots_to_neutral(state: State, pot: int, row: int) -> int:
    """Fewest lots of a leg whose close brings its underlying's net delta to zero.

    All of them where that is too few, where its close leads away from zero, and of an option: futures are
    closed for the delta, options for what they lose.
    """
    held, base = abs(held_lots(state, pot, row)), state.instruments[row].base
    rows = [int(state.book.pos_instrument[slot]) for slot in open_slots(state, pot)]
    deltas = _deltas(state, pot, sorted(rows))
    net = sum(delta for other, delta in deltas.items() if state.instruments[other].base == base)
    own = deltas.get(row, 0)
    if state.instruments[row].kind.option or own * net <= 0 or abs(own) <= abs(net):
        return held
    return -(-held * abs(net) // abs(own))


def _deltas(state: State, pot: int, rows: list[int]) -> dict[int, int]:
    """Delta of each position, for those whose market is known."""
    found, demands = {}, state.demands
    for row in rows:
        lots, instrument = held_lots(state, pot, row), state.instruments[row]
        if demands is not None:
            position = demands.market.position(state, row, lots)
            demands.market.inputs(state, [instrument.base])
            book = demands.market.books.get(instrument.base)
            place = None if book is None else book.contracts.get(position.contract)
            if book is not None and place is not None:
                found[row] = round(book.deltas[place] * position.size_steps)
        elif not instrument.kind.option and not instrument.kind.inverse:
            found[row] = round(lots * instrument.lot_units * 10**9)
    return found
