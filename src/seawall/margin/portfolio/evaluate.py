"""One evaluator for every venue: portfolio + market + rules -> statement. Venues differ by data alone.

Amounts are atoms of each node's settlement unit; results round down, charges and requirements up, both once
per term. See `model` for the rules, `statement` for what comes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

import msgspec

from seawall.margin.portfolio.amounts import Node, charge_amount, worst_loss
from seawall.margin.portfolio.charges import WorstLoss
from seawall.margin.portfolio.contingencies import factor_of
from seawall.margin.portfolio.inputs import Contract, MarketInputs, Portfolio, Position, missing
from seawall.margin.portfolio.model import SKEWS, PortfolioLevel, PortfolioRules, UnderlyingRules
from seawall.margin.portfolio.results import PLAIN, count, expiry_result, factors_of, net
from seawall.margin.portfolio.statement import (
    ExpiryLine,
    LegLine,
    LevelLine,
    NodeStatement,
    PortfolioStatement,
    ScenarioLine,
)
from seawall.margin.portfolio.values import FINER, Book, add_up, reprice

FORWARD = "forward:"


def value_books(
    contracts: Iterable[Contract], market: MarketInputs, rules: PortfolioRules
) -> dict[str, Book]:
    """Contracts revalued once, by underlying, for any number of accounts under one market.

    A contract whose inputs are not all known is left out: an account that holds it is unknown.
    """
    listed: dict[str, list[Contract]] = {name: [] for name in rules.underlyings}
    for contract in dict.fromkeys(contracts):
        position = Position(contract=contract, size_steps=0)
        if contract.underlying in listed and not missing([position], market, contract.underlying):
            listed[contract.underlying].append(contract)
    return {name: reprice(tuple(found), rules.underlyings[name], market) for name, found in listed.items()}


def evaluate(
    portfolio: Portfolio,
    market: MarketInputs,
    rules: PortfolioRules,
    books: Mapping[str, Book] | None = None,
) -> PortfolioStatement:
    """The statement of one account. NumberError where an amount passes 64 bits in its unit.

    `books`: by underlying, contracts already repriced at this market (`value_books`), for many accounts.
    An underlying that the rules do not name is unknown; so is the account with it.
    """
    held: dict[str, list[Position]] = {name: [] for name in sorted(_named(portfolio))}
    for position in portfolio.positions:
        held[position.contract.underlying].append(position)
    nodes = tuple(_node(name, held[name], portfolio, market, rules, books or {}) for name in held)
    unknown = tuple(f"{node.underlying}: {reason}" for node in nodes for reason in node.unknown)
    names = [level.name for level in rules.levels]
    if unknown:
        return PortfolioStatement(nodes=nodes, levels=dict.fromkeys(names), unknown=unknown)
    if not _one_unit(nodes, rules):
        return PortfolioStatement(nodes=nodes)
    equity = sum(node.equity_atoms for node in nodes)
    if rules.account == "shared":
        return _shared(nodes, equity, market, rules)
    levels = {name: sum(node.level(name).requirement_atoms for node in nodes) for name in names}
    return PortfolioStatement(nodes=nodes, equity_atoms=equity, levels=dict(levels))


def _named(portfolio: Portfolio) -> list[str]:
    names = dict.fromkeys(position.contract.underlying for position in portfolio.positions)
    for told in (portfolio.cash_atoms, portfolio.unrealised_atoms, portfolio.given_atoms):
        names |= dict.fromkeys(told)
    return list(names)


def _one_unit(nodes: tuple[NodeStatement, ...], rules: PortfolioRules) -> bool:
    coins = [node.underlying if rules.underlyings[node.underlying].coin else "" for node in nodes]
    return len({(node.decimals, coin) for node, coin in zip(nodes, coins)}) <= 1


def _shared(
    nodes: tuple[NodeStatement, ...], equity: int, market: MarketInputs, rules: PortfolioRules
) -> PortfolioStatement:
    """Results of the same scenario added over underlyings, then the worst; other charges added up."""
    lines = tuple(
        msgspec.structs.replace(row[0], result_atoms=sum(line.result_atoms for line in row))
        for row in zip(*(node.lines for node in nodes))
    )
    charges: dict[str, int] = {}
    for node in nodes:
        worst = {c.name: c for c in rules.underlyings[node.underlying].charges if isinstance(c, WorstLoss)}
        for name, amount in node.charges.items():
            if name in worst:
                charges[name] = worst_loss(worst[name], lines)
            else:
                charges[name] = charges.get(name, 0) + amount
    stable = min((market.underlyings[node.underlying].stable for node in nodes), default=1.0)
    found = (requirement_of(level, charges, stable=Fraction(stable)) for level in rules.levels)
    return PortfolioStatement(
        nodes=nodes,
        equity_atoms=equity,
        lines=lines,
        worst=min(lines, key=lambda line: line.result_atoms, default=None),
        levels={line.level: line.requirement_atoms for line in found},
    )


def _node(
    name: str,
    positions: list[Position],
    portfolio: Portfolio,
    market: MarketInputs,
    rules: PortfolioRules,
    books: Mapping[str, Book],
) -> NodeStatement:
    own = rules.underlyings.get(name)
    if own is None:
        return NodeStatement(underlying=name, unknown=(f"the rules do not name {name}",))
    reasons = missing(positions, market, name)
    for kind in dict.fromkeys(position.contract.kind for position in positions):
        if kind not in own.covers:
            reasons += (f"these rules of {name} do not cover a contract of kind {kind!r}",)
    if own.coin and any(position.contract.kind == "spot" for position in positions):
        reasons += ("collateral in a node that is settled in coin: give it as cash",)
    if reasons:
        return NodeStatement(underlying=name, unknown=reasons)
    book = books.get(name)
    if book is None:
        book = reprice(tuple(dict.fromkeys(position.contract for position in positions)), own, market)
    node = _add_up(name, positions, portfolio, market, own, book)
    return _state(node, rules.levels)


def _add_up(
    name: str,
    positions: list[Position],
    portfolio: Portfolio,
    market: MarketInputs,
    rules: UnderlyingRules,
    book: Book,
) -> Node:
    """Sums per expiry (options, then futures) and of everything without expiry, under every column."""
    quote = market.underlyings[name]
    expiries = sorted({p.contract.expiry for p in positions if p.contract.kind in ("option", "future")})
    options = {expiry: place for place, expiry in enumerate(expiries)}
    futures = {expiry: place + len(expiries) for place, expiry in enumerate(expiries)}
    places = {"option": options, "future": futures}
    rest = 2 * len(expiries)
    owners = [places.get(p.contract.kind, {}).get(p.contract.expiry, rest) for p in positions]
    today, gains = add_up(book, positions, owners, rest + 1, 10**portfolio.size_decimals)
    return Node(
        name=name,
        positions=tuple(positions),
        portfolio=portfolio,
        market=market,
        quote=quote,
        rules=rules,
        book=book,
        expiries=tuple(expiries),
        today=tuple(today[: len(expiries)].tolist()),
        options=tuple(map(tuple, gains[: len(expiries)].tolist())),
        futures=tuple(map(tuple, gains[len(expiries) : rest].tolist())),
        rest=tuple(gains[rest].tolist()),
    )


def _state(node: Node, levels: tuple[PortfolioLevel, ...]) -> NodeStatement:
    parts = _expiry_parts(node)
    lines = _lines(node, parts)
    worst = min(lines, key=lambda line: line.result_atoms, default=None)
    charges = {charge.name: charge_amount(charge, node, lines) for charge in node.rules.charges}
    collateral = sum((node.collateral_atoms(position) for position in node.spots), 0)
    column = lines.index(worst) if worst is not None else None
    place = None if column is None else _scenario_columns(node)[column]
    statement = NodeStatement(
        underlying=node.name,
        decimals=node.quote.decimals,
        cash_atoms=node.portfolio.cash_atoms.get(node.name, 0),
        unrealised_atoms=node.portfolio.unrealised_atoms.get(node.name, 0),
        options_atoms=sum(node.today),
        collateral_atoms=collateral,
        lines=lines,
        worst=worst,
        expiries=tuple(
            ExpiryLine(
                expiry=expiry,
                value_atoms=node.today[number],
                worst_atoms=0 if column is None else parts[number][column],
            )
            for number, expiry in enumerate(node.expiries)
        ),
        legs=tuple(_leg(node, position, place) for position in node.positions),
        charges=charges,
    )
    stable = Fraction(node.quote.stable)
    found = tuple(
        requirement_of(level, charges, stable=stable, equity=statement.equity_atoms) for level in levels
    )
    return msgspec.structs.replace(statement, levels=found)


def _scenario_columns(node: Node) -> list[int]:
    return [n for n, column in enumerate(node.book.columns) if not column.set_name.startswith(FORWARD)]


def _expiry_parts(node: Node) -> list[list[int]]:
    """Per expiry and scenario: options after discount and skew, with the futures of that expiry."""
    factors = [factors_of(node.rules.discount, node.quote.expiries[expiry]) for expiry in node.expiries]
    columns = _scenario_columns(node)
    skewed = any(node.book.columns[column].scenario.vol in SKEWS for column in columns)
    return [
        [
            expiry_result(node.book.columns[column].scenario, factors[place], node.today[place], row[column])
            + node.futures[place][column]
            for column in columns
        ]
        if skewed or factors[place] != PLAIN
        else [row[column] + node.futures[place][column] for column in columns]
        for place, row in enumerate(node.options)
    ]


def _lines(node: Node, parts: list[list[int]]) -> tuple[ScenarioLine, ...]:
    price = Fraction(node.quote.spot) if node.rules.coin else Fraction(1)
    netting, columns = node.rules.expiry_netting, _scenario_columns(node)
    joined = [net(row, netting, price, node.quote.decimals) for row in zip(*parts)] or [0] * len(columns)
    found = zip(joined, [node.book.columns[place] for place in columns], [node.rest[p] for p in columns])
    return tuple(
        ScenarioLine(
            set_name=column.set_name,
            number=column.number,
            scenario=column.scenario,
            result_atoms=count(result + rest, column.scenario, node.rules, node.quote),
        )
        for result, column, rest in found
    )


def _leg(node: Node, position: Position, column: int | None) -> LegLine:
    row = node.book.contracts[position.contract]
    value = int(node.book.base[row]) if position.contract.kind != "spot" else 0
    steps = 10**node.portfolio.size_decimals * FINER
    gain = 0 if column is None else node.gain(row, column)
    spot = position.contract.kind == "spot"
    return LegLine(
        name=position.contract.name,
        size_steps=position.size_steps,
        value_atoms=node.collateral_atoms(position) if spot else position.size_steps * value // steps,
        worst_atoms=position.size_steps * gain // steps,
    )


def requirement_of(
    level: PortfolioLevel, charges: dict[str, int], *, stable: Fraction, equity: int = 0
) -> LevelLine:
    """One level from the charges that are there, in atoms; a charge that is not there comes to nothing."""
    factor = factor_of(
        factor_ppb=level.factor_ppb,
        slope_ppb=level.depeg_slope_ppb,
        below_ppb=level.depeg_below_ppb,
        stable=stable,
    )
    known = [name for name in level.largest if name in charges]
    largest = max(known, key=lambda name: charges[name], default="")
    scaled = charges.get(largest, 0) + sum(charges.get(name, 0) for name in level.plus)
    requirement = -int(-factor * scaled // 1) + sum(charges.get(name, 0) for name in level.then)
    return LevelLine(
        level=level.name,
        largest=largest,
        factor=float(factor),
        requirement_atoms=requirement,
        health_atoms=equity - requirement,
    )
