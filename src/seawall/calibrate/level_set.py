"""Where does a costly function cross a level? A Gaussian process says what to try next.

Inputs in any units, scaled by the length given; outputs in the unit of the level. Sources: Rasmussen &
Williams 2006, algorithm 2.1; Bryan et al. 2005 (straddle); Echard, Gayton & Lemaire 2011 (AK-MCS, U).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from seawall.calibrate.inputs import Floats, finite, positive, same_length
from seawall.errors import InputError

STRADDLE = 1.96


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """Mean zero, squared-exponential covariance of this length and variance, and the noise's variance."""

    length: float
    variance: float = 1.0
    noise: float = 1e-4

    def __post_init__(self) -> None:
        for name in ("length", "variance", "noise"):
            positive(getattr(self, name), name)

    def covariance(self, one: Floats, other: Floats) -> Floats:
        apart = (one[:, None] - other[None, :]) / self.length
        return np.asarray(self.variance * np.exp(-0.5 * apart * apart))

    def posterior(
        self, at: Sequence[float], seen: Sequence[float], wanted: Sequence[float]
    ) -> tuple[Floats, Floats]:
        """(mean, standard deviation) of the function where it is wanted, from what was seen."""
        from scipy.linalg import cho_factor, cho_solve

        x, y, new = finite(at, "at"), finite(seen, "seen"), finite(wanted, "wanted")
        same_length(at=x, seen=y)
        known = cho_factor(self.covariance(x, x) + self.noise * np.eye(x.size), lower=True)
        cross = self.covariance(x, new)
        mean = cross.T @ cho_solve(known, y)
        variance = self.variance - np.sum(cross * cho_solve(known, cross), axis=0)
        return mean, np.sqrt(np.maximum(variance, 0.0))


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """By candidate: straddle (largest is next), U = |mean - level| / sd, and the chance to be on the wrong
    side; `next_place` is the candidate to try."""

    straddle: tuple[float, ...]
    distance: tuple[float, ...]
    wrong_side: tuple[float, ...]
    next_place: int


def search(mean: Floats, sd: Floats, level: float) -> Search:
    """What to evaluate next to find where the function crosses the level."""
    from scipy.special import ndtr

    if (sd <= 0.0).any():
        raise InputError.at("level set", "a candidate has no uncertainty left", "Leave it out: it is known.")
    gap = np.abs(mean - level)
    straddle, distance = STRADDLE * sd - gap, gap / sd
    return Search(
        straddle=tuple(straddle.tolist()),
        distance=tuple(distance.tolist()),
        wrong_side=tuple(ndtr(-distance).tolist()),
        next_place=int(np.argmax(straddle)),
    )
