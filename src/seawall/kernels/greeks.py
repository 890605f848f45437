"""Price and derivatives of an option by Black's formula, undiscounted: one exponential for all of them.

Units: the money of the forward; per year of calendar time (theta, charm, veta, color: d/dt); per 1.00 of vol.
Inputs and accuracy as kernels/black.py. Without time or vol (vol sqrt(years) = 0) the delta is 0, 1 or, at
the money, 1/2, and every derivative that would divide by nothing is 0.
Formulas: Haug, The Complete Guide to Option Pricing Formulas, 2nd ed. 2007, ch. 2, with b = 0, r = 0; all but
price and delta are products of the density F phi(d1) = K phi(d2).
"""

from __future__ import annotations

from numba import njit

from seawall.kernels.black import BLOCK, LEAST_DEVIATION, LEAST_NORMAL, intrinsic, place_all, placed, tails
from seawall.kernels.fixed import LEAF
from seawall.kernels.lanes import LANE
from seawall.kernels.normal import INV_SQRT_2PI

DEAD = 1.0 / LEAST_DEVIATION  # 1 / s of an option without time or vol
MOST_INVERSE = 1e100  # of years and vol: squares of inverses beyond it would overflow


@njit(**LANE)
def spread(forward, strike, is_call, h, t):  # type: ignore[no-untyped-def]
    """(price, delta, density F phi(d1), 1/F, d1, d2)."""
    below = forward < strike
    low = forward if below else strike
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
    return price, (call if is_call else put), low * e * INV_SQRT_2PI, by_forward, d1, d2


@njit(**LANE)
def greeks_at(forward, strike, vol, is_call, h, t, root, by_s):  # type: ignore[no-untyped-def]
    """(price, delta, gamma, vega, theta)."""
    price, delta, density, by_forward, _, _ = spread(forward, strike, is_call, h, t)
    by_s = 0.0 if by_s >= DEAD else by_s
    gamma = density * by_forward * by_forward * by_s
    return price, delta, gamma, density * root, -0.5 * density * vol * (vol * by_s)


@njit(**LANE)
def higher_at(forward, strike, vol, h, t, root, by_s):  # type: ignore[no-untyped-def]
    """(vanna, volga, charm, veta, speed, zomma, color, ultima), the same for calls and puts."""
    _, _, density, by_forward, d1, d2 = spread(forward, strike, True, h, t)
    by_s = 0.0 if by_s >= DEAD else by_s
    by_root, by_vol = vol * by_s, root * by_s
    by_root = MOST_INVERSE if by_root > MOST_INVERSE else by_root
    by_vol = MOST_INVERSE if by_vol > MOST_INVERSE else by_vol
    by_years = 0.5 * by_root * by_root
    product = d1 * d2
    phi = density * by_forward
    gamma = phi * by_forward * by_s
    vega = density * root
    vanna = -phi * d2 * by_vol
    volga = vega * product * by_vol
    charm = phi * d2 * by_years
    veta = -vega * (1.0 + product) * by_years
    speed = -gamma * by_forward * (1.0 + d1 * by_s)
    zomma = gamma * (product - 1.0) * by_vol
    color = gamma * (1.0 - product) * by_years
    ultima = -vega * by_vol * by_vol * (product * (1.0 - product) + d1 * d1 + d2 * d2)
    return vanna, volga, charm, veta, speed, zomma, color, ultima


@njit(**LANE)
def black_greeks(forward, strike, years, vol, is_call):  # type: ignore[no-untyped-def]
    """`greeks_at` of one option."""
    h, t, root, by_s = placed(forward, strike, years, vol)
    return greeks_at(forward, strike, vol, is_call, h, t, root, by_s)


@njit(**LANE)
def black_higher(forward, strike, years, vol):  # type: ignore[no-untyped-def]
    """`higher_at` of one option."""
    h, t, root, by_s = placed(forward, strike, years, vol)
    return higher_at(forward, strike, vol, h, t, root, by_s)


@njit(**LEAF, error_model="numpy")
def _greeks_all(  # type: ignore[no-untyped-def]
    forward, strike, vol, is_call, room, price, delta, gamma, vega, theta
):
    h, t, root, by_s = room[0], room[1], room[2], room[3]
    for i in range(price.size):
        price[i], delta[i], gamma[i], vega[i], theta[i] = greeks_at(
            forward[i], strike[i], vol[i], is_call[i], h[i], t[i], root[i], by_s[i]
        )


@njit(**LEAF, error_model="numpy")
def _higher_all(  # type: ignore[no-untyped-def]
    forward, strike, vol, room, vanna, volga, charm, veta, speed, zomma, color, ultima
):
    h, t, root, by_s = room[0], room[1], room[2], room[3]
    for i in range(vanna.size):
        vanna[i], volga[i], charm[i], veta[i], speed[i], zomma[i], color[i], ultima[i] = higher_at(
            forward[i], strike[i], vol[i], h[i], t[i], root[i], by_s[i]
        )


@njit(**LEAF, error_model="numpy")
def black_greeks_array(  # type: ignore[no-untyped-def]
    forward, strike, years, vol, is_call, price, delta, gamma, vega, theta, room
):
    """`black_greeks` of each element into five columns; room and result as `black_price_array`."""
    bad = 0
    for i in range(0, price.size, BLOCK):
        j = min(i + BLOCK, price.size)
        f, k, y, v, call = forward[i:j], strike[i:j], years[i:j], vol[i:j], is_call[i:j]
        bad += place_all(f, k, y, v, room)
        _greeks_all(f, k, v, call, room, price[i:j], delta[i:j], gamma[i:j], vega[i:j], theta[i:j])
    return bad


@njit(**LEAF, error_model="numpy")
def black_higher_array(  # type: ignore[no-untyped-def]
    forward, strike, years, vol, vanna, volga, charm, veta, speed, zomma, color, ultima, room
):
    """`black_higher` of each element into eight columns; room and result as `black_price_array`."""
    bad = 0
    for i in range(0, forward.size, BLOCK):
        j = min(i + BLOCK, forward.size)
        f, k, y, v = forward[i:j], strike[i:j], years[i:j], vol[i:j]
        bad += place_all(f, k, y, v, room)
        _higher_all(
            f, k, v, room,
            vanna[i:j], volga[i:j], charm[i:j], veta[i:j], speed[i:j], zomma[i:j], color[i:j], ultima[i:j],
        )  # fmt: skip
    return bad
