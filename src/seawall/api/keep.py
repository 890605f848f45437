"""Keeping the journal of a run as it goes: every command and event, durable in groups, with state digests.

The book is loaded in one piece and becomes durable with the first step; after that a commit is made at the
end of a step once enough records have gathered. When is counted in records, never in time, so the same run
gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seawall.engine.commands import AnyCommand
from seawall.engine.engine import Engine
from seawall.engine.events import AnyEvent
from seawall.journal.store import Journal
from seawall.rulebooks.model import Rulebook

COMMIT_RECORDS = 500
DIGEST_RECORDS = 5_000
SNAPSHOT_RECORDS = 500_000


class JournalKeeper:
    """A lab recorder that writes a journal. `close` makes everything durable and adds a snapshot."""

    def __init__(self, path: Path, rulebook: Rulebook) -> None:
        # Commits are made here, where the state belongs to the last record; never in the middle of a step.
        self.journal = Journal.create(
            path,
            rulebook,
            batch_records=2**62,
            digest_every=DIGEST_RECORDS,
            snapshot_every=SNAPSHOT_RECORDS,
        )
        self.engine: Engine | None = None

    def record(self, command: AnyCommand, events: tuple[AnyEvent, ...]) -> None:
        self.journal.append(command, self.journal.last_seq + 1, events)

    def step_done(self, engine: Engine, venue: Any, time_ns: int) -> None:
        self.engine = engine
        if self.journal.last_seq - self.journal.durable_seq >= COMMIT_RECORDS:
            self.journal.commit(engine.state)

    def close(self) -> None:
        self.journal.close(self.engine.state if self.engine is not None else None)

    def abandon(self) -> None:
        self.journal.abandon()


class Steps:
    """A lab recorder that only counts, for a progress bar."""

    def __init__(self, advance: Any) -> None:
        self.advance = advance

    def record(self, command: AnyCommand, events: tuple[AnyEvent, ...]) -> None:
        """Nothing: only whole steps are counted."""

    def step_done(self, engine: Engine, venue: Any, time_ns: int) -> None:
        self.advance(1)
