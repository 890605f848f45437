"""Floats find, integers decide: who can possibly be among the first in the ADL queue.

Ranking exactly costs a big-integer fraction per candidate, and a queue needs only its head. A float score of
the same formula, right to far better than SLACK, cuts off candidates that cannot be reached: it may keep too
many, never too few, ties included. Sizes lots, amounts atoms as in liquidation.adl_rank; scores have no unit.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.liquidation.adl_rank import AdlCandidates, splitmix64
from seawall.liquidation.tiers import RankDirection, RankerName

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

# Each score is a product or quotient of at most five int64 values turned into floats: its relative error is
# under 10 * 2**-53. The two-sided slack is ten thousand times that.
SLACK = 1e-11


def reachable(
    candidates: AdlCandidates,
    ranker: RankerName,
    needed_lots: int,
    *,
    unit_atoms: int,
    direction: RankDirection,
) -> I64:
    """Rows (ascending) that hold everyone the exact queue reaches until `needed_lots` are found."""
    scores = _scores(candidates, ranker, unit_atoms, direction)
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(candidates.lots[order].astype(np.float64))
    last = int(np.searchsorted(found, needed_lots * (1.0 + SLACK), side="left"))
    if last >= scores.size:
        return np.arange(scores.size, dtype=np.int64)
    edge = float(scores[order[last]])
    return np.flatnonzero(scores >= edge - abs(edge) * SLACK)


def circle(pots: I64, seed: int) -> I64:
    """Row order of ranker 'unranked' (by pot, round the circle from a start mixed out of the seed)."""
    order = np.argsort(pots, kind="stable")
    return np.roll(order, -(splitmix64(seed) % pots.size)) if pots.size else order


def pick(candidates: AdlCandidates, rows: I64) -> AdlCandidates:
    return AdlCandidates(**{name: getattr(candidates, name)[rows] for name in candidates.__struct_fields__})


def _scores(c: AdlCandidates, ranker: RankerName, unit_atoms: int, direction: RankDirection) -> F64:
    columns = {name: value.astype(np.float64) for name, value in msgspec.structs.asdict(c).items()}
    entry, mark = columns["entry_value_atoms"], columns["mark_value_atoms"]
    worth, profit = columns["account_value_atoms"], columns["unrealised_atoms"]
    size = np.abs(mark)
    if ranker == "binance":
        divisor = np.maximum(unit_atoms, columns["wallet_atoms"]) * np.where(worth > 0, worth, 1.0)
        return np.where(worth > 0, np.maximum(profit, 0.0) * columns["maintenance_atoms"] / divisor, 0.0)
    if ranker == "bitmex":
        # Differences are taken in integers: in floats a small one of two large values would lose its digits.
        gain = (c.mark_value_atoms - c.entry_value_atoms).astype(np.float64)
        cushion = np.maximum((c.mark_value_atoms - c.bankruptcy_value_atoms).astype(np.float64), 1.0)
        at_entry, at_mark = np.maximum(np.abs(entry), 1.0), np.maximum(size, 1.0)
        winner = gain * at_mark / (at_entry * cushion)
        return np.where(gain > 0, winner, gain * cushion / (at_entry * at_mark))
    if ranker == "hyperliquid":
        at_mark, at_entry = np.maximum(size, 1.0), np.maximum(np.abs(entry), 1.0)
        turned = (entry < 0) & (direction == "inverted")
        move = np.where(turned, at_entry / at_mark, at_mark / at_entry)
        return move * size / np.maximum(worth, 1.0)
    if ranker == "hyperliquid_decompiled":
        at_entry = np.maximum(np.abs(entry), 1.0)
        return size * np.maximum(profit, 0.0) / (np.maximum(worth, 1.0) * at_entry)
    if ranker == "leverage":
        return size / np.maximum(worth, 1.0)
    return profit
