"""The margin cases of the literature covered here: brackets, linear and inverse liquidation prices.

Precision is that of the files, 1e-12 relative: the bench market's units are chosen fine enough (see grid).
"""

from __future__ import annotations

from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, as_number, find, number, numbers
from seawall.conform.single import Case, Single
from seawall.conform.tiered import TierRow, deductions, required
from seawall.errors import Unsupported


def both_sides(vector: Vector) -> Answer:
    """Liquidation and bankruptcy price of a long and of a short on the same margin."""
    given = vector.inputs
    inverse = find(given, "usd_contracts") is not None
    answer: Answer = {}
    for name, side in (("long", 1), ("short", -1)):
        single = Single(
            Case(
                inverse=inverse,
                size=number(given, "usd_contracts") if inverse else number(given, "qty"),
                entry=number(given, "entry"),
                side=side,
                deposit=number(given, "margin_coin", "margin"),
                maintenance=number(given, "mmr"),
            )
        )
        answer[f"{name}_liq"] = single.price("maintenance")
        answer[f"{name}_bankrupt"] = single.price("bankruptcy")
    return answer


def brackets(vector: Vector) -> Answer:
    """The amounts of a bracket table, and maintenance on both sides of its edges."""
    listed = find(vector.inputs, "tiers")
    if not isinstance(listed, list) or not all(isinstance(row, list) and len(row) == 2 for row in listed):
        raise Unsupported("tiers is not a list of [floor, rate]")
    table = [TierRow(as_number(floor, "floor"), as_number(rate, "rate")) for floor, rate in listed]
    notionals = numbers(vector.inputs, "notionals", "notional")
    return {"amounts": deductions(table), "mm": [required(value, table) for value in notionals]}


ADAPTERS = (
    Adapter("margin.linear_liq", ("entry", "qty", "margin", "mmr"), both_sides),
    Adapter("margin.inverse_liq", ("entry", "usd_contracts", "margin_coin|margin", "mmr"), both_sides),
    Adapter("margin.tiered", ("tiers", "notionals|notional"), brackets),
)
