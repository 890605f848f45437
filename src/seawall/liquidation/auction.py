"""Dutch auction of a share of a whole account: discount over time, largest share, cost, payout, fee.

Amounts are atoms, exact Python integers; shares and discounts exact Fractions. Money a bidder pays or must
hold rounds up, money paid out to him rounds down. Margins are healths: below zero is a deficit. The docs'
discount is 1 - the contract's d(t). Source: Derive, DutchAuction.sol and the page on liquidations.
The step and the bids: engine.decide.auction, engine.decide.bids.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import msgspec

from seawall.errors import InputError
from seawall.units import PPB

ZERO, ONE = Fraction(0), Fraction(1)


class AuctionTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The discount rises from `start` to `fast` in the fast phase, then to 100 % in the slow one."""

    start_ppb: int
    fast_ppb: int
    fast_ns: int
    slow_ns: int
    insolvent_ns: int
    buffer_ppb: int  # of what maintenance is below mark-to-market: the auction ends at this cushion
    fee_ppb: int  # of the mark-to-market put up, to the security module


def discount_at(terms: AuctionTerms, elapsed_ns: int) -> Fraction:
    """Discount on mark-to-market after this time, exact, never above 1."""
    if elapsed_ns < 0:
        raise InputError.at("auction", f"{elapsed_ns} ns before its start", "Give a time of zero or more.")
    start, fast = Fraction(terms.start_ppb, PPB), Fraction(terms.fast_ppb, PPB)
    if elapsed_ns <= terms.fast_ns:
        return start + (fast - start) * Fraction(elapsed_ns, terms.fast_ns) if terms.fast_ns else fast
    slow = elapsed_ns - terms.fast_ns
    return fast + (ONE - fast) * Fraction(slow, terms.slow_ns) if slow < terms.slow_ns else ONE


def buffer_margin(*, maintenance_atoms: int, worth_atoms: int, buffer_ppb: int) -> int:
    """MM + buffer * (MM - MtM), rounded down: what is to reach zero before the auction ends."""
    return maintenance_atoms + (maintenance_atoms - worth_atoms) * buffer_ppb // PPB


def largest_share(
    *, buffer_atoms: int, worth_atoms: int, discount: Fraction, reserved_atoms: int = 0
) -> Fraction:
    """The share whose sale brings the buffer margin to zero: BM / (BM - (1 - d) MtM - d * reserved).

    0 where the margin is met, 1 where no part of the account would do.
    """
    if buffer_atoms >= 0:
        return ZERO
    gained = (ONE - discount) * worth_atoms + discount * reserved_atoms
    return ONE if gained <= 0 else buffer_atoms / (buffer_atoms - gained)


def cost_atoms(*, share: Fraction, worth_atoms: int, discount: Fraction, reserved_atoms: int = 0) -> int:
    """What a bidder pays for a share: of mark-to-market but for the reserved cash, at the discount. Up."""
    return ceil(share * (worth_atoms - reserved_atoms) * (ONE - discount))


def cash_required_atoms(*, share: Fraction, cost: int, buffer_atoms: int, reserved_atoms: int = 0) -> int:
    """What he must hold: the cost, and the share of the buffer margin that comes with it. Rounded up."""
    return cost + ceil(share * abs(buffer_atoms - reserved_atoms))


def auction_fee_atoms(*, buffer_atoms: int, worth_atoms: int, fee_ppb: int) -> tuple[Fraction, int]:
    """(share put up at no discount, fee on its mark-to-market rounded up), when the auction starts."""
    share = largest_share(buffer_atoms=buffer_atoms, worth_atoms=worth_atoms, discount=ZERO)
    return share, ceil(share * worth_atoms * Fraction(fee_ppb, PPB))


def insolvent_offer(*, worth_atoms: int, maintenance_atoms: int, elapsed_ns: int, total_ns: int) -> Fraction:
    """The offer of an insolvent auction: from min(0, MtM) to MM in equal steps; below zero it is paid out."""
    if total_ns <= 0 or elapsed_ns < 0:
        raise InputError.at("auction", "no time to run in", "Give a positive duration and a time in it.")
    start, part = min(worth_atoms, 0), min(Fraction(elapsed_ns, total_ns), ONE)
    return start + (maintenance_atoms - start) * part


def insolvent_bid(*, share: Fraction, offer: Fraction, maintenance_atoms: int) -> tuple[int, int]:
    """(payout to the bidder, rounded down; cash he must hold, rounded up: his share of -MM less that)."""
    payout = floor(share * max(-offer, ZERO))
    return payout, max(ceil(share * max(-maintenance_atoms, 0)) - payout, 0)
