"""Models of impact and of closing a large position in slices, to compare the lab's book with.

Sizes in units or USD, prices and costs in the unit of the price, times in one unit throughout. Sources:
Almgren & Chriss 2000; Obizhaeva & Wang 2013; Toth et al. 2011 and Donier & Bonart 2015 (square-root law).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from seawall.errors import InputError
from seawall.lab.depth import DepthCurve, distance_for

LN2 = 0.6931471805599453
BP = 1e-4


def _above_zero(place: str, **values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0.0):
            raise InputError.at(place, f"{name} is {value!r}", "Give a finite number above zero.")


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """Almgren and Chriss: holdings at 0, T/N, ..., T, what each step sells, expected cost and its spread."""

    kappa: float
    holdings: tuple[float, ...]
    trades: tuple[float, ...]
    cost: float
    variance: float
    straight_cost: float
    straight_variance: float


def almgren_chriss(
    *,
    size: float,
    horizon: float,
    steps: int,
    vol: float,
    half_spread: float,
    permanent: float,
    temporary: float,
    aversion: float,
) -> Schedule:
    """The liquidation that minimises cost + aversion * variance, beside selling in equal parts.

    vol: absolute, per root of a unit of time; permanent, temporary: price per unit sold, and per unit a time.
    InputError where temporary impact does not exceed half of the permanent impact of one step.
    """
    _above_zero("Almgren-Chriss", size=size, horizon=horizon, steps=steps, vol=vol, aversion=aversion)
    step = horizon / steps
    net = temporary - 0.5 * permanent * step
    _above_zero("Almgren-Chriss", temporary_less_half_permanent_of_a_step=net)
    kappa = math.acosh(1.0 + 0.5 * aversion * vol * vol / net * step * step) / step
    at = np.arange(steps + 1) * step
    holdings = size * np.sinh(kappa * (horizon - at)) / math.sinh(kappa * horizon)
    trades = -np.diff(holdings)
    fixed = 0.5 * permanent * size * size + half_spread * size
    return Schedule(
        kappa=kappa,
        holdings=tuple(holdings.tolist()),
        trades=tuple(trades.tolist()),
        cost=fixed + net / step * float(np.sum(trades**2)),
        variance=vol * vol * step * float(np.sum(holdings[1:] ** 2)),
        straight_cost=fixed + net * size * size / horizon,
        straight_variance=vol**2 * size**2 * horizon * (1.0 - 1.0 / steps) * (1.0 - 0.5 / steps) / 3.0,
    )


class Blocks(msgspec.Struct, frozen=True, kw_only=True):
    """Obizhaeva and Wang: a block at both ends and a constant rate between; costs of the alternatives."""

    block: float
    rate: float
    cost: float
    cost_at_once: float
    cost_even: float


def obizhaeva_wang(*, size: float, horizon: float, recovery: float, depth: float, permanent: float) -> Blocks:
    """Optimal execution against a block-shaped book of `depth` per unit of price that recovers at a rate."""
    _above_zero("Obizhaeva-Wang", size=size, horizon=horizon, recovery=recovery, depth=depth)
    transient = 1.0 / depth - permanent
    _above_zero("Obizhaeva-Wang", transient_impact=transient)
    span = recovery * horizon
    lasting = 0.5 * permanent * size * size
    even = transient * size * size / span**2 * (span + math.expm1(-span))
    return Blocks(
        block=size / (span + 2.0),
        rate=recovery * size / (span + 2.0),
        cost=lasting + transient * size * size / (span + 2.0),
        cost_at_once=0.5 * size * size / depth,
        cost_even=lasting + even,
    )


def displacement(
    blocks: Sequence[tuple[float, float]], at: Sequence[float], *, impact: float, recovery: float
) -> list[float]:
    """How far the price is off at each time: blocks (time, size) push it, and it heals at a rate."""
    _above_zero("displacement", recovery=recovery)
    times = np.array([time for time, _ in blocks], dtype=np.float64)
    pushes = impact * np.array([size for _, size in blocks], dtype=np.float64)
    return [
        float(np.sum(np.where(times <= now, pushes * np.exp(-recovery * np.maximum(now - times, 0.0)), 0.0)))
        for now in at
    ]


def steady_displacement(*, flow: float, d100: float, depth_share: float, half_life: float) -> float:
    """Displacement, as a share of the price, that a constant flow holds against a linear book that refills.

    flow: USD a unit of time; d100: USD within 1 %; half_life: of refill, in the same unit of time.
    """
    _above_zero("steady displacement", d100=d100, depth_share=depth_share, half_life=half_life)
    return flow / (d100 * depth_share / 0.01 * LN2 / half_life)


def square_root_impact(size: float, *, prefactor: float, daily_vol: float, daily_volume: float) -> float:
    """Share of the price that a metaorder moves: Y sigma sqrt(Q / V)."""
    _above_zero("square-root impact", daily_volume=daily_volume)
    return prefactor * daily_vol * math.sqrt(size / daily_volume)


def power_curve(*, d100: float, exponent: float) -> DepthCurve:
    """A book of D100 (x / 100 bp)**exponent all the way down."""
    return DepthCurve(d100_usd=d100, gamma=exponent, edge_bp=9_998.0, max_bp=9_999.0)


def depth_exponent(near: float, far: float, *, ratio: float = 10.0) -> float:
    """Exponent of cumulative depth through two points whose distances are `ratio` apart."""
    _above_zero("depth exponent", near=near, far=far)
    return math.log(far / near) / math.log(ratio)


def sweep_impact(size: float, *, d100: float, exponent: float) -> float:
    """Share of the price by which a single sweep of the visible book moves it."""
    return distance_for(power_curve(d100=d100, exponent=exponent), 1.0, size) * BP
