"""Deleveraging scores of candidates given as decimals: scaled to whole atoms exactly, ranked by the engine.

Every column of one call is multiplied by one common factor, which no ratio notices. Scores come back as exact
fractions in the order of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import Any

import msgspec
import numpy as np

from seawall.liquidation.adl_rank import AdlCandidates, Ranking, rank
from seawall.liquidation.tiers import RankerName

ZERO = Fraction(0)


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One position opposite to the bankrupt one. Values are signed as in AdlCandidates."""

    lots: int = 1
    entry_value: Fraction = ZERO
    mark_value: Fraction = ZERO
    unrealised: Fraction = ZERO
    wallet: Fraction = ZERO
    account_value: Fraction = ZERO
    maintenance: Fraction = ZERO
    bankruptcy_value: Fraction = ZERO


AMOUNTS = tuple(name for name in Candidate.__struct_fields__ if name != "lots")


def candidates(rows: Sequence[Candidate]) -> AdlCandidates:
    """The rows as the engine's columns; ids are row numbers."""
    every = [getattr(row, name) for row in rows for name in AMOUNTS]
    factor = lcm(*(amount.denominator for amount in every)) if every else 1
    columns: dict[str, Any] = {
        f"{name}_atoms": np.array([int(getattr(row, name) * factor) for row in rows], np.int64)
        for name in AMOUNTS
    }
    return AdlCandidates(
        pot_ids=np.arange(len(rows), dtype=np.int64),
        lots=np.array([row.lots for row in rows], np.int64),
        **columns,
    )


def ranked(rows: Sequence[Candidate], ranker: RankerName, **options: Any) -> tuple[Ranking, list[Fraction]]:
    """The engine's ranking and each row's score."""
    ranking = rank(candidates(rows), ranker, **options)
    return ranking, scores(ranking)


def scores(ranking: Ranking) -> list[Fraction]:
    return [Fraction(top, bottom) for top, bottom in zip(ranking.numerators, ranking.denominators)]
