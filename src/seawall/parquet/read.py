"""The parent's half of reading a Parquet file in a child process; the child is `child.py`, run by its path.

Whatever becomes of the child, a refusal in words comes of it here: Polars ends the whole process where a
damaged file asks for an absurd allocation. Sizes are bytes.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import polars as pl

CELL_BYTES = 32  # of a table, with the copies that are made of it
TOO_LARGE = 3  # the child's exit code when the table needs more than there is room for
_CHILD = Path(__file__).with_name("child.py")


class TooLarge(Exception):
    """The file says that its table is larger than the room for it."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__(f"{rows:,} rows of {columns} columns")
        self.need_bytes = rows * columns * CELL_BYTES


def read_parquet(path: Path, room_bytes: int = 2**63) -> pl.DataFrame:
    """The table of a file. Raises TooLarge; OSError, with the child's last words, if it cannot be read."""
    words = [sys.executable, "-P", str(_CHILD), os.path.abspath(path), str(room_bytes)]
    done = subprocess.run(words, capture_output=True, env={**os.environ, "RUST_BACKTRACE": "0"})
    if done.returncode == TOO_LARGE:
        rows, columns = (int(word) for word in done.stdout.split())
        raise TooLarge(rows, columns)
    if done.returncode != 0:
        said = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        last = [line for line in said if not line.startswith("note:")][-1:]
        raise OSError(last[0][:300] if last else f"its reader ended with {done.returncode}")
    return pl.read_ipc_stream(io.BytesIO(done.stdout))
