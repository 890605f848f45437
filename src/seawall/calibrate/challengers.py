"""Tail models run forward over a history: each sets a margin for the next window from what is over by then.

`losses` are one side's, one per window, fractions of notional; a model answers with VaR and ES for the
windows from `first` on. Fits are renewed every 25 windows, or 200 times. Parameters are the usual ones,
untuned: EWMA 0.97, filtered factors held to 0.5..3, GARCH and Student by likelihood, POT above the 95 %
quantile of all losses so far.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import numpy as np

from seawall.calibrate import evt, volatility
from seawall.calibrate.inputs import Floats
from seawall.calibrate.tails import Tail, historical_tail, normal_tail, student_tail
from seawall.errors import InputError

DECAY = 0.97
REFIT, MOST_FITS = 25, 200
GARCH_MOST = 1_000  # windows that a GARCH is fitted to, at most, unless more are looked back on
SEED_WINDOWS = 50  # whose mean square starts the EWMA
BOUNDS = (volatility.LEAST_SCALE, volatility.MOST_SCALE)


class Forecasts(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Margins for windows first, first + 1, ... `es` is None for a rule that knows no expected shortfall."""

    name: str
    first: int
    var: Floats
    es: Floats | None


def refit_steps(windows: int) -> int:
    """Windows between two fits: 25, or as many more as keep a long history to 200 fits."""
    return max(REFIT, -(-windows // MOST_FITS))


Model = Callable[[Floats, int, int, float], "Forecasts"]


def _forward(name: str, losses: Floats, first: int, forecast: Callable[[int], Tail]) -> Forecasts:
    tails = [forecast(t) for t in range(first, losses.size)]
    # A margin is never negative, even where the tail model of a rising market says so.
    var = np.maximum(np.array([tail.var for tail in tails]), 0.0)
    return Forecasts(
        name=name, first=first, var=var, es=np.maximum(np.array([tail.es for tail in tails]), var)
    )


def historical(losses: Floats, first: int, lookback: int, level: float) -> Forecasts:
    """The last `lookback` losses as they were."""
    return _forward("historical", losses, first, lambda t: historical_tail(losses[t - lookback : t], level))


def variance_before(losses: Floats) -> Floats:
    """The EWMA variance known before each loss: [n]. The first ones share the mean square of the first 50."""
    seed = float(np.mean(losses[:SEED_WINDOWS] ** 2))
    return volatility.ewma_variance(np.concatenate([[0.0], losses[:-1]]), DECAY, seed)


def normal(losses: Floats, first: int, lookback: int, level: float) -> Forecasts:
    """Normal with the EWMA volatility of the moment."""
    h = variance_before(losses)
    return _forward("normal", losses, first, lambda t: normal_tail(level, sd=math.sqrt(float(h[t]))))


def fhs_ewma(losses: Floats, first: int, lookback: int, level: float) -> Forecasts:
    """Filtered historical simulation on the EWMA volatility."""
    h = variance_before(losses)

    def forecast(t: int) -> Tail:
        past = slice(t - lookback, t)
        return _filtered(losses[past], h[past], float(h[t]), level)

    return _forward("fhs-ewma", losses, first, forecast)


def _filtered(losses: Floats, h: Floats, now: float, level: float) -> Tail:
    scenarios = volatility.filtered_scenarios(losses, h, now, bounds=BOUNDS).scenarios
    return historical_tail(scenarios, level)


def fhs_garch(losses: Floats, first: int, lookback: int, level: float) -> Forecasts:
    """Filtered historical simulation on a GARCH(1,1) with Student innovations."""
    held: dict[str, Floats] = {}
    every = refit_steps(losses.size - first)

    def forecast(t: int) -> Tail:
        if (t - first) % every == 0:
            begin = max(t - max(GARCH_MOST, lookback), 0)
            model = volatility.fit_garch(losses[begin:t])
            upto = min(t + every, losses.size)
            path = volatility.garch_variance(losses[begin:upto], model, float(losses[begin:t].var()))
            held["h"] = np.concatenate([np.full(begin, np.nan), path])
        h = held["h"]
        past = slice(t - lookback, t)
        return _filtered(losses[past], h[past], float(h[t]), level)

    return _forward("fhs-garch", losses, first, forecast)


def student(losses: Floats, first: int, lookback: int, level: float) -> Forecasts:
    """Student's t fitted to the last `lookback` losses, without moving volatility."""
    from scipy.stats import t as law

    held: dict[str, Tail] = {}
    every = refit_steps(losses.size - first)

    def forecast(t: int) -> Tail:
        if (t - first) % every == 0:
            dof, mean, scale = (float(value) for value in law.fit(losses[t - lookback : t]))
            tail = student_tail(level, max(dof, 1.05))
            held["tail"] = Tail(mean + scale * tail.var, mean + scale * tail.es)
        return held["tail"]

    return _forward("student", losses, first, forecast)


def pot(losses: Floats, first: int, lookback: int, level: float) -> Forecasts:
    """Peaks over threshold on all losses so far, without moving volatility."""
    held: dict[str, Tail] = {}
    every = refit_steps(losses.size - first)

    def forecast(t: int) -> Tail:
        if (t - first) % every == 0:
            held["tail"] = evt.fit_pot(losses[:t]).tail(level)
        return held["tail"]

    return _forward("pot", losses, first, forecast)


MODELS: dict[str, Model] = {
    "historical": historical,
    "normal": normal,
    "fhs-ewma": fhs_ewma,
    "fhs-garch": fhs_garch,
    "student": student,
    "pot": pot,
}
LEAST_LOOKBACK = 250


def run_model(name: str, losses: Floats, *, first: int, lookback: int, level: float) -> Forecasts:
    """One challenger by name. InputError for a name that is none, or too short a past."""
    if name not in MODELS:
        raise InputError.at(
            f"model {name!r}", "there is none of that name", f"There are: {', '.join(MODELS)}, dynamic."
        )
    if not LEAST_LOOKBACK <= lookback <= first < losses.size:
        what = f"{lookback} windows of past, the first forecast at {first} of {losses.size}"
        raise InputError.at(
            "lookback", what, f"Give {LEAST_LOOKBACK} or more, and a history longer than that."
        )
    return MODELS[name](losses, first, lookback, level)
