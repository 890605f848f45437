"""Smiles: SVI raw and as jump wings, SSVI, and a fit to quoted vols. Every number is the product's."""

from __future__ import annotations

from typing import Any

import numpy as np

from seawall.calibrate.smile import make_target
from seawall.calibrate.svi_fit import fit_slice
from seawall.conform.model import Vector
from seawall.conform.models import real, years_of
from seawall.conform.reading import Adapter, Answer, find, numbers
from seawall.errors import Unsupported
from seawall.pricing.ssvi import (
    PowerLaw,
    SsviSlice,
    calendar_bound,
    calendar_holds,
    conditions,
    ssvi_variance,
    to_raw,
)
from seawall.pricing.svi import (
    Floats,
    JumpWings,
    RawSvi,
    butterfly,
    density_factor,
    from_jump_wings,
    repaired_wings,
    to_jump_wings,
    total_variance,
)

GRID: Floats = np.asarray(np.arange(-300, 301) * 0.01, dtype=np.float64)  # k in [-3, 3] step .01
QUOTED = 1.5  # a fit is checked on k in [-1.5, 1.5]


def columns(inputs: dict[str, Any], *names: str) -> Any:
    return np.array([float(value) for value in numbers(inputs, *names)])


def raw(vector: Vector) -> Answer:
    """A raw slice: its level, where its density is negative, and its jump wings."""
    given = vector.inputs
    svi = RawSvi(**{name: real(given, name) for name in ("a", "b", "rho", "m", "sigma")})
    report = butterfly(svi)
    wings = to_jump_wings(svi, real(given, "t", "T", default=1.0))
    below = [list(interval) for interval in report.negative]
    answer: Answer = {
        "w0": float(total_variance(svi, np.zeros(1))[0]),
        "w_min": svi.least_variance,
        "g_min": report.g_min,
        "k_at_g_min": report.k_at_g_min,
        "g_negative_between": below[0] if len(below) == 1 else below,
        "arbitrage_free": report.holds,
        "jw": {name: getattr(wings, name) for name in JumpWings.__struct_fields__},
        "wing_slopes": list(svi.wing_slopes),
    }
    if find(given, "k") is not None:
        k = columns(given, "k")
        answer |= {"w": total_variance(svi, k).tolist(), "g": density_factor(svi, k).tolist()}
    return answer


def wings_repair(vector: Vector) -> Answer:
    """Jump wings: the wing and least variance that leave no arbitrage; with all five, the raw slice too."""
    given = vector.inputs
    v, psi, p = (real(given, name) for name in ("v", "psi", "p"))
    c, vtilde = repaired_wings(v, psi, p)
    answer: Answer = {"c_prime": c, "vtilde_prime": vtilde}
    if find(given, "c") is not None and find(given, "vtilde") is not None:
        wings = JumpWings(v=v, psi=psi, p=p, c=real(given, "c"), vtilde=real(given, "vtilde"))
        svi = from_jump_wings(wings, real(given, "t", "T", default=1.0))
        answer |= {name: getattr(svi, name) for name in RawSvi.__struct_fields__}
    return answer


def ssvi_slice(vector: Vector) -> Answer:
    """One SSVI slice: the sufficient conditions and its density on the grid."""
    given = vector.inputs
    one = SsviSlice(theta=real(given, "theta"), phi=real(given, "phi"), rho=real(given, "rho"))
    told = conditions(one)
    at = {"w_at_0": 0.0, "w_at_m02": -0.2, "w_at_p02": 0.2}
    answer: Answer = {
        "cond1": told.wing,
        "cond2": told.curvature,
        "sufficient_conditions_hold": told.hold,
        "g_min_grid": float(np.min(density_factor(to_raw(one), GRID))),
        "calendar_bound": calendar_bound(one.phi, one.rho),
        **{name: float(ssvi_variance(one, np.array([k]))[0]) for name, k in at.items()},
    }
    if find(given, "k") is not None:
        answer["w"] = ssvi_variance(one, columns(given, "k")).tolist()
    return answer


def power_law(vector: Vector) -> Answer:
    """A power-law surface: total variances by theta and k, and whether it is free of arbitrage."""
    given = vector.inputs
    law = PowerLaw(eta=real(given, "eta"), gamma=real(given, "gamma"), rho=real(given, "rho"))
    thetas, k = columns(given, "theta"), columns(given, "k")
    return {
        "w": [ssvi_variance(law.slice_at(float(theta)), k).tolist() for theta in thetas],
        "phi": [law.phi(float(theta)) for theta in thetas],
        "eta_cond": law.eta_condition,
        "arbitrage_free": law.free_of_arbitrage,
        "calendar_free": calendar_holds(law, thetas),
        "dtheta_phi": [law.theta_phi_slope(float(theta)) for theta in thetas],
        "calendar_bound": [calendar_bound(law.phi(float(theta)), law.rho) for theta in thetas],
    }


def fitted(vector: Vector) -> Answer:
    """The best slice for quoted vols, all weighing alike."""
    given = vector.inputs
    target = make_target(columns(given, "k"), columns(given, "iv", "vol"), years_of(given))
    fit = fit_slice(target)
    if fit.svi is None:
        raise Unsupported(f"the fit is refused: {fit.reason}")
    report = butterfly(fit.svi, low=-QUOTED, high=QUOTED)
    return {
        "rmse_vol": fit.rmse_vol,
        "params": {name: getattr(fit.svi, name) for name in RawSvi.__struct_fields__},
        "g_min": report.g_min,
        "arbitrage_free": report.holds,
    }


ADAPTERS = (
    Adapter("options.svi", ("a", "b", "rho", "m", "sigma"), raw),
    Adapter("options.svi", ("v", "psi", "p"), wings_repair),
    Adapter("options.svi", ("k", "iv|vol", "T|T_years|T_days"), fitted),
    Adapter("options.ssvi", ("eta", "gamma", "rho", "theta", "k"), power_law),
    Adapter("options.ssvi", ("theta", "phi", "rho"), ssvi_slice),
)
