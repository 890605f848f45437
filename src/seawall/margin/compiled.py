"""Margin rules as flat arrays for the kernels, and the market view they read.

Built once per rulebook version; holds nothing the rules do not say. Rates ppb, amounts atoms,
sizes lots. Tier deductions are rounded down, so a requirement is never understated.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.errors import RulebookError
from seawall.instruments.model import Asset, Instrument
from seawall.kernels import layout
from seawall.kernels.position import (
    FEE_BANKRUPTCY,
    FEE_MARK,
    FEE_NONE,
    PRICE_INDEX,
    PRICE_MARK,
    PRICE_STRICT,
    SIZE_LINEAR,
    SIZE_SQRT,
    STEPS,
    TIERS,
)
from seawall.margin.rules import MarginRules, Schedule, Tier, Weight
from seawall.units import PPB

I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

_KINDS = {"tiers": TIERS, "steps": STEPS, "size_linear": SIZE_LINEAR, "size_sqrt": SIZE_SQRT}
_PRICES = {"mark": PRICE_MARK, "index": PRICE_INDEX, "strict": PRICE_STRICT}
_FEES = {"none": FEE_NONE, "mark": FEE_MARK, "bankruptcy": FEE_BANKRUPTCY}


class MarketView(NamedTuple):
    """Prices as the kernels read them: ticks by instrument; `usable` = fit to value with."""

    mark: I64
    index_price: I64
    stable: I64
    confidence: I64
    usable: U8
    oi_lots: I64


class RulesView(NamedTuple):
    """Margin rules as int64 tables; columns are named in kernels.layout.

    Rows: schedules [schedule * instruments + instrument], levels [level],
    weights [weight set * assets + asset], listing [instrument], collateral [asset];
    tiers and weight_tiers are referred to by start and end.
    """

    instruments: int
    assets: int
    settlement_scope: bool
    numeraire: int  # asset that cross pots of scope "account" are margined in
    schedules: I64
    tiers: I64
    levels: I64
    weights: I64
    weight_tiers: I64
    listing: I64
    collateral: I64


class CompiledMargin(NamedTuple):
    """The arrays with the names that lead into them."""

    view: RulesView
    levels: dict[str, int]
    schedules: dict[str, int]


def tier_deductions(tiers: tuple[Tier, ...]) -> list[int]:
    """deduction_n = deduction_{n-1} + floor_n * (rate_n - rate_{n-1}), each rounded down.

    Source: Binance FAQ, "maintenance amount".
    """
    exact, deductions = Fraction(0), []
    for index, tier in enumerate(tiers):
        if index:
            exact += Fraction(tier.floor_atoms * (tier.rate_ppb - tiers[index - 1].rate_ppb), PPB)
        deductions.append(exact.numerator // exact.denominator)
    return deductions


def compile_margin(
    assets: tuple[Asset, ...], instruments: tuple[Instrument, ...], rules: MarginRules
) -> CompiledMargin:
    """Flatten. Raises RulebookError where the rules name something that is not there."""
    names = sorted({name for margin in rules.instruments.values() for name in margin.schedules})
    schedules = {name: row for row, name in enumerate(names)}
    weight_sets = {name: row for row, name in enumerate(sorted(rules.weights))}
    asset_row = {asset.name: row for row, asset in enumerate(assets)}
    schedule_table, tiers = _schedule_tables(names, instruments, rules)
    weight_table, weight_tiers = _weight_tables(sorted(rules.weights), assets, rules)
    listing = _table(
        layout.INSTRUMENT,
        [(i.kind.inverse, i.value_num, asset_row[i.settle], max(i.taker_fee_ppb, 0)) for i in instruments],
    )
    view = RulesView(
        instruments=len(instruments),
        assets=len(assets),
        settlement_scope=rules.scope == "settlement",
        numeraire=asset_row.get(rules.numeraire, -1),
        schedules=schedule_table,
        tiers=tiers,
        levels=_level_table(rules, schedules, weight_sets),
        weights=weight_table,
        weight_tiers=weight_tiers,
        listing=listing,
        collateral=_collateral_table(assets, instruments, rules),
    )
    return CompiledMargin(view, {level.name: row for row, level in enumerate(rules.levels)}, schedules)


def _table(columns: tuple[str, ...], rows: list[tuple[int, ...]]) -> I64:
    """Rows as an int64 table of the layout's width."""
    return np.array(rows, np.int64).reshape(len(rows), len(columns))


def _schedule_tables(
    names: list[str], instruments: tuple[Instrument, ...], rules: MarginRules
) -> tuple[I64, I64]:
    table: list[tuple[int, ...]] = []
    tiers: list[tuple[int, ...]] = []
    for name in names:
        for instrument in instruments:
            margin = rules.instruments.get(instrument.name)
            s = margin.schedules.get(name, Schedule()) if margin else Schedule()
            rows = s.tiers or (Tier(floor_atoms=0, rate_ppb=PPB),)
            start = len(tiers)
            tiers += [
                (t.floor_atoms, t.rate_ppb, d) for t, d in zip(rows, tier_deductions(rows), strict=True)
            ]
            table.append(
                (
                    _KINDS[s.kind],
                    s.basis == "entry",
                    s.base_ppb,
                    s.step_base_atoms,
                    s.step_size_atoms,
                    s.step_rate_ppb,
                    s.slope_ppb,
                    s.size_unit_lots,
                    s.sqrt_scale_ppb,
                    s.oi_lower_lots,
                    s.oi_upper_lots,
                    s.use_leverage,
                    s.floor_atoms,
                    start,
                    len(tiers),
                )
            )
    return _table(layout.SCHEDULE, table), _table(layout.TIER, tiers)


def _level_table(rules: MarginRules, schedules: dict[str, int], weights: dict[str, int]) -> I64:
    table: list[tuple[int, ...]] = []
    for level in rules.levels:
        if level.schedule not in schedules or level.weights not in weights:
            raise RulebookError(
                f"margin.levels.{level.name}: schedule {level.schedule!r} or weights {level.weights!r} "
                "do not exist\n"
                f"  Schedules: {', '.join(schedules)}. Weight sets: {', '.join(weights)}."
            )
        table.append(
            (
                schedules[level.schedule],
                level.factor_ppb,
                level.min_notional_ppb,
                weights[level.weights],
                _PRICES[level.price],
                level.profit == "losses_only",
                level.orders,
                _FEES[level.close_fee],
                level.confidence_factor_ppb,
                level.flat_atoms,
                level.order_atoms,
                level.min_total_ppb,
            )
        )
    return _table(layout.LEVEL, table)


def _weight_tables(sets: list[str], assets: tuple[Asset, ...], rules: MarginRules) -> tuple[I64, I64]:
    table: list[tuple[int, ...]] = []
    tiers: list[tuple[int, ...]] = []
    for name in sets:
        for asset in assets:
            w = rules.weights[name].get(asset.name, Weight(tiers=()))
            start = len(tiers)
            tiers += [(tier.floor_atoms, tier.weight_ppb) for tier in w.tiers]
            table.append(
                (
                    start,
                    len(tiers),
                    w.liability_ppb,
                    w.cap_atoms,
                    w.sqrt_ppb,
                    w.sqrt_top_ppb,
                    w.cap_value_atoms,
                )
            )
    return _table(layout.WEIGHT, table), _table(layout.WEIGHT_TIER, tiers)


def _collateral_table(
    assets: tuple[Asset, ...], instruments: tuple[Instrument, ...], rules: MarginRules
) -> I64:
    """(num, den) with: numeraire atoms = asset atoms * ticks * num / den."""
    row = {instrument.name: index for index, instrument in enumerate(instruments)}
    unit = next((a.atoms_per_unit for a in assets if a.name == rules.numeraire), 1)
    table: list[tuple[int, ...]] = []
    for asset in assets:
        name = rules.collateral.get(asset.name, "")
        tick = instruments[row[name]].tick_units if name else Fraction(1)
        num, den = tick.numerator * unit, tick.denominator * asset.atoms_per_unit
        common = gcd(num, den)
        table.append((row[name] if name else -1, num // common, den // common, asset.atoms_per_unit))
    return _table(layout.ASSET, table)
