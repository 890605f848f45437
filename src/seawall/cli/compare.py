"""`seawall compare`: one book under several rulebooks, where each account stands, and which part differs."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING

from seawall.cli.parsing import add_price_arguments, marks_of
from seawall.cli.printing import put, put_json, put_table, say

if TYPE_CHECKING:
    from seawall.api.compare_books import Comparison, Standing

DESCRIPTION = """How one book of accounts would fare under each of several rulebooks at the same prices:
its equity and what the venue requires at the level at which it liquidates, health (equity over
requirement; liquidated below one), and per account the parts that make the difference. Perpetuals are
taken by coin, dollars one for one, sizes that are no whole lots there rounded against the account. Loans are
balances below zero; where they are made, health is what collateral counts for over what is owed.
Accounts a venue cannot hold are left out with the reason; without a price an account is unknown."""

EXAMPLES = """  seawall compare accounts.csv --rulebooks harbor,hyperliquid,dydx-v4 --mark BTC=60000 ETH=2500
  seawall compare accounts.csv --rulebooks harbor,drift-v2 --mark BTC=60000 --account alice
  seawall compare accounts.csv --rulebooks harbor,mine.toml --prices btc.csv --csv > standing.csv
  seawall compare loans.csv --rulebooks aave-v3.3,compound-v3,morpho-blue:WETH-USDC --mark ETH=3700 USDC=1"""

FEW = 3  # so many accounts are taken apart without being asked for
MOST = 30  # rows of the overview
_WORDS = {"collateral": "  has", "owed": "  owes", "requirement": "  needs"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("book", metavar="BOOK", help="accounts as CSV or Parquet")
    parser.add_argument("--rulebooks", required=True, metavar="A,B", help="built in ones or TOML files")
    add_price_arguments(parser)
    parser.add_argument(
        "--account", action="append", metavar="NAME", help="this account part by part; may be repeated"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="every account and its parts as JSON")
    form.add_argument("--csv", action="store_true", help="one line per account and rulebook")


def run(args: argparse.Namespace) -> int:
    from seawall.api.compare_books import compare_books
    from seawall.errors import InputError

    names = [text.strip() for text in args.rulebooks.split(",") if text.strip()]
    found = compare_books(args.book, names, marks_of(args))
    for name in args.account or ():
        if name not in found.accounts:
            some = ", ".join(found.accounts[:8]) + (" ..." if len(found.accounts) > 8 else "")
            raise InputError.at(f"account {name!r}", "is not in the book", f"It has: {some}.")
    chosen = args.account or list(found.accounts)
    if args.json:
        put_json(_plain(found, chosen))
    elif args.csv:
        table = found.table()
        put(table.filter(table["account"].is_in(chosen)).write_csv().rstrip("\n"))
    else:
        _summary(found)
        _accounts(found, chosen)
        for name in args.account or (chosen if len(chosen) <= FEW else found.differing()[:FEW]):
            _parts(found, name)
        _remarks(found)
    return 0


def _plain(found: Comparison, chosen: list[str]) -> dict[str, object]:
    return {
        "standings": [one.standings[name] for name in chosen for one in found.under],
        "parts": {name: {one.rulebook: one.needs(name) for one in found.under} for name in chosen},
        "differing": [name for name in found.differing() if name in chosen],
        "rounded": {one.rulebook: one.rounded for one in found.under},
    }


def _summary(found: Comparison) -> None:
    rows = []
    for one in found.under:
        judged = one.judged
        lacking = [standing.why for standing in one.standings.values() if standing.why]
        unknown = sum(why.startswith("unknown") for why in lacking)
        rows.append(
            [
                one.rulebook,
                one.level,
                f"{len(judged):,}",
                f"{len(one.below):,}",
                f"{unknown:,}",
                f"{len(lacking) - unknown:,}",
                f"{sum(standing.equity_usd or 0.0 for standing in judged):,.0f}",
                f"{sum(standing.requirement_usd or 0.0 for standing in judged):,.0f}",
            ]
        )
    heads = ["rulebook", "level", "judged", "liquidated", "unknown", "left out", "equity $", "required $"]
    put(f"{len(found.accounts):,} accounts, each at its worst pot\n")
    put_table(heads, rows, right=range(2, 8))


def _accounts(found: Comparison, chosen: list[str]) -> None:
    """Health under each: those about whom the venues disagree first, then the lowest."""
    apart = set(found.differing())

    def lowest(name: str) -> float:
        known = [one.standings[name].health for one in found.under]
        return min((health for health in known if health is not None), default=-1.0)

    order = sorted(chosen, key=lambda name: (name not in apart, lowest(name), name))
    rows = [[name, *(_cell(one.standings[name]) for one in found.under)] for name in order[:MOST]]
    put("\nhealth: equity over what is required (* liquidated)")
    put_table(["account", *_names(found)], rows, right=range(1, len(found.under) + 1))
    if len(order) > MOST:
        put(f"... and {len(order) - MOST:,} more; --csv lists all, --account NAME takes one apart")


def _names(found: Comparison) -> list[str]:
    """Short where that tells them apart."""
    short = [one.rulebook.split("@")[0] for one in found.under]
    return short if len(set(short)) == len(short) else [one.rulebook for one in found.under]


def _cell(one: Standing) -> str:
    if one.why:
        return one.why.split(":")[0]
    health = one.health
    if health is None or health == float("inf"):
        return "no need"
    return f"{health:,.2f}{'*' if one.below else ' '}"


def _parts(found: Comparison, name: str) -> None:
    """What the account has and needs, part by part, under each."""
    columns = [{(need.kind, need.name): need for need in one.needs(name)} for one in found.under]
    keys = sorted({key for column in columns for key in column})
    rows = []
    for kind, what in keys:
        cells = []
        for column in columns:
            need = column.get((kind, what))
            rate = "" if need is None or need.rate is None else f" ({need.rate:.2%})"
            cells.append("-" if need is None else f"{need.usd:,.2f}{rate}")
        rows.append([_WORDS[kind], what, *cells])
    put(f"\n{name}, all its pots")
    put_table(["  ", "", *_names(found)], rows, right=range(2, len(found.under) + 2))


def _remarks(found: Comparison) -> None:
    for one in found.under:
        for why, count in sorted(Counter(s.why for s in one.standings.values() if s.why).items()):
            say(f"{one.rulebook}: {count:,} account{'s' * (count > 1)} {why}")
        if one.rounded:
            rows = f"{one.rounded:,} row{'s' * (one.rounded > 1)}"
            say(f"{one.rulebook}: {rows} rounded to its lots and ticks, against the account")
