"""Models whose variance moves: Heston, and SVCJ, where price and variance also jump together.

Variances per year. Both use the form of the Riccati solution whose logarithm never changes its branch
(Albrecher, Mayer, Schoutens and Tistaert 2007, "the little Heston trap").
Sources: Heston (1993); Duffie, Pan and Singleton (2000): jumps Z_v ~ Exp(mean jump_variance) of variance and
Z_y | Z_v ~ N(jump_mean + jump_correlation Z_v, jump_vol^2) of the log price at the same moments.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from seawall.calibrate.models.model import Complexes, require


class Heston(msgspec.Struct, frozen=True, kw_only=True):
    """dv = kappa (theta - v) dt + xi sqrt(v) dW; correlation rho of W with the price."""

    v0: float
    kappa: float
    theta: float
    xi: float
    rho: float
    name: str = "heston"

    def check(self) -> None:
        require(
            min(self.v0, self.theta) >= 0.0 and self.kappa > 0.0 and self.xi > 0.0,
            self.name,
            f"v0 = {self.v0:g}, theta = {self.theta:g}, kappa = {self.kappa:g}, xi = {self.xi:g}",
            "Variances must be >= 0, kappa and xi above 0.",
        )
        require(abs(self.rho) <= 1.0, self.name, f"rho = {self.rho:g}", "It must be in [-1, 1].")

    def log_cf(self, u: Complexes, years: float) -> Complexes:
        root = _Riccati(self, np.asarray(u, dtype=np.complex128), years)
        return np.asarray(root.constant + root.slope * self.v0)

    @property
    def feller(self) -> bool:
        """Whether variance stays above 0; pricing does not need it."""
        return 2.0 * self.kappa * self.theta >= self.xi**2


class Svcj(msgspec.Struct, frozen=True, kw_only=True):
    """Heston with jumps of price and variance at the same times."""

    v0: float
    kappa: float
    theta: float
    xi: float
    rho: float
    intensity: float
    jump_mean: float
    jump_vol: float
    jump_variance: float
    jump_correlation: float
    name: str = "svcj"

    def check(self) -> None:
        Heston(v0=self.v0, kappa=self.kappa, theta=self.theta, xi=self.xi, rho=self.rho).check()
        require(
            min(self.intensity, self.jump_vol, self.jump_variance) >= 0.0,
            self.name,
            f"intensity = {self.intensity:g}, jump_vol = {self.jump_vol:g}, "
            f"jump_variance = {self.jump_variance:g}",
            "None may be below 0.",
        )
        require(
            self.jump_correlation * self.jump_variance < 1.0,
            self.name,
            f"jump_correlation times jump_variance = {self.jump_correlation * self.jump_variance:g}",
            "It must be below 1, or the forward has no expectation.",
        )

    def log_cf(self, u: Complexes, years: float) -> Complexes:
        u = np.asarray(u, dtype=np.complex128)
        root = _Riccati(self, u, years)
        jumps = self._price_jump(u) * root.mean_over_variance_jumps(
            self.jump_variance, 1.0 - 1j * u * self.jump_correlation * self.jump_variance
        )
        # The jumps' mean gain: what the drift gives back.
        gain = self._price_jump(np.array([-1j]))[0] / (1.0 - self.jump_correlation * self.jump_variance) - 1.0
        rate = jumps - years * (1.0 + 1j * u * gain)
        return np.asarray(root.constant + root.slope * self.v0 + self.intensity * rate)

    def _price_jump(self, u: Complexes) -> Complexes:
        """The part of the price's jump that does not depend on the variance's."""
        return np.asarray(np.exp(1j * u * self.jump_mean - 0.5 * self.jump_vol**2 * u * u))


class _Riccati:
    """slope(t) and constant(t) of ln E = constant + slope v0 for the diffusive part."""

    def __init__(self, model: Any, u: Complexes, years: float) -> None:
        square = model.xi**2
        pull = model.kappa - model.rho * model.xi * 1j * u
        self.d = np.sqrt(pull * pull + square * (1j * u + u * u))
        # (pull - d) / xi^2 without its cancellation: their product is -xi^2 (iu + u^2).
        self.low = -(1j * u + u * u) / (pull + self.d)
        self.g = self.low * square / (pull + self.d)
        self.years = years
        self.decay = np.exp(-self.d * years)
        self.slope = self.low * (1.0 - self.decay) / (1.0 - self.g * self.decay)
        logs = np.log((1.0 - self.g * self.decay) / (1.0 - self.g))
        self.constant = model.kappa * model.theta * (self.low * years - 2.0 * logs / square)

    def mean_over_variance_jumps(self, mean: float, free: Complexes) -> Complexes:
        """Integral over the life of 1 / (free - mean * slope(s)): what a variance jump at s contributes."""
        top = free - mean * self.low
        bottom = free * self.g - mean * self.low
        swing = (1.0 - self.decay) / (top - bottom)
        z = bottom * swing
        # ln(1 + z) / bottom; the quotient's limit where a variance jump changes nothing.
        small = np.abs(z) < 1e-8
        safe = np.where(small, 1.0, bottom)
        part = np.where(small, swing * (1.0 - 0.5 * z), np.log(1.0 + np.where(small, 0.0, z)) / safe)
        return np.asarray(self.years / top - mean * self.low * (1.0 - self.g) / (top * self.d) * part)
