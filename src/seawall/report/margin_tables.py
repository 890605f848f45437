"""The tables a margin backtest leaves behind, as its page and its files have them.

Margins and losses are fractions of notional, times ns UTC. `venue` names the rows of the rulebook itself;
every other model is a challenger. A null is a figure that does not exist for that row.
"""

from __future__ import annotations

from typing import Any

import msgspec
import polars as pl

RESULTS = "results"
CRISES = "crises"
MARGINS = "margins"
LOSSES = "losses"


class MarginTables(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """results: a row per model and side; crises: per model, side and crisis; margins: time_ns, model, side,
    margin; losses: time_ns, side, loss, worst."""

    summary: dict[str, Any]
    results: pl.DataFrame
    crises: pl.DataFrame
    margins: pl.DataFrame
    losses: pl.DataFrame
    sentences: tuple[str, ...]
    notes: tuple[str, ...]

    def models(self) -> list[str]:
        """In the order of the results: the venue first."""
        return list(dict.fromkeys(self.results["model"].to_list()))

    def sides(self) -> list[str]:
        return list(dict.fromkeys(self.results["side"].to_list()))

    def margin_of(self, model: str, side: str) -> pl.DataFrame:
        return self.margins.filter((pl.col("model") == model) & (pl.col("side") == side)).sort("time_ns")

    def losses_of(self, side: str) -> pl.DataFrame:
        return self.losses.filter(pl.col("side") == side).sort("time_ns")
