"""An account of a portfolio in words, as plain values for JSON, and as lines for CSV.

Exact texts: amounts are decimal text of the node's unit with every digit; what is unknown is null or empty.
Cut for reading (`units`): two decimals of a quote unit, six of a coin, towards zero.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from seawall.api.portfolio_compare import Difference, compare, requirement_of, scenario_words, sentences
from seawall.api.portfolio_desk import Account, Stretch, missed
from seawall.margin.portfolio.statement import NodeStatement
from seawall.units import format_units

CSV_HEAD = ("rulebook", "underlying", "unit", "level", "part", "amount")
SMALL = Fraction(1, 200)  # less than half a hundredth is rounding, and not told
FEWEST, MOST = 0.2, 5.0  # how far stretches are sought, as factors


def units(account: Account, node: NodeStatement, atoms: int) -> str:
    coin = account.unit(node.underlying) == node.underlying
    return format_units(atoms, node.decimals, places=6 if coin else 2)


def exact(node: NodeStatement, atoms: int) -> str:
    return format_units(atoms, node.decimals).replace(",", "")


def tellable(rows: Sequence[Difference]) -> tuple[Difference, ...]:
    """Without rows that are rounding under every rulebook."""
    return tuple(row for row in rows if any(abs(amount) >= SMALL for amount in row.amounts))


def unmodelled(account: Account) -> str:
    """What the venue has and its rulebook does not, without the reasons."""
    return "; ".join(text.partition(": ")[0] for text in account.rulebook.unsupported)


def stretch_words(account: Account, stretch: Stretch) -> str:
    """`BTC below 71,234.50 (-12.3%)`, `BTC vols above 1.61 times today's`, `all prices below -20.1%`."""
    name = stretch.underlying
    price = stretch.axis == "price"

    def place(factor: float) -> str:
        if price and name:
            return f"{factor * account.market.underlyings[name].spot:,.2f} ({factor - 1.0:+.1%})"
        return f"{factor - 1.0:+.1%}" if price else f"{factor:.3g} times today's"

    what = (name if price else f"{name} vols") if name else ("all prices" if price else "all vols")
    if stretch.low is None and stretch.high is None:
        return f"{what}: missed everywhere from {place(FEWEST)} to {place(MOST)}"
    if stretch.low is None:
        return f"{what} below {place(stretch.high or 0.0)}"
    if stretch.high is None:
        return f"{what} above {place(stretch.low)}"
    return f"{what} between {place(stretch.low)} and {place(stretch.high)}"


def plain(accounts: Sequence[Account], level: str) -> dict[str, Any]:
    """Everything that is told of these accounts, for JSON."""
    known = [account for account in accounts if not account.unknown]
    found: dict[str, Any] = {"accounts": [_plain_account(account, level) for account in accounts]}
    if len(known) > 1:
        wanted = level or known[0].liquidated_at
        names = [account.rulebook.tag for account in known]
        found["side_by_side"] = {
            "level": wanted,
            "unit": "quote units, coin at its index",
            "needs": {tag: float(requirement_of(one, wanted)) for tag, one in zip(names, known)},
            "parts": [
                {"kind": row.kind, "name": row.name}
                | {"amounts": dict(zip(names, (float(amount) for amount in row.amounts)))}
                for row in compare(known, wanted)
            ],
            "explained": sentences(known, wanted),
        }
    return found


def _plain_account(account: Account, level: str) -> dict[str, Any]:
    wanted = level or account.liquidated_at
    has_level = account.statement.levels.get(wanted) is not None
    return {
        "rulebook": account.rulebook.tag,
        "now": account.now or None,
        "market": account.market_name,
        "notes": account.notes,
        "unknown": account.unknown,
        "not_modelled": account.rulebook.unsupported,
        "level": wanted,
        "underlyings": [] if account.unknown else [_plain_node(account, n) for n in account.statement.nodes],
        "levels": dict(account.statement.levels) if account.unknown else _account_levels(account),
        "missed": [
            {"underlying": s.underlying, "axis": s.axis, "low": s.low, "high": s.high}
            | {"words": stretch_words(account, s)}
            for s in (missed(account, wanted) if has_level else ())
        ],
    }


def _account_levels(account: Account) -> dict[str, str]:
    first = account.statement.nodes[0] if account.statement.nodes else None
    return {
        name: exact(first, amount)
        for name, amount in account.statement.levels.items()
        if first is not None and amount is not None
    }


def _plain_node(account: Account, node: NodeStatement) -> dict[str, Any]:
    found: dict[str, Any] = {
        "underlying": node.underlying,
        "unit": account.unit(node.underlying),
        "equity": exact(node, node.equity_atoms),
        "cash": exact(node, node.cash_atoms),
        "unrealised": exact(node, node.unrealised_atoms),
        "options": exact(node, node.options_atoms),
        "collateral": exact(node, node.collateral_atoms),
        "charges": {name: exact(node, amount) for name, amount in node.charges.items()},
        "levels": {
            line.level: {
                "needs": exact(node, line.requirement_atoms),
                "left": exact(node, line.health_atoms),
                "largest": line.largest,
                "factor": line.factor,
            }
            for line in node.levels
        },
        "scenarios": [
            {"set": line.set_name, "number": line.number, "words": scenario_words(line.scenario)}
            | {"result": exact(node, line.result_atoms)}
            for line in node.lines
        ],
        "legs": [
            {"name": leg.name, "size": format_units(leg.size_steps, 9).replace(",", "")}
            | {"worth": exact(node, leg.value_atoms), "gains_in_worst": exact(node, leg.worst_atoms)}
            for leg in node.legs
        ],
    }
    if node.worst is not None:
        found["worst"] = {"set": node.worst.set_name, "number": node.worst.number}
    return found


def csv_lines(accounts: Sequence[Account]) -> list[str]:
    """One line per figure: equity, every charge, what each level needs and leaves, each leg at worst."""
    rows: list[tuple[str, ...]] = [CSV_HEAD]
    for account in accounts:
        tag = account.rulebook.tag
        rows += [(tag, "", "", "", f"unknown: {reason}", "") for reason in account.unknown]
        for node in () if account.unknown else account.statement.nodes:
            head = (tag, node.underlying, account.unit(node.underlying))
            rows.append((*head, "", "equity", exact(node, node.equity_atoms)))
            rows += [(*head, "", name, exact(node, amount)) for name, amount in node.charges.items()]
            for line in node.levels:
                rows.append((*head, line.level, "needs", exact(node, line.requirement_atoms)))
                rows.append((*head, line.level, "left", exact(node, line.health_atoms)))
            rows += [(*head, "worst", leg.name, exact(node, leg.worst_atoms)) for leg in node.legs]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().rstrip("\n").split("\n")
