"""Models that are mixtures of Black: Merton over the number of jumps, variance gamma over its clock.

Every term is positive and each Black price keeps its digits, so far wings come out to 1e-12 relative,
where an integral would have only its absolute error left. Undiscounted, in the unit of forward and strike.
Sources: Merton (1976); Madan, Carr and Chang (1998), conditioning on the gamma clock.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seawall.calibrate.black import black_price
from seawall.calibrate.models.levy import Merton, VarianceGamma
from seawall.calibrate.models.model import Floats
from seawall.errors import NumberError

_SETTLED = 1e-12
_FINEST = 1.0 / 4096.0


def merton_prices(model: Merton, forward: float, strikes: Any, years: float, is_call: Any) -> Floats:
    """Poisson-weighted Black prices."""
    from scipy.special import gammaln

    model.check()
    strikes = np.atleast_1d(np.asarray(strikes, dtype=np.float64))
    mean = model.intensity * years
    # Far wings live on many jumps: go on until their weight is gone even times the largest payoff.
    counts = np.arange(int(np.ceil(mean + 14.0 * np.sqrt(mean) + 60.0)))
    log_mean = np.log(mean) if mean > 0.0 else -np.inf
    with np.errstate(invalid="ignore"):
        logs = np.where(counts == 0, 0.0, counts * log_mean) - mean - gammaln(counts + 1.0)
    per_jump = model.jump_mean + 0.5 * model.jump_vol**2
    forwards = forward * np.exp(counts * per_jump - mean * np.expm1(per_jump))
    deviations = np.sqrt(model.vol**2 * years + counts * model.jump_vol**2)
    prices = black_price(
        forwards[:, None], strikes, deviations[:, None], np.broadcast_to(is_call, strikes.shape)
    )
    return np.asarray(np.exp(logs) @ prices)


def gamma_prices(model: VarianceGamma, forward: float, strikes: Any, years: float, is_call: Any) -> Floats:
    """Black prices over the gamma clock, by the trapezoidal rule in t with x = exp(t - e^-t).

    The step is halved until two agree. NumberError if they never do.
    """
    model.check()
    strikes = np.atleast_1d(np.asarray(strikes, dtype=np.float64))
    calls = np.broadcast_to(is_call, strikes.shape)
    shape = years / model.nu
    step = min(1.0 / 16.0, 0.25 / np.sqrt(shape))
    before = _gamma_sum(model, forward, strikes, years, calls, step)
    while step > _FINEST:
        step *= 0.5
        after = _gamma_sum(model, forward, strikes, years, calls, step)
        if np.all(np.abs(after - before) <= _SETTLED * after + 1e-290):
            return after
        before = after
    raise NumberError(
        f"model {model.name}: the mixture over {years:g} years with nu = {model.nu:g} does not settle\n"
        "  Use a longer expiry or a smaller nu."
    )


def gamma_distribution(model: VarianceGamma, years: float, at: Floats) -> Floats:
    """Probability that the log-return is at most `at`: the same mixture, over normal distributions."""
    from scipy.special import ndtr

    model.check()
    weights, clock = _clock(model, years, min(1.0 / 64.0, 0.06 / np.sqrt(years / model.nu)))
    drift = years / model.nu * np.log(model.moment)
    centred = at - drift - (model.theta * clock)[:, None]
    return np.asarray(weights @ ndtr(centred / (model.vol * np.sqrt(clock))[:, None]))


def _clock(model: VarianceGamma, years: float, step: float) -> tuple[Floats, Floats]:
    """(weights, times) of the trapezoidal rule over the gamma clock."""
    from scipy.special import gammaln

    shape = years / model.nu
    # Where the clock hardly moves, its weight sits at times near 0 that only a long left tail reaches.
    t = np.arange(-7.5, np.log(shape + 60.0 * np.sqrt(shape) + 800.0) + step, step)
    log_x = t - np.exp(-t)
    x = np.exp(log_x)
    logs = shape * log_x - x - gammaln(shape) + np.log1p(np.exp(-t))
    # A long clock makes forwards beyond the largest double, at weights of nothing: drop those terms.
    kept = (logs > -700.0) & (x > 0.0)
    return step * np.exp(logs[kept]), model.nu * x[kept]


def _gamma_sum(
    model: VarianceGamma, forward: float, strikes: Floats, years: float, calls: Any, step: float
) -> Floats:
    weights, clock = _clock(model, years, step)
    log_forward = years / model.nu * np.log(model.moment) + (model.theta + 0.5 * model.vol**2) * clock
    forwards = forward * np.exp(log_forward)
    prices = black_price(forwards[:, None], strikes, model.vol * np.sqrt(clock)[:, None], calls)
    return np.asarray(weights @ prices)
