"""The journal beside the disk it lies on and beside bare SQLite, in the same run, block by block in turn.

Records are a deposit and its transfer, about 220 bytes, encoded and hashed by us, random bytes for the peers.
The limit is `pwrite` of the bytes of a log frame into a file that has its size, then `fdatasync`. Blocks of
the three alternate, so that a neighbour's load meets all of them; rates are from the median block, after the
logs have grown to their size. Replay is given with the shares of processor time of its parts.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np

from seawall.engine.commands import Command, Deposit, OpenAccount, ReportPrices, SourcePrice
from seawall.engine.engine import Engine
from seawall.engine.events import Entry, Event, Transferred
from seawall.journal import Journal, JournalReader, Recorder, recover, replay
from seawall.journal.batches import batches
from seawall.journal.codec import encode_records
from seawall.rulebooks.load import load_rulebook

Row = dict[str, object]
Step = tuple[int, Command, tuple[Event, ...]]
START_NS = 1_770_000_000_000_000_000
PAGE = 4_096 + 24  # a frame of the write-ahead log
GROUP = 1_000
WARM_PAGES = 1_100  # the logs are used again from their start after 1,000


def steps(first: int, count: int) -> list[Step]:
    """Commands and events numbered from `first`, two records each."""
    found = []
    for seq in range(first, first + 2 * count, 2):
        sides = (Entry(pot=7, asset=0, amount_atoms=seq), Entry(pot=0, asset=0, amount_atoms=-seq))
        event = Transferred(
            seq=seq + 1,
            cause_seq=seq,
            time_ns=START_NS + seq,
            kind="deposit",
            rule="harbor@2026-01-01#84183279",
            entries=sides,
        )
        command = Deposit(time_ns=START_NS + seq, account=7, asset="USDC", amount_atoms=seq)
        found.append((seq, command, (event,)))
    return found


class PlainFile:
    """The disk's own limit: a file that has its size, written and synced."""

    def __init__(self, path: Path) -> None:
        self.file, self.place, self.size = os.open(path, os.O_RDWR | os.O_CREAT), 0, 16 << 20
        os.pwrite(self.file, os.urandom(self.size), 0)
        os.fsync(self.file)

    def commit(self, data: bytes) -> None:
        if self.place + len(data) > self.size:
            self.place = 0
        os.pwrite(self.file, data, self.place)
        os.fdatasync(self.file)
        self.place += len(data)


class BareSqlite:
    """One blob a commit, WAL, synchronous=FULL."""

    def __init__(self, path: Path) -> None:
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=FULL")
        self.database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)")

    def commit(self, data: bytes) -> None:
        self.database.execute("INSERT INTO t (data) VALUES (?)", (data,))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


@contextmanager
def three_writers() -> Iterator[tuple[Journal, BareSqlite, PlainFile]]:
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as place:
        folder = Path(place)
        with Journal.create(folder / "journal", load_rulebook("harbor"), batch_records=2**62) as journal:
            yield journal, BareSqlite(folder / "bare"), PlainFile(folder / "plain")


def commits(blocks: int, per_block: int, records: int) -> tuple[float, float, float]:
    """Median seconds of a commit of `records` records: ours, bare SQLite, the plain file."""
    ours, bare, plain = [], [], []
    with three_writers() as (journal, sqlite, file):
        blob = os.urandom(max(records * 110, 220))
        frames = os.urandom(max(PAGE, len(blob) * PAGE // 4096))

        def our_block(work: list[Step]) -> None:
            for seq, command, events in work:
                journal.append(command, seq, events)
                if (journal.last_seq - journal.durable_seq) >= records:
                    journal.commit()

        for _ in range(WARM_PAGES * PAGE // len(frames) + 1):
            our_block(steps(journal.last_seq + 1, records // 2))
            sqlite.commit(blob)
        for _ in range(blocks):
            work = steps(journal.last_seq + 1, per_block * records // 2)
            ours.append(seconds(lambda work=work: our_block(work)) / per_block)
            bare.append(seconds(lambda: [sqlite.commit(blob) for _ in range(per_block)]) / per_block)
            plain.append(seconds(lambda: [file.commit(frames) for _ in range(per_block)]) / per_block)
    return median(ours), median(bare), median(plain)


def single(quick: bool) -> list[Row]:
    ours, bare, plain = commits(blocks=11 if quick else 41, per_block=100, records=2)
    return [
        row("journal, single durable commits", 1 / ours, f"bare SQLite {1 / bare:,.0f}/s", bare / ours,
            "10,000/s or the disk's limit", 1 / ours >= 10_000 or plain / ours >= 0.8),
        row("journal, single durable commits", 1 / ours, f"pwrite + fdatasync {1 / plain:,.0f}/s",
            plain / ours, "the disk's limit", 1 / ours >= 10_000 or plain / ours >= 0.8),
    ]  # fmt: skip


def grouped(quick: bool) -> list[Row]:
    ours, bare, plain = (GROUP / one for one in commits(11 if quick else 41, 10, GROUP))
    return [
        row(f"journal, events/s at groups of {GROUP:,}", ours, f"bare SQLite blobs {bare:,.0f}/s",
            ours / bare, "400,000/s", ours >= 400_000),
        row(f"journal, events/s at groups of {GROUP:,}", ours, f"pwrite + fdatasync {plain:,.0f}/s",
            ours / plain, "400,000/s", ours >= 400_000),
    ]  # fmt: skip


def row(figure: str, rate: float, peer: str, ratio: float, goal: str, met: bool, **more: object) -> Row:
    return {"figure": figure, "ours": f"{rate:,.0f}/s", "peer": peer, "ratio": round(ratio, 2),
            "goal": goal, "met": met, **more}  # fmt: skip


def venue(path: Path, accounts: int, ticks: int) -> Recorder:
    """A calm journal of the real engine: accounts, deposits, then one price at a time."""
    run = Recorder.create(path, load_rulebook("harbor"), digest_every=10**9, snapshot_every=10**12)
    first = len(run.engine.state.account_pot)
    for account in range(first, first + accounts):
        run.step(OpenAccount(time_ns=START_NS, account=account))
        run.step(Deposit(time_ns=START_NS, account=account, asset="USDC", amount_atoms=10**9 + account))
    for tick in range(ticks):
        now = START_NS + tick * 10**9
        price = 600_000 + tick % 7
        seen = tuple(SourcePrice(instrument="BTC-PERP", source=name, price_ticks=price, observed_ns=now)
                     for name in ("alpha", "beta", "gamma"))  # fmt: skip
        run.step(ReportPrices(time_ns=now, prices=seen))
    run.commit()
    return run


def replayed(quick: bool) -> list[Row]:
    """Replay in its parts, each over the whole journal; the peer is the same engine without a journal."""
    size = 1_000 if quick else 10_000
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as place:
        path = Path(place) / "journal"
        venue(path, size, size).journal.abandon()  # without a snapshot, so that recovery has all to apply
        with JournalReader(path) as reader:
            chain = cpu_seconds(lambda: sum(1 for _ in reader.groups()))
            reading = cpu_seconds(lambda: sum(1 for _ in batches(reader, 0, reader.genesis_hash)))
            held = list(batches(reader, 0, reader.genesis_hash))
            rulebook, records = reader.rulebook, reader.head()[0]
        engine, decide, compare = Engine(rulebook), 0.0, 0.0
        for batch in held:
            start = time.process_time()
            found = engine.step_many(batch.commands)
            middle = time.process_time()
            flat = [one for command, events in zip(batch.commands, found) for one in (command, *events)]
            if encode_records(flat) != b"".join(batch.payloads):
                raise AssertionError("the replay differs: nothing to time")
            decide, compare = decide + middle - start, compare + time.process_time() - middle
        wall = seconds(lambda: replay(path))
        recovery = cpu_seconds(lambda: recover(path))
    commands = sum(len(batch.commands) for batch in held)
    whole = reading + decide + compare
    parts = {"read, chain": chain, "decode": reading - chain, "decide": decide, "encode, compare": compare}
    return [
        row("replay, commands/s", commands / wall, f"the engine alone {commands / decide:,.0f}/CPU s",
            decide / wall, "500,000/s", commands / wall >= 500_000,
            without_engine=f"{commands / (whole - decide):,.0f}/CPU s",
            shares={name: round(part / whole, 3) for name, part in parts.items()}),
        row("recovery: records read with their chain", records / chain,
            f"applied {records / recovery:,.0f}/CPU s", recovery / chain, "", True),
    ]  # fmt: skip


def big_engine(accounts: int) -> Engine:
    """An engine after record 1 whose book holds made-up accounts of three positions."""
    engine = Engine(load_rulebook("harbor"))
    state, book = engine.state, engine.state.book
    book.reserve(pots=accounts + len(state.account_pot), positions=3 * accounts)
    for account in range(len(state.account_pot), len(state.account_pot) + accounts):
        pot = book.add_pot(account=account, unit=state.numeraire)
        state.account_pot.append(pot)
        for instrument in range(3):
            book.open_position(pot, instrument)
    numbers = np.arange(book.n_positions, dtype=np.int64)
    book.pos_lots[: book.n_positions] = numbers * 2_654_435_761 % 200_000 - 100_000
    book.pos_cost[: book.n_positions] = numbers * 40_503 % 10**12
    book.balances[: book.n_pots, state.numeraire] = np.arange(book.n_pots) * 10**6
    state.flags = np.zeros(book.n_pots, np.uint8)
    state.seq = 1
    return engine


def restored(quick: bool) -> list[Row]:
    """A snapshot of a book with three positions an account, from the file to an engine that can step."""
    engine = big_engine(20_000 if quick else 1_000_000)
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as place:
        path = Path(place) / "journal"
        with Journal.create(path, engine.state.rulebook) as journal:
            journal.append(OpenAccount(time_ns=1, account=7), 1, [])
            writing = seconds(lambda: journal.snapshot(engine.state))
        data = engine.state.to_bytes()
        reading = seconds(lambda: recover(path))
    parts = {
        "sha256": seconds(lambda: hashlib.sha256(data).digest()),
        "from_bytes": seconds(lambda: Engine.from_bytes(engine.state.rulebook, data)),
        "to_bytes": seconds(engine.state.to_bytes),
    }
    return [{
        "figure": f"snapshot restored, {len(engine.state.account_pot):,} accounts x 3 positions",
        "ours": f"{reading:.2f} s", "peer": f"sha256 of its {len(data) >> 20} MB {parts['sha256']:.2f} s",
        "ratio": round(parts["sha256"] / reading, 2), "goal": "5 s", "met": reading < 5,
        "written_seconds": round(writing, 2), "parts_seconds": {k: round(v, 2) for k, v in parts.items()},
    }]  # fmt: skip


def measure(quick: bool = False) -> list[Row]:
    """Rows for the table: ours, the peers, the ratio, the goal, met or not."""
    return [*single(quick), *grouped(quick), *replayed(quick), *restored(quick)]


if __name__ == "__main__":
    import sys

    for line in measure("--quick" in sys.argv):
        print(line)
