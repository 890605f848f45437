"""The engine's state as the portfolio rules see it: contracts, their market as it is known, their values.

An underlying's contracts are repriced once, for every pot that holds some, and again expiry by expiry as
their surfaces move. What is missing or too old is left out, so that a pot that needs it becomes unknown. Time
to expiry is counted from the last report of the expiry: it moves when the surface does. Prices ticks and
volatilities ppb in the state, floats here (see margin.portfolio.inputs); sizes 1e-9 contracts.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.instruments.model import Instrument
from seawall.kernels.layout import MKT_INDEX, MKT_MARK, MKT_USABLE
from seawall.margin.portfolio.inputs import (
    Contract,
    ExpiryQuote,
    MarketInputs,
    Position,
    UnderlyingQuote,
    missing,
    years_of,
)
from seawall.margin.portfolio.model import PortfolioRules
from seawall.margin.portfolio.plain import PlainBook, is_plain
from seawall.margin.portfolio.values import Book, join, reprice
from seawall.rulebooks.model import Rulebook
from seawall.units import INT64_MAX, SECOND_NS

if TYPE_CHECKING:
    from seawall.engine.state import State

SIZE_DECIMALS = 9
E9 = 1_000_000_000


class Plain(NamedTuple):
    """An underlying for many pots at once: `rows` of the book by holding (instrument, or behind those asset),
    -1 where its market is not known. No book where the rules, or the units held, are not plain."""

    book: PlainBook | None
    rows: NDArray[np.int64]


class _Part(NamedTuple):
    """What is known of the contracts of one expiry, or of those without."""

    vols: dict[str, float]
    marks: dict[str, float]
    book: Book


class PortfolioMarket:
    """Market inputs and repriced contracts by underlying, until told that it moved."""

    def __init__(self, rulebook: Rulebook, rules: PortfolioRules) -> None:
        self.rules, self.max_age_ns = rules, rulebook.margin.quotes_max_age_ns
        self.contracts = [contract_of(instrument) for instrument in rulebook.instruments]
        self.collateral = _collateral(rulebook, rules)  # asset -> the underlying it is collateral of
        assets = {
            asset: Contract(name=rulebook.assets[asset].name, kind="spot", underlying=name)
            for asset, name in self.collateral.items()
        }
        self._spots = assets
        self.holdings = [*self.contracts, *(assets.get(asset) for asset in range(len(rulebook.assets)))]
        nodes = {name: number for number, name in enumerate(rules.underlyings)}
        # By holding the place of its underlying in the rules; -1 for what they do not name.
        self.nodes = np.array([nodes.get(h.underlying, -1) if h else -1 for h in self.holdings], np.int64)
        self._rows_of: dict[str, dict[str, list[int]]] = {name: {"": []} for name in rules.underlyings}
        for row, contract in enumerate(self.contracts):
            self._rows_of.setdefault(contract.underlying, {}).setdefault(contract.expiry, []).append(row)
        self._units = _units(rulebook, assets)
        self.depends = _dependents(rulebook, self.collateral)
        self.books: dict[str, Book] = {}
        self.until_ns = INT64_MAX  # when the next figure in use grows too old
        self._lots = [instrument.lot_units * 10**SIZE_DECIMALS for instrument in rulebook.instruments]
        self._markets: dict[str, MarketInputs] = {}
        self._parts: dict[str, dict[str, _Part]] = {}
        self._plain: dict[str, Plain] = {}

    def forget(self, underlying: str, expiry: str | None = None) -> None:
        """Its market moved; or that of one expiry alone."""
        self.books.pop(underlying, None)
        self._markets.pop(underlying, None)
        self._plain.pop(underlying, None)
        if expiry is None:
            self._parts.pop(underlying, None)
        else:
            self._parts.get(underlying, {}).pop(expiry, None)

    def plain(self, state: State, underlying: str) -> Plain:
        """The underlying's contracts for many pots at once. NumberError as `inputs`."""
        found = self._plain.get(underlying)
        if found is not None:
            return found
        market, rows = self.inputs(state, [underlying]), np.full(len(self.holdings), -1, np.int64)
        book = self.books[underlying]
        for place, contract in enumerate(self.holdings):
            if contract is not None and contract.underlying == underlying:
                rows[place] = book.contracts.get(contract, -1)
        covers = self.rules.underlyings[underlying].covers
        known = {contract: unit for contract, unit in self._units.items() if contract in book.contracts}
        fit = all(known.values()) and all(contract.kind in covers for contract in known)
        made = None
        if fit and known and self.rules.account == "sum" and is_plain(self.rules.underlyings[underlying]):
            made = PlainBook(book, underlying, self.rules, market, known, SIZE_DECIMALS)
        found = self._plain[underlying] = Plain(made, rows)
        return found

    def unit(self, underlying: str) -> str:
        """The asset in which requirements of an underlying are counted."""
        return underlying if self.rules.underlyings[underlying].coin else self.rules.numeraire

    def position(self, state: State, row: int, lots: int) -> Position:
        """Lots as contracts; an inverse perpetual or future of so many dollars is coins at its mark."""
        steps = lots * self._lots[row]
        if self.contracts[row].kind != "option" and state.instruments[row].kind.inverse:
            steps = steps * E9 / max(_price_e9(state, row, MKT_MARK), 1)
        return Position(contract=self.contracts[row], size_steps=round(steps))

    def holding(self, state: State, asset: int, atoms: int) -> Position:
        """An amount of collateral, rounded down."""
        steps = atoms * 10**SIZE_DECIMALS // state.rulebook.assets[asset].atoms_per_unit
        return Position(contract=self._spots[asset], size_steps=steps)

    def spot(self, asset: int) -> Contract:
        """An asset that is collateral of an underlying, as a contract of it."""
        return self._spots[asset]

    def inputs(self, state: State, underlyings: list[str]) -> MarketInputs:
        """What is known of them now, together; `books` then holds their contracts repriced."""
        parts = [self._of(state, name) for name in underlyings if name in self.rules.underlyings]
        if len(parts) == 1:
            return parts[0]
        joined = MarketInputs(underlyings={}, vols={}, marks={}, confidences={})
        for part in parts:
            joined.underlyings.update(part.underlyings)
            joined.vols.update(part.vols)
            joined.marks.update(part.marks)
        return joined

    def _of(self, state: State, name: str) -> MarketInputs:
        known = self._markets.get(name)
        if known is not None:
            return known
        by_expiry = self._rows_of[name]
        market = MarketInputs(underlyings={}, vols={}, marks={}, confidences={})
        spot = self._spot(state, [row for rows in by_expiry.values() for row in rows])
        if spot is not None:
            decimals = state.rulebook.assets[state.asset_row[self.unit(name)]].decimals
            expiries = self._expiries(state, name)
            market.underlyings[name] = UnderlyingQuote(spot=spot, decimals=decimals, expiries=expiries)
        parts = self._parts.setdefault(name, {})
        for expiry, rows in by_expiry.items():
            part = parts.get(expiry)
            if part is None:
                part = parts[expiry] = self._part(state, name, rows, market, spots=not expiry)
            market.vols.update(part.vols)
            market.marks.update(part.marks)
        self.books[name] = join([parts[expiry].book for expiry in by_expiry])
        self._markets[name] = market
        return market

    def _part(self, state: State, name: str, rows: list[int], known: MarketInputs, *, spots: bool) -> _Part:
        market = MarketInputs(underlyings=known.underlyings, vols={}, marks={}, confidences={})
        for row in rows:
            self._quote(state, row, market)
        listed = [self.contracts[row] for row in rows]
        for asset in (asset for asset, of in self.collateral.items() if spots and of == name):
            row = state.priced_by[asset]
            listed.append(self._spots[asset])
            if row >= 0 and _usable(state, row, MKT_INDEX):
                market.marks[listed[-1].name] = _price_e9(state, row, MKT_INDEX) / E9
        complete = [c for c in listed if not missing([Position(contract=c, size_steps=1)], market, name)]
        book = reprice(tuple(complete), self.rules.underlyings[name], market)
        return _Part(market.vols, market.marks, book)

    def _spot(self, state: State, rows: list[int]) -> float | None:
        """The index of the instrument that its options name, or of its first other one."""
        named = [state.underlying_row[row] for row in rows if state.underlying_row[row] >= 0]
        others = [row for row in rows if self.contracts[row].kind != "option"]
        row = next(iter(named + others), -1)
        return _price_e9(state, row, MKT_INDEX) / E9 if row >= 0 and _usable(state, row, MKT_INDEX) else None

    def _expiries(self, state: State, name: str) -> dict[str, ExpiryQuote]:
        found = {}
        for (asset, expiry_ns), quoted in state.expiries.items():
            left = (expiry_ns - quoted.observed_ns) // SECOND_NS
            if asset == name and left > 0 and self._fresh(state, quoted.observed_ns):
                found[str(expiry_ns)] = ExpiryQuote(
                    years=years_of(left),
                    forward=quoted.forward_e9 / E9,
                    fixed=quoted.fixed_e9 / E9,
                    rate=quoted.rate_ppb / E9,
                    confidence=quoted.confidence_ppb / E9,
                )
        return found

    def _quote(self, state: State, row: int, market: MarketInputs) -> None:
        contract = self.contracts[row]
        if contract.kind == "option":
            if state.vols_ppb[row] and self._fresh(state, state.vols_ns[row]):
                market.vols[contract.name] = state.vols_ppb[row] / E9
        elif _usable(state, row, MKT_MARK):
            market.marks[contract.name] = _price_e9(state, row, MKT_MARK) / E9

    def _fresh(self, state: State, observed_ns: int) -> bool:
        ends = observed_ns + self.max_age_ns if self.max_age_ns else INT64_MAX
        if ends >= state.time_ns:
            self.until_ns = min(self.until_ns, ends)
        return ends >= state.time_ns


def _usable(state: State, row: int, column: int) -> bool:
    table = state.market.table
    return bool(table.item(row, MKT_USABLE)) and table.item(row, column) > 0


def _price_e9(state: State, row: int, column: int) -> int:
    return int(state.market.table.item(row, column) * state.instruments[row].tick_units * E9)


def _units(rulebook: Rulebook, assets: dict[int, Contract]) -> dict[Contract, int]:
    """Steps in a lot, or in an atom of collateral; 0 where they are no whole number, or move with a price."""
    found = {}
    for instrument in rulebook.instruments:
        steps = instrument.lot_units * 10**SIZE_DECIMALS
        whole = steps.denominator == 1 and (instrument.kind.option or not instrument.kind.inverse)
        found[contract_of(instrument)] = int(steps) if whole else 0
    for asset, contract in assets.items():
        steps = Fraction(10**SIZE_DECIMALS, rulebook.assets[asset].atoms_per_unit)
        found[contract] = int(steps) if steps.denominator == 1 else 0
    return found


def contract_of(instrument: Instrument) -> Contract:
    """An instrument as the portfolio rules know it: its underlying is the base asset, its expiry in ns."""
    name, base, expiry = instrument.name, instrument.base, str(instrument.expiry_ns)
    if instrument.kind.option:
        strike = float(instrument.strike_units)
        return Contract(
            name=name,
            kind="option",
            underlying=base,
            expiry=expiry,
            strike=strike,
            is_call=instrument.is_call,
        )
    if instrument.kind.dated:
        return Contract(name=name, kind="future", underlying=base, expiry=expiry)
    return Contract(name=name, kind="perpetual", underlying=base)


def _collateral(rulebook: Rulebook, rules: PortfolioRules) -> dict[int, str]:
    """Assets that are collateral inside an underlying settled in the numeraire -> that underlying."""
    found = {}
    for row, asset in enumerate(rulebook.assets):
        for name, own in rules.underlyings.items():
            if not own.coin and asset.name != rules.numeraire and asset.name in (name, *own.shocked):
                found[row] = name
                break
    return found


def _dependents(rulebook: Rulebook, collateral: dict[int, str]) -> list[tuple[str, ...]]:
    """Instrument -> underlyings to be repriced when its prices move. An option's own price reprices none."""
    rows = {instrument.name: row for row, instrument in enumerate(rulebook.instruments)}
    found: list[dict[str, None]] = [{} for _ in rulebook.instruments]
    for row, instrument in enumerate(rulebook.instruments):
        if not instrument.kind.option:
            found[row][instrument.base] = None
        elif instrument.underlying in rows:
            found[rows[instrument.underlying]][instrument.base] = None
    for asset, underlying in collateral.items():
        by = rulebook.margin.collateral.get(rulebook.assets[asset].name, "")
        if by in rows:
            found[rows[by]][underlying] = None
    return [tuple(underlyings) for underlyings in found]
