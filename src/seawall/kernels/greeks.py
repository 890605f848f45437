"""Price and derivatives of an option by Black's formula, undiscounted: one exponential for all of them.

Units: the money of the forward; per year of calendar time (theta, charm, veta, color: d/dt); per 1.00 of vol.
Inputs and accuracy as kernels/black.py. Without time or vol (vol sqrt(years) = 0) the delta is 0, 1 or, at
the money, 1/2, and every derivative that would divide by nothing is 0.
Formulas: Haug, The Complete Guide to Option Pricing Formulas, 2nd ed. 2007, ch. 2, with b = 0, r = 0; all but
price and delta are products of the density F phi(d1) = K phi(d2).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels.black import LEAST_NORMAL, bounded, distance, intrinsic, tails
from seawall.kernels.fixed import LEAF
from seawall.kernels.lanes import LANE
from seawall.kernels.normal import INV_SQRT_2PI

LEAST_INPUT = 1e-100  # of years and vol where they divide: below it inverses of squares would overflow


@njit(**LANE)
def spread(forward, strike, years, vol, is_call):  # type: ignore[no-untyped-def]
    """(price, delta, density F phi(d1), d1, d2)."""
    below = forward < strike
    low = forward if below else strike
    h, t = bounded(distance(low, forward, strike), vol * np.sqrt(years))
    e, near, far, gap, turned = tails(h, t)
    share = 1.0 - 0.5 * e * (near + far) if turned else 0.5 * e * gap
    price = intrinsic(forward, strike, is_call) + low * share
    # N(d1) or N(-d1), whichever is known without a subtraction.
    by_forward = 1.0 / (LEAST_NORMAL if forward < LEAST_NORMAL else forward)
    known = 0.5 * e * (near if below else far * (low * by_forward))
    of_call = below & (not turned)
    call = known if of_call else 1.0 - known
    put = known - 1.0 if of_call else 0.0 - known
    d1 = t - h if below else t + h
    d2 = -t - h if below else h - t
    return price, (call if is_call else put), low * e * INV_SQRT_2PI, d1, d2


@njit(**LANE)
def inverses(forward, years, vol):  # type: ignore[no-untyped-def]
    """(1/F, 1/sqrt(years), 1/vol); the last two 0 where vol sqrt(years) is 0."""
    root = np.sqrt(years)
    dead = vol * root == 0.0
    root = LEAST_INPUT if root < LEAST_INPUT else root
    held = LEAST_INPUT if vol < LEAST_INPUT else vol
    by_forward = 1.0 / (LEAST_NORMAL if forward < LEAST_NORMAL else forward)
    return by_forward, (0.0 if dead else 1.0 / root), (0.0 if dead else 1.0 / held)


@njit(**LANE)
def black_greeks(forward, strike, years, vol, is_call):  # type: ignore[no-untyped-def]
    """(price, delta, gamma, vega, theta)."""
    price, delta, density, _, _ = spread(forward, strike, years, vol, is_call)
    by_forward, by_root, by_vol = inverses(forward, years, vol)
    gamma = density * by_forward * by_forward * by_root * by_vol
    return price, delta, gamma, density * np.sqrt(years), -0.5 * density * vol * by_root


@njit(**LANE)
def black_higher(forward, strike, years, vol, is_call):  # type: ignore[no-untyped-def]
    """(vanna, volga, charm, veta, speed, zomma, color, ultima)."""
    _, _, density, d1, d2 = spread(forward, strike, years, vol, is_call)
    by_forward, by_root, by_vol = inverses(forward, years, vol)
    by_years = 0.5 * by_root * by_root
    product = d1 * d2
    phi = density * by_forward
    gamma = phi * by_forward * by_root * by_vol
    vega = density * np.sqrt(years)
    vanna = -phi * d2 * by_vol
    volga = vega * product * by_vol
    charm = phi * d2 * by_years
    veta = -vega * (1.0 + product) * by_years
    speed = -gamma * by_forward * (1.0 + d1 * by_root * by_vol)
    zomma = gamma * (product - 1.0) * by_vol
    color = gamma * (1.0 - product) * by_years
    ultima = -vega * by_vol * by_vol * (product * (1.0 - product) + d1 * d1 + d2 * d2)
    return vanna, volga, charm, veta, speed, zomma, color, ultima


@njit(**LEAF, error_model="numpy")
def black_greeks_array(forward, strike, years, vol, is_call, out):  # type: ignore[no-untyped-def]
    """`black_greeks` of each element into the five rows of out."""
    price, delta, gamma, vega, theta = out[0], out[1], out[2], out[3], out[4]
    for i in range(price.size):
        price[i], delta[i], gamma[i], vega[i], theta[i] = black_greeks(
            forward[i], strike[i], years[i], vol[i], is_call[i]
        )


@njit(**LEAF, error_model="numpy")
def black_higher_array(forward, strike, years, vol, is_call, out):  # type: ignore[no-untyped-def]
    """`black_higher` of each element into the eight rows of out."""
    for i in range(out.shape[1]):
        (
            out[0, i], out[1, i], out[2, i], out[3, i], out[4, i], out[5, i], out[6, i], out[7, i]
        ) = black_higher(forward[i], strike[i], years[i], vol[i], is_call[i])  # fmt: skip
