"""What a vector is, and what is found when vectors are run: reproduced, differs, unsupported.

Numbers of a vector are exact: an int, or the Fraction of its decimal text. `raw_expected` keeps them as the
file has them, for printing. Answers may be int, Fraction, float, bool, str, and lists and dicts of these.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import msgspec

# The status by which a file says of itself that the printed number does not follow from the printed rule.
CONTRADICTS = "DISAGREES"


class Vector(msgspec.Struct, frozen=True, kw_only=True):
    """One published case. `file` is its path below the folder without ending."""

    file: str
    id: str
    inputs: dict[str, Any]
    expected: Any
    raw_expected: Any = None
    tolerance: Any = None
    status: str = ""
    description: str = ""
    source: str = ""
    beside: Mapping[str, Any] = {}  # inputs of the other vectors of its file, by id: some refer to them

    @property
    def contradicts_its_rule(self) -> bool:
        return CONTRADICTS in self.status


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """One number that came out differently; `path` leads to it inside `expected`."""

    path: str
    expected: Any
    got: Any
    allowed: str = ""


class Differs(msgspec.Struct, frozen=True, kw_only=True):
    """A vector with at least one mismatch. `excused`: by its own file the number contradicts its rule."""

    id: str
    expected: Any
    got: Any
    mismatches: tuple[Mismatch, ...] = ()
    excused: bool = False


class NotSupported(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    reason: str


class FileResult(msgspec.Struct, kw_only=True):
    """The vectors of one file, in file order."""

    reproduced: list[str] = []
    differs: list[Differs] = []
    unsupported: list[NotSupported] = []
    unreadable: str = ""  # why nothing could be read, '' if it could


class Conformance(msgspec.Struct, kw_only=True):
    """The result of a run: by file, in path order."""

    files: dict[str, FileResult]

    @property
    def passed(self) -> bool:
        """Nothing differs, but for vectors excused by their own file; and every file could be read."""
        return not any(
            result.unreadable or any(not found.excused for found in result.differs)
            for result in self.files.values()
        )

    def to_json(self) -> dict[str, Any]:
        """{"files": {path: {"reproduced": [...], "differs": [...], "unsupported": [...]}}}, plain JSON."""
        return {
            "files": {
                name: {
                    "reproduced": list(result.reproduced),
                    "differs": [
                        {"id": d.id, "expected": plain(d.expected), "got": plain(d.got)}
                        for d in result.differs
                    ],
                    "unsupported": [{"id": u.id, "reason": u.reason} for u in result.unsupported],
                }
                for name, result in self.files.items()
            }
        }

    def counts(self) -> tuple[int, int, int]:
        """(reproduced, differs, unsupported) over all files."""
        found = self.files.values()
        return (
            sum(len(result.reproduced) for result in found),
            sum(len(result.differs) for result in found),
            sum(len(result.unsupported) for result in found),
        )


def plain(value: Any) -> Any:
    """A value as JSON has it: fractions become numbers, keys text, what is not finite becomes text."""
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
