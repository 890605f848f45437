"""The file `<journal>.lock`: who writes, and the last commit that he has acknowledged.

The system drops the lock itself when the process ends, however it ends. The acknowledged end, rewritten after
each commit, stays: after a crash it tells that commits are missing where the write-ahead log looks merely cut
short (it was altered, or removed). It is not synced, so after a power cut it may be an older commit, never a
later one. A writer that closes in order removes the file, for then the journal itself notes its end.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from zlib import crc32

from seawall.errors import JournalError

PID_BYTES = 11  # ten digits and a blank; then the number of the record, its chain hash and a crc32 of both
LINE_BYTES = PID_BYTES + 19 + 1 + 64 + 1 + 8 + 1


class WriteLock:
    """Held by the one process that may append. Raises JournalError where another one holds it."""

    def __init__(self, journal: Path) -> None:
        self.journal, self.path = journal, lock_path(journal)
        self._file = -1
        while self._file < 0:
            self._file = self._take(journal)
        self.held = True

    def _take(self, journal: Path) -> int:
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise _no_lock(journal, self.path, error) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(file, PID_BYTES).decode("ascii", "replace").strip() or "unknown"
            os.close(file)
            raise JournalError(
                f"{journal}: is already open for writing by process {holder}\n"
                "  A journal has one writer. Stop that process first; reading is possible at any time."
            ) from None
        if not self._is_current(file):  # the holder before us has just removed it: take the new one
            os.close(file)
            return -1
        try:
            os.pwrite(file, b"%10d " % os.getpid(), 0)  # what a crashed holder acknowledged stays behind it
        except OSError as error:
            os.close(file)
            raise _no_lock(journal, self.path, error) from None
        return file

    def _is_current(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), os.stat(self.path))
        except FileNotFoundError:
            return False

    def acknowledge(self, seq: int, chain: bytes) -> None:
        """Note that the commit ending with record `seq` is durable. Raises OSError."""
        end = b"%19d %s" % (seq, chain.hex().encode())
        os.pwrite(self._file, b"%b %08x\n" % (end, crc32(end)), PID_BYTES)

    def forget(self) -> None:
        """Drop what was acknowledged of an earlier journal of this name."""
        try:
            os.ftruncate(self._file, PID_BYTES)
        except OSError as error:
            raise _no_lock(self.journal, self.path, error) from None

    def release(self, *, keep: bool = False) -> None:
        """Let the next writer in; `keep` leaves what was acknowledged for him to compare."""
        if self.held:
            if not keep:
                self.path.unlink(missing_ok=True)
            os.close(self._file)
            self.held = False


def lock_path(journal: Path) -> Path:
    """Where the lock of a journal lies."""
    return journal.with_name(journal.name + ".lock")


def acknowledged_end(journal: Path) -> tuple[int, bytes] | None:
    """The last commit acknowledged by a writer that is at work or was stopped; None where none is noted."""
    try:
        line = lock_path(journal).read_bytes()
        seq, chain, check = line[PID_BYTES:].split()
        if len(line) != LINE_BYTES or int(check, 16) != crc32(line[PID_BYTES : LINE_BYTES - 10]):
            return None
        return int(seq), bytes.fromhex(chain.decode())
    except (OSError, ValueError):  # no such file, or a half-written line: then nothing is known
        return None


def _no_lock(journal: Path, lock: Path, error: OSError) -> JournalError:
    return JournalError(
        f"{journal}: cannot be opened for writing: {lock}: {error.strerror}\n"
        "  Give write permission to the folder, and free space on its disk; or only read the journal."
    )
