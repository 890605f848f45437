"""Black's formula (1976) for an option on a forward, undiscounted, accurate in every wing.

forward and strike in one unit of money, years, vol per square root of a year (0.5 = 50 %); all finite and
>= 0, which callers check (nan gives nan). Prices in the unit of the forward. No branch: loops run on vectors.
The out-of-the-money side is priced and the other follows by parity, so that no digit is lost:
    otm = low * (N(t - h) - e**|x| N(-t - h)),   x = ln(F/K), s = vol sqrt(years), h = |x|/s, t = s/2,
with low = min(F, K). Both N share one exponential and differ by a divided difference of erfcx, not by a
subtraction: Jaeckel's accuracy ("Let's be rational", Wilmott 2015) without his regions.
Errors: 3e-15 (1 + h*h) relative. Whoever decides on a price rounds it first.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels.fixed import LEAF
from seawall.kernels.lanes import LANE, exp_lane, log_ratio_lane
from seawall.kernels.normal import EVEN, INV_SQRT2, LEAST, ODD, SHIFT, SPAN

LEAST_NORMAL = 2.2250738585072014e-308
MOST_DEVIATION = 1000.0  # of s: the price has long been its upper bound
MOST_DISTANCE = 1000.0  # of h: the price has long been 0
LEAST_DEVIATION = 1e-300
BLOCK = 512  # elements of a block of a loop over options: 4 KiB a row


@njit(**LANE)
def series_and_slope(coefficients, u, v):  # type: ignore[no-untyped-def]
    """(p(v), (p(u) - p(v)) / (u - v)) for twelve coefficients; no difference is ever taken."""
    slope = coefficients[11]
    value = coefficients[10] + v * slope
    for k in range(9, -1, -1):
        slope = value + u * slope
        value = coefficients[k] + v * value
    return value, slope


@njit(**LANE)
def tails(h, t):  # type: ignore[no-untyped-def]
    """(e, near, far, gap, turned) of an option h deviations out of the money; e = exp(-(t - h)**2 / 2).

    far = erfcx((h + t) / sqrt 2); near = erfcx((h - t) / sqrt 2) down to an argument of -1/4, and beyond it
    (`turned`) erfcx of the opposite argument; gap = near - far, accurate relative to itself.
    """
    far_z = (h + t) * INV_SQRT2
    near_z = (h - t) * INV_SQRT2
    turned = near_z < LEAST
    apart = 2.0 * INV_SQRT2 * (h if turned else t)
    near_z = -near_z if turned else near_z
    near_sum, far_sum = near_z + SHIFT, far_z + SHIFT
    both = 1.0 / (near_sum * far_sum)
    near_d, far_d = both * far_sum, both * near_sum
    a, b = 1.0 - SPAN * near_d, 1.0 - SPAN * far_d
    even, even_slope = series_and_slope(EVEN, a * a, b * b)
    odd, odd_slope = series_and_slope(ODD, a * a, b * b)
    p_far = even + b * odd
    slope = odd + (a + b) * (even_slope + a * odd_slope)
    gap = apart * both * (p_far - SPAN * near_d * slope)
    far = far_d * p_far
    d = t - h
    return exp_lane(-0.5 * (d * d)), far + gap, far, gap, turned


@njit(**LANE)
def distance(low, forward, strike):  # type: ignore[no-untyped-def]
    """|ln(F/K)|; an option on nothing, or at a strike of nothing, is as far out as can be."""
    return np.inf if low < LEAST_NORMAL else abs(log_ratio_lane(forward, strike))


@njit(**LANE)
def bounded(x, s):  # type: ignore[no-untyped-def]
    """(h, t, 1 / s), all kept finite."""
    s = MOST_DEVIATION if s > MOST_DEVIATION else s
    by_s = 1.0 / (LEAST_DEVIATION if s < LEAST_DEVIATION else s)
    h = x * by_s
    return MOST_DISTANCE if h > MOST_DISTANCE else h, 0.5 * s, by_s


@njit(**LANE)
def share_at(h, t):  # type: ignore[no-untyped-def]
    """Price of the out-of-the-money option as a share of min(F, K)."""
    e, near, far, gap, turned = tails(h, t)
    return 1.0 - 0.5 * e * (near + far) if turned else 0.5 * e * gap


@njit(**LANE)
def otm_share(x, s):  # type: ignore[no-untyped-def]
    """The same from x = |ln(F/K)| and s."""
    h, t, _ = bounded(x, s)
    return share_at(h, t)


@njit(**LANE)
def intrinsic(forward, strike, is_call):  # type: ignore[no-untyped-def]
    """max(F - K, 0) of a call, max(K - F, 0) of a put."""
    apart = forward - strike if is_call else strike - forward
    return 0.0 if apart < 0.0 else apart


@njit(**LANE)
def placed(forward, strike, years, vol):  # type: ignore[no-untyped-def]
    """(h, t, sqrt(years), 1 / s) of an option."""
    low = forward if forward < strike else strike
    root = np.sqrt(years)
    h, t, by_s = bounded(distance(low, forward, strike), vol * root)
    return h, t, root, by_s


@njit(**LANE)
def price_at(forward, strike, is_call, h, t):  # type: ignore[no-untyped-def]
    """Its price, from where it is placed."""
    low = forward if forward < strike else strike
    return intrinsic(forward, strike, is_call) + low * share_at(h, t)


@njit(**LANE)
def black_price(forward, strike, years, vol, is_call):  # type: ignore[no-untyped-def]
    """Undiscounted price of a call or put; without time or vol the intrinsic value."""
    h, t, _, _ = placed(forward, strike, years, vol)
    return price_at(forward, strike, is_call, h, t)


@njit(**LANE)
def unsound(forward, strike, years, vol):  # type: ignore[no-untyped-def]
    """1 for inputs no option has: below 0, infinite or nan; else 0."""
    sound = (forward >= 0.0) & (strike >= 0.0) & (years >= 0.0) & (vol >= 0.0)
    return np.int64(not (sound & (max(max(forward, strike), max(years, vol)) < np.inf)))


@njit(**LEAF, error_model="numpy")
def place_all(forward, strike, years, vol, room):  # type: ignore[no-untyped-def]
    """The first stage of every loop over options: `placed` of each into four rows; how many are unsound."""
    h, t, root, by_s = room[0], room[1], room[2], room[3]
    bad = 0
    for i in range(forward.size):
        bad += unsound(forward[i], strike[i], years[i], vol[i])
        h[i], t[i], root[i], by_s[i] = placed(forward[i], strike[i], years[i], vol[i])
    return bad


@njit(**LEAF, error_model="numpy")
def _price_all(forward, strike, is_call, h, t, price):  # type: ignore[no-untyped-def]
    for i in range(price.size):
        price[i] = price_at(forward[i], strike[i], is_call[i], h[i], t[i])


@njit(**LEAF, error_model="numpy")
def black_price_array(forward, strike, years, vol, is_call, price, room):  # type: ignore[no-untyped-def]
    """`black_price` of each element, the same bits; returns how many are unsound. room: four rows of BLOCK.

    In two stages over blocks that stay in the nearest cache: a processor sees only some hundred instructions
    ahead, and a shorter chain lets it begin the next elements before these are done: a fifth faster.
    """
    bad = 0
    for first in range(0, price.size, BLOCK):
        last = min(first + BLOCK, price.size)
        f, k = forward[first:last], strike[first:last]
        bad += place_all(f, k, years[first:last], vol[first:last], room)
        _price_all(f, k, is_call[first:last], room[0], room[1], price[first:last])
    return bad
