"""The power fails at any moment: what was synced is there, of the rest any part, torn at sectors.

One run is written down call by call (faults.c), with the moments at which commits were acknowledged. From it
every state is built that a disk might be in after a cut there: all that was synced, and of what was written
after the last sync of a file any subset of sectors, also out of order.
"""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.journal.faulty import wrong_after
from tests.journal.processes import run_module

SECTOR = 512
CUTS_EACH = 4


class Call(NamedTuple):
    """One change of a file: W(rite), S(ync), T(runcate), R(ename), U(nlink)."""

    what: str
    name: str
    offset: int
    data: bytes


def calls_of(trace: bytes) -> Iterator[Call]:
    place = 0
    while place < len(trace):
        what, offset, size, length = struct.unpack_from("<4q", trace, place)
        path = trace[place + 32 : place + 32 + length].decode()
        place += 32 + length
        data = b""
        if chr(what) in "WR":
            data, place = trace[place : place + size], place + size
        yield Call(chr(what), Path(path).name, offset, data)


class Disk:
    """What is certainly on it, by file, and the changes of each file that may or may not be."""

    def __init__(self) -> None:
        self.safe: dict[str, bytes] = {}
        self.pending: dict[str, list[Call]] = {}

    def take(self, call: Call) -> None:
        if call.what == "R":
            target = Path(call.data.decode()).name
            self.safe[target] = self.safe.pop(call.name)
            self.pending[target] = self.pending.pop(call.name)
        elif call.what == "U":
            self.safe.pop(call.name, None)
            self.pending.pop(call.name, None)
        elif call.what == "S" and call.name in self.safe:
            self.safe[call.name] = applied(self.safe[call.name], self.pending[call.name])
            self.pending[call.name] = []
        elif call.what != "S":
            self.safe.setdefault(call.name, b"")
            self.pending.setdefault(call.name, []).append(call)

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        found = {}
        for name, content in self.safe.items():
            kept = self.pending[name]
            if name != "acks":  # the witness is no part of the machine that fails
                sectors = [sector for call in kept for sector in in_sectors(call)]
                share = chance.choice([0.0, 0.3, 0.7, 1.0])
                kept = [sector for sector in sectors if chance.random() < share]
            found[name] = applied(content, kept)
        return found


def in_sectors(call: Call) -> Iterator[Call]:
    """A write in the parts that a disk keeps or loses as a whole."""
    if call.what != "W":
        yield call
        return
    start, end = call.offset, call.offset + len(call.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        yield call._replace(offset=start, data=call.data[start - call.offset : stop - call.offset])
        start = stop


def applied(content: bytes, calls: list[Call]) -> bytes:
    changed = bytearray(content)
    for call in calls:
        size = call.offset if call.what == "T" else call.offset + len(call.data)
        if len(changed) < size:
            changed.extend(bytes(size - len(changed)))
        if call.what == "T":
            del changed[size:]
        else:
            changed[call.offset : size] = call.data
    return bytes(changed)


@pytest.mark.slow
def test_a_power_cut_at_any_moment_loses_nothing_acknowledged(shim: Path, quick_folder: Path) -> None:
    run_module("faulty", "trace", quick_folder, shim=shim)
    calls = list(calls_of((quick_folder / "trace").read_bytes()))
    assert sum(call.name == "acks" for call in calls) >= 10
    disk, cuts, folder = Disk(), 0, quick_folder / "after"
    for index, call in enumerate(calls):
        disk.take(call)
        for seed in range(CUTS_EACH):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name, content in {"acks": b"", **disk.after_a_cut(random.Random(index * 10 + seed))}.items():
                (folder / name).write_bytes(content)
            assert wrong_after(folder) == "", (index, call[:3], seed)
            cuts += 1
    assert cuts > 400
