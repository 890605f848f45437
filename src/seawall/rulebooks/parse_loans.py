"""What loans add to a rulebook file: the terms of `seize` and `absorb` steps, interest, who bears bad debt.

Rates ppb or 1e-18, both exactly; shares of the close factor 1e-4; amounts atoms of the numeraire, or of the
base asset where it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from seawall.instruments.model import Asset
from seawall.ledger.rates import KinkedRate
from seawall.liquidation.isolated_loan import incentive
from seawall.liquidation.seizure import AbsorbTerms, CloseTerms, SeizeTerms
from seawall.margin.collateral_debt import BPS, WAD
from seawall.rulebooks.reader import Table
from seawall.units import PPB

BadDebt = Literal["suppliers", "deficit"]


def read_close(table: Table, numeraire: Asset) -> CloseTerms:
    """How much of a debt may be repaid at once; the table may have other keys."""
    return CloseTerms(
        share_bps=table.basis_points("share", BPS),
        whole_below=table.rate("whole_below", 0) * (WAD // PPB),
        of=table.choice("of", ("account", "reserve"), "account"),
        small=table.amount("small", numeraire, 0),
        least_left=table.amount("least_left", numeraire, 0),
    )


def read_seize(table: Table, numeraire: Asset) -> SeizeTerms:
    """`bonus` is what a liquidator gets beyond what he repaid, by collateral.

    With `incentive_threshold` (Morpho Blue: it follows from the threshold) or `most_discount` (Euler v2: it
    follows from health) `bonus` only names what may be seized.
    """
    bonus = table.table("bonus")
    received = {name: (PPB + bonus.rate(name, rounding="exact")) * (WAD // PPB) for name in bonus.names()}
    if table.has("incentive_threshold"):
        share = table.rate("incentive_threshold", rounding="exact") * (WAD // PPB)
        received = dict.fromkeys(received, incentive(share))
    terms = SeizeTerms(
        close=read_close(table, numeraire),
        bonus_wad=received,
        fee_bps=table.basis_points("fee", 0),
        rounding=table.choice("rounding", ("directed", "nearest"), "directed"),
        most_discount_wad=table.rate("most_discount", 0) * (WAD // PPB),
    )
    table.done()
    return terms


def read_absorb(table: Table, assets: Mapping[str, Asset]) -> AbsorbTerms:
    """`credit` is what of its value a collateral counts for, by asset."""
    credit, base = table.table("credit"), table.text("base")
    money = assets.get(base)
    if money is None:
        table.refuse("base", f"is {base!r}, which is no asset here", f"Use {', '.join(sorted(assets))}.")
    terms = AbsorbTerms(
        base=base,
        credit_wad={name: credit.rate(name, rounding="exact") * (WAD // PPB) for name in credit.names()},
        front_factor_wad=table.rate("front_factor", 0) * (WAD // PPB),
        target_atoms=table.amount("target", money, 0),
    )
    table.done()
    return terms


def read_interest(section: Table) -> dict[str, KinkedRate]:
    """[interest.USDC]: a year's rate = base + slope * utilisation up to the kink, + steep_slope beyond it."""
    found = {}
    for name, table in section.alike():
        found[name] = KinkedRate(
            base_ppb=table.rate("base"),
            slope_ppb=table.rate("slope", 0),
            kink_ppb=table.rate("kink", PPB),
            steep_slope_ppb=table.rate("steep_slope", 0),
            kept_ppb=table.rate("kept", 0),
        )
        table.done()
    return found
