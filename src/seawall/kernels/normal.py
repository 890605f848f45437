"""The normal distribution: scaled erfc, erfc, density, distribution function. Same bits on every CPU.

erfcx(z) = exp(z*z) erfc(z) is P(t) / (z + 4.25) for z >= -1/4, P of degree 23 in t = 1 - 8 / (z + 4.25):
Chebyshev interpolation at 60 digits, truncated below 2e-17. Everything else follows by exp and reflection.
Errors: erfcx 8 units of 2**-52; density, erfc and lower tail 4 (1 + z*z) of them, z*z being
how far the last bit of the argument moves them. The quantile is `elementary.normal_inverse`.
No branch where an array is passed over: see kernels/lanes.py.
"""

from __future__ import annotations

from numba import njit

from seawall.kernels.lanes import LANE, exp_lane

SHIFT, SPAN = 4.25, 8.0  # t = 1 - SPAN / (z + SHIFT)
LEAST = -0.25  # where the fit begins
INV_SQRT2 = 7.07106781186547524401e-01
INV_SQRT_PI = 5.64189583547756286948e-01
INV_SQRT_2PI = 3.98942280401432677940e-01

EVEN = (
    1.1647177702003084, 1.0442396360022488, 0.5798012934232452, 0.18463811308609296, 0.02637754359694362,
    -0.0002276746111402892, -0.00019207431437093047, 2.741578097050097e-05, -2.695641435269223e-06,
    2.1785530123328512e-07, -1.393582118754319e-08, 5.409794283239763e-10,
)  # fmt: skip
ODD = (
    -1.1684827118939982, -0.8285458223235763, -0.3537797089100791, -0.07962110760985752,
    -0.005376871961614449, 0.0006346829849053711, -1.470445286916932e-05, -4.66559277979018e-06,
    1.1250799765136213e-06, -1.8659101263397533e-07, 2.4838063001787042e-08, -2.0027238087904664e-09,
)  # fmt: skip


@njit(**LANE)
def series(coefficients, u):  # type: ignore[no-untyped-def]
    """Sum of coefficients[k] * u**k, twelve terms, by Horner."""
    total = coefficients[11]
    for k in range(10, -1, -1):
        total = coefficients[k] + u * total
    return total


@njit(**LANE)
def erfcx_lane(z):  # type: ignore[no-untyped-def]
    """exp(z*z) erfc(z) for z >= -1/4."""
    d = 1.0 / (z + SHIFT)
    t = 1.0 - SPAN * d
    u = t * t
    return d * (series(EVEN, u) + t * series(ODD, u))


@njit(**LANE)
def normal_pdf(x):  # type: ignore[no-untyped-def]
    """Density of the standard normal."""
    return INV_SQRT_2PI * exp_lane(-0.5 * (x * x))


@njit(**LANE)
def normal_cdf(x):  # type: ignore[no-untyped-def]
    """P(Z <= x), accurate relative to itself in the lower tail; 0 below x = -37.6."""
    size = abs(x)
    tail = 0.5 * exp_lane(-0.5 * (size * size)) * erfcx_lane(size * INV_SQRT2)
    return tail if x < 0.0 else 1.0 - tail


@njit(**LANE)
def erfc(x):  # type: ignore[no-untyped-def]
    """Complementary error function."""
    size = abs(x)
    tail = exp_lane(-(size * size)) * erfcx_lane(size)
    return tail if x >= 0.0 else 2.0 - tail
