"""The tables of the page: who paid, where accounts ended, who was hit hardest, and every figure there is.

Amounts are in the numeraire. Shown values are rounded; the table of all figures gives every digit of the
summary, so the page alone is enough to check a number against another tool.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import polars as pl
from markupsafe import Markup

from seawall.report import figures
from seawall.report.export import lasting
from seawall.report.svg import el, percent
from seawall.report.tables import OUTCOMES, PAYERS, RunTables, ordered

TOP_ACCOUNTS = 15


class Payer(msgspec.Struct, frozen=True, kw_only=True):
    """What one payer gave in each run, and a pair of bars on the scale of the whole table."""

    name: str
    amounts: tuple[str, ...]
    bars: Markup


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How many accounts ended one way, per run, and what their equity changed by."""

    name: str
    css: str
    counts: tuple[str, ...]
    changes: tuple[str, ...]


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One account that lost much."""

    account: str
    role: str
    outcome: str
    css: str
    cells: tuple[str, ...]


def outcome_css(name: str) -> str:
    return f"o{OUTCOMES.index(name) + 1}" if name in OUTCOMES else "o0"


def payers(tables: RunTables) -> list[Payer]:
    """Payers in the order of the waterfall, with a last row for the sum; those that paid nothing are kept."""
    sums = {
        run: dict(
            tables.payers.filter(pl.col("run") == run)
            .group_by("payer", maintain_order=True)
            .agg(pl.col("amount").sum())
            .iter_rows()
        )
        for run in tables.runs()
    }
    names = ordered(PAYERS, tables.payers["payer"].unique().to_list())
    top = max((abs(v) for of_run in sums.values() for v in of_run.values()), default=0.0)
    made = []
    for name in names:
        values = [sums[run].get(name, 0.0) for run in tables.runs()]
        made.append(
            Payer(name=name, amounts=tuple(map(figures.amount, values)), bars=_bars(tables, values, top))
        )
    if made:
        totals = tuple(figures.amount(math.fsum(of_run.values())) for of_run in sums.values())
        made.append(Payer(name="together", amounts=totals, bars=Markup("")))
    return made


def _bars(tables: RunTables, values: list[float], top: float) -> Markup:
    rows = [
        el(
            "rect",
            x="0",
            y=float(place * 9),
            width=percent(max(abs(v) / top, 0.002)),
            height="7",
            class_=f"fill {run}",
        )
        for place, (run, v) in enumerate(zip(tables.runs(), values))
        if v and top
    ]
    return el(
        "svg", *rows, width="100%", height=float(9 * len(values) - 2), class_="pair", aria_hidden="true"
    )


def endings(tables: RunTables) -> list[Ending]:
    """Accounts by outcome; an outcome that nobody met is shown as 0, so that its absence can be seen."""
    grouped = {}
    for run in tables.runs():
        rows = tables.accounts.filter(pl.col("run") == run)
        change = (pl.col("equity_after") - pl.col("equity_before")).fill_nan(None).sum()
        grouped[run] = {
            row[0]: row[1:]
            for row in rows.group_by("outcome", maintain_order=True)
            .agg(pl.len(), change.alias("c"))
            .iter_rows()
        }
    found = {name for of_run in grouped.values() for name in of_run} | set(OUTCOMES)
    return [
        Ending(
            name=figures.words(name),
            css=outcome_css(name),
            counts=tuple(figures.count(grouped[run].get(name, (0, 0.0))[0]) for run in tables.runs()),
            changes=tuple(figures.amount(grouped[run].get(name, (0, 0.0))[1]) for run in tables.runs()),
        )
        for name in ordered(OUTCOMES, sorted(found))
    ]


def roles(tables: RunTables) -> list[tuple[str, ...]]:
    """Per role with feedback: accounts, equity before, equity after, liquidated, auto-deleveraged."""
    rows = tables.accounts.filter(pl.col("run") == "with")
    sums = [pl.col(c).fill_nan(None).sum() for c in ("equity_before", "equity_after", "liquidated", "adl")]
    by_role = rows.group_by("role").agg(pl.len().alias("accounts"), *sums).sort("role")
    return [
        (figures.words(role), figures.count(n), *map(figures.amount, amounts))
        for role, n, *amounts in by_role.iter_rows()
    ]


HIT_HEADS = (
    "Equity before",
    "Equity after",
    "Change",
    "Change without",
    "Liquidated",
    "ADL",
    "Socialised",
    "Fees",
)


def hits(tables: RunTables) -> list[Hit]:
    """The accounts that lost most with feedback, and what the same accounts lost without."""
    change = (pl.col("equity_after") - pl.col("equity_before")).fill_nan(None)
    rows = tables.accounts.with_columns(change.alias("change"))
    alone = rows.filter(pl.col("run") == "without").select("account", pl.col("change").alias("alone"))
    worst = (
        rows.filter((pl.col("run") == "with") & (pl.col("change") < 0))
        .sort("change", "account")
        .head(TOP_ACCOUNTS)
        .join(alone, on="account", how="left", maintain_order="left")
    )
    names = ("equity_before", "equity_after", "change", "alone", "liquidated", "adl", "socialised", "fees")
    return [
        Hit(
            account=str(row["account"]),
            role=figures.words(row["role"]),
            outcome=figures.words(row["outcome"]),
            css=outcome_css(row["outcome"]),
            cells=tuple(figures.amount(row[n]) for n in names),
        )
        for row in worst.iter_rows(named=True)
    ]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _leaves(value[key], f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _leaves(item, f"{path}[{place}]")
    else:
        yield path, value


def run_figures(tables: RunTables) -> list[tuple[str, ...]]:
    """Every figure of the runs, to the last digit: key, then one value per run."""
    per_run = [dict(_leaves(lasting(tables.summary["runs"][run]), "")) for run in tables.runs()]
    keys = sorted({key for of_run in per_run for key in of_run})
    return [(key, *(figures.exact(of_run.get(key)) for of_run in per_run)) for key in keys]


def other_figures(tables: RunTables) -> list[tuple[str, str]]:
    """Every other value of the summary, by its dotted path. Notes and runs have their own places."""
    rest = {k: v for k, v in lasting(tables.summary).items() if k not in ("runs", "notes")}
    return [(path, figures.exact(value)) for path, value in _leaves(rest, "")]
