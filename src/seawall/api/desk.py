"""A book of accounts under one rulebook at one set of prices: what everybody has, needs, and can bear.

The book is loaded as the engine would load it, without prices, so that nobody is liquidated by being looked
at; prices are laid beside it. Equity rounds down, requirements up. An account that needs a price that is not
given is unknown and comes first everywhere; it is never shown as safe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from seawall.api import pricing
from seawall.api.reading import pot_name, pot_statement, pots_to_show, price_lines
from seawall.api.views import PotStatement, PriceLine, WhatIf
from seawall.engine.commands import AnyCommand, ReportFill, Transfer
from seawall.engine.engine import Engine
from seawall.engine.events import Refused
from seawall.engine.state import HOUSE_ACCOUNTS, MARKET, State
from seawall.errors import BookError, InputError
from seawall.lab.bookfile import BookRow, read_book, rows_of
from seawall.lab.loading import commands_for_rows
from seawall.ledger.columns import Book
from seawall.margin.compiled import CompiledMargin, MarketView
from seawall.margin.statement import Figures, book_health, health, statement
from seawall.rulebooks.load import load_rulebook
from seawall.rulebooks.model import Rulebook

if TYPE_CHECKING:
    import polars as pl

FEW_POTS = 32  # below this one by one: the kernel of the whole book takes longer to load than they take
Marks = Mapping[str, str | int | float]


def load_book(book: Any, rulebook: Rulebook | str | Path, marks: Marks | None = None) -> Desk:
    """A desk over `book`: a CSV or Parquet path, a Polars frame, or a list of dicts with the same columns.

    Options that the book holds or `marks` names are listed where the rulebook has a family for them.
    `marks` are prices by instrument or coin (`{"BTC": "60000"}`), decimal text or numbers in quote units.
    Raises BookError (file, line, column, value, fix), RulebookError or InputError.
    """
    rules = rulebook if isinstance(rulebook, Rulebook) else load_rulebook(rulebook)
    rows = read_rows(book)
    rules = rules.with_options(_options(rules, rows, marks or {}))
    return Desk(rules, rows, pricing.marks_to_ticks(rules, marks or {}))


def _options(rules: Rulebook, rows: list[BookRow], marks: Marks) -> list[str]:
    """Options that the rulebook has a family for: they are listed by being held or priced."""
    named = {row.instrument for row in rows if row.instrument is not None} | set(marks)
    return sorted(n for n in named if any(one.terms_of(n) is not None for one in rules.option_families))


def load_rows(rulebook: Rulebook, rows: list[BookRow], ticks: pricing.Ticks) -> tuple[Desk, dict[str, str]]:
    """A desk over rows, and the accounts that the engine refuses to hold, with its reason.

    What such an account holds in the desk is a part of its rows: leave it out of every answer.
    """
    refused: dict[str, str] = {}
    state = _load(rulebook, rows, refused)
    return Desk(rulebook, rows, ticks, state=state), refused


def read_rows(book: Any) -> list[BookRow]:
    """The rows of a book: a path, a Polars frame, or a list of dicts. Raises BookError."""
    if isinstance(book, str | Path):
        return read_book(book)
    import polars as pl  # late, here and below: a CSV and the answers for one account need none

    if isinstance(book, pl.DataFrame):
        return rows_of(book, Path("book"))
    if isinstance(book, Sequence) and book and all(isinstance(row, Mapping) for row in book):
        try:
            frame = pl.DataFrame(list(book), infer_schema_length=None)
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
            fix = 'Give every column one type; numbers as text, such as "0.25".'
            raise BookError.at("book", f"the rows make no table ({error})", fix) from None
        return rows_of(frame, Path("book"))
    what = f"{type(book).__name__} is no book"
    raise BookError.at("book", what, "Give a path, a Polars frame, or a list of dicts, one per position.")


class PotFigures(NamedTuple):
    """A pot in whole units of `unit`; no figure means anything where `unknown_price` names what lacks."""

    account: str
    unit: str
    unknown_price: str
    equity: float
    requirement: float


class Desk:
    """Margin of every account. Make one with `load_book`; `at` gives the same book at other prices."""

    def __init__(
        self, rulebook: Rulebook, rows: list[BookRow], ticks: pricing.Ticks, *, state: State | None = None
    ) -> None:
        self.rulebook, self.rows, self.ticks = rulebook, rows, ticks
        self.accounts: tuple[str, ...] = tuple(dict.fromkeys(row.account for row in rows))
        self.state = _load(rulebook, rows) if state is None else state
        self.market = pricing.market_at(rulebook, ticks).replaced(oi_lots=self.state.market.oi_lots)

    def __repr__(self) -> str:
        return f"Desk({self.rulebook.tag}, {len(self.accounts)} accounts, {len(self.ticks)} prices)"

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of the rulebook, in its order."""
        return tuple(level.name for level in self.rulebook.margin.levels)

    @property
    def trigger(self) -> str:
        """The level below which an account is liquidated."""
        return self.rulebook.liquidation.trigger

    def at(self, marks: Marks) -> Desk:
        """The same book with these prices instead; those not named stay."""
        ticks = {**self.ticks, **pricing.marks_to_ticks(self.rulebook, marks)}
        return Desk(self.rulebook, self.rows, ticks, state=self.state)

    def statement(self, account: str, level: str | None = None) -> tuple[PotStatement, ...]:
        """Every pot of an account at a level (default: the one that triggers liquidation), term by term.

        Raises InputError for an account or level that is not there.
        """
        name, number = self._level(level), self._number(account)
        return tuple(
            pot_statement(self.state, self.market, pot, name, account)
            for pot in pots_to_show(self.state, number)
        )

    def statements(self, *levels: str) -> pl.DataFrame:
        """One row per pot and level: exact atoms, and floats in whole units for reading. Unknown ones first,
        then the ones with the largest share of their equity in use. Nulls mean unknown, never zero.
        """
        import polars as pl

        names = [self._level(level) for level in levels] or [self.trigger]
        pots = self._pots()
        figures = self._figures(pots, *names)
        frames = [self._frame(pots, name, *(f[k] for f in figures)) for k, name in enumerate(names)]
        whole = pl.concat(frames)
        used = pl.when(pl.col("equity") > 0).then(pl.col("requirement") / pl.col("equity")).otherwise(
            pl.when(pl.col("margin") < 0).then(float("inf")).otherwise(0.0)
        )  # fmt: skip
        whole = whole.with_columns(pl.when(pl.col("known")).then(used).alias("used"))
        return whole.sort(["known", "used", "account", "pot"], descending=[False, True, False, False])

    def pots(self) -> Iterator[PotFigures]:
        """Every pot at the level that triggers liquidation, in whole units, in no order of worth.

        Where loans are made, debts stand beside the requirement, so that the one over the other is the health
        that loans are judged by.
        """
        lends = not isinstance(self.rulebook.interest, msgspec.UnsetType)
        pots, state = self._pots(), self.state
        equity, requirement, unknown = (column[0].tolist() for column in self._figures(pots, self.trigger))
        for row, pot in enumerate(pots.tolist()):
            asset = self.rulebook.assets[int(state.book.pot_unit[pot])]
            scale, lacks = float(asset.atoms_per_unit), unknown[row]
            if lends and lacks < 0 and (owed := self._owed(pot)):
                equity[row], requirement[row] = equity[row] + owed, requirement[row] + owed
            yield PotFigures(
                self.accounts[int(state.book.pot_account[pot]) - HOUSE_ACCOUNTS],
                asset.name,
                "" if lacks < 0 else state.instruments[lacks].name,
                equity[row] / scale,
                requirement[row] / scale,
            )

    def ranking(self, level: str | None = None) -> tuple[str, ...]:
        """Accounts in the order in which `statements` has them: by the pot of theirs that comes first."""
        pots, state = self._pots(), self.state
        equity, requirement, unknown = (column[0] for column in self._figures(pots, self._level(level)))
        keys = []
        for row, pot in enumerate(pots.tolist()):
            account = self.accounts[int(state.book.pot_account[pot]) - HOUSE_ACCOUNTS]
            per_unit = float(self.rulebook.assets[int(state.book.pot_unit[pot])].atoms_per_unit)
            has, needs, known = int(equity[row]), int(requirement[row]), int(unknown[row]) < 0
            used = 0.0
            if known and has > 0:
                used = (needs / per_unit) / (has / per_unit)
            elif known and has < needs:
                used = float("inf")
            keys.append((known, -used, account, pot_name(state, pot)))
        return tuple(dict.fromkeys(key[2] for key in sorted(keys)))

    def liquidation_prices(self, account: str, level: str | None = None) -> tuple[PriceLine, ...]:
        """Where each price becomes too low or too high, the instrument alone, its coin, or everything in
        step.

        Exact to one tick; see `views.PriceLine`. Empty for a pot that is unknown or holds no position.
        """
        name, number = self._level(level), self._number(account)
        found: list[PriceLine] = []
        for pot in pots_to_show(self.state, number):
            found += price_lines(self.state, self.market, pot, name, account)
        return tuple(found)

    def whatif(
        self,
        account: str,
        *,
        trade: str | Sequence[str] = (),
        price: Mapping[str, str] | None = None,
        withdraw: str | Sequence[str] = (),
    ) -> WhatIf:
        """The account before and after: `trade="BTC-PERP +0.5 @ 60000"`, `price={"BTC": "-20%"}`,
        `withdraw="1000 USDC"`. All of them together where several are given. The desk itself stays as it is.

        Raises InputError for text that cannot be read, and for more than the account holds.
        """
        from seawall.api.whatif import what_if

        trades = (trade,) if isinstance(trade, str) else tuple(trade)
        money = (withdraw,) if isinstance(withdraw, str) else tuple(withdraw)
        return what_if(self, account, trades, dict(price or {}), money)

    # -- helpers ------------------------------------------------------------------------------------------

    def _owed(self, pot: int) -> int:
        """Debts of a pot as the trigger counts them, in atoms of its unit."""
        if self.state.book.balances[pot].min() >= 0:
            return 0
        found = statement(self.state.book, self.state.margin, self.market, pot, self.trigger)
        return -sum(min(part.amount_atoms, 0) for part in found.parts if part.kind == "collateral")

    def _number(self, account: str) -> int:
        if account not in self.accounts:
            some = ", ".join(self.accounts[:8]) + (" ..." if len(self.accounts) > 8 else "")
            raise InputError.at(f"account {account!r}", "is not in the book", f"It has: {some}.")
        return HOUSE_ACCOUNTS + self.accounts.index(account)

    def _level(self, level: str | None) -> str:
        if level is None:
            return self.trigger
        if level not in self.levels:
            what = f"{self.rulebook.name} has no such level"
            raise InputError.at(f"level {level!r}", what, f"Its levels: {', '.join(self.levels)}.")
        return level

    def _pots(self) -> Any:
        numbers = range(HOUSE_ACCOUNTS, HOUSE_ACCOUNTS + len(self.accounts))
        return np.array([p for number in numbers for p in pots_to_show(self.state, number)], np.int64)

    def _figures(self, pots: Any, *levels: str) -> Figures:
        """Equity, requirement and unknown instrument as columns [level, pot]."""
        measure = book_health if pots.size >= FEW_POTS else _one_by_one
        try:
            return measure(self.state.book, self.state.margin, self.market, pots, *levels)
        except OverflowError as error:
            raise BookError.at("book", str(error), "Check the largest sizes and amounts in it.") from None

    def _frame(self, pots: Any, level: str, equity: Any, requirement: Any, unknown: Any) -> pl.DataFrame:
        import polars as pl

        state = self.state
        units = state.book.pot_unit[pots]
        scale = np.array([float(asset.atoms_per_unit) for asset in self.rulebook.assets])[units]
        names = [entry.name for entry in state.instruments]
        known = unknown < 0
        frame = pl.DataFrame(
            {
                "account": [self.accounts[int(n) - HOUSE_ACCOUNTS] for n in state.book.pot_account[pots]],
                "pot": [pot_name(state, int(pot)) for pot in pots],
                "level": [level] * len(pots),
                "unit": [self.rulebook.assets[int(unit)].name for unit in units],
                "known": known,
                "unknown_price": ["" if row < 0 else names[row] for row in unknown.tolist()],
                "equity_atoms": equity,
                "requirement_atoms": requirement,
                "equity": equity / scale,
                "requirement": requirement / scale,
                "margin": (equity - requirement) / scale,
            }
        )
        figures = ("equity_atoms", "requirement_atoms", "equity", "requirement", "margin")
        return frame.with_columns([pl.when(pl.col("known")).then(pl.col(n)).alias(n) for n in figures])


def _one_by_one(book: Book, margin: CompiledMargin, market: MarketView, pots: Any, *levels: str) -> Figures:
    """`book_health` of a few pots, by the kernel that everything else here uses as well."""
    found = np.empty((3, len(levels), pots.size), np.int64)
    try:
        for column, pot in enumerate(pots.tolist()):
            for row, level in enumerate(levels):
                one = health(book, margin, market, pot, level)
                found[:, row, column] = one.equity_atoms, one.requirement_atoms, one.unknown
    except OverflowError:
        return book_health(book, margin, market, pots, *levels)  # which names the pot
    return found[0], found[1], found[2]


def _load(rulebook: Rulebook, rows: list[BookRow], refusals: dict[str, str] | None = None) -> State:
    """The book in an engine without prices. No fee is charged for recording what is already there.

    A refusal is an error, or is noted by account where `refusals` is given.
    """
    free = msgspec.structs.replace(
        rulebook,
        instruments=tuple(
            msgspec.structs.replace(entry, taker_fee_ppb=0, maker_fee_ppb=0) for entry in rulebook.instruments
        ),
    )
    loaded = commands_for_rows(free, rows, time_ns=0)
    engine = Engine(free)
    for command, events in zip(loaded.commands, engine.step_many(loaded.commands), strict=True):
        refused = next((event for event in events if isinstance(event, Refused)), None)
        if refused is not None:
            who = loaded.names[_account_of(command) - HOUSE_ACCOUNTS]
            numbers = ", ".join(f"{key} {value:,}" for key, value in refused.numbers.items())
            what = f"{type(command).__name__} is refused: {refused.reason}"
            what = f"{what} ({numbers})" if numbers else what
            if refusals is None:
                raise BookError.at(f"account {who}", what, "Correct its rows in the book.")
            refusals.setdefault(who, what)
    engine.state.use_rulebook(rulebook)
    return engine.state


def _account_of(command: AnyCommand) -> int:
    """Whose row a loading command comes from."""
    if isinstance(command, ReportFill):
        return command.seller if command.buyer == MARKET else command.buyer
    return command.from_account if isinstance(command, Transfer) else int(getattr(command, "account", -1))
