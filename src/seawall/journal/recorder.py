"""An engine and its journal kept in step: every command and event that the engine makes is appended.

`step` decides and buffers; nothing that it returns may be acted on or acknowledged before `commit` has
returned. If the engine raises while it steps, what was not committed is dropped and the recorder closes:
recover and go on.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

from seawall.engine.events import Event
from seawall.errors import SeawallError
from seawall.journal.codec import encode_record
from seawall.journal.protocol import EngineFactory, EngineLike, default_factory
from seawall.journal.replay import recover
from seawall.journal.store import Journal
from seawall.rulebooks.model import Rulebook


class Recorder:
    """`with Recorder.create(path, rulebook) as run: run.step(command); run.commit()`."""

    def __init__(self, engine: EngineLike, journal: Journal) -> None:
        self.engine = engine
        self.journal = journal

    @classmethod
    def create(
        cls,
        path: str | Path,
        rulebook: Rulebook,
        *,
        engine_factory: EngineFactory | None = None,
        batch_records: int = 1_000,
        digest_every: int = 10_000,
        snapshot_every: int = 1_000_000,
    ) -> Recorder:
        """A new engine and a new journal."""
        engine = (engine_factory or default_factory())(rulebook)
        journal = Journal.create(
            path,
            rulebook,
            batch_records=batch_records,
            digest_every=digest_every,
            snapshot_every=snapshot_every,
        )
        return cls(engine, journal)

    @classmethod
    def resume(
        cls,
        path: str | Path,
        *,
        engine_factory: EngineFactory | None = None,
        batch_records: int = 1_000,
        digest_every: int = 10_000,
        snapshot_every: int = 1_000_000,
    ) -> Recorder:
        """The engine as the journal left it, and the journal opened to go on. The journal is locked first."""
        journal = Journal.open(
            path, batch_records=batch_records, digest_every=digest_every, snapshot_every=snapshot_every
        )
        try:
            return cls(recover(path, engine_factory=engine_factory), journal)
        except BaseException:
            journal.abandon()
            raise

    def step(self, command: Any) -> tuple[Event, ...]:
        """Decide one command and buffer it with its events. Durable only after the next `commit`."""
        encode_record(command)  # what cannot be written down must not be decided: it is refused unchanged
        seq = self.journal.last_seq + 1
        try:
            events: tuple[Event, ...] = self.engine.step(command)
        except BaseException as error:
            # A command that cannot even be numbered changes nothing; anything half done must not go on.
            if not isinstance(error, SeawallError) or self.engine.state.seq != seq - 1:
                self.journal.abandon()
            raise
        self.journal.append(command, seq, events, self.engine.state)
        return events

    def commit(self) -> int:
        """Make every step so far durable; returns the last durable record."""
        return self.journal.commit(self.engine.state)

    def close(self) -> None:
        """Commit and store a snapshot."""
        self.journal.close(self.engine.state)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.journal.abandon()
