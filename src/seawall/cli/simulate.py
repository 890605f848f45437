"""`seawall simulate`: one crash with and without the feedback of forced selling, or many of them."""

from __future__ import annotations

import argparse
import os
import shlex
import time
from pathlib import Path
from typing import Any

from seawall.cli.parsing import pairs
from seawall.cli.printing import put, put_json, put_table, say

DESCRIPTION = """Crash a venue on purpose. Without --prices or --shock the prices are those of an embedded
day shaped after 10 October 2025. Every crash is run twice: with the price impact of the venue's own forced
selling, and without it; the difference is what the liquidation engine itself has done."""

EXAMPLES = """  seawall simulate harbor                                   the embedded day, 10,000 accounts
  seawall simulate harbor --out runs/1                      journal, report.html, tables, summary.json
  seawall simulate harbor --shock BTC:-30%:20m:5m:50%       half of a 30 % fall comes back
  seawall simulate harbor --prices BTC=btc.csv ETH=eth.csv --book accounts.csv
  seawall simulate harbor --fault "source_out,from=21 h,for=10 min"
  seawall simulate harbor --paths 100 --accounts 2000       how bad, how often: quantiles over seeds"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("rulebook", metavar="RULEBOOK", help="a built-in rulebook (harbor) or a TOML file")
    more: dict[str, Any] = {"nargs": "+", "action": "extend", "default": []}
    add("--prices", **more, metavar="FILE", help="CSV or Parquet of bars or trades, or NAME=FILE")
    add(
        "--columns",
        **more,
        metavar="WHAT=COLUMN",
        help="odd column names: ts=when close=px (also open high low)",
    )
    add("--shock", **more, metavar="TEXT", help="ASSET:MOVE:OVER[:START[:RECOVER]], as BTC:-30%%:20m:1h:50%%")
    add("--process", type=float, metavar="DAYS", help="a random path of so many days with a crash in it")
    add("--from", dest="start", metavar="TIME", help="begin here, as 2025-10-10T20:00:00Z")
    add("--to", dest="end", metavar="TIME", help="end before this time")
    add("--step", type=float, metavar="SECONDS", help="length of a step (files: 60, or a quarter of a bar)")
    add("--book", metavar="FILE", help="your own accounts (CSV or Parquet) instead of made-up ones")
    add("--accounts", type=int, default=10_000, metavar="N", help="made-up accounts (10000)")
    add("--open-interest", type=float, metavar="USD", help="one side of all positions (3e9)")
    add("--depth-share", type=float, metavar="X", help="this venue's part of all order-book depth (0.3)")
    add(
        "--depth",
        nargs="+",
        default=[],
        metavar="[NAME=]FILE",
        help="fit the depth curve to book-depth records",
    )
    add(
        "--feedback",
        type=float,
        default=1.0,
        metavar="X",
        help="how much own selling moves prices; 1 is real",
    )
    add("--fault", **more, metavar="TEXT", help="KIND[:TARGET],from=21 h,for=10 min[,delay=90 s]")
    add("--seed", type=int, default=0, metavar="N", help="of everything drawn by chance (0)")
    add("--book-seed", type=int, metavar="N", help="of the made-up accounts, if they stay while seeds change")
    add("--paths", type=int, default=1, metavar="N", help="so many crashes with seeds N.., on all cores")
    add("--workers", type=int, metavar="N", help="processes for many paths (all cores)")
    add("--backend", default="joblib", metavar="NAME", help="joblib, or ray (pip install 'seawall[ray]')")
    add("--out", type=Path, metavar="DIR", help="keep journal, tables, report and summary here")
    add("--force", action="store_true", help="replace the run that DIR holds")
    add("--json", action="store_true", help="the summary as JSON")


def run(args: argparse.Namespace) -> int:
    setup = _setup(args)
    started = time.monotonic()
    if setup.paths > 1:
        return _many(args, setup)
    from seawall.api.crash import crash
    from seawall.report.terminal import print_closing

    # A second process pays for itself only on a book of some size.
    parallel = args.accounts >= 2_000 and (os.cpu_count() or 1) > 1
    command = command_of(args)
    done = crash(
        setup, out=args.out, show_progress=True, force=args.force, command=command, parallel=parallel
    )
    if args.json:
        put_json(done.summary)
        return 0
    for note in done.summary["notes"]:
        say(note)
    print_closing({**done.summary, "wall_seconds": time.monotonic() - started})
    put(f"rulebook sha256 {setup.rulebook.sha256}, seed {setup.seed}")
    if args.out is not None:
        put(f"wrote {args.out}: report.html, journal.db, summary.json and tables")
        put(f"next: seawall explain {args.out / 'journal.db'} --worst")
    return 0


def _setup(args: argparse.Namespace) -> Any:
    from seawall.api.setup import CrashSetup
    from seawall.errors import InputError
    from seawall.rulebooks.load import load_rulebook

    columns = pairs(args.columns, "--columns", "close=px")
    known = ("ts", "open", "high", "low", "close", "price")
    strange = [name for name in columns if name not in known]
    if strange:
        raise InputError.at("--columns", f"{strange[0]!r} is not known", f"Name one of {', '.join(known)}.")
    return CrashSetup(
        rulebook=load_rulebook(args.rulebook),
        prices=tuple(args.prices),
        shocks=tuple(args.shock),
        process_days=args.process,
        book=args.book,
        faults=tuple(args.fault),
        accounts=args.accounts,
        seed=args.seed,
        book_seed=args.book_seed,
        paths=args.paths,
        feedback=args.feedback,
        start=args.start,
        end=args.end,
        step_seconds=args.step,
        columns=tuple(sorted(columns.items())),
        open_interest_usd=args.open_interest,
        depth_share=args.depth_share,
        depth=tuple(args.depth),
    )


def _many(args: argparse.Namespace, setup: Any) -> int:
    from seawall.api.crash import clear_folder
    from seawall.api.fan import fan
    from seawall.report import figures
    from seawall.report.terminal import progress

    if args.out is not None:
        clear_folder(args.out, force=args.force)
    with progress(setup.paths, f"{setup.rulebook.name}, {setup.paths} paths") as advance:
        found = fan(setup, workers=args.workers, backend=args.backend, advance=advance)
    if args.out is not None:
        found.save(args.out, force=True)
    if args.json:
        put_json(found.summary)
        return 0
    heads = [name for name in found.spread.columns if name != "figure"]
    rows = []
    for row in found.spread.to_dicts():
        factor = row["figure"] == "amplification"
        write = figures.times if factor else figures.amount
        above = "" if factor else figures.count(row["paths_above_zero"])
        cells = [above if h == "paths_above_zero" else write(row[h]) for h in heads]
        rows.append([row["figure"].replace("_", " "), *cells])
    put(f"{setup.rulebook.tag}   seeds {setup.seed} to {setup.seed + setup.paths - 1}   {setup.paths} paths")
    put_table(["", *(h.replace("_", " ") for h in heads)], rows, right=range(1, len(heads) + 1))
    put(f"rulebook sha256 {setup.rulebook.sha256}; amounts in {found.summary['numeraire']}, with feedback")
    if args.out is not None:
        put(f"wrote {args.out}: paths.parquet, summary.json")
    return 0


def command_of(args: argparse.Namespace) -> str:
    """What to type to get the same run: without its folder, and with files by their name only."""
    parts = ["seawall", "simulate", Path(args.rulebook).name]
    for flag, value in (("--prices", args.prices), ("--columns", args.columns), ("--shock", args.shock)):
        shown = [_bare(text) if flag == "--prices" else text for text in value]
        parts += [flag, *shown] if shown else []
    plain = {
        "--process": args.process, "--from": args.start, "--to": args.end, "--step": args.step,
        "--book": args.book and Path(args.book).name, "--accounts": args.accounts,
        "--open-interest": args.open_interest, "--depth-share": args.depth_share, "--feedback": args.feedback,
        "--seed": args.seed, "--book-seed": args.book_seed,
    }  # fmt: skip
    parts += [str(part) for flag, value in plain.items() if value is not None for part in (flag, value)]
    parts += ["--depth", *(_bare(text) for text in args.depth)] if args.depth else []
    parts += ["--fault", *args.fault] if args.fault else []
    return shlex.join(parts)


def _bare(source: str) -> str:
    name, equals, path = source.partition("=")
    return f"{name}={Path(path).name}" if equals else Path(source).name
