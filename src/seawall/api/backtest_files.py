"""A backtest as tables, and those tables as files: CSV for reading, Parquet for the paths, one page of HTML.

results.csv and crises.csv have a row per model and side (and crisis); margins.parquet and losses.parquet the
paths behind the plots. Figures are floats, fractions of notional. The same backtest gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import polars as pl

from seawall.api.backtest import Backtest, options_of
from seawall.api.backtest_words import sentences, verdict
from seawall.calibrate.history import iso
from seawall.errors import InputError
from seawall.report.margin_page import write_margin_page
from seawall.report.margin_tables import MarginTables

PAGE, SUMMARY = "backtest.html", "summary.json"
FILES = ("results.csv", "crises.csv", "margins.parquet", "losses.parquet", SUMMARY, PAGE)


def tables_of(found: Backtest) -> MarginTables:
    """The tables that files, page and terminal share."""
    begin = found.begin_ns
    kept = begin[found.first :]
    results = [
        {**msgspec.to_builtins(path.row), "verdict": verdict(path), "rejected": path.rejected}
        for path in found.paths
    ]
    crises = [
        {
            "model": path.row.model,
            "side": path.row.side,
            **msgspec.to_builtins(one),
            "close_surplus": one.close_surplus,
            "worst_surplus": one.worst_surplus,
        }
        for path in found.paths
        for one in path.crises
    ]
    margins = [
        pl.DataFrame({"time_ns": kept, "margin": path.margin}).select(
            "time_ns", pl.lit(path.row.model).alias("model"), pl.lit(path.row.side).alias("side"), "margin"
        )
        for path in found.paths
    ]
    losses = [
        pl.DataFrame({"time_ns": begin, "loss": found.losses[side], "worst": found.worst[side]}).select(
            "time_ns", pl.lit(side).alias("side"), "loss", "worst"
        )
        for side in found.losses
    ]
    summary = {**options_of(found), "from": iso(int(kept[0])), "to": iso(int(kept[-1]))}
    columns = ["model", "side", "crisis", "windows", "verdict", *_CRISIS_FIGURES]
    return MarginTables(
        summary=summary,
        results=pl.DataFrame(results, infer_schema_length=None),
        crises=pl.DataFrame(crises, infer_schema_length=None)
        if crises
        else pl.DataFrame(schema=dict.fromkeys(columns, pl.Float64)),
        margins=pl.concat(margins),
        losses=pl.concat(losses),
        sentences=sentences(found),
        notes=found.notes,
    )


_CRISIS_FIGURES = (
    "close_begin_ns", "close_loss", "close_margin", "worst_begin_ns", "worst_loss", "worst_margin",
    "close_surplus", "worst_surplus",
)  # fmt: skip


def check_folder(folder: Path, force: bool) -> None:
    """InputError where a backtest lies already and may not be replaced, or where something else is."""
    if folder.exists() and not folder.is_dir():
        raise InputError.at(str(folder), "is a file", "Give a folder.")
    there = [name for name in FILES if (folder / name).exists()]
    if there and not force:
        raise InputError.at(str(folder), f"holds {there[0]} already", "Give another folder, or --force.")


def write_backtest(found: Backtest, folder: Path, command: str = "") -> list[Path]:
    """All files of one backtest; the folder is made if absent."""
    tables = tables_of(found)
    folder.mkdir(parents=True, exist_ok=True)
    tables.results.write_csv(folder / "results.csv")
    tables.crises.write_csv(folder / "crises.csv")
    tables.margins.write_parquet(folder / "margins.parquet")
    tables.losses.write_parquet(folder / "losses.parquet")
    summary = {**tables.summary, "sentences": list(tables.sentences)}
    plain = msgspec.json.format(msgspec.json.encode(summary, order="sorted"), indent=2)
    (folder / SUMMARY).write_bytes(plain + b"\n")
    write_margin_page(tables, folder / PAGE, command)
    return [folder / name for name in FILES]
