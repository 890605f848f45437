"""Help teaches: every command is listed, has examples, and the examples are commands that parse."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from importlib import import_module

import pytest

from seawall import __version__
from seawall.cli.main import COMMANDS
from seawall.cli.parsing import make_parser


def test_help_without_a_command_lists_every_command(call):
    said = call("--help")
    assert said.code == 0
    assert all(f"seawall {name}" in said.out for name in COMMANDS)
    assert call().out == said.out


def test_version_is_that_of_the_package(call):
    assert call("--version").out == f"seawall {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_examples_that_parse(name, call):
    said = call(name, "--help")
    assert said.code == 0 and "examples:" in said.out
    command = import_module(f"seawall.cli.{name}")
    whole = re.sub(r"\\\n +", "", command.EXAMPLES)  # a command over several lines
    examples = [line.strip() for line in whole.splitlines() if line.startswith("  seawall ")]
    assert examples
    for line in examples:
        typed = line.split("   ")[0].split(" > ")[0]
        parser = make_parser(name, command.DESCRIPTION, command.EXAMPLES)
        command.add_arguments(parser)
        words = shlex.split(typed)
        assert words[:2] == ["seawall", name]
        parser.parse_args(words[2:])


def test_a_mistyped_command_gets_the_near_one(call):
    call("simulat").refuses("no command 'simulat'", "Did you mean 'simulate'?")


def test_a_missing_argument_points_to_the_help(call):
    call("replay").refuses("JOURNAL", "seawall replay --help")


@pytest.mark.parametrize("words", (["--help"], ["--version"], ["simulate", "--help"], ["margin", "--help"]))
def test_help_loads_nothing_heavy(words):
    code = (
        "import sys; from seawall.cli.main import main\n"
        f"try: main({words!r})\nexcept SystemExit: pass\n"
        "heavy = {'numba', 'numpy', 'polars', 'msgspec', 'rich', 'jinja2', 'sqlite3'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_unforeseen_error_keeps_its_traceback_and_is_called_our_bug(call, monkeypatch):
    from seawall.cli import rulebooks

    monkeypatch.setattr(rulebooks, "run", lambda args: 1 // 0)
    said = call("rulebooks")
    assert said.code == 3
    assert "ZeroDivisionError" in said.err and "bug in seawall" in said.err


def test_ctrl_c_ends_without_a_traceback(call, monkeypatch):
    from seawall.cli import rulebooks

    def stop(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(rulebooks, "run", stop)
    said = call("rulebooks")
    assert said.code == 130 and "Traceback" not in said.err


def test_a_reader_that_has_seen_enough_is_no_error():
    command = f"'{sys.executable}' -m seawall.cli.main rulebooks harbor | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert done.stdout.startswith("Harbor")


def test_debug_keeps_the_traceback_of_bad_input(call):
    from seawall.errors import RulebookError

    with pytest.raises(RulebookError):
        call("check", "nowhere", "--debug")


@pytest.fixture
def margin_words(tmp_path):
    (tmp_path / "book.csv").write_text(
        "account,instrument,size,entry_price,collateral_asset,collateral_amount\n"
        "a,BTC-PERP,0.1,60000,USDC,2000\n"
    )
    return ["margin", "harbor", str(tmp_path / "book.csv"), "--mark", "BTC=60000"]


def test_a_command_runs_compiled_code_without_importing_scipy(margin_words):
    words = [sys.executable, "-X", "importtime", "-m", "seawall.cli.main", *margin_words]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0 and "BTC-PERP" in done.stdout
    assert "numba.np.arraymath" in done.stderr  # what would import it
    assert "scipy._lib" not in done.stderr  # the first thing SciPy loads


def test_main_called_from_python_leaves_scipy_alone(call):
    call("--version")
    assert sys.modules.get("scipy", "not imported") is not None


def test_a_plain_book_is_answered_without_loading_a_table_library(margin_words):
    words = margin_words
    code = (
        f"import sys; from seawall.cli.main import main\nassert main({words!r}) == 0\n"
        "heavy = {'polars', 'rich', 'jinja2', 'plotly', 'sqlite3'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "BTC-PERP" in done.stdout
