"""`seawall conform`: the numbers that venues publish, held against what the rulebooks give."""

from __future__ import annotations

import argparse

DESCRIPTION = """Hold the engine and its rulebooks against numbers that venues and papers have published,
collected as test vectors. Says what was reproduced, what differs and what is not modelled. Exit code 1
when an unexcused number differs."""

EXAMPLES = """  seawall conform vectors/
  seawall conform vectors/venues vectors/lending
  seawall conform vectors/bitmex.json --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="VECTORS", help="files of vectors, or folders of them")
    parser.add_argument("--json", action="store_true", help="every vector with both numbers, as JSON")


def run(args: argparse.Namespace) -> int:
    from seawall.conform.command import conform_command

    return conform_command(args.paths, args.json)
