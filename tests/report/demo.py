"""A made-up run for the tests of the report: shapes like a real crash, no engine behind it.

Amounts are in USDT, times in nanoseconds. The same arguments give the same tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from seawall.report.tables import RunTables

START_NS = 1_760_130_000_000_000_000  # 2025-10-10 21:00 UTC
MINUTE_NS = 60_000_000_000
KEYS = (
    "liquidated_total",
    "first_round",
    "amplification",
    "bad_debt",
    "insurance_used",
    "insurance_end",
    "backstop_pnl",
    "adl_notional",
    "adl_haircut",
    "adl_accounts",
    "socialised",
    "margin_calls",
    "cured",
    "liquidations",
    "bankruptcies",
    "unknown_accounts",
    "events",
    "commands",
)


def prices(
    rng: np.random.Generator, names: dict[str, float], steps: int, start_ns: int, calm: bool
) -> pl.DataFrame:
    parts = []
    for place, (name, first) in enumerate(names.items()):
        depth = 0.0005 if calm else 0.22 / (1 + 0.2 * place)
        t = np.linspace(0, 1, steps)
        dip = np.exp(-(((t - 0.42) / 0.13) ** 2)) * 0.7 + 0.3 / (1 + np.exp(-(t - 0.4) * 30))
        noise = np.cumsum(rng.normal(0, 0.0012 if not calm else 0.0001, steps))
        outside = first * (1 - depth * dip + noise)
        extra = (
            0.0
            if calm
            else 0.11 * np.exp(-(((t - 0.46) / 0.09) ** 2)) * np.abs(1 + rng.normal(0, 0.05, steps))
        )
        parts.append(
            pl.DataFrame(
                {
                    "time_ns": start_ns + np.arange(steps) * MINUTE_NS,
                    "instrument": [name] * steps,
                    "with_feedback": outside * (1 - extra),
                    "without_feedback": outside * (1 + rng.normal(0, 4e-4, steps)),
                    "exogenous": outside,
                }
            )
        )
    return pl.concat(parts)


def flow(rng: np.random.Generator, names: dict[str, float], steps: int, start_ns: int) -> pl.DataFrame:
    rows = []
    for run, size in (("with", 1.0), ("without", 0.45)):
        for step, share, late in (("reduce", 1.0, 0.42), ("takeover", 0.5, 0.46), ("adl", 0.2, 0.5)):
            for name in names:
                for k in range(steps):
                    weight = np.exp(-(((k / steps - late) / 0.06) ** 2))
                    if weight > 0.02:
                        worth = 4e6 * size * share * weight * rng.lognormal(0, 0.4)
                        rows.append(
                            (
                                start_ns + k * MINUTE_NS,
                                run,
                                name,
                                step,
                                "long" if rng.random() < 0.9 else "short",
                                float(worth),
                                int(worth // 5e4) + 1,
                            )
                        )
    return pl.DataFrame(
        rows, schema=["time_ns", "run", "instrument", "step", "side", "notional", "count"], orient="row"
    )


def funds(steps: int, start_ns: int, calm: bool) -> pl.DataFrame:
    parts = []
    t = np.linspace(0, 1, steps)
    for run, hurt in (("with", 0.0 if calm else 1.0), ("without", 0.0 if calm else 0.3)):
        ramp = hurt / (1 + np.exp(-(t - 0.48) * 40))
        parts.append(
            pl.DataFrame(
                {
                    "time_ns": start_ns + np.arange(steps) * MINUTE_NS,
                    "run": [run] * steps,
                    "insurance": 25e6 - 24e6 * ramp,
                    "backstop_equity": 60e6 - 71e6 * ramp * (1 - 0.4 * t),
                    "deficit_open": 9e6 * hurt * np.exp(-(((t - 0.52) / 0.05) ** 2)),
                    "socialised_cum": 3e6 * (ramp > 0.9),
                }
            )
        )
    return pl.concat(parts)


def accounts(rng: np.random.Generator, count: int, calm: bool) -> pl.DataFrame:
    before = rng.lognormal(8.0, 2.0, count)
    notional = before * rng.lognormal(1.2, 0.8, count)
    parts = []
    for run, shock in (("with", 0.31), ("without", 0.21)):
        loss = np.zeros(count) if calm else notional * shock * rng.uniform(-0.25, 0.7, count)
        after = before - loss
        outcome = np.select(
            [
                after < 0,
                after < 0.06 * before,
                after < 0.2 * before,
                after < 0.3 * before,
                loss < -0.3 * before,
            ],
            ["bankrupt", "taken_over", "liquidated", "margin_called", "adl"],
            "untouched",
        )
        closed = np.isin(outcome, ["bankrupt", "taken_over", "liquidated"])
        parts.append(
            pl.DataFrame(
                {
                    "account": np.arange(count) + 1,
                    "run": [run] * count,
                    "role": np.where(np.arange(count) < 5, "market_maker", "trader"),
                    "equity_before": before,
                    "equity_after": np.where(after < 0, after * 0.05, after),
                    "notional_before": notional,
                    "liquidated": np.where(closed, notional, 0.0),
                    "adl": np.where(outcome == "adl", notional * 0.2, 0.0),
                    "socialised": np.zeros(count),
                    "fees": np.where(closed, notional * 0.004, 0.0),
                    "outcome": outcome,
                }
            )
        )
    return pl.concat(parts)


def liquidation_map(names: dict[str, float], calm: bool) -> pl.DataFrame:
    parts = []
    moves = np.round(np.arange(-40, 41) / 100.0, 2)
    for place, (name, first) in enumerate(names.items()):
        size = 0.0 if calm else 6e6 / (1 + place)
        parts.append(
            pl.DataFrame(
                {
                    "instrument": [name] * len(moves),
                    "price": first * (1 + moves),
                    "move": moves,
                    "long_notional": np.where(moves < 0, size * np.exp(-(((moves + 0.14) / 0.08) ** 2)), 0.0),
                    "short_notional": np.where(
                        moves > 0, 0.5 * size * np.exp(-(((moves - 0.17) / 0.09) ** 2)), 0.0
                    ),
                }
            )
        )
    return pl.concat(parts)


def payers(calm: bool) -> pl.DataFrame:
    amounts = {
        "account equity": (310e6, 120e6),
        "backstop vault": (24e6, 6e6),
        "insurance fund": (23e6, 7e6),
        "auto-deleveraged winners": (11e6, 0.0),
        "socialised": (3e6, 0.0),
        "unpaid": (0.0, 0.0),
    }
    rows = [
        (run, name, 0.0 if calm else pair[k])
        for k, run in enumerate(("with", "without"))
        for name, pair in amounts.items()
    ]
    return pl.DataFrame(rows, schema=["run", "payer", "amount"], orient="row")


def calls(rng: np.random.Generator, steps: int, start_ns: int, count: int) -> pl.DataFrame:
    rows = []
    for run, number in (("with", count), ("without", count // 2)):
        for k in range(number):
            at = int(np.clip(rng.normal(0.36, 0.08), 0, 0.9) * steps)
            end = "cured" if rng.random() < 0.35 else "deadline"
            equity = float(rng.lognormal(8, 1.5))
            rows.append((start_ns + at * MINUTE_NS, run, k + 1, equity, equity * 1.1, "issued"))
            rows.append(
                (start_ns + min(at + 15, steps - 1) * MINUTE_NS, run, k + 1, equity * 0.9, equity * 1.1, end)
            )
    return pl.DataFrame(
        rows,
        schema=["time_ns", "run", "account", "equity", "requirement", "kind"],
        orient="row",
        schema_overrides={"equity": pl.Float64, "requirement": pl.Float64},
    )


def summary(calm: bool, names: dict[str, float], count: int, steps: int, start_ns: int) -> dict[str, Any]:
    lively = (
        (
            489_123_456.75,
            259_000_111.5,
            1.8885,
            61_204_000.25,
            23_000_000.5,
            1_958_311.0,
            -24_100_200.0,
            41_000_333.0,
            11_020_001.0,
            214,
            3_000_000.5,
            1211,
            401,
            2904,
            187,
            3,
            48_221,
            10_321,
        ),
        (
            208_000_444.5,
            208_000_444.5,
            1.0,
            13_000_000.0,
            7_000_000.0,
            17_999_123.0,
            -6_000_111.0,
            0.0,
            0.0,
            0,
            0.0,
            611,
            222,
            1320,
            61,
            0,
            31_007,
            9_204,
        ),
    )
    quiet = ((0.0, 0.0, None, 0.0, 0.0, 25e6, 0.0, 0.0, 0.0, 0, 0.0, 0, 0, 0, 0, 0, 400, 380),) * 2
    values = quiet if calm else lively
    return {
        "title": "10 October 2025, as Hyperliquid's rules of that day",
        "rulebook": {"tag": "hyperliquid@2025-10-10", "sha256": "9f2c" * 16},
        "seed": 42,
        "numeraire": "USDT",
        "accounts": count,
        "steps": steps,
        "start_ns": start_ns,
        "end_ns": start_ns + (steps - 1) * MINUTE_NS,
        "runs": {run: dict(zip(KEYS, values[k])) for k, run in enumerate(("with", "without"))},
        "instruments": {name: {"first": first, "low_with": first * 0.69} for name, first in names.items()},
        "notes": [
            "Depth is a model fitted to public order books; it refills in twenty minutes.",
            "The book is made up: sizes follow a public leaderboard, not real accounts.",
        ],
        "command": "seawall crash --rulebook hyperliquid@2025-10-10 --seed 42",
        "wall_seconds": 12.5,
    }


def demo(
    names: dict[str, float] | None = None,
    calm: bool = False,
    count: int = 4000,
    steps: int = 240,
    start_ns: int = START_NS,
    with_accounts: bool = True,
) -> RunTables:
    """One whole run; `calm` is a run in which nothing happened."""
    names = {"BTC-PERP": 121_500.0} if names is None else names
    rng = np.random.default_rng(7)
    return RunTables(
        prices=prices(rng, names, steps, start_ns, calm),
        flow=RunTables.empty("flow") if calm else flow(rng, names, steps, start_ns),
        funds=funds(steps, start_ns, calm),
        accounts=accounts(rng, count, calm) if with_accounts else RunTables.empty("accounts"),
        liquidation_map=liquidation_map(names, calm),
        payers=payers(calm),
        calls=RunTables.empty("calls") if calm else calls(rng, steps, start_ns, 1211),
        summary=summary(calm, names, count, steps, start_ns),
    )


EIGHT = {
    "BTC-PERP": 121_500.0,
    "ETH-PERP": 4_350.25,
    "SOL-PERP": 221.7,
    "XRP-PERP": 2.81,
    "DOGE-PERP": 0.2519,
    "HYPE-PERP": 44.9,
    "kPEPE-PERP": 0.0093,
    "SHIB-PERP": 0.0001217,
}
