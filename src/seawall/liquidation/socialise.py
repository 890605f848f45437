"""P12: sharing what no fund and no deleveraging has paid, exact to the atom; says what stays unpaid.

Per unit of open interest (Drift v2, Mango v4), over positive equity, or as a haircut on withdrawals (Paradex,
Derive). Units: atoms and lots; `haircut_ppb` is rounded up. Rounding between accounts: largest remainder,
ties to the lowest id. Nothing here moves money: the shares are amounts to take, row by row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seawall.errors import InputError
from seawall.liquidation.allocation import (
    IntColumn,
    apportion,
    column,
    exact_sum,
    pro_rata,
    signed_column,
    water_fill,
    whole_numbers,
)
from seawall.liquidation.tiers import SocialiseSides
from seawall.units import PPB


class Socialised(NamedTuple):
    """Atoms to take from each row; sum(`paid_atoms`) + `unpaid_atoms` is the loss, always."""

    paid_atoms: IntColumn
    unpaid_atoms: int


class Haircut(NamedTuple):
    """`haircut_ppb` (rounded up) of every withdrawal, what it withholds from each, and what is not met."""

    haircut_ppb: int
    withheld_atoms: IntColumn
    unpaid_atoms: int


def per_open_interest(
    position_lots: npt.ArrayLike,
    loss_atoms: int,
    *,
    sides: SocialiseSides = "both",
    winning_sign: int = 0,
    limits_atoms: npt.ArrayLike | None = None,
    ids: npt.ArrayLike | None = None,
) -> Socialised:
    """The same loss per lot of open interest, on both sides or on the side of sign `winning_sign` (+1, -1).

    The published rules have no limit: a share may leave an account below zero. `limits_atoms` (say, its
    equity) stops that; the others then pay more, and what nobody can pay is `unpaid_atoms`. The bankrupt
    position itself must not be among the rows.
    """
    lots = [int(size) for size in signed_column(position_lots, "position_lots").tolist()]
    if sides == "winning" and winning_sign not in (1, -1):
        raise InputError.at(
            "per_open_interest", f"winning_sign = {winning_sign}", "Give +1 (longs) or -1 (shorts)."
        )
    # -2^63 lots cannot be mirrored into int64, and no market is that large.
    weights = [
        0 if sides == "winning" and size * winning_sign <= 0 else min(abs(size), 2**63 - 1) for size in lots
    ]
    if limits_atoms is None:
        paid = apportion(column(weights), loss_atoms, ids=ids)
    else:
        paid = water_fill(column(weights), limits_atoms, loss_atoms, ids=ids)
    return Socialised(paid, loss_atoms - _total(paid))


def over_positive_equity(
    equity_atoms: npt.ArrayLike, loss_atoms: int, *, ids: npt.ArrayLike | None = None
) -> Socialised:
    """The same share of every positive equity; who is at or below zero pays nothing, nobody falls below."""
    paid = pro_rata(np.maximum(signed_column(equity_atoms, "equity_atoms"), 0), loss_atoms, ids=ids)
    return Socialised(paid, loss_atoms - _total(paid))


def withdrawal_haircut(
    balances_atoms: npt.ArrayLike,
    shortfall_atoms: int,
    *,
    held_atoms: int | None = None,
    ids: npt.ArrayLike | None = None,
) -> Haircut:
    """Haircut shortfall / (held + shortfall) on withdrawals (Paradex; Derive: debt / (debt + deposits)).

    `held_atoms` is the balance of the formula: what the venue really holds against the claims
    `balances_atoms`. By default their sum, which is Paradex's text; then a withdrawal of everything
    withholds less than the shortfall (by shortfall^2 / (held + shortfall)), reported as unpaid. With held =
    claims - shortfall (Derive) it is met. Paradex's example agrees with its formula where users' balances
    count and the insurance fund's does not.
    """
    balances = whole_numbers(balances_atoms, "balances_atoms")
    claims = sum(balances)
    held = claims if held_atoms is None else held_atoms
    if shortfall_atoms < 0 or held < 0:
        raise InputError.at(
            "withdrawal_haircut", f"shortfall {shortfall_atoms}, held {held}", "Give both >= 0."
        )
    if shortfall_atoms == 0:
        return Haircut(0, column([0] * len(balances)), 0)
    haircut_ppb = -(-shortfall_atoms * PPB // (held + shortfall_atoms))
    total = min(shortfall_atoms, withdrawal_fee(claims, held, shortfall_atoms))
    withheld = pro_rata(column(balances), total, ids=ids)
    return Haircut(haircut_ppb, withheld, shortfall_atoms - _total(withheld))


def withdrawal_fee(withdrawn_atoms: int, held_atoms: int, shortfall_atoms: int) -> int:
    """What one withdrawal leaves behind, exact, then rounded up (`haircut_ppb` itself would take more)."""
    if withdrawn_atoms < 0 or held_atoms < 0 or shortfall_atoms < 0:
        raise InputError.at("withdrawal_fee", "a negative amount", "Give amounts >= 0.")
    if shortfall_atoms == 0:
        return 0
    return -(-withdrawn_atoms * shortfall_atoms // (held_atoms + shortfall_atoms))


def index_step(loss_atoms: int, open_units: int, *, scale: int = 1) -> int:
    """How far an index per unit must move to collect the loss: loss * scale / units, rounded up.

    For venues that keep an index instead of shares (Drift v2: cumulative funding per base, deposit index).
    Rounding up collects at most one index step per unit too much; the shares of `per_open_interest` collect
    the loss exactly.
    """
    if open_units <= 0:
        raise InputError.at(
            "index_step", f"{open_units} units are open", "Nobody is left to share this loss."
        )
    return -(-loss_atoms * scale // open_units)


def _total(paid: IntColumn) -> int:
    return exact_sum(paid)
