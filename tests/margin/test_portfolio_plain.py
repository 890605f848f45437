"""Requirements of many portfolios at once are those of one statement after the other, to the last atom."""

from __future__ import annotations

import random

import numpy as np
import pytest

from seawall.kernels import portfolio_book as kernel
from seawall.margin.portfolio.evaluate import evaluate, value_books
from seawall.margin.portfolio.inputs import (
    Contract,
    ExpiryQuote,
    MarketInputs,
    Portfolio,
    Position,
    UnderlyingQuote,
)
from seawall.margin.portfolio.model import PortfolioRules
from seawall.margin.portfolio.plain import PlainBook, is_plain
from seawall.rulebooks.load import load_rulebook
from seawall.rulebooks.load_portfolio import list_portfolio_rulebooks, load_portfolio_rulebook

UNITS = {"option": 10**7, "perpetual": 3 * 10**6, "spot": 10, "future": 7}


def _plain_rules() -> dict[str, PortfolioRules]:
    rules = {name: load_portfolio_rulebook(name).rules for name in list_portfolio_rulebooks()}
    harbor = load_rulebook("harbor-options").margin.portfolio
    assert harbor is not None
    rules["harbor-options"] = harbor
    return {
        name: found
        for name, found in rules.items()
        if "BTC" in found.underlyings and is_plain(found.underlyings["BTC"])
    }


RULES = _plain_rules()


def _market(draw: random.Random, rules: PortfolioRules) -> tuple[list[Contract], MarketInputs]:
    spot = draw.uniform(20_000, 120_000)
    expiries = {
        str(n): ExpiryQuote(years=draw.uniform(0.001, 1.2), forward=spot * draw.uniform(0.95, 1.1))
        for n in range(3)
    }
    own = rules.underlyings["BTC"]
    contracts = [Contract(name="PERP", kind="perpetual", underlying="BTC")]
    contracts += [Contract(name=name, kind="spot", underlying="BTC") for name in own.shocked]
    for expiry in expiries:
        for strike in sorted(draw.sample(range(30, 150), 6)):
            for call in draw.sample([True, False], draw.randint(1, 2)):
                name = f"{expiry}-{strike}-{call}"
                contracts.append(
                    Contract(
                        name=name, kind="option", underlying="BTC", expiry=expiry,
                        strike=1000.0 * strike, is_call=call,
                    )
                )  # fmt: skip
    contracts = [contract for contract in contracts if contract.kind in own.covers]
    market = MarketInputs(
        underlyings={"BTC": UnderlyingQuote(spot=spot, decimals=draw.choice([2, 6]), expiries=expiries)},
        vols={c.name: draw.uniform(0.2, 2.0) for c in contracts if c.kind == "option"},
        marks={c.name: spot * draw.uniform(0.99, 1.01) for c in contracts if c.kind != "option"},
    )
    return contracts, market


def _portfolios(draw: random.Random, contracts: list[Contract], largest: int) -> list[dict[Contract, int]]:
    return [
        {
            contract: draw.choice([1, -1]) * int(10 ** draw.uniform(0, largest))
            for contract in draw.sample(contracts, draw.randint(0, len(contracts)))
        }
        for _ in range(25)
    ]


def _ask(plain: PlainBook, portfolios: list[dict[Contract, int]]) -> tuple[list[list[int]], list[int]]:
    ends = np.cumsum([0, *map(len, portfolios)])
    rows = np.array([plain.rows[c] for held in portfolios for c in held], np.int64)
    lots = np.array([size for held in portfolios for size in held.values()], np.int64)
    asked = plain.ask(ends, rows, lots)
    found = [
        plain.requirements(worst, sizes) for worst, sizes in zip(asked.worst.tolist(), asked.sizes.tolist())
    ]
    return found, asked.status.tolist()


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("largest", [4, 8, 12])
def test_many_at_once_are_the_statements_one_by_one(name: str, largest: int) -> None:
    rules, draw = RULES[name], random.Random(largest)
    told = 0
    for _ in range(4):
        contracts, market = _market(draw, rules)
        books = value_books(contracts, market, rules)
        units = {contract: UNITS[contract.kind] for contract in contracts}
        plain = PlainBook(books["BTC"], "BTC", rules, market, units, 9)
        portfolios = _portfolios(draw, contracts, largest)
        found, status = _ask(plain, portfolios)
        for held, requirements, fits in zip(portfolios, found, status, strict=True):
            if fits != kernel.FITS or not held:
                continue
            positions = tuple(
                Position(contract=contract, size_steps=lots * units[contract])
                for contract, lots in held.items()
            )
            statement = evaluate(Portfolio(positions=positions), market, rules, books)
            assert statement.levels == {
                level.name: asked for level, asked in zip(rules.levels, requirements, strict=True)
            }
            told += 1
    assert told > (60 if largest <= 8 else 0)


def test_sums_that_could_pass_64_bits_are_left_to_the_checked_way() -> None:
    rules = RULES["harbor-options"]
    contracts, market = _market(random.Random(1), rules)
    units = {contract: UNITS[contract.kind] for contract in contracts}
    plain = PlainBook(value_books(contracts, market, rules)["BTC"], "BTC", rules, market, units, 9)
    _, status = _ask(plain, [{contracts[0]: 1}, {contracts[0]: 10**15}, {}])
    assert status == [kernel.FITS, kernel.TOO_LARGE, kernel.FITS]


def test_rules_with_a_discount_a_skew_or_a_cap_are_not_plain() -> None:
    assert "harbor-options" in RULES
    for name in ("derive-pm2", "deribit-pm"):
        own = load_portfolio_rulebook(name).rules.underlyings
        assert not any(is_plain(rules) for rules in own.values())
