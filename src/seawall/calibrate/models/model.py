"""What every model has: the characteristic function of X = ln(S_T / F), made a martingale: E[e^X] = 1.

`log_cf(u, years)` is ln E[e^{iuX}] for complex u; parameters per year. From it come the cumulants, by
central differences, that set how wide a cosine series must reach. A model refuses parameters under which
the forward has no expectation.
"""

from __future__ import annotations

from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


class Model(Protocol):
    """A model of the forward's log-return under the pricing measure."""

    @property
    def name(self) -> str: ...

    def log_cf(self, u: Complexes, years: float) -> Complexes:
        """ln E[e^{iuX}]; 0 at u = 0 and at u = -i."""
        ...

    def check(self) -> None:
        """InputError for parameters that are no model."""
        ...


class Carry(msgspec.Struct, frozen=True, kw_only=True):
    """What a spot price is worth at expiry."""

    forward: float
    discount: float


def carry(spot: float, years: float, *, rate: float = 0.0, dividend: float = 0.0) -> Carry:
    """Forward and discount factor from continuously compounded rates per year."""
    return Carry(
        forward=float(spot * np.exp((rate - dividend) * years)), discount=float(np.exp(-rate * years))
    )


def require(ok: bool, model: str, what: str, fix: str) -> None:
    """InputError unless ok."""
    if not ok:
        raise InputError.at(f"model {model}", what, fix)


def cumulants(model: Model, years: float) -> tuple[float, float, float]:
    """First, second and fourth cumulant of X by central differences of log_cf around 0."""

    def even(h: float) -> float:
        return float(model.log_cf(np.array([h], dtype=np.complex128), years)[0].real)

    first_step = 1e-3
    deviation = np.sqrt(max(-2.0 * even(first_step) / first_step**2, 1e-16))
    # The second needs a small step, or higher cumulants leak in; the fourth a wide one, for its digits.
    h, wide = 0.01 / deviation, 0.05 / deviation
    second = -(16.0 * even(h) - even(2.0 * h)) / (6.0 * h * h)
    # Three points, so that the sixth cumulant cancels: rare large jumps make it large.
    fourth = (4.0 * even(2.0 * wide) - 13.0 * even(wide) - even(3.0 * wide) / 3.0) / wide**4
    first = float(model.log_cf(np.array([1e-2 * h], dtype=np.complex128), years)[0].imag) / (1e-2 * h)
    return first, max(float(second), 1e-16), max(float(fourth), 0.0)
