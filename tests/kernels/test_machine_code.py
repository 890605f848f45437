"""What the kernels really became: no fused multiply-add, no function of the platform's libm, for any float.

numba may contract or call libm without being asked to; nothing in the source shows it. So the machine code of
every kernel that the engine has compiled is read, for this CPU, after it has decided something.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from numba import njit

import seawall.kernels
from seawall.kernels import elementary

ROOT = Path(__file__).resolve().parents[2]
FUSED = re.compile(r"\b(vfn?m(?:add|sub)\w*|fn?m(?:add|sub|la|ls)\b)")
# Calls and intrinsics that end in libm. floor, ceil, sqrt, fabs, ldexp, frexp are exact and may stay.
LIBM = re.compile(
    r"@(?:llvm\.)?((?:exp|exp2|exp10|expm1|log|log2|log10|log1p|pow|powi|sin|cos|tan|asin|acos|atan|atan2|"
    r"sinh|cosh|tanh|erf|erfc|cbrt|hypot|fma|fmuladd|tgamma|lgamma|fmod)"
    r"(?:f|l|\.f64|\.f32|\.v\d+f64|\.f64\.i32)?)\b[^\n]*\("
)
FAST = re.compile(r"= f(?:add|sub|mul|div|rem|neg) (?:fast|contract|reassoc|afn|arcp|nnan|ninf)\b")


def kernels() -> dict[str, Any]:
    """Every compiled function of seawall.kernels, by module and name."""
    found = {}
    for entry in pkgutil.iter_modules(seawall.kernels.__path__):
        module = importlib.import_module(f"seawall.kernels.{entry.name}")
        for name, held in vars(module).items():
            if hasattr(held, "py_func") and held.py_func.__module__ == module.__name__:
                found[f"{entry.name}.{name}"] = held
    return found


def faults(kernel: Any) -> list[str]:
    """What is wrong with the code of a kernel, for all the types it has been compiled for."""
    found = []
    for signature in kernel.signatures:
        assembly, ir = kernel.inspect_asm(signature), kernel.inspect_llvm(signature)
        found += [f"fused {match}" for match in FUSED.findall(assembly)]
        found += [f"calls {match}" for match in LIBM.findall(ir)]
        found += ["fast-math flags"] * bool(FAST.search(ir))
    return sorted(set(found))


def inspect() -> dict[str, Any]:
    """Decide one violent hour without a cache (a cached kernel has no IR to read), then read every kernel."""
    from seawall.margin.portfolio.evaluate import evaluate
    from tests.determinism.worker import floats, valuation
    from tests.determinism.world import play
    from tests.margin.portfolios import PARAMETERS, inputs_of, random_case, rules_of

    valuation(play().engine.state)
    floats()
    case = random_case(1, 5)
    evaluate(*inputs_of(case), rules_of(case, PARAMETERS))
    held = kernels()
    return {
        "read": sorted(name for name, kernel in held.items() if kernel.signatures),
        "faults": {name: found for name, kernel in held.items() if (found := faults(kernel))},
    }


@pytest.mark.slow
def test_no_kernel_that_decided_the_hour_is_fused_or_calls_libm(tmp_path: Path) -> None:
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    command = [sys.executable, "-m", "tests.kernels.test_machine_code"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["faults"] == {}
    assert len(found["read"]) > 20
    wanted = {"elementary.exp", "elementary.log", "fixed.mul_div_floor", "fixed.mul_div_ceil"}
    wanted |= {"black.black_price", "scenarios.shock_vols", "scenarios.reprice", "scenarios.add_portfolio"}
    assert wanted <= set(found["read"])


def exp_of_libm(x):  # type: ignore[no-untyped-def]
    return math.exp(x) + math.pow(x, 0.3)


def fused(x):  # type: ignore[no-untyped-def]
    return x * 3.1 + 0.7


def test_the_reader_of_machine_code_finds_what_it_looks_for() -> None:
    libm = njit(exp_of_libm)
    libm(1.5)
    assert any("exp" in fault for fault in faults(libm))
    assert any("pow" in fault for fault in faults(libm))
    fast = njit(fastmath=True)(fused)
    fast(1.5)
    assert "fast-math flags" in faults(fast)
    assert FUSED.findall("\tvfmadd213sd\t%xmm1, %xmm2\n\tfmadd d0, d1, d2, d3\n") == ["vfmadd213sd", "fmadd"]


def test_the_elementary_functions_are_clean_where_they_are_compiled_alone() -> None:
    for name in ("exp", "log", "power", "normal_inverse"):
        alone = njit(getattr(elementary, name).py_func, error_model="numpy")
        alone(*((0.3, 0.7) if name == "power" else (0.3,)))
        assert faults(alone) == []


if __name__ == "__main__":
    print(json.dumps(inspect()))
