"""Two regimes of volatility, and how often two assets crash together.

Probabilities are per step, volatilities per the same step. Sources: Hamilton 1989 (Markov switching);
Demarta & McNeil 2005 (tail dependence of the t copula).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from seawall.calibrate.inputs import between, finite, positive
from seawall.errors import InputError


class TwoRegimes(msgspec.Struct, frozen=True, kw_only=True):
    """`stay`: probability of staying in regime 0; `back`: of going from regime 1 to 0."""

    stay: float
    back: float

    def __post_init__(self) -> None:
        for name in ("stay", "back"):
            between(getattr(self, name), name, 0.0, 1.0)

    @property
    def stationary(self) -> tuple[float, float]:
        """Long-run share of time in each regime."""
        calm = self.back / (1.0 - self.stay + self.back)
        return calm, 1.0 - calm

    @property
    def durations(self) -> tuple[float, float]:
        """Mean steps in a row in each regime."""
        return 1.0 / (1.0 - self.stay), 1.0 / self.back

    def long_run_vol(self, vols: Sequence[float]) -> float:
        """Root of the mean variance over both regimes."""
        each = finite(vols, "vols", 2)
        if each.size != 2:
            raise InputError.at("vols", f"{each.size} values", "Give one volatility for each regime.")
        calm, stressed = self.stationary
        return math.sqrt(calm * float(each[0]) ** 2 + stressed * float(each[1]) ** 2)


def tail_dependence(correlation: float, dof: float) -> float:
    """Chance that one of a pair under a t copula falls out of the bottom, given that the other does."""
    from scipy.stats import t

    between(correlation, "correlation", -1.0, 1.0)
    positive(dof, "dof")
    edge = math.sqrt((dof + 1.0) * (1.0 - correlation) / (1.0 + correlation))
    return 2.0 * float(t.cdf(-edge, dof + 1.0))
