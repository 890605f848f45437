"""`seawall rulebooks`: the venues that are built in, from when, on whose word, and what is missing."""

from __future__ import annotations

import argparse
from typing import Any

from seawall.cli.printing import put, put_json, put_table
from seawall.instruments.option_names import GRAMMARS

DESCRIPTION = """The built-in rulebooks. A parameter is an assumption where the venue does not publish it or
the document was not read; each says so beside its value. `not modelled` are rules the venue has and Seawall
does not."""

EXAMPLES = """  seawall rulebooks
  seawall rulebooks hyperliquid                             its sources, assumptions and what is missing
  seawall rulebooks --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="show this one (name, name@date or .toml)")
    parser.add_argument("--json", action="store_true", help="as JSON, with every parameter's source")


def run(args: argparse.Namespace) -> int:
    from seawall.rulebooks.load import list_rulebooks, load_rulebook
    from seawall.rulebooks.load_portfolio import is_portfolio_rulebook, list_portfolio_rulebooks

    if args.name and is_portfolio_rulebook(args.name):
        return _portfolio(args)
    names = [args.name] if args.name else list(list_rulebooks())
    books = [load_rulebook(name) for name in names]
    if args.json:
        put_json([_facts(book) for book in books])
    elif args.name:
        _show(books[0])
    else:
        rows = [
            [
                f"{book.name}@{book.effective}",
                str(len(book.instruments)),
                str(len(book.provenance)),
                str(len(_assumed(book))),
                str(len(book.sources)),
                str(len(book.unsupported)),
                book.title,
            ]
            for book in books
        ]
        heads = ["rulebook", "instruments", "parameters", "assumed", "sources", "not modelled", "title"]
        put_table(heads, rows, right=range(1, 6))
        put(f"\nof portfolios, with --market: {', '.join(list_portfolio_rulebooks())}")
    return 0


def _portfolio(args: argparse.Namespace) -> int:
    """A rulebook of portfolio margin alone: no instruments, no ladder."""
    from seawall.rulebooks.load_portfolio import load_portfolio_rulebook

    book = load_portfolio_rulebook(args.name)
    if args.json:
        rules = book.rules
        put_json(
            {
                "name": book.name,
                "effective": book.effective,
                "title": book.title,
                "sha256": book.sha256,
                "underlyings": list(rules.underlyings),
                "levels": [level.name for level in rules.levels],
                "sources": list(book.sources),
                "not_modelled": list(book.unsupported),
                "assumed": _assumed(book),
                "provenance": {path: {"unit": u, "source": s} for path, (u, s) in book.provenance.items()},
            }
        )
        return 0
    put(f"{book.title}: {book.tag}")
    put(f"sha256 {book.sha256}")
    put(f"underlyings  {', '.join(book.rules.underlyings)}")
    put(f"levels       {', '.join(level.name for level in book.rules.levels)}")
    put(f"assumed      {len(_assumed(book))} of {len(book.provenance)} parameters (--json lists them)")
    _lists(book)
    return 0


def _assumed(book: Any) -> list[str]:
    """Parameters whose source says that it is an assumption."""
    return [path for path, (_, source) in book.provenance.items() if source.startswith("assumption")]


def _facts(book: Any) -> dict[str, Any]:
    return {
        "name": book.name,
        "effective": book.effective,
        "title": book.title,
        "sha256": book.sha256,
        "instruments": [instrument.name for instrument in book.instruments],
        "options": {one.name: GRAMMARS[one.grammar].example for one in book.option_families},
        "levels": [level.name for level in book.margin.levels],
        "sources": list(book.sources),
        "not_modelled": list(book.unsupported),
        "assumed": _assumed(book),
        "provenance": {path: {"unit": u, "source": s} for path, (u, s) in book.provenance.items()},
    }


def _show(book: Any) -> None:
    put(f"{book.title}: {book.tag}")
    put(f"sha256 {book.sha256}")
    put(f"instruments  {', '.join(instrument.name for instrument in book.instruments)}")
    if book.option_families:
        families = (f"{one.name} (like {GRAMMARS[one.grammar].example})" for one in book.option_families)
        put(f"options      {', '.join(families)}")
    put(f"levels       {', '.join(level.name for level in book.margin.levels)}")
    put(f"assumed      {len(_assumed(book))} of {len(book.provenance)} parameters (--json lists them)")
    _lists(book)


def _lists(book: Any) -> None:
    put("\nsources")
    for text in book.sources:
        put(f"  {text}")
    put("\nnot modelled")
    for text in book.unsupported:
        put(f"  {text}")
