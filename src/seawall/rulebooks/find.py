"""Find the text of a rulebook of any kind: built in by `name` or `name@date`, or a file by its path.

Built-in ones are `<name>-<date>.toml` in a folder of this package: venues in the package itself, portfolio
and SPAN rules in folders of their own. A name alone is the newest of that name; anything with a slash or
ending in `.toml` is a path. This is the only file of the core that reads files. No units, no rounding.
"""

from __future__ import annotations

import json
import re
import tomllib
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

from seawall.errors import RulebookError
from seawall.rulebooks.reader import Page, Table

# The kinds of built-in rulebooks: folder -> what a person calls them.
FOLDERS = {
    "": "a venue",
    "portfolio": "portfolio margin",
    "span": "SPAN",
    "lending": "lending",
    "cdp": "debt positions",
}
MAX_BYTES = 8 << 20  # TOML is read at about a megabyte a second; the largest venues need one
_DATED = re.compile(r"^(?P<name>.+)-(?P<date>\d{4}-\d{2}-\d{2})\.toml$")


def built_in(folder: str = "") -> list[tuple[str, str]]:
    """(name, date) of the built-in ones of a folder, by name, oldest first."""
    found = (_DATED.match(entry.name) for entry in files("seawall.rulebooks").joinpath(folder).iterdir())
    return sorted((match["name"], match["date"]) for match in found if match)


def published() -> dict[str, dict[str, int | list[str]]]:
    """Rulebook -> published numbers held against it: `vectors`, `reproduced`, `of`. Written with the page."""
    text = files("seawall.rulebooks").joinpath("published.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, int | list[str]]] = json.loads(text)
    return found


def is_path(name_or_path: str | Path) -> bool:
    wanted = str(name_or_path)
    return isinstance(name_or_path, Path) or "/" in wanted or wanted.endswith(".toml")


def find_text(name_or_path: str | Path, *, folder: str = "", kind: str = "rulebook") -> tuple[str, str]:
    """(what errors call it, its text). RulebookError: none of that name and date, or it cannot be read."""
    if is_path(name_or_path):
        return Path(name_or_path).name, read_path(Path(name_or_path))
    file = _resolve(str(name_or_path), folder, kind)
    return file, files("seawall.rulebooks").joinpath(folder, file).read_text(encoding="utf-8")


def read_path(path: Path) -> str:
    """The text of a file that may be a rulebook. RulebookError: too large, or not to be read as UTF-8."""
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


def open_page(text: str, *, file: str) -> Table:
    """The top table of a page, its documents read. RulebookError for text that is no TOML."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also: brackets in brackets, thousands of digits
        raise RulebookError(f"{file}: not valid TOML: {error}\n  Correct the file at that place.") from None
    return page_of(data, file=file)


def page_of(data: dict[str, Any], *, file: str) -> Table:
    """The same from what TOML holds."""
    page = Page(file)
    top = Table(data, "", page)
    documents = top.table("sources")
    page.documents = {key: documents.reference(key) for key in documents.names()}
    return top


def _resolve(wanted: str, folder: str, kind: str) -> str:
    """`name` or `name@date` to the file that holds it."""
    name, _, date = wanted.partition("@")
    held = built_in(folder)
    dates = [found for known, found in held if known == name]
    if not dates:
        names = sorted({known for known, _ in held})
        near = get_close_matches(name, names, n=1)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        for other, words in FOLDERS.items():
            if other != folder and name in {known for known, _ in built_in(other)}:
                hint = f"'{name}' is one of {words}, which is not asked for here. "
        raise RulebookError(
            f"{wanted}: there is no built-in {kind} of that name\n"
            f"  {hint}Built in: {', '.join(names)}. A file of yours: its path, with .toml."
        )
    if date and date not in dates:
        raise RulebookError(f"{wanted}: '{name}' is not held for that date\n  Dates held: {', '.join(dates)}")
    return f"{name}-{date or dates[-1]}.toml"
