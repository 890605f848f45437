"""`seawall rulebooks`: the venues that are built in, from when, on whose word, and what is missing."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from seawall.cli.printing import put, put_json, put_table
from seawall.instruments.option_names import GRAMMARS

DESCRIPTION = """The built-in rulebooks. A parameter is an assumption where the venue does not publish it or
the document was not read; each says so beside its value. `not modelled` are rules the venue has and Seawall
does not; `published` are numbers of the venue's own that are reproduced, of those known (versions of one
protocol share theirs)."""

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
    debt = _debt_rulebooks()
    load = debt.get((args.name or "").partition("@")[0])
    if load is not None:
        return _debt(args, load(args.name))
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
                _score(book.name),
                book.title,
            ]
            for book in books
        ]
        heads = [
            "rulebook",
            "instruments",
            "parameters",
            "assumed",
            "sources",
            "not modelled",
            "published",
            "title",
        ]
        put_table(heads, rows, right=range(1, 7))
        put("\nof lending and collateralised debt:\n")
        debts = [read(name) for name, read in debt.items()]
        lines = [[f"{one.name}@{one.effective}", _score(one.name), one.title] for one in debts]
        put_table(["rulebook", "published", "title"], lines, right=[1])
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


def _debt_rulebooks() -> dict[str, Callable[[str], Any]]:
    """Name -> how it is loaded, of the rulebooks of lending and of collateralised debt."""
    from seawall.rulebooks.load_cdp import list_cdp_rulebooks, load_cdp_rulebook
    from seawall.rulebooks.load_lending import list_lending_rulebooks, load_lending_rulebook

    found: dict[str, Callable[[str], Any]] = {}
    for tags, load in (
        (list_lending_rulebooks(), load_lending_rulebook),
        (list_cdp_rulebooks(), load_cdp_rulebook),
    ):
        found |= {tag.partition("@")[0]: load for tag in tags}
    return found


def _debt(args: argparse.Namespace, book: Any) -> int:
    """A rulebook of loans: reserves or vaults in place of instruments and levels."""
    if args.json:
        put_json(
            {
                "name": book.name,
                "effective": book.effective,
                "title": book.title,
                "sources": list(book.sources),
                "not_modelled": list(book.unsupported),
                "assumed": _assumed(book),
                "provenance": {path: {"unit": u, "source": s} for path, (u, s) in book.provenance.items()},
            }
        )
        return 0
    put(f"{book.title}: {book.name}@{book.effective}")
    put(f"assumed      {len(_assumed(book))} of {len(book.provenance)} parameters (--json lists them)")
    put(f"published    {_score(book.name)} numbers reproduced")
    for words, names in (
        ("markets", getattr(book, "markets", {})),
        ("modes", getattr(book, "categories", {})),
    ):
        if names:
            put(f"{words:<12} {', '.join(names)} (after the name: {book.name}:{next(iter(names))})")
    for text in getattr(book, "warnings", ()):
        put(f"warning      {text}")
    _lists(book)
    return 0


def _score(name: str) -> str:
    """Published numbers reproduced, of those held against it; a dash where nobody has published any."""
    from seawall.rulebooks.find import published

    one = published().get(name)
    return "-" if one is None else f"{one['reproduced']}/{one['of']}"


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
