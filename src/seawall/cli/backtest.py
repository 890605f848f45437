"""`seawall backtest`: would a margin have held over real history?"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from seawall.cli.printing import put, put_json, put_table, say

DESCRIPTION = """Holds the margin of a rulebook, and tail models as challengers, against a history of prices:
longs and shorts apart, windows that do not overlap for the tests, every window for the days of crisis
(2020-03-12, 2021-05-19, 2022-05, 2022-11, 2025-10-10). Each margin knows only what was known when its
window began. Says for each day whether it held, and by how much."""

EXAMPLES = """  seawall backtest hyperliquid --history BTCUSDT_4h.parquet --out runs/margin
  seawall backtest bybit-linear --history BTC=btc_1h.csv --horizon "4 h" --model historical pot
  seawall backtest harbor --history ETHUSDT_4h.csv --requirement initial --notional 10_000_000"""

SHORT = {"held": "held", "held at the close only": "close only", "did not hold": "NO"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rulebook", metavar="RULEBOOK", help="a built-in rulebook (harbor) or a TOML file")
    parser.add_argument(
        "--history", required=True, metavar="FILE", help="bars as CSV or Parquet, FILE or NAME=FILE"
    )
    parser.add_argument(
        "--model",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="challengers: historical normal fhs-ewma fhs-garch student pot dynamic (not normal, student)",
    )
    parser.add_argument("--horizon", default="1 d", metavar="SPAN", help="how long a margin must last (1 d)")
    parser.add_argument(
        "--level", type=float, default=0.99, metavar="SHARE", help="what it must cover (0.99)"
    )
    parser.add_argument(
        "--notional", default="1_000_000", metavar="AMOUNT", help="of the position, in quote units"
    )
    parser.add_argument(
        "--lookback", type=int, default=500, metavar="N", help="windows a margin looks back on (500)"
    )
    parser.add_argument(
        "--requirement", metavar="LEVEL", help="level of the rulebook (the liquidation trigger)"
    )
    parser.add_argument(
        "--instrument", metavar="NAME", help="which instrument (the coin's first, perpetuals before)"
    )
    parser.add_argument("--from", dest="start", metavar="TIME", help="use the history from here (UTC)")
    parser.add_argument("--to", dest="end", metavar="TIME", help="and up to here")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write the page with plots, CSV and Parquet here"
    )
    parser.add_argument("--force", action="store_true", help="replace a backtest that lies there")
    parser.add_argument("--json", action="store_true", help="results and crises as JSON")


def run(args: argparse.Namespace) -> int:
    from seawall.api.backtest import DEFAULT_MODELS, backtest
    from seawall.api.backtest_files import check_folder, tables_of

    if args.out:
        check_folder(args.out, args.force)
    found = backtest(
        args.rulebook,
        args.history,
        models=args.model or DEFAULT_MODELS,
        horizon=args.horizon,
        level=args.level,
        notional=args.notional,
        lookback=args.lookback,
        requirement=args.requirement,
        instrument=args.instrument,
        start=args.start,
        end=args.end,
    )
    tables = tables_of(found)
    for note in found.notes:
        say(note)
    if args.json:
        results, crises = tables.results.to_dicts(), tables.crises.to_dicts()
        put_json({"summary": tables.summary, "results": results, "crises": crises, "said": tables.sentences})
    else:
        _show(tables)
    if args.out:
        command = shlex.join(["seawall", "backtest", *sys.argv[2:]])
        page = found.save(args.out, command)[-1]
        say(f"wrote {page}, with the tables beside it")
    return 0


def _show(tables: Any) -> None:
    summary = tables.summary
    put(
        f"{summary['rulebook']}   {summary['instrument']}   {summary['requirement']}   "
        f"{summary['from'][:10]} to {summary['to'][:10]}   horizon {summary['horizon_hours']:g} h   "
        f"level {summary['level']:.4g}\n"
    )
    heads = [
        "model",
        "side",
        "margin",
        "exceeded",
        "allowed",
        "Kupiec p",
        "indep. p",
        "light",
        "Z2",
        "peak/trough",
        "",
    ]
    rows = [
        [
            row["model"],
            row["side"],
            f"{row['mean_margin']:.2%}",
            f"{row['exceeded']:,} of {row['windows']:,}",
            f"{row['expected']:,.1f}",
            _p(row["kupiec_p"]),
            _p(row["independence_p"]),
            row["zone"],
            "-" if row["z2"] is None else f"{row['z2']:+.2f}",
            f"{row['peak_to_trough']:.2f}",
            row["verdict"],
        ]
        for row in tables.results.to_dicts()
    ]
    put_table(heads, rows, right=(2, 3, 4, 5, 6, 8, 9))
    _show_crises(tables)
    put()
    for sentence in tables.sentences:
        put(sentence)


def _show_crises(tables: Any) -> None:
    found: dict[tuple[str, str], dict[str, str]] = {}
    names: dict[str, None] = {}
    for row in tables.crises.to_dicts():
        names[row["crisis"]] = None
        cell = f"{SHORT[row['verdict']]} {row['worst_surplus']:+.1%}"
        found.setdefault((row["model"], row["side"]), {})[row["crisis"]] = cell
    if not names:
        put("\nThe history touches none of the days of crisis.")
        return
    put("\nDid it hold? Margin less the loss at the worst price inside, in the window it did worst on.")
    rows = [[*key, *(cells.get(name, "-") for name in names)] for key, cells in found.items()]
    put_table(["model", "side", *names], rows)


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"
