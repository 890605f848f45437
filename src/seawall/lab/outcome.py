"""What the two runs of an experiment came to: tables by name and a summary of plain numbers.

Numeraire units as floats, for people; times ns. The tables are those the report draws
(report.tables), the summary is what a program reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from seawall.engine.state import State
from seawall.lab.record import WORST, Figures
from seawall.lab.venue import asset_of
from seawall.units import format_time

if TYPE_CHECKING:
    from seawall.lab.experiment import Plan

_TYPES = {"int": pl.Int64, "float": pl.Float64, "str": pl.String}
COLUMNS = {
    "prices": "time_ns:int instrument:str with_feedback:float without_feedback:float exogenous:float",
    "flow": "time_ns:int run:str instrument:str step:str side:str notional:float count:int",
    "funds": "time_ns:int run:str insurance:float backstop_equity:float deficit_open:float "
    "socialised_cum:float",
    "accounts": "account:int run:str role:str equity_before:float equity_after:float notional_before:float "
    "liquidated:float adl:float socialised:float fees:float outcome:str",
    "liquidation_map": "instrument:str price:float move:float long_notional:float short_notional:float",
    "payers": "run:str payer:str amount:float",
    "calls": "time_ns:int run:str account:int equity:float requirement:float kind:str",
}
COUNTED = (
    "margin_calls", "cured", "liquidations", "takeovers", "bankruptcies", "unknown_accounts", "halted",
    "events", "commands",
)  # fmt: skip


class Result(msgspec.Struct):
    """One run: what was recorded, and the book as it stood before."""

    recorder: Figures
    before: Any
    notional: Any
    map_rows: list[tuple[str, float, float, float, float]]
    start_marks: dict[str, float]


def start_marks(state: State) -> dict[str, float]:
    """Marks by instrument, in quote units."""
    return {
        i.name: int(state.market.mark[row]) * float(i.tick_units)
        for row, i in enumerate(state.instruments)
        if state.market.mark[row]
    }


def result_frames(
    roles: tuple[str, ...], names: list[str], results: dict[str, Result]
) -> dict[str, pl.DataFrame]:
    """Every table by its name."""
    with_rows = {(t, n): (p, o) for t, n, p, o in results["with"].recorder.rows["prices"]}
    without = {(t, n): p for t, n, p, _ in results["without"].recorder.rows["prices"]}
    rows: dict[str, list[tuple[Any, ...]]] = {
        "prices": [
            (t, n, p, without[(t, n)], o)
            for (t, n), (p, o) in with_rows.items()
            if (t, n) in without and n in names
        ],
        "flow": [
            (t, run, n, step, side, cell[0], int(cell[1]))
            for run, result in results.items()
            for (t, n, step, side), cell in result.recorder.flow.items()
        ],
        "funds": [row for r in results.values() for row in r.recorder.rows["funds"]],
        "accounts": _accounts(roles, results),
        "liquidation_map": results["with"].map_rows,
        "payers": [row for run, result in results.items() for row in _payers(run, result.recorder)],
        "calls": [row for r in results.values() for row in r.recorder.rows["calls"]],
    }
    return {name: _frame(name, rows[name]) for name in COLUMNS}


def _frame(name: str, rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    columns = (column.split(":") for column in COLUMNS[name].split())
    return pl.DataFrame(rows, schema={column: _TYPES[kind] for column, kind in columns}, orient="row")


def _accounts(roles: tuple[str, ...], results: dict[str, Result]) -> list[tuple[Any, ...]]:
    rows = []
    first = len(results["with"].before) - len(roles)
    for run, result in results.items():
        after, recorder = result.recorder.after, result.recorder
        for place, role in enumerate(roles):
            account = first + place
            extra = recorder.by_account.get(account, {})
            rows.append(
                (
                    account,
                    run,
                    role,
                    float(result.before[account]),
                    float(after[account]),
                    float(result.notional[account]),
                    *(float(extra.get(name, 0.0)) for name in ("liquidated", "adl")),
                    float(recorder.shared[account]),
                    float(extra.get("fees", 0.0)),
                    WORST[recorder.outcome.get(account, 0)],
                )
            )
    return rows


def _payers(run: str, recorder: Figures) -> list[tuple[str, str, float]]:
    """How the bad debt was paid."""
    totals = recorder.totals
    return [
        (run, "insurance fund", totals["insurance"]),
        (run, "backstop vault", totals["backstop pays"]),
        (run, "auto-deleveraged winners", totals["tier adl"]),
        (run, "socialised", totals["socialised"]),
        (run, "unpaid", totals["shortfall"]),
    ]


def result_summary(plan: Plan, accounts: int, names: list[str], results: dict[str, Result]) -> dict[str, Any]:
    """Plain numbers of the experiment; nothing in it depends on the machine or the clock."""
    path = plan.path
    first_round = results["without"].recorder.totals["liquidated_total"]
    runs = {run: _run_summary(result, first_round) for run, result in results.items()}
    instruments: dict[str, Any] = {}
    for name in names:
        start = results["with"].start_marks.get(name, 0.0)
        row: dict[str, Any] = {"start": start}
        for run, result in results.items():
            marks = [p for _, n, p, _ in result.recorder.rows["prices"] if n == name]
            low = min(marks, default=start)
            row[f"low_{run}"], row[f"end_{run}"] = low, marks[-1] if marks else start
            row[f"move_{run}"] = low / start - 1.0 if start else 0.0
        column = path.names.index(asset_of(plan.rulebook.instrument(name)))
        outside = path.price[:, column][path.fresh[:, column]]
        row["low_exogenous"] = float(outside.min())
        instruments[name] = row
    return {
        "rulebook": {"tag": plan.rulebook.tag, "sha256": plan.rulebook.sha256},
        "seed": plan.seed,
        "numeraire": plan.rulebook.margin.numeraire,
        "accounts": accounts,
        "steps": len(path.time_ns) - 1,
        "start_ns": int(path.time_ns[0]),
        "end_ns": int(path.time_ns[-1]),
        "start": format_time(int(path.time_ns[0])),
        "end": format_time(int(path.time_ns[-1])),
        "feedback": plan.feedback,
        "runs": runs,
        "instruments": instruments,
        "notes": list(path.notes),
    }


def _run_summary(result: Result, first_round: float) -> dict[str, Any]:
    recorder = result.recorder
    totals, counts, funds = recorder.totals, recorder.counts, recorder.rows["funds"]
    start_vault, end_vault = (funds[0][3], funds[-1][3]) if funds else (0.0, 0.0)
    liquidated = totals["liquidated_total"]
    return {
        "liquidated_total": liquidated,
        "first_round": first_round,
        "amplification": liquidated / first_round if first_round else 1.0,
        "bad_debt": totals["bad_debt"],
        "insurance_used": totals["insurance"],
        "insurance_end": funds[-1][2] if funds else 0.0,
        "backstop_pnl": end_vault - start_vault,
        "adl_notional": totals["adl_notional"],
        "adl_haircut": totals["adl_haircut"],
        "adl_gained": totals["adl_gained"],
        "adl_accounts": recorder.adl_accounts,
        "socialised": totals["socialised"],
        "unpaid": totals["shortfall"],
        "liquidation_fees": totals["liquidation_fees"],
        "unwound_by_backstop": totals["unwound"],
        **{name: counts[name] for name in COUNTED},
        "digest": recorder.digest,
    }
