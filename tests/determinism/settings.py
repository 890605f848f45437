"""The settings under which one hour must give one set of digests, and how to run it under each of them.

Interpreters are looked for by name on PATH (pyenv's shims too, which need to be told the version); each gets
an environment of its own under .cache, made from requirements.lock with every hash checked.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.11", "3.12", "3.13")

# glibc has spelled its processor features in three ways. An unknown name is ignored, so all can be given.
OLDER_CPU = "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4"
OLDEST_CPU = OLDER_CPU + ",-AVX512F,-AVX,-AVX_Usable,-AVX2_Usable,-FMA_Usable,-FMA4_Usable"


class Setting(NamedTuple):
    """What is changed against a plain run: the environment, the worker's arguments, the interpreter."""

    name: str
    env: dict[str, str] = {}  # noqa: RUF012
    args: tuple[str, ...] = ()
    python: str = ""


PLAIN = Setting("plain")
HERE = (
    Setting("glibc without AVX2 and FMA", {"GLIBC_TUNABLES": OLDER_CPU}),
    Setting("glibc without AVX, by every spelling", {"GLIBC_TUNABLES": OLDEST_CPU}),
    Setting("numba for a generic CPU", {"NUMBA_CPU_NAME": "generic"}),
    Setting("both", {"NUMBA_CPU_NAME": "generic", "GLIBC_TUNABLES": OLDER_CPU}),
    Setting("one thread", {"NUMBA_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}),
    Setting("two threads", {"NUMBA_NUM_THREADS": "2", "POLARS_MAX_THREADS": "2"}),
    Setting("hashes seeded with 1", {"PYTHONHASHSEED": "1"}),
    Setting("hashes seeded with 2", {"PYTHONHASHSEED": "2"}),
    Setting("another locale, zone and folder", {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "TMPDIR": "{tmp}"}),
    *(Setting(f"batches drawn from {n}", {}, ("--split", str(n))) for n in (1, 2, 3)),
    *(Setting(f"commits of {n} records", {}, ("--group", str(n))) for n in (1, 7, 100_000)),
)


def others(env: dict[str, str] | None = None) -> list[Setting]:
    """One setting per supported interpreter that is not this one."""
    mine = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return [
        Setting(f"Python {version}", env or {}, python=version) for version in VERSIONS if version != mine
    ]


def run(setting: Setting, python: str = sys.executable, tmp: str = "") -> dict[str, str]:
    """The worker's digests. RuntimeError with its stderr where it fails."""
    ours = ("GLIBC_TUNABLES", "NUMBA_")
    env = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    env |= {"NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR") or str(ROOT / ".cache" / "numba")}
    env |= {key: value.format(tmp=tmp or tempfile.gettempdir()) for key, value in setting.env.items()}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    command = [python, "-m", "tests.determinism.worker", *setting.args]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{setting.name}: the worker failed\n{done.stderr[-3000:]}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def libm_digest(env: dict[str, str]) -> str:
    """Of the platform's exp over many values: where it differs, a setting really changes libm."""
    code = (
        "import hashlib, math; print(hashlib.sha256(b''.join(math.exp(n / 7e4 - 1).hex().encode() "
        "for n in range(200_000))).hexdigest())"
    )
    whole = {**os.environ, **env}
    done = subprocess.run([sys.executable, "-c", code], env=whole, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def has_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc" and platform.machine() in ("x86_64", "AMD64")


def interpreter(version: str) -> tuple[list[str], dict[str, str]] | None:
    """A command that runs this version, with the environment it needs; None where there is none."""
    name = f"python{version}"
    if shutil.which(name) is None:
        return None
    tries: list[dict[str, str]] = [{}]
    if shutil.which("pyenv"):
        listed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True).stdout
        tries += [{"PYENV_VERSION": found} for found in listed.split() if found.startswith(f"{version}.")]
    code = "import ssl, sqlite3, venv, sys; print('%d.%d' % sys.version_info[:2])"
    for env in tries:
        done = subprocess.run([name, "-c", code], env={**os.environ, **env}, capture_output=True, text=True)
        if done.stdout.strip() == version:
            return [name], env
    return None


def environment(version: str) -> tuple[str, str]:
    """(python of an environment with everything locked, "") or ("", why there is none)."""
    found = interpreter(version)
    if found is None:
        return "", f"there is no python{version} on PATH"
    folder = ROOT / ".cache" / "determinism" / version
    python, mark = folder / "bin" / "python", folder / "installed"
    lock = (ROOT / "requirements.lock").read_bytes()
    if mark.exists() and mark.read_bytes() == lock:
        return str(python), ""
    command, env = found
    whole = {**os.environ, **env, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    install = ["-m", "pip", "install", "-q", "--only-binary", ":all:", "--require-hashes", "-r"]
    for step in (
        [*command, "-m", "venv", "--clear", str(folder)],
        [str(python), *install, str(ROOT / "requirements.lock")],
    ):
        done = subprocess.run(step, env=whole, capture_output=True, text=True)
        if done.returncode:
            return "", f"python{version} cannot be given the locked packages: {done.stderr.strip()[-300:]}"
    mark.write_bytes(lock)
    return str(python), ""
