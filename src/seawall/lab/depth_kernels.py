"""The arithmetic of the simulated order book, compiled: one call for all books of a step, one for a fill.

The formulas of `lab.depth` and nothing else; their names and units are there. A curve, the rules and a book
are rows of float64 whose places are named below; a book is its variance and two sides of three figures.
Float64 throughout with our own exp, log and power: the same bits on every CPU, compiled or not. USD at the
outside price, distances bp, seconds.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels.elementary import exp, log, power

# Places in a row: of a curve, of the rules (both in the order of their structs), of a book.
D100, GAMMA, EDGE, LATENT, MOST = range(5)
CALM_S, STRESSED_S, STRESSED_RATIO, WITHDRAWAL, FLOOR, LEAST, FLOW_WEIGHT, FLOW_S, CALM_VOL, VOL_S = range(10)
VARIANCE, BIDS, ASKS = 0, 1, 4
SCALE, USED, FLOW = range(3)
BOOK_FIELDS = 7

BP = 1e-4
LN2 = 0.6931471805599453
DAY_SECONDS = 86_400.0


@njit(cache=True, error_model="numpy")
def latent_density(curve, edge_units):
    """Depth per bp beyond the edge, in units of D100: the slope of the curve at the edge."""
    return curve[LATENT] * curve[GAMMA] * edge_units / curve[EDGE]


@njit(cache=True, error_model="numpy")
def depth_within(curve, scale, distance_bp):
    """USD on an untouched side within a distance."""
    x = min(max(distance_bp, 0.0), curve[MOST])
    depth = power(min(x, curve[EDGE]) / 100.0, curve[GAMMA])
    if x > curve[EDGE]:
        depth += latent_density(curve, depth) * (x - curve[EDGE])
    return scale * curve[D100] * depth


@njit(cache=True, error_model="numpy")
def distance_for(curve, scale, usd):
    """Distance within which so much rests on an untouched side."""
    if usd <= 0.0:
        return 0.0  # the power law gives this too, at the cost of a power
    units = usd / (scale * curve[D100])
    edge = power(curve[EDGE] / 100.0, curve[GAMMA])
    if units <= edge:
        return min(100.0 * power(units, 1.0 / curve[GAMMA]), curve[EDGE])
    return min(curve[EDGE] + (units - edge) / latent_density(curve, edge), curve[MOST])


@njit(cache=True, error_model="numpy")
def moment(curve, distance_bp):
    """Integral of distance over depth, in bp x units of D100."""
    inner = min(distance_bp, curve[EDGE])
    units = power(inner / 100.0, curve[GAMMA])
    total = curve[GAMMA] / (curve[GAMMA] + 1.0) * inner * units
    if distance_bp > curve[EDGE]:
        square = (distance_bp - curve[EDGE]) * (distance_bp + curve[EDGE])
        total += latent_density(curve, units) * 0.5 * square
    return total


@njit(cache=True, error_model="numpy")
def sweep(curve, scale, used_usd, usd, limit_bp):
    """(filled USD, average bp, last bp) of an order with a limit; changes nothing."""
    filled = min(usd, max(depth_within(curve, scale, limit_bp) - used_usd, 0.0))
    start = distance_for(curve, scale, used_usd)
    if filled <= 0.0:
        return 0.0, start, start
    end = max(start, min(distance_for(curve, scale, used_usd + filled), limit_bp))
    area = (moment(curve, end) - moment(curve, start)) * scale * curve[D100]
    # Rounding may push a mean of two near-equal ends outside them; a mean lies between.
    return filled, min(max(area / filled, start), end), end


@njit(cache=True, error_model="numpy")
def target_scale(curve, rules, vol_ratio, flow_usd):
    """The share of normal depth that makers want to show now."""
    calm = max(rules[FLOOR], power(max(vol_ratio, 1.0), -rules[WITHDRAWAL]))
    return max(rules[LEAST], calm * exp(-rules[FLOW_WEIGHT] * flow_usd / curve[D100]))


@njit(cache=True, error_model="numpy")
def refill_seconds(rules, vol_ratio):
    """Half-life of refill: calm at ratio 1, stressed from the stressed ratio on, straight between."""
    stress = min(max((vol_ratio - 1.0) / (rules[STRESSED_RATIO] - 1.0), 0.0), 1.0)
    return rules[CALM_S] + (rules[STRESSED_S] - rules[CALM_S]) * stress


@njit(cache=True, error_model="numpy")
def keep(seconds, half_life):
    """What a half-life leaves."""
    return exp(-LN2 * (seconds / half_life))


@njit(cache=True, error_model="numpy")
def refill(curve, rules, side, vol_ratio, seconds):
    """`side` (three figures) so many seconds later, in place."""
    flow = side[FLOW] * keep(seconds, rules[FLOW_S])
    target = target_scale(curve, rules, vol_ratio, side[FLOW])
    scale, used = side[SCALE], side[USED]
    if target < scale:
        used, scale = used * (target / scale), target
    kept = keep(seconds, refill_seconds(rules, vol_ratio))
    # Rounding may not leave the way from the scale to its target.
    side[SCALE] = max(scale, min(target + (scale - target) * kept, target))
    side[USED], side[FLOW] = used * kept, flow


@njit(cache=True, error_model="numpy")
def vol_ratio(rules, variance_per_second):
    """Present over calm volatility."""
    return np.sqrt(variance_per_second / (rules[CALM_VOL] * rules[CALM_VOL] / DAY_SECONDS))


@njit(cache=True, error_model="numpy")
def advance(curve, rules, book, log_return, seconds):
    """A book one clock step later, in place; no time, no change."""
    if seconds <= 0.0:
        return
    kept = keep(seconds, rules[VOL_S])
    book[VARIANCE] = book[VARIANCE] * kept + (log_return * log_return / seconds) * (1.0 - kept)
    ratio = vol_ratio(rules, book[VARIANCE])
    refill(curve, rules, book[BIDS:ASKS], ratio, seconds)
    refill(curve, rules, book[ASKS:], ratio, seconds)


@njit(cache=True, error_model="numpy")
def mid_price(curve, book, outside):
    """Half way between the best bid and the best ask left."""
    bid = distance_for(curve, book[BIDS + SCALE], book[BIDS + USED])
    ask = distance_for(curve, book[ASKS + SCALE], book[ASKS + USED])
    return 0.5 * (outside * (1.0 - bid * BP) + outside * (1.0 + ask * BP))


@njit(cache=True, error_model="numpy")
def advance_all(curves, rules, books, outside, arrived, seconds):
    """All books whose outside price has arrived (0: none did); `outside` takes the new prices."""
    for row in range(outside.size):
        if arrived[row] > 0.0:
            before = outside[row] if outside[row] > 0.0 else arrived[row]
            advance(curves[row], rules, books[row], log(arrived[row] / before), seconds)
            outside[row] = arrived[row]


@njit(cache=True, error_model="numpy")
def mid_prices(curves, books, outside, mids):
    """The middle of every book that has a price, 0 for the others."""
    for row in range(outside.size):
        mids[row] = mid_price(curves[row], books[row], outside[row]) if outside[row] > 0.0 else 0.0


@njit(cache=True, error_model="numpy")
def take(curve, book, at, outside, usd_per_lot, lots_most, limit, feedback):
    """(lots filled, average price) of an order against the side `at`; `limit` is a price, 0 for none.

    `feedback` is the share of the hole and of the flow that stays in the book after the order.
    """
    buys = at == ASKS
    side = book[at : at + 3]
    wanted, limit_bp = lots_most * usd_per_lot, curve[MOST]
    if limit > 0.0:
        # What the limit is worth against the price everyone sees, in distance from the outside price.
        ratio = limit / outside
        limit_bp = min(max((ratio - 1.0) * 1e4 if buys else (1.0 - ratio) * 1e4, 0.0), curve[MOST])
        room = max(depth_within(curve, side[SCALE], limit_bp) - side[USED], 0.0)
        wanted = min(wanted, room)
    lots = min(int(wanted / usd_per_lot + 1e-9), lots_most)
    if lots == 0:
        return 0, 0.0
    filled, average_bp, _ = sweep(curve, side[SCALE], side[USED], lots * usd_per_lot, limit_bp)
    side[USED] += feedback * ((side[USED] + filled) - side[USED])
    side[FLOW] += feedback * ((side[FLOW] + filled) - side[FLOW])
    distance = average_bp * BP
    price = outside * (1.0 + distance if buys else 1.0 - distance)
    return min(lots, int(filled / usd_per_lot + 1e-6)), price
