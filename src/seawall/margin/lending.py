"""P2 and P8 for borrowing against collateral: LTV weights, and the ratio of needs to haves.

Rates ppb, amounts atoms of the pot's unit. A weight rounds down. A ratio stays an exact pair of
integers: it is compared by cross-product, never divided. Sources: Hyperliquid docs, portfolio margin
(threshold 0.5 + 0.5 * LTV, liquidated above 0.95); Binance portfolio margin (margin on loans); Aave
(LTV and liquidation threshold).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from seawall.errors import InputError
from seawall.margin.rules import Weight, WeightTier
from seawall.margin.statement import Statement
from seawall.units import PPB


class LtvCollateral(msgspec.Struct, frozen=True, kw_only=True):
    """Collateral that may be borrowed against up to `ltv_ppb` and is liquidated further up.

    The threshold lies `towards_one_ppb` of the way from the LTV to 1 (Hyperliquid: half of it). Caps as in
    margin.rules.Weight: of the asset, and of the value it counts for; 0 = none.
    """

    ltv_ppb: int
    towards_one_ppb: int = 500_000_000
    cap_atoms: int = 0
    cap_value_atoms: int = 0

    def __post_init__(self) -> None:
        for name in ("ltv_ppb", "towards_one_ppb"):
            if not 0 <= getattr(self, name) <= PPB:
                raise ValueError(f"ltv collateral: {name} = {getattr(self, name)}; give 0 to 1e9 ppb")

    @property
    def threshold_ppb(self) -> int:
        return self.ltv_ppb + (PPB - self.ltv_ppb) * self.towards_one_ppb // PPB

    def borrow_weight(self) -> Weight:
        """What a balance counts for when something is borrowed."""
        return self._weight(self.ltv_ppb)

    def liquidation_weight(self) -> Weight:
        """What it counts for when the pot is judged."""
        return self._weight(self.threshold_ppb)

    def _weight(self, weight_ppb: int) -> Weight:
        return Weight(
            tiers=(WeightTier(floor_atoms=0, weight_ppb=weight_ppb),),
            cap_atoms=self.cap_atoms,
            cap_value_atoms=self.cap_value_atoms,
        )


class NeedsOverHaves(NamedTuple):
    """Requirement and debts over what the collateral counts for; `haves_atoms` may be 0."""

    needs_atoms: int
    haves_atoms: int

    def above(self, limit_ppb: int) -> bool:
        """Whether needs / haves > limit; with nothing to set against a need, it is."""
        return self.needs_atoms * PPB > limit_ppb * self.haves_atoms


def needs_over_haves(statement: Statement) -> NeedsOverHaves:
    """The statement as a ratio: what is owed counts as a need, not as a smaller equity.

    InputError if the statement is unknown: a pot without a price has no ratio.
    """
    if not statement.known:
        raise InputError.at(
            f"pot {statement.pot}", f"instrument {statement.unknown} has no price", "Report its price first."
        )
    worth = [part.amount_atoms for part in statement.parts if part.kind == "collateral"]
    debts = -sum(amount for amount in worth if amount < 0)
    haves = sum(amount for amount in worth if amount > 0)
    return NeedsOverHaves(statement.requirement_atoms + debts, haves)


def loan_margin_atoms(at_worth: Statement, weighted: Statement, asset: int) -> int:
    """Margin that a level asks on a debt of `asset`: how much more it weighs there than it is worth.

    Both statements are of one pot at one time, `at_worth` at a level without haircuts. Binance's margin-loan
    maintenance is this with a liability weight of 1 + its rate. 0 where nothing is owed.
    """
    owed, weighs = (
        sum(
            part.amount_atoms
            for part in found.parts
            if part.kind == "collateral" and part.name == asset and part.amount_atoms < 0
        )
        for found in (at_worth, weighted)
    )
    return owed - weighs
