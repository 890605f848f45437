"""How much of an account is taken over at once, and which resting orders go first.

Shares ppb, amounts atoms, sizes lots. Penalties round up, what stays of a requirement rounds up too, so a
share is never found too small. Source: Paradex, liquidations (multiples of 20 % until the margin ratio is
below 90 %) and deleverage orders.
"""

from __future__ import annotations

from typing import NamedTuple

from seawall.errors import InputError
from seawall.units import PPB


class ShareTaken(NamedTuple):
    """What an account has and needs once `share_ppb` of every position is taken over at the mark."""

    share_ppb: int
    requirement_atoms: int
    penalty_atoms: int
    worth_atoms: int


def shares_to_take(
    *, worth_atoms: int, requirement_atoms: int, step_ppb: int, fee_ppb: int
) -> tuple[ShareTaken, ...]:
    """Every multiple of `step_ppb` below all of it; the penalty is share * fee * requirement."""
    if not 0 < step_ppb <= PPB or fee_ppb < 0:
        raise InputError.at("partial", f"step {step_ppb}, fee {fee_ppb}", "Give 0 < step <= 1e9, fee >= 0.")
    found = []
    for share in range(step_ppb, PPB, step_ppb):
        left = -(-requirement_atoms * (PPB - share) // PPB)
        penalty = -(-requirement_atoms * share * fee_ppb // PPB**2)
        found.append(ShareTaken(share, left, penalty, worth_atoms - penalty))
    return tuple(found)


def smallest_share(shares: tuple[ShareTaken, ...], *, most_ratio_ppb: int) -> ShareTaken | None:
    """The first share that leaves requirement / worth below the ratio; None where only all of it would."""
    return next(
        (one for one in shares if one.requirement_atoms * PPB < most_ratio_ppb * one.worth_atoms), None
    )


def orders_kept(position_lots: int, orders: list[tuple[int, int]]) -> list[int]:
    """Places of the (signed lots, price) orders that a deleveraged account keeps, in their order.

    Orders that add to the position go; of those that close it, the most passive go, whole, until the rest is
    no more than the position. Ties go by place, the later first.
    """
    side = 1 if position_lots > 0 else -1
    closing = [place for place, (lots, _price) in enumerate(orders) if lots * side < 0]
    # The most aggressive sell has the lowest price, the most aggressive buy the highest.
    closing.sort(key=lambda place: (orders[place][1] * side, place))
    while sum(abs(orders[place][0]) for place in closing) > abs(position_lots):
        closing.pop()
    return sorted(closing)
