"""Find a portfolio rulebook by name or path, read it, check it.

Built-in ones lie in the folder `portfolio`; `derive-pm2` is the newest of that name, `derive-pm2@2026-03-01`
that very one (rulebooks.find). Units as in rulebooks.parse_portfolio; no rounding here.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from seawall.errors import RulebookError
from seawall.rulebooks.check_portfolio import check_portfolio
from seawall.rulebooks.find import built_in, find_text, is_path, open_page, read_path
from seawall.rulebooks.parse_portfolio import read_portfolio
from seawall.rulebooks.portfolio_model import PortfolioRulebook

FOLDER = "portfolio"


def list_portfolio_rulebooks() -> tuple[str, ...]:
    """The built-in portfolio rulebooks as `name@date`, by name, oldest first."""
    return tuple(f"{name}@{date}" for name, date in built_in(FOLDER))


def load_portfolio_rulebook(name_or_path: str | Path) -> PortfolioRulebook:
    """A portfolio rulebook that has passed every check.

    Raises RulebookError: none of that name, text that cannot be read, or rules that contradict themselves.
    """
    file, text = find_text(name_or_path, folder=FOLDER, kind="portfolio rulebook")
    return parse_portfolio_rulebook(text, file=file)


def is_portfolio_rulebook(name_or_path: str) -> bool:
    """Whether this is a portfolio rulebook: a built-in one, or a TOML file with [portfolio] and no [margin].

    A file that cannot be read is none; whoever loads it says why.
    """
    if not is_path(name_or_path):
        return name_or_path.partition("@")[0] in {name for name, _ in built_in(FOLDER)}
    try:
        data = tomllib.loads(read_path(Path(name_or_path)))
    except (ValueError, RecursionError, RulebookError):
        return False
    return "portfolio" in data and "margin" not in data


def parse_portfolio_rulebook(text: str, *, file: str) -> PortfolioRulebook:
    """Read and check one; `file` is only what errors call it. Raises RulebookError."""
    top = open_page(text, file=file)
    page, venue = top.page, top.table("venue")
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
