"""Calibration: worst cases, sensitivities, level sets, fronts, fund sizes, by the product's own functions.

Numbers become floats here. No formula. Vectors without inputs print figures of a paper and are refused.
"""

from __future__ import annotations

from typing import Any

from seawall.calibrate import level_set, pareto, worst_cases
from seawall.calibrate.sensitivity import Ishigami, g_function_shares, sobol_shares
from seawall.conform.market_models import MEASURED, real, reals
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, Refused, as_number, find, rows
from seawall.errors import Unsupported

PI = 3.141592653589793


def _table(vector: Vector, *names: str) -> list[list[float]]:
    listed = find(vector.inputs, *names)
    if not isinstance(listed, list) or not all(isinstance(row, list) for row in listed):
        raise Unsupported(f"input {names[0]} is not a list of rows")
    return [[float(as_number(value, names[0])) for value in row] for row in listed]


def least_cvar(vector: Vector) -> Answer:
    found = worst_cases.least_cvar(reals(vector, "losses"), real(vector, "alpha", "level"))
    return {"VaR": found.var, "CVaR": found.es, "ES_fractional": found.es}


def weights(vector: Vector) -> Answer:
    found = worst_cases.least_cvar_weights(
        _table(vector, "returns"), real(vector, "alpha", "level"), least_mean=real(vector, "min_mean")
    )
    return {"weights": list(found.weights), "CVaR": found.cvar}


def ishigami(vector: Vector) -> Answer:
    function = Ishigami(real(vector, "a", default=7.0), real(vector, "b", default=0.1))
    true = function.shares
    answer: Answer = {
        "variance": true.variance,
        "S1": list(true.first),
        "ST": list(true.total),
        "S2_13": function.together,
    }
    if find(vector.inputs, "N") is not None:
        guess = sobol_shares(function, [(-PI, PI)] * 3, samples=int(real(vector, "N")))
        answer |= {"salib_S1": list(guess.first), "salib_ST": list(guess.total)}
    return answer


def g_function(vector: Vector) -> Answer:
    found = g_function_shares(reals(vector, "a"))
    return {"S1": list(found.first), "ST": list(found.total), "variance": found.variance}


def straddle(vector: Vector) -> Answer:
    process = level_set.Process(
        length=real(vector, "ell"), variance=real(vector, "sf2", default=1.0), noise=real(vector, "noise")
    )
    wanted = reals(vector, "candidates")
    mean, sd = process.posterior(reals(vector, "X"), reals(vector, "y"), wanted)
    found = level_set.search(mean, sd, real(vector, "h", default=0.0))
    return {
        "mu": mean.tolist(),
        "sd": sd.tolist(),
        "straddle": list(found.straddle),
        "U": list(found.distance),
        "p_misclass": list(found.wrong_side),
        "next": wanted[found.next_place],
    }


def failure_surface(vector: Vector) -> Answer:
    found = worst_cases.critical_depth(
        reals(vector, "s"),
        margin=real(vector, "m"),
        impact=real(vector, "c"),
        size=real(vector, "q"),
        fund_share=real(vector, "F_over_N"),
    )
    return {"d_star": found.tolist()}


def hypervolume(vector: Vector) -> Answer:
    return {"hv": pareto.hypervolume(_table(vector, "points"), reals(vector, "ref", "reference"))}


def fronts(vector: Vector) -> Answer:
    return {"fronts": pareto.fronts(_table(vector, "points"))}


def crowding(vector: Vector) -> Answer:
    room = pareto.crowding(_table(vector, "points"))
    inner = [value for value in room if value != float("inf")]
    if len(inner) != 1:
        raise Unsupported("`middle` of several points between the ends")
    return {"middle": inner[0]}


def cover(vector: Vector) -> Answer:
    found = worst_cases.cover_two(_table(vector, "loss_over_margin"))
    return {"cover1": list(found.one), "cover2": list(found.two), "target": found.target}


def objective(vector: Vector) -> Answer:
    values = [
        worst_cases.weighted_objective(
            bad_debt=float(as_number(find(row, "bd"), "bd")),
            liquidated=float(as_number(find(row, "liq"), "liq")),
            efficiency=float(as_number(find(row, "eff"), "eff")),
            weights=reals(vector, "w"),
        )
        for row in rows(vector.inputs, "sets")
    ]
    return {"J": values, "best": values.index(min(values))}


ADAPTERS: tuple[Any, ...] = (
    Refused("calibration.cheng", MEASURED),
    Refused("calibration.black_vs_svcj", MEASURED),
    Refused("calibration.svcj_deribit", MEASURED),
    Adapter("calibration.", ("losses", "alpha|level"), least_cvar),
    Adapter("calibration.", ("returns", "alpha|level", "min_mean"), weights),
    Adapter("calibration.", ("a", "b"), ishigami),
    Adapter("calibration.", ("a",), g_function),
    Adapter("calibration.", ("X", "y", "candidates", "ell"), straddle),
    Adapter("calibration.", ("m", "c", "q", "s"), failure_surface),
    Adapter("calibration.", ("points", "ref|reference"), hypervolume),
    Adapter("calibration.crowding", ("points",), crowding),
    Adapter("calibration.", ("points",), fronts),
    Adapter("calibration.", ("loss_over_margin",), cover),
    Adapter("calibration.", ("w", "sets"), objective),
)
