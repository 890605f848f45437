"""Deribit's option conventions, as measured on 1,305 of its public tickers of 2025-12-30.

The mark is Black's price at rate 0 over the forward of its own expiry, in coin; a year is 365 days of 86,400
seconds (4e-6 coin median error; 360 or 365.25 days do worse). The printed delta is plain N(d1), not the net
transaction delta; the printed vega is in dollars for one point of vol (0.01).
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from seawall.pricing.inputs import Floats
from seawall.pricing.inverse import inverse_greeks

YEAR_SECONDS = 365.0 * 86_400.0
POINTS = 100.0  # of vol in 1.00


class DeribitTicker(msgspec.Struct, frozen=True, kw_only=True):
    """What its ticker prints: mark in coin, delta in coins, vega in dollars per point of vol."""

    mark_price: Floats
    delta: Floats
    vega_per_point: Floats


def deribit_years(seconds: ArrayLike) -> Floats:
    """Years from seconds to expiry."""
    return np.asarray(seconds, dtype=np.float64) / YEAR_SECONDS


def deribit_ticker(
    forward: ArrayLike, strike: ArrayLike, seconds: ArrayLike, vol: ArrayLike, is_call: ArrayLike
) -> DeribitTicker:
    """The ticker of an inverse option from its mark vol. Errors as `inverse_greeks`."""
    found = inverse_greeks(forward, strike, deribit_years(seconds), vol, is_call)
    dollars = np.asarray(found.vega * np.asarray(forward, dtype=np.float64) / POINTS)
    return DeribitTicker(mark_price=found.price, delta=found.delta, vega_per_point=dollars)
