"""kill -9 at any moment: what was acknowledged is there, what was not is gone as a whole."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.journal import Recorder, check_journal
from tests.journal.processes import environment, run_module
from tests.journal.venue import SmallEngine, commands, small_rulebook

KILLS = 40


@pytest.mark.slow
def test_no_acknowledged_record_is_lost_by_kill_9_and_recovery_equals_full_replay(tmp_path: Path) -> None:
    counts = json.loads(run_module("kills", KILLS, tmp_path))
    assert counts["kills"] == KILLS and counts["lost"] == 0
    assert counts["acknowledged commits"] > KILLS and counts["commits"] >= counts["acknowledged commits"]


def fill_until_refused(path: Path, limit_bytes: int) -> None:
    """In a child: append under a limit on file sizes, so that a real write fails; exit 7 if reported."""
    from seawall.errors import JournalError

    run = Recorder.create(path, small_rulebook(), engine_factory=SmallEngine)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    for command in commands(5_000):
        run.step(command)
        try:
            seq = run.commit()
        except JournalError as error:
            text = str(error)
            try:
                run.commit()
            except JournalError as again:
                print(seq, text.splitlines()[0], "|", str(again).splitlines()[0], flush=True)
                os._exit(7)
            os._exit(8)
    os._exit(9)


def test_a_write_that_fails_stops_the_journal_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "run"
    code = (
        "from pathlib import Path; from tests.journal.test_kill import fill_until_refused as f;"
        f"f(Path({str(path)!r}), 400_000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), timeout=120
    )
    assert done.returncode == 7, (done.returncode, done.stdout, done.stderr)
    acknowledged = int(done.stdout.split()[0])
    assert "a write failed earlier" in done.stdout or "Disk full" in done.stdout
    report = check_journal(path, deep=True, engine_factory=SmallEngine)
    assert report.ok, report
    assert report.last_seq == acknowledged
