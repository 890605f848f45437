"""Run every benchmark, print one table, store the figures for this commit in benchmarks/history/.

`python -m benchmarks.run [--quick]`. Ratios are against the named peer in the same run.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
from pathlib import Path

from benchmarks import crash, journal, whole_book

HISTORY = Path(__file__).parent / "history"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, for a look; nothing is stored")
    quick = parser.parse_args().quick
    rows = [*whole_book.measure(100_000 if quick else 1_000_000), *crash.measure(1_000 if quick else 10_000),
        *journal.measure(quick)]
    width = max(len(str(row["figure"])) for row in rows)
    for row in rows:
        print(
            f"{row['figure']!s:<{width}}  {row['ours']!s:>10}  {row['peer']!s:>16}  "
            f"{row['ratio']!s:>7}x  goal {row['goal']}"
        )
    if not quick:
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip()
        HISTORY.mkdir(exist_ok=True)
        record = {
            "commit": commit,
            "machine": platform.machine(),
            "python": platform.python_version(),
            "rows": rows,
        }
        (HISTORY / f"{commit or 'unknown'}.json").write_text(
            json.dumps(record, indent=1, sort_keys=True) + "\n"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
