"""What a table of tiers asks of a position of some value, and the deductions that make it continuous.

The position is opened at a price of one on a bench of its own; the requirement is read off its statement.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from seawall.conform.bench import Bench, level, make_rulebook, perpetual
from seawall.conform.grid import Grid, linear_grid
from seawall.conform.reading import rate_ppb
from seawall.instruments.model import Asset
from seawall.margin.compiled import tier_deductions
from seawall.margin.rules import Schedule, Tier

ONE = Fraction(1)


class TierRow(msgspec.Struct, frozen=True):
    """From this value upwards, this rate."""

    lower: Fraction
    rate: Fraction


def required(value: Fraction, table: list[TierRow], *, share: Fraction = ONE) -> Fraction:
    """What a level that asks `share` of these tiers requires of a position of this value."""
    grid = _grid(value, table)
    money = Asset(name="MONEY", decimals=grid.decimals)
    rules = make_rulebook(
        assets=(money,),
        instruments=(perpetual("X", money, lot=grid.lot, tick=grid.tick),),
        schedules={"X": {"asked": Schedule(tiers=_tiers(table, grid))}},
        levels=(level("asked", factor_ppb=rate_ppb(share)),),
    )
    bench = Bench(rules)
    price = grid.ticks(ONE)
    bench.price(X=price)
    account = bench.account(grid.atoms(value))
    bench.trade(account, "X", grid.lots(value), price)
    return grid.money(bench.position(bench.pot(account), "asked", "X").amount_atoms)


def deductions(table: list[TierRow]) -> list[Fraction]:
    """The amount taken off in each tier, as the engine derives it."""
    grid = _grid(ONE, table)
    return [grid.money(atoms) for atoms in tier_deductions(_tiers(table, grid))]


def _grid(value: Fraction, table: list[TierRow]) -> Grid:
    return linear_grid([value], [ONE], [row.lower for row in table])


def _tiers(table: list[TierRow], grid: Grid) -> tuple[Tier, ...]:
    return tuple(Tier(floor_atoms=grid.atoms(row.lower), rate_ppb=rate_ppb(row.rate)) for row in table)
