"""What the option kernels became: vector instructions, nothing fused, no libm, on this CPU and an older.

A branch that slips into a lane costs a factor of eight and changes no number; only the machine code shows it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit

from seawall.kernels import black, greeks, implied
from tests.kernels.black_oracle import drawn
from tests.kernels.test_machine_code import faults

ROOT = Path(__file__).resolve().parents[2]
PACKED = re.compile(r"\bv?divpd\b")
ON_X86 = platform.machine().lower() in ("x86_64", "amd64")
SIZE = 1024


def columns() -> list[Any]:
    return [np.array(column) for column in zip(*drawn(SIZE, 1))]


def empty(count: int) -> list[Any]:
    return [np.zeros(SIZE) for _ in range(count)]


def room(rows: int) -> Any:
    return np.zeros((rows, black.BLOCK))


def room_of(rows: int) -> Any:
    """For a stage over all elements at once."""
    return np.ones((rows, SIZE))


def vols() -> tuple[Any, ...]:
    forward, strike, years, vol, is_call = columns()
    (price,) = empty(1)
    black.black_price_array(forward, strike, years, vol, is_call, price, room(4))
    return price, forward, strike, years, is_call, *empty(1), np.empty(SIZE, np.int8), room(6)


# Every loop over options with what it takes, and the stages that must run on vectors.
KERNELS: list[tuple[Any, Callable[[], tuple[Any, ...]]]] = [
    (black.black_price_array, lambda: (*columns(), *empty(1), room(4))),
    (greeks.black_greeks_array, lambda: (*columns(), *empty(5), room(4))),
    (greeks.black_higher_array, lambda: (*columns()[:4], *empty(8), room(4))),
    (implied.implied_vol_array, vols),
]
STAGES: list[tuple[Any, Callable[[], tuple[Any, ...]]]] = [
    (black.place_all, lambda: (*columns()[:4], room_of(4))),
    (black._price_all, lambda: (*columns()[:2], columns()[4], *empty(3))),
    (greeks._greeks_all, lambda: (*columns()[:2], *columns()[3:], room_of(4), *empty(5))),
    (greeks._higher_all, lambda: (*columns()[:2], columns()[3], room_of(4), *empty(8))),
    (implied._prepare_all, lambda: (*vols()[:5], room_of(6))),
    (implied._step_all, lambda: (SIZE, room_of(6))),
    (implied._finish_all, lambda: (*empty(2), room_of(6))),
]


@pytest.mark.slow
@pytest.mark.parametrize(("kernel", "given_"), STAGES, ids=[kernel.__name__ for kernel, _ in STAGES])
def test_loops_over_options_run_on_vectors_unfused_and_without_libm(kernel: Any, given_: Any):
    fresh = njit(kernel.py_func, error_model="numpy", _nrt=False)  # a cached kernel has no code to read
    fresh(*given_())
    assert faults(fresh) == []
    if ON_X86:
        (code,) = (fresh.inspect_asm(signature) for signature in fresh.signatures)
        assert PACKED.search(code)


def digest() -> str:
    """All outputs of all kernels over drawn options."""
    found = hashlib.sha256()
    for kernel, given_ in KERNELS:
        arguments = given_()
        kernel(*arguments)
        for array in arguments:
            found.update(array.tobytes())
    return found.hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("cpu", ["generic", "haswell"])
def test_an_older_cpu_computes_the_same_bits(cpu: str, tmp_path: Path):
    if not ON_X86:
        pytest.skip("the names are of x86-64 CPUs")
    env = {**os.environ, "NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path)}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    command = [sys.executable, "-m", "tests.kernels.test_lanes"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == digest()


if __name__ == "__main__":
    print(digest())
