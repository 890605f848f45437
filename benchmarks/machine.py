"""What the figures were measured on: processor, cores, memory, system, Python, libraries, and who else was
at work. Read from the system as far as it tells; nothing identifies a host."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("numpy", "numba", "llvmlite", "msgspec", "polars", "joblib", "ray")


def machine_here() -> dict[str, str]:
    """The machine in words."""
    libraries = {name: _version(name) for name in LIBRARIES}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": ", ".join(f"{name} {found}" for name, found in libraries.items() if found)
        + f", sqlite {sqlite3.sqlite_version}",
        "load at the end": f"{load:.1f} (1 per busy core, our own included)",
    }


def commit_here() -> str:
    """The short hash of the commit, with a plus sign where files differ from it."""
    head = _git("rev-parse", "--short", "HEAD")
    return f"{head or 'unknown'}{'+' if _git('status', '--porcelain', '--untracked-files=no') else ''}"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        named = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        name = named.get("model name", "")
        family = f" (family {named['cpu family']}, model {named['model']})" if "cpu family" in named else ""
        return f"{name}{family}" or platform.processor()
    return platform.processor() or "not told"


def _memory() -> str:
    info = Path("/proc/meminfo")
    if not info.exists():
        return "not told"
    total_kib = int(info.read_text().split("MemTotal:")[1].split()[0])
    return f"{total_kib / 2**20:.0f} GiB"
