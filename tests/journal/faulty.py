"""A small workload on a disk that fails at its n-th write, sync, truncation or opening, for every n.

`LD_PRELOAD=faults.so python -m tests.journal.faulty FOLDER [STRIDE]` runs each case in a child, looks at what
it left and prints a summary as JSON: how often each fault ended how, and what was wrong (nothing, it is
hoped). With `trace FOLDER` it writes down every change of one run, and no fault happens: see test_power.py.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from seawall.errors import JournalError
from seawall.journal import JournalReader, Recorder, check_journal
from seawall.journal import store as journal_store
from tests.journal.venue import SmallEngine, commands, small_rulebook

WRITE, SYNC, TRUNCATE, OPEN = 1, 2, 4, 8  # as in faults.c
SHORT, TORN = -1, -2
COMMANDS, PER_COMMIT = 27, 3
DONE, STOPPED, DIED, BROKE = 0, 7, 9, 8
ENDS = {DONE: "done", STOPPED: "stopped", DIED: "died", BROKE: "broke"}


class Fault(NamedTuple):
    """What happens to the n-th of some calls, and whether to all later ones too."""

    name: str
    calls: int
    kind: int
    forever: bool


FAULTS = (
    Fault("a short write", WRITE, SHORT, False),
    Fault("a torn write, then death", WRITE, TORN, False),
    Fault("a full disk, once", WRITE, errno.ENOSPC, False),
    Fault("a full disk from then on", WRITE, errno.ENOSPC, True),
    Fault("a failed write", WRITE, errno.EIO, False),
    Fault("a failed sync", SYNC, errno.EIO, False),
    Fault("failing syncs from then on", SYNC, errno.EIO, True),
    Fault("death before a sync", SYNC, TORN, False),
    Fault("a failed truncation", TRUNCATE, errno.EIO, False),
    Fault("a disk read-only from then on", WRITE | SYNC | TRUNCATE | OPEN, errno.EROFS, True),
)


def refused_for_good(run: Recorder) -> None:
    """After a failure other than a full disk nobody knows what the disk has: nothing more may be appended."""
    try:
        run.commit()
    except JournalError as error:
        assert "a write failed earlier" in str(error), error
    else:
        raise AssertionError("a commit after a failed write was taken")


def work(folder: Path) -> None:
    """Write a journal with checkpoints and snapshots; note each commit in `acks` once it has returned.

    A commit is tried once more: where the message says one may, that goes on; elsewhere it must be refused.
    """
    journal_store.CHECKPOINT_PAGES = 8
    acks = os.open(folder / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def acknowledge(run: Recorder) -> None:
        seq, digest = run.journal.head
        os.write(acks, f"{seq} {digest.hex()}\n".encode())

    def commit(run: Recorder) -> None:
        try:
            run.commit()
        except JournalError as error:
            if "commit again" in str(error):
                run.commit()
            else:
                refused_for_good(run)
                raise
        acknowledge(run)

    run = Recorder.create(
        folder / "run", small_rulebook(), engine_factory=SmallEngine, digest_every=10, snapshot_every=20
    )
    acknowledge(run)
    for index, command in enumerate(commands(COMMANDS)):
        run.step(command)
        if index % PER_COMMIT == PER_COMMIT - 1:
            commit(run)
    run.close()


def child(folder: Path, fault: Fault, nth: int, shim: ctypes.CDLL) -> tuple[int, str]:
    """Run the workload in a process of its own under one fault: how it ended, and what it said."""
    pid = os.fork()
    if pid == 0:
        code = BROKE
        said = os.open(folder.parent / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            shim.fault_arm(str(folder).encode(), fault.calls, nth, fault.kind, int(fault.forever))
            work(folder)
            code = DONE
        except JournalError as error:
            os.write(said, str(error).encode())
            code = STOPPED
        except BaseException:
            os.write(said, traceback.format_exc().encode())
        finally:
            os._exit(code if shim.fault_seen() >= nth else code + 100)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), (folder.parent / "said").read_text()


def wrong_after(folder: Path) -> str:
    """What is wrong with what a child left behind, after going on with it; empty where nothing is."""
    path = folder / "run"
    acked = [line.split() for line in (folder / "acks").read_text().splitlines()]
    try:
        with Recorder.resume(path, engine_factory=SmallEngine) as run:
            reached = run.engine.state.seq
            for command in commands(6, first=100 if reached > 24 else 0):
                run.step(command)
    except JournalError as error:
        never_made = "no such journal" in str(error) and not acked
        return "" if never_made else f"cannot be resumed: {error}"
    report = check_journal(path, deep=True, engine_factory=SmallEngine)
    if not report.ok:
        return str(report)
    with JournalReader(path) as reader:
        there = {group.last: group.hash.hex() for group in reader.groups()}
    lost = [seq for seq, digest in acked if there.get(int(seq)) != digest]
    return f"acknowledged and lost: {lost}" if lost or (acked and reached < int(acked[-1][0])) else ""


def run_all(home: Path, stride: int, shim: ctypes.CDLL) -> dict[str, object]:
    """Every fault at every `stride`-th call, until a run is through before its n-th call."""
    ends: dict[str, Counter[str]] = {}
    wrong = []
    for fault in FAULTS:
        ends[fault.name] = Counter()
        nth = 1
        while True:
            folder = home / "case"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            code, said = child(folder, fault, nth, shim)
            if code >= 100:
                break
            ends[fault.name][ENDS.get(code, str(code))] += 1
            found = wrong_after(folder)
            unclear = code == STOPPED and ("\n  " not in said or str(folder) not in said)
            if found or unclear or code not in (DONE, STOPPED, DIED):
                wrong.append({"fault": fault.name, "nth": nth, "code": code, "said": said, "found": found})
            nth += stride
    return {"ends": ends, "wrong": wrong, "cases": sum(sum(count.values()) for count in ends.values())}


if __name__ == "__main__":
    library = ctypes.CDLL(None)
    library.fault_seen.restype = ctypes.c_long
    library.fault_arm.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_long, ctypes.c_int, ctypes.c_int]
    if sys.argv[1] == "trace":
        home = Path(sys.argv[2])
        (home / "case").mkdir()
        library.fault_arm(str(home / "case").encode(), 0, 0, 0, 0)
        library.fault_trace(str(home / "trace").encode())
        work(home / "case")
    else:
        stride = int(sys.argv[2]) if len(sys.argv) > 2 else 1
        print(json.dumps(run_all(Path(sys.argv[1]), stride, library)))
