"""The compiled half of "who on the ladder only waits" (engine.decide.waiting): exact, integers only.

Sizes lots, amounts atoms of the pot's unit, levels by their row. It changes nothing; a pot whose figures are
unknown or do not fit 64 bits never waits here, so that the ladder says what is wrong with it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels import layout
from seawall.kernels.fixed import LEAF
from seawall.kernels.margin import NOT_PLAIN, full_or_unfit, plain_health

# What is asked of a pot: its exit level, the level below which its step is left (-1: none), the instrument
# and size of the order that is out (0 lots: none, a cooldown is waited for).
ASKED_POT, ASKED_EXIT, ASKED_LEAVE, ASKED_INSTRUMENT, ASKED_LOTS = range(5)
ASKED_WIDTH = 5


@njit(**LEAF, error_model="numpy")
def _standing(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, lines, level, pot
):
    """(equity, requirement, known) of a pot at a level."""
    has, needs, missing = plain_health(pots, positions, balances, market, rules, level, pot, lines, False)
    if missing == NOT_PLAIN:
        has, needs, missing = full_or_unfit(
            pots, positions, resting, balances, market, rules, totals, level, pot
        )
    return has, needs, missing == -1


@njit(**LEAF, error_model="numpy")
def _held(pots, positions, balances, rules, barred, pot, instrument):  # type: ignore[no-untyped-def]
    """(open positions, |lots| in the instrument), or (-1, 0): a price it depends on is barred."""
    slot, many, lots = np.int64(pots[pot]["head"]), np.int64(0), np.int64(0)
    while slot >= 0:
        held = positions[slot]
        slot = np.int64(held["next"])
        if held["lots"] != 0:
            many += 1
            if barred[held["instrument"]]:
                return np.int64(-1), np.int64(0)
            if held["instrument"] == instrument:
                lots = abs(held["lots"])
    if not rules[0, layout.HDR_SETTLEMENT_SCOPE]:
        for asset in range(rules[0, layout.HDR_ASSETS]):
            via = rules[rules[0, layout.HDR_COLLATERAL] + asset, layout.AST_INSTRUMENT]
            if balances[pot, asset] != 0 and asset != pots[pot]["unit"] and via >= 0 and barred[via]:
                return np.int64(-1), np.int64(0)
    return many, lots


@njit(**LEAF, error_model="numpy")
def wait(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, lines, worth_level, asked, barred, found
):
    """found[row]: is asked[row] (ASKED_...) left as it is? `barred`: instruments nobody is liquidated on."""
    for row in range(asked.shape[0]):
        found[row] = False
        pot, out = asked[row, ASKED_POT], asked[row, ASKED_LOTS]
        many, lots = _held(pots, positions, balances, rules, barred, pot, asked[row, ASKED_INSTRUMENT])
        if many <= 0 or out > lots:
            continue
        worth, _needs, known = _standing(
            pots, positions, resting, balances, market, rules, totals, lines, worth_level, pot
        )
        if not known or (out > 0 and worth < 0):
            continue
        has, needs, known = _standing(
            pots, positions, resting, balances, market, rules, totals, lines, asked[row, ASKED_EXIT], pot
        )
        if not known or has >= needs:
            continue
        if asked[row, ASKED_LEAVE] >= 0:
            has, needs, known = _standing(
                pots, positions, resting, balances, market, rules, totals, lines, asked[row, ASKED_LEAVE], pot
            )
            if known and has < needs:
                continue
        found[row] = True
