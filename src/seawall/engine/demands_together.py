"""What the portfolio rules ask of many pots at once: one kernel call for each underlying.

The figures are those of `margin.portfolio.evaluate` (see margin.portfolio.plain), atoms of the numeraire. A
pot that may not be asked this way is named instead, and asked by itself. Holdings are numbered as
`PortfolioMarket.holdings`: instruments, then assets. UNKNOWN_DEMAND where a market is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.engine.portfolio_market import PortfolioMarket
from seawall.errors import NumberError
from seawall.kernels.layout import UNKNOWN_DEMAND
from seawall.kernels.portfolio_book import FITS
from seawall.units import INT64_MAX

if TYPE_CHECKING:
    from seawall.engine.state import State

Ints = NDArray[np.int64]
FEW = 32  # up to so many pots their positions are walked to; beyond, the table is gone through


class Legs(NamedTuple):
    """What pots hold, by their place in a list: rising places, each holding at most once, none of them 0."""

    owners: Ints
    holdings: Ints
    lots: Ints


def legs_of(state: State, market: PortfolioMarket, pots: list[int], *, orders: bool) -> tuple[Legs, set[int]]:
    """Positions and collateral of the pots; and the places of those that must be asked alone.

    Alone: pots in another unit, and with `orders` those that have orders resting.
    """
    book, asked = state.book, np.array(pots, np.int64)
    alone = set(np.flatnonzero(book.pot_unit[asked] != state.numeraire).tolist())
    place_of = np.full(book.n_pots, -1, np.int64)
    place_of[asked] = np.arange(len(asked))
    if len(pots) <= FEW:
        slots = np.array([slot for pot in pots for slot in book.positions(pot)], np.int64)
    else:
        owned = np.flatnonzero(book.pos_pot[: book.n_positions] >= 0)
        slots = owned[place_of[book.pos_pot[owned]] >= 0]
    owners = place_of[book.pos_pot[slots]]
    if orders:
        resting = (book.pos_bid[slots] != 0) | (book.pos_ask[slots] != 0)
        alone.update(owners[resting].tolist())
    slots, owners = (column[book.pos_lots[slots] != 0] for column in (slots, owners))
    columns = [(owners, book.pos_instrument[slots].astype(np.int64), book.pos_lots[slots])]
    for asset in market.collateral:
        atoms = book.balances[asked, asset]
        having = np.flatnonzero(atoms)
        columns.append((having, np.full(having.size, len(market.contracts) + asset), atoms[having]))
    joined = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return Legs(*(column[order] for column in joined)), alone


def ask_together(
    state: State, market: PortfolioMarket, legs: Legs, count: int, asked: list[str]
) -> tuple[Ints, set[int]]:
    """demand[place, level] of the levels `asked`, and the places of pots that this cannot answer for."""
    names = [level.name for level in market.rules.levels]
    places = [names.index(name) for name in asked]
    totals = [[0] * len(places) for _ in range(count)]
    owners, holdings, lots = legs
    unknown, alone = set[int](), set(owners[market.nodes[holdings] < 0].tolist())
    for node, name in enumerate(market.rules.underlyings):
        mine = np.flatnonzero(market.nodes[holdings] == node)
        if not mine.size:
            continue
        try:
            book, rows_of = market.plain(state, name)
        except NumberError:
            book = None
        if book is None:
            alone.update(owners[mine].tolist())
            continue
        rows = rows_of[holdings[mine]]
        unknown.update(owners[mine[rows < 0]].tolist())
        mine, rows = mine[rows >= 0], rows[rows >= 0]
        whose, starts = np.unique(owners[mine], return_index=True)
        found = book.ask(np.append(starts, mine.size), rows, lots[mine])
        alone.update(whose[found.status != FITS].tolist())
        table = zip(whose.tolist(), found.worst.tolist(), found.sizes.tolist(), strict=True)
        for place, worst, sizes in table:
            needs, total = book.requirements(worst, sizes), totals[place]
            for level, wanted in enumerate(places):
                total[level] += needs[wanted]
    for place in unknown:
        totals[place] = [UNKNOWN_DEMAND] * len(places)
    capped = [[UNKNOWN_DEMAND if one > INT64_MAX else one for one in total] for total in totals]
    return np.array(capped, np.int64).reshape(count, len(places)), alone
