"""The tail of every account of a book over S historical scenarios, for value at risk and expected shortfall.

With losses sorted descending L1 >= L2 >= ... gives L1 + ... + L(keep-1) and L(keep). From these, for
k = S * (1 - confidence) and keep = floor(k) + 1, ES = (L1 + ... + L(keep-1) + (k - floor(k)) * L(keep)) / k,
the minimum of Rockafellar and Uryasev (2000); VaR = L_ceil(k) is L(keep) unless k is whole.
Sums over all scenarios are never kept: each account has room for its largest losses so far, and a new tile of
losses is sifted by the least of them. Units as in kernels/scenario_book.py: whole lots and atoms in float64.
Rounding: none below 2**53 (shown by the caller); so any number of threads gives the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from seawall.kernels.fixed import LEAF
from seawall.kernels.tile import WIDTH, tile_sums

PART = 4096  # accounts in a block: so many share one reading of a table too large for the cache
SLACK = 8 * WIDTH  # least room beyond the losses kept: cut back too early, the bar stays low


@njit(**LEAF, error_model="numpy")
def _middle(a, b, c):  # type: ignore[no-untyped-def]
    return max(min(a, b), min(max(a, b), c))


@njit(**LEAF, error_model="numpy")
def keep_largest(values, count, keep):  # type: ignore[no-untyped-def]
    """Reorder values[:count] so that its `keep` largest come first, and give the least of those.

    1 <= keep <= count. Lomuto's partition, written so that it swaps always and branches never: which side a
    loss falls on cannot be predicted, and a wrong guess costs twenty swaps.
    """
    low, high = 0, count
    while True:
        pivot = _middle(values[low], values[(low + high) // 2], values[high - 1])
        above = low
        for place in range(low, high):
            value = values[place]
            values[place] = values[above]
            values[above] = value
            above += value > pivot
        if keep <= above:
            high = above
            continue
        same = above
        for place in range(above, high):
            value = values[place]
            values[place] = values[same]
            values[same] = value
            same += value == pivot
        if keep <= same:
            return pivot
        low = same


@njit(**LEAF, error_model="numpy")
def _sift(sums, real, row, count, least):  # type: ignore[no-untyped-def]
    """Add those of sums[:real] that exceed `least` to row[count:]; without a branch, most do not."""
    for place in range(real):
        value = sums[place]
        row[count] = value
        count += value > least
    return count


@njit(**LEAF, error_model="numpy")
def tail_of_block(  # type: ignore[no-untyped-def]
    ends, instrument, size, table, scenarios, keep, start, end, sums, rows, counts, least, figures
):
    """`tail_of_book` of accounts start..end-1 on the calling thread."""
    for place in range(end - start):
        counts[place], least[place] = 0, -np.inf
    room = rows.shape[1] - 1
    for tile in range(table.shape[0]):
        real = min(WIDTH, scenarios - tile * WIDTH)
        first = np.int64(ends[start])
        for account in range(start, end):
            last, place = np.int64(ends[account + 1]), account - start
            tile_sums(instrument, size, table, tile, first, last, sums, 0)
            counts[place] = _sift(sums, real, rows[place], counts[place], least[place])
            if counts[place] > room - WIDTH:
                least[place] = keep_largest(rows[place], counts[place], keep)
                counts[place] = keep
            first = last
    for place in range(end - start):
        least_kept = keep_largest(rows[place], counts[place], keep)
        total = -least_kept
        for rank in range(keep):
            total += rows[place, rank]
        figures[start + place, 0], figures[start + place, 1] = total, least_kept


@njit(cache=True, parallel=True, error_model="numpy")
def tail_of_book(ends, instrument, size, table, scenarios, keep, figures):  # type: ignore[no-untyped-def]
    """The sum of each account's keep - 1 largest losses, and the keep-th: figures (accounts, 2) float64.

    The other arguments as in `scenario_book.worst_of_book`; 1 <= keep <= scenarios. The caller has shown that
    keep times the largest sum stays below 2**53.
    """
    accounts = ends.size - 1
    for part in prange(-(-accounts // PART)):
        start = part * PART
        end = min(start + PART, accounts)
        around = np.zeros(WIDTH + 8)
        skip = (-around.ctypes.data % 64) // 8
        rows = np.empty((end - start, keep + max(SLACK, 2 * keep) + 1))
        tail_of_block(
            ends, instrument, size, table, scenarios, keep, start, end, around[skip : skip + WIDTH], rows,
            np.empty(end - start, np.int64), np.empty(end - start), figures,
        )  # fmt: skip
