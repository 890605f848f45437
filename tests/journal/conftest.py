"""Journals to look at and to damage."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seawall.journal import Recorder
from tests.journal.processes import HERE
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


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The failing disk (faults.c), compiled; skips where that cannot be done."""
    compiler = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("injecting faults below SQLite needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("shim") / "faults.so"
    flags = ["-O1", "-Wall", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", library, HERE / "faults.c", "-ldl"], check=True)
    return library


@pytest.fixture
def quick_folder() -> Iterator[Path]:
    """In memory where possible: the faults are made up, so no disk has to be waited for."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None))
    yield folder
    shutil.rmtree(folder)
