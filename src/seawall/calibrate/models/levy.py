"""Models with independent returns: Black, Merton, Kou, variance gamma, CGMY.

Each gives its exponent psi(u), the log of the characteristic function per year before compensation; the
martingale drift is -psi(-i), the same way for all. Rates and intensities per year, jumps in log price.
Sources: Merton (1976); Kou (2002); Madan, Carr and Chang (1998); Carr, Geman, Madan and Yor (2002).
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from seawall.calibrate.models.model import Complexes, require


def compensated(psi: Any, u: Complexes, years: float) -> Complexes:
    """Log characteristic function with the drift that makes the forward a martingale."""
    drift = psi(np.array([-1j]))[0]
    return np.asarray(years * (psi(u) - 1j * u * drift), dtype=np.complex128)


class Black(msgspec.Struct, frozen=True, kw_only=True):
    """Geometric Brownian motion."""

    vol: float
    name: str = "black"

    def check(self) -> None:
        require(self.vol > 0.0, self.name, f"vol = {self.vol:g}", "It must be above 0.")

    def log_cf(self, u: Complexes, years: float) -> Complexes:
        return compensated(lambda v: -0.5 * self.vol**2 * v * v, u, years)


class Merton(msgspec.Struct, frozen=True, kw_only=True):
    """Diffusion and normal jumps of the log price: intensity, mean, deviation."""

    vol: float
    intensity: float
    jump_mean: float
    jump_vol: float
    name: str = "merton"

    def check(self) -> None:
        require(self.vol > 0.0, self.name, f"vol = {self.vol:g}", "It must be above 0.")
        require(
            self.intensity >= 0.0 and self.jump_vol >= 0.0,
            self.name,
            f"intensity = {self.intensity:g}, jump_vol = {self.jump_vol:g}",
            "Neither may be below 0.",
        )

    def log_cf(self, u: Complexes, years: float) -> Complexes:
        return compensated(self._psi, u, years)

    def _psi(self, u: Complexes) -> Complexes:
        jump = np.exp(1j * u * self.jump_mean - 0.5 * self.jump_vol**2 * u * u)
        return np.asarray(-0.5 * self.vol**2 * u * u + self.intensity * (jump - 1.0))

    @property
    def matched_vol(self) -> float:
        """Black's vol with the same variance per year: what a desk that sees no jumps would use."""
        return float(np.sqrt(self.vol**2 + self.intensity * (self.jump_mean**2 + self.jump_vol**2)))


def merton_of_shares(*, total_vol: float, intensity: float, jump_share: float) -> Merton:
    """Merton as Haug tabulates it: `jump_share` of the variance comes from jumps of expectation 1."""
    require(
        0.0 <= jump_share < 1.0 and intensity > 0.0 and total_vol > 0.0,
        "merton",
        f"total_vol = {total_vol:g}, intensity = {intensity:g}, jump_share = {jump_share:g}",
        "The first two must be above 0, the share in [0, 1).",
    )
    jump_vol = float(total_vol * np.sqrt(jump_share / intensity))
    return Merton(
        vol=float(total_vol * np.sqrt(1.0 - jump_share)),
        intensity=intensity,
        jump_mean=-0.5 * jump_vol**2,
        jump_vol=jump_vol,
    )


class Kou(msgspec.Struct, frozen=True, kw_only=True):
    """Diffusion and double-exponential jumps: mean sizes 1 / eta_up and 1 / eta_down."""

    vol: float
    intensity: float
    p_up: float
    eta_up: float
    eta_down: float
    name: str = "kou"

    def check(self) -> None:
        require(self.vol > 0.0, self.name, f"vol = {self.vol:g}", "It must be above 0.")
        require(
            self.intensity >= 0.0 and 0.0 <= self.p_up <= 1.0,
            self.name,
            f"intensity = {self.intensity:g}, p_up = {self.p_up:g}",
            "The intensity must be >= 0, the share of jumps up in [0, 1].",
        )
        require(
            self.eta_up > 1.0 and self.eta_down > 0.0,
            self.name,
            f"eta_up = {self.eta_up:g}, eta_down = {self.eta_down:g}",
            "eta_up must be above 1, or the forward has no expectation; eta_down above 0.",
        )

    def log_cf(self, u: Complexes, years: float) -> Complexes:
        return compensated(self._psi, u, years)

    def _psi(self, u: Complexes) -> Complexes:
        up = self.p_up * self.eta_up / (self.eta_up - 1j * u)
        down = (1.0 - self.p_up) * self.eta_down / (self.eta_down + 1j * u)
        return np.asarray(-0.5 * self.vol**2 * u * u + self.intensity * (up + down - 1.0))


class VarianceGamma(msgspec.Struct, frozen=True, kw_only=True):
    """Brownian motion with drift theta on a gamma clock whose variance rate is nu."""

    vol: float
    nu: float
    theta: float
    name: str = "variance_gamma"

    def check(self) -> None:
        require(
            self.vol > 0.0 and self.nu > 0.0,
            self.name,
            f"vol = {self.vol:g}, nu = {self.nu:g}",
            "Both must be above 0.",
        )
        require(
            self.moment > 0.0,
            self.name,
            f"1 - theta nu - vol^2 nu / 2 = {self.moment:g}: the forward has no expectation",
            "Lower nu or theta.",
        )

    @property
    def moment(self) -> float:
        """e^(-omega nu): what has to stay positive."""
        return 1.0 - self.theta * self.nu - 0.5 * self.vol**2 * self.nu

    def log_cf(self, u: Complexes, years: float) -> Complexes:
        return compensated(self._psi, u, years)

    def _psi(self, u: Complexes) -> Complexes:
        return np.asarray(
            -np.log(1.0 - 1j * u * self.theta * self.nu + 0.5 * self.vol**2 * self.nu * u * u) / self.nu
        )


class Cgmy(msgspec.Struct, frozen=True, kw_only=True):
    """Tempered stable jumps: level c, decay g of falls and m of rises, fine structure y < 2."""

    c: float
    g: float
    m: float
    y: float
    name: str = "cgmy"

    def check(self) -> None:
        require(
            self.c > 0.0 and self.g > 0.0 and self.m > 1.0,
            self.name,
            f"c = {self.c:g}, g = {self.g:g}, m = {self.m:g}",
            "c and g must be above 0, m above 1, or the forward has no expectation.",
        )
        require(0.0 <= self.y < 2.0, self.name, f"y = {self.y:g}", "It must be in [0, 2).")

    def log_cf(self, u: Complexes, years: float) -> Complexes:
        return compensated(self._psi, u, years)

    def _psi(self, u: Complexes) -> Complexes:
        from scipy.special import gamma

        falls, rises = self.g + 1j * u, self.m - 1j * u
        if self.y == 0.0:  # the limits in y; terms linear in u belong to the drift
            return np.asarray(-self.c * (np.log(rises / self.m) + np.log(falls / self.g)))
        if self.y == 1.0:
            parts = (
                rises * np.log(rises)
                - self.m * np.log(self.m)
                + falls * np.log(falls)
                - self.g * np.log(self.g)
            )
            return np.asarray(self.c * parts)
        parts = rises**self.y - self.m**self.y + falls**self.y - self.g**self.y
        return np.asarray(self.c * gamma(-self.y) * parts)
