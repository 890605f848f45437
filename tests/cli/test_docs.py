"""What the documentation shows is true: commands parse, pages are in the menu, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from seawall.cli.main import COMMANDS
from seawall.cli.parsing import make_parser

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHOWN = re.compile(r"^ {4}(?:\.venv/bin/)?(seawall +[a-z]+ .*)$", re.MULTILINE)
CONTINUED = re.compile(r"\\\n +")  # a command over several lines
TEXTS = [(page, CONTINUED.sub("", page.read_text("utf-8"))) for page in PAGES]
COMMAND_LINES = [(page, line) for page, text in TEXTS for line in SHOWN.findall(text)]


@pytest.mark.parametrize(("page", "line"), COMMAND_LINES, ids=[line[:60] for _, line in COMMAND_LINES])
def test_every_command_in_the_documentation_parses(page, line):
    words = shlex.split(line, comments=True)
    assert words[1] in COMMANDS, page
    command = import_module(f"seawall.cli.{words[1]}")
    parser = make_parser(words[1], command.DESCRIPTION, command.EXAMPLES)
    command.add_arguments(parser)
    parser.parse_args(words[2:])


def test_the_documentation_shows_nearly_every_command():
    shown = {shlex.split(line, comments=True)[1] for _, line in COMMAND_LINES}
    assert set(COMMANDS) - shown <= {"conform", "rulebooks"}


def test_every_page_is_in_the_menu_and_every_entry_is_a_page():
    menu = set(re.findall(r"([\w/-]+\.md)", (ROOT / "mkdocs.yml").read_text("utf-8")))
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    assert menu <= pages
    assert pages - menu <= {page for page in pages if page.startswith("reference/")}


def test_links_between_pages_lead_to_pages():
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#:]+\.md)\)", page.read_text("utf-8")):
            assert (page.parent / link).is_file(), (page, link)


def test_the_readme_names_exactly_two_commands_that_set_up():
    text = (ROOT / "README.md").read_text("utf-8")
    assert re.findall(r"^ {4}(make \w+)", text, re.MULTILINE) == ["make demo", "make test"]
