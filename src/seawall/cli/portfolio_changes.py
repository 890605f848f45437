"""What `whatif` says of a portfolio: every rulebook before and after, and where it falls afterwards.

No command of its own. Amounts as in `cli.portfolio`.
"""

from __future__ import annotations

import argparse
from typing import Any

from seawall.cli.parsing import pairs
from seawall.cli.portfolio import load, show_missed
from seawall.cli.printing import put, put_json, put_table


def show_whatif(args: argparse.Namespace) -> int:
    from seawall.api.portfolio_whatif import Change, change_account, read_moves
    from seawall.errors import InputError

    if args.price:
        raise InputError.at("--price", "moves accounts of a book", "For a portfolio: --move BTC=-10%.")
    change = Change(
        trades=pairs(args.trade, "--trade", "BTC-27MAR26-60000-P=-2"),
        withdraw=dict(_amount_of(text) for text in args.withdraw),
        moves=read_moves(args.move, "--move"),
        vols=read_moves(args.vol, "--vol"),
    )
    if not change:
        raise InputError.at("whatif", "nothing would change", "Give --trade, --withdraw, --move or --vol.")
    accounts, market = load(args)
    after = [change_account(account, args.book, market, change) for account in accounts]
    if args.json:
        from seawall.api.portfolio_words import plain

        put_json({"change": change.words(), "before": plain(accounts, ""), "after": plain(after, "")})
        return 0
    put(f"if: {change.words()}")
    for old, new in zip(accounts, after):
        _show(old, new)
    return 0


def _amount_of(text: str) -> tuple[str, str]:
    from seawall.errors import InputError

    parts = text.split()
    if len(parts) != 2:
        raise InputError.at("--withdraw", f"{text!r} is no amount", 'Write it like "1000 USDC".')
    return parts[1], parts[0]


def _show(old: Any, new: Any) -> None:
    from seawall.api.portfolio_words import units

    put(f"\n{new.rulebook.tag}")
    for account, when in ((old, "before"), (new, "after")):
        for reason in account.unknown:
            put(f"  unknown {when}: {reason}")
    if new.unknown:
        return
    cells = []
    before = {} if old.unknown else {node.underlying: node for node in old.statement.nodes}
    for node in new.statement.nodes:
        was = before.get(node.underlying)
        for line in node.levels:
            olds = [""] * 3
            if was is not None:
                then = was.level(line.level)
                olds = [
                    units(old, was, amount)
                    for amount in (was.equity_atoms, then.requirement_atoms, then.health_atoms)
                ]
            news = [
                units(new, node, amount)
                for amount in (node.equity_atoms, line.requirement_atoms, line.health_atoms)
            ]
            both = [cell for pair in zip(olds, news) for cell in pair]
            cells.append([f"  {node.underlying}", line.level, *both, new.unit(node.underlying)])
    if len(new.statement.nodes) > 1:
        cells += [_whole(old, new, level) for level in new.statement.levels]
    heads = ["  ", "level", "equity before", "after", "needs before", "after", "left before", "after", ""]
    put_table(heads, cells, right=range(2, 8))
    show_missed(new, "")


def _whole(old: Any, new: Any, level: str) -> list[str]:
    """The row of an account of several underlyings; `new` is known, `old` may not be."""
    from seawall.api.portfolio_desk import health_of
    from seawall.api.portfolio_words import units

    first = new.statement.nodes[0]
    columns = []
    for account in (old, new):
        known = not account.unknown and account.statement.levels.get(level) is not None
        amounts = (
            (account.statement.equity_atoms, account.statement.levels[level], health_of(account, level))
            if known
            else ()
        )
        columns.append([units(account, first, amount) for amount in amounts] or [""] * 3)
    both = [cell for pair in zip(*columns) for cell in pair]
    return ["  all", level, *both, new.unit(first.underlying)]
