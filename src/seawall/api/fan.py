"""Many crashes of one setup on all cores: one row of figures per path, and how they are spread.

Path k has seed `seed + k`: other prices, another share of outside news, and another book unless a book file
or `book_seed` says otherwise; a book that stays is opened once. Amounts are in the numeraire. Quantiles are
order statistics (the smallest figure that at least that share of paths does not exceed), so they are figures
of real paths. Results are in the order of the seeds whatever core was first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from joblib import cpu_count
from numpy.typing import NDArray

from seawall.api.backends import workers_of
from seawall.api.crash import clear_folder
from seawall.api.setup import CrashSetup, make_plan, origin
from seawall.errors import InputError, SeawallError
from seawall.lab.experiment import OpenBook, open_book, run_figures
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


def fan(
    setup: CrashSetup,
    *,
    workers: int | None = None,
    backend: str = "joblib",
    advance: Callable[[int], Any] | None = None,
) -> Fan:
    """Run `setup.paths` paths. `workers` processes (default: all cores) of `backend`, "joblib" or "ray".

    `advance` is called once per path. Raises SeawallError where the setup cannot be used, before any process
    is started, and names the path and its seed where a path cannot be run.
    """
    if setup.paths < 2:
        raise InputError.at("--paths", f"{setup.paths} path has no spread", "Give 2 or more.")
    if workers is not None and workers < 1:
        raise InputError.at("--workers", f"{workers} cannot work", "Give 1 or more.")
    plan = make_plan(setup)
    count = min(workers or cpu_count(), setup.paths)
    handle = shared_book(open_book(plan)) if plan.rows is not None or plan.book_seed is not None else None
    rows: list[dict[str, Any]] = []
    with workers_of(backend, count) as run:
        for found in run(run_path, setup, handle):
            rows += found
            if advance is not None:
                advance(1)
    paths = pl.DataFrame(rows, infer_schema_length=None)
    spread = spread_of(paths.filter(pl.col("run") == "with"))
    return Fan(paths=paths, spread=spread, summary=_summary(setup, spread))


def shared_book(book: OpenBook) -> NDArray[np.uint8]:
    """An opened book as one array of bytes, which a backend can share between processes."""
    return np.frombuffer(msgspec.msgpack.encode(book), dtype=np.uint8)


def run_path(setup: CrashSetup, index: int, handle: NDArray[np.uint8] | None = None) -> list[dict[str, Any]]:
    """One path, wherever it runs: a row for the run with feedback and one for the run without."""
    try:
        plan = make_plan(setup, index)
        book = None if handle is None else msgspec.msgpack.decode(handle.tobytes(), type=OpenBook)
        summary = run_figures(plan, book if book is not None and book.fits(plan) else None)
    except SeawallError as error:
        raise type(error)(f"path {index}, seed {setup.seed + index}: {error}") from None
    except Exception as error:
        error.add_note(f"in path {index}: repeat it with --seed {setup.seed + index} --paths 2")
        raise
    rows = []
    for run, figures in summary["runs"].items():
        row = {"path": index, "seed": setup.seed + index, "run": run, **figures}
        row["backstop_loss"] = -float(figures["backstop_pnl"])
        for name, seen in summary["instruments"].items():
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
