"""A small account for portfolio adapters: contracts by plain numbers, units fine enough for a figure.

Sizes become whole steps, exactly where 64 bits allow; amounts come back as exact fractions of the node's
unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import msgspec

from seawall.errors import Unsupported
from seawall.margin.portfolio.evaluate import evaluate
from seawall.margin.portfolio.inputs import (
    Contract,
    ExpiryQuote,
    MarketInputs,
    Portfolio,
    Position,
    UnderlyingQuote,
)
from seawall.margin.portfolio.model import PPB, PortfolioRules, Scenario, UnderlyingRules
from seawall.margin.portfolio.statement import NodeStatement
from seawall.rulebooks.load_portfolio import load_portfolio_rulebook

ROOM = 10**15  # of an amount in atoms: values are kept a thousand times finer, scenarios multiply by six
WIDE_ROOM = 10**17  # where values are kept in atoms
MOST_DECIMALS = 15


def ppb(value: Fraction | float) -> int:
    """The nearest part per billion: published rates carry float noise."""
    return round(value * PPB)


def decimals_for(largest: Fraction, room: int = ROOM) -> int:
    """Most decimals with which this amount keeps room in 64 bits."""
    digits = 0
    while digits < MOST_DECIMALS and abs(largest) * 10 ** (digits + 1) <= room:
        digits += 1
    return digits


def own_rules(rulebook: str, underlying: str, **changes: Any) -> UnderlyingRules:
    """The rules of one underlying of a built-in rulebook, with a vector's own parameters put in."""
    rules = load_portfolio_rulebook(rulebook).rules.underlyings[underlying]
    return msgspec.structs.replace(rules, **changes)


def charge_of(rulebook: str, underlying: str, name: str) -> Any:
    return next(entry for entry in own_rules(rulebook, underlying).charges if entry.name == name)


def grid(moves: Iterable[Fraction], **shape: Any) -> tuple[Scenario, ...]:
    return tuple(Scenario(spot_ppb=ppb(move), **shape) for move in moves)


class Account:
    """Positions of one underlying, filled in one by one, then judged."""

    def __init__(self, underlying: str, rules: PortfolioRules) -> None:
        self.underlying, self.rules = underlying, rules
        self.held: list[tuple[Contract, Fraction]] = []
        self.expiries: dict[str, ExpiryQuote] = {}
        self.vols: dict[str, float] = {}
        self.marks: dict[str, float] = {}
        self.confidences: dict[str, float] = {}
        self.given: dict[str, Fraction] = {}
        self.cash, self.unrealised = Fraction(0), Fraction(0)

    def hold(self, contract: Contract, size: Fraction, *, mark: Any = None, vol: Any = None) -> None:
        self.held.append((contract, size))
        if mark is not None:
            self.marks[contract.name] = float(mark)
        if vol is not None:
            self.vols[contract.name] = float(vol)

    def contract(self, name: str, kind: Any, **more: Any) -> Contract:
        return Contract(name=name, kind=kind, underlying=self.underlying, **more)

    def judge(self, *, spot: Any, largest: Fraction, **quote: Any) -> Judged:
        """`largest`: an amount the unit must hold. Unsupported where something is not known."""
        decimals = decimals_for(largest)
        sizes = min(decimals_for(max((abs(size) for _, size in self.held), default=Fraction(1))), 12)
        atoms = 10**decimals
        portfolio = Portfolio(
            positions=tuple(
                Position(contract=contract, size_steps=round(size * 10**sizes))
                for contract, size in self.held
            ),
            cash_atoms={self.underlying: round(self.cash * atoms)},
            unrealised_atoms={self.underlying: round(self.unrealised * atoms)},
            given_atoms={self.underlying: {name: round(v * atoms) for name, v in self.given.items()}},
            size_decimals=sizes,
        )
        market = MarketInputs(
            underlyings={
                self.underlying: UnderlyingQuote(
                    spot=float(spot), decimals=decimals, expiries=self.expiries, **quote
                )
            },
            vols=self.vols,
            marks=self.marks,
            confidences=self.confidences,
        )
        statement = evaluate(portfolio, market, self.rules)
        if statement.unknown:
            raise Unsupported(f"not enough is given: {'; '.join(statement.unknown)}")
        return Judged(statement.node(self.underlying))


class Judged:
    """A statement read in units."""

    def __init__(self, node: NodeStatement) -> None:
        self.node = node

    def amount(self, atoms: int) -> Fraction:
        return Fraction(atoms, 10**self.node.decimals)

    def results(self, set_name: str, *, every: int = 1) -> list[Fraction]:
        return [self.amount(result) for result in self.node.results(set_name)[::every]]

    def charge(self, name: str) -> Fraction:
        return self.amount(self.node.charges[name])

    def requirement(self, level: str) -> Fraction:
        return self.amount(self.node.level(level).requirement_atoms)

    def health(self, level: str) -> Fraction:
        return self.amount(self.node.level(level).health_atoms)
