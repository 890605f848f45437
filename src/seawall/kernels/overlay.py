"""A hypothetical change of a pot, and its positions as they would then be.

Nobody touches a column to ask "what if": the kernels read every position through `position_line`. Lots and
cost as in ledger.columns; an Overlay is handed over as a plain tuple.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from seawall.kernels.fixed import LEAF, add_checked

TABLED = -2  # no other demand than the one that stands in the table


class Overlay(NamedTuple):
    """What if: lots and cost added to a position, lots of orders, another leverage, cash in an asset."""

    instrument: int = -1
    lots: int = 0
    cost: int = 0
    bid: int = 0
    ask: int = 0
    leverage: int = 0
    asset: int = -1
    cash: int = 0
    demand: int = TABLED  # what a portfolio rule asks of the pot so changed


OVL_INSTRUMENT, OVL_LOTS, OVL_COST, OVL_BID, OVL_ASK, OVL_LEVERAGE, OVL_ASSET, OVL_CASH, OVL_DEMAND = range(9)
NOTHING = tuple(Overlay())


@njit(**LEAF)
def position_line(positions, resting, slot, overlay):  # type: ignore[no-untyped-def]
    """(instrument, lots, cost, bid, ask, orders, leverage) of a slot with the overlay in it; -1: it alone."""
    if slot >= 0:
        held = positions[slot]
        instrument = np.int64(held["instrument"])
        lots, cost, bid, ask = held["lots"], held["cost"], resting[slot]["bid"], resting[slot]["ask"]
        orders, leverage = np.int64(held["orders"]), np.int64(held["leverage"])
    else:
        instrument = overlay[OVL_INSTRUMENT]
        lots = cost = bid = ask = orders = leverage = np.int64(0)
    if instrument == overlay[OVL_INSTRUMENT]:
        lots, cost = add_checked(lots, overlay[OVL_LOTS]), add_checked(cost, overlay[OVL_COST])
        bid, ask = add_checked(bid, overlay[OVL_BID]), add_checked(ask, overlay[OVL_ASK])
        orders += (overlay[OVL_BID] > 0) + (overlay[OVL_ASK] > 0)
        if overlay[OVL_LEVERAGE] > 0:
            leverage = overlay[OVL_LEVERAGE]
    return instrument, lots, cost, bid, ask, orders, leverage
