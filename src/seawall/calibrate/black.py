"""Black's undiscounted price and its inverse, as arrays of doubles, for floors that search and compare.

Prices in the unit of forward and strike, variance as total standard deviation vol * sqrt(years). The
out-of-the-money side is priced and the other comes by parity, so small prices keep their digits.
The inverse is bracketed Newton on the logarithm of the out-of-the-money price: about 1e-14 relative where
the price has that many digits. Source: Black (1976).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError

Floats = NDArray[np.float64]

_STEPS = 100
_WIDEST = 60.0  # total standard deviation at which a price is its bound in double precision


def otm_price(forward: Any, strike: Any, deviation: Any) -> Floats:
    """Undiscounted price of the out-of-the-money option (put below the forward, call above)."""
    from scipy.special import ndtr

    forward, strike, deviation = np.broadcast_arrays(*map(np.asarray, (forward, strike, deviation)))
    x = np.log(forward / strike)
    # Below 1e-300 the quotient overflows although its limit is known: certainly out of the money.
    wide = np.maximum(deviation, 1e-300)
    with np.errstate(over="ignore"):
        d1 = x / wide + 0.5 * wide
        d2 = d1 - wide
    side = np.where(strike >= forward, 1.0, -1.0)
    price = side * (forward * ndtr(side * d1) - strike * ndtr(side * d2))
    return np.asarray(np.maximum(price, 0.0), dtype=np.float64)


def black_price(forward: Any, strike: Any, deviation: Any, is_call: Any) -> Floats:
    """Undiscounted price of calls and puts."""
    forward, strike, is_call = np.asarray(forward), np.asarray(strike), np.asarray(is_call)
    return with_intrinsic(otm_price(forward, strike, deviation), forward, strike, is_call)


def with_intrinsic(otm: Any, forward: Any, strike: Any, is_call: Any) -> Floats:
    """Call or put from the out-of-the-money price at its strike: parity."""
    gain = np.asarray(forward) - np.asarray(strike)
    intrinsic = np.maximum(np.where(is_call, gain, -gain), 0.0)
    return np.asarray(otm + intrinsic, dtype=np.float64)


def vega(forward: Any, strike: Any, deviation: Any) -> Floats:
    """d price / d deviation; the same for calls and puts."""
    forward, strike = np.asarray(forward), np.asarray(strike)
    wide = np.maximum(np.asarray(deviation), 1e-300)
    with np.errstate(over="ignore"):
        d1 = np.log(forward / strike) / wide + 0.5 * wide
        return np.asarray(forward * np.exp(-0.5 * d1 * d1) / np.sqrt(2.0 * np.pi))


def implied_deviation(otm: Any, forward: Any, strike: Any) -> tuple[Floats, NDArray[np.bool_]]:
    """(total standard deviations, found) of out-of-the-money prices.

    Not found, and 0, where a price is outside (0, its bound): no vol gives it. `implied_vol` raises instead.
    """
    otm, forward, strike = (
        np.array(part, dtype=np.float64) for part in np.broadcast_arrays(otm, forward, strike)
    )
    valid = (otm > 0.0) & (otm < np.minimum(forward, strike))
    target = np.log(np.where(valid, otm, 1.0))
    low, high = np.zeros_like(otm), np.full_like(otm, _WIDEST)
    # At the point of inflexion of the price in its deviation, Newton starts well on either side.
    guess = np.maximum(np.sqrt(2.0 * np.abs(np.log(forward / strike))), 0.05)
    for _ in range(_STEPS):
        price = otm_price(forward, strike, guess)
        above = price > otm
        high, low = np.where(above, guess, high), np.where(above, low, guess)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = (np.log(price) - target) * price / vega(forward, strike, guess)
            moved = guess - step
        inside = (moved > low) & (moved < high)
        moved = np.where(inside, moved, 0.5 * (low + high))
        if np.all((np.abs(moved - guess) <= 4e-16 * guess) | ~valid):
            guess = moved
            break
        guess = moved
    return np.where(valid, guess, 0.0), valid


def implied_vol(price: float, forward: float, strike: float, years: float, *, is_call: bool) -> float:
    """Vol per year of one undiscounted price. InputError outside the bounds no vol can leave."""
    intrinsic = max(forward - strike if is_call else strike - forward, 0.0)
    bound = forward if is_call else strike
    if not intrinsic < price < bound or years <= 0.0:
        raise InputError.at(
            "implied vol",
            f"price {price:g} is not between {intrinsic:g} and {bound:g}, or {years:g} years is not positive",
            "Check the price's currency and the expiry.",
        )
    deviation, _ = implied_deviation(price - intrinsic, forward, strike)
    return float(deviation) / float(np.sqrt(years))
