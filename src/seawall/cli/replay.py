"""`seawall replay`: decide every command of a journal again and compare, byte for byte."""

from __future__ import annotations

import argparse

from seawall.cli.printing import put, put_json

DESCRIPTION = """Run a journal again. Every command is decided anew; its events must come out with the same
bytes and the state with the same digest. Prints the state's hash, or the first difference: both events, and
what differs between the two states. Exit code 1 when there is a difference."""

EXAMPLES = """  seawall replay runs/1/journal.db
  seawall replay runs/1/journal.db --upto 50000
  seawall replay runs/1/journal.db --from-snapshot          only what came after the newest snapshot"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("journal", metavar="JOURNAL", help="a journal.db, or the folder of a run")
    parser.add_argument("--upto", type=int, metavar="N", help="stop after record N")
    parser.add_argument("--from-snapshot", action="store_true", help="start from the newest good snapshot")
    parser.add_argument("--json", action="store_true", help="the report as JSON")


def run(args: argparse.Namespace) -> int:
    from seawall.cli.places import journal_path
    from seawall.journal.replay import replay

    report = replay(journal_path(args.journal), upto=args.upto, from_snapshot=args.from_snapshot)
    if args.json:
        put_json({"equal": report.equal, **{f: getattr(report, f) for f in report.__struct_fields__}})
    else:
        put(str(report))
    return 0 if report.equal else 1
