"""Surface SVI: every slice from its at-the-money variance theta, one correlation, and a curvature phi(theta).

w(k) = theta/2 (1 + rho phi k + sqrt((phi k + rho)^2 + 1 - rho^2)). A slice is also a raw SVI slice, so its
density is judged there. Plain floats in total variance; nothing is rounded. Powers come from the house's own
elementary functions, so the same bits on every CPU.
Source: Gatheral and Jacquier, arXiv:1204.0646, theorems 4.1 and 4.2, equation 4.5.
"""

from __future__ import annotations

import msgspec
import numpy as np

from seawall.errors import InputError
from seawall.kernels.elementary import power
from seawall.pricing.svi import Floats, RawSvi, total_variance

ETA_LIMIT = 2.0


class SsviSlice(msgspec.Struct, frozen=True, kw_only=True):
    """One slice: theta is its total variance at the money."""

    theta: float
    phi: float
    rho: float


class SsviConditions(msgspec.Struct, frozen=True, kw_only=True):
    """Theorem 4.2: below 4 and at most 4 suffice for no butterfly arbitrage."""

    wing: float  # theta phi (1 + |rho|)
    curvature: float  # theta phi^2 (1 + |rho|)

    @property
    def hold(self) -> bool:
        return self.wing < 4.0 and self.curvature <= 4.0


class PowerLaw(msgspec.Struct, frozen=True, kw_only=True):
    """phi(theta) = eta / (theta^gamma (1 + theta)^(1 - gamma)) with one rho for all slices."""

    eta: float
    gamma: float
    rho: float

    @property
    def eta_condition(self) -> float:
        """eta (1 + |rho|): at most 2, with gamma in (0, 1/2], leaves no static arbitrage at all."""
        return self.eta * (1.0 + abs(self.rho))

    @property
    def free_of_arbitrage(self) -> bool:
        return self.eta_condition <= ETA_LIMIT and 0.0 < self.gamma <= 0.5

    def phi(self, theta: float) -> float:
        """Curvature at this at-the-money total variance."""
        return float(self.eta / (power(theta, self.gamma) * power(1.0 + theta, 1.0 - self.gamma)))

    def slice_at(self, theta: float) -> SsviSlice:
        """The slice with this at-the-money total variance."""
        return SsviSlice(theta=theta, phi=self.phi(theta), rho=self.rho)

    def theta_phi_slope(self, theta: float) -> float:
        """d(theta phi)/d theta = phi (1 - gamma) / (1 + theta), exactly."""
        return self.phi(theta) * (1.0 - self.gamma) / (1.0 + theta)


def check_ssvi(given: SsviSlice) -> None:
    """InputError unless the numbers describe a slice."""
    values = np.array([given.theta, given.phi, given.rho])
    if not np.all(np.isfinite(values)) or given.theta <= 0.0 or given.phi <= 0.0 or abs(given.rho) >= 1.0:
        raise InputError.at(
            "SSVI slice",
            f"theta = {given.theta:g}, phi = {given.phi:g}, rho = {given.rho:g}",
            "theta and phi must be above 0, rho inside (-1, 1).",
        )


def to_raw(given: SsviSlice) -> RawSvi:
    """The same smile as a raw SVI slice."""
    check_ssvi(given)
    flat = 1.0 - given.rho * given.rho
    return RawSvi(
        a=0.5 * given.theta * flat,
        b=0.5 * given.theta * given.phi,
        rho=given.rho,
        m=-given.rho / given.phi,
        sigma=float(np.sqrt(flat)) / given.phi,
    )


def ssvi_variance(given: SsviSlice, k: Floats) -> Floats:
    """w(k); any shape."""
    return total_variance(to_raw(given), k)


def conditions(given: SsviSlice) -> SsviConditions:
    """The two sufficient conditions of theorem 4.2."""
    check_ssvi(given)
    wing = given.theta * given.phi * (1.0 + abs(given.rho))
    return SsviConditions(wing=wing, curvature=wing * given.phi)


def calendar_bound(phi: float, rho: float) -> float:
    """Largest d(theta phi)/d theta without calendar arbitrage (theorem 4.1); infinite at rho = 0."""
    square = rho * rho
    if square < 1e-200:  # as good as 0, and no divisor
        return float("inf")
    return (1.0 + float(np.sqrt(1.0 - square))) * phi / square


def calendar_holds(law: PowerLaw, thetas: Floats) -> bool:
    """Theorem 4.1 at these at-the-money variances, in order of expiry: theta must not fall."""
    if np.any(np.diff(thetas) < 0.0):
        return False
    return all(
        0.0 <= law.theta_phi_slope(float(theta)) <= calendar_bound(law.phi(float(theta)), law.rho)
        for theta in thetas
    )
