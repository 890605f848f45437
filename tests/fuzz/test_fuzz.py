"""A little of the fuzzing on every run, with seeded inputs and no fuzzer: `make fuzz RUNS=1000000` does more.

Each group of targets runs in a process of its own under a cap on memory, so that a reader which believes a
length in a file, or brings the interpreter down, fails here too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from seawall.errors import InputError
from tests.fuzz import corpora, targets
from tests.fuzz.mutate import mutated
from tests.fuzz.run import ROOT, SHARES

RUNS = 150
SLOW = {"book_parquet": 40}  # a Parquet file is read in a process of its own: 0.2 s an input
GROUPS = (
    ("rulebook", "proposal", "book_csv", "book_frame", "shock", "plan"),
    ("book_parquet", "prices_parquet", "prices_frame", "prices_packed"),
    ("prices_csv", "depth", "journal", "record", "snapshot", "fault", "marks", "numbers"),
)


def test_every_target_is_in_a_group_and_has_a_share() -> None:
    assert sorted(name for group in GROUPS for name in group) == sorted(targets.TARGETS) == sorted(SHARES)
    assert sum(SHARES.values()) == 1_000


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0])
def test_no_input_brings_a_reader_down(group: tuple[str, ...]) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    command = [sys.executable, "-m", "tests.fuzz.run", *group, "--runs", str(SLOW.get(group[0], RUNS))]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    assert done.stdout.count("0 findings") == len(group) + 1


@pytest.mark.parametrize("name", ["book_csv", "rulebook", "record", "shock"])
def test_the_same_seed_gives_the_same_inputs_and_they_reach_both_answers(name: str, tmp_path: Path) -> None:
    entries = corpora.corpus(name, tmp_path)
    folder = tmp_path / "in"
    folder.mkdir()
    one, two = ([mutated(chance, entries) for _ in range(200)] for chance in (Random("x"), Random("x")))
    assert one == two
    assert {targets.attempt(targets.TARGETS[name], folder, data) for data in one} == {True, False}


def test_a_reader_that_raises_anything_else_is_found(tmp_path: Path) -> None:
    def wrong(folder: Path, data: bytes) -> None:
        {}[data]

    def hollow(folder: Path, data: bytes) -> None:
        raise InputError("no")

    def litters(folder: Path, data: bytes) -> None:
        (folder / "one").touch()
        (folder / "two").touch()

    for target in (wrong, hollow, litters):
        with pytest.raises((KeyError, AssertionError)):
            targets.attempt(target, tmp_path, b"x")
