"""Implied volatility of Black's formula, to the accuracy the price itself allows, without a branch.

The out-of-the-money price as a share c of min(F, K) is inverted for s = vol sqrt(years). A closed form for
Polya's approximation of the normal distribution (Stefanica and Radoicic, IJTAF 20, 2017), rewritten so that
nothing cancels, is within 13 % of s; two Householder steps of fourth order on 1 / ln c (below) or ln(1 - c)
(above), as in Jaeckel's "Let's be rational" (Wilmott 2015), leave about 3e-15. An element whose last step was
larger than 1e-4, or that has no answer, is done again alone by `careful`.
Units as kernels/black.py. Errors: 1e-14, or 4 units of 1e-16 times price / (vega vol), whichever is more.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels.black import BLOCK, LEAST_NORMAL, intrinsic, otm_share, tails
from seawall.kernels.fixed import LEAF
from seawall.kernels.lanes import LANE, exp_lane, log_ratio_lane

# What became of an element; a vol that is not OK is 0. UNDEFINED: not finite, or no forward or no strike.
OK, BELOW_INTRINSIC, ABOVE_MAXIMUM, NO_TIME, TOO_SMALL, UNDEFINED = range(6)
SETTLED = 1e-4  # relative size of the last step: its fourth power is what is left
LEAST_SHARE = 1e-300  # of a price that can still be inverted
TURN = 0.5  # below this share 1 / ln c is solved, above it ln(1 - c)
BEND = 2.0 / 3.14159265358979323846 - 0.5  # Polya's 2/pi beside the true 1/2
HALF_PI = 1.57079632679489661923
SQRT_2PI = 2.50662827463100050242
LEAST_S, MOST_S, BISECTIONS, STEPS = 1e-160, 200.0, 24, 8


@njit(**LANE)
def start(x, c, rest, ratio):  # type: ignore[no-untyped-def]
    """s within 13 %; rest = 1 - c and ratio = e**-x = low / high."""
    root = np.sqrt(ratio)
    bend = exp_lane(BEND * x)
    narrow = root * bend  # e**(-(1 - 2/pi) x)
    wide = 1.0 / narrow
    by_bend = wide * root
    sinh_wide, cosh_wide = 0.5 * (wide - narrow), 0.5 * (wide + narrow)
    alpha = c * ratio
    inside = alpha + (1.0 - ratio)
    b = 0.25 * (1.0 - ratio) * (bend - by_bend) * (wide * bend) + cosh_wide * c * inside
    product = c * rest * inside * (1.0 + alpha)
    beta = 2.0 * product / (b + np.sqrt(b * b + sinh_wide * sinh_wide * product))
    gamma = -HALF_PI * log_ratio_lane(beta, 1.0)
    gamma = x if gamma < x else gamma
    total = np.sqrt(gamma + x) + np.sqrt(gamma - x)
    # The price at s = sqrt(2x) where Polya's d1 changes sign.
    far = ratio * by_bend * by_bend  # e**(-4x/pi), as 4/pi = 1 + 2 BEND
    turn = 1.0 - ratio + 2.0 * alpha
    low = turn * turn < 1.0 - far
    s = 2.0 * x / total if low else total
    least = SQRT_2PI * c
    return least if s < least else s


@njit(**LANE)
def step(x, c, rest, log_c, s):  # type: ignore[no-untyped-def]
    """One Householder step of fourth order from s: the change of s."""
    by_s = 1.0 / s
    h = x * by_s
    e, near, far, gap, turned = tails(h, 0.5 * s)
    share = 0.5 * e * (near + far) if turned else 0.5 * e * gap
    below = c < TURN
    value = share if below != turned else 1.0 - share
    q = log_ratio_lane(value, c if below else rest)
    # With f = 1 / ln c or ln(1 - c): Newton's step in units of c / c', and what the logarithm adds to the
    # ratios of the second and third derivative to the first, times that step and its square.
    inverse = 1.0 / (log_c + q)
    moved = -q * (log_c + q) / log_c if below else q
    second = -moved * (1.0 + 2.0 * inverse) if below else moved
    third = moved * moved * (2.0 + 6.0 * inverse * (1.0 + inverse) if below else 2.0)
    newton = moved * value * SQRT_2PI / e
    h_moved = h * newton * by_s
    eta = h * h_moved - 0.25 * s * newton
    zeta = eta * eta - 3.0 * h_moved * h_moved - 0.25 * newton * newton
    third = zeta + 3.0 * second * eta + third
    second = eta + second
    return newton * (1.0 + 0.5 * second) / (1.0 + second + third * (1.0 / 6.0))


@njit(**LANE)
def prepare(price, forward, strike, years, is_call):  # type: ignore[no-untyped-def]
    """(x, c, 1 - c, ln c, a first s); s is nan, and all that follows, where there is no vol to find."""
    low = forward if forward < strike else strike
    high = strike if forward < strike else forward
    by_low = 1.0 / low
    otm = price - intrinsic(forward, strike, is_call)
    c, rest = otm * by_low, (low - otm) * by_low
    priced = (low >= LEAST_NORMAL) & (c >= LEAST_SHARE) & (rest > 0.0)
    x = abs(log_ratio_lane(forward, strike))
    s = start(x, c, rest, low / high)
    s = s if priced & (years > 0.0) & (years < np.inf) else np.nan
    return x, c, rest, log_ratio_lane(c, 1.0), s


@njit(**LANE)
def implied_lane(price, forward, strike, years, is_call):  # type: ignore[no-untyped-def]
    """(vol, relative size of the last step); the latter is nan where the vol is of no use."""
    x, c, rest, log_c, s = prepare(price, forward, strike, years, is_call)
    s = s + step(x, c, rest, log_c, s)
    change = step(x, c, rest, log_c, s)
    s = s + change
    return s / np.sqrt(years), abs(change) / s


@njit(**LEAF, error_model="numpy")
def refused(price, forward, strike, years, is_call):  # type: ignore[no-untyped-def]
    """Why there is no vol, or OK."""
    low = forward if forward < strike else strike
    finite = forward - forward == 0.0 and strike - strike == 0.0 and price - price == 0.0 and years == years
    if not finite or low < LEAST_NORMAL:
        return UNDEFINED
    otm = price - intrinsic(forward, strike, is_call)
    if otm < 0.0:
        return BELOW_INTRINSIC
    if otm >= low:
        return ABOVE_MAXIMUM
    if not years > 0.0 or years == np.inf:
        return NO_TIME
    return TOO_SMALL if 0.0 < otm < LEAST_SHARE * low else OK


@njit(**LEAF, error_model="numpy")
def careful(price, forward, strike, years, is_call):  # type: ignore[no-untyped-def]
    """(vol, status) by bisection first: for what the two steps did not settle, and for what has no vol."""
    status = refused(price, forward, strike, years, is_call)
    otm = price - intrinsic(forward, strike, is_call)
    if status != OK or otm == 0.0:
        return 0.0, status
    low = forward if forward < strike else strike
    c, rest = otm / low, (low - otm) / low
    x = abs(log_ratio_lane(forward, strike))
    under, over = LEAST_S, MOST_S
    for _ in range(BISECTIONS):
        s = np.sqrt(under * over)
        if otm_share(x, s) < c:
            under = s
        else:
            over = s
    s = np.sqrt(under * over)
    log_c = log_ratio_lane(c, 1.0)
    for _ in range(STEPS):
        change = step(x, c, rest, log_c, s)
        s = s + change
        if abs(change) <= SETTLED * s:
            break
    return s / np.sqrt(years), status


@njit(**LEAF, error_model="numpy")
def implied_vol(price, forward, strike, years, is_call):  # type: ignore[no-untyped-def]
    """(vol, status) of one undiscounted price."""
    vol, change = implied_lane(price, forward, strike, years, is_call)
    if change <= SETTLED:
        return vol, OK
    return careful(price, forward, strike, years, is_call)


@njit(**LEAF, error_model="numpy")
def _prepare_all(price, forward, strike, years, is_call, room):  # type: ignore[no-untyped-def]
    x, c, rest, log_c, s = room[0], room[1], room[2], room[3], room[4]
    for i in range(price.size):
        x[i], c[i], rest[i], log_c[i], s[i] = prepare(price[i], forward[i], strike[i], years[i], is_call[i])


@njit(**LEAF, error_model="numpy")
def _step_all(size, room):  # type: ignore[no-untyped-def]
    """The last row becomes the step, and is added to s."""
    x, c, rest, log_c, s, change = room[0], room[1], room[2], room[3], room[4], room[5]
    for i in range(size):
        change[i] = step(x[i], c[i], rest[i], log_c[i], s[i])
        s[i] = s[i] + change[i]


@njit(**LEAF, error_model="numpy")
def _finish_all(years, vol, room):  # type: ignore[no-untyped-def]
    """The last row becomes the relative size of the last step."""
    s, change = room[4], room[5]
    for i in range(vol.size):
        vol[i] = s[i] / np.sqrt(years[i])
        change[i] = abs(change[i]) / s[i]


@njit(**LEAF, error_model="numpy")
def implied_vol_array(  # type: ignore[no-untyped-def]
    price, forward, strike, years, is_call, vol, status, room
):
    """`implied_vol` of each element into vol and status; room is six rows of BLOCK floats.

    Stage by stage over blocks that stay in the nearest cache: several elements are then on their way at once,
    where one long chain of steps would have the processor wait for itself.
    """
    for first in range(0, vol.size, BLOCK):
        last = min(first + BLOCK, vol.size)
        f, k, t, call = forward[first:last], strike[first:last], years[first:last], is_call[first:last]
        _prepare_all(price[first:last], f, k, t, call, room)
        _step_all(last - first, room)
        _step_all(last - first, room)
        _finish_all(t, vol[first:last], room)
        for i in range(first, last):
            status[i] = OK
            if not room[5, i - first] <= SETTLED:
                vol[i], status[i] = careful(price[i], forward[i], strike[i], years[i], is_call[i])
