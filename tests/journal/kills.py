"""kill -9 at random moments under load: one journal, killed and gone on with again and again.

`python -m tests.journal.kills COUNT [FOLDER] [SEED]` (make kills N=1000) prints a summary as JSON and exits 1
at the first thing that is wrong. A child opens the journal, recovers, commits in groups of changing size,
snapshots, folds its log, closes and opens again, and says each commit once it has returned; it is killed
after a random time, so also while it opens or closes. Then everything it ever said must be there, the chain
whole, and the recovered state that of an engine which has decided every command since the first.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from seawall.errors import JournalError
from seawall.journal import JournalReader, Recorder, check_journal, recover
from seawall.journal import store as journal_store
from seawall.journal.codec import encode_record
from tests.journal.venue import SmallEngine, commands, small_rulebook

LIFE_SECONDS = 0.2  # at most
DEEP_EVERY = 100
SETTINGS = {"snapshot_every": 300, "digest_every": 60}


def live(path: Path, tell: int, seed: int) -> None:
    """Write until killed."""
    journal_store.CHECKPOINT_PAGES = 40
    chance = random.Random(seed)
    while True:
        if path.exists():
            run = Recorder.resume(path, engine_factory=SmallEngine, **SETTINGS)
        else:
            run = Recorder.create(path, small_rulebook(), engine_factory=SmallEngine, **SETTINGS)
        for _ in range(chance.randrange(1, 60)):
            # The balances say how many accounts there are; after them every command is as good as another.
            opened = sum(pot >= 7 for pot in run.engine.state.balances)
            first = opened if opened < 10 else 10 + run.engine.state.seq
            for command in commands(1 if opened < 10 else chance.choice([1, 1, 3, 20]), first=first):
                run.step(command)
            seq = run.commit()
            os.write(tell, f"{seq} {run.journal.head[1].hex()}\n".encode())
        run.close()


def one_life(path: Path, seed: int, seconds: float) -> list[tuple[int, str]]:
    """What a child said before it was killed, in whole lines."""
    hear, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(hear)
        try:
            live(path, tell, seed)
        except BaseException as error:
            os.write(tell, f"failed {type(error).__name__}:{error}".replace("\n", " ").encode() + b"\n")
        finally:
            os._exit(1)
    os.close(tell)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    with os.fdopen(hear, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status) != -signal.SIGKILL or "failed" in said:
        raise AssertionError(f"the writer stopped by itself: {said[-500:]}")
    lines = [line.split() for line in said.splitlines(keepends=True) if line.endswith("\n")]
    return [(int(seq), digest) for seq, digest in lines]


class Witness:
    """Decides every command of the journal once, from the first, and remembers what was acknowledged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = SmallEngine(small_rulebook())
        self.chain = b""
        self.acknowledged: dict[int, str] = {}

    def look(self) -> None:
        """AssertionError where something acknowledged is gone, or a state is not that of the records."""
        with JournalReader(self.path) as reader:
            there = {group.last: group.hash.hex() for group in reader.groups()}
            lost = [seq for seq, digest in self.acknowledged.items() if there.get(seq) != digest]
            assert not lost, f"acknowledged and lost: {lost[:5]}"
            for step in reader.steps(self.engine.state.seq, self.chain):
                events = self.engine.step(step.command)
                assert [encode_record(event) for event in events] == step.payloads, f"record {step.seq}"
            self.chain = reader.head()[1]
        recovered = recover(self.path, engine_factory=SmallEngine).state
        assert recovered.seq == self.engine.state.seq
        assert recovered.digest() == self.engine.state.digest(), f"other state after record {recovered.seq}"


def run_kills(path: Path, count: int, seed: int) -> dict[str, int]:
    """Kill `count` writers of one journal; the counts. Raises AssertionError or JournalError."""
    chance = random.Random(seed)
    witness = Witness(path)
    silent = 0
    for kill in range(1, count + 1):
        said = one_life(path, chance.randrange(2**32), chance.random() * LIFE_SECONDS)
        silent += not said
        witness.acknowledged.update(said)
        if path.exists():
            witness.look()
        if kill % DEEP_EVERY == 0 or kill == count:
            check_journal(path, deep=True, engine_factory=SmallEngine).raise_if_damaged()
    report = check_journal(path)
    return {
        "kills": count,
        "acknowledged commits": len(witness.acknowledged),
        "commits": report.groups - 1,
        "records": report.last_seq,
        "killed before any commit": silent,
        "lost": 0,
    }


def main() -> int:
    count = int(sys.argv[1])
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp(prefix="seawall-kills-"))
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    try:
        print(json.dumps(run_kills(folder / "run", count, seed)))
    except (AssertionError, JournalError) as error:
        print(f"seed {seed}: {error}\n  The journal is kept: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
