"""Margin rules as flat arrays for the kernels, and the market view they read.

Built once per rulebook version; holds nothing the rules do not say. Rates ppb, amounts atoms,
sizes lots. Tier deductions are rounded down, so a requirement is never understated.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import gcd
from typing import Any, NamedTuple

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
from seawall.margin.option_schedule import OPTION_KIND, listing_terms, option_row
from seawall.margin.rules import InstrumentMargin, MarginRules, Schedule, Tier, Weight
from seawall.units import PPB

I64 = NDArray[np.int64]

_KINDS = {"tiers": TIERS, "steps": STEPS, "size_linear": SIZE_LINEAR, "size_sqrt": SIZE_SQRT}
_KINDS["option"] = OPTION_KIND
_OPTION_VALUES = {"full": 0, "none": 1, "long": 2}
_PRICES = {"mark": PRICE_MARK, "index": PRICE_INDEX, "strict": PRICE_STRICT}
_FEES = {"none": FEE_NONE, "mark": FEE_MARK, "bankruptcy": FEE_BANKRUPTCY}


class MarketView:
    """Prices as the kernels read them: a row per instrument, columns as in layout.MARKET, all int64.

    Prices ticks; `usable` = fit to value with, 0 or 1; `oi_lots` one side. Columns are views into the table.
    """

    COLUMNS = layout.MARKET
    __slots__ = ("table", *layout.MARKET)
    mark: I64
    index_price: I64
    stable: I64
    confidence: I64
    usable: I64
    oi_lots: I64

    def __init__(self, instruments: int, **columns: NDArray[Any]) -> None:
        """A table of `instruments` rows; columns that are not given are 0."""
        # Eight columns, so that a row is one cache line.
        self.table: I64 = np.zeros((instruments, 8), np.int64)
        for place, name in enumerate(layout.MARKET):
            setattr(self, name, self.table[:, place])
        for name, column in columns.items():
            getattr(self, name)[:] = column

    def replaced(self, **columns: NDArray[Any]) -> MarketView:
        """A copy in which these columns are others."""
        kept = {name: getattr(self, name) for name in layout.MARKET if name not in columns}
        return MarketView(len(self.table), **kept, **columns)


class RulesView(NamedTuple):
    """Margin rules as one int64 table for the kernels (layout: kernels.layout), and its sections by name.

    Rows: schedules [schedule * instruments + instrument], levels [level], listing [instrument],
    weights [weight set * assets + asset], collateral [asset]. Tiers go by their row in the whole table.
    """

    table: I64
    instruments: int
    assets: int
    settlement_scope: bool
    numeraire: int  # asset that cross pots of scope "account" are margined in
    schedules: I64
    levels: I64
    weights: I64
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
    if not rules.instruments:  # a venue of options of which none is listed yet
        names = sorted({level.schedule for level in rules.levels})
    schedules = {name: row for row, name in enumerate(names)}
    sets = sorted(rules.weights)
    asset_row = {asset.name: row for row, asset in enumerate(assets)}
    # Tiers come last: where they start is known before they are laid out, so rows can name them.
    tiers: Rows = []
    sizes = (len(rules.levels), len(names) * len(instruments), len(sets) * len(assets))
    starts = [1]
    for size in (*sizes, len(instruments), len(assets)):
        starts.append(starts[-1] + size)
    schedule_rows = _schedule_rows(names, instruments, rules, asset_row, tiers, starts[-1])
    weight_rows, floors = _weight_rows(sets, assets, rules, starts[-1] + len(tiers))
    header = (
        len(instruments),
        len(assets),
        rules.scope == "settlement",
        asset_row.get(rules.numeraire, -1),
        *starts,
        starts[-1] + len(tiers),
    )
    options = listing_terms(instruments, {asset.name: asset for asset in assets})
    listing = [
        (i.kind.inverse, i.value_num, asset_row[i.settle], max(i.taker_fee_ppb, 0), *terms)
        for i, terms in zip(instruments, options, strict=True)
    ]
    levels = _level_rows(rules, schedules, {name: row for row, name in enumerate(sets)})
    collateral = _collateral_rows(assets, instruments, rules)
    table = _table([header, *levels, *schedule_rows, *weight_rows, *listing, *collateral, *tiers, *floors])
    sections = [table[start:end] for start, end in pairwise(starts)]
    view = RulesView(
        table=table,
        instruments=len(instruments),
        assets=len(assets),
        settlement_scope=rules.scope == "settlement",
        numeraire=asset_row.get(rules.numeraire, -1),
        levels=sections[0],
        schedules=sections[1],
        weights=sections[2],
        listing=sections[3],
        collateral=sections[4],
    )
    return CompiledMargin(view, {level.name: row for row, level in enumerate(rules.levels)}, schedules)


def demand_levels(rules: MarginRules) -> tuple[str, ...]:
    """Levels whose requirement a portfolio rule asks, in the order in which a book keeps their demands."""
    return tuple(level.name for level in rules.levels if level.portfolio)


Rows = list[tuple[int, ...]]


def _table(rows: Rows) -> I64:
    """Rows of any width up to layout.WIDTH as one int64 table."""
    table = np.zeros((len(rows), layout.WIDTH), np.int64)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table


def _schedule_rows(
    names: list[str],
    instruments: tuple[Instrument, ...],
    rules: MarginRules,
    settle_row: dict[str, int],
    tiers: Rows,
    first: int,
) -> Rows:
    """A row per schedule and instrument; their tiers are appended to `tiers`, whose first row is `first`."""
    table: Rows = []
    known: dict[tuple[Tier, ...], int] = {}
    for name in names:
        for instrument in instruments:
            margin = rules.instruments.get(instrument.name)
            s = margin.schedules.get(name, Schedule()) if margin else Schedule()
            if instrument.kind.option or s.kind == "option":
                table.append(_option_schedule(name, instrument, margin, names, tiers, first))
                continue
            rows = s.tiers or (Tier(floor_atoms=0, rate_ppb=PPB),)
            if rows not in known:  # the same tiers stand once: fewer lines of cache
                known[rows] = first + len(tiers)
                tiers += [
                    (t.floor_atoms, t.rate_ppb, d) for t, d in zip(rows, tier_deductions(rows), strict=True)
                ]
            start = known[rows]
            plain = (
                s.kind == "tiers"
                and s.basis == "mark"
                and not (s.oi_upper_lots or s.use_leverage or instrument.kind.inverse)
                and all(a.rate_ppb <= b.rate_ppb for a, b in pairwise(rows))
                and rows[0].rate_ppb >= 0
                and rows[-1].rate_ppb <= PPB
                and instrument.taker_fee_ppb <= PPB
                and 0 <= s.floor_atoms < 2**52
            )
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
                    start + len(rows),
                    settle_row[instrument.settle] + 1 if plain else 0,
                )
            )
    return table


def _option_schedule(
    name: str,
    instrument: Instrument,
    margin: InstrumentMargin | None,
    names: list[str],
    tiers: Rows,
    first: int,
) -> tuple[int, ...]:
    """The row of an option's schedule; its terms are appended to `tiers`."""
    given = margin.schedules.get(name) if margin else None
    if given is not None and instrument.kind.option != (given.kind == "option"):
        raise RulebookError(
            f"margin.instruments.{instrument.name}.{name}: a schedule of kind {given.kind!r}\n"
            "  Options have schedules of kind 'option', and nothing else has."
        )
    place = first + len(tiers)
    tiers.append(option_row(given.option if given else None, instrument, names))
    row = [0] * len(layout.SCHEDULE)
    row[layout.SCH_KIND], row[layout.SCH_TIER_START], row[layout.SCH_TIER_END] = OPTION_KIND, place, place + 1
    return tuple(row)


def _level_rows(rules: MarginRules, schedules: dict[str, int], weights: dict[str, int]) -> Rows:
    table: Rows = []
    demands = {name: place for place, name in enumerate(demand_levels(rules))}
    for level in rules.levels:
        if level.schedule not in schedules or level.weights not in weights:
            raise RulebookError(
                f"margin.levels.{level.name}: schedule {level.schedule!r} or weights {level.weights!r} "
                "do not exist\n"
                f"  Schedules: {', '.join(schedules)}. Weight sets: {', '.join(weights)}."
            )
        plain = (
            level.price != "strict"
            and level.close_fee != "bankruptcy"
            and level.confidence_factor_ppb == 0
            and max(level.factor_ppb, level.min_notional_ppb, level.min_total_ppb) <= 2 * PPB
            and max(level.flat_atoms, level.order_atoms) < 2**40
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
                _OPTION_VALUES[level.option_value],
                level.unpaired_ppb if level.max_loss else -1,
                demands.get(level.name, -1),
                plain and level.name not in demands,
            )
        )
    return table


def _weight_rows(
    sets: list[str], assets: tuple[Asset, ...], rules: MarginRules, first: int
) -> tuple[Rows, Rows]:
    """A row per weight set and asset, and their tiers, whose first row is `first`."""
    table: Rows = []
    tiers: Rows = []
    for name in sets:
        for asset in assets:
            w = rules.weights[name].get(asset.name, Weight(tiers=()))
            start = first + len(tiers)
            tiers += [(tier.floor_atoms, tier.weight_ppb) for tier in w.tiers]
            whole = (
                tuple((t.floor_atoms, t.weight_ppb) for t in w.tiers) == ((0, PPB),)
                and w.liability_ppb == PPB
                and not (w.cap_atoms or w.cap_value_atoms or w.sqrt_ppb)
            )
            table.append(
                (
                    start,
                    first + len(tiers),
                    w.liability_ppb,
                    w.cap_atoms,
                    w.sqrt_ppb,
                    w.sqrt_top_ppb,
                    w.cap_value_atoms,
                    whole,
                )
            )
    return table, tiers


def _collateral_rows(
    assets: tuple[Asset, ...], instruments: tuple[Instrument, ...], rules: MarginRules
) -> Rows:
    """(num, den) with: numeraire atoms = asset atoms * ticks * num / den."""
    row = {instrument.name: index for index, instrument in enumerate(instruments)}
    unit = next((a.atoms_per_unit for a in assets if a.name == rules.numeraire), 1)
    table: Rows = []
    for asset in assets:
        name = rules.collateral.get(asset.name, "")
        tick = instruments[row[name]].tick_units if name else Fraction(1)
        num, den = tick.numerator * unit, tick.denominator * asset.atoms_per_unit
        common = gcd(num, den)
        table.append((row[name] if name else -1, num // common, den // common, asset.atoms_per_unit))
    return table
