"""Parsers that teach: every command has a description, examples, and errors that name the fix."""

from __future__ import annotations

import argparse
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """argparse with a shorter complaint and a pointer to the examples."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n  See: {self.prog} --help\n")


def make_parser(name: str, description: str, examples: str) -> Parser:
    parser = Parser(
        prog=f"seawall {name}",
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--debug", action="store_true", help="keep the traceback of an error in the input")
    return parser


def pairs(texts: list[str], flag: str, example: str) -> dict[str, str]:
    """`NAME=VALUE` texts as a mapping; the later of two wins. Raises InputError."""
    from seawall.errors import InputError

    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise InputError.at(flag, f"{text!r} is no NAME=VALUE", f"Write it like {example}.")
        found[name.strip()] = value.strip()
    return found


def add_price_arguments(parser: argparse.ArgumentParser) -> None:
    """How `margin` and `whatif` are told prices."""
    parser.add_argument(
        "--mark",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=PRICE",
        help="a price in quote units, by coin or instrument: BTC=60000 BTC-PERP=60012.5",
    )
    parser.add_argument(
        "--prices",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="price files (or NAME=FILE); the last price of each is taken, --mark goes before it",
    )
    parser.add_argument("--at", metavar="TIME", help="take the price of the files at this time instead (UTC)")


def marks_of(args: argparse.Namespace) -> dict[str, str]:
    """The prices a person gave: files first, then --mark over them. Raises InputError."""
    marks: dict[str, str] = {}
    if args.prices:
        from seawall.lab.prices import load_prices
        from seawall.lab.readers import parse_time

        end = None if args.at is None else parse_time(args.at) + 1
        path = load_prices(args.prices, start_ns=0, end_ns=end)
        marks = {name: repr(float(path.price[-1, k])) for k, name in enumerate(path.names)}
    marks.update(pairs(args.mark, "--mark", "BTC=60000"))
    if not marks:
        from seawall.errors import InputError

        what = "without prices every account is unknown"
        raise InputError.at("prices", what, "Give --mark BTC=60000 ETH=2500, or --prices FILE.")
    return marks
