"""`seawall margin`: what every account of a book has and needs, and where it would be liquidated."""

from __future__ import annotations

import argparse
from typing import Any

from seawall.cli.parsing import add_price_arguments, marks_of
from seawall.cli.portfolio import add_market_arguments, is_portfolio, show_margin
from seawall.cli.printing import put, put_json, put_table, share

DESCRIPTION = """Margin of a book of accounts at given prices: equity and requirement with their parts, the
worst term, and for each instrument the prices at which the account would be liquidated, downwards and
upwards: when only this instrument moves (alone), when all instruments of its coin do (coin), when
everything moves in step (all). Accounts that need a price which was not given are unknown and come
first.

With a portfolio rulebook (derive-pm2, deribit-pm, paradex-pm, ...) and --market: one account of options and
futures under one or several rulebooks, side by side, with the difference explained part by part."""

EXAMPLES = """  seawall margin harbor accounts.csv --mark BTC=60000 ETH=2500
  seawall margin harbor accounts.csv --prices btc.csv eth.csv --account alice
  seawall margin harbor accounts.csv --mark BTC=60000 --level initial --csv > margin.csv

  seawall margin derive-pm2,paradex-pm held.csv --market chain.parquet --at 2026-02-05T12:00:00Z
  seawall margin derive-pm2 held.csv --market market.csv --at 2026-02-05T12:00:00Z --map map.html

  accounts.csv:  account,instrument,size,entry_price,collateral_asset,collateral_amount
                 alice,BTC-PERP,0.5,62000,USDC,5000
  held.csv:      instrument,size
                 BTC-27MAR26-60000-P,-4"""

FEW = 5  # so many accounts are shown in full without being asked for
MOST = 40  # rows of the overview


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "rulebook", metavar="RULEBOOK", help="built in (harbor), TOML, or portfolio ones, A,B"
    )
    parser.add_argument("book", metavar="BOOK", help="accounts (or one portfolio) as CSV or Parquet")
    add_price_arguments(parser)
    add_market_arguments(parser)
    parser.add_argument("--map", metavar="FILE", help="write a page with a portfolio's price x vol heat map")
    parser.add_argument(
        "--account", action="append", metavar="NAME", help="this account in full; may be repeated"
    )
    parser.add_argument(
        "--level", metavar="NAME", help="the level to hold it against (the liquidation trigger)"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="statements and liquidation prices as JSON")
    form.add_argument(
        "--csv", action="store_true", help="one line per pot: account, equity, requirement, ..."
    )


def run(args: argparse.Namespace) -> int:
    if is_portfolio(args):
        return show_margin(args)
    from seawall.api.desk import load_book

    desk = load_book(args.book, args.rulebook, marks_of(args))
    level = args.level or desk.trigger
    all_at_once = args.csv or not (args.json or args.account or len(desk.accounts) <= FEW)
    table = desk.statements(level) if all_at_once else None
    order = desk.ranking(level) if table is None else tuple(dict.fromkeys(table["account"].to_list()))
    for name in args.account or ():
        desk.statement(name, level)  # refuses a name that is not there before anything is printed
    chosen = [name for name in order if name in args.account] if args.account else list(order)
    if table is not None and args.csv:
        put(table.filter(table["account"].is_in(chosen)).write_csv().rstrip("\n"))
    elif table is not None:
        _overview(desk, level, table)
    elif args.json:
        put_json(_plain(desk, level, chosen))
    else:
        for name in chosen:
            _show(desk, level, name)
    return 0


def _plain(desk: Any, level: str, chosen: list[str]) -> dict[str, Any]:
    return {
        "rulebook": desk.rulebook.tag,
        "level": level,
        "statements": [row for name in chosen for row in desk.statement(name, level)],
        "liquidation_prices": [line for name in chosen for line in desk.liquidation_prices(name, level)],
    }


def _overview(desk: Any, level: str, table: Any) -> None:
    rows = []
    for row in table.head(MOST).to_dicts():
        if row["known"]:
            figures = [f"{row['equity']:,.2f}", f"{row['requirement']:,.2f}", f"{row['margin']:,.2f}"]
            used = f"{row['used']:.0%}" if row["used"] != float("inf") else "all"
        else:
            figures, used = ["unknown"] * 3, f"no price of {row['unknown_price']}"
        rows.append([row["account"], row["pot"], *figures, row["unit"], used])
    put(f"{desk.rulebook.tag}   level {level}   {len(desk.accounts):,} accounts")
    put_table(["account", "pot", "equity", "needs", "left", "", "used"], rows, right=(2, 3, 4, 6))
    if table.height > MOST:
        put(f"... and {table.height - MOST:,} more pots; --csv lists all, --account NAME shows one in full")


def _show(desk: Any, level: str, name: str) -> None:
    for row in desk.statement(name, level):
        if not row.known:
            put(f"{name}   {row.pot}   unknown: there is no usable price of {row.unknown_price}\n")
            continue
        put(
            f"{name}   {row.pot}   level {level}   equity {row.equity}   needs {row.requirement}   "
            f"left {row.margin} {row.unit}" + ("" if row.health is None else f"   health {row.health:.4f}")
        )
        show_terms(row)
    lines = desk.liquidation_prices(name, level)
    if lines:
        show_lines(lines)
    put()


def show_terms(row: Any) -> None:
    """The terms of a statement; the largest need is marked."""
    cells = []
    for term in row.terms:
        if term.kind == "collateral":
            what = "  owes" if term.amount_atoms < 0 else "  has"
            cells.append([what, term.name, term.size, term.profit, "", term.amount, ""])
        else:
            worst = "<- largest" if term is row.worst else ""
            profit = term.profit and f"{term.profit} {term.profit_asset}"
            cells.append(["  needs", term.name, term.size, profit, term.price, term.amount, worst])
    heads = ["  ", "", "size", "profit", "price", f"counts {row.unit}", ""]
    order = {"  has": 0, "  owes": 1, "  needs": 2}
    put_table(heads, sorted(cells, key=lambda row: order[row[0]]), right=(2, 3, 4, 5))


def show_lines(lines: Any) -> None:
    """Liquidation prices, one row per instrument and way of moving."""
    cells = []
    for line in lines:
        if line.failing_now:
            ends = ["below the level now", "", "", ""]
        else:
            ends = [line.below or "-", share(line.below_move), line.above or "-", share(line.above_move)]
        bankrupt = line.bankrupt_below or line.bankrupt_above or "-"
        if line.bankrupt_below and line.bankrupt_above:
            bankrupt = f"{line.bankrupt_below} / {line.bankrupt_above}"
        cells.append([f"  {line.pot}", line.instrument, line.together, line.mark, *ends, bankrupt])
    heads = ["  ", "liquidated when", "moving", "mark", "falls to", "", "rises to", "", "bankrupt at"]
    put_table(heads, cells, right=(3, 4, 5, 6, 7, 8))
