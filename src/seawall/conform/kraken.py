"""Kraken futures: an inverse contract of one dollar, its margins, liquidation and bankruptcy price.

The help page prints prices in whole dollars, cut off: a price printed without decimals is read on a one-
dollar tick, from below the crossing. Source: Kraken, Equity Protection Process.
"""

from __future__ import annotations

from seawall.conform.answers import BANKRUPTCY, LIQUIDATION, answer_all, printed
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, number, side_of
from seawall.conform.single import Case, Single

SIZE = ("contracts", "size", "qty", "q")


def inverse_position(vector: Vector) -> Answer:
    """Equity meets maintenance at the mark's value; bankruptcy is where nothing is left."""
    given = vector.inputs
    prices = printed(vector, LIQUIDATION, BANKRUPTCY)
    whole_dollars = all(isinstance(price, int) for price in prices)
    case = Case(
        inverse=True,
        size=abs(number(given, *SIZE)) * number(given, "contract_size", default=1),
        entry=number(given, "entry", "entry_price", "ep"),
        side=side_of(vector),
        deposit=number(given, "margin", "collateral", "balance"),
        initial=number(given, "im", "initial_rate", default=1),
        maintenance=number(given, "mm", "mmr", "maintenance_rate"),
        tick="1" if whole_dollars else "",
    )
    return answer_all(vector, Single(case), rounding="down" if whole_dollars else "safe")


ADAPTERS = (Adapter("kraken-inverse", ("contracts|size|qty", "entry", "margin", "mm|mmr"), inverse_position),)
