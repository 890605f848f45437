"""The process that gets killed: goes on with a journal, and says what it has acknowledged.

`python worker.py PATH PER_COMMIT` prints one line `seq hash` after each commit, until it is stopped from
outside.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from seawall.journal import Recorder
from tests.journal.venue import SmallEngine, commands, small_rulebook


def main(path: Path, per_commit: int) -> None:
    if path.exists():
        run = Recorder.resume(path, engine_factory=SmallEngine, snapshot_every=300, digest_every=60)
    else:
        run = Recorder.create(
            path, small_rulebook(), engine_factory=SmallEngine, snapshot_every=300, digest_every=60
        )
    # The balances say how many accounts there are; after them every command is as good as another.
    opened = sum(pot >= 7 for pot in run.engine.state.balances)
    start = opened if opened < 10 else 10 + run.engine.state.seq
    print("ready", run.journal.last_seq, flush=True)
    for index in itertools.count():
        for command in commands(1, first=start + index):
            run.step(command)
        if index % per_commit == per_commit - 1:
            seq = run.commit()
            print(seq, run.journal.head[1].hex(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
