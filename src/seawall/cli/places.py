"""What a path given on the command line is: a journal, a rulebook, a book, or the folder of a run."""

from __future__ import annotations

from pathlib import Path

from seawall.errors import InputError, JournalError

JOURNAL_NAME = "journal.db"
SQLITE_MAGIC = b"SQLite format 3\0"
BOOK_SUFFIXES = (".csv", ".parquet", ".gz", ".zip")


def journal_path(given: str) -> Path:
    """A journal file, or the one in the folder of a run. Raises JournalError where there is none."""
    path = Path(given)
    if path.is_dir():
        path = path / JOURNAL_NAME
    if not path.is_file():
        raise JournalError(
            f"{path}: there is no such journal\n  Give the journal.db of a run, or its folder."
        )
    return path


def kind_of(given: str) -> str:
    """journal, rulebook or book, by what lies there. Raises InputError."""
    path = Path(given)
    if path.is_dir() or path.suffix in (".db", ".journal", ".sqlite"):
        return "journal"
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC:
                return "journal"
    if path.suffix in BOOK_SUFFIXES:
        return "book"
    if path.suffix == ".toml" or not path.exists():
        return "rulebook"
    raise InputError.at(
        given, "is neither a journal, a rulebook nor a book", "Give a .db, .toml, .csv or .parquet file."
    )
