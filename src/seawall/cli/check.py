"""`seawall check`: what is wrong with a rulebook, a journal or a book, where, and what to do about it."""

from __future__ import annotations

import argparse
from pathlib import Path

from seawall.cli.printing import put, put_json, say

DESCRIPTION = """Find contradictions in a rulebook, damage in a journal, and errors in a book of accounts.
Says what is wrong, where, and what to do. Exit code 1 when something is wrong, 2 when the file cannot be
found."""

EXAMPLES = """  seawall check myvenue.toml
  seawall check runs/1/journal.db --deep                    also replays it and compares every state
  seawall check accounts.csv --rulebook harbor              also instruments, units and 64-bit limits"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", metavar="PATH", help="a rulebook (name or .toml), journal (.db) or book (.csv)"
    )
    parser.add_argument("--deep", action="store_true", help="journal: replay it too")
    parser.add_argument("--rulebook", metavar="RULEBOOK", help="book: hold it against this rulebook")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")


def run(args: argparse.Namespace) -> int:
    from seawall.cli.places import kind_of
    from seawall.errors import SeawallError

    kind = kind_of(args.path)
    if kind == "journal":
        return _journal(args)
    if kind == "book" and not Path(args.path).exists():
        say(f"{args.path}: there is no such file\n  Check the path.")
        return 2
    facts: list[str] = []
    problems: list[str] = []
    try:
        facts = _rulebook(args.path) if kind == "rulebook" else _book(args.path, args.rulebook)
    except SeawallError as error:
        if kind == "rulebook" and not Path(args.path).exists():
            raise
        problems = [str(error)]
    if args.json:
        put_json({"path": args.path, "kind": kind, "ok": not problems, "facts": facts, "problems": problems})
    else:
        put("\n".join(facts + problems) if problems else "\n".join([*facts, "no contradictions"]))
    return 1 if problems else 0


def _journal(args: argparse.Namespace) -> int:
    from seawall.cli.places import journal_path
    from seawall.errors import JournalError
    from seawall.journal.check import check_journal

    path = journal_path(args.path)
    try:
        report = check_journal(path, args.deep)
    except JournalError as error:  # so damaged that it cannot even be opened
        if args.json:
            put_json(
                {"path": str(path), "kind": "journal", "ok": False, "facts": [], "problems": [str(error)]}
            )
        else:
            put(str(error))
        return 1
    if args.json:
        put_json(
            {"kind": "journal", "ok": report.ok, **{f: getattr(report, f) for f in report.__struct_fields__}}
        )
    else:
        put(str(report))
    return 0 if report.ok else 1


def _rulebook(path: str) -> list[str]:
    from seawall.rulebooks.check_loans import loan_warnings
    from seawall.rulebooks.load import load_rulebook

    rulebook = load_rulebook(path)
    levels = ", ".join(level.name for level in rulebook.margin.levels)
    return [
        f"{rulebook.title}: {rulebook.tag}",
        f"  {len(rulebook.instruments)} instruments, {len(rulebook.assets)} assets, levels {levels}",
        f"  {len(rulebook.provenance)} parameters, each with its source ({len(rulebook.sources)} sources)",
        *(f"  not modelled: {text}" for text in rulebook.unsupported),
        *(f"  warning: {text}" for text in loan_warnings(rulebook)),
    ]


def _book(path: str, rulebook: str | None) -> list[str]:
    if rulebook is None:
        from seawall.lab.bookfile import read_book

        rows = read_book(path)
        accounts = len({row.account for row in rows})
        return [
            f"{path}: {len(rows)} rows, {accounts} accounts",
            "  instruments and units were not checked: add --rulebook RULEBOOK",
        ]
    from seawall.api.desk import load_book

    desk = load_book(path, rulebook)
    return [f"{path}: {len(desk.rows)} rows, {len(desk.accounts)} accounts, fits {desk.rulebook.tag}"]
