"""Option prices and distributions by cosine series: all strikes of an expiry from one set of coefficients.

The log-return X is expanded on [c1 - L s, c1 + L s], s = sqrt(c2 + sqrt(c4)) from its cumulants. Puts are
summed, calls come by parity, because the call's payoff grows where the series is cut. Undiscounted, in the
unit of forward and strike. The error falls with the number of terms as fast as the density is smooth.
Source: Fang and Oosterlee, SIAM J. Sci. Comput. 31 (2008).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seawall.calibrate.models.model import Floats, Model, cumulants

DEFAULT_TERMS = 256
DEFAULT_WIDTH = 12.0


def interval(model: Model, years: float, width: float = DEFAULT_WIDTH) -> tuple[float, float]:
    """Where the series lives, in log-return."""
    first, second, fourth = cumulants(model, years)
    reach = width * float(np.sqrt(second + np.sqrt(fourth)))
    return float(first - reach), float(first + reach)


def coefficients(model: Model, years: float, low: float, high: float, terms: int) -> tuple[Floats, Floats]:
    """(frequencies, cosine coefficients of the density); the first is halved already."""
    u = np.asarray(np.arange(terms) * (np.pi / (high - low)), dtype=np.float64)
    phi = np.exp(model.log_cf(u.astype(np.complex128), years) - 1j * u * low)
    series = 2.0 / (high - low) * phi.real
    series[0] *= 0.5
    return u, series


def cos_puts(
    model: Model,
    forward: float,
    strikes: Any,
    years: float,
    *,
    terms: int = DEFAULT_TERMS,
    width: float = DEFAULT_WIDTH,
) -> Floats:
    """Undiscounted puts at these strikes."""
    model.check()
    strikes = np.atleast_1d(np.asarray(strikes, dtype=np.float64))
    low, high = interval(model, years, width)
    u, series = coefficients(model, years, low, high, terms)
    top = np.clip(np.log(strikes / forward), low, high)[:, None]
    phase = u * (top - low)
    sine, cosine = np.sin(phase), np.cos(phase)
    # Integrals of cos(u (y - low)) and of e^y cos(u (y - low)) from low to top.
    flat = np.where(u == 0.0, top - low, sine / np.where(u == 0.0, 1.0, u))
    grown = (np.exp(top) * (cosine + u * sine) - np.exp(low)) / (1.0 + u * u)
    puts = (strikes[:, None] * flat - forward * grown) @ series
    return np.asarray(np.maximum(puts, np.maximum(strikes - forward, 0.0)))


def cos_prices(model: Model, forward: float, strikes: Any, years: float, is_call: Any, **how: Any) -> Floats:
    """Undiscounted calls and puts; `terms` and `width` as in `cos_puts`."""
    strikes = np.atleast_1d(np.asarray(strikes, dtype=np.float64))
    puts = cos_puts(model, forward, strikes, years, **how)
    return np.where(is_call, np.maximum(puts + forward - strikes, 0.0), puts)


def cos_distribution(model: Model, years: float, at: Floats, *, terms: int = 4096) -> Floats:
    """Probability that the log-return is at most `at`, inside the series' interval."""
    low, high = interval(model, years)
    u, series = coefficients(model, years, low, high, terms)
    reach = np.clip(at, low, high) - low
    waves = np.sin(np.outer(reach, u[1:])) @ (series[1:] / u[1:])
    return np.asarray(reach * series[0] + waves)
