"""A run on disk: `summary.json` and one Parquet file per table, the same bytes for the same run.

Keys are sorted, rows are in canonical order, and figures of the clock (how long it took) are left out, so
two runs of one seed can be compared with `sha256sum`. Parquet bytes also depend on the Polars version, which
the file itself names; the values in them do not. A NaN in the summary becomes null: not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from seawall.errors import InputError
from seawall.parquet.read import TooLarge, read_parquet
from seawall.report.tables import SCHEMAS, RunTables

SUMMARY = "summary.json"
# Figures that differ between two runs of the same seed. They are for the terminal, not for the record.
VOLATILE = frozenset({"wall_seconds"})
ROW_GROUP_ROWS = 262_144


def lasting(value: Any) -> Any:
    """`value` without its volatile figures, at any depth; keys become text."""
    if isinstance(value, Mapping):
        return {str(k): lasting(v) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, list | tuple):
        return [lasting(v) for v in value]
    return value


def summary_bytes(summary: Mapping[str, Any]) -> bytes:
    """The summary as indented JSON with sorted keys and a closing newline."""
    plain = msgspec.json.encode(lasting(summary), order="sorted")
    return msgspec.json.format(plain, indent=2) + b"\n"


def write_run(tables: RunTables, directory: Path | str) -> list[Path]:
    """Write the run into `directory` (made if absent) and return the files, in the order written.

    Raises InputError before anything is written if a table has the wrong shape.
    """
    tidy = tables.canonical()
    text = summary_bytes(tidy.summary)
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, frame in tidy.frames().items():
        path = folder / f"{name}.parquet"
        # One chunk and a fixed row group: how the frame was built must not show in the bytes.
        frame.rechunk().write_parquet(
            path, compression="zstd", compression_level=3, statistics=True, row_group_size=ROW_GROUP_ROWS
        )
        written.append(path)
    path = folder / SUMMARY
    path.write_bytes(text)
    return [*written, path]


def load_run(directory: Path | str) -> RunTables:
    """Read a run written by `write_run`. Raises InputError that names the file that is missing or broken."""
    folder = Path(directory)
    frames = {name: _read_table(folder / f"{name}.parquet") for name in SCHEMAS}
    tables = RunTables(**frames, summary=_read_summary(folder / SUMMARY))
    tables.validate()
    return tables


def _read_table(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise _absent(path)
    try:
        return read_parquet(path)  # in a child: a damaged file may bring down the process that reads it
    except (OSError, TooLarge, pl.exceptions.PolarsError) as error:
        raise InputError.at(
            str(path), f"is not a readable Parquet file ({error})", "Run it again."
        ) from error


def _read_summary(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise _absent(path)
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise InputError.at(str(path), f"is not readable JSON ({error})", "Run it again.") from error


def _absent(path: Path) -> InputError:
    return InputError.at(str(path), "is missing", "Give the folder that a run was written to.")
