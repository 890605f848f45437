"""RunTables: a wrong shape is refused with a text that names the place."""

from __future__ import annotations

import msgspec
import polars as pl
import pytest

from seawall.errors import InputError
from seawall.report.tables import SCHEMAS, RunTables
from tests.report.demo import demo


def changed(name: str, frame: pl.DataFrame) -> RunTables:
    return msgspec.structs.replace(demo(count=20, steps=10), **{name: frame})


def test_a_whole_run_passes() -> None:
    demo(count=20, steps=10).validate()


@pytest.mark.parametrize(("table", "column"), [(t, c) for t, columns in SCHEMAS.items() for c in columns])
def test_every_missing_column_is_named(table: str, column: str) -> None:
    frame = demo(count=20, steps=10).frames()[table].drop(column)
    with pytest.raises(InputError, match=f"table '{table}': column '{column}' is missing"):
        changed(table, frame).validate()


@pytest.mark.parametrize("path", ["rulebook", "seed", "numeraire", "accounts", "runs"])
def test_a_missing_figure_of_the_summary_is_named(path: str) -> None:
    tables = demo(count=20, steps=10)
    del tables.summary[path]
    with pytest.raises(InputError, match=f"summary: '{path}.*' is missing"):
        tables.validate()


@pytest.mark.parametrize(
    ("table", "column", "word"),
    [
        ("flow", "run", "both"),
        ("flow", "side", "buy"),
        ("calls", "kind", "opened"),
        ("payers", "run", "With"),
    ],
)
def test_a_word_that_would_not_be_drawn_is_refused(table: str, column: str, word: str) -> None:
    frame = demo(count=20, steps=10).frames()[table].with_columns(pl.lit(word).alias(column))
    with pytest.raises(InputError, match=f"'{word}' is not known"):
        changed(table, frame).validate()


def test_text_in_a_number_column_is_refused() -> None:
    frame = demo(count=20, steps=10).prices.with_columns(pl.lit("low").alias("exogenous"))
    with pytest.raises(InputError, match="column 'exogenous': holds String, not a number"):
        changed("prices", frame).validate()


def test_a_time_in_floats_is_refused() -> None:
    frame = demo(count=20, steps=10).funds.cast({"time_ns": pl.Float64})
    with pytest.raises(InputError, match="holds Float64, not a whole number"):
        changed("funds", frame).validate()


def test_an_empty_cell_where_a_key_is_wanted_is_refused() -> None:
    frame = demo(count=20, steps=10).accounts.with_columns(pl.lit(None, dtype=pl.String).alias("role"))
    with pytest.raises(InputError, match="column 'role': has empty cells"):
        changed("accounts", frame).validate()


def test_a_run_of_another_name_in_the_summary_is_refused() -> None:
    tables = demo(count=20, steps=10)
    tables.summary["runs"]["maybe"] = {}
    with pytest.raises(InputError, match="'maybe' is not a run"):
        tables.validate()


def test_canonical_forgets_the_order_of_rows_and_extra_columns() -> None:
    tables = demo(count=50, steps=20)
    mixed = {
        name: frame.sample(fraction=1.0, shuffle=True, seed=3).with_columns(pl.lit(1).alias("extra"))
        for name, frame in tables.frames().items()
    }
    other = RunTables(**mixed, summary=tables.summary).canonical()
    for name, frame in tables.canonical().frames().items():
        assert frame.equals(other.frames()[name]), name
        assert frame.columns == list(SCHEMAS[name])
