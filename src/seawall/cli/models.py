"""`seawall models`: what a book of options would need under each model of the market."""

from __future__ import annotations

import argparse
from typing import Any

from seawall.cli.printing import put, put_json, put_table

DESCRIPTION = """Fits models of the market to every other strike of the expiries a portfolio holds, judges
each on the strikes left over, and says what the portfolio would need under each: value, VaR and expected
shortfall over a horizon. Black's model is what the others are held to; the reserve for not knowing which
model is right is the worst shortfall among those that describe the market, less Black's."""

EXAMPLES = """  seawall models portfolio.csv --market deribit_chain.parquet --at 2026-02-05T08:00:00Z
  seawall models portfolio.csv --market chain.csv --model black merton svcj --horizon-days 2 --level 0.995
  seawall models portfolio.csv --market chain.csv --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("portfolio", metavar="PORTFOLIO", help="CSV or Parquet with instrument and size")
    parser.add_argument(
        "--market", required=True, metavar="FILE", help="a chain with bids and asks: Deribit, Tardis, OKX"
    )
    parser.add_argument("--at", default="", metavar="TIME", help="the moment of the chain (UTC; the last)")
    parser.add_argument(
        "--model",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="black merton kou variance_gamma cgmy heston svcj (all but cgmy)",
    )
    parser.add_argument("--horizon-days", type=float, default=1.0, metavar="N", help="a margin must last (1)")
    parser.add_argument("--level", type=float, default=0.99, metavar="SHARE", help="of the shortfall (0.99)")
    parser.add_argument(
        "--least-inside",
        type=float,
        default=0.5,
        metavar="SHARE",
        help="of judged quotes inside their spread, to count in the reserve (0.5)",
    )
    parser.add_argument("--json", action="store_true", help="every figure, with the fitted parameters")


def run(args: argparse.Namespace) -> int:
    from seawall.api.portfolio_models import MODELS, portfolio_models

    books = portfolio_models(
        args.portfolio,
        args.market,
        at=args.at,
        models=tuple(dict.fromkeys(args.model)) or MODELS,
        horizon_days=args.horizon_days,
        level=args.level,
        least_inside=args.least_inside,
    )
    if args.json:
        put_json(books)
        return 0
    for book in books:
        _show(book, args)
    return 0


def _show(book: Any, args: argparse.Namespace) -> None:
    put(
        f"{book.underlying}   {book.options} options of {book.expiries} expiries, forward {book.forward:,.2f}"
        f"   shortfall at {args.level:.4g} over {args.horizon_days:g} d, USD"
    )
    heads = ["  model", "inside", "of", "fit, vol", "worth", "VaR", "shortfall", ""]
    cells = []
    for one in book.models:
        said = [] if one.admitted else ["does not describe the market"]
        if one.at_bound:
            said.append(f"fit ends at the bound of {', '.join(one.at_bound)}")
        if one.faults:
            said.append(f"{len(one.faults)} static faults, first: {one.faults[0]}")
        figures = ["unknown"] * 3 if one.margin is None else [
            f"{value:,.2f}" for value in (one.margin.value_usd, one.margin.var_usd, one.margin.es_usd)
        ]  # fmt: skip
        cells.append(
            [
                f"  {one.name}",
                f"{one.inside_share:.0%}",
                str(one.quotes),
                f"{one.rmse_vol:.4f}",
                *figures,
                "; ".join([*said, one.why] if one.why else said),
            ]
        )
    put_table(heads, cells, right=range(1, 7))
    if book.reserve_usd is None:
        put("  no reserve: the first model gives no margin")
    else:
        whose = (
            f"set by {book.worst}" if book.reserve_usd else "no admitted model asks for more than the first"
        )
        put(f"  reserve for model error {book.reserve_usd:,.2f}: {whose}")
    if book.left_out:
        put(f"  {len(book.left_out)} quotes left out, first: {book.left_out[0]}")
    put()
