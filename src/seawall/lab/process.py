"""Random price paths with the crash frequency of eleven years of BTC, for `--paths N`.

The lead's daily return is a two-state Markov volatility times a unit-variance Student t6; within the
day the steps are Gaussian with an even share of that day's variance. On top come crash clusters: a
Hawkes process with exponential kernel (half-life 20 min, branching .7), exponential marks, one
direction per cluster, its sum capped. Other assets: beta x lead + an own part, Gaussian within the day
with one t4 factor per day common to all of them (a t copula). Log returns; vols per day.
Source: rules/quant 4.3, items 1 to 3 (item 1 validated there on daily counts, 2015-2025).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.kernels.elementary import exp_array
from seawall.lab.paths import Floats
from seawall.lab.prices import PricePath
from seawall.lab.shock import beta_to, check_prices, clock
from seawall.lab.streams import Stream

DAY = 86_400.0
YEAR_DAYS = 365.0
LN2 = 0.6931471805599453


class Process(msgspec.Struct, frozen=True):
    """Parameters. `scale` .87 gives the volatility of the last five years instead of eleven."""

    calm_daily_vol: float = 0.0157
    stressed_daily_vol: float = 0.0520
    stay_calm: float = 0.8785
    stay_stressed: float = 0.8115
    freedom: int = 6
    scale: float = 1.0
    clusters_per_year: float = 3.0
    branching: float = 0.7
    mark_mean: float = 0.02
    up_share: float = 0.15
    cluster_cap: float = 0.35
    half_life_seconds: float = 1200.0
    own_correlation: float = 0.75
    own_freedom: int = 4

    def __post_init__(self) -> None:
        values = {field: getattr(self, field) for field in self.__struct_fields__}
        bad = [field for field, value in values.items() if not (math.isfinite(value) and value >= 0)]
        shares = ("stay_calm", "stay_stressed", "up_share", "branching", "own_correlation")
        bad += [field for field in shares if values[field] > 1.0]
        if bad:
            what = f"{bad[0]} is {values[bad[0]]!r}"
            raise InputError.at("process", what, "It must be finite, not negative, and a share at most 1.")
        if self.branching >= 1.0 or self.own_correlation == 0.0 or self.half_life_seconds == 0.0:
            what = "branching must be below 1, own_correlation and half_life_seconds above 0"
            raise InputError.at("process", what, "A cluster would never end, or an asset would have no lead.")


def random_path(
    prices: Mapping[str, float],
    *,
    days: float = 1.0,
    step_seconds: float = 60.0,
    seed: int = 0,
    index: int = 0,
    process: Process | None = None,
    betas: Mapping[str, float] | None = None,
    crash: bool = False,
    start_ns: int = 0,
) -> PricePath:
    """Path number `index` of a seed; the first asset leads. `crash` adds one downward cluster to the path."""
    check_prices(prices)
    if not prices:
        raise InputError.at("random path", "no asset was given", "Give at least one start price.")
    process = process or Process()
    at, step_ns = clock(days * DAY, step_seconds)
    stream = Stream(seed, f"paths/{index}")
    lead, *others = prices
    returns, vol = lead_returns(process, at.size - 1, step_seconds, stream, crash=crash)
    columns = {lead: returns}
    own = _own_returns(process, len(others), vol, step_seconds, stream.child("own"))
    for name, extra in zip(others, own):
        beta = beta_to(name, lead, betas)
        columns[name] = beta * (returns + extra)
    table = []
    for name, price in prices.items():
        moved = np.concatenate([[0.0], np.cumsum(columns[name])])
        table.append(price * np.asarray(exp_array(moved)))
    price_table = np.column_stack(table)
    time_ns = start_ns + np.arange(at.size, dtype=np.int64) * step_ns
    return PricePath(tuple(prices), time_ns, price_table, np.ones(price_table.shape, dtype=np.bool_))


def lead_returns(
    process: Process, steps: int, step_seconds: float, stream: Stream, *, crash: bool = False
) -> tuple[Floats, Floats]:
    """Log returns of the lead per step, and the daily volatility in force at each step."""
    day = np.floor(np.arange(steps) * (step_seconds / DAY)).astype(np.int64)
    count = int(day[-1]) + 1
    vol = _daily_vol(process, count, stream.child("state"))[day]
    factor = stream.child("t").t_mixing(count, process.freedom)[day]
    share = math.sqrt(min(step_seconds / DAY, 1.0))
    returns = vol * factor * share * stream.child("steps").normal(steps)
    for when, size in cluster_jumps(process, steps * step_seconds, stream.child("clusters"), crash=crash):
        returns[min(int(when / step_seconds), steps - 1)] += size
    return returns, vol


def _daily_vol(process: Process, days: int, stream: Stream) -> Floats:
    """The Markov chain of volatility, begun in its stationary mixture."""
    leave_calm, leave_stressed = 1.0 - process.stay_calm, 1.0 - process.stay_stressed
    total = leave_calm + leave_stressed
    stressed_share = leave_calm / total if total > 0.0 else 0.0
    draws = stream.uniform(days).tolist()
    stressed = draws[0] < stressed_share
    out = np.empty(days)
    for day, u in enumerate(draws):
        if day:
            stressed = u < (process.stay_stressed if stressed else leave_calm)
        out[day] = process.stressed_daily_vol if stressed else process.calm_daily_vol
    return out * process.scale


def cluster_jumps(
    process: Process, seconds: float, stream: Stream, *, crash: bool = False
) -> list[tuple[float, float]]:
    """(time in s, log jump) of all clusters in a span. `crash` adds one that starts in it and goes down."""
    immigrants = stream.child("count").poisson(process.clusters_per_year * seconds / (YEAR_DAYS * DAY))
    starts = [(float(u) * seconds, None) for u in stream.child("starts").uniform(immigrants)]
    planned: list[tuple[float, float | None]] = list(starts)
    if crash:
        planned.append((float(stream.child("crash").uniform(1)[0]) * seconds, -1.0))
    jumps: list[tuple[float, float]] = []
    for number, (start, sign) in enumerate(planned):
        one = stream.child(f"cluster {number}")
        times = _offspring(process, start, one)
        marks = process.mark_mean * one.exponential(len(times))
        total = math.fsum(marks)
        marks = marks * min(1.0, process.cluster_cap / total) if total > 0.0 else marks
        if sign is None:
            sign = 1.0 if float(one.uniform(1)[0]) < process.up_share else -1.0
        jumps += [(t, sign * float(m)) for t, m in zip(times, marks) if t < seconds]
    return sorted(jumps)


def _offspring(process: Process, start: float, stream: Stream) -> list[float]:
    """Times of one cluster: each event has Poisson(branching) children after exponential waits."""
    times, waiting = [], [start]
    while waiting:
        when = waiting.pop()
        times.append(when)
        children = stream.poisson(process.branching)
        waits = stream.exponential(children) * (process.half_life_seconds / LN2)
        waiting += [when + float(wait) for wait in waits]
    return sorted(times)


def _own_returns(
    process: Process, assets: int, vol: Floats, step_seconds: float, stream: Stream
) -> list[NDArray[np.float64]]:
    """Own parts, before beta, sized so that the correlation to the lead's diffusion is the given one."""
    steps = vol.size
    day = np.floor(np.arange(steps) * (step_seconds / DAY)).astype(np.int64)
    factor = stream.child("t").t_mixing(int(day[-1]) + 1, process.own_freedom)[day]
    rho = process.own_correlation
    size = math.sqrt(1.0 / (rho * rho) - 1.0) * math.sqrt(min(step_seconds / DAY, 1.0))
    return [size * vol * factor * stream.child(str(k)).normal(steps) for k in range(assets)]
