"""Find a rulebook by name or path, read it, check it.

Built-in rulebooks lie beside this file as `<name>-<date>.toml`; `harbor` is the newest of that name,
`harbor@2026-01-01` that very one. Anything with a slash or ending in `.toml` is a path.
This is the only file of the core that reads files. No units, no rounding.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from seawall.errors import RulebookError
from seawall.rulebooks.check import check_rulebook
from seawall.rulebooks.model import Rulebook
from seawall.rulebooks.parse import parse_rulebook

MAX_BYTES = 8 << 20  # TOML is read at about a megabyte a second; the largest venues need one
_DATED = re.compile(r"^(?P<name>.+)-(?P<date>\d{4}-\d{2}-\d{2})\.toml$")


def list_rulebooks() -> tuple[str, ...]:
    """The built-in rulebooks as `name@date`, by name, oldest first."""
    return tuple(f"{name}@{date}" for name, date in sorted(_built_in()))


def load_rulebook(name_or_path: str | Path) -> Rulebook:
    """A rulebook that has passed every check.

    Raises RulebookError: none of that name, text that cannot be read, or rules that contradict themselves.
    """
    wanted = str(name_or_path)
    if isinstance(name_or_path, Path) or "/" in wanted or wanted.endswith(".toml"):
        file, text = Path(name_or_path).name, _read_path(Path(name_or_path))
    else:
        file = _resolve(wanted)
        text = files("seawall.rulebooks").joinpath(file).read_text(encoding="utf-8")
    rulebook = parse_rulebook(text, file=file)
    check_rulebook(rulebook, file=file)
    return rulebook


def _built_in() -> list[tuple[str, str]]:
    found = (_DATED.match(entry.name) for entry in files("seawall.rulebooks").iterdir())
    return [(match["name"], match["date"]) for match in found if match]


def _resolve(wanted: str) -> str:
    """`name` or `name@date` to the file that holds it."""
    name, _, date = wanted.partition("@")
    dates = sorted(found for known, found in _built_in() if known == name)
    if not dates:
        names = sorted({known for known, _ in _built_in()})
        near = get_close_matches(name, names, n=1)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise RulebookError(
            f"{wanted}: there is no built-in rulebook of that name\n"
            f"  {hint}Built in: {', '.join(names)}. A file of yours: its path, with .toml."
        )
    if date and date not in dates:
        raise RulebookError(f"{wanted}: '{name}' is not held for that date\n  Dates held: {', '.join(dates)}")
    return f"{name}-{date or dates[-1]}.toml"


def _read_path(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise RulebookError(
                f"{path}: has {size:,} bytes, more than the {MAX_BYTES:,} a rulebook may have\n"
                "  Divide the venue into several rulebooks, or check that this is a rulebook."
            )
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a path with a NUL in it
        fix = "Give the path of a rulebook in TOML (UTF-8)."
        raise RulebookError(f"{path}: cannot be read: {error}\n  {fix}") from None
