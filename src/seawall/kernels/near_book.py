"""Bounds for a book of scenario margins: what each account loses at most when a table of outcomes moves.

Positions lie account by account (`ends`), sizes whole lots, weights and moves whole atoms per lot, all held
as float64. Rounding: none; the caller has shown that no sum passes 2**53 (scenario_book.heaviest).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels.fixed import LEAF


@njit(**LEAF, error_model="numpy")
def gross_of_book(ends, instrument, size, weight, out):  # type: ignore[no-untyped-def]
    """out[account] = sum of |size| * weight[instrument], for every account."""
    first = np.int64(ends[0])
    for account in range(ends.size - 1):
        last, total = np.int64(ends[account + 1]), 0.0
        for place in range(first, last):
            total += abs(size[place]) * weight[instrument[place]]
        out[account] = total
        first = last


@njit(**LEAF, error_model="numpy")
def sum_of_book(ends, instrument, size, value, out):  # type: ignore[no-untyped-def]
    """out[account] = sum of size * value[instrument], for every account."""
    first = np.int64(ends[0])
    for account in range(ends.size - 1):
        last, total = np.int64(ends[account + 1]), 0.0
        for place in range(first, last):
            total += size[place] * value[instrument[place]]
        out[account] = total
        first = last


@njit(**LEAF, error_model="numpy")
def least_of_accounts(asked, ends, instrument, size, low, high, out):  # type: ignore[no-untyped-def]
    """The least that positions can have gained, out[k] for asked[k]: bought ones `low`, sold ones `high`."""
    for row in range(asked.size):
        total = 0.0
        for place in range(np.int64(ends[asked[row]]), np.int64(ends[asked[row] + 1])):
            held, which = size[place], instrument[place]
            total += held * (low[which] if held >= 0.0 else high[which])
        out[row] = total
