"""RunTables: the frames and figures one run of the lab leaves behind, and the check of their shape.

Every amount is a float in units of the numeraire, every price a float in quote units, every time whole
nanoseconds since the epoch (or since zero, for a made-up clock). These floats are for reading only: the
engine's exact integers stay in the journal. Nothing is rounded here. NaN or null means: not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import polars as pl

from seawall.errors import InputError

WHOLE, FLOAT, TEXT = "whole number", "number", "text"

SCHEMAS: dict[str, dict[str, str]] = {
    "prices": {
        "time_ns": WHOLE,
        "instrument": TEXT,
        "with_feedback": FLOAT,
        "without_feedback": FLOAT,
        "exogenous": FLOAT,
    },
    "flow": {
        "time_ns": WHOLE,
        "run": TEXT,
        "instrument": TEXT,
        "step": TEXT,
        "side": TEXT,
        "notional": FLOAT,
        "count": WHOLE,
    },
    "funds": {
        "time_ns": WHOLE,
        "run": TEXT,
        "insurance": FLOAT,
        "backstop_equity": FLOAT,
        "deficit_open": FLOAT,
        "socialised_cum": FLOAT,
    },
    "accounts": {
        "account": WHOLE,
        "run": TEXT,
        "role": TEXT,
        "equity_before": FLOAT,
        "equity_after": FLOAT,
        "notional_before": FLOAT,
        "liquidated": FLOAT,
        "adl": FLOAT,
        "socialised": FLOAT,
        "fees": FLOAT,
        "outcome": TEXT,
    },
    "liquidation_map": {
        "instrument": TEXT,
        "price": FLOAT,
        "move": FLOAT,
        "long_notional": FLOAT,
        "short_notional": FLOAT,
    },
    "payers": {"run": TEXT, "payer": TEXT, "amount": FLOAT},
    "calls": {
        "time_ns": WHOLE,
        "run": TEXT,
        "account": WHOLE,
        "equity": FLOAT,
        "requirement": FLOAT,
        "kind": TEXT,
    },
}

RUNS = ("with", "without")
# Columns whose words decide where a row is drawn: an unknown word would vanish from the page, so is refused.
WORDS: dict[str, tuple[str, ...]] = {
    "run": RUNS,
    "side": ("long", "short"),
    "kind": ("issued", "cured", "deadline"),
}
# Known words in reading order; others are allowed and come after these.
OUTCOMES = ("untouched", "margin_called", "liquidated", "taken_over", "bankrupt", "adl")
PAYERS = (
    "account equity",
    "backstop vault",
    "insurance fund",
    "auto-deleveraged winners",
    "socialised",
    "unpaid",
)
STEPS = ("reduce", "close", "auction", "takeover", "backstop", "adl")

REQUIRED = ("rulebook.tag", "rulebook.sha256", "seed", "numeraire", "accounts", "runs.with")

_TYPES = {WHOLE: pl.Int64(), FLOAT: pl.Float64(), TEXT: pl.String()}


def ordered(known: tuple[str, ...], found: list[str]) -> list[str]:
    """The words found, known ones first in their own order, the others after them by alphabet."""
    present = set(found)
    return [w for w in known if w in present] + sorted(present - set(known))


def lookup(summary: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None where any part of the path is absent."""
    here: Any = summary
    for part in path.split("."):
        if not isinstance(here, Mapping) or part not in here:
            return None
        here = here[part]
    return here


class RunTables(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """All that a report is made from. `empty()` gives one table of the right shape and no rows."""

    prices: pl.DataFrame
    flow: pl.DataFrame
    funds: pl.DataFrame
    accounts: pl.DataFrame
    liquidation_map: pl.DataFrame
    payers: pl.DataFrame
    calls: pl.DataFrame
    summary: dict[str, Any]

    @staticmethod
    def empty(name: str) -> pl.DataFrame:
        """A table with the columns of `name` and no rows."""
        return pl.DataFrame(schema={column: _TYPES[kind] for column, kind in SCHEMAS[name].items()})

    def frames(self) -> dict[str, pl.DataFrame]:
        """Every table by its name, in the order of SCHEMAS."""
        return {name: getattr(self, name) for name in SCHEMAS}

    def validate(self) -> None:
        """Raise InputError that names the table and the column, word or figure that cannot be used."""
        for name, frame in self.frames().items():
            _check_frame(name, frame)
        for path in REQUIRED:
            if lookup(self.summary, path) is None:
                raise InputError.at("summary", f"'{path}' is missing", f"Give all of: {', '.join(REQUIRED)}.")
        unknown = sorted(set(self.summary["runs"]) - set(RUNS))
        if unknown:
            raise InputError.at(
                "summary.runs", f"{unknown[0]!r} is not a run", "Runs are 'with' and 'without'."
            )

    def canonical(self) -> RunTables:
        """The same run with the columns of SCHEMAS only, in that order and type, rows sorted by all of them.

        Two runs that say the same thing then give the same bytes, whatever order their rows came in.
        """
        self.validate()
        tidy = {}
        for name, frame in self.frames().items():
            columns = [pl.col(c).cast(_TYPES[kind]) for c, kind in SCHEMAS[name].items()]
            tidy[name] = frame.select(columns).sort(list(SCHEMAS[name]), nulls_last=True)
        return RunTables(**tidy, summary=self.summary)

    def runs(self) -> list[str]:
        """The runs the summary speaks of: 'with', and mostly 'without' too."""
        return [run for run in RUNS if run in self.summary["runs"]]


def _fits(dtype: pl.DataType, kind: str) -> bool:
    if kind == TEXT:
        return dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum)
    if kind == WHOLE:
        return dtype.is_integer()
    return dtype.is_numeric()


def _check_frame(name: str, frame: pl.DataFrame) -> None:
    wanted = SCHEMAS[name]
    for column, kind in wanted.items():
        if column not in frame.columns:
            raise InputError.at(
                f"table '{name}'", f"column '{column}' is missing", f"Columns wanted: {', '.join(wanted)}."
            )
        dtype = frame.schema[column]
        if not _fits(dtype, kind) and not (dtype == pl.Null and frame.is_empty()):
            raise InputError.at(
                f"table '{name}', column '{column}'", f"holds {dtype}, not a {kind}", f"Cast it to a {kind}."
            )
        if kind != FLOAT and frame[column].null_count():
            raise InputError.at(f"table '{name}', column '{column}'", "has empty cells", "Fill every row.")
        if column in WORDS:
            found = frame[column].cast(pl.String).unique().to_list()
            strange = sorted(set(found) - set(WORDS[column]))
            if strange:
                raise InputError.at(
                    f"table '{name}', column '{column}'",
                    f"{strange[0]!r} is not known",
                    f"Use one of: {', '.join(WORDS[column])}.",
                )
