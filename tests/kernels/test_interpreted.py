"""The compiled kernels and their Python source give the same bits, all the way down."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernels.interpreted import digest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_compiled_margin_kernels_equal_their_python_source_bit_for_bit() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.kernels.interpreted"],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == digest()
