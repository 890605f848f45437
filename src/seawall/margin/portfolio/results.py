"""From values of contracts to a node's result in each scenario: discount, skew, netting, weight, damping.

All amounts are atoms (10**-decimals of the node's settlement unit) as Python integers; results are gains, so
every step rounds down, against the account. Discount factors are fixed-point numbers of 10**-15, gains by a
factor rounded down and losses by one rounded up. Formulas: Derive PM2 (discount, skew), Deribit (restating,
damping, share of gains); see `model`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from seawall.kernels.elementary import exp
from seawall.margin.portfolio.inputs import ExpiryQuote, UnderlyingQuote
from seawall.margin.portfolio.model import PPB, SKEWS, Discount, Netting, Scenario, UnderlyingRules

FACTOR = 10**15
ONE = Fraction(1)


class ExpiryFactors(NamedTuple):
    """What a positive and a negative value of an expiry count for, times 10**15."""

    gains: int
    losses: int


PLAIN = ExpiryFactors(FACTOR, FACTOR)


def factors_of(rule: Discount | None, quote: ExpiryQuote) -> ExpiryFactors:
    """The factors of one expiry; both one where the venue does not discount."""
    if rule is None:
        return PLAIN
    rate, years = max(quote.rate, 0.0), quote.years
    long_rate = rate * (rule.long_rate_factor_ppb / PPB) + rule.long_add_ppb / PPB
    gains = rule.long_base_ppb / PPB * float(exp(-years * long_rate))
    if rule.only_positive:
        return ExpiryFactors(int(gains * FACTOR), FACTOR)
    short_rate = rate * (rule.short_rate_factor_ppb / PPB) + rule.short_add_ppb / PPB
    losses = min(float(exp(rate * years)), rule.short_base_ppb / PPB * float(exp(years * short_rate)))
    return ExpiryFactors(int(gains * FACTOR), -int(-losses * FACTOR // 1))


def expiry_result(scenario: Scenario, factors: ExpiryFactors, today: int, gain: int) -> int:
    """Gain of an expiry's options: the shocked value discounted, less today's; a skew always costs."""
    shocked = today + gain
    factor = factors.gains if shocked >= 0 else factors.losses
    counted = shocked * factor // FACTOR - today
    return -abs(counted) if scenario.vol in SKEWS else counted


def net(results: Sequence[int], rule: Netting, unit_price: Fraction, decimals: int) -> int:
    """Losses in full, gains at their share and up to the cap. `unit_price`: quote units a unit."""
    if rule.gain_share_ppb == PPB and rule.gain_cap_usd_e9 is None:
        return sum(results)
    losses = sum(result for result in results if result < 0)
    gains = sum(result for result in results if result > 0) * rule.gain_share_ppb // PPB
    if rule.gain_cap_usd_e9 is not None:
        gains = min(gains, atoms_of(rule.gain_cap_usd_e9, unit_price, decimals))
    return losses + gains


def count(result: int, scenario: Scenario, rules: UnderlyingRules, quote: UnderlyingQuote) -> int:
    """What of an underlying's result is counted: weight, restating of coin, damping, share of gains."""
    counted = result * scenario.weight_ppb // PPB
    price = ONE
    if rules.coin:
        restated = scenario.restated_ppb if scenario.restated_ppb is not None else scenario.spot_ppb
        price = Fraction(quote.spot) * (PPB + restated) / PPB
        if scenario.restated_ppb is not None:
            counted = counted * (PPB + scenario.spot_ppb) // (PPB + scenario.restated_ppb)
    if scenario.damping_usd_e9:
        damping = atoms_of(scenario.damping_usd_e9, price, quote.decimals)
        counted = min(counted + damping, 0) if counted < 0 else max(counted - damping, 0)
    today = Fraction(quote.spot) if rules.coin else ONE
    return net((counted,), rules.netting, today, quote.decimals)


def atoms_of(usd_e9: int, price: Fraction, decimals: int) -> int:
    """1e-9 quote units as atoms of a unit that costs `price` quote units, rounded down."""
    return int(Fraction(usd_e9 * 10**decimals, PPB) / price // 1)


def atoms_up(units: Fraction, decimals: int) -> int:
    """Units as atoms, rounded up as every requirement is."""
    return -int(-units * 10**decimals // 1)
