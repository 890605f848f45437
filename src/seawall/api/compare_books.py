"""One book under several rulebooks: how each account would fare, and which part makes the difference.

Every account stands at the level at which that venue liquidates, at the same prices. Amounts are dollars as
floats for reading (venues settle in different ones, taken one for one); each statement keeps its exact atoms.
Health is equity over requirement (of loans: what collateral counts for over what is owed); below one the
venue may liquidate. An account that a venue has no place
for, or that lacks a price, has no health there: it is left out or unknown, with the reason, never safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.api import pricing
from seawall.api.desk import Desk, Marks, load_rows, read_rows
from seawall.api.place_book import meanings, place
from seawall.api.pricing import coin_of
from seawall.api.views import PotStatement
from seawall.errors import InputError
from seawall.rulebooks.load import list_rulebooks, load_rulebook
from seawall.rulebooks.model import Rulebook

if TYPE_CHECKING:
    import polars as pl


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """One part of what an account has (`kind` collateral), owes (owed, below zero) or needs, in dollars.

    `rate`: of its notional.
    """

    kind: str
    name: str
    usd: float
    rate: float | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An account under one rulebook. `why`: no answer, as it is left out or lacks a price."""

    account: str
    rulebook: str
    level: str
    equity_usd: float | None
    requirement_usd: float | None
    why: str = ""

    @property
    def known(self) -> bool:
        return not self.why

    @property
    def health(self) -> float | None:
        """Equity over requirement; infinite where nothing is required of a solvent account."""
        if self.equity_usd is None or self.requirement_usd is None:
            return None
        if self.requirement_usd <= 0.0:
            return float("inf") if self.equity_usd >= 0.0 else float("-inf")
        return self.equity_usd / self.requirement_usd

    @property
    def below(self) -> bool:
        """Whether the venue may liquidate it now."""
        health = self.health
        return health is not None and health < 1.0


class Under(msgspec.Struct, frozen=True, kw_only=True):
    """A book under one rulebook: where every account stands, in the order of the book."""

    rulebook: str
    level: str
    standings: dict[str, Standing]
    rounded: int
    desk: Desk

    @property
    def judged(self) -> list[Standing]:
        return [one for one in self.standings.values() if one.known]

    @property
    def below(self) -> list[Standing]:
        return [one for one in self.standings.values() if one.below]

    def needs(self, account: str) -> tuple[Need, ...]:
        """What the account has and needs there, by coin; empty where there is no answer."""
        if not self.standings[account].known:
            return ()
        return _needs(self.desk, self.desk.statement(account))


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The same book under each rulebook, in the order asked."""

    accounts: tuple[str, ...]
    under: tuple[Under, ...]

    def differing(self) -> list[str]:
        """Accounts that some of the venues would liquidate now and others would not."""
        return [
            account
            for account in self.accounts
            if len({one.standings[account].below for one in self.under if one.standings[account].known}) > 1
        ]

    def table(self) -> pl.DataFrame:
        """One row per account and rulebook; nulls where there is no answer."""
        import polars as pl

        rows = [one.standings[account] for account in self.accounts for one in self.under]
        columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in rows] for name in _COLUMNS}
        return pl.DataFrame(columns, schema_overrides=dict.fromkeys(_FLOATS, pl.Float64))


_COLUMNS = ("account", "rulebook", "level", "equity_usd", "requirement_usd", "health", "below", "why")

_FLOATS = ("equity_usd", "requirement_usd", "health")


def compare_books(book: Any, rulebooks: Sequence[Rulebook | str | Path], marks: Marks) -> Comparison:
    """`book` (as for `load_book`) margined under each of the rulebooks at the same prices.

    Raises BookError, RulebookError or InputError; what only one venue cannot take is told per account.
    """
    if not rulebooks:
        raise InputError.at("rulebooks", "none is given", "Name some: harbor,hyperliquid,dydx-v4.")
    chosen = [one if isinstance(one, Rulebook) else load_rulebook(one) for one in rulebooks]
    tags = [one.tag for one in chosen]
    if len(set(tags)) < len(tags):
        raise InputError.at("rulebooks", "one is given twice", "Name each once.")
    _check_marks(chosen, marks)
    rows = read_rows(book)
    known = meanings(rows, chosen)
    wanted = {row.instrument for row in rows if row.instrument is not None}
    if wanted - set(known):
        known |= meanings(rows, (load_rulebook(name) for name in list_rulebooks()))
    accounts = tuple(dict.fromkeys(row.account for row in rows))
    return Comparison(accounts=accounts, under=tuple(_under(rows, one, known, marks) for one in chosen))


def _check_marks(rulebooks: Sequence[Rulebook], marks: Marks) -> None:
    """A price that none of the rulebooks has a use for is a slip, not something to pass over."""
    used = {name for one in rulebooks for entry in one.instruments for name in (coin_of(entry), entry.name)}
    for name in marks:
        if pricing.ALIASES.get(name, name) not in used:
            coins = sorted({coin_of(entry) for one in rulebooks for entry in one.instruments})
            what = "none of the rulebooks has an instrument or coin of that name"
            raise InputError.at(f"price of {name}", what, f"Coins: {', '.join(coins)}.")


def _under(rows: Any, rulebook: Rulebook, known: Any, marks: Marks) -> Under:
    placed = place(rows, rulebook, known)
    coins = {coin_of(one) for one in rulebook.instruments} | {one.name for one in rulebook.instruments}
    priced = {name: price for name, price in marks.items() if pricing.ALIASES.get(name, name) in coins}
    desk, refused = load_rows(rulebook, list(placed.rows), pricing.marks_to_ticks(rulebook, priced))
    missing = placed.left_out | refused
    tag = rulebook.tag  # once: it hashes the rulebook
    found: dict[str, Standing] = {}
    for account in dict.fromkeys(row.account for row in rows):
        why = missing.get(account, "")
        found[account] = _standing(account, tag, desk.trigger, None, None, f"left out: {why}" if why else "")
    found |= _judged(desk, tag, [account for account in desk.accounts if account not in missing])
    return Under(rulebook=tag, level=desk.trigger, standings=found, rounded=placed.rounded, desk=desk)


def _standing(
    account: str, tag: str, level: str, equity: float | None, needs: float | None, why: str
) -> Standing:
    return Standing(
        account=account, rulebook=tag, level=level, equity_usd=equity,
        requirement_usd=needs, why=why,
    )  # fmt: skip


def _judged(desk: Desk, tag: str, accounts: Iterable[str]) -> dict[str, Standing]:
    """Where accounts stand. One with several pots stands as its worst: the first that would be liquidated."""
    wanted, level = set(accounts), desk.trigger
    worst: dict[str, Standing] = {}
    for row in desk.pots():
        if row.account not in wanted:
            continue
        why = f"unknown: no usable price of {row.unknown_price}" if row.unknown_price else ""
        dollars = None if why else _dollars(desk, row.unit)
        if not why and dollars is None:
            why = f"unknown: no price of {row.unit}"
        one = (
            _standing(row.account, tag, level, None, None, why)
            if why or dollars is None
            else _standing(row.account, tag, level, row.equity * dollars, row.requirement * dollars, "")
        )
        before = worst.get(row.account)
        if before is None or (before.known and (not one.known or _health(one) < _health(before))):
            worst[row.account] = one
    return worst


def _health(one: Standing) -> float:
    health = one.health
    return float("inf") if health is None else health


def _dollars(desk: Desk, unit: str) -> float | None:
    """What one of a pot's unit is worth: a dollar is a dollar, a coin its mark."""
    return pricing.dollars_of(desk.rulebook, desk.ticks, unit)


def _needs(desk: Desk, pots: Iterable[PotStatement]) -> tuple[Need, ...]:
    known = {one.name: one for one in desk.rulebook.instruments}
    found: dict[tuple[str, str], list[float]] = {}
    for pot in pots:
        dollars = _dollars(desk, pot.unit) or 0.0
        scale = desk.rulebook.asset(pot.unit).atoms_per_unit
        for term in pot.terms:
            instrument = known.get(term.name)
            name = pricing.ALIASES.get(term.name, term.name) if instrument is None else coin_of(instrument)
            held = "owed" if term.amount_atoms < 0 else "collateral"
            kind = held if term.kind == "collateral" else "requirement"
            sums = found.setdefault((kind, name), [0.0, 0.0])
            sums[0] += term.amount_atoms / scale * dollars
            if kind == "requirement" and instrument is not None:
                size, price = (float(text.split()[0].replace(",", "")) for text in (term.size, term.price))
                sums[1] += abs(size) if instrument.kind.inverse else abs(size * price)
    return tuple(
        Need(kind=kind, name=name, usd=usd, rate=usd / notional if notional else None)
        for (kind, name), (usd, notional) in found.items()
    )
