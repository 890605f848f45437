"""`seawall report`: make the page of a run again from its tables."""

from __future__ import annotations

import argparse
from pathlib import Path

from seawall.cli.printing import put

DESCRIPTION = """One self-contained HTML page of a run, made again from its tables and summary.json: no
network, no fonts, nothing to install for whoever reads it. The same tables give the same bytes."""

EXAMPLES = """  seawall report runs/1
  seawall report runs/1 --to crash.html"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that `simulate --out` wrote")
    parser.add_argument("--to", type=Path, metavar="FILE", help="write the page here (DIR/report.html)")


def run(args: argparse.Namespace) -> int:
    from seawall.errors import InputError
    from seawall.report.export import load_run
    from seawall.report.html import write_html

    if (args.folder / "paths.parquet").exists():
        what = "holds many paths, and the page shows one"
        raise InputError.at(
            str(args.folder), what, "Run one of its seeds alone: simulate --seed N --out DIR."
        )
    put(f"wrote {write_html(load_run(args.folder), args.to or args.folder / 'report.html')}")
    return 0
