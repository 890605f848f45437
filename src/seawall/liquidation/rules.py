"""P8 and P9 as data: when a margin call and a liquidation start and end, and by which steps.

Levels are named in the margin rules; rates ppb, times ns, amounts atoms of the pot's unit.
Steps are tried in order. A step is left for the next one when the pot's equity falls below
`leave_below`, when it was tried `max_attempts` times, or when it has nothing to do.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from seawall.liquidation.auction import AuctionTerms
from seawall.liquidation.seizure import AbsorbTerms, SeizeTerms


class MarginCall(msgspec.Struct, frozen=True, kw_only=True):
    """Warn when equity < requirement at `level`; cleared at `cure_level`; `on_deadline` after `grace_ns`."""

    level: str
    cure_level: str
    grace_ns: int
    on_deadline: Literal["none", "liquidate"] = "none"


class FeeSplit(msgspec.Struct, frozen=True, kw_only=True):
    """Liquidation fee on the closed notional and where it goes; shares add to 1e9."""

    fee_ppb: int = 0
    insurance_ppb: int = 1_000_000_000
    backstop_ppb: int = 0
    venue_ppb: int = 0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """P9: one rung of the ladder.

    action    cancel_orders | reduce (an order to the book)
              | takeover (the backstop vault takes position and collateral)
              | auction (shares of the whole account, to whoever bids; liquidation.auction)
              | seize (outsiders repay debt for collateral and a bonus; liquidation.seizure)
              | absorb (the protocol takes the loan whole and sells its collateral; liquidation.seizure)
    select    which position first: largest_requirement | largest_loss | largest_notional | first
              | toward_delta_neutral (futures that bring the net delta nearer to zero, then options)
    size      restore (smallest that meets the exit level) | fraction | step_down (next lower risk tier) | all
    price     limit of the order: none | mark (offset_ppb moves it towards a fill) | bankruptcy (the whole pot
              pays for this position) | shared_bankruptcy (its share of the equity, by requirement) | fillable
              (from the mark towards that, as equity falls: liquidation.shared_bankruptcy). Source: dYdX v4
    """

    name: str
    action: Literal["cancel_orders", "reduce", "takeover", "auction", "seize", "absorb"]
    select: Literal[
        "largest_requirement", "largest_loss", "largest_notional", "first", "toward_delta_neutral"
    ] = "largest_requirement"
    size: Literal["restore", "fraction", "step_down", "all"] = "all"
    fraction_ppb: int = 1_000_000_000
    only_above_atoms: int = 0  # the fraction applies to positions above this notional; below it: all
    min_close_atoms: int = 0  # never leave or close less notional than this: dust is closed whole
    max_order_atoms: int = 0  # pacing: notional per order; 0 = no cap
    price: Literal["bankruptcy", "shared_bankruptcy", "fillable", "mark", "none"] = "none"
    offset_ppb: int = 0
    spread_ppm: int = 0  # fillable: the most it may lose, as a share of the position's own requirement
    adjustment_ppm: int = 1_000_000  # fillable: how fast it gets there as equity falls from the trigger
    takeover_price: Literal["mark", "bankruptcy", "collateral"] = "collateral"
    cooldown_ns: int = 0
    max_attempts: int = 0  # 0 = no limit
    leave_below: str = ""  # level name: equity under it goes to the next step
    fees: FeeSplit = FeeSplit()
    auction: AuctionTerms | None = None  # of action "auction", and of no other
    # Of action "seize", and of no other. Unset rather than None: no trace in the hash of a rulebook without.
    seize: SeizeTerms | msgspec.UnsetType = msgspec.UNSET
    absorb: AbsorbTerms | msgspec.UnsetType = msgspec.UNSET  # of action "absorb", as above


def goods_of(step: Step) -> tuple[str, ...]:
    """Assets that a step lets go for debts: those that outsiders seize, or the protocol absorbs."""
    if not isinstance(step.absorb, msgspec.UnsetType):
        return tuple(step.absorb.credit_wad)
    return () if isinstance(step.seize, msgspec.UnsetType) else tuple(step.seize.bonus_wad)


class LiquidationRules(msgspec.Struct, frozen=True, kw_only=True):
    """P8: trigger and exit levels, order among accounts, and the ladder."""

    trigger: str
    exit: str
    steps: tuple[Step, ...]
    margin_call: MarginCall | None = None
    order: Literal["account", "largest_deficit"] = "account"
    bankrupt_at: Literal["mark"] = "mark"
    backstop_level: str = ""  # the vault takes over only while its own equity covers this level; "" = always
    unwind_fraction_ppb: int = 0  # share of the vault's position offered to the book...
    unwind_every_ns: int = 0  # ...this often; 0 = the vault holds
