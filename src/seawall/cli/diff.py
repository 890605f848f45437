"""`seawall diff`: two rulebooks side by side, primitive by primitive. Exit code 1 where they differ."""

from __future__ import annotations

import argparse

from seawall.cli.printing import put, put_json, put_table

DESCRIPTION = """Two rulebooks side by side by primitive (P1 price view ... P15 units): every parameter that
differs, with its unit, and which primitives are the same. Instruments are named by coin and kind, so that
one venue's BTC-PERP stands beside another's BTCUSDT. A dash: none, or the default."""

EXAMPLES = """  seawall diff hyperliquid dydx-v4
  seawall diff harbor mine.toml                             what you have changed
  seawall diff drift-v2 mango-v4 --only P9,P10,P12          how they liquidate and share losses
  seawall diff harbor mine.toml --json"""

WIDEST = 44  # of a value; --json has it in full


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", metavar="RULEBOOK", help="built in, or a TOML file")
    parser.add_argument("second", metavar="RULEBOOK", help="the other one")
    parser.add_argument("--only", metavar="P1,P2", help="only these primitives")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    from seawall.errors import InputError
    from seawall.rulebooks.load import load_rulebook
    from seawall.rulebooks.primitives import PRIMITIVES, differences

    first, second = load_rulebook(args.first), load_rulebook(args.second)
    only = list(PRIMITIVES) if args.only is None else [text.strip().upper() for text in args.only.split(",")]
    for name in only:
        if name not in PRIMITIVES:
            raise InputError.at("--only", f"{name!r} is no primitive", f"There are {', '.join(PRIMITIVES)}.")
    found = [one for one in differences(first, second) if one.primitive in only]
    if args.json:
        plain = [one._asdict() for one in found]
        put_json({"first": first.tag, "second": second.tag, "differences": plain})
        return int(bool(found))
    put(f"{first.tag}   {second.tag}   {len(found):,} parameters differ")
    for primitive in only:
        rows = [
            [f"  {one.path}", _short(one.first), _short(one.second)]
            for one in found
            if one.primitive == primitive
        ]
        put(f"\n{primitive} {PRIMITIVES[primitive]}" + ("" if rows else ": the same"))
        if rows:
            put_table(["  ", first.name, second.name], rows)
    return int(bool(found))


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 3] + "..."
