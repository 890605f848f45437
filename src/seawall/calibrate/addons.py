"""Add-ons to a tail margin: liquidity by the square-root law, and a margin period that grows with size.

Notionals and volumes in one currency, volatilities per day, costs as fractions of notional unless said.
Sources: Toth et al. 2011; Donier & Bonart 2015 (the law for BTC); EMIR RTS 153/2013 Art. 53 (concentration).
"""

from __future__ import annotations

import math
from fractions import Fraction

import msgspec

from seawall.calibrate.inputs import between, not_negative, positive

MEAN_OF_IMPACT = 2.0 / 3.0  # the average price of an order whose impact grows with the root of its size
IMPACT_PREFACTOR = 0.8  # Y; published values lie between 0.5 and 1.2


def impact(
    notional: float, daily_volume: float, daily_vol: float, prefactor: float = IMPACT_PREFACTOR
) -> float:
    """Price move at the end of an order: Y sigma_D sqrt(N / ADV), a fraction of the price."""
    share = not_negative(notional, "notional") / positive(daily_volume, "daily volume")
    return prefactor * not_negative(daily_vol, "daily volatility") * math.sqrt(share)


def liquidity_addon(
    notional: float,
    daily_volume: float,
    daily_vol: float,
    *,
    half_spread: float = 0.0,
    prefactor: float = IMPACT_PREFACTOR,
) -> float:
    """What closing costs beyond the mark, in currency: N (half spread + 2/3 of the impact)."""
    cost = half_spread + MEAN_OF_IMPACT * impact(notional, daily_volume, daily_vol, prefactor)
    return notional * cost


class CloseOut(msgspec.Struct, frozen=True):
    """Days to close at the participation allowed, and how far volatility grows over them."""

    days: int
    factor: float


def close_out(notional: float, daily_volume: float, participation: float) -> CloseOut:
    """D = ceil(N / (p ADV)), at least one day; sqrt(sum (i/D)^2) = sqrt((D+1)(2D+1) / (6D)) for even selling.

    The division is exact: a position of just one day's share takes one day, whatever floats say.
    """
    between(participation, "participation", 0.0, 1.0 + 1e-12)
    per_day = Fraction(repr(float(participation))) * Fraction(
        repr(float(positive(daily_volume, "daily volume")))
    )
    days = max(math.ceil(Fraction(repr(float(not_negative(notional, "notional")))) / per_day), 1)
    return CloseOut(days, math.sqrt((days + 1) * (2 * days + 1) / (6 * days)))


def sized_margin(
    notional: float, *, quantile: float, daily_vol: float, daily_volume: float, participation: float
) -> float:
    """Margin in currency with a period that grows with the position: z sigma_D N factor(D)."""
    return quantile * daily_vol * notional * close_out(notional, daily_volume, participation).factor


def concentration_addon(
    notional: float, *, margin: float, open_interest: float, threshold: float, slope: float
) -> float:
    """In currency: margin slope max(s - threshold, 0) for a share s of the open interest.(1: all)."""
    share = min(not_negative(notional, "notional") / positive(open_interest, "open interest"), 1.0)
    return not_negative(margin, "margin") * not_negative(slope, "slope") * max(share - threshold, 0.0)
