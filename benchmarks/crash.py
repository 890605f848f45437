"""The crash at scale: paths per minute with feedback, and a calm path of a million accounts.

(a) 10,000 accounts of one book, 7,200 one-second steps of a fall of a tenth and half of it back, feedback on,
every command and event encoded into a journal in memory. Timed from outside: making the prices, restoring
the book, the run, the journal's digest, and handing paths to two processes. Opening the book is not.
(b) the same without a fall and with a million accounts, on one thread. The peer steps every trader each time:
dex-sim's published figure, and a stand-in for its kernel (it cannot be installed here) timed in the same run.
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import numba
import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numba import njit

from benchmarks.rows import Row, make_row
from seawall.api.memory import MemoryJournal
from seawall.engine.engine import Engine
from seawall.engine.events import LiquidationStarted
from seawall.lab.experiment import OpenBook, Plan, crash_options, open_book
from seawall.lab.shock import Shock, shock_path
from seawall.lab.simulate import run_crash
from seawall.rulebooks.load import load_rulebook

STEPS = 7_200
START = {"BTC": 121_580.0, "ETH": 4_360.0}
CALM = Shock("BTC", 0.0, 1.0)
DAILY_VOL = 0.0157
GOAL_PATHS_PER_MINUTE = 60.0
WORKERS = 2
# dex-sim 96233e9, its config aes_vs_fxd_test.yaml, kernel on one core of the machine this was planned on.
DEX_SIM_TRADER_STEPS_PER_SECOND = 396e6
GOAL_TIMES_DEX_SIM = 10.0
BOOKS = Path(".cache/benchmarks")


def fall(steps: int) -> Shock:
    """A tenth down in a quarter of the time, after a sixth of it, and half of that back as slowly."""
    return Shock("BTC", -0.10, steps / 4, steps / 6, 0.5)


class Watch:
    """Counts what a path has done, for the record of how violent it was."""

    def __init__(self) -> None:
        self.commands = self.events = 0
        self.pots: set[int] = set()

    def record(self, command: Any, events: tuple[Any, ...]) -> None:
        self.commands += 1
        self.events += len(events)
        for event in events:
            if type(event) is LiquidationStarted:
                self.pots.add(event.pot)

    def step_done(self, engine: Engine, venue: Any, time_ns: int) -> None:
        """Nothing."""


def plan_of(shock: Shock, accounts: int, steps: int, seed: int) -> Plan:
    """BTC and ETH by the second; the book is that of seed 0 whatever the seed of the path."""
    path = shock_path(
        START, [shock], duration_seconds=float(steps), step_seconds=1.0, noise_daily_vol=DAILY_VOL, seed=seed
    )
    return Plan(rulebook=load_rulebook("harbor"), path=path, accounts=accounts, seed=seed, book_seed=0)


def one_path(
    book: Any, shock: Shock, accounts: int, steps: int, seed: int
) -> tuple[str, int, int, int, float]:
    """One path: digest of its journal, commands, events, pots in liquidation, seconds in the run itself."""
    plan = plan_of(shock, accounts, steps, seed)
    opened = msgspec.msgpack.decode(book.tobytes(), type=OpenBook)
    journal = MemoryJournal(plan.rulebook, hashlib.sha256(opened.state).digest())
    watch, engine = Watch(), Engine.from_bytes(plan.rulebook, opened.state)
    begin = time.perf_counter()
    run_crash(engine, plan.path, crash_options(plan, 1.0), (journal, watch))
    digest = journal.digest().hex()
    return digest, watch.commands, watch.events, len(watch.pots), time.perf_counter() - begin


def book_for(accounts: int) -> np.ndarray:
    """The opened book as bytes; a large one takes minutes and is kept, under the hash of all sources."""
    sources = sorted(Path("src/seawall").rglob("*.py")) + sorted(Path("src/seawall").rglob("*.toml"))
    sha = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    kept = BOOKS / f"book-{accounts}-{sha}"
    if kept.exists():
        return np.frombuffer(kept.read_bytes(), np.uint8)
    data = msgspec.msgpack.encode(open_book(plan_of(CALM, accounts, 60, 0)))
    if accounts > 100_000:
        BOOKS.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(data)
    return np.frombuffer(data, np.uint8)


@njit(cache=True)
def step_everyone(prices, cash, size, leverage):  # type: ignore[no-untyped-def]
    """The stand-in: at each step each trader is valued, tested, and brought back to its leverage."""
    liquidated = 0
    for price in prices:
        for trader in range(cash.size):
            held = size[trader]
            notional = abs(held) * price
            equity = cash[trader] + held * price
            if held != 0.0 and equity < 0.01 * notional:
                cash[trader], size[trader] = equity - 0.005 * notional, 0.0
                liquidated += 1
                continue
            wanted = leverage[trader] * equity / price
            if abs(wanted - held) > 0.05 * abs(held):
                cash[trader] -= (wanted - held) * price + 0.0005 * abs(wanted - held) * price
                size[trader] = wanted
    return liquidated


def stand_in_rate(traders: int = 2_000) -> float:
    """Trader-steps per second of the stand-in on one core, median of five."""
    prices = np.ascontiguousarray(plan_of(fall(STEPS), traders, STEPS, 1).path.price[:, 0])
    leverage = 1.0 + np.arange(traders) % 20
    rates = []
    for _ in range(6):
        cash = np.full(traders, 1e5)
        size = np.zeros(traders)
        begin = time.perf_counter()
        step_everyone(prices, cash, size, leverage)
        rates.append(traders * prices.size / (time.perf_counter() - begin))
    return float(np.median(rates[1:]))


def measure(quick: bool = False) -> list[Row]:
    """Rows (a) and (b)."""
    return [paths_per_minute(quick), calm_path(quick)]


def paths_per_minute(quick: bool) -> Row:
    accounts, steps, paths = (1_000, 600, 2) if quick else (10_000, STEPS, 6)
    book = book_for(accounts)
    workers = min(WORKERS, effective_n_jobs(-1))
    pool = Parallel(n_jobs=workers, batch_size=1)
    pool(delayed(one_path)(book, CALM, accounts, 60, seed) for seed in range(workers))  # start and compile
    begin = time.perf_counter()
    found = pool(delayed(one_path)(book, fall(steps), accounts, steps, seed) for seed in range(paths))
    seconds = time.perf_counter() - begin
    rate = 60.0 * paths / seconds
    events = float(np.median([row[2] for row in found]))
    hit = float(np.median([row[3] for row in found])) / accounts
    return make_row(
        f"the crash: {accounts:,} accounts, {steps:,} steps, feedback, {workers} processes",
        ours=f"{rate:.1f} paths/min",
        peer=f"goal {GOAL_PATHS_PER_MINUTE:.0f}",
        ratio=rate / GOAL_PATHS_PER_MINUTE,
        goal=f"{GOAL_PATHS_PER_MINUTE:.0f} paths/min",
        met=rate >= GOAL_PATHS_PER_MINUTE,
        note=f"journal in memory; {events:,.0f} events a path; {hit:.0%} of the accounts are liquidated",
        events_per_path=events,
        liquidated_share=hit,
        events_per_second_per_process=float(np.median([row[2] / row[4] for row in found])),
        digests=[row[0][:16] for row in found],
    )


def calm_path(quick: bool) -> Row:
    accounts, steps = (10_000, 600) if quick else (1_000_000, STEPS)
    if not quick:
        sys.stderr.write(f"opening a book of {accounts:,} accounts; kept in {BOOKS} for the next time\n")
    book = book_for(accounts)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    one_path(book, CALM, accounts, 60, 1)
    _, commands, events, hit, seconds = one_path(book, CALM, accounts, steps, 1)
    numba.set_num_threads(threads)
    rate, stand_in = accounts * steps / seconds, stand_in_rate()
    return make_row(
        f"a calm path: {accounts:,} accounts, {steps:,} steps, one thread",
        ours=f"{rate / 1e6:,.0f} M trader-steps/s",
        peer=f"dex-sim {DEX_SIM_TRADER_STEPS_PER_SECOND / 1e6:.0f} M/s published, "
        f"stand-in {stand_in / 1e6:.0f} M/s here",
        ratio=rate / DEX_SIM_TRADER_STEPS_PER_SECOND,
        goal=f"{GOAL_TIMES_DEX_SIM:.0f}x dex-sim",
        met=rate >= GOAL_TIMES_DEX_SIM * DEX_SIM_TRADER_STEPS_PER_SECOND,
        note=f"{events:,} events, {hit:,} accounts liquidated, {seconds / commands * 1e6:.0f} us a command",
        stand_in_trader_steps_per_second=stand_in,
        ratio_to_stand_in=rate / stand_in,
    )
