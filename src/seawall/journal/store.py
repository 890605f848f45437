"""The writer of a journal: `append` buffers a command with its events, `commit` makes all of it durable at
once.

A record is acknowledged when the `commit` after its `append` has returned, and not before. One commit is
one row, one SQL statement and one wait for the disk, so grouping is what makes it fast. What was not
committed when the process ends is gone as a whole; a reader never sees half a commit. One writer at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from seawall.engine.commands import Command
from seawall.engine.events import Event
from seawall.errors import JournalError
from seawall.journal.codec import encode_record, encode_step, genesis_of
from seawall.journal.database import (
    PAGE_BYTES,
    connect_writer,
    create_file,
    journal_error,
)
from seawall.journal.layout import (
    INSERT_GROUP,
    NO_HASH,
    GroupRow,
    SnapshotRow,
    pack_group,
    snapshot_hash,
)
from seawall.journal.lock import WriteLock, acknowledged_end
from seawall.journal.protocol import StateLike
from seawall.journal.reader import JournalReader
from seawall.rulebooks.model import Rulebook

KEPT_SNAPSHOTS = 2
CHECKPOINT_PAGES = 1_000  # about 4 MB of write-ahead log, then it is folded into the file and used again


class Journal:
    """A journal opened for appending. Leaving its `with` block commits, leaving by an exception does not."""

    def __init__(
        self,
        path: Path,
        lock: WriteLock,
        database: sqlite3.Connection,
        head: tuple[int, bytes],
        *,
        batch_records: int = 1_000,
        digest_every: int = 10_000,
        snapshot_every: int = 1_000_000,
    ) -> None:
        self.path = path
        self.batch_records = batch_records
        self.digest_every = digest_every
        self.snapshot_every = snapshot_every
        self._lock = lock
        self._database = database
        self._durable, self._chain = head
        self._last = self._durable
        self._payloads: list[bytes] = []
        self._digest_seq = self._snapshot_seq = 0
        self._noted = self._durable
        self._log_pages = 0
        self._broken = ""

    @classmethod
    def create(
        cls,
        path: str | Path,
        rulebook: Rulebook,
        *,
        batch_records: int = 1_000,
        digest_every: int = 10_000,
        snapshot_every: int = 1_000_000,
    ) -> Journal:
        """A new journal whose record 0 is the rulebook. Raises JournalError where the file exists already."""
        path = Path(path)
        payload = encode_record(genesis_of(rulebook))
        lock, database = WriteLock(path), None
        try:
            if path.exists():
                raise JournalError(
                    f"{path}: exists already\n  Choose another name, or open it to append to it."
                )
            row = pack_group(0, [payload], NO_HASH, b"")
            lock.forget()
            create_file(path, row)
            database = connect_writer(path)
        except BaseException:
            if database is not None:
                database.close()
            lock.release()
            raise
        return cls(
            path,
            lock,
            database,
            (0, row.hash),
            batch_records=batch_records,
            digest_every=digest_every,
            snapshot_every=snapshot_every,
        )

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        rulebook: Rulebook | None = None,
        batch_records: int = 1_000,
        digest_every: int = 10_000,
        snapshot_every: int = 1_000_000,
    ) -> Journal:
        """Open to append. Checks the genesis, a given rulebook, and the last commit (all: check_journal)."""
        path = Path(path)
        if not path.is_file():
            raise JournalError(f"{path}: there is no such journal\n  Check the path, or create it first.")
        lock, database = WriteLock(path), None
        try:
            database = connect_writer(path)
            with JournalReader(path) as reader:
                head = reader.head()
                end = reader.group_of(head[0])
                noted = reader.noted()
                reader.check_end(noted, end.last, [end.hash])
                newest = reader.newest_snapshot_seq()
                if rulebook is not None and rulebook.sha256 != reader.rulebook.sha256:
                    raise JournalError(
                        f"{path}: record 0: is rulebook {reader.rulebook.tag}, not {rulebook.tag}\n"
                        "  Open it with its own rulebook, or change the rules by Propose, Approve and Enact."
                    )
        except BaseException:
            if database is not None:
                database.close()
            lock.release(keep=acknowledged_end(path) is not None)
            raise
        journal = cls(
            path,
            lock,
            database,
            head,
            batch_records=batch_records,
            digest_every=digest_every,
            snapshot_every=snapshot_every,
        )
        journal._digest_seq = head[0]
        journal._snapshot_seq = newest
        journal._noted = noted[0]
        return journal

    @property
    def last_seq(self) -> int:
        """The last record appended, durable or not."""
        return self._last

    @property
    def durable_seq(self) -> int:
        """The last record that a commit has made durable."""
        return self._durable

    @property
    def head(self) -> tuple[int, bytes]:
        """The last durable record and its chain hash: kept elsewhere, it proves that nothing was cut off."""
        return self._durable, self._chain

    def append(
        self, command: Command, seq: int, events: Sequence[Event], state: StateLike | None = None
    ) -> None:
        """Buffer a command and its events; commits by itself once `batch_records` have gathered.

        Raises JournalError, and takes nothing, where the numbers do not continue the journal.
        """
        if self._broken or not self._lock.held:
            raise self._unusable()
        if seq != self._last + 1:
            raise JournalError(
                f"{self.path}: the next record is {self._last + 1}, not {seq}\n"
                "  The engine and the journal are out of step: recover the engine from this journal."
            )
        last = seq
        for event in events:
            last += 1
            if event.seq != last or not 0 <= event.cause_seq < last:
                raise JournalError(
                    f"{self.path}: record {last} was given as record {event.seq}, "
                    f"caused by record {event.cause_seq}\n"
                    "  The events of a command are numbered after it without a gap, and a cause comes first."
                )
        self._payloads += encode_step(command, events)
        self._last = last
        if len(self._payloads) >= self.batch_records:
            self.commit(state)

    def commit(self, state: StateLike | None = None) -> int:
        """Make everything appended durable; returns the last durable record.

        With `state` (after the last command appended) its digest and a snapshot are recorded when due.
        On a full disk nothing is written and nothing is lost: free space and commit again.
        """
        if self._broken or not self._lock.held:
            raise self._unusable()
        if state is not None and state.seq != self._last:
            raise JournalError(
                f"{self.path}: the state given is after record {state.seq}, the journal at {self._last}\n"
                "  Give the state of the engine whose commands were appended, right after the last of them."
            )
        if self._payloads:
            due = state is not None and self._last - self._digest_seq >= self.digest_every
            digest = state.digest() if due and state is not None else b""
            row = pack_group(self._durable + 1, self._payloads, self._chain, digest)
            self._write(row)
            self._durable, self._chain, self._payloads = row.last, row.hash, []
            if digest:
                self._digest_seq = row.last
        if state is not None and self._durable - self._snapshot_seq >= self.snapshot_every:
            self.snapshot(state)
        return self._durable

    def snapshot(self, state: StateLike) -> None:
        """Commit, then store the whole state, from which `recover` may start. The two newest are kept."""
        if self._broken or not self._lock.held:
            raise self._unusable()
        if self._payloads or state.seq != self._durable:
            self.commit(state)
        if self._snapshot_seq == self._durable:
            return
        row = SnapshotRow(self._durable, self._chain, state.digest(), b"", state.to_bytes())
        row = row._replace(hash=snapshot_hash(row))
        try:
            with self._transaction():
                self._database.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?)", row)
                self._database.execute(
                    "DELETE FROM snapshots WHERE seq NOT IN"
                    " (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT ?)",
                    (KEPT_SNAPSHOTS,),
                )
                self._note_end()
        except sqlite3.Error as error:
            self._failed(error)
            again = "recover the engine and open the journal again" if self._broken else "commit again"
            raise JournalError(
                f"{self.path}: the snapshot after record {row.seq} was not stored: {error}\n"
                f"  All records up to {row.seq} are durable. Free space or check the disk, then {again}."
            ) from error
        self._snapshot_seq = self._durable
        self._log_pages += len(row.data) // PAGE_BYTES

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file; done by itself every few megabytes.

        The end is noted first, so that a commit that is in the file alone cannot be cut off unseen.
        """
        try:
            if self._noted != self._durable:
                self._note_end()
            self._database.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            raise self._failed(error) from error
        self._log_pages = 0

    def close(self, state: StateLike | None = None) -> None:
        """Commit, snapshot if a state is given, and let the next writer in."""
        try:
            if self._lock.held and not self._broken:
                self.commit(state)
                if state is not None:
                    self.snapshot(state)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close without committing: what was appended since the last commit is forgotten."""
        self._payloads = []
        if not self._lock.held:
            return
        try:
            if not self._broken:
                self.checkpoint()
        finally:
            self._database.close()
            self._lock.release(keep=bool(self._broken))

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()

    def _unusable(self) -> JournalError:
        if not self._lock.held:
            return JournalError(f"{self.path}: this journal is closed\n  Open it again to append to it.")
        return JournalError(
            f"{self.path}: a write failed earlier ({self._broken}), so nothing more is appended\n"
            "  Find out why the disk refused, then recover the engine and open the journal again."
        )

    def _write(self, row: GroupRow) -> None:
        if self._log_pages >= CHECKPOINT_PAGES:
            self.checkpoint()
        try:
            self._database.execute(INSERT_GROUP, row)  # alone, so SQLite begins and commits around it
        except sqlite3.IntegrityError as error:
            self._broken = "another writer"
            raise JournalError(
                f"{self.path}: record {row.seq} is there already: another process has appended to it\n"
                "  Was its .lock file removed? Stop both, recover the engine, and open the journal once."
            ) from error
        except sqlite3.Error as error:
            raise self._failed(error) from error
        self._log_pages += 2 + (len(row.payload) + 8 * row.size) // PAGE_BYTES
        try:
            self._lock.acknowledge(row.last, row.hash)
        except OSError as error:  # this commit is durable; without its note the next might be lost unseen
            self._broken = f"{self._lock.path}: {error.strerror}"

    def _note_end(self) -> None:
        values = (self._durable, self._chain)
        self._database.execute("UPDATE head SET seq = ?, hash = ? WHERE id = 1", values)
        self._noted = self._durable
        self._log_pages += 1

    def _failed(self, error: sqlite3.Error) -> JournalError:
        """What to raise for a failed write, after noting whether the journal may go on.

        After a full disk the transaction is undone and may be tried again. After any other failure nobody
        knows what the disk has: stop, and let the next open find out from the file itself.
        """
        if getattr(error, "sqlite_errorname", "") not in ("SQLITE_FULL", "SQLITE_BUSY"):
            self._broken = str(error)
        return journal_error(self.path, error)

    def _transaction(self) -> _Transaction:
        return _Transaction(self._database)


class _Transaction:
    """BEGIN ... COMMIT; anything raised in between, or by COMMIT, undoes all of it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._database.execute("COMMIT")
        finally:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
