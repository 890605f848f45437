"""P2-P7 as data: collateral weights, requirement schedules, contingencies, levels, scope.

Rates are ppb, notionals and floors are atoms of the instrument's settlement asset, collateral
caps are atoms of the asset itself. Requirements round up, weighted values round down.
A level is (schedule, factor, floor on notional, weight set, price purpose, contingencies).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from seawall.margin.option_schedule import OptionTerms
from seawall.margin.portfolio.model import PortfolioRules

ScheduleKind = Literal["tiers", "steps", "size_linear", "size_sqrt", "option"]


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """From `floor_atoms` of notional upwards the rate is `rate_ppb`."""

    floor_atoms: int
    rate_ppb: int


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """P3: requirement of one position before level factors; N is its notional.

    tiers        N * rate_k - deduction_k, continuous; one tier is a flat rate.
                 Source: Binance, Bybit, Hyperliquid.
    steps        N * (base + ceil((N - step_base) / step_size) * step_rate) for N > step_base.
                 Source: BitMEX risk limits.
    size_linear  N * (base + size * slope), size in units of size_unit.
                 Source: Deribit standard margin, Synthetix.
    size_sqrt    N * max(base, sqrt_scale * base + slope * sqrt(size)).
                 Source: Drift, Paradex.
    option       by the market, not by size: see margin.option_schedule. Options have no other.
    """

    kind: ScheduleKind = "tiers"
    basis: Literal["mark", "entry"] = "mark"  # N at the level's price, or at the average entry (Bybit)
    tiers: tuple[Tier, ...] = ()
    base_ppb: int = 0
    step_base_atoms: int = 0
    step_size_atoms: int = 1
    step_rate_ppb: int = 0
    slope_ppb: int = 0  # per unit of size (linear), per sqrt unit (sqrt)
    size_unit_lots: int = 1  # lots in one unit of size
    sqrt_scale_ppb: int = 0
    # Open-interest ramp: rate + (1 - rate) * clamp((OI - lower) / (upper - lower), 0, 1). Source: dYdX v4
    oi_lower_lots: int = 0
    oi_upper_lots: int = 0  # 0 = no ramp
    use_leverage: bool = False  # rate is at least 1 / chosen leverage
    floor_atoms: int = 0  # minimum requirement per position
    max_leverage: int = 0  # cap on the leverage an account may choose; 0 = no cap
    option: OptionTerms | None = None  # of kind "option"


class InstrumentMargin(msgspec.Struct, frozen=True, kw_only=True):
    """The named schedules of one instrument, e.g. {'initial': ..., 'maintenance': ...}."""

    schedules: dict[str, Schedule]


class WeightTier(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a balance above `floor_atoms` of the asset counts with `weight_ppb`.

    Source: OKX discount tiers.
    """

    floor_atoms: int
    weight_ppb: int


class Weight(msgspec.Struct, frozen=True, kw_only=True):
    """P2: what a balance counts for. Positive ones by tiers, capped; debts by `liability_ppb` (>= 1)."""

    tiers: tuple[WeightTier, ...]
    liability_ppb: int = 1_000_000_000
    cap_atoms: int = 0  # nothing above this counts; 0 = no cap
    cap_value_atoms: int = 0  # most it counts for, in atoms of the pot's unit; 0 = no cap. Hyperliquid
    # Size discount: weight = min(w, sqrt_top / (1 + sqrt_ppb * sqrt(units held))); 0 = off. Source: Drift
    sqrt_ppb: int = 0
    sqrt_top_ppb: int = 1_100_000_000


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """P7: a named requirement: max(factor * schedule, min_notional * N) + contingencies, per position."""

    name: str
    schedule: str
    factor_ppb: int = 1_000_000_000
    min_notional_ppb: int = 0
    min_total_ppb: int = 0  # the whole pot's requirement is at least this share of its notional. Hyperliquid
    weights: str = "default"
    price: Literal["mark", "index", "strict"] = "mark"
    profit: Literal["full", "losses_only"] = "full"
    orders: bool = False  # open orders at their worst
    close_fee: Literal["none", "mark", "bankruptcy"] = "none"  # P6: + taker fee to close, at which price
    confidence_factor_ppb: int = 0  # P6: + confidence * factor * notional
    flat_atoms: int = 0  # P6: + flat, per pot with a position (atoms of the numeraire)
    order_atoms: int = 0  # P6: + per open order (atoms of the numeraire)
    # What options count for in equity: their price; nothing, so that the requirement holds the premium
    # (Deribit); or their price if bought (Cboe).
    option_value: Literal["full", "none", "long"] = "full"
    # P4: options of one expiry need no more than their worst payoff. Derive, Cboe
    max_loss: bool = False
    unpaired_ppb: int = 0  # of the spot, for each call sold in excess; 0 = then each leg by itself
    # P5: a cross pot requires what this level of `MarginRules.portfolio` asks, not the schedule
    portfolio: str = ""


class MarginRules(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the statement needs.

    `scope`: one cross pot per account, in `numeraire`; or one per settlement asset, in that asset.
    """

    scope: Literal["account", "settlement"]
    numeraire: str
    collateral: dict[str, str]  # asset -> instrument whose index prices it ("" for the numeraire)
    weights: dict[str, dict[str, Weight]]  # weight set -> asset; an asset not named counts for nothing
    instruments: dict[str, InstrumentMargin]
    levels: tuple[Level, ...]
    portfolio: PortfolioRules | None = None  # what levels with `portfolio` ask
    quotes_max_age_ns: int = 0  # a volatility older than this is not known; 0 = no limit

    def level(self, name: str) -> Level:
        for level in self.levels:
            if level.name == name:
                return level
        raise KeyError(name)
