"""The models by name, with where a fit starts and how far each parameter may go, and their state later on.

Bounds keep what the market of crypto options has shown, with room; a fit that ends at a bound says so. Units
are those of the models: vols and variances per year, jumps in log price.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from seawall.calibrate.models.levy import Black, Cgmy, Kou, Merton, VarianceGamma
from seawall.calibrate.models.model import Model
from seawall.calibrate.models.stochastic import Heston, Svcj
from seawall.errors import InputError

Range = tuple[float, float, float]  # start, lowest, highest

_HESTON: dict[str, Range] = {
    "v0": (0.25, 1e-3, 6.0),
    "kappa": (8.0, 0.1, 60.0),
    "theta": (0.25, 1e-3, 4.0),
    "xi": (1.5, 0.05, 12.0),
    "rho": (-0.2, -0.98, 0.98),
}
_JUMPS: dict[str, Range] = {
    "intensity": (2.0, 0.0, 80.0),
    "jump_mean": (-0.05, -0.8, 0.5),
    "jump_vol": (0.12, 1e-3, 0.8),
}


class Entry(msgspec.Struct, frozen=True):
    """One kind of model."""

    kind: Any
    ranges: dict[str, Range]

    def make(self, numbers: Any) -> Model:
        model: Model = self.kind(**{name: float(value) for name, value in zip(self.ranges, numbers)})
        return model


CATALOGUE: dict[str, Entry] = {
    "black": Entry(Black, {"vol": (0.5, 0.01, 5.0)}),
    "merton": Entry(Merton, {"vol": (0.4, 0.01, 3.0), **_JUMPS}),
    "kou": Entry(
        Kou,
        {
            "vol": (0.4, 0.01, 3.0),
            "intensity": (5.0, 0.0, 150.0),
            "p_up": (0.4, 0.0, 1.0),
            "eta_up": (15.0, 1.5, 200.0),
            "eta_down": (12.0, 0.8, 200.0),
        },
    ),
    "variance_gamma": Entry(
        VarianceGamma, {"vol": (0.5, 0.05, 1.5), "nu": (0.05, 1e-4, 0.6), "theta": (-0.2, -3.0, 0.8)}
    ),
    "cgmy": Entry(
        Cgmy,
        {
            "c": (1.0, 1e-3, 60.0),
            "g": (6.0, 0.5, 120.0),
            "m": (8.0, 1.1, 120.0),
            "y": (0.7, 0.02, 1.9),
        },
    ),
    "heston": Entry(Heston, _HESTON),
    "svcj": Entry(
        Svcj,
        {**_HESTON, **_JUMPS, "jump_variance": (0.3, 0.0, 1.5), "jump_correlation": (-0.1, -1.0, 0.6)},
    ),
}


def entry(name: str) -> Entry:
    """InputError for a model that is not here."""
    if name not in CATALOGUE:
        raise InputError.at("model", f"{name!r} is unknown", f"Known: {', '.join(CATALOGUE)}.")
    return CATALOGUE[name]


def state_after(model: Model, years: float) -> Model:
    """The model as it stands this much later, on average.

    Returns of Levy models remember nothing. A stochastic variance is put at its expectation, which leaves out
    that variance is high exactly when the price has jumped: losses of short options are understated by that.
    """
    if isinstance(model, Heston | Svcj):
        pull = float(np.exp(-model.kappa * years))
        mean = model.theta
        if isinstance(model, Svcj):
            mean += model.intensity * model.jump_variance / model.kappa
        return msgspec.structs.replace(model, v0=mean + (model.v0 - mean) * pull)
    return model
