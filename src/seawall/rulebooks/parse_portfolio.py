"""The [portfolio] part of a rulebook file: levels, underlyings, scenarios, shocks, netting, charges.

Moves, rates, weights and powers are ppb, money 1e-9 of the numeraire. Requirement rates round up; moves and
weights are given exactly. A set of scenarios is a list of grids: every spot move with every volatility move,
`weight` for all or `weights` one per spot move, or `extended` (Deribit's rule for moves beyond its range).
"""

from __future__ import annotations

from seawall.errors import NumberError, RulebookError
from seawall.instruments.model import Asset
from seawall.margin.portfolio.inputs import KINDS, Kind
from seawall.margin.portfolio.model import (
    PPB,
    Discount,
    Netting,
    PortfolioLevel,
    PortfolioRules,
    Scenario,
    Skew,
    UnderlyingRules,
    VolMove,
    VolShock,
    extended,
)
from seawall.rulebooks.parse_charges import read_charges
from seawall.rulebooks.reader import Table, join
from seawall.units import parse_ppb

VOLS: tuple[VolMove, ...] = ("same", "up", "down", "skew_linear", "skew_absolute")
MONEY_DECIMALS = 9


def read_portfolio(table: Table, numeraire: str) -> PortfolioRules:
    """The rules of the section; contradictions between values are `check_portfolio`'s business."""
    money = Asset(name=numeraire, decimals=MONEY_DECIMALS)
    levels = table.table("levels")
    rules = PortfolioRules(
        numeraire=numeraire,
        account=table.choice("account", ("sum", "shared"), "sum"),
        levels=tuple(_read_level(name, levels.table(name)) for name in levels.names()),
        underlyings={name: _read_underlying(own, money) for name, own in table.table("underlyings").alike()},
    )
    table.done()
    return rules


def _read_level(name: str, table: Table) -> PortfolioLevel:
    level = PortfolioLevel(
        name=name,
        factor_ppb=table.rate("factor", PPB),
        depeg_slope_ppb=table.rate("depeg_slope", 0),
        depeg_below_ppb=table.rate("depeg_below", 0),
        largest=table.texts("largest"),
        plus=table.texts("plus", []),
        then=table.texts("then", []),
    )
    table.done()
    return level


def _read_underlying(table: Table, money: Asset) -> UnderlyingRules:
    sets = table.table("scenarios")
    rules = UnderlyingRules(
        scenarios={name: _read_set(sets, name, money) for name in sets.names()},
        vol=_read_vol(table.table("vol", optional=True)),
        skew=_read_skew(table.table("skew")) if table.has("skew") else None,
        discount=_read_discount(table.table("discount")) if table.has("discount") else None,
        coin=table.choice("settle", ("quote", "coin"), "quote") == "coin",
        futures_move=table.choice("futures_move", ("mark", "index"), "mark"),
        shocked=table.texts("shocked", []),
        covers=_read_covers(table),
        expiry_netting=_read_netting(table.table("expiry_netting", optional=True), money),
        netting=_read_netting(table.table("netting", optional=True), money),
        charges=read_charges(table.table("charges"), money),
    )
    table.done()
    return rules


def _read_covers(table: Table) -> tuple[Kind, ...]:
    """Kinds of contract these rules are known for; all of them unless told."""
    covers = table.texts("covers", list(KINDS))
    for kind in covers:
        if kind not in KINDS:
            table.refuse("covers", f"has {kind!r}", f"Use some of {', '.join(KINDS)}.")
    return covers  # type: ignore[return-value]


def _read_set(sets: Table, name: str, money: Asset) -> tuple[Scenario, ...]:
    found: list[Scenario] = []
    for grid in sets.tables(name):
        found += _read_grid(grid, money)
    return tuple(found)


def _read_grid(table: Table, money: Asset) -> list[Scenario]:
    moves, vols = _rates(table, "spot"), table.texts("vol")
    for vol in vols:
        if vol not in VOLS:
            table.refuse("vol", f"has {vol!r}", f"Use one of {', '.join(VOLS)}.")
    if table.has("extended"):
        found = [
            scenario
            for move in moves
            for scenario in _read_extended(table.table("extended"), move, vols, money)
        ]
    else:
        found = [
            Scenario(spot_ppb=move, vol=vol, weight_ppb=weight)  # type: ignore[arg-type]
            for move, weight in zip(moves, _weights(table, len(moves)))
            for vol in vols
        ]
    table.done()
    return found


def _weights(table: Table, count: int) -> list[int]:
    if not table.has("weights"):
        return [table.rate("weight", PPB)] * count
    weights = _rates(table, "weights")
    if table.has("weight") or len(weights) != count:
        table.refuse(
            "weights", f"has {len(weights)} entries for {count} spot moves", "Give one weight per spot move."
        )
    return weights


def _read_extended(table: Table, move: int, vols: tuple[str, ...], money: Asset) -> list[Scenario]:
    """Scenarios of one move beyond the range."""
    reach, factor = table.rate("range"), table.rate("factor", PPB)
    dampener = table.amount("dampener", money)
    table.done()
    if not 0 < reach < PPB:
        table.refuse("range", f"is {reach / PPB:g}", "Give a range above 0 % and below 100 %.")
    if abs(move) < reach:
        table.refuse("range", "is wider than a move of the extended set", "Put that move into the grid.")
    shape = {"reach_ppb": reach, "factor_ppb": factor, "dampener_usd_e9": dampener}
    return [extended(move, vol=vol, **shape) for vol in vols]  # type: ignore[arg-type]


def _rates(table: Table, key: str) -> list[int]:
    """A list of signed rates like '-16 %', exact in ppb."""
    place = f"{table.page.file}: {join(table.path, key)}"
    found = []
    for number, text in enumerate(table.texts(key)):
        if not text.strip().endswith(("%", "x", "bp")):
            table.refuse(key, f"has {text!r}, which is not a rate", "Write it like '-16 %'.")
        try:
            found.append(parse_ppb(text, where=f"{place}[{number}]"))
        except NumberError as error:
            raise RulebookError(str(error)) from None
    return found


def _read_vol(table: Table) -> VolShock:
    kind = table.choice("kind", ("relative", "absolute"), "relative")
    shock = VolShock(
        kind=kind,
        up_ppb=table.rate("up", 0),
        down_ppb=table.rate("down", 0),
        short_power_ppb=table.rate("short_power", 0),
        long_power_ppb=table.rate("long_power", 0),
        reference_days=table.count("reference_days", 30, least=1),
        floor_days_ppb=PPB * table.count("floor_days", 0),
        up_floor_ppb=table.rate("up_floor", 0),
    )
    table.done()
    return shock


def _read_skew(table: Table) -> Skew:
    names = ("linear_base", "linear_slope", "absolute_base", "absolute_slope",
             "least_width", "width", "static", "scale")  # fmt: skip
    skew = Skew(**{f"{name}_ppb": table.rate(name, signed=True) for name in names})
    table.done()
    return skew


def _read_discount(table: Table) -> Discount:
    only = table.flag("only_positive")
    discount = Discount(
        long_base_ppb=table.rate("long_base", rounding="down"),
        long_rate_factor_ppb=table.rate("long_rate_factor"),
        long_add_ppb=table.rate("long_add"),
        short_base_ppb=table.rate("short_base", PPB if only else None),
        short_rate_factor_ppb=table.rate("short_rate_factor", 0 if only else None),
        short_add_ppb=table.rate("short_add", 0 if only else None),
        only_positive=only,
    )
    table.done()
    return discount


def _read_netting(table: Table, money: Asset) -> Netting:
    netting = Netting(
        gain_share_ppb=table.rate("gain_share", PPB, rounding="down"),
        gain_cap_usd_e9=table.amount("gain_cap", money) if table.has("gain_cap") else None,
    )
    table.done()
    return netting
