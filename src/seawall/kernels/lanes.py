"""exp and the logarithm of a ratio without a branch, so that loops over arrays run several elements at once.

The same bits from one element and from a vector: only + - * /, comparisons and the bits of a float are used,
exact or correctly rounded on every CPU (no libm, no fused multiply-add). Numbers in, numbers out.
Errors: 1 ulp each (2 promised). `elementary` has the same functions with every edge value; a loop over them
runs one element at a time, 8 times slower here (no vector maths library comes with numba).
Coefficients: Chebyshev interpolation at 60 digits, truncated below 2e-17 of the value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from seawall.kernels.fixed import LEAF

# How they are compiled: always into the loop that calls them, or it would not become a loop over vectors; and
# without the test for a zero divisor, which would be a branch.
LANE: dict[str, Any] = {**LEAF, "error_model": "numpy", "forceinline": True}

LN2_HI = 6.93147180369123816490e-01  # ln 2 with 32 trailing zero bits: k * LN2_HI is exact
LN2_LO = 1.90821492927058770002e-10
INV_LN2 = 1.44269504088896338700e00
ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it leaves the nearest integer in the low bits
ROUND_BITS = np.int64(0x4338000000000000)
ONE_BITS = np.int64(0x3FF0000000000000)
FRACTION = np.int64((1 << 52) - 1)
HALF_STEP = np.int64(1 << 51)  # half of the fraction's range
B1, B52, B1023 = np.int64(1), np.int64(52), np.int64(1023)
EXP_LEAST = -708.0  # below it the result would be subnormal, and is 0


@njit(**LANE)
def exp_lane(x):  # type: ignore[no-untyped-def]
    """e**x for finite x <= 709; 0 below -708."""
    held = x if x > EXP_LEAST else EXP_LEAST
    shifted = held * INV_LN2 + ROUND
    k = shifted - ROUND
    r = (held - k * LN2_HI) - k * LN2_LO
    u = r * r
    even = 2.76200894819545851e-07
    even = 2.48015212934623853e-05 + u * even
    even = 1.38888889172155862e-03 + u * even
    even = 4.16666666666241191e-02 + u * even
    even = 0.5 + u * even
    odd = 2.51052176956842751e-08
    odd = 2.75572553983387118e-06 + u * odd
    odd = 1.98412698748223078e-04 + u * odd
    odd = 8.33333333332613377e-03 + u * odd
    odd = 1.66666666666666657e-01 + u * odd
    y = 1.0 + (r + u * (even + r * odd))
    scale = (np.float64(shifted).view(np.int64) - ROUND_BITS + B1023) << B52
    return y * np.int64(scale).view(np.float64) if x >= EXP_LEAST else 0.0


@njit(**LANE)
def log_ratio_lane(a, b):  # type: ignore[no-untyped-def]
    """ln(a / b) for normal a, b > 0, accurate also where they are nearly equal. Others: finite, no meaning.

    a / b = 2**k * m / n with m / n in [2/3, 3/2]: m - n is exact, ln(m / n) = 2 artanh((m - n) / (m + n)).
    """
    bits_a, bits_b = np.float64(a).view(np.int64), np.float64(b).view(np.int64)
    apart = (bits_a & FRACTION) - (bits_b & FRACTION)
    up_a = B1 if apart < -HALF_STEP else np.int64(0)  # a's fraction is the smaller by far: take it twice
    up_b = B1 if apart > HALF_STEP else np.int64(0)
    m = np.int64((bits_a & FRACTION) | (ONE_BITS + (up_a << B52))).view(np.float64)
    n = np.int64((bits_b & FRACTION) | (ONE_BITS + (up_b << B52))).view(np.float64)
    whole = (bits_a >> B52) - (bits_b >> B52) - up_a + up_b
    k = np.int64(whole + ROUND_BITS).view(np.float64) - ROUND
    s = (m - n) / (m + n)
    w = s * s
    v = w * w
    even = 1.32095465735121649e-01
    even = 1.81817373830080730e-01 + v * even
    even = 2.85714285672531698e-01 + v * even
    even = 6.66666666666666630e-01 + v * even
    odd = 1.36101829274110021e-01
    odd = 1.53888767125909150e-01 + v * odd
    odd = 2.22222230517622942e-01 + v * odd
    odd = 4.00000000000079969e-01 + v * odd
    return k * LN2_HI + (2.0 * s + (s * w * (even + w * odd) + k * LN2_LO))
