"""A storm's journal on a real disk, and crashes that tear what was being written.

A crash in the middle of a commit leaves some prefix of the write-ahead log's new bytes, perhaps with rubbish
after it. Recovery must come back with the last acknowledged commit, or with the torn one whole: nothing
between, nothing less.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

from seawall.engine.engine import Engine
from seawall.journal import Recorder, check_journal, replay
from seawall.rulebooks.model import Rulebook
from tests.storms.ledger import Broken


class Disk:
    """A recorder whose files can be cut off."""

    def __init__(self, folder: Path, rulebook: Rulebook) -> None:
        self.folder = folder
        self.lives = 0
        self.path = folder / "life-0.journal"
        self.recorder = Recorder.create(self.path, rulebook, digest_every=40)

    def crash(self, rng: Random, *, unacknowledged: bool) -> tuple[Engine, bool]:
        """Stop dead and come back; says whether what had not been acknowledged survived whole."""
        journal = self.recorder.journal
        acknowledged, log = journal.durable_seq, self.path.with_name(self.path.name + "-wal")
        lock = self.path.with_name(self.path.name + ".lock")  # may note what was acknowledged
        before, noted = log.read_bytes() if log.exists() else b"", lock.read_bytes()
        if unacknowledged and rng.random() < 0.7:
            self.recorder.commit()  # on its way to the disk when the power goes
        after = log.read_bytes() if log.exists() else b""
        whole = self.recorder.engine.state.seq
        self.lives += 1
        path = self.folder / f"life-{self.lives}.journal"
        shutil.copyfile(self.path, path)
        path.with_name(path.name + "-wal").write_bytes(_torn(rng, before, after))
        path.with_name(path.name + ".lock").write_bytes(noted)
        journal.abandon()
        self.path = path
        self.recorder = Recorder.resume(path, digest_every=40)
        found = self.recorder.engine.state.seq
        if found not in (acknowledged, whole):
            raise Broken("journal", f"came back at {found}, neither {acknowledged} nor {whole}")
        return self.recorder.engine, found == whole != acknowledged

    def finish(self) -> None:
        self.recorder.close()
        report = check_journal(self.path)
        if not report.ok:
            raise Broken("journal", str(report))
        again = replay(self.path)
        if not again.equal:
            raise Broken("journal", str(again))


def _torn(rng: Random, before: bytes, after: bytes) -> bytes:
    """What the disk has of the log: all that was synced, then a part of the rest, rubbish, or all of it."""
    if not after.startswith(before):  # the log was begun anew: it is either one or the other
        return rng.choice([before, after])
    kept = after[: rng.randint(len(before), len(after))]
    rubbish = rng.randbytes(len(after) - len(kept))
    return rng.choice([kept, kept + rubbish, kept + bytes(len(rubbish)), after])
