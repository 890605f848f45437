"""Inverse options: paid and margined in the coin they are written on. Values in coin, per one coin.

At settlement S a call pays max(S - K, 0) / S coin, a put max(K - S, 0) / S: less than one coin for a call,
without bound for a put. Before it the value is Black's price over the forward, V / F, and Greeks are
derivatives of that: d(V/F)/dF = (delta - V/F) / F. F times it, delta - V/F, is the net transaction delta:
the coins to sell so that a buyer, who paid V / F in coin, keeps his dollars. Units otherwise as
pricing/black.py; nothing is discounted.
Source: Deribit, inverse options and DeltaTotal; Alexander and Imeraj, arXiv:2107.12041.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from seawall.kernels.greeks import black_greeks_array
from seawall.pricing.inputs import Floats, columns, empty, require, room


class InverseGreeks(msgspec.Struct, frozen=True, kw_only=True):
    """Arrays of one shape. price, vega (per 1.00 of vol) and theta (per year) in coin, slope in coin per
    unit of the forward, gamma in coin per its square; delta (Black's) and net_transaction_delta in coins."""

    price: Floats
    delta: Floats
    net_transaction_delta: Floats
    slope: Floats
    gamma: Floats
    vega: Floats
    theta_year: Floats


def inverse_greeks(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, vol: ArrayLike, is_call: ArrayLike
) -> InverseGreeks:
    """Value in coin and its derivatives. InputError unless forward > 0 and the rest >= 0, finite."""
    where = "inverse option"
    shape, calls, (f, k, t, v) = columns(where, is_call, forward=forward, strike=strike, years=years, vol=vol)
    require(where, above=0.0, forward=f)
    require(where, least=0.0, strike=k, years=t, vol=v)
    price, delta, gamma, vega, theta = out = empty(5, f.size)
    black_greeks_array(f, k, t, v, calls, *out, room())
    coin = price / f
    net = delta - coin
    held = {
        "price": coin,
        "delta": delta,
        "net_transaction_delta": net,
        "slope": net / f,
        "gamma": gamma / f - 2.0 * net / f / f,
        "vega": vega / f,
        "theta_year": theta / f,
    }
    return InverseGreeks(**{name: column.reshape(shape) for name, column in held.items()})


def inverse_price(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, vol: ArrayLike, is_call: ArrayLike
) -> Floats:
    """Value in coin. Errors as `inverse_greeks`."""
    return inverse_greeks(forward, strike, years, vol, is_call).price


def linear_payoff(settlement: ArrayLike, strike: ArrayLike, is_call: ArrayLike) -> Floats:
    """max(S - K, 0) of a call, max(K - S, 0) of a put, in money. InputError unless both are >= 0."""
    where = "settlement"
    shape, calls, (s, k) = columns(where, is_call, settlement=settlement, strike=strike)
    require(where, least=0.0, settlement=s, strike=k)
    return np.maximum(np.where(calls, s - k, k - s), 0.0).reshape(shape)


def inverse_payoff(settlement: ArrayLike, strike: ArrayLike, is_call: ArrayLike) -> Floats:
    """The linear payoff over the settlement price, in coin. InputError unless that price is above 0."""
    paid = linear_payoff(settlement, strike, is_call)
    prices = np.broadcast_to(np.asarray(settlement, dtype=np.float64), paid.shape)
    require("settlement", above=0.0, settlement=prices.reshape(-1))
    return paid / prices
