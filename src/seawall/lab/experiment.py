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
from seawall.lab.simulate import Crash, CrashOptions, Recorder, load_engine
from seawall.lab.synthetic import Shape, synthetic_book
from seawall.rulebooks.model import Rulebook

# Makers' withdrawal when the venue sweeps in 5 s rounds: the published figures overshoot; calibrated so that
# the embedded crash ends near the published low (docs/concepts/crash.md).
CRASH_DEPTH = DepthRules(floor=0.10, refill_stressed_seconds=60.0, flow_weight=1.0)
DEPTH_SHARE = 0.3  # of the depth of all venues together
RUNS = ("with", "without")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to run. `open_interest_usd` counts one side; `depth_share` is this venue's part of all depth.

    `seed` is that of the prices; the made-up book is drawn from `book_seed`, or from `seed` if that is None.
    """

    rulebook: Rulebook
    path: PricePath
    accounts: int = 10_000
    open_interest_usd: float = 3e9
    depth_share: float = DEPTH_SHARE
    seed: int = 0
    book_seed: int | None = None
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


class OpenBook(msgspec.Struct, frozen=True, kw_only=True):
    """A book loaded once, for any number of runs: the engine's state and what its accounts are.

    `commands` built it; `start_ns` and `prices` are the moment and the prices at which it opens.
    """

    state: bytes
    commands: int
    roles: tuple[str, ...]
    start_ns: int
    prices: dict[str, float]

    def fits(self, plan: Plan) -> bool:
        """Does a plan for the same accounts open at this moment, and made-up ones at these prices?"""
        start_ns, prices = _opening(plan)
        return self.start_ns == start_ns and (plan.rows is not None or self.prices == prices)


def default_curve(asset: str, share: float) -> DepthCurve:
    """The assumed aggregate depth of an asset (quant 4.3), scaled to the venue's share."""
    return DepthCurve(DEFAULT_D100_USD.get(asset, MID_CAP_D100_USD) * share)


def run_experiment(
    plan: Plan,
    extra: RecorderFactory = lambda run: (),
    *,
    parallel: bool = False,
    book: OpenBook | None = None,
) -> Experiment:
    """Run with and without feedback. `extra(run)` gives more recorders (a journal, a progress bar).

    `parallel`: the run without feedback goes to a second process (spawned, so the caller's main module needs
    the usual guard) and has no extra recorders. The results are the same. `book`: opened before, for this
    plan; the recorders then do not see how it was built.
    """
    if parallel:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            pool.submit(_ready)  # the process starts up while the book is loaded here
            watching = extra("with")
            book = book or open_book(plan, watching)
            beside = pool.submit(run_once, plan, book, "without")
            results = {"with": run_once(plan, book, "with", watching)}
            results["without"] = beside.result()
    else:
        watchers = {run: extra(run) for run in RUNS}
        book = book or open_book(plan, tuple(one for watching in watchers.values() for one in watching))
        results = {run: run_once(plan, book, run, watching) for run, watching in watchers.items()}
    names = [instrument.name for instrument in tradable(plan.rulebook, plan.path.names)]
    frames = result_frames(book.roles, names, results)
    return Experiment(frames=frames, summary=result_summary(plan, len(book.roles), names, results))


def run_figures(plan: Plan, book: OpenBook | None = None) -> dict[str, Any]:
    """The summary of `run_experiment`, without its tables: one path of many."""
    book = book or open_book(plan)
    results = {run: run_once(plan, book, run, mapped=False) for run in RUNS}
    names = [instrument.name for instrument in tradable(plan.rulebook, plan.path.names)]
    return result_summary(plan, len(book.roles), names, results)


def _ready() -> None:
    """Nothing: to be called is what makes a process import this module."""


def open_book(plan: Plan, recorders: tuple[Recorder, ...] = ()) -> OpenBook:
    """Build the book at the first prices of the path. Raises BookError for an account that is refused."""
    start_ns, prices = _opening(plan)
    loaded = book_commands(plan)
    engine = Engine(plan.rulebook)
    load_engine(engine, loaded.commands, recorders)
    added: tuple[AnyCommand, ...] = ()
    if plan.rows is None:
        added = keep_alive(engine, prices, time_ns=start_ns)
        load_engine(engine, added, recorders)
    return OpenBook(
        state=engine.state.to_bytes(),
        commands=len(loaded.commands) + len(added),
        roles=loaded.roles,
        start_ns=start_ns,
        prices=prices,
    )


def _opening(plan: Plan) -> tuple[int, dict[str, float]]:
    """Moment and prices at which the path of a plan begins."""
    path = plan.path
    prices = {name: float(path.price[0, column]) for column, name in enumerate(path.names)}
    return int(path.time_ns[0]), prices


def book_commands(plan: Plan) -> LoadedBook:
    """The accounts of the plan as commands: those of its rows, or made-up ones."""
    start_ns, prices = _opening(plan)
    instruments = tradable(plan.rulebook, plan.path.names)
    if plan.rows is not None:
        return commands_for_rows(plan.rulebook, plan.rows, time_ns=start_ns)
    book = synthetic_book(
        markets(instruments, prices),
        accounts=plan.accounts,
        open_interest_usd=plan.open_interest_usd,
        seed=plan.seed if plan.book_seed is None else plan.book_seed,
        shape=plan.shape,
        cash=plan.rulebook.margin.numeraire,
    )
    return commands_for_synthetic(plan.rulebook, book, time_ns=start_ns, prices=prices)


def crash_options(plan: Plan, feedback: float) -> CrashOptions:
    """What the plan says about the venue; depth curves it does not give are assumed."""
    return CrashOptions(
        curves=plan.curves or {name: default_curve(name, plan.depth_share) for name in plan.path.names},
        rules=plan.depth_rules,
        feedback=feedback,
        faults=plan.faults,
        latency_ns=plan.latency_ns,
    )


def run_once(
    plan: Plan, book: OpenBook, run: str, watching: tuple[Recorder, ...] = (), *, mapped: bool = True
) -> Result:
    """One of RUNS on an opened book. `mapped`: with the liquidation map, if it is the run with feedback."""
    engine = Engine.from_bytes(plan.rulebook, book.state)
    options = crash_options(plan, plan.feedback if run == "with" else 0.0)
    crash = Crash(engine, plan.path, options, watching)
    state = engine.state
    table = TableRecorder(run, state)
    # Sequence numbers count commands and events together; the first price report is in them already.
    table.counts["commands"] = book.commands + 1
    table.counts["events"] = state.seq - table.counts["commands"]
    before, notional, marks = account_worth(state), account_notional(state), start_marks(state)
    map_rows = liquidation_map(state) if mapped and run == "with" else []
    crash.recorders.append(table)
    crash.run()
    return Result(table.figures(), before, notional, map_rows, marks)
