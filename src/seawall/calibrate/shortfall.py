"""Is the loss beyond a margin as large as the model says? Tests of expected shortfall.

P&L is signed (losses negative); VaR and ES are positive. Acerbi & Szekely 2014: Z1 conditions on the hits, Z2
does not; both are 0 in expectation if the model is right and negative if it is too low. Critical values come
from the law of Z2 under the model by Fourier sums, without chance. Costanzino & Curran 2015 for the third.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from seawall.calibrate.inputs import Floats, Given, between, finite, positive, same_length
from seawall.errors import InputError

_GRID = 1 << 17  # points of the law of one summand
_REACH = 60.0  # times the expected sum: beyond it lies less than 1e-5 of a t3's mass


class AcerbiSzekely(msgspec.Struct, frozen=True):
    """Number of hits and both statistics; Z1 is None without a hit."""

    hits: int
    z1: float | None
    z2: float


def acerbi_szekely(pnl: Given, var: Given | float, es: Given | float, p: float) -> AcerbiSzekely:
    """Z1 = sum(X I / ES) / N + 1, Z2 = sum(X I / ES) / (T p) + 1, I = 1 where X < -VaR."""
    x = finite(pnl, "P&L")
    v, e = _column(var, x.size, "VaR"), _column(es, x.size, "ES")
    same_length(pnl=x, var=v, es=e)
    between(p, "p", 0.0, 1.0)
    if not (e > 0.0).all():
        raise InputError.at(
            "ES", f"the least is {float(e.min()):g}", "An expected shortfall must be positive."
        )
    hit = x < -v
    count, total = int(hit.sum()), float((x[hit] / e[hit]).sum())
    return AcerbiSzekely(count, total / count + 1.0 if count else None, total / (x.size * p) + 1.0)


def z2_from_z1(z1: float, hits: int, size: int, p: float) -> float:
    """Z2 = 1 - (1 - Z1) N / (T p)."""
    return 1.0 - (1.0 - z1) * hits / (size * p)


def _column(values: Given | float, size: int, name: str) -> Floats:
    if isinstance(values, int | float):
        return np.full(size, float(values))
    return finite(values, name)


class Z2Law(msgspec.Struct, frozen=True, kw_only=True):
    """The law of Z2 under a right model: values in increasing order and the chance of at most each."""

    values: Floats
    cumulative: Floats

    def critical(self, size: float) -> float:
        """The value that Z2 falls below with chance `size`."""
        between(size, "size", 0.0, 1.0)
        return float(np.interp(size, self.cumulative, self.values))

    def p_value(self, z2: float) -> float:
        return float(np.interp(z2, self.values, self.cumulative, left=0.0, right=1.0))


def z2_law(size: int, p: float, dof: float = math.inf) -> Z2Law:
    """For `size` periods whose P&L is normal, or Student with `dof`, and known to the model.

    The sum of X I / ES is compound binomial: each period adds nothing with chance 1 - p, or a loss beyond the
    VaR. The law of one is put on a grid, and (1 - p + p phi)^T turned back.
    """
    from scipy.stats import norm, t

    law = norm if math.isinf(dof) else t(dof)
    between(p, "p", 0.0, 0.5)
    if size < 1 or not dof > 1.0:
        raise InputError.at(
            "Z2", f"{size} periods, {dof:g} degrees of freedom", "Give at least 1 and above 1."
        )
    q = float(law.ppf(p))
    if math.isinf(dof):
        es = float(norm.pdf(q)) / p
    else:
        es = float(t.pdf(q, dof)) / p * (dof + q * q) / (dof - 1.0)
    # In units of the expected sum T p: what is drawn is loss / (ES T p).
    width = _REACH * max(1.0, math.sqrt(6.25 / (size * p))) / _GRID
    edges = (np.arange(_GRID + 1) - 0.5) * width * size * p * es
    beyond = law.cdf(-np.maximum(edges, -q))  # P(loss > edge and loss > VaR)
    mass = -np.diff(beyond)
    mass[-1] += beyond[-1]
    law_of_one = np.fft.rfft(mass)
    law_of_one[:] += 1.0 - p
    density = np.maximum(np.fft.irfft(law_of_one**size, _GRID), 0.0)
    total = np.cumsum(density)
    sums: Floats = np.arange(_GRID, dtype=np.float64) * width
    # P(Z2 <= 1 - s) = P(sum >= s)
    upper = 1.0 - (total - density)
    keep = upper > 1e-12
    return Z2Law(values=(1.0 - sums[keep])[::-1].copy(), cumulative=np.maximum(upper[keep], 0.0)[::-1].copy())


class Coverage(msgspec.Struct, frozen=True):
    """Mean tail coverage, its z, and the chance of one as large."""

    mean: float
    z: float
    p_value: float


def costanzino_curran(pit: Given, p: float) -> Coverage:
    """Mean of (1 - u/p) 1{u <= p} against p/2 with variance p (4 - 3p) / 12; u is the P&L's probability."""
    from scipy.special import ndtr

    u = finite(pit, "probabilities")
    between(p, "p", 0.0, 1.0)
    if not ((u >= 0.0) & (u <= 1.0)).all():
        raise InputError.at("probabilities", "one lies outside 0..1", "Give the model's P(X <= x).")
    mean = float(np.where(u <= p, 1.0 - u / p, 0.0).mean())
    z = (mean - p / 2.0) / math.sqrt(positive(p * (4.0 - 3.0 * p), "p") / 12.0 / u.size)
    return Coverage(mean, z, float(ndtr(-z)))
