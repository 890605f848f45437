"""How records lie in the SQLite file: the tables, one row per commit, and the hash chain over them.

One row of `groups` holds all records of one commit: `seq` of the first, their number `size`, their
`lengths` and `checks` (little-endian uint32 columns) and their bytes end to end. `hash` = sha256 over the
previous row's hash and everything in this row, so a change anywhere breaks it; `checks` = crc32 of each
record, started from its seq, serve only to say which record it was. `state` is the sha256 digest of the
state after the last record, or empty. `head` notes an end that the journal must still reach: it is moved
before rows leave the write-ahead log for the file, so a commit in the file is never behind it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from seawall.errors import JournalError

APPLICATION_ID = 0x5345_4157  # "SEAW", so that `file` and other tools can tell
NO_HASH = bytes(32)
TABLES = {
    "groups": "CREATE TABLE groups (seq INTEGER PRIMARY KEY, size INTEGER NOT NULL, hash BLOB NOT NULL,"
    " state BLOB NOT NULL, lengths BLOB NOT NULL, checks BLOB NOT NULL, payload BLOB NOT NULL)",
    "head": "CREATE TABLE head (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, hash BLOB NOT NULL)",
    "snapshots": "CREATE TABLE snapshots (seq INTEGER PRIMARY KEY, chain BLOB NOT NULL, state BLOB NOT NULL,"
    " hash BLOB NOT NULL, data BLOB NOT NULL)",
}
INSERT_GROUP = "INSERT INTO groups VALUES (?, ?, ?, ?, ?, ?, ?)"
GROUP_COLUMNS = "seq, size, hash, state, lengths, checks, payload"
_NUMBERS = struct.Struct("<qIB").pack
SNAPSHOT_COLUMNS = "seq, chain, state, hash, data"


class GroupRow(NamedTuple):
    """One row of `groups`, as read: nothing in it has been checked."""

    seq: int
    size: int
    hash: bytes
    state: bytes
    lengths: bytes
    checks: bytes
    payload: bytes

    @property
    def last(self) -> int:
        return self.seq + self.size - 1 if type(self.size) is int else self.seq


class Group(NamedTuple):
    """The records of one commit, checked against the chain. `state` is the digest after `last`, or empty."""

    seq: int
    last: int
    payloads: list[bytes]
    state: bytes
    hash: bytes


class SnapshotRow(NamedTuple):
    """One row of `snapshots`: the state after record `seq`; `chain` is the hash of the group ending there."""

    seq: int
    chain: bytes
    state: bytes
    hash: bytes
    data: bytes


class DamagedRecord(JournalError):
    """A journal that is not as it was written, at record `seq`."""

    def __init__(self, text: str, seq: int) -> None:
        super().__init__(text)
        self.seq = seq


def damaged(path: Path, seq: int, what: str, fix: str = "") -> DamagedRecord:
    """The one form of every damage report: file, record, what differs, what to do."""
    advice = (
        fix
        or "Do not append to it. Restore the file from a copy, or replay it up to the record before this one."
    )
    return DamagedRecord(f"{path}: record {seq}: {what}\n  {advice}", seq)


def pack_group(seq: int, payloads: Sequence[bytes], previous: bytes, state: bytes) -> GroupRow:
    """Lay the records `seq`, `seq + 1`, ... out as one row, chained to the row before."""
    count = len(payloads)
    column = f"<{count}I"
    lengths = struct.pack(column, *map(len, payloads))
    checks = struct.pack(column, *map(crc32, payloads, range(seq, seq + count)))
    payload = b"".join(payloads)
    chained = _hash(seq, count, previous, state, lengths, checks, payload)
    return GroupRow(seq, count, chained, state, lengths, checks, payload)


def chain_hash(row: GroupRow, previous: bytes) -> bytes:
    """sha256 over the previous hash and this row; all lengths are in it, so no two rows read alike."""
    return _hash(row.seq, row.size, previous, row.state, row.lengths, row.checks, row.payload)


def _hash(
    seq: int, size: int, previous: bytes, state: bytes, lengths: bytes, checks: bytes, payload: bytes
) -> bytes:
    # Two calls instead of six: the time of a small commit is that of its calls.
    digest = hashlib.sha256(b"".join((previous, _NUMBERS(seq, size, len(state)), state, lengths, checks)))
    digest.update(payload)
    return digest.digest()


def snapshot_hash(row: SnapshotRow) -> bytes:
    """sha256 over everything in a snapshot row."""
    digest = hashlib.sha256(b"seawall snapshot" + struct.pack("<q", row.seq))
    for part in (row.chain, row.state, row.data):
        digest.update(part)
    return digest.digest()


def check_group(path: Path, row: GroupRow, previous: Sequence[bytes]) -> Group:
    """Split a row into its records, or raise JournalError at the record that is wrong.

    `previous` are the hashes that the row before may have (several only while looking for more damage).
    """
    fault = find_shape_fault(row)
    if fault is None and row.hash not in [chain_hash(row, before) for before in previous]:
        fault = find_changed_record(row)
    if fault is not None:
        raise damaged(path, *fault)
    lengths, payload = struct.unpack(f"<{row.size}I", row.lengths), row.payload
    payloads = [payload[end - length : end] for end, length in zip(accumulate(lengths), lengths)]
    return Group(row.seq, row.last, payloads, row.state, row.hash)


def find_shape_fault(row: GroupRow) -> tuple[int, str] | None:
    """The first record of a row whose columns cannot be what was written, and why."""
    if type(row.seq) is not int or type(row.size) is not int or not 0 < row.size < 2**32:
        return int(row.seq), f"its group says it has {row.size!r} records"
    for name in ("hash", "state", "lengths", "checks", "payload"):
        if type(getattr(row, name)) is not bytes:
            return row.seq, f"column {name} of its group is {type(getattr(row, name)).__name__}, not bytes"
    if len(row.hash) != 32 or len(row.state) not in (0, 32):
        return row.seq, "the hash or state digest of its group is not 32 bytes long"
    if not len(row.lengths) == len(row.checks) == 4 * row.size:
        return row.seq, f"its group of {row.size} records has {len(row.lengths)} bytes of lengths"
    lengths = struct.unpack(f"<{row.size}I", row.lengths)
    if sum(lengths) != len(row.payload):
        seq, _ = find_changed_record(row)
        return seq, f"its group should hold {sum(lengths)} bytes of records and holds {len(row.payload)}"
    return None


def find_changed_record(row: GroupRow) -> tuple[int, str]:
    """Which record of a row with a broken hash is not the one written there, by its crc32."""
    lengths = struct.unpack(f"<{row.size}I", row.lengths)
    checks = struct.unpack(f"<{row.size}I", row.checks)
    start = 0
    for index, (length, check) in enumerate(zip(lengths, checks)):
        seq = row.seq + index
        if start + length > len(row.payload) or crc32(row.payload[start : start + length], seq) != check:
            return seq, "its bytes are not those that were written (crc32 and chain hash differ)"
        start += length
    return row.seq, (
        f"the group of records {row.seq} to {row.last} does not continue the chain: a record before it was "
        "removed, added or exchanged, or its hash or state digest was altered"
    )
