"""The simulated venue's order book as a curve: how much can be traded within a distance.

USD amounts are valued at the outside price (size x outside price), distances are in bp of it, bids
downwards and asks upwards. Within `edge_bp` the cumulative depth of one side is D100 (x / 100 bp)**gamma;
beyond it latent orders stand at the density reached there. A side remembers how much of it was taken
(`used_usd`) and which share of its normal depth is quoted (`scale`); both heal with a half-life, so
the price impact of a sweep decays. When volatility or forced flow rises, quotes are cancelled at once.
Plain floats and own exp/log only: the same bits on every CPU. Defaults: rules/quant 4.3, item 4 (assumed
unless fitted, see `bookdepth.fit_depth`); D100 figures there are aggregates over venues.
"""

from __future__ import annotations

import math

import msgspec

from seawall.errors import InputError
from seawall.kernels.elementary import exp, power

BP = 1e-4
LN2 = 0.6931471805599453
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
    x = min(max(distance_bp, 0.0), curve.max_bp)
    inner = min(x, curve.edge_bp)
    depth = float(power(inner / 100.0, curve.gamma))
    if x > curve.edge_bp:
        depth += _latent_density(curve, depth) * (x - curve.edge_bp)
    return scale * curve.d100_usd * depth


def distance_for(curve: DepthCurve, scale: float, usd: float) -> float:
    """Distance (bp) within which `usd` rest on an untouched side; max_bp if there is not so much."""
    units = max(usd, 0.0) / (scale * curve.d100_usd)
    edge = float(power(curve.edge_bp / 100.0, curve.gamma))
    if units <= edge:
        x = 100.0 * float(power(units, 1.0 / curve.gamma))
        return min(x, curve.edge_bp)
    return min(curve.edge_bp + (units - edge) / _latent_density(curve, edge), curve.max_bp)


def _latent_density(curve: DepthCurve, edge_units: float) -> float:
    """Depth per bp beyond the edge, in units of D100: the slope of the curve at the edge."""
    return curve.latent * curve.gamma * edge_units / curve.edge_bp


def _moment(curve: DepthCurve, distance_bp: float) -> float:
    """Integral of distance over depth up to `distance_bp`, in bp x units of D100."""
    inner = min(distance_bp, curve.edge_bp)
    units = float(power(inner / 100.0, curve.gamma))
    total = curve.gamma / (curve.gamma + 1.0) * inner * units
    if distance_bp > curve.edge_bp:
        square = (distance_bp - curve.edge_bp) * (distance_bp + curve.edge_bp)
        total += _latent_density(curve, units) * 0.5 * square
    return total


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
    filled = min(usd, capacity_usd(curve, side, limit))
    start = touch_bp(curve, side)
    if filled <= 0.0:
        return Fill(0.0, start, start, usd)
    end = max(start, min(distance_for(curve, side.scale, side.used_usd + filled), limit))
    area = (_moment(curve, end) - _moment(curve, start)) * side.scale * curve.d100_usd
    # Rounding may push a mean of two near-equal ends outside them; a mean lies between.
    return Fill(filled, min(max(area / filled, start), end), end, usd - filled)


def consume(
    curve: DepthCurve, side: Side, usd: float, *, forced: bool, limit_bp: float | None = None
) -> tuple[Side, Fill]:
    """Take `usd` from a side. Forced flow (liquidations) is remembered and makes quotes withdraw."""
    fill = sweep(curve, side, usd, limit_bp)
    flow = side.flow_usd + (fill.filled_usd if forced else 0.0)
    return Side(side.scale, side.used_usd + fill.filled_usd, flow), fill


def target_scale(curve: DepthCurve, rules: DepthRules, vol_ratio: float, flow_usd: float) -> float:
    """The share of normal depth that makers want to show now."""
    ratio = max(vol_ratio, 1.0)
    calm = max(rules.floor, float(power(ratio, -rules.withdrawal_exponent)))
    return max(rules.least, calm * float(exp(-rules.flow_weight * flow_usd / curve.d100_usd)))


def refill_seconds(rules: DepthRules, vol_ratio: float) -> float:
    """Half-life of refill: calm at ratio 1, stressed from `stressed_ratio` on, straight between."""
    stress = min(max((vol_ratio - 1.0) / (rules.stressed_ratio - 1.0), 0.0), 1.0)
    return rules.refill_calm_seconds + (rules.refill_stressed_seconds - rules.refill_calm_seconds) * stress


def refill(curve: DepthCurve, rules: DepthRules, side: Side, vol_ratio: float, seconds: float) -> Side:
    """`seconds` later: what was taken heals, the scale goes to its target.

    dD/dt = rho (target - D) at every distance. A target below the scale is reached at once, because
    cancelling takes milliseconds; the hole already made keeps its width, so cancelling alone moves no price.
    """
    if not seconds >= 0.0:
        raise InputError.at("refill", f"{seconds!r} seconds", "Time does not run backwards.")
    flow = side.flow_usd * _keep(seconds, rules.flow_half_life_seconds)
    target = target_scale(curve, rules, vol_ratio, side.flow_usd)
    scale, used = side.scale, side.used_usd
    if target < scale:
        used, scale = used * (target / scale), target
    keep = _keep(seconds, refill_seconds(rules, vol_ratio))
    healed = max(scale, min(target + (scale - target) * keep, target))  # rounding may not leave the way there
    return Side(healed, used * keep, flow)


def _keep(seconds: float, half_life: float) -> float:
    return float(exp(-LN2 * (seconds / half_life)))


def vol_ratio(rules: DepthRules, book: Book) -> float:
    """Present over calm volatility."""
    calm = rules.calm_daily_vol * rules.calm_daily_vol / 86_400.0
    return math.sqrt(book.variance_per_second / calm)


def advance(curve: DepthCurve, rules: DepthRules, book: Book, log_return: float, seconds: float) -> Book:
    """One clock step: volatility learns the outside move of the step, then both sides refill."""
    if seconds <= 0.0:
        return book
    keep = _keep(seconds, rules.vol_half_life_seconds)
    variance = book.variance_per_second * keep + (log_return * log_return / seconds) * (1.0 - keep)
    moved = Book(variance, book.bids, book.asks)
    ratio = vol_ratio(rules, moved)
    bids = refill(curve, rules, book.bids, ratio, seconds)
    return Book(variance, bids, refill(curve, rules, book.asks, ratio, seconds))


def bid_price(outside: float, distance_bp: float) -> float:
    """USD price `distance_bp` below the outside price."""
    return outside * (1.0 - distance_bp * BP)


def ask_price(outside: float, distance_bp: float) -> float:
    """USD price `distance_bp` above the outside price."""
    return outside * (1.0 + distance_bp * BP)


def mid_price(curve: DepthCurve, book: Book, outside: float) -> float:
    """Half way between the best bid and the best ask left."""
    return 0.5 * (
        bid_price(outside, touch_bp(curve, book.bids)) + ask_price(outside, touch_bp(curve, book.asks))
    )
