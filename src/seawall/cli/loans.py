"""`seawall loans`: a book of loans through a crash, under each of several lending rulebooks."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seawall.cli.parsing import pairs
from seawall.cli.printing import put, put_json, put_table, say

if TYPE_CHECKING:
    from seawall.api.loan_books import LoanRun
    from seawall.lab.prices import PricePath

DESCRIPTION = """A book of loans through a crash, under each of several lending rulebooks: the same
borrowers, prices, pools and liquidators, so that only the rules differ. Liquidators repay debts, take
collateral with the bonus (or have loans absorbed and buy from the reserves), and sell it into pools that the
oracle reads. Each is run twice, the second time with an oracle that reads outside prices: what bad debt
is less there came from the selling, and from pools that follow a price late (--recovery, --step). Debts are
balances below zero."""

EXAMPLES = """  seawall loans loans.csv --rulebooks aave-v3.3,compound-v3,euler-v2,morpho-blue:WETH-USDC \\
      --mark ETH=4000 --fixed USDC=1 --pool ETH=3000 --shock ETH:-35%:40m:5m:20%
  seawall loans loans.csv --rulebooks aave-v3.0,aave-v3.3 --prices ETH=eth.csv --fixed USDC=1 \\
      --pool ETH=500 --liquidator "desk,capital=2000000,latency=1 min,profit=1 %,away=0 s..1 h"

  loans.csv:  account,collateral_asset,collateral_amount
              ann,ETH,10
              ann,USDC,-31000
              lender,USDC,1000000"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    more: dict[str, Any] = {"nargs": "+", "action": "extend", "default": []}
    add("book", metavar="BOOK", help="accounts as CSV or Parquet")
    add("--rulebooks", required=True, metavar="A,B", help="built in ones or TOML files")
    add("--mark", **more, metavar="COIN=PRICE", help="first prices, with --shock")
    add("--shock", **more, metavar="TEXT", help="COIN:MOVE:OVER[:START[:RECOVER]], as ETH:-30%%:20m:1h:50%%")
    add("--prices", **more, metavar="FILE", help="prices of files (or COIN=FILE) instead of a shock")
    add("--step", type=float, metavar="SECONDS", help="length of a step (60)")
    add("--fixed", **more, metavar="COIN=PRICE", help="what keeps its price: USDC=1")
    add("--pool", **more, metavar="COIN=COINS", help="coins in the pool that liquidators sell into")
    add(
        "--liquidator",
        action="append",
        default=[],
        metavar="TEXT",
        help="NAME[,capital=USD][,latency=TIME][,profit=RATE][,away=TIME..TIME]; no capital: flash loans",
    )
    add(
        "--recovery",
        type=float,
        default=0.2,
        metavar="X",
        help="how far a step brings pools back (0.2)",
    )
    add("--out", type=Path, metavar="DIR", help="keep a journal of each run here")
    add("--json", action="store_true", help="every step of every run as JSON")


def run(args: argparse.Namespace) -> int:
    from seawall.api.loan_books import SEARCHER, crash_loans, read_liquidator

    found = crash_loans(
        args.book,
        [text.strip() for text in args.rulebooks.split(",") if text.strip()],
        _path(args),
        pools=_floats(args.pool, "--pool", "ETH=3000"),
        fixed_usd=_floats(args.fixed, "--fixed", "USDC=1"),
        liquidators=[read_liquidator(text) for text in args.liquidator] or [SEARCHER],
        recovery=args.recovery,
        out=args.out,
    )
    if args.json:
        put_json([_plain(one) for one in found])
        return 0
    _show(found)
    if args.out is not None:
        put(f"\nwrote {args.out}; next: seawall explain {args.out}/NAME.db --worst")
    return 0


def _path(args: argparse.Namespace) -> PricePath:
    from seawall.errors import InputError
    from seawall.lab.prices import load_prices
    from seawall.lab.shock import parse_shock, shock_path

    if bool(args.shock) == bool(args.prices) or (args.prices and args.mark):
        what = "they come from files, or from first prices and a shock"
        raise InputError.at("prices", what, "Give --prices FILE, or --mark COIN=PRICE and --shock.")
    if args.prices:
        return load_prices(args.prices, step_seconds=args.step)
    first = _floats(args.mark, "--mark", "ETH=4000")
    step = 60.0 if args.step is None else args.step
    return shock_path(first, [parse_shock(text) for text in args.shock], step_seconds=step)


def _floats(texts: list[str], flag: str, example: str) -> dict[str, float]:
    from seawall.units import parse_decimal

    return {
        name: float(parse_decimal(value, where=f"{flag} {name}"))
        for name, value in pairs(texts, flag, example).items()
    }


def _show(found: tuple[LoanRun, ...]) -> None:
    coin = next((one.lead for one in found if one.lead), "")
    labels = [
        "loans", "liquidations", "repaid $", "borrowers lose $", "liquidators gain $", "bad debt $",
        "  at outside prices $", "lenders lose $", "protocol gains $", "loans waiting at the end",
        f"first liquidation at {coin} $", f"lowest {coin} $",
    ]  # fmt: skip
    columns = [_figures(one) for one in found]
    names = [one.rulebook.partition("@")[0] for one in found]
    heads = names if len(set(names)) == len(names) else [one.rulebook for one in found]
    put_table(
        ["", *heads],
        [[label, *(column[row] for column in columns)] for row, label in enumerate(labels)],
        right=range(1, len(found) + 1),
    )
    for one in found:
        for why, count in sorted(Counter(one.left_out.values()).items()):
            say(f"{one.rulebook}: {count:,} account{'s' * (count > 1)} left out: {why}")
        if one.fed.halted:
            say(f"{one.rulebook}: halted: {one.fed.halted}")


def _figures(one: LoanRun) -> list[str]:
    """A column of the table."""
    fed = one.fed
    dollars = (
        fed.repaid_atoms, fed.penalty_atoms, sum(fed.profit_atoms.values()), fed.deficit_atoms,
        one.apart.deficit_atoms, fed.suppliers_atoms, fed.protocol_atoms,
    )  # fmt: skip
    shown = [f"{round(one.usd(atoms)):,}" for atoms in dollars]
    prices = ["-" if usd is None else f"{usd:,.2f}" for usd in (one.first_usd, one.lowest_usd)]
    return [f"{one.borrowers:,}", f"{fed.started:,}", *shown, f"{fed.waiting:,}", *prices]


def _plain(one: LoanRun) -> dict[str, Any]:
    return {
        "rulebook": one.rulebook,
        "borrowers": one.borrowers,
        "left_out": one.left_out,
        "atoms_per_usd": one.atoms_per_usd,
        "with_feedback": one.fed,
        "apart": one.apart,
    }
