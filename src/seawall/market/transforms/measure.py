"""How wrong a price is, and what that is worth: exact ratios for detectors and reports. Decides nothing.

Amounts and prices in any one unit (integers or fractions), results fractions without a unit unless said.
InputError where a price to compare with is not positive.
"""

from __future__ import annotations

from fractions import Fraction

from seawall.errors import InputError

Number = int | Fraction


def multiple(reported: Number, market: Number) -> Fraction:
    """reported / market: 1 is right, above it collateral is overvalued."""
    if market <= 0:
        raise InputError.at("measure", f"a market at {market}", "Give a positive price to compare with.")
    return Fraction(reported) / Fraction(market)


def tracking_error(reported: Number, market: Number) -> Fraction:
    """|reported / market - 1|."""
    return abs(multiple(reported, market) - 1)


def shortfall(reported: Number, market: Number) -> Fraction:
    """1 - reported / market: the part of its worth that a price leaves out."""
    return 1 - multiple(reported, market)


def credit_per_worth(reported: Number, market: Number, factor: Number) -> Fraction:
    """What can be borrowed at a collateral factor per unit of true worth; above 1, it pays to leave."""
    return multiple(reported, market) * factor


def worth(quantity: Number, price: Number) -> Fraction:
    """quantity * price, in units of the price."""
    return Fraction(quantity) * price


def paper_profit(quantity: Number, entry: Number, price: Number) -> Fraction:
    """What a long of this size shows at a price: quantity * (price - entry)."""
    return Fraction(quantity) * (Fraction(price) - entry)
