"""Find a venue's rulebook by name or path, read it, check it.

`harbor` is the newest built-in one of that name, `harbor@2026-01-01` that very one (rulebooks.find). Lending
rulebooks come laid out for the engine; `name:choice` is one of their markets or modes (rulebooks.lay_out).
No units, no rounding.
"""

from __future__ import annotations

from pathlib import Path

from seawall.errors import RulebookError
from seawall.rulebooks.check import check_rulebook
from seawall.rulebooks.find import built_in, find_text, is_path
from seawall.rulebooks.lay_out import is_lending, lay_out
from seawall.rulebooks.model import Rulebook
from seawall.rulebooks.parse import parse_rulebook

LENDING = "lending"


def list_rulebooks() -> tuple[str, ...]:
    """The built-in rulebooks as `name@date`, by name, oldest first."""
    return tuple(f"{name}@{date}" for name, date in built_in())


def load_rulebook(name_or_path: str | Path) -> Rulebook:
    """A rulebook that has passed every check.

    Raises RulebookError: none of that name, text that cannot be read, or rules that contradict themselves.
    """
    rulebook, file = _read(name_or_path)
    check_rulebook(rulebook, file=file)
    return rulebook


def _read(name_or_path: str | Path) -> tuple[Rulebook, str]:
    name, choice = str(name_or_path), ""
    if not is_path(name_or_path):
        name, _, choice = name.partition(":")
    lent = name.partition("@")[0] in {known for known, _date in built_in(LENDING)}
    file, text = find_text(name_or_path if is_path(name_or_path) else name, folder=LENDING if lent else "")
    if lent or (is_path(name_or_path) and is_lending(text)):
        return lay_out(text, file=file, choice=choice), file
    if choice:
        raise RulebookError(f"{name_or_path}: {name} has no markets to choose\n  Leave out ':{choice}'.")
    return parse_rulebook(text, file=file), file
