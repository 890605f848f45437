"""Many crashes of one setup on all cores: one row of figures per path, and how they are spread.

Path k has seed `seed + k`: another book, other prices, another share of outside news. Amounts are in the
numeraire. Quantiles are order statistics (the smallest figure that at least that share of paths does not
exceed), so they are figures of real paths. Results are in the order of the seeds whatever core was first.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from seawall.api.crash import clear_folder
from seawall.api.setup import CrashSetup, make_plan, origin
from seawall.errors import InputError
from seawall.lab.experiment import run_experiment
from seawall.report.export import ROW_GROUP_ROWS, summary_bytes

QUANTILES = (0.5, 0.9, 0.95, 0.99, 1.0)
# What a risk team asks of many paths. A loss of the vault is its profit with the sign turned.
FIGURES = (
    "liquidated_total",
    "amplification",
    "bankruptcies",
    "bad_debt",
    "insurance_used",
    "backstop_loss",
    "adl_notional",
    "adl_haircut",
    "socialised",
    "unpaid",
)


class Fan(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """`paths`: a row per path and run. `spread`: a row per figure with its quantiles, run with feedback."""

    paths: pl.DataFrame
    spread: pl.DataFrame
    summary: dict[str, Any]

    def save(self, folder: str | Path, *, force: bool = False) -> list[Path]:
        """Write paths.parquet and summary.json; the same bytes for the same setup."""
        target = Path(folder)
        clear_folder(target, force=force)
        table, summary = target / "paths.parquet", target / "summary.json"
        self.paths.rechunk().write_parquet(
            table, compression="zstd", compression_level=3, statistics=True, row_group_size=ROW_GROUP_ROWS
        )
        summary.write_bytes(summary_bytes(self.summary))
        return [table, summary]


def fan(setup: CrashSetup, *, workers: int | None = None, advance: Callable[[int], Any] | None = None) -> Fan:
    """Run `setup.paths` paths. `workers` processes (default: all cores); `advance` is called once per path.

    Raises SeawallError where the setup cannot be used, before any process is started.
    """
    if setup.paths < 2:
        raise InputError.at("--paths", f"{setup.paths} path has no spread", "Give 2 or more.")
    make_plan(setup)
    count = min(workers or os.cpu_count() or 1, setup.paths)
    # Spawned, not forked: a forked process would inherit threads of compiled code and of Polars in mid-work.
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_quiet)
    try:
        jobs: list[Future[list[dict[str, Any]]]] = [
            pool.submit(run_path, setup, index) for index in range(setup.paths)
        ]
        for job in jobs if advance else ():
            job.add_done_callback(lambda _: advance(1) if advance else None)
        under_way = set(jobs)
        while under_way:  # short waits: a thread that waits without end may not hear Ctrl-C
            done, under_way = wait(under_way, timeout=0.5)
            for job in done:
                job.result()
        rows = [row for job in jobs for row in job.result()]
    except BaseException:  # Ctrl-C above all: nobody wants to wait for the paths that are under way
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    pool.shutdown()
    paths = pl.DataFrame(rows, infer_schema_length=None)
    spread = spread_of(paths.filter(pl.col("run") == "with"))
    return Fan(paths=paths, spread=spread, summary=_summary(setup, spread))


def _quiet() -> None:
    """Ctrl-C is for the parent, which then stops the pool."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def run_path(setup: CrashSetup, index: int) -> list[dict[str, Any]]:
    """One path in a process of its own: a row for the run with feedback and one for the run without."""
    experiment = run_experiment(make_plan(setup, index))
    rows = []
    for run, figures in experiment.summary["runs"].items():
        row = {"path": index, "seed": setup.seed + index, "run": run, **figures}
        row["backstop_loss"] = -float(figures["backstop_pnl"])
        for name, seen in experiment.summary["instruments"].items():
            row[f"low {name}"] = seen[f"low_{run}"]
        rows.append(row)
    return rows


def quantile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    whole = share * len(ordered)
    place = int(whole) if whole == int(whole) else int(whole) + 1
    return ordered[max(place, 1) - 1]


def spread_of(paths: pl.DataFrame) -> pl.DataFrame:
    rows = []
    for figure in FIGURES:
        values = [float(value) for value in paths[figure].to_list()]
        row: dict[str, Any] = {"figure": figure, "mean": math.fsum(values) / len(values)}
        row.update({_head(share): quantile(values, share) for share in QUANTILES})
        row["paths_above_zero"] = sum(value > 0.0 for value in values)
        rows.append(row)
    return pl.DataFrame(rows)


def _head(share: float) -> str:
    return "worst" if share == 1.0 else f"q{share * 100:g}"


def _summary(setup: CrashSetup, spread: pl.DataFrame) -> dict[str, Any]:
    return {
        "rulebook": {"tag": setup.rulebook.tag, "sha256": setup.rulebook.sha256},
        "seed": setup.seed,
        "paths": setup.paths,
        "accounts": setup.accounts,
        "numeraire": setup.rulebook.margin.numeraire,
        "spread": {row.pop("figure"): row for row in spread.to_dicts()},
        **origin(setup),
    }
