"""Networks of claims, fire sales and cascades. Exposures by lender are claims by borrower, turned about."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, as_number, find, number, numbers, rows
from seawall.errors import Unsupported
from seawall.lab.contagion.cascade import Terms, at_risk, liquidation_prices, run_cascade
from seawall.lab.contagion.clearing import clear, clear_with_creditors, debt_rank, impact
from seawall.lab.contagion.fire_sales import forced_sales, leverage_targeting


def floats(inputs: dict[str, Any], *names: str) -> list[float]:
    return [float(value) for value in numbers(inputs, *names)]


def matrix(inputs: dict[str, Any], name: str) -> NDArray[np.float64]:
    listed = find(inputs, name)
    if not isinstance(listed, list) or not all(isinstance(row, list) for row in listed):
        raise Unsupported(f"input {name} is not a list of lists")
    return np.array([[float(as_number(value, name)) for value in row] for row in listed])


def pairs(inputs: dict[str, Any], name: str) -> list[tuple[float, float]]:
    return [(float(row[0]), float(row[1])) for row in matrix(inputs, name)]


def clearing(vector: Vector) -> Answer:
    given = vector.inputs
    done = clear(
        matrix(given, "L"),
        floats(given, "e"),
        alpha=float(number(given, "alpha", default=1)),
        beta=float(number(given, "beta", default=1)),
    )
    return {
        "payments": done.payments.tolist(),
        "equity": done.equity.tolist(),
        "defaults": list(done.defaults),
        "default_rounds": [list(members) for members in done.default_rounds],
    }


def senior_creditors(vector: Vector) -> Answer:
    """Before contagion everyone is paid in full."""
    given = vector.inputs
    owed, assets = matrix(given, "L"), floats(given, "external_assets_after", "external_assets")
    outer = floats(given, "external_liabilities")
    done = clear_with_creditors(owed, assets, outer, senior=True)
    in_full = np.array(assets) - outer + owed.sum(axis=0) - owed.sum(axis=1)
    return {
        "equity": done.equity.tolist(),
        "payments": done.payments.tolist(),
        "equity_before_contagion": in_full.tolist(),
    }


def both_seniorities(vector: Vector) -> Answer:
    given = vector.inputs
    owed = matrix(given, "exposures_lender_borrower").T
    left = np.array(floats(given, "external_assets")) - floats(given, "shock")
    equal, senior = (
        clear_with_creditors(owed, left, floats(given, "external_liabilities"), senior=first)
        for first in (False, True)
    )
    return {
        "equity_final": equal.equity.tolist(),
        "payments_pari_passu": equal.payments.tolist(),
        "equity_if_external_senior": senior.equity.tolist(),
        "payments_if_external_senior": senior.payments.tolist(),
    }


def rank(vector: Vector) -> Answer:
    given = vector.inputs
    return {
        "equity_final": debt_rank(
            floats(given, "E0"), matrix(given, "exposures"), floats(given, "shock")
        ).tolist()
    }


def impacts(vector: Vector) -> Answer:
    return {"impact": impact(matrix(vector.inputs, "liabilities"), floats(vector.inputs, "buffer")).tolist()}


def targeting(vector: Vector) -> Answer:
    given = vector.inputs
    done = leverage_targeting(
        floats(given, "assets"),
        matrix(given, "weights"),
        floats(given, "leverage_d_over_e"),
        floats(given, "price_impact"),
        floats(given, "shock"),
        floats(given, "equity"),
    )
    return {
        "direct_return": done.direct_return.tolist(),
        "sales": done.sales.tolist(),
        "price_change": done.price_change.tolist(),
        "spillover_return": done.spillover_return.tolist(),
        "aggregate_vulnerability": done.aggregate_vulnerability,
        "systemicness": done.systemicness.tolist(),
        "indirect_vulnerability": done.indirect_vulnerability.tolist(),
    }


def deleveraging(vector: Vector) -> Answer:
    given = vector.inputs
    done = forced_sales(
        matrix(given, "holdings"),
        floats(given, "equity"),
        most_leverage=float(number(given, "lambda_max")),
        target_leverage=float(number(given, "lambda_b")),
        depth=floats(given, "depth"),
        shock=floats(given, "shock"),
    )
    log = [
        {"gamma": r.parts.tolist(), "sold": r.sold.tolist(), "price_drop": r.price_drop.tolist()}
        for r in done.rounds
    ]
    return {
        "rounds": len(log),
        "log": log,
        "prices": done.prices.tolist(),
        "equity": done.equity.tolist(),
        "insolvent": list(done.insolvent),
    }


def cascade(vector: Vector) -> Answer:
    given = vector.inputs
    base, money = floats(given, "pool")
    terms = Terms(
        threshold=float(number(given, "lt")),
        bonus=float(number(given, "bonus")),
        close_factor=float(number(given, "close_factor", default=1)),
        feedback=float(number(given, "feedback", default=0)),
        profit_gate=bool(find(given, "profit_gate")),
    )
    done = run_cascade(pairs(given, "accounts"), (base, money), terms, shock=float(number(given, "shock")))
    named = (
        "account",
        "oracle",
        "seized",
        "repaid",
        "sale_proceeds",
        "liquidator_pnl",
        "pool_price",
        "bad_debt",
    )
    return {
        "order": [step.account for step in done.steps],
        "left_unliquidated": list(done.left_unliquidated),
        "latent_bad_debt": done.latent_bad_debt,
        "final_pool_price": done.final_pool_price,
        "external_price": done.external_price,
        "amplification": done.amplification,
        "collateral_sold": sum(step.seized for step in done.steps),
        "bad_debt": sum(step.bad_debt for step in done.steps),
        "steps": [{name: getattr(step, name) for name in named} for step in done.steps],
    }


def at_risk_curve(vector: Vector) -> Answer:
    """The drops asked for stand in the expected rows."""
    given = vector.inputs
    loans, threshold = pairs(given, "accounts"), float(number(given, "lt"))
    curve = []
    for row in rows(vector.expected, "curve"):
        drop = number(row, "drop")
        debt, collateral, bad = at_risk(
            loans, threshold, float(number(given, "price") * (1 - Fraction(drop)))
        )
        curve.append({"drop": drop, "debt_liquidatable": debt, "collateral": collateral, "bad_debt": bad})
    return {"kill_prices": liquidation_prices(loans, threshold), "curve": curve}


ADAPTERS = (
    Adapter("en-", ("L", "e"), clearing),
    Adapter("rv-", ("L", "e", "alpha", "beta"), clearing),
    Adapter("en-", ("L", "external_assets_after|external_assets", "external_liabilities"), senior_creditors),
    Adapter("neva-", ("exposures_lender_borrower", "external_liabilities", "shock"), both_seniorities),
    Adapter("neva-", ("E0", "exposures", "shock"), rank),
    Adapter("nrm-", ("liabilities", "buffer"), impacts),
    Adapter("glt-", ("weights", "leverage_d_over_e", "price_impact", "shock"), targeting),
    Adapter("cs-", ("holdings", "lambda_max", "lambda_b", "depth", "shock"), deleveraging),
    Adapter("cascade-", ("accounts", "pool", "lt", "bonus", "shock"), cascade),
    Adapter("lar-", ("accounts", "price", "lt"), at_risk_curve),
)
