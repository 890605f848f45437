"""A book written for one venue, laid out for another: the same coins, the same dollars, that venue's lots.

A perpetual of a coin becomes the other venue's perpetual of that coin, linear for linear and inverse for
inverse; a dated future or an option is taken only under its own name. Dollars (USD, USDC, USDT, ...) become
the dollars of the other venue one for one, but for loan markets, which value each by itself and take only
their own; other collateral keeps its name or is not taken. Sizes and entry prices that are no whole lots or
ticks there are rounded against the account: sizes away from zero, entries up for longs and down for shorts,
collateral (debts are collateral below zero) down to whole atoms. An account of which any row has no place is
left out, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import msgspec

from seawall.api.pricing import ALIASES, DOLLARS, coin_of
from seawall.instruments.model import Instrument, InstrumentKind
from seawall.lab.bookfile import BookRow
from seawall.rulebooks.model import Rulebook

PERPETUALS = (InstrumentKind.LINEAR_PERPETUAL, InstrumentKind.INVERSE_PERPETUAL)
What = tuple[str, InstrumentKind]  # coin, kind


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A book under a rulebook: its rows there, the accounts left out with the reason, rows rounded."""

    rows: tuple[BookRow, ...]
    left_out: dict[str, str]
    rounded: int


def meanings(rows: Sequence[BookRow], rulebooks: Iterable[Rulebook]) -> dict[str, What]:
    """What every instrument of a book is, by the first of the rulebooks that lists it."""
    found: dict[str, What] = {}
    wanted = {row.instrument for row in rows if row.instrument is not None}
    for rulebook in rulebooks:
        for one in rulebook.instruments:
            if one.name in wanted:
                found.setdefault(one.name, (coin_of(one), one.kind))
    return found


def place(rows: Sequence[BookRow], rulebook: Rulebook, known: dict[str, What]) -> Placed:
    """The rows of a book as `rulebook` would hold them; `known` as from `meanings`."""
    placer = _Placer(rulebook, known)
    left_out: dict[str, str] = {}
    placed: list[BookRow] = []
    rounded: dict[str, int] = {}
    for row in rows:
        if row.account in left_out:
            continue
        instrument, why = placer.instrument(row.instrument)
        asset = "" if why else placer.asset(row.collateral_asset, instrument)
        if not why and asset is None:
            why = f"takes no {row.collateral_asset} as collateral"
        elif not why and asset and (row.collateral_amount or "").startswith("-") and not placer.lends(asset):
            why = f"lends no {row.collateral_asset}"
        if why:
            left_out[row.account] = why
            continue
        new, changed = _fitted(row, instrument, asset or None, placer.atoms(asset))
        rounded[row.account] = rounded.get(row.account, 0) + changed
        placed.append(new)
    kept = tuple(row for row in placed if row.account not in left_out)
    return Placed(
        rows=kept,
        left_out=left_out,
        rounded=sum(n for account, n in rounded.items() if account not in left_out),
    )


class _Placer:
    """Answers for one rulebook, each name looked up once."""

    def __init__(self, rulebook: Rulebook, known: dict[str, What]) -> None:
        self._rulebook, self._known = rulebook, known
        self._by_name = {one.name: one for one in rulebook.instruments}
        self._by_what: dict[What, Instrument] = {}
        for one in rulebook.instruments:
            if one.kind in PERPETUALS:
                self._by_what.setdefault((coin_of(one), one.kind), one)
        self._atoms = {asset.name: asset.atoms_per_unit for asset in rulebook.assets}
        self._found: dict[str | None, tuple[Instrument | None, str]] = {None: (None, "")}

    def instrument(self, name: str | None) -> tuple[Instrument | None, str]:
        """(what stands for it there, or why nothing does)."""
        if name not in self._found:
            self._found[name] = self._search(str(name))
        return self._found[name]

    def _search(self, name: str) -> tuple[Instrument | None, str]:
        what = self._known.get(name)
        own = self._by_name.get(name)
        if own is not None and (what is None or what == (coin_of(own), own.kind)):
            return own, ""
        if what is None:
            return None, f"lists no {name}, and no rulebook given says what it is"
        coin, kind = what
        found = self._by_what.get(what) if kind in PERPETUALS else None
        if found is None:
            return None, f"lists no {coin} {kind.name.lower().replace('_', ' ')} like {name}"
        return found, ""

    def atoms(self, asset: str | None) -> int:
        return self._atoms.get(asset or "", 1)

    def lends(self, asset: str) -> bool:
        return self._rulebook.curve(asset) is not None

    def asset(self, name: str | None, instrument: Instrument | None) -> str | None:
        """The asset that stands for a collateral there; "" where a row has none, None if not taken."""
        if name is None:
            return ""
        margin = self._rulebook.margin
        taken = {ALIASES.get(one, one): one for one in margin.collateral}
        if name in DOLLARS and isinstance(self._rulebook.interest, msgspec.UnsetType):
            settle = instrument.settle if instrument is not None else margin.numeraire
            own = (settle, margin.numeraire, *(one for one in DOLLARS if one in margin.collateral))
            if margin.scope == "account" and name in taken:
                return taken[name]
            return next((one for one in own if one in DOLLARS), None)
        return taken.get(ALIASES.get(name, name))


def _fitted(
    row: BookRow, instrument: Instrument | None, asset: str | None, atoms: int
) -> tuple[BookRow, int]:
    """The row with the venue's names, its size and entry on the venue's grid; whether either was rounded."""
    size, entry, changed = row.size, row.entry_price, 0
    if instrument is not None and size is not None and entry is not None:
        longs = not size.startswith("-")
        size = _on_grid(size, instrument.lot_units, up=longs)
        entry = _on_grid(entry, instrument.tick_units, up=longs)
        if entry == "0":
            entry = _text(instrument.tick_units)
        changed = int((size, entry) != (row.size, row.entry_price))
    amount = row.collateral_amount
    if asset is not None and amount is not None:
        amount = _rounded(amount, 1, atoms, False)
    name = None if instrument is None else instrument.name
    placed = msgspec.structs.replace(
        row, instrument=name, size=size, entry_price=entry, collateral_asset=asset, collateral_amount=amount
    )
    return placed, changed


def _on_grid(text: str, grid: Fraction, *, up: bool) -> str:
    return _rounded(text, grid.numerator, grid.denominator, up)


@lru_cache(maxsize=1 << 16)  # books repeat sizes and prices, and fractions are slow, even to look up
def _rounded(text: str, numerator: int, denominator: int, up: bool) -> str:
    grid = Fraction(numerator, denominator)
    steps = Fraction(text) / grid
    if steps.denominator == 1:
        return text
    whole = -(-steps.numerator // steps.denominator) if up else steps.numerator // steps.denominator
    return _text(whole * grid)


def _text(value: Fraction) -> str:
    """A decimal fraction as decimal text; lots and ticks are decimal, so nothing is lost."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    shown = format(exact, "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
