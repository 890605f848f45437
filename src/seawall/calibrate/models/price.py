"""One door to all models: undiscounted prices by the most exact way there is for each.

Black in closed form, Merton and variance gamma as mixtures of Black, the others by Lewis's integral.
Prices in the unit of forward and strike; the caller discounts, or divides by the forward for coin.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seawall.calibrate.black import black_price
from seawall.calibrate.models.closed import gamma_prices, merton_prices
from seawall.calibrate.models.levy import Black, Merton, VarianceGamma
from seawall.calibrate.models.lewis import lewis_calls
from seawall.calibrate.models.model import Floats, Model
from seawall.errors import InputError


def model_prices(model: Model, forward: float, strikes: Any, years: float, is_call: Any) -> Floats:
    """Undiscounted prices at these strikes, all of one expiry. InputError for what is no option."""
    strikes = np.atleast_1d(np.asarray(strikes, dtype=np.float64))
    if not (years > 0.0 and np.isfinite(years)):
        raise InputError.at("model price", f"{years:g} years to expiry", "Leave out what has expired.")
    every = np.append(strikes, forward)
    if not (np.all(every > 0.0) and np.all(np.isfinite(every))):
        raise InputError.at("model price", "a forward or strike is not positive", "Leave that option out.")
    model.check()
    if isinstance(model, Black):
        return black_price(forward, strikes, model.vol * np.sqrt(years), is_call)
    if isinstance(model, Merton):
        return merton_prices(model, forward, strikes, years, is_call)
    if isinstance(model, VarianceGamma):
        return gamma_prices(model, forward, strikes, years, is_call)
    calls = lewis_calls(model, forward, strikes, years)
    return np.where(is_call, calls, np.maximum(calls - forward + strikes, 0.0))
