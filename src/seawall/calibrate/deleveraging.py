"""How far a stablecoin's issuer can deleverage before buying back gets too dear, and when nothing clears.

Amounts in units of the stablecoin at a price of one, doubles. A change of supply D (below zero: bought back)
clears at x / (D - y) with demand x and -y the supply that is free to sell; collateral becomes z + D * price.
Source: Klages-Mundt and Minca (2021), "(In)stability for the blockchain"; the capacity is derived from it.
"""

from __future__ import annotations

import math

import msgspec

from seawall.errors import InputError


class Boundary(msgspec.Struct, frozen=True, kw_only=True):
    """A change of supply at which the constraint just holds, and what it leads to."""

    delta: float
    stablecoin_price: float
    new_supply: float
    collateral_after: float


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """The shortfall of collateral that buying back can cure, the least collateral, the price at that edge."""

    max_shortfall: float
    least_collateral: float
    price_at_edge: float


def clearing_price(demand: float, free: float, delta: float) -> float:
    """x / (D - y), `free` being y <= 0. InputError where all that is free was bought: no price clears."""
    if demand <= 0 or delta - free <= 0:
        raise InputError.at(
            "supply", f"demand {demand}, change {delta}", "Buy back less than is free to sell."
        )
    return demand / (delta - free)


def feasible_changes(
    collateral: float, supply: float, demand: float, free: float, *, ratio: float, haircut: float = 1.0
) -> tuple[Boundary, ...]:
    """Where haircut * (z + D * price) = ratio * (L + D); between the two the position may stand. None: ().

    InputError unless demand and ratio are above zero and `free` is below it.
    """
    if demand <= 0 or free >= 0 or ratio <= 0 or not 0 < haircut <= 1:
        raise InputError.at(
            "position", f"demand {demand}, free {free}", "Give x > 0, y < 0, 0 < haircut <= 1."
        )
    b = ratio * (supply - free) - haircut * (collateral + demand)
    c = free * (haircut * collateral - ratio * supply)
    inside = b * b - 4 * ratio * c
    if inside < 0:
        return ()
    root = math.sqrt(inside)
    found = []
    for delta in ((-b - root) / (2 * ratio), (-b + root) / (2 * ratio)):
        if delta > free:
            price = clearing_price(demand, free, delta)
            found.append(
                Boundary(
                    delta=delta,
                    stablecoin_price=price,
                    new_supply=supply + delta,
                    collateral_after=collateral + delta * price,
                )
            )
    return tuple(found)


def cure_capacity(ratio: float, supply: float, demand: float) -> Capacity:
    """x * (sqrt(ratio) - 1)**2, all that is demanded being free. Beyond it only equity or a loss helps."""
    if ratio < 1 or demand <= 0:
        raise InputError.at("ratio", f"is {ratio}, demand {demand}", "Give ratio >= 1 and demand above zero.")
    room = demand * (math.sqrt(ratio) - 1) ** 2
    return Capacity(
        max_shortfall=room, least_collateral=ratio * supply - room, price_at_edge=math.sqrt(ratio)
    )


def best_change(demand: float, free: float, gross_return: float) -> float:
    """y + sqrt(-r * x * y): where what collateral earns on one more unit of supply is what the unit owes."""
    if demand <= 0 or free >= 0 or gross_return <= 0:
        raise InputError.at("position", f"demand {demand}, free {free}", "Give x > 0, y < 0, r > 0.")
    return free + math.sqrt(-gross_return * demand * free)
