"""A book of options accounts through recorded chains, told day by day; run twice, the same bytes.

`python -m benchmarks.february --data CHAINS.parquet [--accounts 20000]`. The chains are those of Deribit, BTC
and ETH, several snapshots a day; the accounts are invented. Nothing of the data is written anywhere but the
terminal. Money USD, times UTC.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from benchmarks.february.chains import Snapshot, read_snapshots
from benchmarks.february.run import Run
from benchmarks.february.stories import tell
from seawall.api.keep import JournalKeeper

FIRST, END = datetime(2026, 2, 1), datetime(2026, 3, 1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.february", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="Parquet file of the chains")
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--snapshots", type=int, default=0, help="only so many (0: all)")
    parser.add_argument("--once", action="store_true", help="do not run it a second time")
    args = parser.parse_args()
    if not args.data.is_file():
        print(f"{args.data}: not there. Option chains are not shipped; give a Parquet file of them.")
        return 2
    snapshots = read_snapshots(args.data, FIRST, END)
    snapshots = snapshots[: args.snapshots] if args.snapshots else snapshots
    if not snapshots:
        print(f"{args.data}: no snapshot between {FIRST:%Y-%m-%d} and {END:%Y-%m-%d}.")
        return 2
    return compare(snapshots, args.accounts, args.seed, once=args.once)


def compare(snapshots: list[Snapshot], accounts: int, seed: int, *, once: bool) -> int:
    """Run, tell, run again; 1 where the second run is not the first to the last byte."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "february.journal"
        begin = time.perf_counter()
        run = Run(snapshots, accounts, seed)
        keeper = JournalKeeper(path, run.rulebook)
        run.progress = lambda told: print(told, file=sys.stderr, flush=True)
        run.go(keeper)
        keeper.close()
        seconds = time.perf_counter() - begin
        print("\n".join(run.table()))
        print("\n".join(run.summary()))
        print(f"wall time {seconds:.0f} s, of which {run.entering_s:.0f} s opening accounts\n")
        for story in run.stories:
            print("\n".join(tell(story, path, run.venue.engine.state)), "\n", sep="")
    journal, state = run.digests()
    print(f"journal sha256 {journal.hex()}\nstate sha256   {state.hex()}", flush=True)
    if once:
        return 0
    begin = time.perf_counter()
    again = Run(snapshots, accounts, seed)
    again.go()
    same = again.digests() == run.digests()
    print(f"second run {time.perf_counter() - begin:.0f} s: {'the same bytes' if same else 'OTHER BYTES'}")
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
