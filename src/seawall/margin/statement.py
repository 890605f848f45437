"""The margin statement: equity, requirement, their parts, the worst term, and why.

Amounts are atoms of the pot's unit; equity rounds down, requirements up. The totals come from
the same kernel that scans the whole book; the parts are its terms shown one by one, and they
must add up to it. A pot that needs a price that is not usable is unknown: no figure is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.kernels import layout
from seawall.kernels import margin as kernel
from seawall.kernels.fixed import mul_div_ceil

if TYPE_CHECKING:
    from seawall.ledger.columns import Book
    from seawall.margin.compiled import CompiledMargin, MarketView


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One term. `kind`: collateral (equity), profit (inside collateral's total), position, flat (requirement)."""

    kind: str
    name: int  # asset index for collateral, instrument index otherwise
    amount_atoms: int  # in the pot's unit for collateral, position and flat
    size: int = 0  # balance atoms or lots
    profit_atoms: int = 0  # settlement atoms
    price_ticks: int = 0


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What a pot has and needs at one level. `unknown` names the instrument without a usable price, else -1."""

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
        """Equity less requirement; negative is a deficit."""
        return self.equity_atoms - self.requirement_atoms

    @property
    def worst(self) -> Part | None:
        """The largest term of the requirement."""
        needs = [part for part in self.parts if part.kind in ("position", "flat")]
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
        return self.equity_atoms - self.requirement_atoms


def health(
    book: Book,
    margin: CompiledMargin,
    market: MarketView,
    pot: int,
    level: str,
    overlay: kernel.Overlay = kernel.NOTHING,
) -> Health:
    """Equity and requirement of one pot at a level, without parts; `overlay` asks "what if"."""
    equity, requirement, unknown = kernel.pot_health(
        book.view(), margin.view, market, margin.levels[level], pot, overlay
    )
    return Health(int(equity), int(requirement), int(unknown))


def book_health(
    book: Book, margin: CompiledMargin, market: MarketView, pots: NDArray[np.int64], *levels: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(equity, requirement, unknown) of many pots at several levels at once, as columns [level, pot]."""
    shape = (len(levels), pots.size)
    equity, requirement, unknown = (
        np.empty(shape, np.int64),
        np.empty(shape, np.int64),
        np.empty(shape, np.int64),
    )
    rows = np.array([margin.levels[level] for level in levels], np.int64)
    kernel.book_health(book.view(), margin.view, market, rows, pots, equity, requirement, unknown)
    return equity, requirement, unknown


def statement(book: Book, margin: CompiledMargin, market: MarketView, pot: int, level: str) -> Statement:
    """Equity, requirement and every term of both, at one named level. Raises KeyError for an unknown level."""
    row = margin.levels[level]
    rules, unit = margin.view, int(book.pot_unit[pot])
    totals = health(book, margin, market, pot, level)
    parts: list[Part] = []
    if totals.known:
        profits = np.zeros(rules.assets, np.int64)
        held = False
        for slot in book.positions(pot):
            part = _position_part(book, margin, market, pot, row, slot, unit)
            if part is not None:
                held = True
                parts.append(part)
                if part.profit_atoms < 0 or not rules.levels[row, layout.LVL_LOSSES_ONLY]:
                    profits[rules.listing[part.name, layout.INS_SETTLE]] += part.profit_atoms
        for asset in range(rules.assets):
            balance = int(book.balances[pot, asset])
            total = balance + int(profits[asset])
            if total == 0:
                continue
            num, den = kernel.asset_price(rules, market, row, asset, unit, total < 0)
            worth = (
                kernel.weighted_value(rules, rules.levels[row, layout.LVL_WEIGHTS], asset, total, num, den)
                if num > 0
                else 0
            )
            parts.append(
                Part(
                    kind="collateral",
                    name=asset,
                    amount_atoms=int(worth),
                    size=balance,
                    profit_atoms=int(profits[asset]),
                )
            )
        if held and rules.levels[row, layout.LVL_FLAT]:
            parts.append(Part(kind="flat", name=-1, amount_atoms=int(rules.levels[row, layout.LVL_FLAT])))
    return Statement(
        pot=pot,
        level=level,
        unit=unit,
        equity_atoms=totals.equity_atoms,
        requirement_atoms=totals.requirement_atoms,
        unknown=totals.unknown,
        parts=tuple(parts),
    )


def _position_part(
    book: Book, margin: CompiledMargin, market: MarketView, pot: int, row: int, slot: int, unit: int
) -> Part | None:
    rules = margin.view
    instrument, lots = int(book.pos_instrument[slot]), int(book.pos_lots[slot])
    cost, bid, ask = int(book.pos_cost[slot]), int(book.pos_bid[slot]), int(book.pos_ask[slot])
    if lots == bid == ask == 0:
        return None
    settle = int(rules.listing[instrument, layout.INS_SETTLE])
    required, price = kernel.position_requirement(
        rules,
        market,
        row,
        instrument,
        lots,
        cost,
        bid,
        ask,
        int(book.pos_orders[slot]),
        int(book.pos_leverage[slot]),
        int(book.balances[pot, settle]),
    )
    profit = 0
    if lots:
        price = kernel.level_price(market, rules.levels[row, layout.LVL_PRICE], instrument, lots > 0)
        profit = (
            int(
                kernel.position_value(
                    rules.listing[instrument, layout.INS_INVERSE],
                    rules.listing[instrument, layout.INS_VALUE_NUM],
                    lots,
                    price,
                )
            )
            - cost
        )
    num, den = kernel.asset_price(rules, market, row, settle, unit, False)
    return Part(
        kind="position",
        name=instrument,
        amount_atoms=int(mul_div_ceil(required, num, den)),
        size=lots,
        profit_atoms=profit,
        price_ticks=int(price),
    )
