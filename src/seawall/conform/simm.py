"""SIMM cases: the weights come with the vector, or (for one published calibration) from the table beside it.

`simm_ir_2_6.json` holds facts of ISDA SIMM 2.6, interest rates of the regular-volatility currencies, as in
the BSD-licensed ORE: they are test data, not part of the product. No formula.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from seawall.calibrate import simm
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, as_number, find, number, numbers
from seawall.errors import Unsupported

CALIBRATIONS = {("2.6", "10"): "simm_ir_2_6.json"}


def one_bucket(vector: Vector) -> Answer:
    given = vector.inputs
    weights = [float(value) for value in numbers(given, "RW", "weights")]
    correlation = find(given, "rho", "correlation")
    rho: Any = (
        [[float(as_number(cell, "rho")) for cell in row] for row in correlation]
        if isinstance(correlation, list)
        else float(number(given, "rho", "correlation", default=0))
    )
    found = simm.delta_bucket(
        [float(value) for value in numbers(given, "s", "sensitivities")],
        weights[0] if len(weights) == 1 else weights,
        rho,
        threshold=float(number(given, "T_usd", "T", "threshold")),
    )
    return {"CR": list(found.factors), "WS": list(found.weighted), "K": found.margin, "S": found.clipped}


def curvature_terms(vector: Vector) -> Answer:
    thetas = [float(value) for value in numbers(vector.inputs, "theta")]
    days = [float(value) for value in numbers(vector.inputs, "t_days")]
    return {
        "lam": [simm.curvature_lambda(theta) for theta in thetas],
        "SF": [simm.curvature_scale(value) for value in days],
    }


def classes(vector: Vector) -> Answer:
    margins, psi = find(vector.inputs, "IM"), find(vector.inputs, "psi")
    if not isinstance(margins, dict) or not isinstance(psi, dict):
        raise Unsupported("IM and psi are not tables by risk class")
    floats = {name: float(as_number(value, name)) for name, value in margins.items()}
    return {"IM": simm.across_classes(floats, {k: float(as_number(v, k)) for k, v in psi.items()})}


def interest_rates(vector: Vector) -> Answer:
    """One currency: a curve of [tenor, sub-curve, sensitivity] and vol x vega by [tenor, amount]."""
    given = vector.inputs
    version, days = str(find(given, "version")), str(number(given, "mpor", default=10))
    file = CALIBRATIONS.get((version, days))
    if file is None:
        raise Unsupported(f"no calibration of SIMM {version} over {days} days is here, only 2.6 over 10")
    facts = json.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    tenors: list[str] = facts["tenors"]
    curve = [(str(t), str(sub), float(as_number(s, "curve"))) for t, sub, s in find(given, "curve") or []]
    vol = [(str(t), float(as_number(v, "vol"))) for t, v in find(given, "vol") or []]
    rho = _correlations(facts)
    apart: float = facts["sub_curves"]
    between = [[rho[a][b] * (1.0 if x == y else apart) for b, y, _ in curve] for a, x, _ in curve]
    for k in range(len(curve)):
        between[k][k] = 1.0
    weights = dict(zip(tenors, facts["risk_weights"]))
    delta = simm.delta_bucket(
        [s for _, _, s in curve], [weights[t] for t, _, _ in curve], between,
        threshold=facts["delta_threshold"], common=True,
    )  # fmt: skip
    alike = [[rho[a][b] for b, _ in vol] for a, _ in vol]
    vega = simm.vega_bucket(
        [v for _, v in vol], facts["vega_weight"], alike, threshold=facts["vega_threshold"]
    )
    term = dict(zip(tenors, facts["days"]))
    scaled = [simm.curvature_scale(float(Fraction(term[t]))) * v for t, v in vol]
    bent = simm.curvature_margin(scaled, alike, volatility_ratio=facts["volatility_ratio"])
    parts = {"delta": delta.margin, "vega": vega.margin, "curvature": bent.margin}
    # A class of one measure of risk each: SIMM adds them.
    whole = parts["delta"] + parts["vega"] + parts["curvature"]
    printed = {**parts, "curvature_bucket": bent.bucket.margin, "total": whole}
    return {**parts, "curvature_K": bent.bucket.margin, "total_call": whole, "ore": printed}


def _correlations(facts: dict[str, Any]) -> dict[str, dict[str, float]]:
    """The lower triangle as a table by tenor, both ways."""
    tenors = facts["tenors"]
    table: dict[str, dict[str, float]] = {name: {name: 1.0} for name in tenors}
    for a, row in enumerate(facts["correlations"], start=1):
        for b, value in enumerate(row):
            table[tenors[a]][tenors[b]] = table[tenors[b]][tenors[a]] = value
    return table


ADAPTERS = (
    Adapter("margin.", ("curve", "vol", "version"), interest_rates),
    Adapter("margin.", ("s|sensitivities", "RW|weights", "T_usd|T|threshold"), one_bucket),
    Adapter("margin.", ("theta", "t_days"), curvature_terms),
    Adapter("margin.", ("IM", "psi"), classes),
)
