"""Which parameter moves a result: Sobol's shares of its variance, estimated, and two functions known exactly.

Shares are fractions of the variance: first order (alone) and total (with all that it acts together with).
Sources: Sobol 2001; Saltelli et al. 2010; Ishigami & Homma 1990; Saltelli & Sobol 1995 (g function).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from seawall.calibrate.inputs import Floats, finite
from seawall.errors import InputError


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """First-order and total shares by parameter, and the whole variance."""

    first: tuple[float, ...]
    total: tuple[float, ...]
    variance: float


def sobol_shares(
    function: Callable[[Floats], Floats],
    ranges: Sequence[tuple[float, float]],
    *,
    samples: int,
    seed: int = 0,
) -> Shares:
    """Estimate by Saltelli's method on a scrambled Sobol' sequence.

    function: [parameters, n] -> [n]; ranges: of independent uniform parameters; samples: a power of two.
    """
    from scipy.stats import sobol_indices, uniform

    if samples < 2 or samples & (samples - 1):
        raise InputError.at("Sobol shares", f"{samples} samples", "Give a power of two.")
    seen: list[Floats] = []

    def watched(points: Floats) -> Floats:
        values = np.asarray(function(points), dtype=np.float64)
        seen.append(values.ravel())
        return values

    dists = [uniform(loc=low, scale=high - low) for low, high in ranges]
    found = sobol_indices(func=watched, n=samples, dists=dists, rng=np.random.default_rng(seed))
    return Shares(
        first=tuple(np.ravel(found.first_order).tolist()),
        total=tuple(np.ravel(found.total_order).tolist()),
        variance=float(np.var(np.concatenate(seen))),
    )


class Ishigami(msgspec.Struct, frozen=True):
    """sin x1 + a sin(x2)**2 + b x3**4 sin x1 of three uniforms on (-pi, pi)."""

    a: float = 7.0
    b: float = 0.1

    def __call__(self, x: Floats) -> Floats:
        return np.asarray(np.sin(x[0]) + self.a * np.sin(x[1]) ** 2 + self.b * x[2] ** 4 * np.sin(x[0]))

    @property
    def together(self) -> float:
        """Share of the first and third parameters acting together."""
        return 8.0 * self.b**2 * math.pi**8 / 225.0 / self.shares.variance

    @property
    def shares(self) -> Shares:
        alone = 0.5 * (1.0 + self.b * math.pi**4 / 5.0) ** 2
        second = self.a**2 / 8.0
        both = 8.0 * self.b**2 * math.pi**8 / 225.0
        whole = alone + second + both
        return Shares(
            first=(alone / whole, second / whole, 0.0),
            total=((alone + both) / whole, second / whole, both / whole),
            variance=whole,
        )


def g_function_shares(a: Sequence[float]) -> Shares:
    """Of the product of (|4 x - 2| + a) / (1 + a) over uniform x in (0, 1)."""
    parts = 1.0 / (3.0 * (1.0 + finite(a, "a")) ** 2)
    whole = float(np.prod(1.0 + parts)) - 1.0
    totals = parts * np.array([float(np.prod(1.0 + np.delete(parts, i))) for i in range(parts.size)])
    return Shares(
        first=tuple((parts / whole).tolist()), total=tuple((totals / whole).tolist()), variance=whole
    )
