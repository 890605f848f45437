"""The page of a portfolio: the heat map of its health, and the tables beside it, from accounts.

Every cell is the whole integer statement at a moved market; what is drawn is that, as floats in whole units.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seawall.api.portfolio_compare import compare, money, requirement_of, scenario_words, sentences
from seawall.api.portfolio_desk import Account, health_of, missed, question_of
from seawall.api.portfolio_words import stretch_words, tellable, units
from seawall.kernels.elementary import exp, log
from seawall.margin.portfolio.evaluate import evaluate
from seawall.margin.portfolio.inputs import Position
from seawall.margin.portfolio.levels import Question, moved
from seawall.margin.portfolio.model import PPB
from seawall.margin.portfolio.statement import NodeStatement, PortfolioStatement
from seawall.margin.portfolio.values import shocked_vols
from seawall.report.map_page import write_portfolio_page
from seawall.report.map_tables import AccountPage, HeatMap, Mark, PortfolioPage, Table

COLUMNS, ROWS = 49, 27
PRICES, VOLS = (0.5, 2.0), (0.4, 2.5)  # drawn at least; further where the worst scenario lies beyond
ROOM = 1.1


def write_map(accounts: Sequence[Account], level: str, target: Path, command: str = "") -> Path:
    """Write the page of one account under these rulebooks, and return its path. Errors as `missed`."""
    return write_portfolio_page(portfolio_page(accounts, level), target, command)


def portfolio_page(accounts: Sequence[Account], level: str = "") -> PortfolioPage:
    known = [account for account in accounts if not account.unknown]
    wanted = level or accounts[0].liquidated_at
    comparison, said = None, tuple[str, ...]()
    if len(known) > 1:
        comparison, said = _comparison(known, wanted), sentences(known, wanted)
    names = ", ".join(account.rulebook.title for account in accounts)
    legs = len(accounts[0].portfolio.positions)
    return PortfolioPage(
        title="What kills this book?",
        facts=f"{legs} legs · {names} · {accounts[0].now or 'no time given'} · {accounts[0].market_name}",
        accounts=tuple(_account_page(account, level or account.liquidated_at) for account in accounts),
        comparison=comparison,
        sentences=said,
        notes=tuple(dict.fromkeys(note for account in accounts for note in account.notes)),
        provenance=tuple((account.rulebook.title, account.rulebook.tag) for account in accounts)
        + (("Market", accounts[0].market_name), ("Valued at", accounts[0].now or "no time given")),
    )


def heat_map(account: Account, node: NodeStatement, level: str) -> HeatMap:
    """Health of a known account at a level when one underlying and its vols move.

    Where the account's nodes are in different units, of the node alone.
    """
    worst = _mark(account, node)
    prices, vols = _grid(PRICES, COLUMNS, (worst.price,)), _grid(VOLS, ROWS, (worst.low_vol, worst.high_vol))
    question = question_of(account, node.underlying, level)
    own = [p for p in account.portfolio.positions if p.contract.underlying == node.underlying]
    shape = (ROWS, COLUMNS)
    health, needs = np.zeros(shape), np.zeros(shape)
    changes = tuple(np.zeros(shape) for _ in own)
    unit = 10.0**node.decimals
    for row, vol in enumerate(vols):
        for column, price in enumerate(prices):
            portfolio, market = moved(question, float(price), float(vol))
            statement = evaluate(portfolio, market, question.rules)
            asked, left = _asked(statement, node.underlying, level)
            health[row, column], needs[row, column] = left / unit, asked / unit
            for place, gained in enumerate(_gained(question, node, statement, own, float(price))):
                changes[place][row, column] = gained
    return HeatMap(
        underlying=node.underlying,
        unit=account.unit(node.underlying),
        spot=account.market.underlyings[node.underlying].spot,
        level=level,
        prices=prices,
        vols=vols,
        health=health,
        needs=needs,
        legs=tuple(position.contract.name for position in own),
        changes=changes,
        worst=worst,
    )


def _grid(least: tuple[float, float], count: int, inside: tuple[float, ...]) -> np.ndarray:
    """Factors even in the logarithm, through today's, from below the least to beyond the largest."""
    low, high = min(least[0], *(x / ROOM for x in inside)), max(least[1], *(x * ROOM for x in inside))
    step = (log(high) - log(low)) / (count - 1)
    before = round(-log(low) / step)  # so many cells below today's, so that one is today's
    return np.array([exp((place - before) * step) for place in range(count)], dtype=np.float64)


def _asked(statement: PortfolioStatement, underlying: str, level: str) -> tuple[int, int]:
    """(requirement, health) in atoms."""
    asked = statement.levels.get(level)
    if asked is not None and statement.equity_atoms is not None:
        return asked, statement.equity_atoms - asked
    line = statement.node(underlying).level(level)
    return line.requirement_atoms, line.health_atoms


def _gained(
    question: Question,
    node: NodeStatement,
    statement: PortfolioStatement,
    own: Sequence[Position],
    price: float,
) -> list[float]:
    """What each leg is worth more than today, in whole units; of a future what it has gained on its way."""
    now = {leg.name: leg.value_atoms for leg in node.legs}
    then = {leg.name: leg.value_atoms for leg in statement.node(node.underlying).legs}
    coin = question.rules.underlyings[node.underlying].coin
    found = []
    for position in own:
        name, kind = position.contract.name, position.contract.kind
        size = position.size_steps / 10**question.portfolio.size_decimals
        if kind in ("future", "perpetual"):
            mark = question.market.marks[name]
            found.append(size * (1.0 - 1.0 / price) if coin else size * mark * (price - 1.0))
        else:
            found.append((then[name] - now[name]) / 10**node.decimals)
    return found


def _mark(account: Account, node: NodeStatement) -> Mark:
    """Where the worst scenario lies: its price, and the shocks of the vols of the options held."""
    if node.worst is None:
        return Mark(price=1.0, low_vol=1.0, high_vol=1.0, words="there are no scenarios")
    scenario, rules = node.worst.scenario, account.rulebook.rules.underlyings[node.underlying]
    shocks = [1.0]
    if scenario.vol in ("up", "down"):
        quote = account.market.underlyings[node.underlying]
        shocks = [
            shocked_vols(vol, quote.expiries[one.contract.expiry].years, rules.vol)[scenario.vol == "down"]
            / vol
            for one in account.portfolio.positions
            if one.contract.kind == "option" and one.contract.underlying == node.underlying
            for vol in (account.market.vols[one.contract.name],)
            if vol > 0.0
        ] or [1.0]
    return Mark(
        price=max(1.0 + scenario.spot_ppb / PPB, 0.01),
        low_vol=max(min(shocks), 0.1),
        high_vol=max(shocks),
        words=scenario_words(scenario),
    )


def _account_page(account: Account, level: str) -> AccountPage:
    title = f"{account.rulebook.title}, {account.rulebook.effective}"
    page = AccountPage(
        title=title,
        tag=account.rulebook.tag,
        unknown=account.unknown,
        not_modelled=account.rulebook.unsupported,
    )
    if account.unknown:
        return page
    lines, maps, tables = list[str](), list[HeatMap](), list[Table]()
    for node in account.statement.nodes:
        line = node.level(level)
        equity, needs = units(account, node, node.equity_atoms), units(account, node, line.requirement_atoms)
        lines.append(
            f"{node.underlying}: equity {equity}, {level} asks for {needs} {account.unit(node.underlying)}"
        )
        if node.legs:
            maps.append(heat_map(account, node, level))
            tables += [_grid_table(account, node), _leg_table(account, node)]
    if account.statement.levels.get(level) is not None:
        left = units(account, account.statement.nodes[0], health_of(account, level))
        lines.append(f"health at {level}: {left} {account.unit(account.statement.nodes[0].underlying)}")
        stretches = missed(account, level)
        lines += [f"{level} is missed with {stretch_words(account, stretch)}" for stretch in stretches]
    return AccountPage(
        title=title,
        tag=account.rulebook.tag,
        lines=tuple(lines),
        maps=tuple(maps),
        tables=tuple(tables),
        not_modelled=account.rulebook.unsupported,
    )


def _grid_table(account: Account, node: NodeStatement) -> Table:
    """The venue's scenarios: prices down, its vol moves across, by set; the worst row is strong."""
    moves = list(dict.fromkeys(line.scenario.vol for line in node.lines))
    keys = sorted({(line.set_name, line.scenario.spot_ppb) for line in node.lines})
    cells = {(line.set_name, line.scenario.spot_ppb, line.scenario.vol): line for line in node.lines}
    rows, strong = [], []
    for place, (name, spot) in enumerate(keys):
        texts = []
        for move in moves:
            line = cells.get((name, spot, move))
            texts.append("" if line is None else units(account, node, line.result_atoms))
            if line is not None and line == node.worst:
                texts[-1] = f"worst: {texts[-1]}"
                strong.append(place)
        rows.append((f"{name} {spot / PPB * 100:+.4g}%", *texts))
    return Table(
        heading=f"{node.underlying}: the margin grid, {account.unit(node.underlying)}",
        heads=("price", *(f"vols {move}".replace("_", " ") for move in moves)),
        rows=tuple(rows),
        strong=tuple(strong),
    )


def _leg_table(account: Account, node: NodeStatement) -> Table:
    lost = sum(min(leg.worst_atoms, 0) for leg in node.legs)
    rows = [
        (
            leg.name,
            f"{leg.size_steps / 10**account.portfolio.size_decimals:,.9g}",
            units(account, node, leg.value_atoms),
            units(account, node, leg.worst_atoms),
            f"{leg.worst_atoms / lost:.0%}" if lost and leg.worst_atoms < 0 else "",
        )
        for leg in sorted(node.legs, key=lambda leg: leg.worst_atoms)
    ]
    heads = ("leg", "size", "worth now", "gains in the worst scenario", "of the loss")
    return Table(heading=f"{node.underlying}: each leg’s share", heads=heads, rows=tuple(rows))


def _comparison(accounts: Sequence[Account], level: str) -> Table:
    names = [account.rulebook.name for account in accounts]
    rows = [
        (row.name if row.kind == row.name else f"{row.kind}: {row.name}", *(money(a) for a in row.amounts))
        for row in tellable(compare(accounts, level))
    ]
    rows.append(("needs", *(money(requirement_of(account, level)) for account in accounts)))
    return Table(
        heading=f"Side by side: {level}, quote units",
        heads=("part", *names),
        rows=tuple(rows),
        strong=(len(rows) - 1,),
    )
