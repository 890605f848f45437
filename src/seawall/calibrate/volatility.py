"""Volatility that moves: EWMA, GARCH(1,1) with its fit, and filtered historical simulation on either.

Returns are fractions per period (0.01 = 1 %), variances are per period of the same returns. `variance[t]` of
an EWMA is known after return t; that of a GARCH applies to return t, and one more stands at the end.
Sources: RiskMetrics 1996; Bollerslev 1986; Hull & White 1998; Barone-Adesi, Giannopoulos & Vosper 1999.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from seawall.calibrate.inputs import Floats, Given, between, finite, positive
from seawall.calibrate.tails import Tail, historical_tail
from seawall.errors import InputError

LEAST_SCALE, MOST_SCALE = 0.5, 3.0  # of a filtered scenario (Gurrola-Perez & Murphy): it over-reacts to steps
_LONG_RUN = 0.99999  # alpha + beta of a fit stay below it, so that a long-run variance exists


class Garch(msgspec.Struct, frozen=True, kw_only=True):
    """h[t+1] = omega + alpha r[t]^2 + beta h[t]. `dof` is infinite for normal innovations."""

    omega: float
    alpha: float
    beta: float
    dof: float = math.inf
    log_likelihood: float = math.nan

    @property
    def long_run_variance(self) -> float:
        """omega / (1 - alpha - beta); InputError where it does not exist."""
        left = 1.0 - self.alpha - self.beta
        if left <= 0.0:
            what = f"alpha + beta is {self.alpha + self.beta:g}: the variance never settles"
            raise InputError.at(
                "GARCH", what, "Give the first variance, or parameters that add up to below 1."
            )
        return self.omega / left


def ewma_variance(returns: Given, decay: float, first: float | None = None) -> Floats:
    """s2[t] = decay s2[t-1] + (1 - decay) r[t]^2, s2[0] = r[0]^2 or `first`; [n], known after r[t]."""
    squares = finite(returns, "returns") ** 2
    between(decay, "decay", 0.0, 1.0)
    begin = float(squares[0]) if first is None else first
    return _recursion((1.0 - decay) * squares[1:], decay, begin)


def garch_variance(returns: Given, model: Garch, first: float | None = None) -> Floats:
    """The variance of each return, and of the one to come: float64 [n + 1]. First: long-run, unless given."""
    squares = finite(returns, "returns") ** 2
    begin = model.long_run_variance if first is None else first
    return _recursion(model.omega + model.alpha * squares, model.beta, begin)


def gjr_variance(returns: Given, model: Garch, leverage: float, first: float | None = None) -> Floats:
    """GJR-GARCH (Glosten, Jagannathan & Runkle 1993): falls count alpha + `leverage`, rises alpha; [n + 1].

    First, unless given: the long-run variance of returns that rise and fall alike.
    """
    moves = finite(returns, "returns")
    half = Garch(omega=model.omega, alpha=model.alpha + 0.5 * leverage, beta=model.beta)
    begin = half.long_run_variance if first is None else first
    weight = model.alpha + leverage * (moves < 0.0)
    return _recursion(model.omega + weight * moves**2, model.beta, begin)


def variance_ahead(model: Garch, next_variance: float, steps: Given) -> tuple[Floats, Floats]:
    """Forecasts of the variance `steps` ahead (1 is the next return), and of the sum up to there."""
    far = finite(steps, "steps")
    if (far < 1.0).any():
        raise InputError.at("steps", f"{float(far.min()):g} steps ahead", "Give 1 or more.")
    settled, keep = model.long_run_variance, model.alpha + model.beta
    gap = positive(next_variance, "next_variance") - settled
    single = settled + gap * keep ** (far - 1.0)
    return single, settled * far + gap * (1.0 - keep**far) / (1.0 - keep)


def _recursion(inputs: Floats, keep: float, first: float) -> Floats:
    """y[0] = first, y[t+1] = keep y[t] + inputs[t]."""
    from scipy.signal import lfilter

    if not inputs.size:
        return np.array([first])
    out = np.empty(inputs.size + 1)
    out[0] = first
    out[1:] = lfilter([1.0], [1.0, -keep], inputs, zi=[keep * first])[0]
    return out


def fit_garch(returns: Given, *, student: bool = True) -> Garch:
    """Maximum likelihood of a GARCH(1,1) without mean, first variance = the sample's.

    Deterministic (Nelder-Mead from one start, on transformed parameters). Needs 250 returns that move;
    InputError for fewer, or for a search that ends nowhere.
    """
    from scipy.optimize import minimize

    values = finite(returns, "returns", 250)
    variance = float(values.var())
    if variance <= 0.0:
        raise InputError.at("returns", "they never change", "Give a price that moves.")
    unit = values / math.sqrt(variance)  # the search sees numbers near one, whatever the asset

    def cost(raw: Floats) -> float:
        return -log_likelihood(unit, _from_raw(raw, student), first=1.0)

    start = [_logit(0.97), _logit(0.08), math.log(0.03), *([math.log(3.0)] if student else [])]
    found = minimize(
        cost, np.array(start), method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-6, "fatol": 1e-8}
    )
    if not math.isfinite(found.fun):
        raise InputError.at("GARCH fit", "no parameters have a finite likelihood", "Check the returns.")
    fitted = _from_raw(found.x, student)
    return Garch(
        omega=fitted.omega * variance,
        alpha=fitted.alpha,
        beta=fitted.beta,
        dof=fitted.dof,
        log_likelihood=-float(found.fun) - values.size * 0.5 * math.log(variance),
    )


def _logit(share: float) -> float:
    return math.log(share / (1.0 - share))


def _from_raw(raw: Floats, student: bool) -> Garch:
    """Any real numbers as parameters inside their range: persistence, alpha's part of it, omega, dof."""
    total = _LONG_RUN / (1.0 + math.exp(-min(max(float(raw[0]), -30.0), 30.0)))
    part = 1.0 / (1.0 + math.exp(-min(max(float(raw[1]), -30.0), 30.0)))
    dof = 2.05 + math.exp(min(float(raw[3]), 6.0)) if student else math.inf
    return Garch(
        omega=math.exp(min(max(float(raw[2]), -40.0), 10.0)),
        alpha=total * part,
        beta=total * (1 - part),
        dof=dof,
    )


def log_likelihood(returns: Given, model: Garch, *, first: float) -> float:
    """Of the returns under the model: normal, or unit-variance Student for a finite dof."""
    values = finite(returns, "returns")
    h = garch_variance(values, model, first)[:-1]
    z2 = values**2 / h
    if math.isinf(model.dof):
        return float(-0.5 * np.sum(math.log(2.0 * math.pi) + np.log(h) + z2))
    nu = model.dof
    constant = math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(math.pi * (nu - 2))
    return float(np.sum(constant - 0.5 * np.log(h) - (nu + 1) / 2 * np.log1p(z2 / (nu - 2))))


class Filtered(msgspec.Struct, frozen=True, kw_only=True):
    """Filtered historical simulation: scenarios are returns rescaled to the volatility to come."""

    scenarios: Floats
    next_variance: float
    capped: int  # scenarios whose factor was held inside its bounds

    def tail(self, level: float) -> Tail:
        """Of a long position: losses are the negative scenarios."""
        return historical_tail(-self.scenarios, level)


def filtered_scenarios(
    returns: Given, variance: Given, next_variance: float, *, bounds: tuple[float, float] | None = None
) -> Filtered:
    """r[t] sqrt(h_next / h[t]); with `bounds` the factor is held between them."""
    values, h = finite(returns, "returns"), finite(variance, "variance")
    if h.size != values.size or not (h > 0.0).all():
        what = f"{h.size} variances for {values.size} returns, the least {float(h.min()):g}"
        raise InputError.at("variance", what, "Give a positive one for each return.")
    factor = np.sqrt(positive(next_variance, "next variance") / h)
    held = factor if bounds is None else np.clip(factor, *bounds)
    return Filtered(
        scenarios=values * held, next_variance=next_variance, capped=int(np.count_nonzero(held != factor))
    )


def bootstrap_paths(returns: Given, model: Garch, *, horizon: int, paths: int, seed: int) -> Floats:
    """Returns over `horizon` periods [paths]: residuals drawn again, the variance fed forward."""
    values = finite(returns, "returns", 2)
    h = garch_variance(values, model, float(values.var()))
    z = values / np.sqrt(h[:-1])
    chance = np.random.Generator(np.random.PCG64(seed))
    variance = np.full(paths, h[-1])
    total = np.zeros(paths)
    for _ in range(horizon):
        step = z[chance.integers(0, z.size, paths)] * np.sqrt(variance)
        total += step
        variance = model.omega + model.alpha * step**2 + model.beta * variance
    return total


def step_response(low_vol: float, high_vol: float, decay: float, steps: int) -> float:
    """Expected EWMA volatility `steps` periods after the true one jumped from `low_vol` to `high_vol`."""
    share = decay**steps
    return math.sqrt(low_vol**2 * share + high_vol**2 * (1.0 - share))


def steps_to_reach(low_vol: float, high_vol: float, decay: float, share: float = 0.9) -> int:
    """Periods until the expected EWMA volatility is `share` of the new one."""
    positive(low_vol, "low volatility")
    between(decay, "decay", 0.0, 1.0)
    between(share, "share", 0.0, 1.0)
    if low_vol >= share * high_vol:
        return 0
    left = (high_vol**2 - (share * high_vol) ** 2) / (high_vol**2 - low_vol**2)
    guess = max(math.floor(math.log(left) / math.log(decay)) - 1, 0)
    while step_response(low_vol, high_vol, decay, guess) < share * high_vol:
        guess += 1
    return guess
