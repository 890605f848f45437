"""Jumps: moments of Merton's and Kou's log-returns, and clusters of jumps as a Hawkes process.

Rates per the unit of `years` (or of the times given), jump sizes and drifts as log-returns. Sources: Merton
1976; Kou 2002; Hawkes 1971; Hawkes & Oakes 1974 (clusters); Filimonov & Sornette 2012 (branching).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from seawall.calibrate.inputs import between, finite, not_negative, positive
from seawall.errors import InputError


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """Of a log-return over a horizon."""

    mean: float
    variance: float
    skew: float
    excess_kurtosis: float


def merton_moments(
    *, drift: float, vol: float, intensity: float, jump_mean: float, jump_vol: float, years: float
) -> Moments:
    """Moments of a jump diffusion whose price grows by `drift`: the drift of the log is compensated."""
    for name, value in (("vol", vol), ("intensity", intensity), ("jump_vol", jump_vol)):
        not_negative(value, name)
    positive(years, "years")
    m2, s2 = jump_mean * jump_mean, jump_vol * jump_vol
    compensator = intensity * math.expm1(jump_mean + 0.5 * s2)
    mean = (drift - 0.5 * vol * vol - compensator + intensity * jump_mean) * years
    variance = (vol * vol + intensity * (m2 + s2)) * years
    third = intensity * (jump_mean * m2 + 3.0 * jump_mean * s2) * years
    fourth = intensity * (m2 * m2 + 6.0 * m2 * s2 + 3.0 * s2 * s2) * years
    positive(variance, "variance")
    return Moments(
        mean=mean,
        variance=variance,
        skew=third / variance**1.5,
        excess_kurtosis=fourth / (variance * variance),
    )


class DoubleExponential(msgspec.Struct, frozen=True, kw_only=True):
    """Kou's jump: up with `p_up` by an exponential of rate `eta_up` (> 1), else down by one of `eta_down`."""

    p_up: float
    eta_up: float
    eta_down: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.p_up <= 1.0:
            raise InputError.at("Kou jump", f"p_up is {self.p_up!r}", "Give a share between 0 and 1.")
        between(self.eta_up, "eta_up", 1.0, math.inf)  # at 1 the mean price after a jump is infinite
        positive(self.eta_down, "eta_down")

    def moment(self, order: int) -> float:
        """E[J**order]."""
        up, down = self.p_up / self.eta_up**order, (1.0 - self.p_up) / self.eta_down**order
        return math.factorial(order) * (up + (-1) ** order * down)

    @property
    def compensator(self) -> float:
        """E[exp(J)] - 1."""
        up = self.p_up * self.eta_up / (self.eta_up - 1.0)
        return up + (1.0 - self.p_up) * self.eta_down / (self.eta_down + 1.0) - 1.0


class Hawkes(msgspec.Struct, frozen=True, kw_only=True):
    """Events at rate mu + sum over past ones of alpha exp(-beta age). Branching alpha / beta is below 1."""

    mu: float
    alpha: float
    beta: float

    def __post_init__(self) -> None:
        positive(self.mu, "mu")
        not_negative(self.alpha, "alpha")
        positive(self.beta, "beta")
        if self.alpha >= self.beta:
            raise InputError.at(
                "Hawkes process",
                f"alpha {self.alpha:g} / beta {self.beta:g} is not below 1: its clusters never end",
                "Give alpha below beta.",
            )

    @property
    def branching(self) -> float:
        """Mean number of events that one event sets off by itself."""
        return self.alpha / self.beta

    @property
    def mean_intensity(self) -> float:
        return self.mu / (1.0 - self.branching)

    @property
    def mean_cluster_size(self) -> float:
        return 1.0 / (1.0 - self.branching)

    @property
    def fano_limit(self) -> float:
        """Variance over mean of the count in a long window."""
        return 1.0 / (1.0 - self.branching) ** 2

    def intensity(self, at: float, times: Sequence[float]) -> float:
        """The rate just after `at`, of events up to then."""
        past = np.array([time for time in times if time <= at], dtype=np.float64)
        return self.mu + float(np.sum(self.alpha * np.exp(-self.beta * (at - past))))

    def compensator(self, end: float, times: Sequence[float]) -> float:
        """The intensity integrated from 0 to `end`: what the count is expected to be."""
        past = np.array([time for time in times if time <= end], dtype=np.float64)
        return self.mu * end + self.branching * float(np.sum(-np.expm1(-self.beta * (end - past))))

    def log_likelihood(self, end: float, times: Sequence[float]) -> float:
        """Of events at these times in (0, end]. InputError for times out of order or outside."""
        at = finite(times, "times")
        if (np.diff(at) <= 0.0).any() or at[0] <= 0.0 or at[-1] > end:
            raise InputError.at("times", "do not rise within (0, end]", "Give them in order, each once.")
        total, excited = 0.0, 0.0
        before = at[0]
        for time in at:
            excited *= math.exp(-self.beta * (time - before))
            total += math.log(self.mu + self.alpha * excited)
            excited, before = excited + 1.0, time
        return total - self.compensator(end, times)
