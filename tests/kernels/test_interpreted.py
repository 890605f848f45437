"""The compiled kernels and their Python source give the same bits, all the way down."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def digest(**environment: str) -> str:
    """Of `interpreted` in a process of its own: what Hypothesis draws depends on what is loaded."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.kernels.interpreted"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.slow
def test_compiled_margin_kernels_equal_their_python_source_bit_for_bit() -> None:
    compiled, interpreted = digest(NUMBA_DISABLE_JIT="0"), digest(NUMBA_DISABLE_JIT="1")
    assert len(compiled) == 64
    assert compiled == interpreted
