"""Scenario results and sizes of many portfolios in one pass, to the same integers as one by one.

For rules under which nothing but sums meets in a node (`margin.portfolio.plain`): each leg's gain rounded
down to atoms, the sum weighted and rounded down, the least of each set of scenarios. Sizes are lots of a
row's own unit: `units` steps each, and factor / divisor of what the table is stated for, in lowest terms, so
that products stay small.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels.fixed import LEAF, mul_div_floor

PPB = 1_000_000_000
GROSS, LONG, NAKED = range(3)  # |size|, size held, size short and not covered at its strike
FITS, TOO_LARGE = 0, 1
_SAFE = 9.0e18  # of a product, as a float: below it int64 does not wrap
_ROOM = 2.0e18  # of sums: what stays below it needs no check, leg by leg


@njit(**LEAF, error_model="numpy")
def _fits(first, last, rows, lots, units, factors, divisors, reach):  # type: ignore[no-untyped-def]
    """May every sum be taken without a check? Else whoever asks goes the checked way."""
    value, steps = 0.0, 0.0
    for leg in range(first, last):
        row, size = rows[leg], abs(float(lots[leg]))
        value += size * factors[row] * reach[row] / divisors[row]
        steps += size * units[row]
    return value < _ROOM and steps < _ROOM


@njit(**LEAF, error_model="numpy")
def _naked(first, last, leg, rows, lots, units, twins):  # type: ignore[no-untyped-def]
    """Steps of an option short beyond what is held of the other right at its strike and expiry."""
    row = rows[leg]
    short = -lots[leg] * units[row]
    for other in range(first, last):
        if rows[other] == twins[row]:
            short -= max(lots[other] * units[rows[other]], np.int64(0))
    return max(short, np.int64(0))


@njit(**LEAF, error_model="numpy")
def _sizes(first, last, rows, lots, units, twins, kinds, counted, found):  # type: ignore[no-untyped-def]
    """found[term]: the size that each term of a charge is counted on, in steps."""
    found[:] = 0
    for leg in range(first, last):
        row = rows[leg]
        steps = lots[leg] * units[row]
        for term in range(kinds.size):
            if not counted[term, row]:
                continue
            if kinds[term] == GROSS:
                found[term] += abs(steps)
            elif kinds[term] == LONG:
                found[term] += max(steps, np.int64(0))
            elif steps < 0:
                found[term] += _naked(first, last, leg, rows, lots, units, twins)


@njit(**LEAF, error_model="numpy")
def _gains(first, last, rows, lots, factors, divisors, reach, gains, sums):  # type: ignore[no-untyped-def]
    """sums[column]: gains of the legs, each rounded down to atoms."""
    sums[:] = 0
    for leg in range(first, last):
        row = rows[leg]
        size, divisor = lots[leg] * factors[row], divisors[row]
        if abs(float(size)) * reach[row] < _SAFE:
            for column in range(sums.size):
                sums[column] += size * gains[row, column] // divisor
        else:
            for column in range(sums.size):
                sums[column] += mul_div_floor(size, gains[row, column], divisor)


@njit(**LEAF, error_model="numpy")
def add_portfolios(  # type: ignore[no-untyped-def]
    ends, rows, lots, units, factors, divisors, reach, gains, weights, sets, twins, kinds, counted,
    sums, worst, sizes, status,
):  # fmt: skip
    """Per portfolio the least result of each set (zero where none is below), its sizes, and whether it fits.

    Portfolio p holds legs ends[p]..ends[p + 1], each contract at most once. `reach` bounds |value| and |gain|
    of a row; `sums` is scratch, one place a column.
    """
    for p in range(ends.size - 1):
        first, last = ends[p], ends[p + 1]
        status[p] = FITS if _fits(first, last, rows, lots, units, factors, divisors, reach) else TOO_LARGE
        worst[p] = 0
        if status[p] != FITS:
            continue
        _sizes(first, last, rows, lots, units, twins, kinds, counted, sizes[p])
        _gains(first, last, rows, lots, factors, divisors, reach, gains, sums)
        for column in range(sums.size):
            result = sums[column]
            if weights[column] != PPB:
                result = mul_div_floor(result, weights[column], PPB)
            worst[p, sets[column]] = min(worst[p, sets[column]], result)
