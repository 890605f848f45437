"""The main job: a book, a crash, and the same crash without the feedback of forced selling.

Puts prices, book, venue and recorders together, runs both, and returns tables and a summary of
plain numbers (numeraire units). Everything that decides lives in the engine; same seed and rulebook
hash, same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import msgspec
import polars as pl

from seawall.engine.commands import AnyCommand
from seawall.engine.engine import Engine
from seawall.lab.bookfile import BookRow
from seawall.lab.depth import DEFAULT_D100_USD, MID_CAP_D100_USD, DepthCurve, DepthRules
from seawall.lab.faults import Faults
from seawall.lab.loading import LoadedBook, commands_for_rows, commands_for_synthetic, markets, tradable
from seawall.lab.maps import liquidation_map
from seawall.lab.opening import keep_alive
from seawall.lab.outcome import Result, result_frames, result_summary, start_marks
from seawall.lab.prices import PricePath
from seawall.lab.record import TableRecorder, account_notional, account_worth
from seawall.lab.simulate import CrashOptions, Recorder, run_crash
from seawall.lab.synthetic import Shape, synthetic_book
from seawall.rulebooks.model import Rulebook

# Makers' withdrawal when the venue sweeps in 5 s rounds: the published figures overshoot; calibrated so that
# the embedded crash ends near the published low (docs/concepts/crash.md).
CRASH_DEPTH = DepthRules(floor=0.10, refill_stressed_seconds=60.0, flow_weight=1.0)


DEPTH_SHARE = 0.3  # of the depth of all venues together


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to run. `open_interest_usd` counts one side; `depth_share` is this venue's part of all depth."""

    rulebook: Rulebook
    path: PricePath
    accounts: int = 10_000
    open_interest_usd: float = 3e9
    depth_share: float = DEPTH_SHARE
    seed: int = 0
    feedback: float = 1.0
    faults: Faults = Faults()
    rows: list[BookRow] | None = None
    depth_rules: DepthRules = CRASH_DEPTH
    curves: dict[str, DepthCurve] | None = None
    shape: Shape = Shape(maintenance_rate=0.02, closest=0.004)
    latency_ns: int = 2_000_000_000


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """Frames by name (see the report's tables) and the summary."""

    frames: dict[str, pl.DataFrame]
    summary: dict[str, Any]


RecorderFactory = Callable[[str], tuple[Recorder, ...]]


def default_curve(asset: str, share: float) -> DepthCurve:
    """The assumed aggregate depth of an asset (quant 4.3), scaled to the venue's share."""
    return DepthCurve(DEFAULT_D100_USD.get(asset, MID_CAP_D100_USD) * share)


def run_experiment(
    plan: Plan, extra: RecorderFactory = lambda run: (), *, parallel: bool = False
) -> Experiment:
    """Run with and without feedback. `extra(run)` gives more recorders (a journal, a progress bar).

    `parallel`: the run without feedback goes to a second process (spawned, so the caller's main module needs
    the usual guard) and has no extra recorders. The results are the same.
    """
    loaded, instruments = load_book(plan)
    if parallel:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            beside = pool.submit(_run_alone, plan)
            results = {"with": _run_one(plan, loaded, "with", plan.feedback, extra("with"))}
            results["without"] = beside.result()
    else:
        runs = (("with", plan.feedback), ("without", 0.0))
        results = {run: _run_one(plan, loaded, run, feedback, extra(run)) for run, feedback in runs}
    names = [instrument.name for instrument in instruments]
    frames = result_frames(loaded, names, results)
    return Experiment(frames=frames, summary=result_summary(plan, loaded, names, results))


def _run_alone(plan: Plan) -> Result:
    """The run without feedback, in a process of its own."""
    return _run_one(plan, load_book(plan)[0], "without", 0.0, ())


def load_book(plan: Plan) -> tuple[LoadedBook, tuple[Any, ...]]:
    """The commands that build the book at the first prices of the path."""
    start = int(plan.path.time_ns[0])
    prices = {name: float(plan.path.price[0, column]) for column, name in enumerate(plan.path.names)}
    instruments = tradable(plan.rulebook, plan.path.names)
    if plan.rows is not None:
        return commands_for_rows(plan.rulebook, plan.rows, time_ns=start), instruments
    book = synthetic_book(
        markets(instruments, prices),
        accounts=plan.accounts,
        open_interest_usd=plan.open_interest_usd,
        seed=plan.seed,
        shape=plan.shape,
        cash=plan.rulebook.margin.numeraire,
    )
    loaded = commands_for_synthetic(plan.rulebook, book, time_ns=start, prices=prices)
    return keep_alive(plan.rulebook, loaded, prices, time_ns=start), instruments


def _run_one(
    plan: Plan, loaded: LoadedBook, run: str, feedback: float, extra: tuple[Recorder, ...]
) -> Result:
    curves = plan.curves or {name: default_curve(name, plan.depth_share) for name in plan.path.names}
    options = CrashOptions(
        curves=curves,
        rules=plan.depth_rules,
        feedback=feedback,
        faults=plan.faults,
        latency_ns=plan.latency_ns,
    )
    holder: dict[str, Any] = {}
    recorder = _Late()

    def on_loaded(engine: Engine) -> None:
        table = TableRecorder(run, engine.state)
        table.started = True
        recorder.table = table
        table.counts.update(recorder.counts)
        holder["before"], holder["notional"] = account_worth(engine.state), account_notional(engine.state)
        holder["map"] = liquidation_map(engine.state) if run == "with" else []
        holder["marks"] = start_marks(engine.state)

    run_crash(plan.rulebook, plan.path, loaded.commands, options, (recorder, *extra), on_loaded)
    assert recorder.table is not None
    return Result(
        recorder.table.figures(), holder["before"], holder["notional"], holder["map"], holder["marks"]
    )


class _Late:
    """Counts while the book is loaded, then hands on to the table recorder."""

    def __init__(self) -> None:
        self.table: TableRecorder | None = None
        self.counts = {"commands": 0, "events": 0}

    def record(self, command: AnyCommand, events: tuple[Any, ...]) -> None:
        if self.table is None:
            self.counts["commands"] += 1
            self.counts["events"] += len(events)
        else:
            self.table.record(command, events)

    def step_done(self, engine: Engine, venue: Any, time_ns: int) -> None:
        if self.table is not None:
            self.table.step_done(engine, venue, time_ns)
