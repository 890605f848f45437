"""Fitting a challenger model to chains: all expiries at once, one set of parameters.

The residual of a quote is its price error over its vega, in vol, weighted as in the surface fit. Prices come
from cosine series. One start, no chance; undiscounted prices in the quote's own forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from seawall.calibrate.black import vega, with_intrinsic
from seawall.calibrate.models.catalogue import entry
from seawall.calibrate.models.cos import cos_puts
from seawall.calibrate.models.levy import Black, Merton, VarianceGamma
from seawall.calibrate.models.model import Floats, Model
from seawall.calibrate.models.price import model_prices
from seawall.calibrate.quotes import Chain
from seawall.errors import InputError, NumberError

TERMS = 192
_VOL_CAP = 3.0  # residual of a price that a model cannot give at all


class ModelFit(msgspec.Struct, frozen=True, kw_only=True):
    """A fitted model. `at_bound`: parameters that would have gone further."""

    model: Model
    rmse_vol: float
    quotes: int
    at_bound: tuple[str, ...]
    converged: bool


def quick_prices(model: Model, chain: Chain) -> Floats:
    """Prices of the chain's quotes in USD: by cosine series where the model has no closed form."""
    if isinstance(model, Black | Merton | VarianceGamma):
        return exact_prices(model, chain)
    ratio = chain.strikes / chain.forwards
    puts = cos_puts(model, 1.0, ratio, chain.years, terms=TERMS)
    otm = np.where(ratio >= 1.0, puts + 1.0 - ratio, puts)
    return with_intrinsic(chain.forwards * np.maximum(otm, 0.0), chain.forwards, chain.strikes, chain.is_call)


def exact_prices(model: Model, chain: Chain) -> Floats:
    """The same by the most exact way there is for the model."""
    ratio = chain.strikes / chain.forwards
    return np.asarray(chain.forwards * model_prices(model, 1.0, ratio, chain.years, chain.is_call))


def fit_model(name: str, chains: Sequence[Chain]) -> ModelFit:
    """Fit one model of the catalogue. InputError for an unknown name or fewer quotes than parameters."""
    from scipy.optimize import least_squares

    kind = entry(name)
    usable = [chain for chain in chains if chain.k.size and chain.years > 0.0]
    count = sum(chain.k.size for chain in usable)
    if count <= len(kind.ranges):
        raise InputError.at(
            f"fit of {name}", f"{count} quotes for {len(kind.ranges)} parameters", "Give more quotes."
        )
    mids = [0.5 * (chain.bid_usd + chain.ask_usd) for chain in usable]
    # Price error per vol; the floor keeps a quote of no vega from counting as an endless error.
    slopes = [_price_per_vol(chain) for chain in usable]
    total = sum(float(np.sum(chain.weights)) for chain in usable)
    roots = [np.sqrt(chain.weights / total) for chain in usable]
    start, low, high = (np.array([limits[place] for limits in kind.ranges.values()]) for place in range(3))

    def residuals(numbers: Any) -> Floats:
        model = kind.make(numbers)
        try:
            model.check()
            prices = [quick_prices(model, chain) for chain in usable]
        except (InputError, NumberError):  # inside the box, and yet no model: the search must turn back
            return np.full(count, _VOL_CAP)
        parts = [
            root * np.clip((price - mid) / slope, -_VOL_CAP, _VOL_CAP)
            for price, mid, slope, root in zip(prices, mids, slopes, roots)
        ]
        return np.nan_to_num(np.concatenate(parts), nan=_VOL_CAP)

    scale = np.maximum(0.1 * (high - low), np.abs(start))
    found = least_squares(residuals, start, bounds=(low, high), x_scale=scale, max_nfev=150)
    edge = 1e-4 * (high - low)
    stuck = (found.x - low < edge) | (high - found.x < edge)
    return ModelFit(
        model=kind.make(found.x),
        rmse_vol=float(np.sqrt(2.0 * found.cost)),
        quotes=count,
        at_bound=tuple(name for name, at in zip(kind.ranges, stuck) if at),
        converged=bool(found.success),
    )


def _price_per_vol(chain: Chain) -> Floats:
    root = np.sqrt(chain.years)
    slope = vega(chain.forwards, chain.strikes, chain.mid_vol * root) * root
    return np.asarray(np.maximum(slope, 1e-6 * chain.forwards))
