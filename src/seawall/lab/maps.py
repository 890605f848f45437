"""The liquidation map: what would be liquidated if all prices moved by the same per cent.

One pass of the exact statement over the whole book per grid point; nothing is estimated from open
interest. Moves are fractions, prices quote units, notionals numeraire units (floats, for people).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seawall.engine.state import HOUSE_ACCOUNTS, State
from seawall.margin.statement import book_health

MAP_MOVES = tuple(round(0.01 * step, 2) for step in range(-40, 41) if step)


def liquidation_map(
    state: State, moves: tuple[float, ...] = MAP_MOVES
) -> list[tuple[str, float, float, float, float]]:
    """Rows (instrument, price, move, long notional, short notional) first liquidated at each move."""
    pots = np.arange(HOUSE_ACCOUNTS, state.book.n_pots, dtype=np.int64)
    failing_now = _failing(state, pots, 0.0)
    rows: list[tuple[str, float, float, float, float]] = []
    for direction in (-1, 1):
        seen = failing_now.copy()
        for move in sorted((m for m in moves if m * direction > 0), key=abs):
            fails = _failing(state, pots, move)
            rows += _bucket(state, pots[fails & ~seen], move)
            seen |= fails
    return rows


def _failing(state: State, pots: NDArray[np.int64], move: float) -> NDArray[np.bool_]:
    ppm = 1_000_000 + round(move * 1_000_000)
    market = state.market
    moved = market.replaced(
        mark=np.maximum(market.mark * ppm // 1_000_000, market.mark > 0),
        index_price=np.maximum(market.index_price * ppm // 1_000_000, market.index_price > 0),
        stable=np.maximum(market.stable * ppm // 1_000_000, market.stable > 0),
    )
    equity, requirement, unknown = book_health(
        state.book, state.margin, moved, pots, state.rulebook.liquidation.trigger
    )
    return (equity[0] < requirement[0]) & (unknown[0] < 0)


def _bucket(
    state: State, pots: NDArray[np.int64], move: float
) -> list[tuple[str, float, float, float, float]]:
    book, count = state.book, state.book.n_positions
    held = np.isin(book.pos_pot[:count], pots) & (book.pos_lots[:count] != 0)
    rows = []
    for row, instrument in enumerate(state.instruments):
        mark = int(state.market.mark[row])
        if not mark or not state.market.oi_lots[row]:
            continue
        lots = book.pos_lots[:count][held & (book.pos_instrument[:count] == row)].astype(np.float64)
        price = mark * float(instrument.tick_units) * (1.0 + move)
        per_lot = float(instrument.lot_units) * (1.0 if instrument.kind.inverse else price)
        rows.append(
            (
                instrument.name,
                price,
                move,
                float(lots[lots > 0].sum()) * per_lot,
                float(-lots[lots < 0].sum()) * per_lot,
            )
        )
    return rows
