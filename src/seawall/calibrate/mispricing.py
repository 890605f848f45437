"""How far Black is from a fat-tailed model where it matters: far puts, at the same variance per year.

The tail mispricing ratio of a put is its price under the model over its price under Black with the model's
own variance: what a desk that measures vol well and sees no jumps would undercharge. Undiscounted prices in
the unit of the forward; vols per year.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from seawall.calibrate.black import implied_vol
from seawall.calibrate.models.levy import Black, Merton
from seawall.calibrate.models.model import Model, cumulants
from seawall.calibrate.models.price import model_prices
from seawall.errors import InputError


class TailRow(msgspec.Struct, frozen=True, kw_only=True):
    """One put."""

    moneyness: float  # strike / forward
    model_price: float
    black_price: float
    ratio: float
    implied_vol: float  # Black's vol for the model's price


def matched_vol(model: Model, years: float) -> float:
    """Black's vol with the model's variance per year over this life."""
    if isinstance(model, Merton):
        return model.matched_vol
    return float(np.sqrt(cumulants(model, years)[1] / years))


def tail_mispricing(
    model: Model, *, forward: float, moneyness: Sequence[float], years: float
) -> tuple[TailRow, ...]:
    """The ratio at each moneyness. InputError where Black's price is too small for a double."""
    strikes = forward * np.asarray(moneyness, dtype=np.float64)
    prices = model_prices(model, forward, strikes, years, False)
    base = model_prices(Black(vol=matched_vol(model, years)), forward, strikes, years, False)
    rows = []
    for level, strike, price, black in zip(moneyness, strikes, prices, base):
        if not black > 0.0:
            raise InputError.at(
                f"moneyness {level:g}", "Black's price is 0 in double precision", "Ask nearer the money."
            )
        vol = implied_vol(float(price), forward, float(strike), years, is_call=False)
        rows.append(
            TailRow(
                moneyness=float(level),
                model_price=float(price),
                black_price=float(black),
                ratio=float(price / black),
                implied_vol=vol,
            )
        )
    return tuple(rows)
