"""The journal in memory holds what a journal file of the same run holds."""

from __future__ import annotations

from pathlib import Path

import pytest

import seawall as sw
from seawall.api.memory import MemoryJournal
from seawall.api.setup import CrashSetup, make_plan
from seawall.engine.commands import Command
from seawall.engine.engine import Engine
from seawall.journal.reader import JournalReader
from seawall.lab.experiment import crash_options, open_book, run_experiment
from seawall.lab.simulate import run_crash

SMALL = {
    "accounts": 40,
    "open_interest_usd": 3e7,
    "start": "2025-10-10T21:14:00Z",
    "end": "2025-10-10T21:17:00Z",
}


def plan():  # type: ignore[no-untyped-def]
    return make_plan(CrashSetup(rulebook=sw.load_rulebook("harbor"), **SMALL))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def kept() -> MemoryJournal:
    journal = MemoryJournal(sw.load_rulebook("harbor"))
    run_experiment(plan(), lambda run: (journal,) if run == "with" else ())
    return journal


def test_it_holds_the_records_of_the_file(kept: MemoryJournal, tmp_path: Path) -> None:
    run = sw.simulate("harbor", **SMALL, out=tmp_path / "run")
    assert run.journal is not None
    with JournalReader(run.journal) as reader:
        assert list(kept) == [reader.record(seq) for seq in range(kept.records)]
        assert kept.records == reader.head()[0] + 1


def test_its_commands_give_its_events_again(kept: MemoryJournal) -> None:
    engine, again = Engine(sw.load_rulebook("harbor")), MemoryJournal(sw.load_rulebook("harbor"))
    for record in kept:
        if isinstance(record, Command):
            again.record(record, engine.step(record))  # type: ignore[arg-type]
    assert again.digest() == kept.digest() and again.size_bytes == kept.size_bytes


def test_the_digest_tells_runs_apart_and_says_where_they_began(kept: MemoryJournal) -> None:
    book = open_book(plan())
    digests = []
    for feedback, start in ((1.0, b""), (1.0, b""), (0.0, b""), (1.0, b"other")):
        journal = MemoryJournal(sw.load_rulebook("harbor"), start)
        engine = Engine.from_bytes(sw.load_rulebook("harbor"), book.state)
        run_crash(engine, plan().path, crash_options(plan(), feedback), (journal,))
        digests.append(journal.digest())
    assert digests[0] == digests[1] and len(set(digests)) == 3
    assert kept.digest() not in digests  # that one saw the book being built


def test_when_the_digest_is_asked_for_changes_nothing(kept: MemoryJournal) -> None:
    often = MemoryJournal(sw.load_rulebook("harbor"))
    engine = Engine(sw.load_rulebook("harbor"))
    for record in kept:
        if isinstance(record, Command):
            often.record(record, engine.step(record))  # type: ignore[arg-type]
            often.digest()
    assert often.digest() == kept.digest()
