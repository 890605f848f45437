"""The compiled half of "who on the ladder only waits" (engine.waiting): exact, integers only.

Sizes lots, amounts atoms of the pot's unit, levels by their row. It changes nothing; a pot whose figures are
unknown or do not fit 64 bits never waits here, so that the ladder says what is wrong with it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels import layout
from seawall.kernels.fixed import LEAF
from seawall.kernels.margin import NOT_PLAIN, full_or_unfit, plain_health

# What a pot on the ladder waits for: the level that ends its liquidation, the one below which its step is
# left (-1: none), the instrument and size of the order that is out (0 lots: none), until when, and the
# assets, bit by bit, that outsiders may take for its debts (0: it waits for nobody of that kind).
POT, EXIT, LEAVE, INSTRUMENT, LOTS, UNTIL, GOODS = range(7)
WIDTH = 7
MOST_GOODS = 62
UNKNOWN, LIQUIDATING = 1, 4  # flags, as in engine.state


@njit(**LEAF, error_model="numpy")
def _standing(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, lines, level, pot
):
    """(equity, requirement, known) of a pot at a level; `lines` by level are ready if there are many."""
    ready = lines.shape[0] > 1
    line = lines[level] if ready else lines[0]
    has, needs, missing = plain_health(pots, positions, balances, market, rules, level, pot, line, ready)
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
def _seizable(balances, pot, goods):  # type: ignore[no-untyped-def]
    """Mirrors engine.decide.ladder.seizable: a debt, and something that may be taken for it."""
    owes, has = False, False
    for asset in range(balances.shape[1]):
        atoms = balances[pot, asset]
        owes = owes or atoms < 0
        has = has or (atoms > 0 and asset < MOST_GOODS and (goods >> np.int64(asset)) & np.int64(1) == 1)
    return owes and has


@njit(**LEAF, error_model="numpy")
def _unclear(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, lines, levels, nested, pot
):
    """Would a sweep find the pot unknown at one of its levels? `nested` as in kernels.margin.book_health."""
    for place in range(levels.size):
        has, needs, known = _standing(
            pots, positions, resting, balances, market, rules, totals, lines, levels[place], pot
        )
        if not known:
            return True
        if nested and has >= needs:
            return False
    return False


@njit(**LEAF, error_model="numpy")
def _waits(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, lines, levels, nested, worth_level, barred, row
):
    """Mirrors engine.decide.ladder: known, no level met that ends it, no step to leave, its order fits."""
    pot, out = row[POT], row[LOTS]
    many, lots = _held(pots, positions, balances, rules, barred, pot, row[INSTRUMENT])
    if many < 0 or out > lots:
        return False
    if row[GOODS]:
        if not _seizable(balances, pot, row[GOODS]):
            return False
    elif not many:
        return False
    worth, _needs, known = _standing(
        pots, positions, resting, balances, market, rules, totals, lines, worth_level, pot
    )
    if not known or (out > 0 and worth < 0):
        return False
    has, needs, known = _standing(
        pots, positions, resting, balances, market, rules, totals, lines, row[EXIT], pot
    )
    if not known or has >= needs:
        return False
    if row[LEAVE] >= 0:
        has, needs, known = _standing(
            pots, positions, resting, balances, market, rules, totals, lines, row[LEAVE], pot
        )
        if known and has < needs:
            return False
    return not _unclear(pots, positions, resting, balances, market, rules, totals, lines, levels, nested, pot)


@njit(**LEAF, error_model="numpy")
def wait(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, lines, levels, nested, worth_level, flags,
    now_ns, barred, rows, places, found,
):  # fmt: skip
    """found[k]: is the pot of rows[places[k]] left as it is? `levels` are those of the sweep.

    `barred`: instruments on which nobody is liquidated.
    """
    for k in range(places.size):
        row = rows[places[k]]
        on_time = now_ns < row[UNTIL] and flags[row[POT]] & (UNKNOWN | LIQUIDATING) == LIQUIDATING
        found[k] = on_time and _waits(
            pots, positions, resting, balances, market, rules, totals, lines, levels, nested, worth_level,
            barred, row,
        )  # fmt: skip
