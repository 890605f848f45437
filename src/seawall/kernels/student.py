"""Lower tail of Student's t distribution, accurate relative to itself as far out as a float reaches.

P(T <= -t) = I_x(nu/2, 1/2) / 2 with x = nu / (nu + t*t), the regularised incomplete beta function by its
continued fraction (DLMF 8.17.22, Lentz's method). Gamma(a + 1/2) / Gamma(a) comes from its expansion at a
>= 20 (DLMF 5.11.13) and the recurrence below. Pure numbers; degrees of freedom nu need not be whole.
Errors: 1e-13 relative up to nu = 100, growing in proportion beyond. The same bits on every CPU.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels.elementary import exp, log
from seawall.kernels.fixed import LEAF
from seawall.kernels.normal import INV_SQRT_PI

ENOUGH, MOST_TERMS, TINY = 1e-16, 10_000, 1e-300


@njit(**LEAF, error_model="numpy")
def gamma_ratio(a):  # type: ignore[no-untyped-def]
    """Gamma(a + 1/2) / Gamma(a) for a > 0."""
    shrink = 1.0
    while a < 20.0:
        shrink = shrink * (a / (a + 0.5))
        a = a + 1.0
    r = 1.0 / (a * a)
    fit = 1.0 / 192.0 + r * (-1.0 / 640.0 + r * (17.0 / 14336.0 - r * (31.0 / 18432.0)))
    return shrink * np.sqrt(a) * exp((-0.125 + r * fit) / a)


@njit(**LEAF, error_model="numpy")
def _fraction(a, b, x):  # type: ignore[no-untyped-def]
    """The continued fraction of I_x(a, b), fit for x < (a + 1) / (a + b + 2)."""
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > TINY else TINY)
    value = d
    for m in range(1, MOST_TERMS):
        for odd in range(2):
            if odd == 0:
                term = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
            else:
                term = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
            d = 1.0 + term * d
            c = 1.0 + term / c
            d = 1.0 / (d if abs(d) > TINY else TINY)
            value = value * (c * d)
        if abs(c * d - 1.0) < ENOUGH:
            break
    return value


@njit(**LEAF, error_model="numpy")
def student_tail(nu, t):  # type: ignore[no-untyped-def]
    """P(T <= -t) for nu > 0 and t >= 0, at most 1/2."""
    a, square = 0.5 * nu, t * t
    x, y = nu / (nu + square), square / (nu + square)
    front = gamma_ratio(a) * INV_SQRT_PI * exp(a * log(x)) * np.sqrt(y)
    if x < (a + 1.0) / (a + 2.5):
        return 0.5 * front * _fraction(a, 0.5, x) / a
    return 0.5 - front * _fraction(0.5, a, y)
