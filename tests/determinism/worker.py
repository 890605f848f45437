"""Play the hour in a process of its own and print one digest of everything that came out, as JSON.

    python -m tests.determinism.worker [--split SEED] [--group RECORDS]

The interpreter and the environment are what is compared; `--split` cuts the recorded commands into random
`step_many` batches, `--group` sets how many records one commit of the journal takes. No output may depend on
any of them. All digests are SHA-256 as hex.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import msgspec
import numpy as np

from seawall.engine.engine import Engine
from seawall.engine.state import State
from seawall.journal.codec import encode_step
from seawall.journal.reader import JournalReader
from seawall.journal.store import Journal
from seawall.kernels.elementary import exp_array, log_array, normal_inverse_array, power_array
from seawall.lab.process import random_path
from seawall.lab.synthetic import markets_at, synthetic_book
from seawall.margin.statement import THREADS_FROM, book_health
from seawall.pricing.black import black_greeks, black_price
from seawall.pricing.implied import implied_vols
from seawall.report.export import write_run
from seawall.report.tables import RunTables
from tests.determinism.world import PRICES, Log, Played, play

GROUP = 500  # records a commit takes, where not told otherwise; the chain of hashes depends on it


def sha(parts: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.hexdigest()


def records(log: Log) -> list[bytes]:
    """Every command and event in the bytes of the journal."""
    return [payload for command, events in log for payload in encode_step(command, events)]


def again(played: Played, split: int) -> tuple[Log, Engine]:
    """The recorded commands once more: one by one (0), or in random batches drawn from the seed `split`."""
    engine, chance = Engine(played.rulebook), Random(split)
    commands = [command for command, _ in played.log]
    log: Log = []
    while commands:
        size = chance.choice((1, 1, 2, 3, 10, 100, 1_000)) if split else 1
        batch, commands = commands[:size], commands[size:]
        log += zip(batch, engine.step_many(batch) if split else [engine.step(batch[0])])
    return log, engine


def journal(played: Played, folder: Path, group: int) -> tuple[bytes, list[bytes]]:
    """(chain hash at the end, the records read back) of a journal whose commits take `group` records."""
    path = folder / f"{group}.db"
    with Journal.create(path, played.rulebook, batch_records=group) as keeper:
        for command, events in played.log:
            keeper.append(command, keeper.last_seq + 1, events)
    with JournalReader(path) as reader:
        found = [bytes(payload) for part in reader.groups() for payload in part.payloads]
        return reader.head()[1], found


def valuation(state: State) -> list[bytes]:
    """The whole book at every level, on one thread and on all of them."""
    pots = np.arange(state.book.n_pots, dtype=np.int64)
    many = np.resize(pots, max(THREADS_FROM, pots.size) + 1)
    levels = [level.name for level in state.rulebook.margin.levels]
    few = book_health(state.book, state.margin, state.market, pots, *levels)
    all_ = book_health(state.book, state.margin, state.market, many, *levels)
    assert all((a == b[:, : pots.size]).all() for a, b in zip(few, all_)), "threads change the valuation"
    return [column.tobytes() for column in all_]


def floats() -> list[bytes]:
    """Where a last bit would show: our elementary functions, drawn prices and a drawn book, unrounded."""
    x = np.linspace(-40.0, 40.0, 200_001)
    inside = np.linspace(1e-9, 1.0 - 1e-9, 200_001)
    markets = markets_at(PRICES)
    book = synthetic_book(markets, accounts=5_000, seed=3)
    strikes, vols = exp_array(x[::10] / 40.0) * 100.0, np.abs(x[::10]) / 10.0
    prices = black_price(100.0, strikes, 0.25, vols, strikes > 100.0)
    options = black_greeks(100.0, strikes, 0.25, vols, strikes > 100.0)
    return [
        exp_array(x).tobytes(),
        log_array(np.abs(x) + 1e-9).tobytes(),
        power_array(np.abs(x), 0.674).tobytes(),
        normal_inverse_array(inside).tobytes(),
        prices.tobytes(),
        implied_vols(prices, 100.0, strikes, 0.25, strikes > 100.0).vol.tobytes(),
        *(getattr(options, field).tobytes() for field in options.__struct_fields__),
        random_path(PRICES, seed=3, crash=True, step_seconds=20.0).price.tobytes(),
        *(getattr(book, field).tobytes() for field in book.__struct_fields__[2:]),
    ]


def digests(split: int, group: int) -> dict[str, str]:
    """Everything that is promised to be the same. `again` and `journal` repeat `records` by other ways."""
    played = play()
    log, engine = again(played, split)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chain, _ = journal(played, folder, GROUP)
        _, read_back = journal(played, folder, group) if group != GROUP else (b"", [])
        tables = RunTables(**played.experiment.frames, summary=played.experiment.summary)
        files = write_run(tables, folder / "run")
        parquet = sha(path.read_bytes() for path in files)
        csv = sha(frame.write_csv().encode() for _, frame in sorted(tables.canonical().frames().items()))
    return {
        "records": sha(records(played.log)),
        "again": sha(records(log)),
        "journal": sha(read_back[1:]) if read_back else sha(records(played.log)),
        "chain": chain.hex(),
        "state": played.engine.state.digest().hex(),
        "state again": engine.state.digest().hex(),
        "valuation": sha(valuation(played.engine.state)),
        "floats": sha(floats()),
        "parquet": parquet,
        "csv": csv,
    }


def main(words: list[str], put: Callable[[str], object] = sys.stdout.write) -> None:
    parser = argparse.ArgumentParser(prog="worker")
    parser.add_argument("--split", type=int, default=0)
    parser.add_argument("--group", type=int, default=GROUP)
    asked = parser.parse_args(words)
    found = digests(asked.split, asked.group)
    assert found["records"] == found["again"] == found["journal"], "a repetition gave other records"
    assert found["state"] == found["state again"], "a repetition gave another state"
    put(msgspec.json.encode(found).decode() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
