"""A run on disk: the same bytes for the same run, and everything comes back."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import polars as pl
import pytest

from seawall.errors import InputError
from seawall.parquet import read
from seawall.report import RunTables, load_run, render_html, write_run
from tests.report.demo import EIGHT, demo

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from seawall.report import write_run
from tests.report.demo import EIGHT, demo
write_run(demo(EIGHT), sys.argv[1])
"""


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_same_run_gives_the_same_bytes_whatever_its_row_order(tmp_path: Path) -> None:
    tables = demo(EIGHT)
    write_run(tables, tmp_path / "a")
    # Rows shuffled, and the frame in many pieces: neither may show.
    mixed = {
        name: pl.concat(
            [
                part
                for _, part in frame.with_row_index("i")
                .with_columns(pl.col("i") % 7)
                .group_by("i", maintain_order=True)
            ],
            rechunk=False,
        ).drop("i")
        if frame.height
        else frame
        for name, frame in tables.frames().items()
    }
    write_run(RunTables(**mixed, summary=dict(reversed(tables.summary.items()))), tmp_path / "b")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert len(digests(tmp_path / "a")) == 8


@pytest.mark.slow
@pytest.mark.parametrize(("threads", "hash_seed"), [("1", "1"), ("5", "2")])
def test_another_process_with_other_threads_writes_the_same_bytes(
    tmp_path: Path, threads: str, hash_seed: str
) -> None:
    write_run(demo(EIGHT), tmp_path / "here")
    environment = dict(
        os.environ,
        POLARS_MAX_THREADS=threads,
        PYTHONHASHSEED=hash_seed,
        PYTHONPATH=os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    )
    there = tmp_path / "there"
    subprocess.run([sys.executable, "-c", WRITER, str(there)], env=environment, check=True, cwd=ROOT)
    assert digests(tmp_path / "here") == digests(there)


def test_a_run_comes_back_and_gives_the_same_page(tmp_path: Path) -> None:
    tables = demo(EIGHT, count=200, steps=40)
    write_run(tables, tmp_path)
    back = load_run(tmp_path)
    for name, frame in tables.canonical().frames().items():
        assert frame.equals(back.frames()[name]), name
    assert render_html(back) == render_html(tables)


def test_the_clock_of_the_machine_is_not_on_record(tmp_path: Path) -> None:
    tables = demo(count=20, steps=10)
    write_run(tables, tmp_path / "a")
    tables.summary["wall_seconds"] = 99.0
    tables.summary["runs"]["with"]["wall_seconds"] = 98.0
    write_run(tables, tmp_path / "b")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert "wall_seconds" not in load_run(tmp_path / "a").summary


def test_an_unknown_figure_is_null_and_not_zero(tmp_path: Path) -> None:
    tables = demo(count=20, steps=10)
    tables.summary["runs"]["with"]["amplification"] = float("nan")
    write_run(tables, tmp_path)
    assert load_run(tmp_path).summary["runs"]["with"]["amplification"] is None


def test_nothing_is_written_when_a_table_is_wrong(tmp_path: Path) -> None:
    tables = msgspec.structs.replace(demo(count=20, steps=10), payers=pl.DataFrame({"run": ["with"]}))
    with pytest.raises(InputError, match="column 'payer' is missing"):
        write_run(tables, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["summary.json", "calls.parquet"])
def test_a_missing_or_broken_file_is_named(tmp_path: Path, name: str) -> None:
    write_run(demo(count=20, steps=10), tmp_path)
    (tmp_path / name).write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match=f"{name}: is not readable|{name}: is not a readable"):
        load_run(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=f"{name}: is missing"):
        load_run(tmp_path)


def test_a_file_that_brings_its_reader_down_is_named_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some damaged Parquet files end the process that reads them: that must not be ours."""
    write_run(demo(count=20, steps=10), tmp_path)
    child = tmp_path / "child.py"
    child.write_text("import os; os.abort()")
    monkeypatch.setattr(read, "_CHILD", child)
    with pytest.raises(InputError, match=r"is not a readable Parquet file .its reader ended with -6"):
        load_run(tmp_path)
