"""Run the benchmarks, print one table, store it for this commit, and write it into the documentation.

`python -m benchmarks.run [--quick] [NAME ...]`. A module of `MODULES` offers `measure(quick) -> rows` (see
benchmarks.rows); to add one, write its name there. What is not run keeps its last stored rows, each under
the commit and the machine it was measured at. `--quick` is for a look: smaller sizes, nothing stored.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from importlib.util import find_spec

from benchmarks.machine import commit_here, machine_here
from benchmarks.page import write_page
from benchmarks.record import latest, store
from benchmarks.rows import Row

# In the order of the table. One whose file is not there yet is left out.
MODULES = ("whole_book", "tick", "crash", "sweep", "journal", "startup", "pricing", "scenario_book",
           "near", "portfolio", "amm", "compare", "auctions")  # fmt: skip


def here() -> tuple[str, ...]:
    """The benchmarks that exist."""
    return tuple(name for name in MODULES if find_spec(f"benchmarks.{name}") is not None)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(here())} (all)")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, for a look; nothing is stored")
    args = parser.parse_args()
    strange = [name for name in args.names if name not in here()]
    if strange:
        parser.error(f"there is no benchmark {strange[0]!r}; there are {', '.join(here())}")
    measured: dict[str, list[Row]] = {}
    for name in args.names or here():
        begin = time.perf_counter()
        measured[name] = import_module(f"benchmarks.{name}").measure(quick=args.quick)
        sys.stderr.write(f"{name}: {time.perf_counter() - begin:.0f} s\n")
    print_table([row for rows in measured.values() for row in rows])
    machine = machine_here()
    print("\n".join(f"{key}: {value}" for key, value in machine.items()))
    if not args.quick:
        stored = store(latest(), commit_here(), machine, measured)
        print(f"stored in {stored}; written into {write_page(latest(), MODULES)}")
    return 0


def print_table(rows: list[Row]) -> None:
    """One line per figure, and what was noted about it below."""
    heads = ("figure", "ours", "peer", "ratio", "goal", "met")
    lines = [heads, *(cells_of(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for place, line in enumerate(lines):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        if place and rows[place - 1].get("note"):
            print(f"    {rows[place - 1]['note']}")


def cells_of(row: Row) -> tuple[str, ...]:
    """A row as text. A module that does not say whether its goal is met gets no word for it."""
    met = {True: "met", False: "not met"}.get(row.get("met"), "")  # type: ignore[arg-type]
    return (*(str(row[key]) for key in ("figure", "ours", "peer")), f"{row['ratio']}x", str(row["goal"]), met)


if __name__ == "__main__":
    raise SystemExit(main())
