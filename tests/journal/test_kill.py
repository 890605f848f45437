"""kill -9 at any moment: what was acknowledged is there, what was not is gone as a whole."""

from __future__ import annotations

import os
import random
import resource
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import seawall
from seawall.journal import JournalReader, Recorder, check_journal, recover, replay
from tests.journal.venue import SmallEngine, commands, small_rulebook

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
KILLS = 15


def environment() -> dict[str, str]:
    source = str(Path(seawall.__path__[0]).parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([source, str(ROOT)])}


def run_and_kill(path: Path, per_commit: int, after_lines: int) -> list[tuple[int, str]]:
    """Let a worker acknowledge some commits, then kill it; what it had said."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "worker.py"), str(path), str(per_commit)],
        stdout=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], 60)
    assert ready, "the worker said nothing for a minute"
    said = b""
    while said.count(b"\n") < after_lines:
        chunk = os.read(process.stdout.fileno(), 4096)
        assert chunk, "the worker stopped by itself"
        said += chunk
    process.send_signal(signal.SIGKILL)
    said += process.stdout.read()
    assert process.wait() == -signal.SIGKILL
    lines = [line.split() for line in said.decode().splitlines(keepends=True) if line.endswith("\n")]
    return [(int(seq), digest) for seq, digest in lines if seq != "ready"]


@pytest.mark.slow
def test_no_acknowledged_record_is_lost_by_kill_9_and_recovery_equals_full_replay(tmp_path: Path) -> None:
    path = tmp_path / "run"
    chance = random.Random(11)
    acknowledged: list[tuple[int, str]] = []
    for _ in range(KILLS):
        acknowledged += run_and_kill(path, chance.choice([1, 3, 20]), chance.randrange(1, 60))
        with JournalReader(path) as reader:
            there = {group.last: group.hash.hex() for group in reader.groups()}
        assert all(there.get(seq) == digest for seq, digest in acknowledged)
        report = check_journal(path)
        assert report.ok, report
    assert len(acknowledged) > KILLS
    whole = replay(path, engine_factory=SmallEngine)
    assert whole.equal, whole
    assert whole.digests > 0 and check_journal(path).snapshots > 0
    assert recover(path, engine_factory=SmallEngine).state.digest().hex() == whole.state_sha256
    with Recorder.resume(path, engine_factory=SmallEngine) as run:
        assert run.journal.last_seq == whole.last_seq, "the lock of a killed writer does not stay"


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
