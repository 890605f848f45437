"""Terms of a lending market: what they make of a position, and how far they may be set.

Shares as fractions (a threshold of 0.8, a bonus of 0.05), volatility per the horizon of the formula, amounts
in one money unit; doubles. These judge parameters; no engine decides on them.
Source: Qin et al. (2021), 2106.06389; Warmuz et al. (2022), 2212.07306; RiskDAO, SmartLTV (2023); Brownlees
and Engle (2017) for SRISK; Adrian and Brunnermeier (2016) for CoVaR, Gaussian.
"""

from __future__ import annotations

import math

import msgspec

from seawall.errors import InputError


class TwoSteps(msgspec.Struct, frozen=True, kw_only=True):
    """Repayments and profits of a liquidator who goes twice, against once at the close factor."""

    first: float
    second: float
    profit: float
    profit_single: float

    @property
    def gain(self) -> float:
        """Profit over that of one step, less one."""
        return self.profit / self.profit_single - 1


class PositionPrices(msgspec.Struct, frozen=True, kw_only=True):
    """Prices of the debt asset at which a loan goes, can only get worse, and is insolvent."""

    liquidatable: float
    toxic: float
    insolvent: float


def two_step_liquidation(
    collateral: float, debt: float, *, threshold: float, bonus: float, close_factor: float
) -> TwoSteps:
    """First the most that leaves the loan unhealthy, then the close factor of the rest.

    InputError unless the loan is unhealthy, owes something, and threshold * (1 + bonus) < 1.
    """
    if threshold * (1 + bonus) >= 1 or debt <= threshold * collateral or bonus <= 0 or close_factor <= 0:
        raise InputError.at(
            "loan", f"{debt} on {collateral}", "Give an unhealthy loan, LT * (1 + bonus) < 1."
        )
    first = (debt - threshold * collateral) / (1 - threshold * (1 + bonus))
    second = close_factor * (debt - first)
    return TwoSteps(
        first=first,
        second=second,
        profit=bonus * (first + second),
        profit_single=bonus * close_factor * debt,
    )


def toxic_frontier(bonus: float) -> float:
    """1 / (1 + bonus): the loan-to-value beyond which each liquidation makes it worse."""
    return 1 / (1 + bonus)


def certain_bad_debt(collateral: float, debt: float, bonus: float) -> float:
    """What liquidations at a frozen price leave for good: debt - collateral / (1 + bonus), at least 0."""
    return max(0.0, debt - collateral * toxic_frontier(bonus))


def position_prices(
    collateral: float, debt_units: float, *, threshold: float, bonus: float
) -> PositionPrices:
    """For collateral in money and debt in units of an asset. InputError without debt."""
    if debt_units <= 0:
        raise InputError.at("debt_units", f"are {debt_units}", "Give a debt above zero.")
    worth = collateral / debt_units
    return PositionPrices(
        liquidatable=threshold * worth, toxic=worth * toxic_frontier(bonus), insolvent=worth
    )


def price_of_bad_debt(collateral: float, debt_units: float, bad_units: float, *, bonus: float) -> float:
    """The debt asset's price at which liquidating all at once leaves so many units unpaid."""
    if not 0 <= bad_units < debt_units:
        raise InputError.at("bad_units", f"are {bad_units} of {debt_units}", "Give less than the debt.")
    return collateral * toxic_frontier(bonus) / (debt_units - bad_units)


def smart_ltv(*, liquidity: float, volatility: float, cap: float, confidence: float, bonus: float) -> float:
    """exp(-c * vol / sqrt(liquidity / cap)) - bonus, at least 0."""
    _markets(liquidity, volatility, cap)
    return max(0.0, math.exp(-confidence * volatility / math.sqrt(liquidity / cap)) - bonus)


def smart_ltv_confidence(
    *, liquidity: float, volatility: float, cap: float, ltv: float, bonus: float
) -> float:
    """The confidence factor that a loan-to-value stands for; its inverse is a level of risk."""
    _markets(liquidity, volatility, cap)
    if not 0 < ltv + bonus < 1:
        raise InputError.at("ltv", f"is {ltv} with a bonus of {bonus}", "Give ltv + bonus between 0 and 1.")
    return -math.log(ltv + bonus) * math.sqrt(liquidity / cap) / volatility


def srisk(debt: float, equity: float, *, capital_ratio: float, shortfall: float) -> float:
    """k * D - (1 - k) * (1 - LRMES) * W, at least 0: capital missing in a crisis."""
    return max(0.0, capital_ratio * debt - (1 - capital_ratio) * (1 - shortfall) * equity)


def delta_covar(correlation: float, system_vol: float, level: float) -> float:
    """rho * sigma of the system * the normal quantile at `level`. InputError for a level outside (0, 1)."""
    from scipy.special import ndtri

    if not 0 < level < 1:
        raise InputError.at("level", f"is {level}", "Give a level between 0 and 1.")
    return correlation * system_vol * float(ndtri(level))


def _markets(liquidity: float, volatility: float, cap: float) -> None:
    if liquidity <= 0 or volatility <= 0 or cap <= 0:
        raise InputError.at(
            "market", f"liquidity {liquidity}, vol {volatility}, cap {cap}", "Give all of them above zero."
        )
