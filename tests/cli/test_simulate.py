"""`simulate`: what it writes, that it writes the same bytes again, and that a kill leaves a sound journal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from seawall.journal.check import check_journal
from seawall.report.tables import SCHEMAS
from tests.cli.small import BOOK, SMALL


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_run_leaves_journal_page_summary_and_every_table(run_folder):
    side = {"journal.db-wal", "journal.db-shm"}  # of other tests that are reading it
    wanted = {"journal.db", "report.html", "summary.json", *(f"{name}.parquet" for name in SCHEMAS)}
    assert set(files_of(run_folder)) - side == wanted
    summary = json.loads((run_folder / "summary.json").read_bytes())
    assert summary["seed"] == 0 and summary["command"].startswith("seawall simulate harbor --from")
    assert str(run_folder) not in (run_folder / "summary.json").read_text()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_every_file_whatever_the_hash_seed(tmp_path):
    folders = []
    for hash_seed in ("1", "2026"):
        folder = tmp_path / hash_seed
        command = [
            sys.executable,
            "-m",
            "seawall.cli.main",
            "simulate",
            "harbor",
            *SMALL,
            "--out",
            str(folder),
        ]
        done = subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "bar" not in done.stderr  # no progress bar where nobody looks
        folders.append(folder)
    first, second = map(files_of, folders)
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_another_seed_gives_another_run(run_folder, call, tmp_path):
    said = call("simulate", "harbor", *SMALL, "--seed", 1, "--json")
    assert said.code == 0
    other = json.loads(said.out)["runs"]["with"]["digest"]
    assert other != json.loads((run_folder / "summary.json").read_bytes())["runs"]["with"]["digest"]


def test_a_folder_that_holds_a_run_is_left_alone_unless_forced(call, tmp_path):
    out = tmp_path / "out"
    words = ["simulate", "harbor", *SMALL, "--to", "2025-10-10T21:16:00Z", "--out", out]
    assert call(*words).code == 0
    before = files_of(out)
    (out / "notes.txt").write_text("mine")
    call(*words).refuses("holds a run already", "--force")
    assert call(*words, "--force").code == 0
    assert files_of(out) == {**before, "notes.txt": b"mine"}


def test_the_closing_table_names_rulebook_hash_and_seed(call):
    said = call("simulate", "harbor", *SMALL, "--to", "2025-10-10T21:16:00Z")
    assert "seed 0" in said.out and "rulebook sha256" in said.out and "liquidated" in said.out
    assert "10 October 2025" in said.err


def test_own_prices_book_and_faults_are_used(call, tmp_path):
    bars = ["ts,open,high,low,close"]
    bars += [
        f"{1_760_000_000 + 60 * k},{60000 - 500 * k},{60010 - 500 * k},{59400 - 500 * k},{59500 - 500 * k}"
        for k in range(20)
    ]
    prices, book = tmp_path / "BTC.csv", tmp_path / "book.csv"
    prices.write_text("\n".join(bars) + "\n")
    book.write_text("".join(BOOK.splitlines(keepends=True)[:2]))
    said = call(
        "simulate", "harbor", "--prices", f"BTC={prices}", "--book", book, "--fault",
        "source_out:alpha,from=1 min,for=3 min", "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    summary = json.loads(said.out)
    assert summary["accounts"] == 1 and set(summary["instruments"]) == {"BTC-PERP"}
    assert set(summary["files_sha256"]) == {"BTC.csv", "book.csv"}
    assert summary["instruments"]["BTC-PERP"]["low_exogenous"] < 51_000


def test_no_feedback_means_that_both_runs_are_the_same(call):
    said = call("simulate", "harbor", *SMALL, "--feedback", 0, "--json")
    runs = json.loads(said.out)["runs"]
    assert runs["with"]["digest"] == runs["without"]["digest"]


@pytest.mark.slow
def test_many_paths_are_the_single_runs_of_their_seeds_in_order(call, tmp_path):
    words = ["--accounts", 20, "--open-interest", "1e7", "--shock", "BTC:-20%:3m"]
    out = tmp_path / "fan"
    said = call("simulate", "harbor", *words, "--seed", 5, "--paths", 3, "--out", out)
    assert said.code == 0 and "q95" in said.out
    paths = pl.read_parquet(out / "paths.parquet").filter(pl.col("run") == "with")
    assert paths["seed"].to_list() == [5, 6, 7]
    assert paths["digest"].n_unique() == 3
    before = files_of(out)
    assert call("simulate", "harbor", *words, "--seed", 5, "--paths", 3, "--out", out, "--force").code == 0
    assert files_of(out) == before
    call("report", out).refuses("many paths")


@pytest.mark.slow
def test_a_kill_in_the_middle_leaves_a_journal_that_is_sound_up_to_its_last_commit(tmp_path):
    out = tmp_path / "killed"
    words = ["--accounts", "1500", "--open-interest", "4e8", "--from", "2025-10-10T20:50:00Z"]
    command = [sys.executable, "-m", "seawall.cli.main", "simulate", "harbor", *words, "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    durable = loaded = 0
    try:
        while (not loaded or durable <= loaded) and process.poll() is None:
            time.sleep(0.01)
            durable = _durable(out / "journal.db")
            if not loaded and durable > 1_500:
                loaded = durable  # the book and its first step are one commit
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL, "the run was over before it could be killed"
    assert not (out / "summary.json").exists()
    report = check_journal(out / "journal.db", deep=True)
    assert report.ok, str(report)
    assert report.last_seq >= durable > loaded > 1_500


def _durable(path: Path) -> int:
    """The last group committed; `head` lags behind it, since it is noted when the log is folded in."""
    import sqlite3

    if not path.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            return int(database.execute("SELECT MAX(seq) FROM groups").fetchone()[0])
    except (sqlite3.Error, TypeError):
        return 0


@pytest.mark.slow
def test_ctrl_c_stops_many_paths_and_their_processes():
    command = [
        sys.executable,
        "-m",
        "seawall.cli.main",
        "simulate",
        "harbor",
        "--accounts",
        "200",
        "--paths",
        "64",
    ]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that runs the tests in the background has its children ignore Ctrl-C from birth.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    time.sleep(5.0)  # long enough to be at work, too short for 64 days
    os.killpg(process.pid, signal.SIGINT)
    try:
        _, err = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130 and "stopped" in err and "Traceback" not in err, err
