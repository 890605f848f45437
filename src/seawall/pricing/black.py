"""Black (1976): options on a forward or future, discounted at a rate; prices, Greeks of first to third
order.

forward, strike in one unit of money; years of 365 days or whatever the caller counts; vol and rate per year
(0.5 = 50 %), the rate continuously compounded. Greeks per unit of money, per 1.00 of vol, per year of
calendar time (theta < 0 where time costs), rho per 1.00 of rate at a fixed forward. Floats to nearest, the
same bits on every CPU and for any length of array; errors in kernels/black.py. With rate 0 nothing is
discounted. Source: F. Black, The pricing of commodity contracts (1976); formulas of the Greeks: Haug
(2007), ch. 2.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from seawall.errors import InputError
from seawall.kernels.black import black_price_array
from seawall.kernels.elementary import exp_array
from seawall.kernels.greeks import black_greeks_array, black_higher_array
from seawall.pricing.inputs import Flags, Floats, columns, empty, require, room


class Greeks(msgspec.Struct, frozen=True, kw_only=True):
    """Arrays of one shape. theta is dV/dt at a fixed forward."""

    years: Floats
    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta_year: Floats

    @property
    def rho(self) -> Floats:
        """dV/d(rate) at a fixed forward: -years * price."""
        return np.asarray(-self.years * self.price)


class HigherGreeks(msgspec.Struct, frozen=True, kw_only=True):
    """Arrays of one shape, undiscounted times the discount factor, which is held fixed.

    vanna d2V/dF dvol, volga d2V/dvol2, charm d(delta)/dt, veta d(vega)/dt, speed d(gamma)/dF,
    zomma d(gamma)/dvol, color d(gamma)/dt, ultima d(volga)/dvol.
    """

    vanna: Floats
    volga: Floats
    charm_year: Floats
    veta_year: Floats
    speed: Floats
    zomma: Floats
    color_year: Floats
    ultima: Floats


def _read(
    where: str, forward: ArrayLike, strike: ArrayLike, years: ArrayLike, vol: ArrayLike, is_call: ArrayLike
) -> tuple[tuple[int, ...], tuple[Floats, Floats, Floats, Floats, Flags]]:
    shape, calls, (f, k, t, v) = columns(where, is_call, forward=forward, strike=strike, years=years, vol=vol)
    return shape, (f, k, t, v, calls)


def _refuse(where: str, f: Floats, k: Floats, t: Floats, v: Floats, calls: Flags) -> None:
    """InputError for the first input that made a kernel count an option as unsound."""
    require(where, least=0.0, forward=f, strike=k, years=t, vol=v)


def _rates(where: str, rate: ArrayLike, calls: Flags, shape: tuple[int, ...]) -> Floats | None:
    """Rates as a column, None where nothing is discounted. InputError if they do not fit the options."""
    if np.ndim(rate) == 0:
        _, _, (rates,) = columns(where, True, rate=rate)
    else:
        wide, _, (rates,) = columns(where, calls.reshape(shape), rate=rate)
        if wide != shape:
            raise InputError.at(
                where, f"rate {wide} for options {shape}", "Give one rate, or one per option."
            )
    require(where, rate=rates)
    return rates if rates.any() else None


def black_price(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
) -> Floats:
    """Prices of calls and puts. InputError if anything is not finite, or negative where it may not be."""
    shape, given = _read("Black price", forward, strike, years, vol, is_call)
    price = np.empty(given[0].size)
    if black_price_array(*given, price, room()):
        _refuse("Black price", *given)
    rates = _rates("Black price", rate, given[4], shape)
    return (price if rates is None else exp_array(-rates * given[2]) * price).reshape(shape)


def black_greeks(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
) -> Greeks:
    """Price, delta, gamma, vega, theta and rho. Errors as `black_price`.

    Without time or vol the delta is that of the intrinsic value, 1/2 of it at the money, and the rest is 0.
    """
    shape, given = _read("Black Greeks", forward, strike, years, vol, is_call)
    price, *others = out = empty(5, given[0].size)
    if black_greeks_array(*given, *out, room()):
        _refuse("Black Greeks", *given)
    rates = _rates("Black Greeks", rate, given[4], shape)
    if rates is not None:
        factor = exp_array(-rates * given[2])
        for column in out:
            column *= factor
        others[-1] += rates * price
    names = Greeks.__struct_fields__
    return Greeks(**dict(zip(names, (column.reshape(shape) for column in (given[2], *out)))))


def black_higher_greeks(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
) -> HigherGreeks:
    """The other derivatives of second order and those of third. Errors as `black_price`."""
    shape, given = _read("Black Greeks", forward, strike, years, vol, is_call)
    out = empty(8, given[0].size)
    if black_higher_array(*given[:4], *out, room()):
        _refuse("Black Greeks", *given)
    rates = _rates("Black Greeks", rate, given[4], shape)
    if rates is not None:
        factor = exp_array(-rates * given[2])
        for column in out:
            column *= factor
    names = HigherGreeks.__struct_fields__
    return HigherGreeks(**dict(zip(names, (column.reshape(shape) for column in out))))
