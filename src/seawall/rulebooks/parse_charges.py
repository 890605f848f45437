"""The charges of a portfolio rulebook: one table per charge, its `kind` says which keys it has.

Rates round up, moves are exact, money is 1e-9 of the numeraire.
"""

from __future__ import annotations

from collections.abc import Callable

from seawall.instruments.model import Asset
from seawall.margin.portfolio import charges as rule
from seawall.rulebooks.reader import Table
from seawall.units import PPB

Read = Callable[[str, Table, Asset], rule.Charge]


def read_charges(table: Table, money: Asset) -> tuple[rule.Charge, ...]:
    """Every charge of one underlying, by name."""
    found = []
    for name in table.names():
        entry = table.table(name)
        kind = entry.choice("kind", sorted(_READERS))
        found.append(_READERS[kind](name, entry, money))
        entry.done()
    return tuple(found)


def _worst_loss(name: str, table: Table, money: Asset) -> rule.Charge:
    return rule.WorstLoss(name=name, sets=table.texts("sets"))


def _forward_move(name: str, table: Table, money: Asset) -> rule.Charge:
    return rule.ForwardMove(
        name=name,
        up_ppb=table.rate("up", signed=True),
        down_ppb=table.rate("down", signed=True),
        add_ppb=table.rate("add"),
        mult_ppb=table.rate("per_year"),
    )


def _roll_shock(name: str, table: Table, money: Asset) -> rule.Charge:
    return rule.RollShock(name=name, minimum_ppb=table.rate("minimum"), annual_ppb=table.rate("annual"))


def _delta_shock(name: str, table: Table, money: Asset) -> rule.Charge:
    """`slope` is the rate per million of the numeraire above the threshold."""
    return rule.DeltaShock(
        name=name,
        threshold_usd_e9=table.amount("threshold", money),
        slope_e18=table.rate("slope_per_million") * PPB // 1_000_000,
        cap_ppb=table.rate("cap"),
    )


def _size(name: str, table: Table, money: Asset) -> rule.Charge:
    kinds = table.texts("of")
    for kind in kinds:
        if kind not in ("option", "future", "perpetual"):
            table.refuse("of", f"has {kind!r}", "Use option, future or perpetual.")
    return rule.SizeCharge(name=name, kinds=kinds, rate_ppb=table.rate("rate"))  # type: ignore[arg-type]


def _naked_shorts(name: str, table: Table, money: Asset) -> rule.Charge:
    return rule.NakedShorts(name=name, rate_ppb=table.rate("rate"))


def _haircut(name: str, table: Table, money: Asset) -> rule.Charge:
    rates = table.table("rates")
    found = {asset: rates.rate(asset) for asset in rates.names()}
    rates.done()
    return rule.Haircut(name=name, rates_ppb=found)


def _confidence(name: str, table: Table, money: Asset) -> rule.Charge:
    assets = table.table("assets", optional=True)
    found = {asset: assets.rate(asset) for asset in assets.names()}
    assets.done()
    return rule.Confidence(
        name=name,
        threshold_ppb=table.rate("threshold"),
        factor_ppb=table.rate("factor"),
        assets_ppb=found,
    )


def _minimum_delta(name: str, table: Table, money: Asset) -> rule.Charge:
    return rule.MinimumDelta(name=name, unhedged_ppb=table.rate("unhedged"), hedged_ppb=table.rate("hedged"))


def _delta_cost(name: str, table: Table, money: Asset) -> rule.Charge:
    steps = []
    for row in table.tables("steps", optional=True):
        end = row.amount("up_to", money) if row.has("up_to") else None
        steps.append(rule.Step(up_to_usd_e9=end, times_ppb=row.rate("times")))
        row.done()
    return rule.DeltaCost(name=name, rate_ppb=table.rate("rate"), steps=tuple(steps))


def _given(name: str, table: Table, money: Asset) -> rule.Charge:
    return rule.Given(name=name)


_READERS: dict[str, Read] = {
    "worst_loss": _worst_loss,
    "forward_move": _forward_move,
    "roll_shock": _roll_shock,
    "delta_shock": _delta_shock,
    "size": _size,
    "naked_shorts": _naked_shorts,
    "haircut": _haircut,
    "confidence": _confidence,
    "minimum_delta": _minimum_delta,
    "delta_cost": _delta_cost,
    "given": _given,
}
