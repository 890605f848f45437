"""Debt offset against a pool of deposits, redistributed over other loans, or split by the mode of the system.

A pool keeps a product (what a unit deposited is now) and a sum (collateral gained per unit), so that an
offset costs the same for any number of depositors. Redistribution keeps sums per unit of stake; a late stake
is scaled so that order is preserved. Exact fractions of any units. Source: Liquity v1 (StabilityPool,
TroveManager) and v2.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

from seawall.errors import InputError

ZERO, ONE = Fraction(0), Fraction(1)


class _Mark(NamedTuple):
    amount: Fraction
    product: Fraction
    gained: Fraction
    epoch: int


class StabilityPool:
    """Deposits by name; offsets shrink them all alike and hand them collateral."""

    def __init__(self) -> None:
        self._marks: dict[str, _Mark] = {}
        self._kept: dict[str, Fraction] = {}  # collateral earned before the last deposit
        self.total = ZERO
        self._product, self._gained, self._epoch = ONE, ZERO, 0
        self._last: dict[int, Fraction] = {}  # what a unit had gained when its epoch ended

    def deposit(self, name: str, amount: Fraction) -> None:
        """Add to a deposit; what it has earned is kept. InputError for nothing or less."""
        if amount <= 0:
            raise InputError.at(f"deposit of {name}", f"is {float(amount):g}", "Deposit more than zero.")
        self._kept[name] = self.gain(name)
        self._marks[name] = _Mark(self.compounded(name) + amount, self._product, self._gained, self._epoch)
        self.total += amount

    def offset(self, debt: Fraction, collateral: Fraction) -> None:
        """Burn deposits against a debt and share its collateral. InputError for more than the pool holds."""
        if not 0 < debt <= self.total:
            raise InputError.at(
                "offset", f"{float(debt):g} against {float(self.total):g} deposited", "Redistribute the rest."
            )
        self._gained += collateral / self.total * self._product
        self._product *= 1 - debt / self.total
        self.total -= debt
        if not self.total:  # everyone's deposit is gone: later ones begin afresh
            self._last[self._epoch] = self._gained
            self._epoch, self._product, self._gained = self._epoch + 1, ONE, ZERO

    def compounded(self, name: str) -> Fraction:
        """What is left of a deposit."""
        mark = self._marks.get(name)
        if mark is None or mark.epoch < self._epoch:
            return ZERO
        return mark.amount * self._product / mark.product

    def gain(self, name: str) -> Fraction:
        """Collateral a depositor has earned."""
        mark = self._marks.get(name)
        if mark is None:
            return ZERO
        reached = self._gained if mark.epoch == self._epoch else self._last[mark.epoch]
        return self._kept[name] + mark.amount * (reached - mark.gained) / mark.product


class _Loan(NamedTuple):
    collateral: Fraction
    debt: Fraction
    stake: Fraction
    collateral_sum: Fraction
    debt_sum: Fraction


class Redistribution:
    """Loans by name; a liquidated one is shared over the others in proportion to their stakes."""

    def __init__(self, kept_share: Fraction = ZERO) -> None:
        """`kept_share` of liquidated collateral goes to whoever calls."""
        self._keep = kept_share
        self._loans: dict[str, _Loan] = {}
        self._stakes = ZERO
        self._collateral_sum, self._debt_sum = ZERO, ZERO
        self._snapshot = (ZERO, ZERO)  # stakes and collateral just after the last liquidation

    def open(self, name: str, collateral: Fraction, debt: Fraction) -> None:
        """InputError for a name that is there, or a loan without collateral."""
        if name in self._loans or collateral <= 0 or debt < 0:
            raise InputError.at(f"loan {name}", "is there already, or has no collateral", "Open another.")
        stakes, held = self._snapshot
        stake = collateral * stakes / held if held else collateral
        self._loans[name] = _Loan(collateral, debt, stake, self._collateral_sum, self._debt_sum)
        self._stakes += stake

    def of(self, name: str) -> tuple[Fraction, Fraction]:
        """(collateral, debt) of a loan with what it was given."""
        loan = self._loans[name]
        return (
            loan.collateral + loan.stake * (self._collateral_sum - loan.collateral_sum),
            loan.debt + loan.stake * (self._debt_sum - loan.debt_sum),
        )

    def liquidate(self, name: str) -> Fraction:
        """Share a loan over the others; returns the caller's part. InputError for the last one."""
        if name not in self._loans or len(self._loans) < 2:
            raise InputError.at(f"loan {name}", "is not there, or is the only one", "Nobody could take it.")
        collateral, debt = self.of(name)
        kept = collateral * self._keep
        self._stakes -= self._loans.pop(name).stake
        self._collateral_sum += (collateral - kept) / self._stakes
        self._debt_sum += debt / self._stakes
        self._snapshot = (self._stakes, sum((self.of(other)[0] for other in self._loans), ZERO))
        return kept

    def names(self) -> list[str]:
        return list(self._loans)


Mode = Literal["redistribute all", "offset then redistribute", "capped offset", "none"]


class Split(NamedTuple):
    """Where a liquidated loan goes."""

    mode: Mode
    offset: Fraction = ZERO
    to_pool: Fraction = ZERO
    redistributed_debt: Fraction = ZERO
    redistributed: Fraction = ZERO
    surplus: Fraction = ZERO
    kept: Fraction = ZERO


def recovery_split(
    *,
    ratio: Fraction,
    system_ratio: Fraction,
    debt: Fraction,
    collateral: Fraction,
    pool: Fraction,
    price: Fraction,
    least: Fraction,
    kept_share: Fraction,
) -> Split:
    """In recovery mode: by the loan's collateral ratio; above `least` only if the pool takes it whole."""
    kept = collateral * kept_share
    left = collateral - kept
    if ratio <= 1:
        return Split("redistribute all", redistributed_debt=debt, redistributed=left, kept=kept)
    if ratio < least:
        offset = min(debt, pool)
        to_pool = left * offset / debt
        return Split("offset then redistribute", offset, to_pool, debt - offset, left - to_pool, kept=kept)
    if ratio < system_ratio and pool >= debt:
        capped = debt * least / price
        kept = capped * kept_share
        return Split("capped offset", debt, capped - kept, surplus=collateral - capped, kept=kept)
    return Split("none")


def branch_split(
    *,
    debt: Fraction,
    collateral: Fraction,
    pool: Fraction,
    price: Fraction,
    pool_penalty: Fraction,
    redistribution_penalty: Fraction,
    kept_share: Fraction,
    most_kept: Fraction,
) -> Split:
    """Offset first, at one penalty, then redistribute at another; what is over both is the owner's."""
    offset = min(debt, pool)
    part = collateral * offset / debt
    kept = min(part * kept_share, most_kept)
    to_pool = min(part - kept, offset * (1 + pool_penalty) / price)
    rest = debt - offset
    left = collateral - to_pool - kept
    redistributed = min(left, rest * (1 + redistribution_penalty) / price)
    mode: Mode = "offset then redistribute" if rest else "capped offset"
    return Split(mode, offset, to_pool, rest, redistributed, left - redistributed, kept)
