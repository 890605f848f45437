"""The margin statement: equity, requirement, their parts, the worst term, and why.

Amounts are atoms of the pot's unit; equity rounds down, requirements up. The totals come from
the same kernel that scans the whole book; the parts are its terms shown one by one, and they
add up to it. A pot that needs a price that is not usable is unknown: no figure is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.kernels import collateral, layout, max_loss, options
from seawall.kernels import margin as kernel
from seawall.kernels.fixed import mul_div_ceil, mul_div_floor
from seawall.units import PPB

if TYPE_CHECKING:
    from seawall.ledger.columns import Book
    from seawall.margin.compiled import CompiledMargin, MarketView


THREADS_FROM = 4_000  # pots; below this starting threads costs more than it saves


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One term. `kind`: collateral (of equity; its profit is inside), or of the requirement position, flat,
    max_loss, portfolio (what a portfolio rule asks of all positions together; theirs are then 0).

    Flat is what the pot owes beyond its positions: fixed charges, and the rest up to the least total.
    Max_loss is what options of one expiry need less together than one by one; below zero.
    """

    kind: str
    name: int  # asset index for collateral, instrument index for position, -1 for flat
    amount_atoms: int  # in the pot's unit
    size: int = 0  # balance atoms or lots
    profit_atoms: int = 0  # settlement atoms
    price_ticks: int = 0


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What a pot has and needs at one level. `unknown`: instrument without a usable price, else -1."""

    pot: int
    level: str
    unit: int
    equity_atoms: int
    requirement_atoms: int
    unknown: int
    parts: tuple[Part, ...]

    @property
    def known(self) -> bool:
        return self.unknown < 0

    @property
    def health_atoms(self) -> int:
        """Equity less requirement; negative is a deficit. Means nothing when the pot is unknown."""
        return self.equity_atoms - self.requirement_atoms

    @property
    def worst(self) -> Part | None:
        """The largest term of the requirement."""
        needs = [part for part in self.parts if part.kind in ("position", "flat", "portfolio")]
        return max(needs, key=lambda part: part.amount_atoms, default=None)


class Health(msgspec.Struct, frozen=True):
    """Just the totals."""

    equity_atoms: int
    requirement_atoms: int
    unknown: int

    @property
    def known(self) -> bool:
        return self.unknown < 0

    @property
    def margin_atoms(self) -> int:
        """Equity less requirement; negative is a deficit. Means nothing when the pot is unknown."""
        return self.equity_atoms - self.requirement_atoms

    @property
    def safe(self) -> bool:
        """The level is met; an unknown pot is never safe."""
        return self.known and self.margin_atoms >= 0


def health(
    book: Book,
    margin: CompiledMargin,
    market: MarketView,
    pot: int,
    level: str,
    overlay: kernel.Overlay | None = None,
) -> Health:
    """Equity and requirement of one pot at a level; `overlay` asks "what if". Raises OverflowError."""
    change = kernel.NOTHING if overlay is None else tuple(overlay)
    return Health(
        *kernel.pot_health(
            *book.view(), market.table, margin.view.table, book.scratch, book.line,
            margin.levels[level], pot, change,
        )
    )  # fmt: skip


Figures = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def book_health(
    book: Book,
    margin: CompiledMargin,
    market: MarketView,
    pots: NDArray[np.int64],
    *levels: str,
    nested: bool = False,
) -> Figures:
    """(equity, requirement, unknown) of many pots at several levels at once, as columns [level, pot].

    `nested` (levels strictest first, each implying the next) spares the weaker levels of a pot that meets a
    stricter one; see `kernels.margin.book_health` for what it then gives.
    Raises OverflowError where a pot's figures do not fit 64 bits, naming the first such pot.
    """
    found = scan(book, margin, market, pots, *levels, nested=nested)
    unfit = (found[2] == kernel.UNFIT).any(axis=0)
    if unfit.any():
        raise OverflowError(f"the figures of pot {int(pots[unfit.argmax()])} do not fit in 64 bits")
    return found


def scan(
    book: Book,
    margin: CompiledMargin,
    market: MarketView,
    pots: NDArray[np.int64],
    *levels: str,
    nested: bool = False,
) -> Figures:
    """`book_health` that raises nothing: `unknown` is kernels.margin.UNFIT where figures pass 64 bits."""
    figures = np.empty((3, len(levels), pots.size), np.int64)
    rows = np.array([margin.levels[level] for level in levels], np.int64)
    measure = kernel.book_health if pots.size >= THREADS_FROM else kernel.book_health_serial
    lines = np.empty((len(levels), book.instruments, kernel.LINE_WIDTH), np.int64)
    kernel.fill_lines(market.table, margin.view.table, rows, lines)
    tables = (*book.view(), market.table, margin.view.table, book.scratch, lines)
    measure(*tables, rows, nested, pots, 0, pots.size, figures)
    return figures[0], figures[1], figures[2]


def statement(book: Book, margin: CompiledMargin, market: MarketView, pot: int, level: str) -> Statement:
    """Equity, requirement and every term of both, at one named level. KeyError for an unknown level."""
    totals = health(book, margin, market, pot, level)
    parts = _parts(book, margin, market, pot, margin.levels[level]) if totals.known else []
    return Statement(
        pot=pot,
        level=level,
        unit=int(book.pot_unit[pot]),
        equity_atoms=totals.equity_atoms,
        requirement_atoms=totals.requirement_atoms,
        unknown=totals.unknown,
        parts=tuple(parts),
    )


def _parts(book: Book, margin: CompiledMargin, market: MarketView, pot: int, row: int) -> list[Part]:
    rules, unit = margin.view, int(book.pot_unit[pot])
    terms = rules.levels[row]
    parts, profits, orders, holds, whole = [], [0] * rules.assets, 0, False, 0
    demand = -1 if book.pot_instrument[pot] >= 0 else int(terms[layout.LVL_DEMAND])
    for slot in book.positions(pot):
        lots = int(book.pos_lots[slot])
        if lots == book.pos_bid[slot] == book.pos_ask[slot] == 0:
            continue
        part, notional = _position_part(book, margin, market, pot, row, slot)
        if demand >= 0:  # asked for all of them together, below
            part, notional = msgspec.structs.replace(part, amount_atoms=0), 0
        parts.append(part)
        whole += notional
        orders += int(book.pos_orders[slot])
        holds = holds or lots != 0 or bool(terms[layout.LVL_ORDERS])
        if part.profit_atoms < 0 or not terms[layout.LVL_LOSSES_ONLY]:
            profits[int(rules.listing[part.name, layout.INS_SETTLE])] += part.profit_atoms
    if demand >= 0 and book.demanded[pot, demand]:
        parts.append(Part(kind="portfolio", name=-1, amount_atoms=int(book.demanded[pot, demand])))
    positions = sum(part.amount_atoms for part in parts)
    if terms[layout.LVL_UNPAIRED] >= 0 and demand < 0:
        parts += _netted(book, margin, market, pot, row)
        positions = sum(part.amount_atoms for part in parts)
    for asset, profit in enumerate(profits):
        balance = int(book.balances[pot, asset])
        if balance + profit:
            worth = _weighted(margin, market, row, asset, unit, balance + profit)
            parts.append(
                Part(kind="collateral", name=asset, amount_atoms=worth, size=balance, profit_atoms=profit)
            )
    charge = int(terms[layout.LVL_FLAT]) * holds + int(terms[layout.LVL_ORDER_ATOMS]) * orders
    charge = int(collateral.fixed_charge(rules.table, market.table, row, unit, charge))
    least = -(-whole * int(terms[layout.LVL_MIN_TOTAL]) // PPB)
    charge += max(least - positions, 0)
    if charge:
        parts.append(Part(kind="flat", name=-1, amount_atoms=charge))
    return parts


def _netted(book: Book, margin: CompiledMargin, market: MarketView, pot: int, row: int) -> list[Part]:
    """What each node of options needs less than its legs one by one (kernels.max_loss)."""
    rules, unit, parts, seen = margin.view, int(book.pot_unit[pot]), [], set()
    tables = (book.position_table, book.resting_table, int(book.pot_head[pot]), market.table, rules.table)
    for slot in book.positions(pot):
        instrument = int(book.pos_instrument[slot])
        node = int(rules.listing[instrument, layout.INS_NODE])
        if node < 0 or node in seen:
            continue
        seen.add(node)
        whole, single, loss, settle = max_loss.node_figures(*tables, row, node, kernel.NOTHING)
        spared = whole - (single if loss < 0 else min(single, loss))
        if spared > 0:
            num, den = collateral.asset_price(rules.table, market.table, row, settle, unit, True)
            spared = int(mul_div_floor(spared, num, den))
            parts.append(Part(kind="max_loss", name=instrument, amount_atoms=-spared))
    return parts


def _weighted(
    margin: CompiledMargin, market: MarketView, row: int, asset: int, unit: int, total_atoms: int
) -> int:
    rules = margin.view
    num, den = collateral.asset_price(rules.table, market.table, row, asset, unit, total_atoms < 0)
    if num == 0:
        return 0
    weights = rules.levels[row, layout.LVL_WEIGHTS]
    return int(collateral.weighted_value(rules.table, weights, asset, total_atoms, num, den))


def _position_part(
    book: Book, margin: CompiledMargin, market: MarketView, pot: int, row: int, slot: int
) -> tuple[Part, int]:
    """The part of one position, and its notional in the pot's unit."""
    rules, unit = margin.view, int(book.pot_unit[pot])
    instrument, lots, cost = (
        int(book.pos_instrument[slot]),
        int(book.pos_lots[slot]),
        int(book.pos_cost[slot]),
    )
    settle = int(rules.listing[instrument, layout.INS_SETTLE])
    required, notional, price = options.any_requirement(
        rules.table,
        market.table,
        row,
        instrument,
        lots,
        cost,
        int(book.pos_bid[slot]),
        int(book.pos_ask[slot]),
        int(book.pos_leverage[slot]),
        bool(book.pot_instrument[pot] >= 0),
        int(book.balances[pot, settle]),
    )
    profit = 0
    if lots:
        profit, price = options.any_profit(rules.table, market.table, row, instrument, lots, cost)
    num, den = collateral.asset_price(rules.table, market.table, row, settle, unit, True)
    part = Part(
        kind="position",
        name=instrument,
        amount_atoms=int(mul_div_ceil(required, num, den)),
        size=lots,
        profit_atoms=int(profit),
        price_ticks=int(price),
    )
    return part, int(mul_div_ceil(notional, num, den))
