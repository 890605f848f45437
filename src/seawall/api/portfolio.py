"""`seawall.portfolio_margin`: a portfolio, a market and a portfolio rulebook give the statement.

Sizes and money are exact decimals; quote nodes are reckoned in 10**-8 of a quote unit, nodes settled in coin
in 10**-12 of a coin. Losses are rounded down, requirements up. What the market table does not say makes the
account unknown, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from seawall.api.portfolio_files import MARKET, PORTFOLIO, Row, read_rows
from seawall.api.portfolio_names import Named, read_contract_name
from seawall.errors import InputError
from seawall.margin.portfolio.evaluate import evaluate
from seawall.margin.portfolio.inputs import (
    Contract,
    ExpiryQuote,
    MarketInputs,
    Portfolio,
    Position,
    UnderlyingQuote,
    years_of,
)
from seawall.margin.portfolio.model import PortfolioRules
from seawall.margin.portfolio.statement import PortfolioStatement
from seawall.rulebooks.dates import parse_moment_ns
from seawall.rulebooks.load_portfolio import load_portfolio_rulebook
from seawall.rulebooks.portfolio_model import PortfolioRulebook
from seawall.units import SECOND_NS, format_time, scale

SIZE_DECIMALS = 9
DECIMALS, COIN_DECIMALS = 8, 12
CLOSE = Fraction(1, 10_000)  # how far forwards of one expiry may lie apart before they are two prices


def portfolio_margin(
    rulebook: PortfolioRulebook | str | Path,
    portfolio: Any,
    market: Any,
    *,
    now: str = "",
    stable: float = 1.0,
) -> PortfolioStatement:
    """The margin statement of one account under a portfolio rulebook.

    `portfolio` and `market` are CSV or Parquet paths, Polars frames or lists of dicts (see
    api/portfolio_files), `now` a UTC time like 2026-03-01T08:00:00Z, which options and dated futures need;
    `stable` the price of the numeraire's coin. A row of cash is the numeraire (or, where the underlying is
    settled in coin, the coin itself). Raises RulebookError, InputError, NumberError.
    """
    book = rulebook if isinstance(rulebook, PortfolioRulebook) else load_portfolio_rulebook(rulebook)
    now_ns = parse_moment_ns(now, where="now") if now else None
    held = read_rows(portfolio, PORTFOLIO, name="portfolio")
    quotes = read_rows(market, MARKET, name="market")
    inputs = make_inputs(book.rules, quotes, now_ns, stable)
    return evaluate(make_portfolio(book.rules, held), inputs, book.rules)


def make_inputs(
    rules: PortfolioRules, rows: Sequence[Row], now_ns: int | None, stable: float = 1.0
) -> MarketInputs:
    """A market table as the evaluator wants it. InputError for rows that contradict each other."""
    return _Market(rules, rows, now_ns, stable).inputs()


def make_portfolio(rules: PortfolioRules, rows: Sequence[Row]) -> Portfolio:
    """What is held, by the rules' underlyings. InputError, NumberError for a row that cannot be read."""
    positions, cash = [], dict.fromkeys(rules.underlyings, 0)
    only = next(iter(rules.underlyings)) if len(rules.underlyings) == 1 else None
    bases = [read_contract_name(row.cells["instrument"].strip(), where=row.where).base for row in rows]
    home = only or next((base for base in bases if base in rules.underlyings), next(iter(rules.underlyings)))
    used: dict[str, None] = {}
    for row in rows:
        name = row.cells["instrument"].strip()
        named = read_contract_name(name, where=row.where)
        size = row.number("size")
        if size is None:
            raise InputError.at(row.where, f"gives {name} no size", "Fill the column size.")
        coin = named.kind == "spot" and named.base in rules.underlyings and rules.underlyings[named.base].coin
        if name == rules.numeraire or coin:
            node = named.base if coin else home
            digits = COIN_DECIMALS if coin else DECIMALS
            cash[node] += scale(size, 10**digits, rounding="down", where=row.where)
            used[node] = None
            continue
        contract = _contract(named, name, rules, home)
        used[contract.underlying] = None
        steps = scale(size, 10**SIZE_DECIMALS, where=row.where)
        positions.append(Position(contract=contract, size_steps=steps))
    return Portfolio(
        positions=tuple(positions),
        cash_atoms={node: cash[node] for node in used if node in cash},
        size_decimals=SIZE_DECIMALS,
    )


def _contract(named: Named, name: str, rules: PortfolioRules, home: str) -> Contract:
    """Collateral of another asset belongs to the account's first underlying."""
    stranger = named.kind == "spot" and named.base not in rules.underlyings
    return Contract(
        name=name,
        kind=named.kind,
        underlying=home if stranger else named.base,
        expiry=format_time(named.expiry_ns) if named.expiry_ns else "",
        strike=float(Fraction(named.strike)) if named.strike else 0.0,
        is_call=named.is_call,
    )


class _Market:
    """The market table, gathered by underlying, expiry and contract."""

    def __init__(self, rules: PortfolioRules, rows: Sequence[Row], now_ns: int | None, stable: float) -> None:
        self.rules, self.now_ns, self.stable = rules, now_ns, stable
        self.spots: dict[str, float] = {}
        self.confidence: dict[str, float] = {}
        self.expiries: dict[str, dict[str, ExpiryQuote]] = {}
        self.vols: dict[str, float] = {}
        self.marks: dict[str, float] = {}
        self.confidences: dict[str, float] = {}
        for row in rows:
            self._take(row)

    def inputs(self) -> MarketInputs:
        quotes = {}
        for base, spot in self.spots.items():
            rules = self.rules.underlyings.get(base)
            quotes[base] = UnderlyingQuote(
                spot=spot,
                stable=self.stable,
                confidence=self.confidence.get(base, 1.0),
                decimals=COIN_DECIMALS if rules is not None and rules.coin else DECIMALS,
                expiries=self.expiries.get(base, {}),
            )
        return MarketInputs(
            underlyings=quotes, vols=self.vols, marks=self.marks, confidences=self.confidences
        )

    def _take(self, row: Row) -> None:
        name = row.cells["instrument"].strip()
        named = read_contract_name(name, where=row.where)
        mark, confidence = row.floating("mark"), row.floating("confidence")
        if mark is not None:
            self.marks[name] = mark
            if named.kind == "spot" and named.base in self.rules.underlyings:
                self.spots[named.base] = mark
        if confidence is not None:
            self.confidences[name] = confidence
            if named.kind == "spot":
                self.confidence[named.base] = confidence
        if named.kind == "option":
            vol = row.floating("iv")
            if vol is not None:
                self.vols[name] = vol
        if named.expiry_ns:
            self._expiry(row, named)

    def _expiry(self, row: Row, named: Named) -> None:
        """Quote of an expiry from its first row with a forward; others must not contradict it."""
        forward = row.floating("forward" if named.kind == "option" else "mark")
        if self.now_ns is None:
            raise InputError.at(row.where, "expires", "Say what time it is: now='2026-03-01T08:00:00Z'.")
        if forward is None:
            return
        quotes, key = self.expiries.setdefault(named.base, {}), format_time(named.expiry_ns)
        known = quotes.get(key)
        seconds = (named.expiry_ns - self.now_ns) // SECOND_NS
        if known is None:
            rate = row.floating("rate")
            quotes[key] = ExpiryQuote(
                years=years_of(seconds), forward=forward, rate=0.0 if rate is None else rate
            )
        elif named.kind == "option" and abs(known.forward - forward) > CLOSE * known.forward:
            raise InputError.at(
                row.where,
                f"has the forward {forward:g} where expiry {key} has {known.forward:g}",
                "Give one forward per expiry.",
            )
        confidence = row.floating("confidence")
        if confidence is not None:
            least = min(confidence, quotes[key].confidence)
            quotes[key] = msgspec.structs.replace(quotes[key], confidence=least)
