"""`make determinism`: the hour under every setting, one line each; exit 1 if any digest differs.

An interpreter that is not on this machine is said to be missing, never counted as equal.
"""

from __future__ import annotations

import sys
import tempfile
import time

from tests.determinism import settings


def main() -> int:
    with tempfile.TemporaryDirectory() as tmp:
        return compare(tmp)


def compare(tmp: str) -> int:
    plain = settings.run(settings.PLAIN)
    for name, digest in plain.items():
        print(f"{name:14} {digest}")
    moved = settings.libm_digest({}) != settings.libm_digest({"GLIBC_TUNABLES": settings.OLDER_CPU})
    print(f"\nmasking AVX2 and FMA {'changes' if moved else 'does not change'} the platform's own exp here\n")
    different = missing = 0
    for setting in (*settings.HERE, *settings.others()):
        python, why = settings.environment(setting.python) if setting.python else (sys.executable, "")
        if why:
            print(f"MISSING    {setting.name}: {why}", flush=True)
            missing += 1
            continue
        started = time.monotonic()
        found = settings.run(setting, python, tmp)
        wrong = [name for name in plain if plain[name] != found.get(name)]
        different += bool(wrong)
        verdict = f"DIFFERENT  {setting.name}: {', '.join(wrong)}" if wrong else f"equal      {setting.name}"
        print(f"{verdict} ({time.monotonic() - started:.0f} s)", flush=True)
    print(f"\n{different} settings differ, {missing} could not be run")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
