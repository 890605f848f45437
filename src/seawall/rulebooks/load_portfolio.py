"""Find a portfolio rulebook by name or path, read it, check it.

Built-in ones lie in the folder `portfolio` beside this file as `<name>-<date>.toml`; `derive-pm2` is the
newest of that name, `derive-pm2@2026-03-01` that very one. Anything with a slash or ending in `.toml` is a
path.
"""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from seawall.errors import RulebookError
from seawall.rulebooks.check_portfolio import check_portfolio
from seawall.rulebooks.load import _DATED, _read_path
from seawall.rulebooks.parse_portfolio import read_portfolio
from seawall.rulebooks.portfolio_model import PortfolioRulebook
from seawall.rulebooks.reader import Page, Table


def list_portfolio_rulebooks() -> tuple[str, ...]:
    """The built-in portfolio rulebooks as `name@date`, by name, oldest first."""
    return tuple(f"{name}@{date}" for name, date in sorted(_built_in()))


def load_portfolio_rulebook(name_or_path: str | Path) -> PortfolioRulebook:
    """A portfolio rulebook that has passed every check.

    Raises RulebookError: none of that name, text that cannot be read, or rules that contradict themselves.
    """
    wanted = str(name_or_path)
    if isinstance(name_or_path, Path) or "/" in wanted or wanted.endswith(".toml"):
        file, text = Path(name_or_path).name, _read_path(Path(name_or_path))
    else:
        file = _resolve(wanted)
        text = files("seawall.rulebooks").joinpath("portfolio", file).read_text(encoding="utf-8")
    return parse_portfolio_rulebook(text, file=file)


def is_portfolio_rulebook(name_or_path: str) -> bool:
    """Whether this is a portfolio rulebook: a built-in one, or a TOML file with [portfolio] and no [margin].

    A file that cannot be read is none; whoever loads it says why.
    """
    if "/" not in name_or_path and not name_or_path.endswith(".toml"):
        return name_or_path.partition("@")[0] in {name for name, _ in _built_in()}
    try:
        data = tomllib.loads(_read_path(Path(name_or_path)))
    except (ValueError, RecursionError, RulebookError):
        return False
    return "portfolio" in data and "margin" not in data


def parse_portfolio_rulebook(text: str, *, file: str) -> PortfolioRulebook:
    """Read and check one; `file` is only what errors call it. Raises RulebookError."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RulebookError(f"{file}: not valid TOML: {error}\n  Correct the file at that place.") from None
    page = Page(file)
    top = Table(data, "", page)
    documents = top.table("sources")
    page.documents = {key: documents.reference(key) for key in documents.names()}
    venue = top.table("venue")
    rulebook = PortfolioRulebook(
        name=venue.text("name"),
        title=venue.text("title"),
        effective=venue.day("effective"),
        sources=tuple(page.documents[key] for key in sorted(page.documents)),
        unsupported=venue.texts("unsupported", []),
        rules=read_portfolio(top.table("portfolio"), venue.text("numeraire")),
        provenance=page.provenance,
    )
    venue.done()
    top.done()
    check_portfolio(rulebook.rules, file=file)
    return rulebook


def _built_in() -> list[tuple[str, str]]:
    folder = files("seawall.rulebooks").joinpath("portfolio")
    found = (_DATED.match(entry.name) for entry in folder.iterdir())
    return [(match["name"], match["date"]) for match in found if match]


def _resolve(wanted: str) -> str:
    name, _, date = wanted.partition("@")
    dates = sorted(found for known, found in _built_in() if known == name)
    if not dates or (date and date not in dates):
        names = sorted(f"{known}@{found}" for known, found in _built_in())
        near = get_close_matches(name, [known for known, _ in _built_in()], n=1)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise RulebookError(
            f"{wanted}: there is no built-in portfolio rulebook of that name and date\n"
            f"  {hint}Built in: {', '.join(names)}. A file of yours: its path, with .toml."
        )
    return f"{name}-{date or dates[-1]}.toml"
