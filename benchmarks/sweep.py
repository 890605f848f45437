"""Paths of a sweep on two workers beside the same paths on one, for joblib and, where it is installed, Ray.

Efficiency = paths per second with two workers / twice those with one worker, workers started and warm, one
core each; medians of runs that take turns. It is one shared machine: a neighbour on the second core counts
against us. Every run must give the same rows.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from statistics import median

import msgspec
import numba
import polars as pl

from benchmarks.rows import Row, make_row
from seawall.api.backends import BACKENDS, workers_of
from seawall.api.fan import run_path, shared_book
from seawall.api.setup import CrashSetup, make_plan
from seawall.lab.experiment import open_book
from seawall.rulebooks.load import load_rulebook

GOAL = 0.95


def measure(quick: bool = False) -> list[Row]:
    """A row per backend that is here."""
    setup = CrashSetup(
        rulebook=load_rulebook("harbor"),
        accounts=300 if quick else 1_000,
        open_interest_usd=3e8,
        paths=8 if quick else 24,
        book_seed=0,
        start="2025-10-10T20:50:00Z",
        end="2025-10-10T21:05:00Z" if quick else "2025-10-10T21:20:00Z",
    )
    handle = shared_book(open_book(make_plan(setup)))
    rows = []
    threads = numba.get_num_threads()
    numba.set_num_threads(1)  # one worker of joblib is this process
    for name in BACKENDS:
        if find_spec(name) is not None:
            rows.append(_row(name, setup, handle, repeats=1 if quick else 3))
    numba.set_num_threads(threads)
    return rows


def _row(name: str, setup: CrashSetup, handle: object, *, repeats: int) -> Row:
    warm = msgspec.structs.replace(setup, paths=4)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    first = None
    for _ in range(repeats):
        for workers, taken in seconds.items():
            with workers_of(name, workers) as run:
                list(run(run_path, warm, handle))
                begin = time.perf_counter()
                found = [row for rows in run(run_path, setup, handle) for row in rows]
                taken.append(time.perf_counter() - begin)
            first = first or found
            if not pl.DataFrame(found).equals(pl.DataFrame(first)):
                raise AssertionError(f"{name} with {workers} workers gives other rows: nothing to time")
    one, two = (setup.paths / median(taken) for taken in seconds.values())
    return make_row(
        f"a sweep on {name}: {setup.paths} paths, 2 workers beside 1 (shared machine)",
        ours=f"{two:.2f} paths/s",
        peer=f"1 worker {one:.2f} paths/s",
        ratio=two / (2.0 * one),
        goal=f"{GOAL:.0%} of 2x",
        met=two >= GOAL * 2.0 * one,
        note=f"{1000.0 / one:,.0f} ms a path on one worker",
    )
