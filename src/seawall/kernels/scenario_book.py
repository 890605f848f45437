"""Scenario margin of a whole book: for each account the worst of S losses, plus a charge on its gross size.

    requirement = max(0, max_s sum_i size_i * loss[i, s]) + sum_i |size_i| * charge[i]

Positions lie account by account (`ends`, as in a sparse matrix), losses in tiles (kernels/tile.py). Sizes are
whole lots, losses and charges whole atoms per lot, all held as float64.
Rounding: none. Sums are exact while sum |size| * (max |loss| + charge) stays below 2**53. `worst_of_book`
needs the caller to have shown that for the heaviest account; `worst_of_accounts` checks each and gives BEYOND
where it does not hold, for `exact_worst`, in Python integers. All give the same numbers on any threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from seawall.kernels.fixed import LEAF
from seawall.kernels.tile import WIDTH, tile_sums, tile_worst, tile_worst_and_gross

PART = 1024  # accounts in a block: its positions are read again from the first cache for each tile
EXACT = float(1 << 53)  # whole numbers up to this are exact as float64
BEYOND = -1.0  # the account's sums may pass 2**53


def aligned(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Zeros that begin on a 64-byte boundary, as the registers are filled."""
    count = int(np.prod(shape))
    room = np.zeros(count * 8 + 64, np.uint8)
    skip = -room.ctypes.data % 64
    return room[skip : skip + count * 8].view(np.float64).reshape(shape)


def tiled(losses: NDArray[np.int64]) -> NDArray[np.float64]:
    """(instruments, scenarios) as (tiles, instruments, WIDTH). What the last tile lacks are zero losses.

    ValueError where an entry is beyond 2**53.
    """
    if losses.size and int(np.abs(losses).max()) >= EXACT:
        raise ValueError("a loss per lot passes 2**53 atoms: use a finer lot or a coarser unit")
    instruments, scenarios = losses.shape
    table = aligned((-(-scenarios // WIDTH), instruments, WIDTH))
    for tile in range(table.shape[0]):
        part = losses[:, tile * WIDTH : (tile + 1) * WIDTH]
        table[tile, :, : part.shape[1]] = part
    return table


@njit(**LEAF, error_model="numpy")
def _worst(instrument, size, table, first, last):  # type: ignore[no-untyped-def]
    worst = 0.0
    for tile in range(table.shape[0]):
        found = tile_worst(instrument, size, table, tile, first, last)
        if found > worst:
            worst = found
    return worst


@njit(**LEAF, error_model="numpy")
def _gross(instrument, size, charge, first, last):  # type: ignore[no-untyped-def]
    total = 0.0
    for place in range(first, last):
        total += abs(size[place]) * charge[instrument[place]]
    return total


@njit(**LEAF, error_model="numpy")
def worst_of_block(ends, instrument, size, table, charge, start, end, out):  # type: ignore[no-untyped-def]
    """out[start:end] of `worst_of_book`, on the calling thread; tile by tile, so that a tile stays cached."""
    tiles = table.shape[0]
    for tile in range(tiles - 1):
        first = np.int64(ends[start])
        for account in range(start, end):
            last = np.int64(ends[account + 1])
            found = tile_worst(instrument, size, table, tile, first, last)
            out[account] = max(found, 0.0 if tile == 0 else out[account])
            first = last
    first = np.int64(ends[start])
    for account in range(start, end):
        last = np.int64(ends[account + 1])
        found, gross = tile_worst_and_gross(instrument, size, table, tiles - 1, first, last, charge)
        out[account] = max(found, 0.0 if tiles == 1 else out[account]) + gross
        first = last


@njit(cache=True, parallel=True, error_model="numpy")
def worst_of_book(ends, instrument, size, table, charge, out):  # type: ignore[no-untyped-def]
    """Requirements of all accounts, to out (accounts,) float64.

    ends: (accounts + 1,) uint32; instrument: (positions,) uint16; size: (positions,) float64;
    table: (tiles, instruments, WIDTH) float64; charge: (instruments,) float64.
    The caller has shown that no sum passes 2**53 (`heaviest`).
    """
    accounts = ends.size - 1
    for part in prange(-(-accounts // PART)):
        start = part * PART
        worst_of_block(ends, instrument, size, table, charge, start, min(start + PART, accounts), out)


@njit(**LEAF, error_model="numpy")
def worst_of_accounts(  # type: ignore[no-untyped-def]
    asked, ends, instrument, size, table, reach, charge, out
):
    """Requirements of the accounts asked, out[k] for asked[k]; BEYOND where float64 may not hold the sums.

    reach: (instruments,), the largest |loss| of each instrument plus its charge, rounded up.
    """
    for row in range(asked.size):
        first, last = np.int64(ends[asked[row]]), np.int64(ends[asked[row] + 1])
        if _gross(instrument, size, reach, first, last) >= EXACT:
            out[row] = BEYOND
            continue
        out[row] = _worst(instrument, size, table, first, last) + _gross(
            instrument, size, charge, first, last
        )


@njit(**LEAF, error_model="numpy")
def heaviest(ends, size):  # type: ignore[no-untyped-def]
    """The largest gross size of an account, in lots. From 2**53 on it need not be exact, but stays above."""
    most = 0.0
    for account in range(ends.size - 1):
        total = 0.0
        for place in range(np.int64(ends[account]), np.int64(ends[account + 1])):
            total += abs(size[place])
        most = max(most, total)
    return most


@njit(**LEAF, error_model="numpy")
def outcomes_of_account(instrument, size, table, first, last, out):  # type: ignore[no-untyped-def]
    """The loss of one account in every scenario: out (tiles * WIDTH,), on a 64-byte boundary."""
    for tile in range(table.shape[0]):
        tile_sums(instrument, size, table, tile, first, last, out, tile * WIDTH)


def exact_worst(lots: NDArray[Any], losses: NDArray[Any], charge: NDArray[Any]) -> int:
    """One account's requirement in Python integers. lots: (n,); losses: (n, scenarios); charge: (n,)."""
    sizes = [int(held) for held in lots]
    worst = 0
    for scenario in range(losses.shape[1]):
        column = losses[:, scenario]
        worst = max(worst, sum(held * int(loss) for held, loss in zip(sizes, column, strict=True)))
    return worst + sum(abs(held) * int(asked) for held, asked in zip(sizes, charge, strict=True))
