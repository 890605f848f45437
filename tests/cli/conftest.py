"""A small run and a small book, and a way to call the command line and see everything it said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from seawall.cli.main import main
from tests.cli.small import BOOK, SMALL, Said


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run `seawall ...` in this process."""

    def run(*words: object) -> Said:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:  # argparse
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.csv"
    path.write_text(BOOK)
    return path


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small crash with its journal; tests that damage it take a copy."""
    folder = tmp_path_factory.mktemp("run") / "small"
    assert main(["simulate", "harbor", *SMALL, "--out", str(folder), "--json"]) == 0
    return folder
