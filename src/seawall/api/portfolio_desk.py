"""One account under one portfolio rulebook: what it is asked for, where it falls, what a trade would change.

Amounts are atoms of the account's unit (the numeraire, or the coin it is settled in), prices quote units.
Dollars of another name than the numeraire's are taken one for one where the market gives them no price, and
changed into coin at the index where the venue settles in coin; a note says so. Levels are sought between a
fifth and five times today's price or vol, one underlying at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from seawall.api.market_table import MarketTable
from seawall.api.portfolio import make_inputs, make_portfolio
from seawall.api.portfolio_files import PORTFOLIO, Row, read_rows
from seawall.api.portfolio_names import read_contract_name
from seawall.errors import InputError
from seawall.margin.portfolio.evaluate import evaluate
from seawall.margin.portfolio.inputs import MarketInputs, Portfolio
from seawall.margin.portfolio.levels import Axis, Question, crossings
from seawall.margin.portfolio.statement import NodeStatement, PortfolioStatement
from seawall.rulebooks.dates import parse_moment_ns
from seawall.rulebooks.load_portfolio import load_portfolio_rulebook
from seawall.rulebooks.portfolio_model import PortfolioRulebook

DOLLARS = ("USD", "USDC", "USDT")


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Where a level is missed when one underlying's price (or its vols) alone moves, as factors on today's.

    `underlying` "": all of them, in step. None: as far as was looked.
    """

    underlying: str
    axis: Axis
    low: float | None
    high: float | None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A portfolio under a rulebook at a market, with its statement."""

    rulebook: PortfolioRulebook
    portfolio: Portfolio
    market: MarketInputs
    statement: PortfolioStatement
    market_name: str
    now: str = ""
    notes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()  # why quotes of what is held were left out

    @property
    def unknown(self) -> tuple[str, ...]:
        """Why the account is unknown; empty where it is known."""
        return self.statement.unknown + (self.reasons if self.statement.unknown else ())

    @property
    def liquidated_at(self) -> str:
        """The level that liquidates: maintenance, or the last one of rules that call it otherwise."""
        names = [level.name for level in self.rulebook.rules.levels]
        return "maintenance" if "maintenance" in names else names[-1]

    def unit(self, underlying: str) -> str:
        rules = self.rulebook.rules.underlyings.get(underlying)
        return underlying if rules is not None and rules.coin else self.rulebook.rules.numeraire

    def worth(self, node: NodeStatement, atoms: int) -> Fraction:
        """Atoms of a node in quote units, at the index where it is settled in coin. Exact."""
        price = Fraction(1)
        if self.unit(node.underlying) == node.underlying:
            price = Fraction(self.market.underlyings[node.underlying].spot)
        return Fraction(atoms, 10**node.decimals) * price


def load_account(
    rulebook: PortfolioRulebook | str | Path, portfolio: Any, market: MarketTable, *, stable: float = 1.0
) -> Account:
    """The account; `portfolio` as in `portfolio_margin`. Raises RulebookError, InputError, NumberError."""
    book = rulebook if isinstance(rulebook, PortfolioRulebook) else load_portfolio_rulebook(rulebook)
    now_ns = parse_moment_ns(market.now, where="--at") if market.now else None
    inputs = make_inputs(book.rules, market.rows, now_ns, stable)
    rows = read_rows(portfolio, PORTFOLIO, name="portfolio")
    rows, notes = _with_cash(rows, book, inputs)
    held = merged(make_portfolio(book.rules, rows))
    names = [position.contract.name for position in held.positions]
    return Account(
        rulebook=book,
        portfolio=held,
        market=inputs,
        statement=evaluate(held, inputs, book.rules),
        market_name=market.name,
        now=market.now,
        notes=(*market.notes, *notes),
        reasons=tuple(f"{name}: {market.left_out[name]}" for name in names if name in market.left_out),
    )


def merged(portfolio: Portfolio) -> Portfolio:
    """Each contract once, at the sum of its sizes; what comes to nothing is gone."""
    sizes: dict[Any, int] = {}
    for position in portfolio.positions:
        sizes[position.contract] = sizes.get(position.contract, 0) + position.size_steps
    first = {position.contract: position for position in portfolio.positions}
    kept = tuple(
        msgspec.structs.replace(first[contract], size_steps=size) for contract, size in sizes.items() if size
    )
    return msgspec.structs.replace(portfolio, positions=kept)


def missed(account: Account, level: str = "") -> tuple[Stretch, ...]:
    """Every stretch of prices, and of vols where options are held, in which the level is missed.

    Of each underlying alone, and where there are several of all in step.

    Empty for an account that is unknown. InputError for a level the account does not have.
    """
    wanted = level or account.liquidated_at
    if account.unknown:
        return ()
    held = [position.contract for position in account.portfolio.positions]
    names = sorted({contract.underlying for contract in held})
    found: list[Stretch] = []
    for name in [*names, ""] if len(names) > 1 else names:
        kinds = {contract.kind for contract in held if name in ("", contract.underlying)}
        axes: tuple[Axis, ...] = ("price", "volatility") if "option" in kinds else ("price",)
        question = question_of(account, name, wanted)
        for axis in axes:
            found += _stretches(question, axis, health_of(account, wanted) < 0)
    return tuple(found)


def question_of(account: Account, underlying: str, level: str) -> Question:
    return Question(
        portfolio=account.portfolio,
        market=account.market,
        rules=account.rulebook.rules,
        underlying=underlying,
        level=level,
    )


def health_of(account: Account, level: str) -> int:
    """Equity less requirement of a known account. InputError where it has no such level."""
    statement = account.statement
    requirement = statement.levels.get(level)
    if statement.equity_atoms is None or requirement is None:
        known = ", ".join(statement.levels) or "none: its underlyings are settled in different units"
        raise InputError.at(
            "account", f"no level {level!r} of the whole account (it has {known})", "Name another."
        )
    return statement.equity_atoms - requirement


def _stretches(question: Question, axis: Axis, missed_now: bool) -> list[Stretch]:
    found = crossings(question, axis)
    if not found:
        whole = Stretch(underlying=question.underlying, axis=axis, low=None, high=None)
        return [whole] if missed_now else []
    stretches, low = [], None
    for crossing in found:
        if crossing.above:  # missed just below it
            stretches.append(
                Stretch(underlying=question.underlying, axis=axis, low=low, high=crossing.factor)
            )
        low = crossing.factor
    if not found[-1].above:
        stretches.append(Stretch(underlying=question.underlying, axis=axis, low=low, high=None))
    return stretches


def _with_cash(
    rows: Sequence[Row], book: PortfolioRulebook, market: MarketInputs
) -> tuple[list[Row], tuple[str, ...]]:
    """Rows with dollars in the rulebook's own cash, and what was taken for what."""
    rules, kept, notes = book.rules, list[Row](), list[str]()
    bases = [read_contract_name(row.cells["instrument"].strip(), where=row.where).base for row in rows]
    home = next((base for base in bases if base in rules.underlyings), next(iter(rules.underlyings)))
    quote = market.underlyings.get(home)
    for row in rows:
        name, size = row.cells["instrument"].strip(), row.number("size")
        if name not in DOLLARS or name in market.marks or size is None:
            kept.append(row)
        elif rules.underlyings[home].coin:
            if quote is None or not quote.spot > 0.0:
                kept.append(row)
                continue
            atoms = size / Fraction(quote.spot) * 10**9 // 1
            kept.append(Row(row.where, {"instrument": home, "size": _decimal(atoms)}))
            notes.append(f"{name} is changed into {home} at the index: {book.name} settles in coin")
        else:
            kept.append(Row(row.where, row.cells | {"instrument": rules.numeraire}))
            if name != rules.numeraire:
                notes.append(f"{name} is taken for {rules.numeraire} one for one")
    return kept, tuple(dict.fromkeys(notes))


def _decimal(atoms: int) -> str:
    """Thousand-millionths as decimal text."""
    return f"{'-' if atoms < 0 else ''}{abs(atoms) // 10**9}.{abs(atoms) % 10**9:09d}"


def pairs_of(account: Account, changes: Mapping[str, float]) -> dict[str, float]:
    """Changes by underlying; the name "all" stands for every underlying held. InputError for another."""
    names = [node.underlying for node in account.statement.nodes]
    found: dict[str, float] = {}
    for name, factor in changes.items():
        if name != "all" and name not in names:
            raise InputError.at(name, "is no underlying of this account", f"It has {', '.join(names)}.")
        found |= dict.fromkeys(names if name == "all" else [name], factor)
    return found
