"""Does a model describe the market? Share of quotes inside the spread, errors in coin, static checks.

Quotes that a model was fitted to say little; `split_chain` keeps every other strike for the test. Prices in
USD, undiscounted; errors in coin are price errors over the forward. Everything found wrong is a sentence.
Sources: rules of model verification after Cont (2006); static conditions: Carr and Madan (2005).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.calibrate.model_fit import ModelFit, exact_prices, fit_model
from seawall.calibrate.models.model import Model
from seawall.calibrate.quotes import Chain
from seawall.errors import InputError

Floats = NDArray[np.float64]


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """How a model does on quotes. `worst_coin` is the largest error of one quote."""

    name: str
    quotes: int
    inside_share: float
    rmse_coin: float
    worst_coin: float
    faults: tuple[str, ...]


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """One model fitted on half of the quotes and judged on the other half."""

    fit: ModelFit
    test: Verification


def verify(model: Model, chains: Sequence[Chain]) -> Verification:
    """Judge a model on these quotes. InputError if there are none."""
    usable = [chain for chain in chains if chain.k.size and chain.years > 0.0]
    if not usable:
        raise InputError.at("model verification", "no usable quotes", "Give chains with two-sided quotes.")
    inside, errors, faults = 0, [], []
    for chain in usable:
        price = exact_prices(model, chain)
        inside += int(np.count_nonzero((price >= chain.bid_usd) & (price <= chain.ask_usd)))
        errors.append((price - 0.5 * (chain.bid_usd + chain.ask_usd)) / chain.forwards)
        order = np.argsort(chain.strikes / chain.forwards)
        ratio = (chain.strikes / chain.forwards)[order]
        puts = np.where(chain.is_call, price / chain.forwards - 1.0 + chain.strikes / chain.forwards, 0.0)
        puts = np.where(chain.is_call, puts, price / chain.forwards)[order]
        faults += [f"{chain.years:.4f} years: {fault}" for fault in static_faults(ratio, puts)]
    error = np.concatenate(errors)
    return Verification(
        name=model.name,
        quotes=error.size,
        inside_share=inside / error.size,
        rmse_coin=float(np.sqrt(np.mean(error * error))),
        worst_coin=float(np.max(np.abs(error))),
        faults=tuple(faults),
    )


def static_faults(strikes: Any, puts: Any, *, room: float = 1e-10) -> tuple[str, ...]:
    """Put prices of one expiry that leave an arbitrage: falling in strike, steeper than 1, or not convex.

    Strikes rise; both in one unit, per unit of forward. `room`: how much is rounding, or the half-spread.
    """
    strikes, puts = np.asarray(strikes, dtype=np.float64), np.asarray(puts, dtype=np.float64)
    if np.any(np.diff(strikes) < 0.0):
        raise InputError.at("static checks", "strikes do not rise", "Sort the quotes by strike.")
    step = np.diff(strikes)
    rise = np.diff(puts)
    found = [
        f"puts fall by {-rise[at]:.3g} from strike {strikes[at]:g} to {strikes[at + 1]:g}"
        for at in np.flatnonzero(rise < -room)
    ]
    found += [
        f"puts rise by more than the strike from {strikes[at]:g} to {strikes[at + 1]:g}"
        for at in np.flatnonzero(rise > step + room)
    ]
    for at in range(1, strikes.size - 1):
        width = strikes[at + 1] - strikes[at - 1]
        if width <= 0.0:
            continue
        share = (strikes[at + 1] - strikes[at]) / width
        excess = puts[at] - (share * puts[at - 1] + (1.0 - share) * puts[at + 1])
        if excess > room:
            found.append(f"puts are not convex at strike {strikes[at]:g}: {excess:.3g} above the chord")
    return tuple(found)


def parity_faults(strikes: Any, calls: Any, puts: Any, forward: float, half_spreads: Any) -> tuple[str, ...]:
    """Strikes where call - put differs from forward - strike by more than the half-spread."""
    columns = (np.asarray(part, dtype=np.float64) for part in (strikes, calls, puts, half_spreads))
    found = []
    for strike, call, put, half in zip(*columns):
        gap = call - put - (forward - strike)
        if abs(gap) > half:
            found.append(f"strike {strike:g}: parity is off by {gap:.4g}, half-spread {half:.4g}")
    return tuple(found)


def split_chain(chain: Chain) -> tuple[Chain, Chain]:
    """Every other strike to fit on, the others to test on."""
    parts = []
    for first in (0, 1):
        keep = slice(first, None, 2)
        columns = {
            name: getattr(chain, name)[keep]
            for name in (
                "forwards",
                "strikes",
                "is_call",
                "bid_usd",
                "ask_usd",
                "bid_vol",
                "ask_vol",
                "mid_vol",
            )
        }
        parts.append(msgspec.structs.replace(chain, **columns))
    return parts[0], parts[1]


def challenge(names: Sequence[str], chains: Sequence[Chain]) -> tuple[Challenge, ...]:
    """Fit each named model on half of the quotes and judge it on the other half."""
    halves = [split_chain(chain) for chain in chains]
    fitted = [half[0] for half in halves]
    tested = [half[1] for half in halves]
    fits = [fit_model(name, fitted) for name in names]
    return tuple(Challenge(fit=fit, test=verify(fit.model, tested)) for fit in fits)


def admitted(challenges: Sequence[Challenge], *, least_inside: float) -> tuple[Model, ...]:
    """The models that describe the market: at least this share of test quotes inside the spread."""
    if not 0.0 <= least_inside <= 1.0:
        raise InputError.at("model verification", f"share {least_inside:g}", "Give a share between 0 and 1.")
    return tuple(one.fit.model for one in challenges if one.test.inside_share >= least_inside)
