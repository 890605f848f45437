"""Splitting a loss B over capacities u exactly: sum(x) == min(B, sum(u)) and 0 <= x <= u, to the atom.

Units: atoms (or lots) in int64 columns; totals and products are Python `int` (products reach 2^126).
Rounding: whole shares are rounded down and the atoms left over go to the largest remainders, ties to the
lowest id (Hamilton's rule). It keeps everybody within one atom of the exact share, so that cutting an account
in two moves at most one atom. `min_max` uses the other classical rule (d'Hondt) and says why.
Sources: arXiv 2512.01112 and 2602.15182 (queue, pro-rata, min-max); water-filling is textbook.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seawall.errors import InputError, NumberError
from seawall.kernels.fixed import share_columns
from seawall.units import PPB

IntColumn = npt.NDArray[np.int64]

VECTOR_FROM = 256  # rows; below it plain integers are as fast
# Two different fractions with int64 denominators differ by more than 2^-126, so cutting them to 2^-127 keeps
# both their order and their equality. Sorting by these integers is sorting by the fractions.
_RATIO_BITS = 127


def queue(order: npt.ArrayLike, capacities_atoms: npt.ArrayLike, loss_atoms: int) -> IntColumn:
    """Take everything from the first in `order`, then from the next, until the loss is covered.

    `order` is a permutation of the indices (first pays first). At most one account pays a part of its
    capacity.
    """
    capacities = whole_numbers(capacities_atoms, "capacities_atoms")
    left = _loss(loss_atoms)
    paid = [0] * len(capacities)
    for index in permutation(order, len(capacities)):
        if left == 0:
            break
        paid[index] = min(capacities[index], left)
        left -= paid[index]
    return column(paid)


def apportion(weights: npt.ArrayLike, total: int, *, ids: npt.ArrayLike | None = None) -> IntColumn:
    """`total` in proportion to `weights`, whole numbers, largest remainder. Nothing if all weights are zero.

    There is no capacity here: a share may be larger than its weight. NumberError if one passes 64 bits.
    """
    shares = whole_numbers(weights, "weights")
    return column(_hamilton(shares, _loss(total), tie_ids(ids, len(shares))))


def pro_rata(
    capacities_atoms: npt.ArrayLike, loss_atoms: int, *, ids: npt.ArrayLike | None = None
) -> IntColumn:
    """Everybody loses the same share h = B/U of the own capacity, within one atom; all of it if B >= U.

    One pass is enough: below U the exact share u*B/U is under u, so rounding it up still stays within u.
    A larger capacity never pays less. As with every quota rule, one atom more of loss may move one atom
    between two accounts.
    """
    array = whole_column(capacities_atoms, "capacities_atoms")
    if array.size >= VECTOR_FROM and int(array.max()) * array.size < 2**63:
        whole = int(array.sum())
        total = min(_loss(loss_atoms), whole)
        return _hamilton_columns(array, total, whole, tie_column(ids, array.size))
    capacities = array.tolist()
    total = min(_loss(loss_atoms), sum(capacities))
    return column(_hamilton(capacities, total, tie_ids(ids, len(capacities))))


def water_fill(
    weights: npt.ArrayLike, limits: npt.ArrayLike, total: int, *, ids: npt.ArrayLike | None = None
) -> IntColumn:
    """min(limit, t * weight) at the one level t where the shares add up to min(total, what can be paid).

    Who has weight zero pays nothing whatever the limit says.
    """
    shares = whole_numbers(weights, "weights")
    ends = whole_numbers(limits, "limits")
    if len(shares) != len(ends):
        raise InputError.at(
            "water_fill", f"{len(shares)} weights, {len(ends)} limits", "Give one limit per weight."
        )
    return column(_fill_to_level(shares, ends, _loss(total), tie_ids(ids, len(shares))))


def capped_pro_rata(
    capacities_atoms: npt.ArrayLike,
    caps_ppb: npt.ArrayLike,
    loss_atoms: int,
    *,
    ids: npt.ArrayLike | None = None,
) -> IntColumn:
    """Haircut min(eta, cap): as pro-rata, but nobody loses more than `caps_ppb` of the own capacity.

    Limits are rounded down to the atom. What the limits leave uncovered is not paid: compare the sum with
    the loss.
    """
    capacities = whole_numbers(capacities_atoms, "capacities_atoms")
    caps = whole_numbers(caps_ppb, "caps_ppb")
    if len(caps) != len(capacities) or any(cap > PPB for cap in caps):
        raise InputError.at(
            "capped_pro_rata", "caps_ppb", f"Give one cap from 0 to {PPB} (= all of it) per capacity."
        )
    limits = [capacity * cap // PPB for capacity, cap in zip(capacities, caps)]
    return column(_fill_to_level(capacities, limits, _loss(loss_atoms), tie_ids(ids, len(capacities))))


def min_max(
    capacities_atoms: npt.ArrayLike, loss_atoms: int, *, ids: npt.ArrayLike | None = None
) -> IntColumn:
    """The whole-atom split with the smallest possible largest haircut max(x/u).

    In real numbers this is pro-rata and the optimum is B/U. In atoms it is not quite: pro-rata may round a
    tiny account up, this never does while a larger one can take the atom at a smaller haircut (d'Hondt's
    rule: each left-over atom goes where it makes the smallest haircut). One atom more of loss never lowers
    anyone's share, but the left-over atoms sit with large accounts, so cutting an account up can shed some
    of them.
    """
    capacities = whole_numbers(capacities_atoms, "capacities_atoms")
    tie = tie_ids(ids, len(capacities))
    total, whole = min(_loss(loss_atoms), sum(capacities)), sum(capacities)
    if total == 0:
        return column([0] * len(capacities))
    paid = [capacity * total // whole for capacity in capacities]
    nexts = [
        (_ratio_key(paid[i] + 1, capacity), tie[i], i)
        for i, capacity in enumerate(capacities)
        if capacity > 0
    ]
    heapq.heapify(nexts)
    for _ in range(total - sum(paid)):
        _, tie_id, i = nexts[0]
        paid[i] += 1
        heapq.heapreplace(nexts, (_ratio_key(paid[i] + 1, capacities[i]), tie_id, i))
    return column(paid)


class LotSplit(NamedTuple):
    """Whole contracts closed per account, and what they raise. `excess_atoms`: raised beyond the loss."""

    lots: IntColumn
    raised_atoms: int
    unpaid_atoms: int
    excess_atoms: int


def pro_rata_lots(
    lots: npt.ArrayLike,
    gap_atoms_per_lot: int,
    loss_atoms: int,
    *,
    capacities_atoms: npt.ArrayLike | None = None,
    ids: npt.ArrayLike | None = None,
) -> LotSplit:
    """Close whole contracts in proportion to size, each raising `gap_atoms_per_lot`, until B is covered.

    The last contract may raise more than is needed (`excess_atoms` < one gap). With `capacities_atoms`
    nobody is closed beyond what it can lose. Source: integer contract pro-rata of arXiv 2602.15182.
    """
    sizes = whole_numbers(lots, "lots")
    if gap_atoms_per_lot <= 0:
        raise InputError.at(
            "pro_rata_lots", f"gap_atoms_per_lot = {gap_atoms_per_lot}", "Give a positive gap."
        )
    loss = _loss(loss_atoms)
    limits = sizes
    if capacities_atoms is not None:
        capacities = whole_numbers(capacities_atoms, "capacities_atoms")
        if len(capacities) != len(sizes):
            raise InputError.at("pro_rata_lots", "capacities_atoms", "Give one capacity per position.")
        limits = [min(size, capacity // gap_atoms_per_lot) for size, capacity in zip(sizes, capacities)]
    needed = -(-loss // gap_atoms_per_lot)
    closed = _fill_to_level(sizes, limits, needed, tie_ids(ids, len(sizes)))
    raised = sum(closed) * gap_atoms_per_lot
    return LotSplit(column(closed), raised, max(0, loss - raised), max(0, raised - loss))


def largest_haircut(paid_atoms: npt.ArrayLike, capacities_atoms: npt.ArrayLike) -> tuple[int, int]:
    """max(x/u) as an exact fraction (numerator, denominator); (0, 1) if nobody has capacity."""
    best = (0, 1)
    for paid, capacity in zip(
        whole_numbers(paid_atoms, "paid_atoms"), whole_numbers(capacities_atoms, "capacities_atoms")
    ):
        if capacity > 0 and paid * best[1] > best[0] * capacity:
            best = (paid, capacity)
    return best


def _hamilton(weights: list[int], total: int, tie: list[int]) -> list[int]:
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    if len(weights) >= VECTOR_FROM and max(whole, total) < 2**63 and min(weights) >= 0:
        columns = np.array(weights, np.int64), np.array(tie, np.int64)
        return [int(share) for share in _hamilton_columns(columns[0], total, whole, columns[1]).tolist()]
    paid, remainders = [], []
    for weight in weights:
        share, remainder = divmod(weight * total, whole)
        paid.append(share)
        remainders.append(remainder)
    # The remainders add up to left * whole and each is under whole: the atoms left over always find takers
    # with a remainder, never one whose share was exact.
    left = total - sum(paid)
    for index in _ranked(remainders, tie)[:left]:
        paid[index] += 1
    return paid


def _hamilton_columns(weights: IntColumn, total: int, whole: int, tie: IntColumn) -> IntColumn:
    """The same on int64 columns, the products in 128 bits; equal to the rule above (tested)."""
    paid, remainders = np.zeros_like(weights), np.zeros_like(weights)
    if whole == 0:
        return paid
    share_columns(weights, total, whole, paid, remainders)
    left = total - int(paid.sum())
    if left:
        # Who is among the largest remainders takes an atom; of those level with the last, the lowest ids.
        last = np.partition(remainders, weights.size - left)[weights.size - left]
        above = remainders > last
        paid[above] += 1
        level = np.flatnonzero(remainders == last)
        paid[level[np.argsort(tie[level])[: left - int(above.sum())]]] += 1
    return paid


def _fill_to_level(weights: list[int], limits: list[int], total: int, tie: list[int]) -> list[int]:
    paid = [0] * len(weights)
    rising = [i for i, weight in enumerate(weights) if weight > 0]
    rising.sort(key=lambda i: _ratio_key(limits[i], weights[i]))
    left = min(total, sum(limits[i] for i in rising))
    weight_left = sum(weights[i] for i in rising)
    full = 0
    for i in rising:
        if limits[i] * weight_left > left * weights[i]:
            break
        paid[i] = limits[i]
        left -= limits[i]
        weight_left -= weights[i]
        full += 1
    # Everyone still here has weight * level < limit, so a share rounded up stays within the limit.
    rest = rising[full:]
    shares = _hamilton([weights[i] for i in rest], left, [tie[i] for i in rest])
    for i, share in zip(rest, shares):
        paid[i] = share
    return paid


def _ratio_key(numerator: int, denominator: int) -> int:
    return (numerator << _RATIO_BITS) // denominator


def _ranked(scores: list[int], tie: list[int]) -> list[int]:
    """Indices from the highest score down, ties by the lowest id: two stable sorts on plain integers."""
    order = sorted(range(len(scores)), key=tie.__getitem__)
    order.sort(key=scores.__getitem__, reverse=True)
    return order


def whole_numbers(values: npt.ArrayLike, name: str) -> list[int]:
    """An int64 column as Python ints >= 0. InputError on floats, other shapes or negative entries."""
    return [int(value) for value in whole_column(values, name).tolist()]


def whole_column(values: npt.ArrayLike, name: str) -> IntColumn:
    """An int64 column of numbers >= 0. InputError as `whole_numbers`."""
    array = signed_column(values, name)
    if array.size and int(array.min()) < 0:
        raise InputError.at(name, f"entry {int(array.argmin())} is {int(array.min())}", "Give numbers >= 0.")
    return array


def signed_column(values: npt.ArrayLike, name: str) -> IntColumn:
    """An int64 column, checked: one dimension, whole numbers that fit. InputError otherwise."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError.at(name, f"{array.ndim} dimensions", "Give a one-dimensional column.")
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    if array.dtype != np.int64:
        raise InputError.at(
            name, f"values of type {array.dtype}", "Give int64: atoms, lots and ids are never floats."
        )
    return array


def tie_ids(ids: npt.ArrayLike | None, count: int) -> list[int]:
    """The ids that break ties, lowest first; without ids the position in the column."""
    return [int(value) for value in tie_column(ids, count).tolist()]


def tie_column(ids: npt.ArrayLike | None, count: int) -> IntColumn:
    """`tie_ids` as a column."""
    if ids is None:
        return np.arange(count, dtype=np.int64)
    known = signed_column(ids, "ids")
    rising = bool((known[1:] > known[:-1]).all())  # then nobody is named twice
    different = known.size if rising else np.unique(known).size
    if known.size != count or different != count:
        raise InputError.at("ids", f"{different} different ids for {count} entries", "Give one id per entry.")
    return known


def permutation(order: npt.ArrayLike, count: int) -> list[int]:
    """`order` as Python ints, checked to hold each index once."""
    indices = whole_numbers(order, "order")
    if len(indices) != count or len(set(indices)) != count or (indices and max(indices) >= count):
        raise InputError.at("order", f"not a permutation of 0..{count - 1}", "Give every index exactly once.")
    return indices


def exact_sum(amounts: IntColumn) -> int:
    """The sum of a column, in 64 bits where it surely fits and in Python integers where it may not."""
    if not amounts.size:
        return 0
    most = max(int(amounts.max()), -int(amounts.min()))
    return int(amounts.sum()) if most * amounts.size < 2**63 else int(amounts.sum(dtype=object))


def column(values: Iterable[int]) -> IntColumn:
    """Python ints as an int64 column; NumberError where one passes 64 bits."""
    try:
        return np.array(list(values), dtype=np.int64)
    except OverflowError:
        raise NumberError(
            "allocation: a share passes 64 bits\n  Use a coarser unit or split the loss."
        ) from None


def _loss(loss_atoms: int) -> int:
    if loss_atoms < 0:
        raise InputError.at(
            "loss", f"{loss_atoms} is negative", "A gain is not a loss to be shared; give >= 0."
        )
    return int(loss_atoms)
