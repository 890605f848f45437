"""Loans of one collateral and one debt: an incentive from the threshold, or a discount from health itself.

First kind: any part may be seized at a fixed incentive; when no collateral is left the rest of the debt is
written off against lenders at once; debts are kept in shares. Second kind: the discount is 1 - health, with a
cap, and the liquidator takes the debt over; small slices can make a loan worse (health squared below the
threshold), so a safe cap is 1 - sqrt(threshold). Wads 1e-18, prices 1e-36 or fractions. Sources: Morpho Blue;
Euler v2 EVK.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from seawall.errors import InputError
from seawall.margin.collateral_debt import WAD

PRICE = 10**36
VIRTUAL_SHARES, VIRTUAL_ASSETS = 10**6, 1
MOST_INCENTIVE = 1_150_000_000_000_000_000
CURSOR = 300_000_000_000_000_000
ZERO, ONE = Fraction(0), Fraction(1)


def incentive(threshold: int) -> int:
    """min(1.15, 1 / (1 - 0.3 (1 - threshold))), each step rounded down."""
    return min(MOST_INCENTIVE, WAD * WAD // (WAD - CURSOR * (WAD - threshold) // WAD))


def healthy(collateral: int, debt: int, *, price: int, threshold: int) -> bool:
    """What may be borrowed, rounded down, is no less than what is owed."""
    return collateral * price // PRICE * threshold // WAD >= debt


def shares_up(assets: int, total_assets: int, total_shares: int) -> int:
    return -(-assets * (total_shares + VIRTUAL_SHARES) // (total_assets + VIRTUAL_ASSETS))


def assets_up(shares: int, total_assets: int, total_shares: int) -> int:
    return -(-shares * (total_assets + VIRTUAL_ASSETS) // (total_shares + VIRTUAL_SHARES))


class Seized(NamedTuple):
    """Collateral seized and left, shares and assets repaid, and what lenders lose at once."""

    seized: int
    collateral_left: int
    repaid_shares: int
    repaid_assets: int
    bad_debt: int


def seize_part(
    collateral: int,
    debt_shares: int,
    *,
    total_assets: int,
    total_shares: int,
    price: int,
    threshold: int,
    seized: int,
) -> Seized:
    """Seize so much collateral of an unhealthy loan. InputError for more than there is."""
    if not 0 < seized <= collateral:
        raise InputError.at("seizure", f"{seized} of {collateral}", "Seize some of what is there.")
    worth = -(-seized * price // PRICE)
    shares = shares_up(-(-worth * WAD // incentive(threshold)), total_assets, total_shares)
    paid = assets_up(shares, total_assets, total_shares)
    left = collateral - seized
    rest = max(debt_shares - shares, 0)
    assets_left, shares_left = max(total_assets - paid, 0), max(total_shares - shares, 0)
    bad = min(assets_up(rest, assets_left, shares_left), assets_left) if not left and rest else 0
    return Seized(seized, left, shares, paid, bad)


class Loan(NamedTuple):
    """Collateral and debt with their prices in one unit of account, and the threshold."""

    collateral: Fraction
    collateral_price: Fraction
    debt: Fraction
    debt_price: Fraction
    threshold: Fraction


class Taken(NamedTuple):
    """Debt taken over and collateral received for it; `written_off` of the rest where nothing is left."""

    discount: Fraction
    repaid: Fraction
    received: Fraction
    written_off: Fraction


def health_of(loans: Sequence[Loan]) -> Fraction:
    """Of collaterals that stand against one debt (the first's). InputError where nothing is owed."""
    owed = loans[0].debt * loans[0].debt_price
    if owed <= 0:
        raise InputError.at("health", "nothing is owed", "Ask of a loan with a debt.")
    return sum((loan.collateral * loan.collateral_price * loan.threshold for loan in loans), ZERO) / owed


def take_over(
    loan: Loan, health: Fraction, *, most_discount: Fraction, share: Fraction = ONE, alone: bool = True
) -> Taken:
    """Take over a share of the debt, or what the collateral pays for; `alone`: without other collateral."""
    if health >= 1:
        raise InputError.at("liquidation", f"health is {float(health):.6f}", "Only below 1.")
    discount = min(1 - health, most_discount)
    repaid = loan.debt * share
    received = repaid * loan.debt_price / (1 - discount) / loan.collateral_price
    if received > loan.collateral:
        received = loan.collateral
        repaid = received * loan.collateral_price * (1 - discount) / loan.debt_price
    gone = alone and received == loan.collateral
    return Taken(discount, repaid, received, loan.debt - repaid if gone else ZERO)


class Sliced(NamedTuple):
    """After slices: what liquidators earned, what is left, and the loan's health (None without debt)."""

    profit: Fraction
    collateral: Fraction
    debt: Fraction
    health: Fraction | None


def in_slices(loan: Loan, *, most_discount: Fraction, share: Fraction, most: int) -> Sliced:
    """Take over a share of what is owed again and again until the loan is healthy or has no collateral."""
    profit = ZERO
    for _ in range(most):
        if not loan.debt or not loan.collateral:
            break
        health = health_of([loan])
        if health >= 1:
            break
        taken = take_over(loan, health, most_discount=most_discount, share=share)
        profit += taken.received * loan.collateral_price - taken.repaid * loan.debt_price
        loan = loan._replace(collateral=loan.collateral - taken.received, debt=loan.debt - taken.repaid)
    return Sliced(profit, loan.collateral, loan.debt, health_of([loan]) if loan.debt else None)


def critical_health(threshold: float) -> float:
    """Health below which a small slice makes the loan worse: sqrt(threshold)."""
    return float(np.sqrt(threshold))
