"""VaR and expected shortfall: normal, Student, historical, Cornish-Fisher, delta-gamma, Monte Carlo.

Losses are positive; a level of 0.99 leaves 1 % beyond. Figures are in the unit of what is given. Historical
convention: losses sorted L(1) >= L(2) >= ..., k = n (1 - level), VaR = L(ceil k), and the mean of the worst k
with the last one in part (Acerbi & Tasche 2002), which is the Rockafellar-Uryasev minimum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from seawall.calibrate.inputs import Floats, Given, finite, level_of, positive, tail_count
from seawall.errors import InputError

FURTHEST_Z = -8.0  # a chance of 6e-16: no level lies beyond
LEAST_TAIL_INDEX = 4.0  # below it the fourth moment is infinite, and so is what a sample kurtosis estimates


class Tail(msgspec.Struct, frozen=True):
    """VaR and ES at one level, both losses."""

    var: float
    es: float


def normal_tail(level: float, mean: float = 0.0, sd: float = 1.0) -> Tail:
    """Normal losses: VaR = mean + sd z, ES = mean + sd phi(z) / (1 - level)."""
    from scipy.special import ndtri

    z = float(ndtri(level_of(level)))
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return Tail(mean + sd * z, mean + sd * density / (1.0 - level))


def student_tail(level: float, dof: float, *, mean: float = 0.0, sd: float | None = None) -> Tail:
    """Student losses: ES = f(q) / (1 - level) (nu + q^2) / (nu - 1).

    With `sd`, scaled by sqrt((nu - 2) / nu) to have that standard deviation (nu > 2 needed); else the plain
    t. InputError for nu <= 1: its mean, and so its ES, is infinite.
    """
    from scipy.stats import t

    level_of(level)
    least = 1.0 if sd is None else 2.0
    if not (math.isfinite(dof) and dof > least):
        why = "expected shortfall" if sd is None else "standard deviation"
        raise InputError.at(
            "degrees of freedom", f"with {dof!r} the {why} is infinite", f"Give more than {least:g}."
        )
    q = float(t.ppf(level, dof))
    es = float(t.pdf(q, dof)) / (1.0 - level) * (dof + q * q) / (dof - 1.0)
    scale = 1.0 if sd is None else sd * math.sqrt((dof - 2.0) / dof)
    return Tail(mean + scale * q, mean + scale * es)


def historical_tail(losses: Given, level: float) -> Tail:
    """VaR = L(ceil k) and ES over exactly k = n (1 - level) of the losses given."""
    worst = sorted_losses(losses)
    k = tail_count(worst.size, level)
    whole = math.floor(k)
    total = float(worst[:whole].sum()) + float(k - whole) * (float(worst[whole]) if k > whole else 0.0)
    return Tail(float(worst[math.ceil(k) - 1]), total / float(k))


def upper_var(losses: Given, level: float) -> float:
    """The other convention, L(floor k + 1): differs where k is whole."""
    worst = sorted_losses(losses)
    return float(worst[math.floor(tail_count(worst.size, level))])


def interpolated_var(losses: Given, level: float) -> float:
    """The quantile of NumPy's default, a straight line between order statistics (Hyndman-Fan type 7)."""
    return float(np.quantile(finite(losses, "losses"), level_of(level)))


def sorted_losses(losses: Given) -> Floats:
    return np.sort(finite(losses, "losses"))[::-1]


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """Of returns or P&L: mean, standard deviation, skewness and excess kurtosis."""

    mean: float
    sd: float
    skew: float
    excess_kurtosis: float


def cornish_fisher(level: float, moments: Moments, *, tail_index: float | None = None) -> tuple[float, float]:
    """(adjusted quantile z, VaR as a loss) by the fourth-order expansion of Zangari (1996).

    z + (z^2 - 1) S/6 + (z^3 - 3z) K/24 - (2z^3 - 5z) S^2/36, VaR = -(mean + z sd). InputError where the map
    is not monotone for -8 <= z <= 0 (Maillard 2012 asks it of every z; beyond -8 lies no level), or
    `tail_index` is below 4: then the kurtosis does not exist.
    """
    from scipy.special import ndtri

    s, k = moments.skew, moments.excess_kurtosis
    if tail_index is not None and tail_index < LEAST_TAIL_INDEX:
        what = f"the tail index is {tail_index:.2f}, below 4: the fourth moment it expands in does not exist"
        raise InputError.at("Cornish-Fisher", what, "Use POT (evt) or filtered historical simulation.")
    a, b, c = k / 8.0 - s * s / 6.0, s / 3.0, 1.0 - k / 8.0 + 5.0 * s * s / 36.0
    turning = -b / (2.0 * a) if a else 0.0
    places = (FURTHEST_Z, 0.0, min(max(turning, FURTHEST_Z), 0.0))
    if min((a * x + b) * x + c for x in places) <= 0.0:
        what = f"with skewness {s:g} and excess kurtosis {k:g} the quantiles do not increase with the level"
        raise InputError.at("Cornish-Fisher", what, "Use a historical or POT quantile for these moments.")
    z = float(ndtri(1.0 - level_of(level)))
    z_cf = z + (z * z - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s * s / 36
    return z_cf, -(moments.mean + z_cf * moments.sd)


class DeltaGamma(msgspec.Struct, frozen=True, kw_only=True):
    """VaR of delta x + gamma x^2 / 2 three ways, and its skewness and excess kurtosis."""

    exact: float
    cornish_fisher: float | None  # None where the expansion is not monotone
    delta_normal: float
    skew: float
    excess_kurtosis: float


def delta_gamma_var(delta: float, gamma: float, sd: float, level: float) -> DeltaGamma:
    """One factor x ~ N(0, sd): the exact quantile by the roots of the parabola, and two approximations."""
    from scipy.special import ndtri

    positive(sd, "sd")
    v = sd * sd
    variance = delta**2 * v + 0.5 * gamma**2 * v**2
    if variance <= 0.0:
        raise InputError.at("delta, gamma", "both are zero", "Give a position that moves with its factor.")
    skew = (3.0 * delta**2 * gamma * v**2 + gamma**3 * v**3) / variance**1.5
    kurtosis = (12.0 * delta**2 * gamma**2 * v**3 + 3.0 * gamma**4 * v**4) / variance**2
    moments = Moments(mean=0.5 * gamma * v, sd=math.sqrt(variance), skew=skew, excess_kurtosis=kurtosis)
    try:
        expansion = cornish_fisher(level, moments)[1]
    except InputError:
        expansion = None
    linear = abs(delta) * sd * float(ndtri(level))
    exact = _parabola_var(delta, gamma, sd, level)
    return DeltaGamma(
        exact=exact, cornish_fisher=expansion, delta_normal=linear, skew=skew, excess_kurtosis=kurtosis
    )


def _parabola_var(delta: float, gamma: float, sd: float, level: float) -> float:
    from scipy.optimize import brentq
    from scipy.special import ndtr

    def beyond(loss: float) -> float:
        """P(delta x + gamma x^2 / 2 <= -loss)."""
        if gamma == 0.0:
            return float(ndtr(-loss / (abs(delta) * sd)))
        inside = delta * delta - 2.0 * gamma * loss
        if inside <= 0.0:
            return 0.0 if gamma > 0.0 else 1.0
        # The stable pair of roots: no difference of near-equal numbers when gamma is small.
        q = -(delta + math.copysign(math.sqrt(inside), delta))
        one, two = sorted((q / gamma, 2.0 * loss / q if q else 0.0))
        low, high = float(ndtr(one / sd)), float(ndtr(-two / sd))
        return float(ndtr(two / sd)) - low if gamma > 0.0 else low + high

    reach = 1.0
    size = abs(delta) * sd + abs(gamma) * sd * sd
    while beyond(reach * size) > 1.0 - level:
        reach *= 2.0
    target = 1.0 - level
    return float(
        brentq(lambda loss: beyond(loss) - target, -reach * size, reach * size, xtol=1e-12 * size, rtol=1e-14)
    )


class Simulated(msgspec.Struct, frozen=True):
    """A Monte Carlo tail with the standard errors of both figures."""

    var: float
    es: float
    var_error: float
    es_error: float


def monte_carlo_tail(losses: Given, level: float) -> Simulated:
    """VaR and ES of simulated independent losses, with their standard errors.

    The VaR's from the order statistics one binomial standard deviation to either side, the ES's from the
    spread of the losses beyond it and the doubt about where it begins.
    """
    worst = sorted_losses(losses)
    n, tail = worst.size, historical_tail(worst, level)
    k = float(tail_count(n, level))
    if k < 10.0:
        what = f"{n:,} paths leave {k:g} beyond level {level:g}"
        raise InputError.at("paths", what, f"Give {math.ceil(10.0 / (1.0 - level)):,} or more.")
    step = math.sqrt(k * level)
    high, low = worst[max(round(k - step) - 1, 0)], worst[min(round(k + step) - 1, n - 1)]
    beyond = worst[: math.ceil(k)]
    spread = float(beyond.var()) + level * (tail.es - tail.var) ** 2
    return Simulated(tail.var, tail.es, float(high - low) / 2.0, math.sqrt(spread / k))


def joint_shocks(
    correlation: Sequence[Sequence[float]] | Floats,
    sds: Given,
    *,
    paths: int,
    seed: int,
    dof: float | None = None,
) -> Floats:
    """Shocks [paths, assets]: normal, or multivariate Student scaled to the given standard deviations."""
    matrix = np.asarray(correlation, dtype=np.float64)
    scale = finite(sds, "sds")
    if matrix.shape != (scale.size, scale.size) or not np.allclose(matrix, matrix.T) or paths < 1:
        what = f"shape {matrix.shape} for {scale.size} assets, {paths} paths"
        raise InputError.at("correlation", what, "Give a symmetric matrix with a row per asset, and paths.")
    try:
        root = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise InputError.at("correlation", "it is not positive definite", "Repair the matrix.") from None
    chance = np.random.Generator(np.random.PCG64(seed))
    shocks = chance.standard_normal((paths, scale.size)) @ root.T
    if dof is not None:
        if dof <= 2.0:
            raise InputError.at("degrees of freedom", f"{dof!r} has no variance", "Give more than 2.")
        shocks *= np.sqrt((dof - 2.0) / chance.chisquare(dof, paths))[:, None]
    return np.asarray(shocks * scale, np.float64)
