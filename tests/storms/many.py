"""Many storms on many processes, told as they go.

`python -m tests.storms.many FIRST SEEDS [WORKERS [SECONDS]]`. What fails is printed at once with the commands
that repeat it; the last line says how many were played and how many failed. Exit code 1 if any failed.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time

from tests.storms.ledger import Broken
from tests.storms.play import play

BATCH = 20


def batch(first: int) -> tuple[int, list[str]]:
    """Play BATCH seeds from `first`; what went wrong, in words."""
    failures = []
    for seed in range(first, first + BATCH):
        try:
            play(seed)
        except Broken as error:
            failures.append(str(error))
        except Exception as error:
            failures.append(f"storm {seed}: {type(error).__name__}: {error}")
    return first, failures


def main(first: int, seeds: int, workers: int, seconds: float) -> int:
    begin, played, failed = time.monotonic(), 0, 0
    play(first)  # compile once, before everybody wants to
    starts = range(first, first + seeds, BATCH)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for _start, failures in pool.imap_unordered(batch, starts):
            played, failed = played + BATCH, failed + len(failures)
            for failure in failures:
                print(failure, flush=True)
            if time.monotonic() - begin > seconds:
                break
        pool.terminate()
    spent = time.monotonic() - begin
    print(
        f"{played} storms of {seeds} from {first} on {workers} processes in {spent:.0f} s: {failed} failed",
        flush=True,
    )
    return 1 if failed else 0


if __name__ == "__main__":
    given = [float(word) for word in sys.argv[1:]]
    workers = int(given[2]) if len(given) > 2 else (os.cpu_count() or 1)
    sys.exit(main(int(given[0]), int(given[1]), workers, given[3] if len(given) > 3 else 1e9))
