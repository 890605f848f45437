"""SPAN: risk arrays of sixteen scenarios, scan risk, spread charges and credits, short option minimum.

Arrays are losses of one long contract in atoms (10**-decimals of the settlement unit), to the nearest;
a portfolio's are exact sums. Charges are rounded up, credits down. Moves, weights and covers are ppb. Deltas
are exact fractions of their floats. Scenarios 1 to 14: price 0, +1/3, -1/3, +2/3, -2/3, +1, -1 of the range,
each with volatility up, then down; 15 and 16: the extreme move up and down at a covered share.
Sources: CME "SPAN Methodology" and NSE Clearing; weights of the composite delta from memory of CME's.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import msgspec
import numpy as np

from seawall.errors import InputError, NumberError
from seawall.kernels import scenarios as kernel
from seawall.margin.portfolio.inputs import SECONDS_A_YEAR

PPB = 1_000_000_000
THIRDS = (0, 1, -1, 2, -2, 3, -3)
SCENARIOS = 16
NONE = Fraction(0)


class SpanRules(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of one combined commodity. Prices and money in 1e-9 of a unit, rates and volatility ppb."""

    price_scan_e9: int  # in price units of the contract
    vol_scan_ppb: int
    extreme_multiple: int = 3
    extreme_cover_ppb: int = 330_000_000
    look_ahead_seconds: int = 86_400
    delta_weights_ppb: tuple[int, ...] = (
        270_000_000, 217_000_000, 217_000_000, 110_000_000, 110_000_000, 37_000_000, 37_000_000,
    )  # fmt: skip
    intermonth_e9: int = 0  # money per delta of a spread between months
    short_option_minimum_e9: int = 0  # money per short option

    @property
    def price_scan_range(self) -> Fraction:
        return Fraction(self.price_scan_e9, PPB)

    @property
    def look_ahead_years(self) -> Fraction:
        return Fraction(self.look_ahead_seconds, SECONDS_A_YEAR)


class SpanContract(msgspec.Struct, frozen=True, kw_only=True):
    """`price` of a future, or of the future under an option; `month` is its delta period."""

    name: str
    kind: Literal["future", "option"]
    month: str
    price: float
    strike: float = 0.0
    years: float = 0.0
    vol: float = 0.0
    is_call: bool = False


class SpanStatement(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in atoms; `active_scenario` counts from 1; deltas by contract and by month."""

    arrays: dict[str, tuple[int, ...]]
    deltas: dict[str, Fraction]
    month_deltas: dict[str, Fraction]
    net_delta: Fraction
    losses_atoms: tuple[int, ...]
    active_scenario: int
    scan_atoms: int
    adjusted_scan: Fraction  # mean of active and paired scenario: rounds nothing
    time_risk: Fraction
    price_risk: Fraction
    weighted_price_risk: Fraction  # price risk per unit of net delta
    spreads: Fraction
    intermonth_atoms: int
    credit_atoms: int
    minimum_atoms: int
    risk_atoms: int
    option_value_atoms: int
    requirement_atoms: int


def points_of(range_money: Fraction, *, value_per_point: Fraction) -> Fraction:
    """A price scan range in money as points of the contract. InputError if a point is worth nothing."""
    if value_per_point <= 0:
        raise InputError.at("value_per_point", f"is {value_per_point}", "Give what one point is worth.")
    return range_money / value_per_point


def risk_array(contract: SpanContract, rules: SpanRules, *, decimals: int) -> tuple[int, ...]:
    """Loss of one long contract in each scenario, in atoms. InputError: a scenario without a price."""
    today = _value(contract, NONE, 0, NONE, decimals)
    ahead, losses = rules.look_ahead_years, []
    for thirds in THIRDS:
        move = rules.price_scan_range * thirds / 3
        for side in (1, -1):
            losses.append(today - _value(contract, move, side, ahead, decimals, rules))
    for side in (1, -1):
        move = rules.price_scan_range * rules.extreme_multiple * side
        loss = today - _value(contract, move, 0, ahead, decimals, rules)
        losses.append(-(-loss * rules.extreme_cover_ppb // PPB))
    return tuple(losses)


def composite_delta(contract: SpanContract, rules: SpanRules) -> Fraction:
    """Weighted mean of the deltas at the seven prices of the scan, at today's time and volatility."""
    if contract.kind == "future":
        return Fraction(1)
    total = NONE
    for thirds, weight in zip(THIRDS, rules.delta_weights_ppb):
        row = _row(contract, rules.price_scan_range * thirds / 3, 0, NONE, rules)
        total += Fraction(float(kernel.delta_of(row))) * weight
    return total / sum(rules.delta_weights_ppb)


def span_margin(
    positions: Sequence[tuple[SpanContract, int]],
    rules: SpanRules,
    *,
    decimals: int,
    credit_deltas: Fraction = NONE,
    credit_rate: Fraction = NONE,
) -> SpanStatement:
    """The requirement of whole contracts in one combined commodity.

    `credit_deltas` are the deltas spread against other commodities, credited at `credit_rate` of the weighted
    price risk. Requirement = max(scan + intermonth - credit, short option minimum) - net option value.
    """
    unit = 10**decimals
    arrays = {contract.name: risk_array(contract, rules, decimals=decimals) for contract, _ in positions}
    deltas = {contract.name: composite_delta(contract, rules) for contract, _ in positions}
    losses = tuple(
        sum(size * arrays[contract.name][place] for contract, size in positions) for place in range(SCENARIOS)
    )
    months: dict[str, Fraction] = {}
    for contract, size in positions:
        months[contract.month] = months.get(contract.month, NONE) + size * deltas[contract.name]
    net = sum(months.values(), NONE)
    worst = max(losses)
    active = losses.index(worst)
    paired = active ^ 1 if active < 14 else active  # 15 and 16 pair with themselves
    adjusted, time_risk = Fraction(losses[active] + losses[paired], 2), Fraction(losses[0] + losses[1], 2)
    price_risk = adjusted - time_risk
    weighted = max(price_risk / abs(net), NONE) if net else NONE
    spreads = _spreads(months)
    intermonth = _up(spreads * rules.intermonth_e9 * unit / PPB)
    credit = int(weighted * credit_deltas * credit_rate // 1)
    shorts = sum(-size for contract, size in positions if contract.kind == "option" and size < 0)
    minimum = _up(Fraction(shorts * rules.short_option_minimum_e9 * unit, PPB))
    options = [(contract, size) for contract, size in positions if contract.kind == "option"]
    value = sum(size * _value(contract, NONE, 0, NONE, decimals) for contract, size in options)
    risk = max(max(worst, 0) + intermonth - credit, minimum)
    return SpanStatement(
        arrays=arrays,
        deltas=deltas,
        month_deltas=months,
        net_delta=net,
        losses_atoms=losses,
        active_scenario=active + 1,
        scan_atoms=max(worst, 0),
        adjusted_scan=adjusted,
        time_risk=time_risk,
        price_risk=price_risk,
        weighted_price_risk=weighted,
        spreads=spreads,
        intermonth_atoms=intermonth,
        credit_atoms=credit,
        minimum_atoms=minimum,
        risk_atoms=risk,
        option_value_atoms=value,
        requirement_atoms=risk - value,
    )


def _spreads(months: dict[str, Fraction]) -> Fraction:
    """Deltas of opposite sign that stand against each other between months."""
    long = sum((delta for delta in months.values() if delta > 0), NONE)
    short = sum((-delta for delta in months.values() if delta < 0), NONE)
    return min(long, short)


def _up(atoms: Fraction) -> int:
    return -int(-atoms // 1)


def _row(
    contract: SpanContract, move: Fraction, vol_side: int, ahead: Fraction, rules: SpanRules | None
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """One contract's columns with price, volatility and time moved."""
    price = float(Fraction(contract.price) + move)
    shift = rules.vol_scan_ppb / PPB * vol_side if rules is not None else 0.0
    if not price > 0.0:
        raise InputError.at(
            contract.name, f"has no positive price in a scenario ({price:g})", "Give a narrower scan range."
        )
    row = np.zeros(len(kernel.CONTRACT), dtype=np.float64)
    row[kernel.CON_KIND], row[kernel.CON_FORWARD], row[kernel.CON_DF] = kernel.OPTION, price, 1.0
    row[kernel.CON_STRIKE], row[kernel.CON_CALL] = contract.strike, float(contract.is_call)
    row[kernel.CON_YEARS] = max(contract.years - float(ahead), 0.0)
    row[kernel.CON_VOL] = max(contract.vol + shift, 0.0)
    return row


def _value(
    contract: SpanContract,
    move: Fraction,
    vol_side: int,
    ahead: Fraction,
    decimals: int,
    rules: SpanRules | None = None,
) -> int:
    """Value of one contract in atoms; a future's is the change of its price."""
    row = _row(contract, move, vol_side, ahead, rules)
    if contract.kind == "future":
        return round(move * 10**decimals)
    value = float(kernel.value_of(row, 1.0, 1.0, 0))
    if not value < np.inf:
        raise NumberError(f"{contract.name}: its value is no finite number\n  Check price, strike and vol.")
    return round(Fraction(value) * 10**decimals)
