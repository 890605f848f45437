"""exp, log, power and the normal quantile with the same bits on every CPU.

Built from + - * / and the exact steps frexp, ldexp, floor and sqrt; no libm, no fused multiply-add
(numba's `fastmath` stays off, so LLVM may not contract). Numbers in, numbers out: no units.
Errors: exp and log within 1 ulp of the true value (2 ulp promised); `power` within
2 * (1 + |y ln x|) ulp; `normal_inverse` as published, about 1e-16 relative (tested to 1e-15).
Sources: exp and log follow the reductions of Sun's fdlibm (e_exp.c, e_log.c, 1993);
the normal quantile is Wichura's AS 241 (Applied Statistics 37, 1988), routine PPND16.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

LN2_HI = 6.93147180369123816490e-01  # ln 2 with 32 trailing zero bits: k * LN2_HI is exact
LN2_LO = 1.90821492927058770002e-10
INV_LN2 = 1.44269504088896338700e00
EXP_OVERFLOW = 7.09782712893383973096e02
EXP_UNDERFLOW = -7.45133219101941108420e02
SQRT_HALF = 7.07106781186547524401e-01


@njit(cache=True, error_model="numpy")
def exp(x):  # type: ignore[no-untyped-def]
    """e**x. nan -> nan, +inf and overflow -> inf, -inf and underflow -> 0."""
    if x != x:
        return x
    if x > EXP_OVERFLOW:
        return math.inf
    if x < EXP_UNDERFLOW:
        return 0.0
    k = math.floor(x * INV_LN2 + 0.5)
    high = x - k * LN2_HI
    low = k * LN2_LO
    r = high - low
    t = r * r
    # Remez fit of r*(exp(r)+1)/(exp(r)-1) on [0, ln2/2].
    fit = -1.65339022054652515390e-06 + t * 4.13813679705723846039e-08
    fit = -2.77777777770155933842e-03 + t * (6.61375632143793436117e-05 + t * fit)
    c = r - t * (1.66666666666666019037e-01 + t * fit)
    y = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    if k >= -1021:
        return math.ldexp(y, k)
    # Subnormal result: one rounding, done by the multiplication.
    return math.ldexp(y, k + 1000) * 9.332636185032189e-302  # 2**-1000


@njit(cache=True, error_model="numpy")
def log(x):  # type: ignore[no-untyped-def]
    """Natural logarithm. 0 -> -inf, negative -> nan, +inf -> inf, nan -> nan."""
    if x != x or x < 0.0:
        return math.nan
    if x == 0.0:
        return -math.inf
    if x == math.inf:
        return x
    m, k = math.frexp(x)
    if m < SQRT_HALF:
        m = m * 2.0
        k = k - 1
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    odd = z * (
        6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    half_square = 0.5 * f * f
    return k * LN2_HI - ((half_square - (s * (half_square + (even + odd)) + k * LN2_LO)) - f)


@njit(cache=True, error_model="numpy")
def power(x, y):  # type: ignore[no-untyped-def]
    """x**y for x >= 0; nan for a negative base. 0**0 = 1, as IEEE 754 has it."""
    if y == 0.0 or x == 1.0:
        return 1.0
    if x != x or y != y or x < 0.0:
        return math.nan
    if x == 0.0:
        return 0.0 if y > 0.0 else math.inf
    if y == 1.0:
        return x + 0.0
    return exp(y * log(x))


@njit(cache=True, error_model="numpy")
def _central(r):  # type: ignore[no-untyped-def]
    """AS 241 ratio for |p - 0.5| <= 0.425; r = 0.180625 - (p - 0.5)**2."""
    top = 3.3430575583588128105e4 + r * 2.5090809287301226727e3
    top = 4.5921953931549871457e4 + r * (6.7265770927008700853e4 + r * top)
    top = 1.9715909503065514427e3 + r * (1.3731693765509461125e4 + r * top)
    top = 3.3871328727963666080e0 + r * (1.3314166789178437745e2 + r * top)
    low = 2.8729085735721942674e4 + r * 5.2264952788528545610e3
    low = 2.1213794301586595867e4 + r * (3.9307895800092710610e4 + r * low)
    low = 6.8718700749205790830e2 + r * (5.3941960214247511077e3 + r * low)
    low = 1.0 + r * (4.2313330701600911252e1 + r * low)
    return top / low


@njit(cache=True, error_model="numpy")
def _middle(r):  # type: ignore[no-untyped-def]
    """AS 241 ratio for sqrt(-ln p) <= 5; r = sqrt(-ln p) - 1.6."""
    top = 2.27238449892691845833e-2 + r * 7.74545014278341407640e-4
    top = 1.27045825245236838258e0 + r * (2.41780725177450611770e-1 + r * top)
    top = 5.76949722146069140550e0 + r * (3.64784832476320460504e0 + r * top)
    top = 1.42343711074968357734e0 + r * (4.63033784615654529590e0 + r * top)
    low = 5.47593808499534494600e-4 + r * 1.05075007164441684324e-9
    low = 1.48103976427480074590e-1 + r * (1.51986665636164571966e-2 + r * low)
    low = 1.67638483018380384940e0 + r * (6.89767334985100004550e-1 + r * low)
    low = 1.0 + r * (2.05319162663775882187e0 + r * low)
    return top / low


@njit(cache=True, error_model="numpy")
def _far(r):  # type: ignore[no-untyped-def]
    """AS 241 ratio for sqrt(-ln p) > 5; r = sqrt(-ln p) - 5."""
    top = 2.71155556874348757815e-5 + r * 2.01033439929228813265e-7
    top = 2.65321895265761230930e-2 + r * (1.24266094738807843860e-3 + r * top)
    top = 1.78482653991729133580e0 + r * (2.96560571828504891230e-1 + r * top)
    top = 6.65790464350110377720e0 + r * (5.46378491116411436990e0 + r * top)
    low = 1.42151175831644588870e-7 + r * 2.04426310338993978564e-15
    low = 7.86869131145613259100e-4 + r * (1.84631831751005468180e-5 + r * low)
    low = 1.36929880922735805310e-1 + r * (1.48753612908506148525e-2 + r * low)
    low = 1.0 + r * (5.99832206555887937690e-1 + r * low)
    return top / low


@njit(cache=True, error_model="numpy")
def normal_inverse(p):  # type: ignore[no-untyped-def]
    """Quantile of the standard normal. 0 -> -inf, 1 -> inf, outside [0, 1] or nan -> nan."""
    if not (p >= 0.0 and p <= 1.0):
        return math.nan
    if p == 0.0:
        return -math.inf
    if p == 1.0:
        return math.inf
    q = p - 0.5
    if math.fabs(q) <= 0.425:
        return q * _central(0.180625 - q * q)
    tail = p if q < 0.0 else 1.0 - p
    r = np.sqrt(-log(tail))
    value = _middle(r - 1.6) if r <= 5.0 else _far(r - 5.0)
    return -value if q < 0.0 else value


@njit(cache=True, error_model="numpy")
def exp_array(x):  # type: ignore[no-untyped-def]
    """`exp` of each element of a 1-d float64 array."""
    out = np.empty(x.size, dtype=np.float64)
    for i in range(x.size):
        out[i] = exp(x[i])
    return out


@njit(cache=True, error_model="numpy")
def log_array(x):  # type: ignore[no-untyped-def]
    """`log` of each element of a 1-d float64 array."""
    out = np.empty(x.size, dtype=np.float64)
    for i in range(x.size):
        out[i] = log(x[i])
    return out


@njit(cache=True, error_model="numpy")
def power_array(x, y):  # type: ignore[no-untyped-def]
    """`power` of each element of a 1-d float64 array, one exponent y."""
    out = np.empty(x.size, dtype=np.float64)
    for i in range(x.size):
        out[i] = power(x[i], y)
    return out


@njit(cache=True, error_model="numpy")
def normal_inverse_array(p):  # type: ignore[no-untyped-def]
    """`normal_inverse` of each element of a 1-d float64 array."""
    out = np.empty(p.size, dtype=np.float64)
    for i in range(p.size):
        out[i] = normal_inverse(p[i])
    return out
