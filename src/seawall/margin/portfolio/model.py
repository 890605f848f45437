"""P5-P7 of portfolio margin as data: scenarios, shocks, netting, contingencies, levels.

A node is an underlying in one settlement unit (a quote currency, or the coin itself). Moves, weights, factors
and rates are ppb: a move of -4.5 % is -45_000_000. Amounts in money are whole units of the quote currency in
ppb of a unit (`_usd_e9`), so that one rule serves accounts kept in any atom. Powers are ppb too.
Sources: see the rulebooks; every struct names the venue whose rule it is the shape of.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import msgspec

from seawall.margin.portfolio.charges import Charge
from seawall.margin.portfolio.inputs import KINDS, Kind

PPB = 1_000_000_000
VolMove = Literal["same", "up", "down", "skew_linear", "skew_absolute"]
SKEWS = ("skew_linear", "skew_absolute")


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One move of the market, and what of its profit or loss is counted.

    `weight_ppb` scales the result (damping of tails; Derive, Paradex, OKX). `damping_usd_e9` then draws it
    towards zero by that much (Deribit). `restated_ppb` is the move at which a result in coin is restated:
    factor (1 + spot) / (1 + restated), nodes settled in coin only (Deribit's extended table).
    """

    spot_ppb: int = 0
    vol: VolMove = "same"
    weight_ppb: int = PPB
    damping_usd_e9: int = 0
    restated_ppb: int | None = None


def extended(
    move_ppb: int, *, reach_ppb: int, factor_ppb: int = PPB, dampener_usd_e9: int = 0, vol: VolMove = "up"
) -> Scenario:
    """A move m beyond the range r, as Deribit counts it: weight factor * r/|m|, a result in coin restated at
    the edge of the range, and (|m|/r - 1) * dampener drawn towards zero."""
    return Scenario(
        spot_ppb=move_ppb,
        vol=vol,
        weight_ppb=round(Fraction(factor_ppb * reach_ppb, abs(move_ppb))),
        damping_usd_e9=int((Fraction(abs(move_ppb), reach_ppb) - 1) * dampener_usd_e9),
        restated_ppb=reach_ppb if move_ppb > 0 else -reach_ppb,
    )


class VolShock(msgspec.Struct, frozen=True, kw_only=True):
    """How far implied volatility moves at a time to expiry of d days.

    relative  vol * (1 + up * (reference / max(d, floor))**p), and 1 - down * (...) not below zero
    absolute  vol + up * (...), and vol - down * (...) not below zero; up and down in volatility
    p is the short power where d <= reference, else the long one. An upward shock ends at `up_floor` or above.
    Sources: Deribit PM, Derive PM2, Paradex PM; absolute: Deribit until 2019.
    """

    kind: Literal["relative", "absolute"] = "relative"
    up_ppb: int = 0
    down_ppb: int = 0
    short_power_ppb: int = 0
    long_power_ppb: int = 0
    reference_days: int = 30
    floor_days_ppb: int = 0
    up_floor_ppb: int = 0


class Skew(msgspec.Struct, frozen=True, kw_only=True):
    """Volatility multiplied by 1 + clamp(k * cap / width, -cap, cap); k = ln(strike / forward), or |k|.

    cap = base + slope * sqrt(T) for either kind, not below zero;
    width = max(least_width, sqrt(T) * width * (static + scale * sqrt(T))).
    The result is a loss whichever way it falls. Source: Derive PM2.
    """

    linear_base_ppb: int
    linear_slope_ppb: int
    absolute_base_ppb: int
    absolute_slope_ppb: int
    least_width_ppb: int
    width_ppb: int
    static_ppb: int
    scale_ppb: int


class Discount(msgspec.Struct, frozen=True, kw_only=True):
    """What the shocked value of an expiry counts for, before its present value is taken off.

    positive  value * base * exp(-T * (rate * rate_factor + add))
    negative  value * min(1 / df, base * exp(T * (rate * rate_factor + add))), df = exp(-rate * T)
    `only_positive` leaves negative values as they are. Rates below zero count as zero. Source: Derive.
    """

    long_base_ppb: int
    long_rate_factor_ppb: int
    long_add_ppb: int
    short_base_ppb: int = PPB
    short_rate_factor_ppb: int = 0
    short_add_ppb: int = 0
    only_positive: bool = False


class Netting(msgspec.Struct, frozen=True, kw_only=True):
    """How results of the children of a node meet in one scenario: losses in full, gains at a share, capped.

    Source: Deribit `pnl_offset` and `max_offsetable_pnl`. The default is full netting.
    """

    gain_share_ppb: int = PPB
    gain_cap_usd_e9: int | None = None


FULL = Netting()


class UnderlyingRules(msgspec.Struct, frozen=True, kw_only=True):
    """One underlying in one settlement.

    `coin`: margins and results in the coin itself (inverse contracts). `futures_move`: a future or perpetual
    moves by the shock times its own mark, or times the index (OKX, Bybit). `shocked`: collateral that moves
    with the underlying; other collateral stands still. `covers`: kinds of contract the rules are known for;
    an account with others is unknown. `expiry_netting` joins expiries into the underlying,
    `netting` is applied to the underlying's own result.
    """

    scenarios: dict[str, tuple[Scenario, ...]]
    vol: VolShock = VolShock()
    skew: Skew | None = None
    discount: Discount | None = None
    coin: bool = False
    futures_move: Literal["mark", "index"] = "mark"
    shocked: tuple[str, ...] = ()
    covers: tuple[Kind, ...] = KINDS
    expiry_netting: Netting = FULL
    netting: Netting = FULL
    charges: tuple[Charge, ...] = ()


class PortfolioLevel(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement: factor * (largest of some charges + the sum of others) + a sum that no factor touches.

    The factor grows by depeg_slope for each unit that the stable coin is below depeg_below (Derive).
    """

    name: str
    largest: tuple[str, ...]
    plus: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    factor_ppb: int = PPB
    depeg_slope_ppb: int = 0
    depeg_below_ppb: int = 0


class PortfolioRules(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a portfolio statement needs. `account`: requirements of underlyings are added up, or results
    of the same scenario meet first (`shared`: every underlying must list the same scenarios by number)."""

    numeraire: str
    levels: tuple[PortfolioLevel, ...]
    underlyings: dict[str, UnderlyingRules]
    account: Literal["sum", "shared"] = "sum"

    def level(self, name: str) -> PortfolioLevel:
        for level in self.levels:
            if level.name == name:
                return level
        raise KeyError(name)
