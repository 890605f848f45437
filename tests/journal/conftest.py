"""Journals to look at and to damage."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall.journal import Recorder
from tests.journal.venue import SmallEngine, commands, small_rulebook

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a journal of `count` commands, committed `per_commit` at a time, and close it."""

    def writer(
        count: int = 40,
        per_commit: int = 4,
        name: str = "run.journal",
        digest_every: int = 20,
        snapshot_every: int = 10**9,
    ) -> Path:
        path = tmp_path / name
        with Recorder.create(
            path,
            small_rulebook(),
            engine_factory=SmallEngine,
            digest_every=digest_every,
            snapshot_every=snapshot_every,
        ) as run:
            for index, command in enumerate(commands(count)):
                run.step(command)
                if index % per_commit == per_commit - 1:
                    run.commit()
        return path

    return writer


@pytest.fixture
def edit() -> Callable[..., None]:
    """Change a journal behind its back, by SQL."""

    def editor(path: Path, sql: str, *values: object) -> None:
        database = sqlite3.connect(path, isolation_level=None)
        database.execute(sql, values)
        database.close()

    return editor
