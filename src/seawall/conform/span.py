"""SPAN: arrays and charges of a combined commodity, and a scan range in points."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.conform.grid import whole
from seawall.conform.model import Vector
from seawall.conform.portfolio_bench import WIDE_ROOM, decimals_for, ppb
from seawall.conform.reading import Adapter, Answer, find, number, numbers, rows
from seawall.errors import Unsupported
from seawall.margin.portfolio.inputs import SECONDS_A_YEAR
from seawall.margin.portfolio.span import SpanContract, SpanRules, points_of, span_margin


def _contract(entry: dict[str, Any]) -> SpanContract:
    """The month is the first word of the contract's id, unless one is given."""
    name = str(find(entry, "id", "name"))
    month = find(entry, "month", "tier", "expiry")
    price = float(number(entry, "F", "price", "forward", "S"))
    if str(find(entry, "k", "kind", "type")).lower().startswith("fut"):
        return SpanContract(name=name, kind="future", month=str(month or name.split("_")[0]), price=price)
    right = find(entry, "cp", "is_call", "right", "call")
    call = right.lower().startswith("c") if isinstance(right, str) else bool(right) and right > 0
    return SpanContract(
        name=name,
        kind="option",
        month=str(month or name.split("_")[0]),
        price=price,
        strike=float(number(entry, "K", "strike")),
        years=float(number(entry, "T", "years")),
        vol=float(number(entry, "s", "vol", "sigma", "iv")),
        is_call=call,
    )


def _rules(given: dict[str, Any]) -> SpanRules:
    told: dict[str, Any] = {}
    if find(given, "composite_delta_weights") is not None:
        told["delta_weights_ppb"] = tuple(ppb(weight) for weight in numbers(given, "composite_delta_weights"))
    extremes = (("extreme_multiple", "extreme_multiple"), ("extreme_cover", "extreme_cover_ppb"))
    for key, field in extremes:
        if find(given, key) is not None:
            value = number(given, key)
            told[field] = ppb(value) if field.endswith("ppb") else whole(value, key)
    return SpanRules(
        price_scan_e9=ppb(number(given, "price_scan_range", "psr")),
        vol_scan_ppb=ppb(number(given, "vol_scan_range", "vsr")),
        look_ahead_seconds=round(
            number(given, "look_ahead_years", default=Fraction(1, 365)) * SECONDS_A_YEAR
        ),
        intermonth_e9=ppb(number(given, "intermonth_charge_per_delta", "intermonth_charge", default=0)),
        short_option_minimum_e9=ppb(
            number(given, "short_option_minimum_per_contract", "short_option_minimum", default=0)
        ),
        **told,
    )


def combined_commodity(vector: Vector) -> Answer:
    """Everything a clearing house prints on the way to a requirement."""
    given = vector.inputs
    contracts = {entry.name: entry for entry in map(_contract, rows(given, "instruments", "contracts"))}
    held = find(given, "positions")
    if not isinstance(held, dict) or any(name not in contracts for name in held):
        raise Unsupported("positions is not a table of the given instruments")
    positions = [(contracts[name], whole(Fraction(size), f"position {name}")) for name, size in held.items()]
    credit = find(given, "intercommodity_credit") or {}
    largest = max(Fraction(contract.price) for contract in contracts.values())
    decimals = decimals_for(10 * largest * max(1, *(abs(size) for _, size in positions)), WIDE_ROOM)
    found = span_margin(
        positions,
        _rules(given),
        decimals=decimals,
        credit_deltas=number(credit, "deltas", default=0),
        credit_rate=number(credit, "rate", default=0),
    )
    unit = Fraction(1, 10**decimals)
    return {
        "arrays": {name: [loss * unit for loss in array] for name, array in found.arrays.items()},
        "portfolio_loss": [loss * unit for loss in found.losses_atoms],
        "scan_risk": found.scan_atoms * unit,
        "active_scenario": found.active_scenario,
        "vol_adjusted_scan": found.adjusted_scan * unit,
        "time_risk": found.time_risk * unit,
        "futures_price_risk": found.price_risk * unit,
        "composite_delta": found.deltas,
        "net_delta": found.net_delta,
        "weighted_price_risk": found.weighted_price_risk * unit,
        "intermonth_spreads": found.spreads,
        "intermonth_charge": found.intermonth_atoms * unit,
        "intercommodity_credit": found.credit_atoms * unit,
        "short_option_minimum": found.minimum_atoms * unit,
        "risk": found.risk_atoms * unit,
        "net_option_value": found.option_value_atoms * unit,
        "total_requirement_after_nov": found.requirement_atoms * unit,
        "total_requirement": found.requirement_atoms * unit,
    }


def range_in_points(vector: Vector) -> Answer:
    """A scan range in money as points of the contract."""
    given = vector.inputs
    points = points_of(number(given, "psr_usd", "psr"), value_per_point=number(given, "cvf"))
    return {"psr_points": points}


ADAPTERS = (
    Adapter(
        "margin.span", ("instruments|contracts", "positions", "price_scan_range|psr"), combined_commodity
    ),
    Adapter("cme-span", ("instruments|contracts", "positions", "price_scan_range|psr"), combined_commodity),
    Adapter("cme-span", ("psr_usd|psr", "cvf"), range_in_points),
)
