"""The [margin] part of a rulebook file: scope, collateral, weights, schedules and levels.

Rates ppb, notionals atoms of the instrument's settlement asset, collateral sizes atoms of the asset.
Requirement rates and liability weights round up, collateral weights round down.
"""

from __future__ import annotations

import re

from seawall.instruments.model import Asset, Instrument
from seawall.margin.portfolio.model import PortfolioRules
from seawall.margin.rules import InstrumentMargin, Level, MarginRules, Schedule, Tier, Weight, WeightTier
from seawall.rulebooks.reader import Table
from seawall.units import PPB, parse_ppb

_REQUIREMENT = re.compile(r"^(?:(?P<factor>[0-9_.]+(?:/[0-9_]+)?)\s*x\s+)?(?P<schedule>[A-Za-z_][\w-]*)$")
_KEYS_OF_KIND = {
    "tiers": ("tiers", "rate"),
    "steps": ("base", "step_from", "step_size", "step_rate"),
    "size_linear": ("base", "slope", "size_unit"),
    "size_sqrt": ("base", "slope", "size_unit", "sqrt_scale"),
}


def read_margin(
    table: Table,
    assets: dict[str, Asset],
    instruments: dict[str, Instrument],
    numeraire: Asset,
    portfolio: PortfolioRules | None = None,
) -> MarginRules:
    weight_sets = table.table("weights")
    levels = table.table("levels")
    rules = MarginRules(
        scope=table.choice("scope", ("account", "settlement")),
        numeraire=numeraire.name,
        collateral=_read_collateral(table.table("collateral"), assets),
        weights={
            name: _read_weights(weight_sets.table(name), assets, numeraire) for name in weight_sets.names()
        },
        instruments=_read_instruments(table.table("instruments", optional=True), assets, instruments),
        levels=tuple(_read_level(name, levels.table(name), numeraire, portfolio) for name in levels.names()),
        portfolio=portfolio,
        quotes_max_age_ns=table.duration("quotes_max_age", 0),
    )
    table.done()
    return rules


def _read_collateral(table: Table, assets: dict[str, Asset]) -> dict[str, str]:
    """asset = "INSTRUMENT" that prices it, or "itself" for an asset that is a unit of account."""
    collateral = {}
    for name in table.names():
        _known(table, name, assets)
        priced_by = table.text(name)
        collateral[name] = "" if priced_by == "itself" else priced_by
    return collateral


def _read_weights(table: Table, assets: dict[str, Asset], numeraire: Asset) -> dict[str, Weight]:
    return {
        name: _read_weight(table.table(name), _known(table, name, assets), numeraire)
        for name in table.names()
    }


def _known(table: Table, name: str, assets: dict[str, Asset]) -> Asset:
    if name not in assets:
        table.refuse(
            name,
            "is an asset this rulebook does not have",
            f"Add it under [assets] or use one of {', '.join(sorted(assets))}.",
        )
    return assets[name]


def _read_weight(table: Table, asset: Asset, numeraire: Asset) -> Weight:
    if table.has("weight"):
        if table.has("tiers"):
            table.refuse("weight", "stands beside 'tiers'", "Give either one weight, or tiers by size.")
        rate_ppb = table.rate("weight", rounding="down")
        tiers: tuple[WeightTier, ...] = (WeightTier(floor_atoms=0, weight_ppb=rate_ppb),)
    else:
        tiers = tuple(_read_weight_tier(row, asset) for row in table.tables("tiers"))
    weight = Weight(
        tiers=tiers,
        liability_ppb=table.rate("liability", PPB),
        cap_atoms=table.amount("cap", asset, 0),
        cap_value_atoms=table.amount("cap_value", numeraire, 0),
        sqrt_ppb=table.rate("size_discount", 0),
        sqrt_top_ppb=table.rate("size_discount_top", 1_100_000_000),
    )
    table.done()
    return weight


def _read_weight_tier(row: Table, asset: Asset) -> WeightTier:
    tier = WeightTier(floor_atoms=row.amount("from", asset), weight_ppb=row.rate("weight", rounding="down"))
    row.done()
    return tier


def _read_instruments(
    section: Table, assets: dict[str, Asset], instruments: dict[str, Instrument]
) -> dict[str, InstrumentMargin]:
    result = {}
    for name, table in section.alike():
        if name not in instruments:
            section.refuse(
                name,
                "is an instrument this rulebook does not have",
                "Add it under [instruments] or remove it.",
            )
        instrument = instruments[name]
        settle = assets[instrument.settle]
        result[name] = InstrumentMargin(
            schedules={key: _read_schedule(table.table(key), instrument, settle) for key in table.names()}
        )
    return result


def _read_schedule(table: Table, instrument: Instrument, settle: Asset) -> Schedule:
    kind = table.choice("kind", _KEYS_OF_KIND, "tiers")
    for other, keys in _KEYS_OF_KIND.items():
        for key in keys:
            if other != kind and key not in _KEYS_OF_KIND[kind] and table.has(key):
                table.refuse(
                    key,
                    f"belongs to kind '{other}', and this schedule is '{kind}'",
                    f"Kind '{kind}' has {', '.join(_KEYS_OF_KIND[kind])}.",
                )
    ramp = table.table("open_interest", optional=True)
    sized = kind in ("size_linear", "size_sqrt")
    schedule = Schedule(
        kind=kind,
        basis=table.choice("basis", ("mark", "entry"), "mark"),
        tiers=_read_tiers(table, settle) if kind == "tiers" else (),
        base_ppb=table.rate("base") if kind != "tiers" else 0,
        step_base_atoms=table.amount("step_from", settle) if kind == "steps" else 0,
        step_size_atoms=table.amount("step_size", settle) if kind == "steps" else 1,
        step_rate_ppb=table.rate("step_rate") if kind == "steps" else 0,
        slope_ppb=table.rate("slope") if sized else 0,
        size_unit_lots=table.lots("size_unit", instrument) if sized else 1,
        sqrt_scale_ppb=table.rate("sqrt_scale") if kind == "size_sqrt" else 0,
        oi_lower_lots=ramp.lots("lower", instrument) if table.has("open_interest") else 0,
        oi_upper_lots=ramp.lots("upper", instrument) if table.has("open_interest") else 0,
        use_leverage=table.flag("use_leverage"),
        floor_atoms=table.amount("floor", settle, 0),
        max_leverage=table.count("max_leverage", 0),
    )
    ramp.done()
    table.done()
    return schedule


def _read_tiers(table: Table, settle: Asset) -> tuple[Tier, ...]:
    """`rate` alone is one tier from 0."""
    if table.has("rate"):
        if table.has("tiers"):
            table.refuse("rate", "stands beside 'tiers'", "Give either one rate, or tiers by notional.")
        return (Tier(floor_atoms=0, rate_ppb=table.rate("rate")),)
    tiers = []
    for row in table.tables("tiers"):
        tiers.append(Tier(floor_atoms=row.amount("from", settle), rate_ppb=row.rate("rate")))
        row.done()
    return tuple(tiers)


def _read_level(name: str, table: Table, numeraire: Asset, portfolio: PortfolioRules | None) -> Level:
    text = table.text("requirement")
    match = _REQUIREMENT.match(text.strip())
    if match is None:
        table.refuse(
            "requirement",
            f"is {text!r}, which is not a schedule with a factor",
            "Write the name of a schedule, 'maintenance', or a multiple, '1.2 x maintenance'.",
        )
    factor, place = match["factor"], f"{table.page.file}: {table.path}.requirement"
    level = Level(
        name=name,
        schedule=match["schedule"],
        factor_ppb=parse_ppb(f"{factor} x", where=place) if factor else PPB,
        min_notional_ppb=table.rate("min_of_notional", 0),
        min_total_ppb=table.rate("min_of_total", 0),
        weights=table.text("weights"),
        price=table.choice("price", ("mark", "index", "strict"), "mark"),
        profit=table.choice("profit", ("full", "losses_only"), "full"),
        orders=table.flag("orders"),
        close_fee=table.choice("close_fee", ("none", "mark", "bankruptcy"), "none"),
        confidence_factor_ppb=table.rate("confidence_factor", 0),
        flat_atoms=table.amount("flat", numeraire, 0),
        order_atoms=table.amount("per_order", numeraire, 0),
        portfolio=table.text("portfolio", ""),
        option_value=table.choice("option_value", ("full", "none", "long"), "full"),
        max_loss=table.flag("max_loss"),
        unpaired_ppb=table.rate("unpaired", 0),
    )
    _check_portfolio_level(table, level, portfolio)
    table.done()
    return level


def _check_portfolio_level(table: Table, level: Level, portfolio: PortfolioRules | None) -> None:
    if not level.portfolio:
        return
    names = [] if portfolio is None else [known.name for known in portfolio.levels]
    if level.portfolio not in names:
        table.refuse(
            "portfolio",
            f"is {level.portfolio!r}, which is no level of [portfolio]",
            f"Name one of these: {', '.join(names)}."
            if names
            else "Add a section [portfolio] with its levels.",
        )
