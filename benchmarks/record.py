"""Stored figures: one JSON file per commit in benchmarks/history/.

A file holds every module's latest rows, with the commit and machine of each, so that one file is a whole
table even where only a part was run. Files are numbered within: the highest is the latest.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.rows import Row

HISTORY = Path(__file__).parent / "history"
FORMAT = 2

# {"format", "number", "modules": {name: {"commit", "machine", "rows"}}}
Record: TypeAlias = dict[str, Any]
EMPTY: Record = {"format": FORMAT, "number": 0, "modules": {}}


def latest(folder: Path = HISTORY) -> Record:
    """The newest record; an empty one where there is none. Files of an older form are left alone."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return max((one for one in found if one.get("format") == FORMAT), key=_number, default=EMPTY)


def _number(record: Record) -> int:
    return int(record["number"])


def store(
    before: Record,
    commit: str,
    machine: dict[str, str],
    measured: dict[str, list[Row]],
    folder: Path = HISTORY,
) -> str:
    """Write the record of this commit: what was measured now, and what stood before for the rest."""
    now = {name: {"commit": commit, "machine": machine, "rows": rows} for name, rows in measured.items()}
    record = {
        "format": FORMAT,
        "number": _number(before) + 1,
        "modules": {**before["modules"], **now},
    }
    folder.mkdir(exist_ok=True)
    path = folder / f"{commit.rstrip('+')}.json"
    path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    return path.name
