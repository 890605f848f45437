"""Tails beyond the data: Hill's index and peaks over threshold with a generalised Pareto distribution.

Losses are positive. P(X - u > y | X > u) = (1 + xi y / beta)^(-1/xi); xi = 1 / tail index for heavy tails. A
fit with xi >= 1 is refused: its mean, and so every expected shortfall, is infinite.
Sources: Hill 1975; Hosking & Wallis 1987 (PWM); McNeil, Frey & Embrechts 2005, ch. 7.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np

from seawall.calibrate.inputs import Floats, Given, between, finite, positive
from seawall.calibrate.tails import Tail, sorted_losses
from seawall.errors import InputError

LEAST_EXCEEDANCES = 20
Method = Literal["mle", "pwm"]


class Pot(msgspec.Struct, frozen=True, kw_only=True):
    """A fitted tail: threshold, shape, scale, and how many of how many losses lie above it."""

    threshold: float
    xi: float
    beta: float
    size: int
    exceedances: int

    def tail(self, level: float) -> Tail:
        """VaR = u + beta/xi ((n/Nu (1 - level))^-xi - 1), ES = VaR/(1 - xi) + (beta - xi u)/(1 - xi).

        InputError for xi >= 1, and for a level that lies below the threshold.
        """
        self._check(level)
        ratio = self.size / self.exceedances * (1.0 - level)
        if abs(self.xi) < 1e-9:
            var = self.threshold - self.beta * math.log(ratio)
        else:
            var = self.threshold + self.beta / self.xi * math.expm1(-self.xi * math.log(ratio))
        return Tail(var, (var + self.beta - self.xi * self.threshold) / (1.0 - self.xi))

    def _check(self, level: float) -> None:
        between(level, "level", 0.0, 1.0)
        self.check_finite_mean()
        positive(self.beta, "scale beta")
        if not 0 < self.exceedances < self.size or 1.0 - level > self.exceedances / self.size + 1e-12:
            share = self.exceedances / self.size if self.size else math.nan
            what = f"level {level:g} lies below the threshold, which {share:.2%} of the losses exceed"
            raise InputError.at("POT", what, "Give a higher level or a lower threshold.")

    def check_finite_mean(self) -> None:
        """InputError for xi >= 1."""
        if self.xi >= 1.0:
            what = f"the shape xi is {self.xi:.3f}, 1 or more: the expected shortfall is infinite"
            raise InputError.at("POT", what, "Lower the threshold, or check the losses for bad prints.")


def hill_index(losses: Given, share: float = 0.05) -> float:
    """The tail index over the largest `share` of the positive losses: 1 / mean of log(L(i) / L(k+1))."""
    worst = sorted_losses(losses)
    k = math.floor(worst.size * between(share, "share", 0.0, 1.0))
    if k < LEAST_EXCEEDANCES or worst[k] <= 0.0:
        after = float(worst[min(k, worst.size - 1)])
        what = f"{k} losses of {worst.size} make the tail, the next is {after:g}"
        raise InputError.at("tail index", what, f"Give enough losses for {LEAST_EXCEEDANCES} in the tail.")
    return k / float(np.log(worst[:k] / worst[k]).sum())


def fit_pot(losses: Given, *, threshold_level: float = 0.95, method: Method = "mle") -> Pot:
    """The tail above the `threshold_level` order statistic. InputError for too few exceedances or xi >= 1."""
    worst = sorted_losses(losses)
    count = math.floor(worst.size * (1.0 - between(threshold_level, "threshold level", 0.5, 1.0)) + 1e-9)
    if count < LEAST_EXCEEDANCES:
        what = f"{worst.size} losses leave {count} above the {threshold_level:.0%} threshold"
        fix = f"Give {math.ceil(LEAST_EXCEEDANCES / (1 - threshold_level))} losses or more, or lower it."
        raise InputError.at("POT", what, fix)
    threshold = float(worst[count])
    excess = worst[:count] - threshold
    if excess[0] <= 0.0:
        raise InputError.at("POT", "all losses of the tail are equal", "Give losses that vary.")
    xi, beta = fit_pareto(excess, method)
    pot = Pot(threshold=threshold, xi=xi, beta=beta, size=worst.size, exceedances=count)
    pot.check_finite_mean()
    return pot


def fit_pareto(excess: Given, method: Method = "mle") -> tuple[float, float]:
    """(xi, beta) of excesses y >= 0: probability-weighted moments, or maximum likelihood from there."""
    y = np.sort(finite(excess, "excesses", 2))
    xi, beta = _by_moments(y)
    return (xi, beta) if method == "pwm" else _by_likelihood(y, xi, beta)


def _by_moments(y: Floats) -> tuple[float, float]:
    n = y.size
    mean = float(y.mean())
    # a1 = E[Y (1 - F(Y))] with plotting positions (i - 0.35) / n
    first = float(np.mean(y * (1.0 - (np.arange(1, n + 1) - 0.35) / n)))
    if mean <= 2.0 * first:
        raise InputError.at("POT", "the moments of the excesses fit no Pareto tail", "Use another threshold.")
    return 2.0 - mean / (mean - 2.0 * first), 2.0 * mean * first / (mean - 2.0 * first)


def _by_likelihood(y: Floats, xi: float, beta: float) -> tuple[float, float]:
    from scipy.optimize import minimize

    scale = float(y.mean())
    unit = y / scale

    def cost(raw: Floats) -> float:
        shape, width = float(raw[0]), math.exp(min(float(raw[1]), 50.0))
        inside = 1.0 + shape * unit / width
        if inside[-1] <= 0.0 or shape < -0.5:  # below -1/2 the likelihood has no maximum
            return math.inf
        if abs(shape) < 1e-9:
            return unit.size * math.log(width) + float(unit.sum()) / width
        return unit.size * math.log(width) + (1.0 + 1.0 / shape) * float(np.log(inside).sum())

    start = np.array([min(max(xi, 0.01), 0.9), math.log(max(beta, 1e-12) / scale)])
    found = minimize(
        cost, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 4000}
    )
    if not math.isfinite(found.fun):
        raise InputError.at("POT", "no parameters have a finite likelihood", "Use another threshold.")
    return float(found.x[0]), math.exp(float(found.x[1])) * scale


class Interval(msgspec.Struct, frozen=True):
    """A range that holds the figure with the confidence asked for, and how many draws could be used."""

    low: float
    high: float
    draws: int


def bootstrap_interval(
    losses: Given,
    level: float,
    *,
    draws: int = 200,
    seed: int = 0,
    confidence: float = 0.9,
    threshold_level: float = 0.95,
) -> tuple[Interval, Interval]:
    """Intervals of VaR and ES: losses drawn again with replacement, PWM fit each time (fast, never stuck).

    A draw whose fit is refused counts as unusable; InputError if that is more than half of them.
    """
    values = finite(losses, "losses")
    chance = np.random.Generator(np.random.PCG64(seed))
    found: list[Tail] = []
    for _ in range(draws):
        again = values[chance.integers(0, values.size, values.size)]
        try:
            found.append(fit_pot(again, threshold_level=threshold_level, method="pwm").tail(level))
        except InputError:
            continue
    if 2 * len(found) < draws:
        what = f"{draws - len(found)} of {draws} draws have no finite tail"
        raise InputError.at("POT", what, "The tail is too heavy or too short for an interval.")
    edges = [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0]
    var = np.quantile([tail.var for tail in found], edges)
    es = np.quantile([tail.es for tail in found], edges)
    return Interval(float(var[0]), float(var[1]), len(found)), Interval(
        float(es[0]), float(es[1]), len(found)
    )
