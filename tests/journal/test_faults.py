"""A disk that fails at any one of its calls: the journal stops with a clear word, or goes on correctly.

The faults are injected below SQLite, by a shim between it and libc (faults.c), in processes of their own
(faulty.py). After each, the journal is reopened and gone on with; every commit that had returned must be
there, the chain whole, and the recovered state that of a full replay.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.journal.processes import run_module


@pytest.mark.slow
def test_every_call_that_can_fail_fails_once_and_nothing_acknowledged_is_lost(
    shim: Path, quick_folder: Path
) -> None:
    summary = json.loads(run_module("faulty", quick_folder, shim=shim))
    assert summary["wrong"] == []
    ends = summary["ends"]
    assert summary["cases"] > 400, summary
    assert set(ends["a short write"]) == {"done"}, "the rest of a short write is written"
    assert set(ends["a torn write, then death"]) == set(ends["death before a sync"]) == {"died"}
    for name in ("a failed write", "a failed sync", "failing syncs from then on", "a failed truncation"):
        assert ends[name]["stopped"] > ends[name].get("done", 0), (name, ends)
    assert ends["a full disk, once"]["done"] > ends["a full disk, once"]["stopped"], "commit again, and go on"
    assert ends["a disk read-only from then on"]["stopped"] > 50
