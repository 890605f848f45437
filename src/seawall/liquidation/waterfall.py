"""P10: which insurance-type source pays a deficit, tier after tier. A pure function on plain numbers.

Units: atoms of the settlement asset. A cap in ppb of the fund is rounded down (the fund is never overdrawn).
Every tier gets one line in the answer, also when it pays nothing: the reason is part of the answer.
Conservation: sum(paid) + remaining == deficit, and each fund falls by exactly what its tiers paid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from seawall.errors import InputError
from seawall.liquidation.tiers import InsuranceTier
from seawall.units import PPB


class DrawReason(StrEnum):
    """Why a tier paid what it paid."""

    PAID_ALL = "paid_all"  # all that was still open
    PAID_CAPPED = "paid_capped"  # stopped by its cap
    PAID_FUND = "paid_fund"  # stopped by the end of the fund
    NOTHING_DUE = "nothing_due"  # earlier tiers had paid everything
    FUND_EMPTY = "fund_empty"  # nothing above what must stay in the fund
    FUND_BELOW_MINIMUM = "fund_below_minimum"  # precondition min_fund_atoms
    DEFICIT_BELOW_MINIMUM = "deficit_below_minimum"  # precondition min_deficit_atoms
    NOT_ENOUGH_FOR_ALL = "not_enough_for_all"  # all or nothing, and not all
    NO_ROOM = "no_room"  # the cap is zero


class TierPayment(msgspec.Struct, frozen=True, kw_only=True):
    """One tier's line: what was due at its turn, what the fund held and could give, and what it paid."""

    tier: int
    fund: str
    due_atoms: int
    fund_before_atoms: int
    limit_atoms: int
    paid_atoms: int
    reason: DrawReason


class Draw(msgspec.Struct, frozen=True, kw_only=True):
    """The payments in order and the deficit that is left for deleveraging or socialising."""

    payments: tuple[TierPayment, ...]
    paid_atoms: int
    remaining_atoms: int


def draw(
    tiers: Sequence[InsuranceTier],
    available_atoms: Mapping[str, int],
    deficit_atoms: int,
    *,
    room_atoms: Mapping[str, int] | None = None,
) -> Draw:
    """Draw `deficit_atoms` from the funds of `tiers`, in order; a fund may appear more than once.

    `available_atoms`: what each named fund holds. `room_atoms`: what is left of a quota on a fund, needed by
    tiers with `cap_room`; two tiers on one fund share it. InputError if a fund or a needed room is not given.
    """
    if deficit_atoms < 0:
        raise InputError.at("waterfall", f"deficit {deficit_atoms} is negative", "Give a deficit >= 0.")
    held = {tier.fund: _known(available_atoms, tier.fund, "balance") for tier in tiers}
    room = {tier.fund: _known(room_atoms or {}, tier.fund, "room") for tier in tiers if tier.cap_room}
    due = deficit_atoms
    payments = []
    for number, tier in enumerate(tiers):
        limit, by_cap = _limit(tier, held[tier.fund], room.get(tier.fund, 0))
        paid, reason = _pay(tier, due, held[tier.fund], limit, by_cap)
        payments.append(
            TierPayment(
                tier=number,
                fund=tier.fund,
                due_atoms=due,
                fund_before_atoms=held[tier.fund],
                limit_atoms=limit,
                paid_atoms=paid,
                reason=reason,
            )
        )
        due -= paid
        held[tier.fund] -= paid
        if tier.cap_room:
            room[tier.fund] -= paid
    return Draw(payments=tuple(payments), paid_atoms=deficit_atoms - due, remaining_atoms=due)


def _limit(tier: InsuranceTier, held_atoms: int, room_atoms: int) -> tuple[int, bool]:
    """The most this tier may pay, and whether a cap rather than the fund's end sets it."""
    spendable = max(0, held_atoms - tier.keep_atoms)
    caps = [spendable]
    if tier.cap_atoms is not None:
        caps.append(tier.cap_atoms)
    if tier.cap_ppb is not None:
        caps.append(held_atoms * tier.cap_ppb // PPB)
    if tier.cap_room:
        caps.append(room_atoms)
    return min(caps), min(caps) < spendable


def _pay(
    tier: InsuranceTier, due_atoms: int, held_atoms: int, limit_atoms: int, by_cap: bool
) -> tuple[int, DrawReason]:
    if due_atoms == 0:
        return 0, DrawReason.NOTHING_DUE
    if due_atoms < tier.min_deficit_atoms:
        return 0, DrawReason.DEFICIT_BELOW_MINIMUM
    if held_atoms <= tier.keep_atoms:
        return 0, DrawReason.FUND_EMPTY
    if held_atoms < tier.min_fund_atoms:
        return 0, DrawReason.FUND_BELOW_MINIMUM
    if limit_atoms == 0:
        return 0, DrawReason.NO_ROOM
    if limit_atoms >= due_atoms:
        return due_atoms, DrawReason.PAID_ALL
    if tier.rule == "all_or_nothing":
        return 0, DrawReason.NOT_ENOUGH_FOR_ALL
    return limit_atoms, DrawReason.PAID_CAPPED if by_cap else DrawReason.PAID_FUND


def _known(amounts: Mapping[str, int], fund: str, what: str) -> int:
    if fund not in amounts:
        raise InputError.at(
            "waterfall", f"the {what} of fund '{fund}' is not given", "Give it; it is not guessed."
        )
    if amounts[fund] < 0:
        raise InputError.at(
            "waterfall", f"the {what} of fund '{fund}' is {amounts[fund]}", "Give an amount >= 0."
        )
    return int(amounts[fund])
