"""`seawall conform`: the run as a table per file, or as JSON, and an exit code.

0 if nothing differs but vectors whose own file says that the printed number contradicts its rule; else 1.
Text goes to standard output; errors in what was asked for are raised to the caller.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seawall.conform.model import Conformance, FileResult, plain
from seawall.conform.run import run_conformance

ID_WIDTH = 34


def conform_command(paths: Sequence[str | Path], as_json: bool = False) -> int:
    """Run, print, and give the exit code. InputError if there is nothing to run."""
    found = run_conformance(*(Path(path) for path in paths))
    print(json.dumps(found.to_json(), indent=1, ensure_ascii=False) if as_json else as_text(found))
    return 0 if found.passed else 1


def as_text(found: Conformance) -> str:
    """One block per file, and a last line with the sums."""
    lines: list[str] = []
    for name, result in found.files.items():
        lines += _file_lines(name, result)
    reproduced, differs, unsupported = found.counts()
    lines.append(f"{reproduced} reproduced, {differs} differ, {unsupported} unsupported")
    return "\n".join(lines)


def _file_lines(name: str, result: FileResult) -> list[str]:
    counts = f"{len(result.reproduced)} reproduced, {len(result.differs)} differ"
    lines = [f"{name}: {counts}, {len(result.unsupported)} unsupported"]
    lines += [f"  reproduced   {identity}" for identity in result.reproduced]
    for found in result.differs:
        excused = "  (its file says: contradicts its rule)" if found.excused else ""
        lines.append(f"  differs      {found.id}{excused}")
        lines += [
            f"               {miss.path or 'result'}: expected {_text(miss.expected)}, got {_text(miss.got)}"
            + (f" (allowed: {miss.allowed})" if miss.allowed else "")
            for miss in found.mismatches
        ]
    lines += [f"  unsupported  {found.id:<{ID_WIDTH}} {found.reason}" for found in result.unsupported]
    return [*lines, ""]


def _text(value: Any) -> str:
    shown = plain(value)
    return f"{shown:.15g}" if isinstance(shown, float) else str(shown)
