"""What is fuzzed: every way in which bytes or words from outside come in, one function each.

A target takes bytes, hands them to the reader as a person would (a file, an argument) and lets only a
SeawallError pass: that is a refusal with its reason. Anything else that is raised, a changed input file, or a
file left behind is a finding. A corpus starts from sound inputs made by code (tests.fuzz.corpora).
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import polars as pl

from seawall.api.desk import load_book
from seawall.api.pricing import marks_to_ticks, moved
from seawall.api.setup import CrashSetup, make_plan
from seawall.cli.parsing import pairs
from seawall.engine.commands import Propose
from seawall.engine.engine import Engine
from seawall.engine.events import Refused
from seawall.errors import SeawallError
from seawall.journal.check import check_journal
from seawall.journal.codec import decode_record
from seawall.journal.layout import SnapshotRow, snapshot_hash
from seawall.journal.protocol import default_factory
from seawall.journal.reader import JournalReader
from seawall.journal.replay import open_snapshot, recover
from seawall.journal.store import Journal
from seawall.lab import readers
from seawall.lab.bookdepth import fit_depth, good_part, load_book_depth
from seawall.lab.bookfile import decimal_text
from seawall.lab.faults import parse_fault
from seawall.lab.prices import load_prices
from seawall.lab.readers import parse_time, read_series, split_source
from seawall.lab.shock import parse_shock
from seawall.rulebooks.load import load_rulebook
from seawall.units import parse_duration_ns, parse_ppb
from tests.fuzz import corpora
from tests.rulebooks.mini import MINI, read

Target = Callable[[Path, bytes], None]
RULES = read(MINI)


def text_of(data: bytes) -> str:
    """Words as Python makes them of a command line: bytes that are no UTF-8 become lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def file_of(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


# -- rulebooks --------------------------------------------------------------------------------------------


def rulebook(folder: Path, data: bytes) -> None:
    load_rulebook(file_of(folder, "r.toml", data))


def proposal(folder: Path, data: bytes) -> None:
    """A rulebook as JSON inside a command: refused by an event, or waiting for approval."""
    engine = Engine(RULES)
    (event,) = engine.step(Propose(time_ns=1, by="ann", proposal=1, rulebook=data))
    assert type(event) is Refused or engine.state.proposals
    assert not (type(event) is Refused and engine.state.proposals)


# -- books and prices -------------------------------------------------------------------------------------


def book_csv(folder: Path, data: bytes) -> None:
    load_book(file_of(folder, "b.csv", data), RULES, {"BTC": "60000"}).statements()


def book_parquet(folder: Path, data: bytes) -> None:
    load_book(file_of(folder, "b.parquet", data), RULES, {"BTC": "60000"}).statements()


def book_frame(folder: Path, data: bytes) -> None:
    load_book(corpora.odd_frame(Random(data), corpora.BOOK_CELLS), RULES).statements()


def prices_csv(folder: Path, data: bytes) -> None:
    load_prices([file_of(folder, "BTCUSDT.csv", data)])


def prices_parquet(folder: Path, data: bytes) -> None:
    load_prices([file_of(folder, "BTCUSDT.parquet", data)])


def prices_frame(folder: Path, data: bytes) -> None:
    """Sound Parquet of odd columns, read here: a child for each would take a hundred times as long."""
    frame, path = corpora.odd_frame(Random(data), corpora.PRICE_CELLS), folder / "BTCUSDT.parquet"
    frame.write_parquet(path)
    real = readers.read_frame
    try:
        readers.read_frame = lambda *_, **__: (pl.read_parquet(path), None)
        load_prices([path])
    finally:
        readers.read_frame = real


def prices_packed(folder: Path, data: bytes) -> None:
    """The packing is hit as often as the content."""
    kind, body = data[:1], data[1:]
    if kind == b"g":
        read_series(file_of(folder, "BTCUSDT.csv.gz", body))
    elif kind == b"G":
        read_series(file_of(folder, "BTCUSDT.csv.gz", gzip.compress(body, 1)))
    elif kind == b"z":
        read_series(file_of(folder, "BTCUSDT.zip", body))
    else:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("a.csv", body)
        read_series(file_of(folder, "BTCUSDT.zip", held.getvalue()))


def depth(folder: Path, data: bytes) -> None:
    good, _ = good_part(load_book_depth(file_of(folder, "BTCUSDT.csv", data)))
    fit_depth(good)


# -- journals ---------------------------------------------------------------------------------------------


def journal(folder: Path, data: bytes) -> None:
    """Read, recover, open to append: a journal that is refused is left as it was."""
    path = file_of(folder, "j.db", data)
    try:
        check_journal(path)
        with JournalReader(path) as reader:
            for _ in reader.steps():
                pass
        recover(path)
        Journal.open(path).abandon()
    except SeawallError:
        assert path.read_bytes() == data, "a refused journal was changed"
        raise


def record(folder: Path, data: bytes) -> None:
    decode_record(data, path=Path("j.db"), seq=1)


def snapshot(folder: Path, data: bytes) -> None:
    """A snapshot whose hashes are right and whose content is not: as if the writer itself had been wrong."""
    path = corpora.sound_journal(folder.parent / "sound")
    with JournalReader(path) as reader:
        seq, chain = reader.head()
        row = SnapshotRow(seq, chain, corpora.sha256(data), b"", data)
        open_snapshot(reader, row._replace(hash=snapshot_hash(row)), default_factory())


# -- words ------------------------------------------------------------------------------------------------


def shock(folder: Path, data: bytes) -> None:
    parse_shock(text_of(data))


def plan(folder: Path, data: bytes) -> None:
    """Everything `simulate` can be told in words, one a line, as far as a plan (which runs nothing)."""
    words = text_of(data).split("\n")
    start, end, step, *shocks = [*words, "", "", ""][:6]
    setup = CrashSetup(
        rulebook=RULES,
        shocks=tuple(text for text in shocks if text),
        start=start or None,
        end=end or None,
        step_seconds=_number(step),
    )
    make_plan(setup)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def fault(folder: Path, data: bytes) -> None:
    parse_fault(text_of(data))


def marks(folder: Path, data: bytes) -> None:
    given = pairs(text_of(data).split("\n"), "--mark", "BTC=60000")
    moved(RULES, marks_to_ticks(RULES, given), {name: f"{value}%" for name, value in given.items()})


def numbers(folder: Path, data: bytes) -> None:
    """Times, durations, rates, decimals, sources: each reader of one number gets the same word."""
    text = text_of(data)
    decimal_text(text)
    split_source(text)
    for reader in (parse_time, parse_duration_ns, parse_ppb):
        with suppress(SeawallError):
            reader(text)  # type: ignore[operator]


TARGETS: dict[str, Target] = {
    f.__name__: f
    for f in (
        rulebook, proposal, book_csv, book_parquet, book_frame, prices_csv, prices_parquet, prices_frame,
        prices_packed, depth, journal, record, snapshot, shock, plan, fault, marks, numbers,
    )
}  # fmt: skip


def attempt(target: Target, folder: Path, data: bytes) -> bool:
    """Run one input. True: taken, False: refused. Anything that is no SeawallError is a finding."""
    try:
        target(folder, data)
        taken = True
    except SeawallError as error:
        assert_helpful(error)
        taken = False
    # SQLite keeps its two side files beside a database that it could not read to the end.
    left = [path for path in folder.iterdir() if not path.name.endswith((".lock", "-wal", "-shm"))]
    for path in folder.iterdir():
        path.unlink()
    assert len(left) <= 1, f"files left behind: {[path.name for path in left]}"
    return taken


def assert_helpful(error: Any) -> None:
    """A refusal can be printed, and has something on its second line: what to do."""
    text = str(error)
    text.encode("utf-8", "backslashreplace")
    assert "\n  " in text or len(text) > 10, f"a refusal that helps nobody: {text!r}"
