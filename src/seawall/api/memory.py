"""The journal of a run kept in memory: every command and event as the bytes a journal file would hold.

For runs by the thousand, where nobody will read the file: nothing is written, nothing is flushed, and the
digest says whether two runs were the same. One record after the other, hashed as one string (records are
self-delimiting), so how they are grouped does not matter. A run of a book opened before starts from the
digest of that book's state.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seawall.engine.commands import AnyCommand
from seawall.engine.events import AnyEvent
from seawall.journal.codec import Record, decode_record, encode_record, encode_step, genesis_of
from seawall.rulebooks.model import Rulebook

BLOCK_RECORDS = 4_096


class MemoryJournal:
    """A lab recorder. `start`: the digest of the state that the run begins with, empty for a new engine."""

    def __init__(self, rulebook: Rulebook, start: bytes = b"") -> None:
        self._sum = hashlib.sha256(start)
        self._blocks: list[bytes] = []
        self._lengths = array("I")
        self._open = [encode_record(genesis_of(rulebook))]

    def record(self, command: AnyCommand, events: tuple[AnyEvent, ...]) -> None:
        self._open += encode_step(command, events)
        if len(self._open) >= BLOCK_RECORDS:
            self._close_block()

    def step_done(self, engine: Any, venue: Any, time_ns: int) -> None:
        """Nothing: there is no disk to wait for."""

    @property
    def records(self) -> int:
        """Commands and events so far, and the genesis."""
        return len(self._lengths) + len(self._open)

    @property
    def size_bytes(self) -> int:
        self._close_block()
        return sum(map(len, self._blocks))

    def digest(self) -> bytes:
        """SHA-256 over the starting state and every record so far."""
        self._close_block()
        return self._sum.digest()

    def __iter__(self) -> Iterator[Record]:
        """Every record, read back."""
        self._close_block()
        seq, sizes, nowhere = 0, iter(self._lengths), Path("journal in memory")
        for block in self._blocks:
            at = 0
            while at < len(block):
                end = at + next(sizes)
                yield decode_record(block[at:end], path=nowhere, seq=seq)
                seq, at = seq + 1, end

    def _close_block(self) -> None:
        if self._open:
            block = b"".join(self._open)
            self._lengths.extend(map(len, self._open))
            self._sum.update(block)
            self._blocks.append(block)
            self._open = []
