"""Read one Parquet file in a process of its own and hand the table back as Arrow on stdout.

    python -P child.py FILE ROOM

Polars ends the whole process where a damaged file asks for an absurd allocation, and prints a stack where it
panics. Here that is the child's end, and `read.py` makes a refusal of it. A table of more than ROOM bytes (32
a cell, by what the file says of itself) is not read: rows and columns on stdout, exit code 3. Run by path, so
no seawall is imported.
"""

from __future__ import annotations

import sys

import polars as pl

CELL_BYTES, TOO_LARGE = 32, 3


def main(path: str, room_bytes: int) -> int:
    rows = pl.scan_parquet(path).select(pl.len()).collect().item()
    columns = len(pl.read_parquet_schema(path))
    if rows * columns * CELL_BYTES > room_bytes:
        print(rows, columns)
        return TOO_LARGE
    pl.read_parquet(path).write_ipc_stream(sys.stdout.buffer)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
