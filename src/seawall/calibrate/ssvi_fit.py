"""Fitting one SSVI power law to all expiries at once: few numbers, free of arbitrage by construction.

theta_i, the at-the-money total variance of each expiry, may only rise; rho is shared; eta is kept where
eta (1 + |rho|) <= 2 and gamma in (0, 1/2] (Gatheral and Jacquier, eq. 4.5). It is where raw slices start and
what they fall back on. Vols per year; no chance: one start, from the quotes nearest the money.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from seawall.calibrate.smile import Floats, Target
from seawall.errors import InputError
from seawall.pricing.ssvi import ETA_LIMIT, PowerLaw, SsviSlice, to_raw
from seawall.pricing.svi import total_variance

_LEAST_STEP = 1e-8  # of total variance between expiries


class SsviFit(msgspec.Struct, frozen=True, kw_only=True):
    """The law and its at-the-money variances, in order of expiry; RMSE in vol per expiry."""

    law: PowerLaw
    thetas: tuple[float, ...]
    rmse_vol: tuple[float, ...]

    def slice_at(self, place: int) -> SsviSlice:
        return self.law.slice_at(self.thetas[place])


def fit_ssvi(targets: Sequence[Target]) -> SsviFit:
    """Fit the surface. InputError without slices or with expiries that do not rise."""
    from scipy.optimize import least_squares

    if not targets:
        raise InputError.at("SSVI fit", "no slices", "Give at least one expiry with quotes.")
    years = [target.years for target in targets]
    if any(later <= earlier for earlier, later in pairwise(years)):
        raise InputError.at("SSVI fit", "expiries do not rise", "Sort the slices by expiry.")
    roots = [np.sqrt(target.weights / np.sum(target.weights)) for target in targets]

    def residuals(numbers: Any) -> Floats:
        law, thetas = _decode(numbers)
        parts = [
            root * (target.model_vol(to_raw(law.slice_at(theta))) - target.vol)
            for target, theta, root in zip(targets, thetas, roots)
        ]
        return np.concatenate(parts)

    first = _encode(_start_thetas(targets))
    low = np.concatenate([[-0.999, 1e-3, 1e-3], np.full(len(targets), -25.0)])
    high = np.concatenate([[0.999, 1.0, 0.5], np.full(len(targets), 5.0)])
    found = least_squares(residuals, np.clip(first, low, high), bounds=(low, high), max_nfev=200)
    law, thetas = _decode(found.x)
    errors = tuple(target.rmse(to_raw(law.slice_at(theta))) for target, theta in zip(targets, thetas))
    return SsviFit(law=law, thetas=tuple(thetas), rmse_vol=errors)


def _start_thetas(targets: Sequence[Target]) -> list[float]:
    thetas: list[float] = []
    for target in targets:
        nearest = int(np.argmin(np.abs(target.k)))
        theta = float(target.vol[nearest] ** 2 * target.years)
        thetas.append(max(theta, thetas[-1] + _LEAST_STEP) if thetas else theta)
    return thetas


def _encode(thetas: list[float]) -> Floats:
    steps = np.diff(np.array([0.0, *thetas]))
    return np.concatenate([[-0.2, 0.5, 0.4], np.log(np.maximum(steps, _LEAST_STEP))])


def _decode(numbers: Any) -> tuple[PowerLaw, list[float]]:
    """rho, the share of the largest eta that rho allows, gamma, and the logs of theta's steps."""
    rho, share, gamma = (float(number) for number in numbers[:3])
    # A hair inside the bound: 2 / (1 + |rho|) times (1 + |rho|) may round above 2.
    eta = share * ETA_LIMIT * (1.0 - 1e-12) / (1.0 + abs(rho))
    thetas = [float(theta) for theta in np.cumsum(np.exp(numbers[3:]))]
    return PowerLaw(eta=eta, gamma=gamma, rho=rho), thetas


def ssvi_variances(law: PowerLaw, thetas: Sequence[float], k: Floats) -> list[Floats]:
    """Total variance at each theta (rows) and k (columns)."""
    return [total_variance(to_raw(law.slice_at(theta)), k) for theta in thetas]
