"""P2 and P7 of lending: collateral at its threshold against debt, the identity of any margin account.

Equity below maintenance, with maintenance = sum (1 - threshold) * collateral, is a health factor below one.
Amounts whole units of each asset (wei), prices and values whole units of the base currency, thresholds and
loan-to-values 1e-4, health 1e-18. Collateral values round down, debts up; averages round down; the health
factor is rounded to the nearest and then cut to 1e-18. Source: Aave v3.0 to v3.7, GenericLogic; EModeLogic.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import msgspec

from seawall.errors import InputError

BPS = 10**4
WAD = 10**18
INFINITE = 2**256 - 1  # health of an account that owes nothing


class Reserve(msgspec.Struct, frozen=True, kw_only=True):
    """Terms of one asset: decimals, how much may be borrowed against it, and when it is liquidated."""

    name: str
    decimals: int
    ltv_bps: int
    threshold_bps: int

    @property
    def unit(self) -> int:
        return 10**self.decimals


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """An e-mode: other terms for its assets. `isolated`: nothing else may be borrowed against (v3.7)."""

    assets: tuple[str, ...]
    ltv_bps: int
    threshold_bps: int
    isolated: bool = False


class Holding(NamedTuple):
    """What an account has lent and owes of one reserve, and its price."""

    reserve: Reserve
    collateral: int
    debt: int
    price: int


class Account(NamedTuple):
    """Sums in the base currency; `health` 1e-18, INFINITE where nothing is owed."""

    collateral: int
    debt: int
    ltv_bps: int
    threshold_bps: int
    health: int
    available: int

    @property
    def liquidatable(self) -> bool:
        return self.health < WAD


def value_down(amount: int, price: int, unit: int) -> int:
    return amount * price // unit


def value_up(amount: int, price: int, unit: int) -> int:
    return -(-amount * price // unit)


def terms_of(reserve: Reserve, category: Category | None) -> tuple[int, int]:
    """(loan to value, threshold) of a reserve for an account in this category, or in none."""
    if category is None:
        return reserve.ltv_bps, reserve.threshold_bps
    if reserve.name in category.assets:
        return category.ltv_bps, category.threshold_bps
    return (0 if category.isolated else reserve.ltv_bps), reserve.threshold_bps


def account_of(holdings: Sequence[Holding], category: Category | None = None) -> Account:
    """InputError for a price or an amount below zero."""
    collateral = debt = weighted_ltv = weighted_threshold = 0
    for held in holdings:
        if min(held.collateral, held.debt, held.price) < 0:
            raise InputError.at(
                f"reserve {held.reserve.name}", "an amount or price is negative", "Give zero or more."
            )
        ltv, threshold = terms_of(held.reserve, category)
        value = value_down(held.collateral, held.price, held.reserve.unit)
        collateral += value
        weighted_ltv += value * ltv
        weighted_threshold += value * threshold
        debt += value_up(held.debt, held.price, held.reserve.unit)
    ltv = weighted_ltv // collateral if collateral else 0
    return Account(
        collateral,
        debt,
        ltv,
        weighted_threshold // collateral if collateral else 0,
        health_factor(weighted_threshold, debt),
        max(collateral * ltv // BPS - debt, 0),
    )


def health_factor(weighted_collateral: int, debt: int) -> int:
    """Collateral value times threshold (1e-4) over debt, as a wad."""
    if not debt:
        return INFINITE
    return (weighted_collateral * WAD + debt // 2) // debt // BPS


def as_margin(account: Account, weighted_threshold: int) -> tuple[int, int]:
    """(equity, maintenance) of the account, the latter rounded up: equity < maintenance is health < 1."""
    maintenance = account.collateral - weighted_threshold // BPS
    return account.collateral - account.debt, maintenance


def health_at(health: Fraction, move: Fraction) -> Fraction:
    """Health after all collateral moved by a factor against the debt."""
    return health * move


def health_after(health: Fraction, *, threshold: Fraction, bonus: Fraction, close: Fraction) -> Fraction:
    """Health after a share `close` of the debt was repaid for collateral with a bonus, one asset of each."""
    loan_to_value = threshold / health
    return (1 / loan_to_value - close * (1 + bonus)) * threshold / (1 - close)


def frontier(bonus: Fraction) -> Fraction:
    """Loan to value beyond which a liquidation lowers health: 1 / (1 + bonus)."""
    return 1 / (1 + bonus)


def ceiling_units(amount: int, decimals: int, kept: int = 2) -> int:
    """A debt in the units an isolation ceiling is counted in, cut to `kept` decimals (until v3.6)."""
    return amount // 10 ** (decimals - kept)
