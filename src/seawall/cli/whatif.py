"""`seawall whatif`: one account before and after a trade, a move of prices, or a withdrawal."""

from __future__ import annotations

import argparse
from typing import Any

from seawall.cli.margin import show_lines
from seawall.cli.parsing import add_price_arguments, marks_of, pairs
from seawall.cli.portfolio import add_market_arguments, is_portfolio
from seawall.cli.portfolio_changes import show_whatif
from seawall.cli.printing import put, put_json, put_table

DESCRIPTION = """What would become of an account: its equity and requirement at every level before and after
a trade, a move of prices, a withdrawal, or all of them together, and what the venue would do. Nothing is
changed.

With a portfolio rulebook and --market: one account of options and futures, under one or several rulebooks."""

EXAMPLES = """  seawall whatif harbor book.csv --mark BTC=60000 --account alice --trade "BTC-PERP +0.5"
  seawall whatif harbor book.csv --mark BTC=60000 --account alice --price BTC=-20%
  seawall whatif harbor book.csv --mark BTC=60000 --account alice --withdraw "1000 USDC"
  seawall whatif derive-pm2,paradex-pm held.csv --market chain.parquet --trade BTC-27MAR26-60000-P=+2
  seawall whatif derive-pm2 held.csv --market chain.parquet --move BTC=-10% --vol=+20%"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "rulebook", metavar="RULEBOOK", help="built in (harbor), TOML, or portfolio ones, A,B"
    )
    parser.add_argument("book", metavar="BOOK", help="accounts (or one portfolio) as CSV or Parquet")
    add_price_arguments(parser)
    add_market_arguments(parser)
    parser.add_argument("--account", metavar="NAME", help="whose account, in a book")
    parser.add_argument(
        "--trade",
        action="append",
        default=[],
        metavar="TEXT",
        help="INSTRUMENT SIZE [@ PRICE]; of a portfolio NAME=SIZE, at the value of the statement",
    )
    for flag, what in (("--move", "price"), ("--vol", "vols")):
        parser.add_argument(
            flag,
            action="append",
            default=[],
            metavar="MOVE",
            help=f"{what} of a portfolio: BTC=-10%%, or {flag}=-10%% for every underlying",
        )
    parser.add_argument(
        "--price", nargs="+", action="extend", default=[], metavar="NAME=MOVE", help="BTC=-20%% or BTC=48000"
    )
    parser.add_argument("--withdraw", action="append", default=[], metavar="TEXT", help='as "1000 USDC"')
    parser.add_argument("--json", action="store_true", help="before and after as JSON")


def run(args: argparse.Namespace) -> int:
    if is_portfolio(args):
        return show_whatif(args)
    from seawall.api.desk import load_book
    from seawall.errors import InputError

    if not args.account:
        raise InputError.at(
            "--account", "a book has many accounts, and none is named", "Give --account NAME."
        )
    if args.move or args.vol:
        raise InputError.at("--move, --vol", "move a portfolio", "For accounts of a book: --price BTC=-20%.")
    desk = load_book(args.book, args.rulebook, marks_of(args))
    found = desk.whatif(
        args.account,
        trade=args.trade,
        price=pairs(args.price, "--price", "BTC=-20%"),
        withdraw=args.withdraw,
    )
    if args.json:
        put_json(found)
        return 0
    put(f"{args.account} if: {'; '.join(found.changes)}")
    before = {(row.pot, row.level): row for row in found.before}
    rows = [_row(before.get((row.pot, row.level)), row) for row in found.after]
    heads = ["pot", "level", "equity before", "after", "needs before", "after", "left before", "after", ""]
    put_table(heads, rows, right=range(2, 8))
    if found.lines_after:
        put("\nliquidation prices after it")
        show_lines(found.lines_after)
    put()
    for verdict in found.verdicts:
        put(verdict)
    return 0


def _row(old: Any, new: Any) -> list[str]:
    def pair(name: str) -> list[str]:
        was = "-" if old is None else getattr(old, name) or "unknown"
        return [was, getattr(new, name) or "unknown"]

    return [new.pot, new.level, *pair("equity"), *pair("requirement"), *pair("margin"), new.unit]
