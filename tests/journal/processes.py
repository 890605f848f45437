"""Other processes of the tests: they import this source, and may have a failing disk below them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import seawall

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def environment(shim: Path | None = None) -> dict[str, str]:
    """For a Python that imports this source, above the shim where one is given."""
    source = str(Path(seawall.__path__[0]).parent)
    preload = {"LD_PRELOAD": str(shim)} if shim else {}
    return {**os.environ, "PYTHONPATH": os.pathsep.join([source, str(ROOT)]), **preload}


def run_module(name: str, *words: object, shim: Path | None = None) -> str:
    """What `python -m tests.journal.NAME WORDS` prints; AssertionError where it does not end well."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.journal.{name}", *map(str, words)],
        env=environment(shim),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1_200,
    )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    return done.stdout
