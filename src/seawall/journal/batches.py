"""A journal in large pieces, for running it again: many commands decoded at once, their events left as bytes.

A replay compares bytes, so recorded events need no decoding: only commands do. Which records are commands is
told by the first bytes of each (its tag), and all commands of a batch are decoded in one call. A batch ends
with a commit: at a recorded state digest, after `BATCH_RECORDS` records, or at the last record asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from seawall.engine.commands import Command
from seawall.journal.codec import command_places, decode_commands
from seawall.journal.layout import damaged
from seawall.journal.reader import JournalReader

BATCH_RECORDS = 2_000


class Batch(NamedTuple):
    """Commands in order, and the bytes of them and of all their events as recorded.

    `state` is the digest recorded after `last`, or empty.
    """

    seq: int
    last: int
    commands: list[Command]
    payloads: list[bytes]
    state: bytes


class _Gathered:
    """Records of whole commits, not yet decoded. `places` are the indices of the commands among them."""

    def __init__(self) -> None:
        self.seq = 0
        self.payloads: list[bytes] = []
        self.places: list[int] = []


def batches(reader: JournalReader, after: int, chain: bytes, upto: int | None = None) -> Iterator[Batch]:
    """Everything after record `after`, whose chain hash is `chain`; `upto` as in `JournalReader.steps`.

    Raises JournalError at a record that is damaged.
    """
    held = _Gathered()
    for group in reader.groups(after, chain):
        if upto is not None and group.seq > upto:
            break
        places = command_places(group.payloads, path=reader.path, seq=group.seq)
        if not places or places[0] != 0:
            raise damaged(reader.path, group.seq, "is an event, and its group should start with a command")
        if not held.payloads:
            held.seq = group.seq
        held.places += [len(held.payloads) + place for place in places]
        held.payloads += group.payloads
        if group.state or len(held.payloads) >= BATCH_RECORDS or (upto is not None and group.last >= upto):
            yield _decoded(reader, held, upto, group.state)
            held = _Gathered()
    if held.payloads:
        yield _decoded(reader, held, upto, b"")


def _decoded(reader: JournalReader, held: _Gathered, upto: int | None, state: bytes) -> Batch:
    end, places = len(held.payloads), held.places
    if upto is not None and held.seq + places[-1] > upto:
        count = next(index for index, place in enumerate(places) if held.seq + place > upto)
        end, places, state = places[count], places[:count], b""
    commands = decode_commands(held.payloads, places, path=reader.path, seq=held.seq)
    return Batch(held.seq, held.seq + end - 1, commands, held.payloads[:end], state)
