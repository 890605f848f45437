"""P9, executor "liquidator": repay a debt, receive collateral with a bonus; each market's way of sizing it.

`seize` takes whole units of both assets and rounds as the version of the rules says (directed, or to the
nearest); the close factor, small positions and dust are terms. Bad debt is what is owed when no collateral
is left. `absorb`, `inventory_quote`: everything at once to the protocol, sold later at a discount. A bonus is
told as the whole (1.05 for 5 %) over `per`; factors and health 1e-18. Sources: Aave v3 LiquidationLogic;
Compound v3 Comet; Euler v2 Liquidation; Morpho Blue.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

import msgspec

from seawall.errors import InputError
from seawall.margin.collateral_debt import BPS, WAD, value_down, value_up

Rounding = Literal["directed", "nearest"]


class CloseTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a debt may be repaid at once.

    share_bps of it while health is above `whole_below`, else all. `of`: of the account's total debt, or of
    this reserve's. A side smaller than `small` (base currency) is closed whole; `least_left`: if neither side
    is closed, both must keep as much. Zero: no such rule.
    """

    share_bps: int = 5_000
    whole_below: int = 950_000_000_000_000_000
    of: Literal["account", "reserve"] = "account"
    small: int = 0
    least_left: int = 0


class SeizeTerms(msgspec.Struct, frozen=True, kw_only=True):
    """A rung of the ladder: outsiders repay a debt of the pot and receive collateral of it with a bonus.

    Only what `bonus_wad` names may be seized (1.05e18: 5 % more than was repaid); `fee_bps` of the bonus is
    the venue's. Values of `close` are atoms of the numeraire. `most_discount_wad` above zero: instead of a
    fixed bonus the collateral is sold at a discount of what health lacks to one, at most this. Sources: Aave
    v3 LiquidationLogic; Morpho Blue (the incentive of a threshold); Euler v2 (the discount).
    """

    close: CloseTerms
    bonus_wad: dict[str, int]
    fee_bps: int = 0
    rounding: Rounding = "directed"
    most_discount_wad: int = 0

    def bonus(self, name: str, health: int) -> int:
        """What is received for one repaid, 1e-18, at this health; rounded down. KeyError: not seizable."""
        fixed = self.bonus_wad[name]
        if not self.most_discount_wad:
            return fixed
        return WAD * WAD // (WAD - min(WAD - health, self.most_discount_wad))


class AbsorbTerms(msgspec.Struct, frozen=True, kw_only=True):
    """A rung of the ladder: the protocol takes a loan whole and sells its collateral from its reserves.

    credit_wad: what collateral counts for against the debt, by asset (the liquidation factor, 1e-18).
    front_factor_wad: the part of the penalty (1 - factor) that buyers get as a discount. target_atoms of
    `base`: nothing is sold once the reserves have as much; 0 = always. Source: Compound v3, Comet.
    """

    base: str
    credit_wad: dict[str, int]
    front_factor_wad: int = 0
    target_atoms: int = 0


class Side(NamedTuple):
    """An asset in a liquidation: how much there is of it, its price and its unit."""

    amount: int
    price: int
    unit: int

    @property
    def value(self) -> int:
        return value_down(self.amount, self.price, self.unit)


class Seizure(NamedTuple):
    """What changes hands, and what is then left: `deficit` of the debt where no collateral is."""

    most_debt: int
    repaid: int
    to_liquidator: int
    fee: int
    deficit: int
    leaves_dust: bool


def most_debt(terms: CloseTerms, collateral: Side, debt: Side, *, health: int, other_debt: int = 0) -> int:
    """The most of a debt that may be repaid now; `other_debt` of the account, in the base currency."""
    owed = value_up(debt.amount, debt.price, debt.unit)
    small = terms.small and (collateral.value < terms.small or owed < terms.small)
    if small or health <= terms.whole_below:
        return debt.amount
    if terms.of == "reserve":
        return debt.amount * terms.share_bps // BPS
    allowed = (owed + other_debt) * terms.share_bps // BPS
    return min(debt.amount, allowed * debt.unit // debt.price) if owed > allowed else debt.amount


def seize(
    terms: CloseTerms,
    collateral: Side,
    debt: Side,
    *,
    wanted: int,
    bonus: int,
    per: int = BPS,
    fee_bps: int = 0,
    health: int,
    other_debt: int = 0,
    other_collateral: int = 0,
    rounding: Rounding = "directed",
) -> Seizure:
    """One liquidation; `bonus` of `per` is received for what was repaid (10_500 of 10_000: 5 % more).

    InputError for an account that is healthy, or nothing to repay or seize.
    """
    if health >= WAD:
        raise InputError.at(
            "liquidation", f"health is {health / WAD:.6f}", "Only below 1 may it be liquidated."
        )
    if min(debt.amount, collateral.amount, debt.price, collateral.price, wanted) <= 0:
        raise InputError.at("liquidation", "no debt, collateral or price", "Name assets the account has.")
    most = most_debt(terms, collateral, debt, health=health, other_debt=other_debt)
    repaid = min(wanted, most)
    base = debt.price * repaid * collateral.unit // (collateral.price * debt.unit)
    taken = _times(base, bonus, per, rounding)
    if taken > collateral.amount:
        taken = collateral.amount
        repaid = _repaid_for(taken, collateral, debt, (bonus, per), rounding)
    fee = _fee(taken, bonus, per, fee_bps, rounding)
    left_debt, left_collateral = debt.amount - repaid, collateral.amount - taken
    nothing_left = left_collateral == 0 and other_collateral == 0
    dust = bool(terms.least_left and left_debt and left_collateral) and (
        value_down(left_debt, debt.price, debt.unit) < terms.least_left
        or value_down(left_collateral, collateral.price, collateral.unit) < terms.least_left
    )
    return Seizure(most, repaid, taken - fee, fee, left_debt if nothing_left else 0, dust)


def _times(amount: int, share: int, per: int, rounding: Rounding) -> int:
    return (amount * share + (per // 2 if rounding == "nearest" else 0)) // per


def _over(amount: int, share: int, per: int, rounding: Rounding, *, up: bool) -> int:
    if rounding == "nearest":
        return (amount * per + share // 2) // share
    return -(-amount * per // share) if up else amount * per // share


def _repaid_for(taken: int, collateral: Side, debt: Side, bonus: tuple[int, int], rounding: Rounding) -> int:
    """The debt that just so much collateral pays for, without the bonus on it."""
    top, per = taken * collateral.price * debt.unit, debt.price * collateral.unit
    plain = -(-top // per) if rounding == "directed" else top // per
    return _over(plain, *bonus, rounding, up=True)


def _fee(taken: int, bonus: int, per: int, fee_bps: int, rounding: Rounding) -> int:
    """The protocol's share of the bonus."""
    extra = taken - _over(taken, bonus, per, rounding, up=False)
    return -(-extra * fee_bps // BPS) if rounding == "directed" else _times(extra, fee_bps, BPS, rounding)


class Absorbed(NamedTuple):
    """The account's balance after everything was taken, what reserves paid in, and what they lost."""

    balance: Fraction
    paid: Fraction
    bad_debt: Fraction


def absorb(debt: Fraction, credit: Fraction) -> Absorbed:
    """All collateral goes to the protocol for `credit` (values times liquidation factors)."""
    balance = max(credit - debt, Fraction(0))
    return Absorbed(balance, debt + balance, max(debt - credit, Fraction(0)))


def inventory_quote(
    paid: int, *, base_price: int, asset_price: int, base_unit: int, asset_unit: int, discount: int
) -> int:
    """Collateral a buyer gets from the protocol's inventory for `paid`, at a discount (1e-18)."""
    price = asset_price * (WAD - discount) // WAD
    if price <= 0:
        raise InputError.at("inventory", "costs nothing after its discount", "Lower the discount.")
    return base_price * paid * asset_unit // (price * base_unit)


def inventory_discount(front_factor: int, liquidation_factor: int) -> int:
    """The share of the liquidation penalty that buyers get."""
    return front_factor * (WAD - liquidation_factor) // WAD


def inventory_open(reserves: int, target: int) -> bool:
    """The protocol sells only while its reserves are below their target."""
    return reserves < target
