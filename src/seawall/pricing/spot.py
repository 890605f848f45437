"""Black, Scholes and Merton: options on a spot that pays a continuous yield, by way of its forward.

spot, strike in one unit of money; years; vol, rate and yield per year, continuously compounded (a
currency's yield is its own rate; 0 for a coin). The forward is spot * exp((rate - yield) * years). Greeks
are derivatives with the spot: per unit of money, per 1.00 of vol, rate or yield, per year of calendar time.
Source: Haug, The Complete Guide to Option Pricing Formulas, 2nd ed. 2007, ch. 1 and 2, b = rate - yield.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from seawall.kernels.black import black_price_array
from seawall.kernels.elementary import exp_array
from seawall.kernels.greeks import black_greeks_array
from seawall.pricing.inputs import Flags, Floats, columns, empty, require, room


class SpotGreeks(msgspec.Struct, frozen=True, kw_only=True):
    """Arrays of one shape. elasticity is delta * spot / price, 0 where the price is 0."""

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta_year: Floats
    rho: Floats
    dividend_rho: Floats
    elasticity: Floats


class _Given(msgspec.Struct, frozen=True, kw_only=True):
    """Flat columns, and what the rates make of them."""

    shape: tuple[int, ...]
    calls: Flags
    spot: Floats
    strike: Floats
    years: Floats
    vol: Floats
    rate: Floats
    carry: Floats
    growth: Floats
    discount: Floats

    @property
    def arguments(self) -> tuple[Floats, Floats, Floats, Floats, Flags]:
        return self.spot * self.growth, self.strike, self.years, self.vol, self.calls


def _read(where: str, is_call: ArrayLike, **named: ArrayLike) -> _Given:
    shape, calls, (s, k, t, v, r, q) = columns(where, is_call, **named)
    require(where, least=0.0, spot=s, strike=k, years=t, vol=v)
    require(where, rate=r, dividend_yield=q)
    growth, discount = exp_array((r - q) * t), exp_array(-r * t)
    require(where, forward=s * growth, discount=discount)
    return _Given(
        shape=shape, calls=calls, spot=s, strike=k, years=t, vol=v, rate=r, carry=r - q,
        growth=growth, discount=discount,
    )  # fmt: skip


def spot_price(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
) -> Floats:
    """Prices of calls and puts. InputError if anything is not finite, or negative where it may not be."""
    given = _read(
        "spot option", is_call, spot=spot, strike=strike, years=years, vol=vol, rate=rate,
        dividend_yield=dividend_yield,
    )  # fmt: skip
    price = np.empty(given.spot.size)
    black_price_array(*given.arguments, price, room())
    return (given.discount * price).reshape(given.shape)


def spot_greeks(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
) -> SpotGreeks:
    """Price and derivatives with the spot. Errors as `spot_price`."""
    given = _read(
        "spot option", is_call, spot=spot, strike=strike, years=years, vol=vol, rate=rate,
        dividend_yield=dividend_yield,
    )  # fmt: skip
    out = empty(5, given.spot.size)
    black_greeks_array(*given.arguments, *out, room())
    price, delta_forward, gamma_forward, vega, theta = (given.discount * column for column in out)
    delta = delta_forward * given.growth
    exposure = delta * given.spot
    held = {
        "price": price,
        "delta": delta,
        "gamma": gamma_forward * given.growth * given.growth,
        "vega": vega,
        "theta_year": theta + given.rate * price - given.carry * exposure,
        "rho": given.years * (exposure - price),
        "dividend_rho": -given.years * exposure,
        "elasticity": np.divide(exposure, price, out=np.zeros_like(price), where=price > 0.0),
    }
    return SpotGreeks(**{name: column.reshape(given.shape) for name, column in held.items()})
