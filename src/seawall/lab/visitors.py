"""Borrowers who come while prices are wrong: they deposit what the oracle overrates and leave with the loan.

A visitor buys coins outside, deposits them, borrows as much as the venue's initial level and its cash allow,
and never comes back. Amounts atoms; what he borrows rounds down.
"""

from __future__ import annotations

import msgspec

from seawall.engine.decide.measure import asset_rate, pot_health
from seawall.engine.state import EXTERNAL, State
from seawall.errors import InputError
from seawall.units import PPB


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Who comes at `at_ns` with `coins` of an asset and borrows another. `share_ppb` of what he may."""

    name: str
    at_ns: int
    asset: str
    coins: float
    borrows: str
    share_ppb: int = PPB

    def __post_init__(self) -> None:
        if not 0.0 < self.coins < 1e18 or not 0 < self.share_ppb <= PPB:
            what = f"brings {self.coins!r} coins and borrows {self.share_ppb / PPB:.4g} of what he may"
            raise InputError.at(f"visitor {self.name}", what, "Give positive coins, and a share up to 1.")


def most_borrowed(state: State, pot: int, visitor: Visitor) -> int:
    """Atoms of what he borrows that the initial level leaves him, and that are there; 0: none."""
    row = state.asset_row[visitor.borrows]
    room, rate = pot_health(state, pot, "initial"), asset_rate(state, row)
    if not room.known or room.margin_atoms <= 0 or rate is None:
        return 0
    allowed = room.margin_atoms * rate[1] * visitor.share_ppb // (rate[0] * PPB)
    return max(min(allowed, -int(state.book.balances[EXTERNAL, row])), 0)
