"""One simulated crash: the run with the feedback of forced selling, the run without, and what is kept of
both.

Tables are Polars frames in whole units of the numeraire (columns: seawall.report.tables); exact integers
are in the journal, which is written as the run goes where a folder is given. Same rulebook hash, seed and
choices: the same bytes in every file of the folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from seawall.api.desk import Desk
from seawall.api.keep import JournalKeeper, Steps
from seawall.api.setup import CrashSetup, make_plan, origin
from seawall.engine.state import HOUSE_ACCOUNTS
from seawall.errors import InputError
from seawall.lab.experiment import Experiment, Plan, run_experiment
from seawall.report.export import load_run as load_tables
from seawall.report.export import write_run
from seawall.report.html import write_html
from seawall.report.tables import SCHEMAS, RunTables
from seawall.report.terminal import print_closing, progress
from seawall.rulebooks.load import load_rulebook
from seawall.rulebooks.model import Rulebook

JOURNAL, PAGE = "journal.db", "report.html"
OURS = (JOURNAL, PAGE, "summary.json", "paths.parquet", *(f"{name}.parquet" for name in SCHEMAS))
SIDE_FILES = ("-wal", "-shm", ".lock")  # of an unfinished journal


class Run:
    """What a crash left behind. `tables` are Polars frames by name, `summary` plain numbers."""

    def __init__(self, tables: RunTables, folder: Path | None = None) -> None:
        self._tables, self.folder = tables, folder

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """prices, flow, funds, accounts, liquidation_map, payers, calls; amounts in the numeraire."""
        return self._tables.frames()

    @property
    def summary(self) -> dict[str, Any]:
        return self._tables.summary

    @property
    def journal(self) -> Path | None:
        """The journal of the run with feedback, where it was kept."""
        path = self.folder / JOURNAL if self.folder else None
        return path if path is not None and path.exists() else None

    def save(self, folder: str | Path) -> list[Path]:
        """Write tables, summary.json and report.html; returns the files. A journal is only kept by `out=`."""
        target = Path(folder)
        written = write_run(self._tables, target)
        self.folder = self.folder or target
        return [*written, write_html(self._tables, target / PAGE)]

    def show(self) -> None:
        """Print the closing table."""
        print_closing(self.summary)

    def __repr__(self) -> str:
        return f"Run({self.summary['rulebook']['tag']}, seed {self.summary['seed']})"


def load_run(folder: str | Path) -> Run:
    """A run written earlier. Raises InputError naming the file that is missing or broken."""
    return Run(load_tables(folder), Path(folder))


def simulate(
    rulebook: Rulebook | str | Path,
    *,
    prices: str | Path | Sequence[str | Path] = (),
    shock: str | Sequence[str] = (),
    book: str | Path | None = None,
    accounts: int = 10_000,
    seed: int = 0,
    feedback: float = 1.0,
    fault: str | Sequence[str] = (),
    out: str | Path | None = None,
    show_progress: bool = False,
    force: bool = False,
    **more: Any,
) -> Run:
    """Crash a venue: with and without the feedback of its own forced selling.

    `prices` are files (`NAME=path`), `shock` texts such as `"BTC:-30%:20m"`; with neither, the embedded day
    shaped after 10 October 2025. `book` is a file of accounts, otherwise `accounts` are made up from `seed`.
    `more` are the other fields of `api.setup.CrashSetup`: start, end, step_seconds, columns, process_days,
    open_interest_usd, depth_share. `out` keeps journal, tables and report in a folder.
    Raises SeawallError before anything is written.
    """
    setup = CrashSetup(
        rulebook=rulebook if isinstance(rulebook, Rulebook) else load_rulebook(rulebook),
        prices=_texts(prices),
        shocks=_texts(shock),
        book=None if book is None else str(book),
        accounts=accounts,
        seed=seed,
        feedback=feedback,
        faults=_texts(fault),
        **more,
    )
    return crash(setup, out=None if out is None else Path(out), show_progress=show_progress, force=force)


def _texts(given: Any) -> tuple[str, ...]:
    return (str(given),) if isinstance(given, str | Path) else tuple(str(one) for one in given)


def crash(
    setup: CrashSetup, *, out: Path | None = None, show_progress: bool = False, force: bool = False,
    command: str = "", parallel: bool = False,
) -> Run:  # fmt: skip
    """`simulate` with its choices in one value. `command` is what to type to get the same again.

    `parallel` puts the run without feedback in a second process (see lab.experiment.run_experiment).
    """
    plan = make_plan(setup)
    if plan.rows is not None:
        Desk(setup.rulebook, plan.rows, {})  # refuses what the engine would not take, with the account's name
    if out is not None:
        clear_folder(out, force=force)
    with _bar(plan, show_progress, runs=1 if parallel else 2) as advance:
        experiment = _run(plan, out, advance, parallel=parallel)
    extra = origin(setup)
    if plan.rows is not None:
        names = dict.fromkeys(row.account for row in plan.rows)
        extra["account_names"] = {str(HOUSE_ACCOUNTS + k): name for k, name in enumerate(names)}
    if command:
        extra["command"] = command
    run = Run(_tables(experiment, extra), out)
    if out is not None:
        run.save(out)
    return run


def _run(plan: Plan, out: Path | None, advance: Any, *, parallel: bool) -> Experiment:
    """Both runs; the one with feedback is journalled where there is a folder."""
    keeper = None if out is None else JournalKeeper(out / JOURNAL, plan.rulebook)
    steps = Steps(advance)

    def recorders(run: str) -> tuple[Any, ...]:
        return (keeper, steps) if keeper is not None and run == "with" else (steps,)

    try:
        experiment = run_experiment(plan, recorders, parallel=parallel)
        if keeper is not None:
            keeper.close()
    finally:
        if keeper is not None:
            keeper.abandon()
    return experiment


@contextmanager
def _bar(plan: Plan, show: bool, *, runs: int) -> Iterator[Any]:
    if not show:
        yield lambda steps: None
        return
    with progress(runs * (len(plan.path.time_ns) - 1), f"{plan.rulebook.name}, seed {plan.seed}") as advance:
        yield advance


def _tables(experiment: Experiment, extra: Mapping[str, Any]) -> RunTables:
    return RunTables(**experiment.frames, summary={**experiment.summary, **extra})


def clear_folder(folder: Path, *, force: bool) -> None:
    """Make the folder. Files of an earlier run are only replaced when that was asked for; others are left."""
    if folder.exists() and not folder.is_dir():
        raise InputError.at(str(folder), "is a file", "Give --out a folder.")
    held = [folder / name for name in OURS if (folder / name).exists()]
    if held and not force:
        what = f"holds a run already ({held[0].name})"
        raise InputError.at(str(folder), what, "Choose another folder, or add --force to replace that run.")
    for path in held:
        path.unlink()
    for suffix in SIDE_FILES:
        (folder / f"{JOURNAL}{suffix}").unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
