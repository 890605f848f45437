"""Find a venue's rulebook by name or path, read it, check it.

`harbor` is the newest built-in one of that name, `harbor@2026-01-01` that very one (rulebooks.find).
No units, no rounding.
"""

from __future__ import annotations

from pathlib import Path

from seawall.rulebooks.check import check_rulebook
from seawall.rulebooks.find import built_in, find_text
from seawall.rulebooks.model import Rulebook
from seawall.rulebooks.parse import parse_rulebook


def list_rulebooks() -> tuple[str, ...]:
    """The built-in rulebooks as `name@date`, by name, oldest first."""
    return tuple(f"{name}@{date}" for name, date in built_in())


def load_rulebook(name_or_path: str | Path) -> Rulebook:
    """A rulebook that has passed every check.

    Raises RulebookError: none of that name, text that cannot be read, or rules that contradict themselves.
    """
    file, text = find_text(name_or_path)
    rulebook = parse_rulebook(text, file=file)
    check_rulebook(rulebook, file=file)
    return rulebook
