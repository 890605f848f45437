"""What `margin` and `whatif` say of a portfolio: statement, parts, places of liquidation, side by side.

No command of its own. Amounts are written with two decimals of a quote unit, six of a coin, requirements and
what is left cut towards zero; --json and --csv have every digit.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from seawall.cli.parsing import pairs
from seawall.cli.printing import put, put_json, put_table, say

MOST_LEGS = 12  # of the worst scenario; --json has them all


def is_portfolio(args: argparse.Namespace) -> bool:
    """Whether the rulebooks are portfolio rulebooks. InputError where some are and some are not."""
    names = args.rulebook.split(",")
    if len(names) == 1 and not args.market and "/" not in names[0] and names[0].partition("@")[0] == "harbor":
        return False  # the common case, without looking around
    from seawall.errors import InputError
    from seawall.rulebooks.load_portfolio import is_portfolio_rulebook

    kinds = [is_portfolio_rulebook(name) for name in names]
    if all(kinds):
        if not args.market:
            raise InputError.at(
                args.rulebook,
                "a portfolio is valued at a market, and none is given",
                "Give --market FILE: your own table, a Tardis options_chain, or a Deribit chain.",
            )
        return True
    if len(names) > 1 or args.market:
        name = names[kinds.index(False)]
        raise InputError.at(name, "is no portfolio rulebook", "`seawall rulebooks` lists them.")
    return False


def add_market_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--market",
        metavar="FILE",
        help="of a portfolio rulebook: your own table, a Tardis options_chain, a Deribit chain",
    )


def load(args: argparse.Namespace) -> tuple[list[Any], Any]:
    """The account under each rulebook, and the market; notes go to stderr."""
    from seawall.api.market_table import read_market
    from seawall.api.portfolio_desk import load_account
    from seawall.errors import InputError

    if args.prices:
        raise InputError.at("--prices", "is not read for a portfolio", "Give --market FILE and --mark.")
    market = read_market(args.market, at=args.at or "", marks=pairs(args.mark, "--mark", "BTC=60000"))
    accounts = [load_account(name, args.book, market) for name in args.rulebook.split(",")]
    level = getattr(args, "level", None)
    for account in accounts:
        names = [one.name for one in account.rulebook.rules.levels]
        if level and level not in names:
            raise InputError.at(
                "--level", f"{account.rulebook.name} has no {level}", f"It has {', '.join(names)}."
            )
    for note in dict.fromkeys(note for account in accounts for note in account.notes):
        say(f"note: {note}")
    return accounts, market


def show_margin(args: argparse.Namespace) -> int:
    accounts, _ = load(args)
    level = args.level or ""
    if args.json:
        from seawall.api.portfolio_words import plain

        put_json(plain(accounts, level))
    elif args.csv:
        from seawall.api.portfolio_words import csv_lines

        put("\n".join(csv_lines(accounts)))
    else:
        for account in accounts:
            show_account(account, level)
        known = [account for account in accounts if not account.unknown]
        if len(known) > 1:
            show_comparison(known, level)
    if args.map:
        from pathlib import Path

        from seawall.api.portfolio_map import write_map

        words = f"seawall margin {args.rulebook} {args.book} --market {args.market}"
        words += f" --at {args.at}" if args.at else ""
        words += f" --mark {' '.join(args.mark)}" if args.mark else ""
        say(f"map: {write_map(accounts, level, Path(args.map), words)}")
    return 0


def show_account(account: Any, level: str) -> None:
    from seawall.api.portfolio_words import units

    put(f"{account.rulebook.tag}   {account.now or 'no time given'}   {account.market_name}")
    if account.unknown:
        put("unknown: no margin is stated, and the account is not safe")
        for reason in account.unknown:
            put(f"  {reason}")
        put()
        return
    whole = account.statement.levels if len(account.statement.nodes) > 1 else {}
    for node in account.statement.nodes:
        _show_node(account, node, alone=not whole)
    if whole:
        first = account.statement.nodes[0]
        cells = [
            [
                name,
                units(account, first, asked),
                units(account, first, account.statement.equity_atoms - asked),
            ]
            for name, asked in whole.items()
        ]
        put_table(["whole account", "needs", "left"], cells, right=(1, 2))
    show_missed(account, level)
    put()


def _show_node(account: Any, node: Any, *, alone: bool) -> None:
    """`alone`: what is left over is this node's own, not that of an account of several."""
    from seawall.api.portfolio_compare import scenario_words
    from seawall.api.portfolio_words import units

    def text(atoms: int) -> str:
        return units(account, node, atoms)

    unit = account.unit(node.underlying)
    put(
        f"{node.underlying}   equity {text(node.equity_atoms)} {unit} = cash {text(node.cash_atoms)}"
        f" + unrealised {text(node.unrealised_atoms)} + options {text(node.options_atoms)}"
        f" + collateral {text(node.collateral_atoms)}"
    )
    rules = {level.name: level for level in account.rulebook.rules.levels}
    cells = []
    for line in node.levels:
        charged = [name for name in (line.largest, *rules[line.level].plus) if node.charges.get(name)]
        then = [name for name in rules[line.level].then if node.charges.get(name)]
        how = " + ".join(f"{name} {text(node.charges[name])}" for name in charged) or "nothing"
        how = f"{line.factor:.4g} x ({how})" if line.factor != 1.0 else how
        how += "".join(f" + {name} {text(node.charges[name])}" for name in then)
        cells.append(
            [
                f"  {line.level}",
                text(line.requirement_atoms),
                text(line.health_atoms) if alone else "",
                unit,
                f"= {how}",
            ]
        )
    put_table(["  level", "needs", "left" if alone else "", "", ""], cells, right=(1, 2))
    if node.worst is None:
        return
    worst = node.worst
    put(
        f"  worst of {len(node.lines)} scenarios: {scenario_words(worst.scenario)}"
        f" ({worst.set_name} {worst.number})  {text(worst.result_atoms)} {unit}"
    )
    _show_legs(node, text)


def _show_legs(node: Any, text: Any) -> None:
    """Legs, largest loss first; the share is of the sum of what loses."""
    lost = sum(min(leg.worst_atoms, 0) for leg in node.legs)
    legs = sorted(node.legs, key=lambda leg: leg.worst_atoms)
    shown = legs if len(legs) <= MOST_LEGS else legs[: MOST_LEGS - 2] + legs[-2:]
    cells = [
        [
            f"    {leg.name}",
            f"{leg.size_steps / 10**9:,.9g}",
            text(leg.value_atoms),
            text(leg.worst_atoms),
            f"{leg.worst_atoms / lost:.0%}" if lost and leg.worst_atoms < 0 else "",
        ]
        for leg in shown
    ]
    put_table(["    leg", "size", "worth now", "gains there", "of the loss"], cells, right=(1, 2, 3, 4))
    if len(shown) < len(legs):
        put(f"    ... and {len(legs) - len(shown)} more legs between them; --json lists all")


def show_missed(account: Any, level: str) -> None:
    from seawall.api.portfolio_desk import missed
    from seawall.api.portfolio_words import stretch_words

    wanted = level or account.liquidated_at
    if wanted not in account.statement.levels:
        put(f"no {wanted} of the whole account: its underlyings are settled in different units")
        return
    stretches = missed(account, wanted)
    put(f"{wanted} is missed with" if stretches else f"{wanted}: met everywhere looked")
    for stretch in stretches:
        put(f"  {stretch_words(account, stretch)}")


def show_comparison(accounts: Sequence[Any], level: str) -> None:
    from seawall.api.portfolio_compare import compare, money, requirement_of, sentences
    from seawall.api.portfolio_words import tellable, unmodelled

    wanted = level or accounts[0].liquidated_at
    put(f"side by side: {wanted}, in quote units, coin at its index")
    heads = ["", *(f"{account.rulebook.name}" for account in accounts)]
    heads += [f"{account.rulebook.name} more" for account in accounts[1:]]
    cells, kind = [], ""
    for row in tellable(compare(accounts, wanted)):
        if row.kind != row.name and row.kind != kind:
            cells.append([row.kind])
        kind = row.kind
        indent = "" if row.kind == row.name else "  "
        gaps = [amount - row.amounts[0] for amount in row.amounts[1:]]
        cells.append([f"{indent}{row.name}", *(money(amount) for amount in (*row.amounts, *gaps))])
    totals = [requirement_of(account, wanted) for account in accounts]
    gaps = [total - totals[0] for total in totals[1:]]
    cells.append(["needs", *(money(total) for total in (*totals, *gaps))])
    width = len(heads)
    put_table(heads, [cell + [""] * (width - len(cell)) for cell in cells], right=range(1, width))
    for sentence in sentences(accounts, wanted):
        put(sentence)
    for account in accounts:
        if account.rulebook.unsupported:
            put(f"not modelled at {account.rulebook.name}: {unmodelled(account)}")
