"""Holders of the same assets sell because others did: leverage targeting, and forced sales past a threshold.

Assets, holdings and equity in one money unit; shocks and returns as shares; doubles. Two rules: banks that
steer back to their leverage also buy after gains, a liquidation engine only sells past its threshold.
Source: Greenwood, Landier and Thesmar (2015), section 2; Cont and Schaanning (2017), with exponential impact.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from seawall.errors import InputError

Vector = NDArray[np.float64]
MAX_ROUNDS = 10_000


class Spillover(msgspec.Struct, frozen=True, kw_only=True):
    """By bank: returns, its part in and its loss from the system's loss; by asset: sales, price."""

    direct_return: Vector
    sales: Vector
    price_change: Vector
    spillover_return: Vector
    aggregate_vulnerability: float
    systemicness: Vector
    indirect_vulnerability: Vector


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One round of sales: the part each holder sold; by asset what was sold and the price's fall."""

    parts: Vector
    sold: Vector
    price_drop: Vector


class Deleveraged(msgspec.Struct, frozen=True, kw_only=True):
    """Prices as shares of those before the shock, equity, and who ended below zero."""

    rounds: tuple[Round, ...]
    prices: Vector
    equity: Vector
    insolvent: tuple[int, ...]


def leverage_targeting(
    assets: ArrayLike,
    weights: ArrayLike,
    debt_to_equity: ArrayLike,
    price_impact: ArrayLike,
    shock: ArrayLike,
    equity: ArrayLike,
) -> Spillover:
    """One round: banks (n) sell over their assets (k) what restores debt to equity; the sales move prices.

    `weights` (n, k) are shares of each bank's assets, `price_impact` (k,) return per unit of money sold.
    """
    held, weight, lever, depth, hit, own = map(
        _known, (assets, weights, debt_to_equity, price_impact, shock, equity)
    )
    if weight.shape != (len(held), len(hit)) or (own <= 0).any():
        raise InputError.at("banks", f"weights {weight.shape}", "Give n by k weights, equity above zero.")
    direct = weight @ hit
    forced = lever * held * direct
    sales = weight.T @ forced
    change = depth * sales
    spilled = weight @ change
    strikes = held @ ((weight * depth) @ weight.T)  # what a unit sold by each bank costs all
    total = own.sum()
    return Spillover(
        direct_return=direct,
        sales=sales,
        price_change=change,
        spillover_return=spilled,
        aggregate_vulnerability=float(held @ spilled / total),
        systemicness=strikes * forced / total,
        indirect_vulnerability=held * spilled / own,
    )


def forced_sales(
    holdings: ArrayLike,
    equity: ArrayLike,
    *,
    most_leverage: float,
    target_leverage: float,
    depth: ArrayLike,
    shock: ArrayLike,
) -> Deleveraged:
    """Rounds of sales until nobody is above `most_leverage`: each sells down to `target_leverage`.

    Who has no equity left sells all. Selling q of an asset takes 1 - exp(-q / depth) off its price, of which
    the sellers bear half on what they sold. InputError unless 1 <= target <= most, and depth is above zero.
    """
    held, own, room, hit = map(_known, (holdings, equity, depth, shock))
    if not 1 <= target_leverage <= most_leverage or (room <= 0).any():
        raise InputError.at(
            "leverage",
            f"target {target_leverage}, most {most_leverage}",
            "Give 1 <= target <= most, depth > 0.",
        )
    value, own, prices = held * (1 + hit), own + held @ hit, 1 + hit
    rounds: list[Round] = []
    for _ in range(MAX_ROUNDS):
        total = value.sum(axis=1)
        above = (total > 0) & (total > most_leverage * own)
        if not above.any():
            lost = tuple(int(bank) for bank in np.flatnonzero(own < 0))
            return Deleveraged(rounds=tuple(rounds), prices=prices, equity=own, insolvent=lost)
        keep = np.divide(target_leverage * own, total, out=np.zeros_like(own), where=above)
        parts = np.where(above, np.clip(1 - keep, 0.0, 1.0), 0.0)
        sold = parts @ value
        drop = -np.expm1(-sold / room)
        own = own - (1 - parts / 2) * (value @ drop)
        value = value * (1 - parts)[:, None] * (1 - drop)
        prices = prices * (1 - drop)
        rounds.append(Round(parts=parts, sold=sold, price_drop=drop))
    raise InputError.at("holdings", "sales do not end", "Give a target further below the threshold.")


def _known(values: ArrayLike) -> Vector:
    array = np.asarray(values, float)
    if not np.isfinite(array).all():
        raise InputError.at("figures", "are not all finite", "Leave out what is unknown.")
    return array
