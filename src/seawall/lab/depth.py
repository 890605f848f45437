"""The simulated venue's order book as a curve: how much can be traded within a distance.

USD amounts are valued at the outside price (size x outside price), distances are in bp of it, bids
downwards and asks upwards. Within `edge_bp` the cumulative depth of one side is D100 (x / 100 bp)**gamma;
beyond it latent orders stand at the density reached there. A side remembers how much of it was taken
(`used_usd`) and which share of its normal depth is quoted (`scale`); both heal with a half-life, so
the price impact of a sweep decays. When volatility or forced flow rises, quotes are cancelled at once.
The arithmetic is in `lab.depth_kernels`. Defaults: rules/quant 4.3, item 4 (assumed unless fitted, see
`bookdepth.fit_depth`); D100 figures there are aggregates over venues.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.lab import depth_kernels as kernels
from seawall.lab.depth_kernels import BP

Floats = NDArray[np.float64]
# Aggregate USD within 100 bp on one side, calm (assumed). Others: mid-cap 8e6, tail 1e6.
DEFAULT_D100_USD = {"BTC": 500e6, "ETH": 250e6, "SOL": 80e6}
MID_CAP_D100_USD = 8e6
TAIL_D100_USD = 1e6


class DepthCurve(msgspec.Struct, frozen=True):
    """One side in calm times. `latent` scales the density beyond the edge; nothing rests past max_bp."""

    d100_usd: float
    gamma: float = 0.674
    edge_bp: float = 200.0
    latent: float = 1.0
    max_bp: float = 9000.0

    def __post_init__(self) -> None:
        _positive(self, "d100_usd", "gamma", "edge_bp", "latent", "max_bp")
        if not self.edge_bp < self.max_bp < 10_000.0:
            what = f"edge {self.edge_bp} and end {self.max_bp} bp do not make a book"
            raise InputError.at("depth curve", what, "Choose 0 < edge_bp < max_bp < 10000.")


class DepthRules(msgspec.Struct, frozen=True):
    """How depth withdraws and comes back.

    Target scale = max(floor, min(1, ratio**-withdrawal_exponent)) * exp(-flow_weight * flow / D100), with
    ratio = present / calm volatility and flow = forced USD lately taken from this side. `least` keeps the
    product off zero. Refill half-life goes from calm (ratio 1) to stressed (ratio `stressed_ratio`).
    """

    refill_calm_seconds: float = 20.0
    refill_stressed_seconds: float = 90.0
    stressed_ratio: float = 5.0
    withdrawal_exponent: float = 1.2
    floor: float = 0.02
    least: float = 0.002
    flow_weight: float = 3.0
    flow_half_life_seconds: float = 90.0
    calm_daily_vol: float = 0.0157
    vol_half_life_seconds: float = 300.0

    def __post_init__(self) -> None:
        exponents = ("flow_weight", "withdrawal_exponent")
        _positive(self, *(field for field in self.__struct_fields__ if field not in exponents))
        for field in exponents:
            if not (math.isfinite(getattr(self, field)) and getattr(self, field) >= 0.0):
                what = f"{field} is {getattr(self, field)!r}"
                raise InputError.at("DepthRules", what, f"{field} must be finite and not negative.")
        if self.stressed_ratio <= 1.0 or not 0.0 < self.least <= self.floor <= 1.0:
            what = f"stressed_ratio {self.stressed_ratio}, least {self.least}, floor {self.floor}"
            raise InputError.at("depth rules", what, "Keep stressed_ratio > 1 and 0 < least <= floor <= 1.")


class Side(msgspec.Struct, frozen=True):
    """State of the bids or of the asks: scale 1 = normal depth, USD taken, forced USD taken lately."""

    scale: float = 1.0
    used_usd: float = 0.0
    flow_usd: float = 0.0


class Book(msgspec.Struct, frozen=True):
    """Both sides and the volatility they quote on (variance of log price per second)."""

    variance_per_second: float
    bids: Side = Side()
    asks: Side = Side()


class Fill(msgspec.Struct, frozen=True):
    """A sweep: what was taken, at what mean and last distance (bp); `unfilled_usd` found no order."""

    filled_usd: float
    average_bp: float
    last_bp: float
    unfilled_usd: float = 0.0


def _positive(holder: msgspec.Struct, *fields: str) -> None:
    for field in fields:
        value = getattr(holder, field)
        if not (math.isfinite(value) and value > 0.0):
            what = f"{field} is {value!r}"
            raise InputError.at(type(holder).__name__, what, f"{field} must be positive and finite.")


def new_book(rules: DepthRules) -> Book:
    """A calm, untouched book."""
    return Book(variance_per_second=rules.calm_daily_vol * rules.calm_daily_vol / 86_400.0)


def depth_within(curve: DepthCurve, scale: float, distance_bp: float) -> float:
    """USD resting on an untouched side within `distance_bp`, when `scale` of it is quoted."""
    return float(kernels.depth_within(row_of(curve), scale, distance_bp))


def distance_for(curve: DepthCurve, scale: float, usd: float) -> float:
    """Distance (bp) within which `usd` rest on an untouched side; max_bp if there is not so much."""
    return float(kernels.distance_for(row_of(curve), scale, usd))


def touch_bp(curve: DepthCurve, side: Side) -> float:
    """Distance of the best order left: the price impact that has not decayed yet."""
    return distance_for(curve, side.scale, side.used_usd)


def capacity_usd(curve: DepthCurve, side: Side, limit_bp: float) -> float:
    """USD that can still be taken without going further than `limit_bp`."""
    return max(depth_within(curve, side.scale, limit_bp) - side.used_usd, 0.0)


def sweep(curve: DepthCurve, side: Side, usd: float, limit_bp: float | None = None) -> Fill:
    """What a market order of `usd` (or one with a limit) would get; changes nothing."""
    if not (math.isfinite(usd) and usd >= 0.0):
        raise InputError.at("sweep", f"{usd!r} USD", "The amount must be finite and not negative.")
    limit = curve.max_bp if limit_bp is None else limit_bp
    filled, average, last = kernels.sweep(row_of(curve), side.scale, side.used_usd, usd, limit)
    return Fill(filled, average, last, usd - filled)


def consume(
    curve: DepthCurve, side: Side, usd: float, *, forced: bool, limit_bp: float | None = None
) -> tuple[Side, Fill]:
    """Take `usd` from a side. Forced flow (liquidations) is remembered and makes quotes withdraw."""
    fill = sweep(curve, side, usd, limit_bp)
    flow = side.flow_usd + (fill.filled_usd if forced else 0.0)
    return Side(side.scale, side.used_usd + fill.filled_usd, flow), fill


def target_scale(curve: DepthCurve, rules: DepthRules, vol_ratio: float, flow_usd: float) -> float:
    """The share of normal depth that makers want to show now."""
    return float(kernels.target_scale(row_of(curve), row_of(rules), vol_ratio, flow_usd))


def refill_seconds(rules: DepthRules, vol_ratio: float) -> float:
    """Half-life of refill: calm at ratio 1, stressed from `stressed_ratio` on, straight between."""
    return float(kernels.refill_seconds(row_of(rules), vol_ratio))


def refill(curve: DepthCurve, rules: DepthRules, side: Side, vol_ratio: float, seconds: float) -> Side:
    """`seconds` later: what was taken heals, the scale goes to its target.

    dD/dt = rho (target - D) at every distance. A target below the scale is reached at once, because
    cancelling takes milliseconds; the hole already made keeps its width, so cancelling alone moves no price.
    """
    if not seconds >= 0.0:
        raise InputError.at("refill", f"{seconds!r} seconds", "Time does not run backwards.")
    row = row_of(side)
    kernels.refill(row_of(curve), row_of(rules), row, vol_ratio, seconds)
    return Side(*row.tolist())


def vol_ratio(rules: DepthRules, book: Book) -> float:
    """Present over calm volatility."""
    return float(kernels.vol_ratio(row_of(rules), book.variance_per_second))


def advance(curve: DepthCurve, rules: DepthRules, book: Book, log_return: float, seconds: float) -> Book:
    """One clock step: volatility learns the outside move of the step, then both sides refill."""
    row = book_row(book)
    kernels.advance(row_of(curve), row_of(rules), row, log_return, seconds)
    return book_of(row)


def row_of(holder: DepthCurve | DepthRules | Side) -> Floats:
    """The fields as a row for the kernels, in their order."""
    return np.array(msgspec.structs.astuple(holder), dtype=np.float64)


def book_row(book: Book) -> Floats:
    """A book as a row for the kernels: variance, bids, asks."""
    sides = (*msgspec.structs.astuple(book.bids), *msgspec.structs.astuple(book.asks))
    return np.array((book.variance_per_second, *sides), dtype=np.float64)


def book_of(row: Floats) -> Book:
    """The book that a row holds."""
    variance, *sides = row.tolist()
    return Book(variance, Side(*sides[:3]), Side(*sides[3:]))


def bid_price(outside: float, distance_bp: float) -> float:
    """USD price `distance_bp` below the outside price."""
    return outside * (1.0 - distance_bp * BP)


def ask_price(outside: float, distance_bp: float) -> float:
    """USD price `distance_bp` above the outside price."""
    return outside * (1.0 + distance_bp * BP)


def mid_price(curve: DepthCurve, book: Book, outside: float) -> float:
    """Half way between the best bid and the best ask left."""
    return float(kernels.mid_price(row_of(curve), book_row(book), outside))
