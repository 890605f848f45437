"""SQLite as the journal uses it: one writer at a time, any number of readers, every error in our own
words.

The writer runs in WAL mode with synchronous=FULL: a commit returns after the disk has the data. Who may write
is settled before, by `lock.WriteLock`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seawall.errors import JournalError
from seawall.journal.codec import FORMAT
from seawall.journal.layout import APPLICATION_ID, INSERT_GROUP, TABLES, GroupRow

PAGE_BYTES = 4_096


def create_file(path: Path, genesis: GroupRow) -> None:
    """Make a journal that holds record 0. It gets its name once it is whole, so none is ever half made."""
    made = path.with_name(path.name + ".new")
    try:
        for suffix in ("", "-wal", "-shm"):  # of a creation that was cut short
            made.with_name(made.name + suffix).unlink(missing_ok=True)
        with sqlite_errors(path):
            database = sqlite3.connect(f"{_uri(made)}?mode=rwc", uri=True, isolation_level=None)
            try:
                _fill(database, genesis)
            finally:
                database.close()
        made.rename(path)
    except OSError as error:
        raise JournalError(
            f"{path}: could not be created: {error.strerror}\n  Check disk and folder, then try again."
        ) from error


def _fill(database: sqlite3.Connection, genesis: GroupRow) -> None:
    for pragma in (f"page_size={PAGE_BYTES}", "journal_mode=WAL", "synchronous=FULL", "fullfsync=ON"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("BEGIN IMMEDIATE")
    database.execute(f"PRAGMA application_id={APPLICATION_ID}")
    database.execute(f"PRAGMA user_version={FORMAT}")
    for table in TABLES.values():
        database.execute(table)
    database.execute(INSERT_GROUP, genesis)
    database.execute("INSERT INTO head VALUES (1, ?, ?)", (genesis.seq, genesis.hash))
    database.execute("COMMIT")
    busy = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise sqlite3.OperationalError("another program holds the file that is being made")


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open for appending; every promise about durability is set here and read back."""
    with sqlite_errors(path):
        database = sqlite3.connect(f"{_uri(path)}?mode=rw", uri=True, isolation_level=None)
        database.execute("PRAGMA fullfsync=ON")  # macOS: ask the disk, not only the driver
        database.execute("PRAGMA checkpoint_fullfsync=ON")
        database.execute("PRAGMA synchronous=FULL")
        check_header(path, database)
        mode = database.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        level = database.execute("PRAGMA synchronous").fetchone()[0]
        database.execute("PRAGMA wal_autocheckpoint=0")  # the writer notes the end first: Journal.checkpoint
        database.execute("BEGIN IMMEDIATE")
        database.execute(
            f"PRAGMA user_version={FORMAT}"
        )  # SQLite opens a read-only file without a word: find out now
        database.execute("ROLLBACK")
    if (mode, level) != ("wal", 2):
        database.close()
        raise JournalError(
            f"{path}: SQLite gives journal_mode={mode}, synchronous={level} here, not WAL and FULL\n"
            "  Put the journal on a local file system that you may write to: WAL needs one."
        )
    try:
        _sync_folder(path)
    except JournalError:
        database.close()
        raise
    return database


def _sync_folder(path: Path) -> None:
    """The names of new files, journal and log, are durable once their folder is. SQLite would not tell."""
    try:
        folder = os.open(path.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise JournalError(
            f"{path}: its folder could not be synced: {error.strerror}\n  Check the disk, then open it again."
        ) from error


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open for reading only; works beside a writer, and on a file in a folder that cannot be written."""
    if not path.is_file():
        raise JournalError(f"{path}: there is no such journal\n  Check the path, or create it first.")
    log = path.with_name(path.name + "-wal")
    alone = not log.exists() or log.stat().st_size == 0
    with sqlite_errors(path):
        try:
            database = sqlite3.connect(f"{_uri(path)}?mode=ro", uri=True, isolation_level=None)
            check_header(path, database)
        except sqlite3.OperationalError:
            if not alone:
                raise
            database = sqlite3.connect(f"{_uri(path)}?mode=ro&immutable=1", uri=True, isolation_level=None)
            check_header(path, database)
        database.text_factory = _any_text
    return database


def check_header(path: Path, database: sqlite3.Connection) -> None:
    """That the file is a journal, of this format, with the tables as they were made."""
    made_by = database.execute("PRAGMA application_id").fetchone()[0]
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if made_by != APPLICATION_ID:
        raise JournalError(f"{path}: is a SQLite file but not a Seawall journal\n  Check the path.")
    if version != FORMAT:
        raise JournalError(
            f"{path}: journal format {version}, this version reads format {FORMAT}\n"
            "  Use the version of seawall that wrote it."
        )
    tables = set(database.execute("SELECT name, type, tbl_name, sql FROM sqlite_master"))
    different = tables ^ {(name, "table", name, sql) for name, sql in TABLES.items()}
    if different:
        raise JournalError(
            f"{path}: its tables are not those of format {FORMAT}: {min(different, key=str)[0]} differs\n"
            "  The file was altered. Restore it from a copy."
        )


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into a JournalError that names the file and what to do."""
    try:
        yield
    except (sqlite3.DatabaseError, sqlite3.ProgrammingError, UnicodeDecodeError) as error:
        raise journal_error(path, error) from error


def journal_error(path: Path, error: Exception) -> JournalError:
    """What SQLite said, with the file and what to do."""
    if isinstance(error, sqlite3.OperationalError):
        name = getattr(error, "sqlite_errorname", "")
        return JournalError(f"{path}: {error} ({name})\n  {_advice(name)}")
    return JournalError(
        f"{path}: SQLite cannot read the file: {error}\n"
        "  The file is truncated or altered. Restore it from a copy, with its -wal file if there is one."
    )


def _advice(name: str) -> str:
    if name == "SQLITE_FULL":
        return "Disk full: nothing of this commit was written, nothing is lost. Free space and commit again."
    if name.startswith("SQLITE_READONLY"):
        return "The file cannot be written. Give write permission, or only read it."
    if name.startswith("SQLITE_CANTOPEN"):
        return "Check path and permissions; a journal with a -wal file needs a folder that can be written."
    if name.startswith("SQLITE_BUSY"):
        return "Another program holds the file. Close it and try again."
    return "The disk or the file is damaged. Check a copy made elsewhere; if that fails, restore a backup."


def _any_text(data: bytes) -> str:
    """Text where bytes belong is damage to report at its record, so reading it must not fail here."""
    return data.decode("utf-8", "replace")


def _uri(path: Path) -> str:
    return path.absolute().as_uri()
