"""`seawall explain`: from one record of a journal back, cause by cause, to the command it all began with."""

from __future__ import annotations

import argparse
from typing import Any

from seawall.cli.printing import put, put_json

DESCRIPTION = """Why did this happen? Follows a record of a journal from cause to cause, back to the command
that everything began with, each with its numbers and the rule it followed. Only what is recorded is
said."""

EXAMPLES = """  seawall explain runs/1/journal.db --worst                 the largest bankruptcy of the run
  seawall explain runs/1/journal.db --event 48310
  seawall explain runs/1/journal.db --event 48310 --effects   what it caused in turn"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("journal", metavar="JOURNAL", help="a journal.db, or the folder of a run")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--event", type=int, metavar="N", help="the record to explain")
    which.add_argument("--worst", action="store_true", help="the record of the largest loss")
    parser.add_argument(
        "--effects", action="store_true", help="also what it caused, in the rest of the journal"
    )
    parser.add_argument("--json", action="store_true", help="the records as JSON")


def run(args: argparse.Namespace) -> int:
    from seawall.api.worst import worst_event
    from seawall.cli.places import journal_path
    from seawall.journal.explain import explain, render

    path = journal_path(args.journal)
    found = explain(path, worst_event(path) if args.worst else args.event, effects=args.effects)
    if args.json:
        put_json([_plain(record) for record in found])
    else:
        put(render(found))
    return 0


def _plain(record: Any) -> dict[str, Any]:
    fields = ("seq", "relation", "kind", "time", "text", "rule")
    return {name: getattr(record, name) for name in fields}
