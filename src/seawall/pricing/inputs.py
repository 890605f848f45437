"""From what a caller gives to columns a kernel takes: broadcast, float64, contiguous, and checked.

Refused before anything is computed: values that are not finite, and negative ones where none may be. The
error says which argument, where and what. Shapes: anything that broadcasts; results have the broadcast
shape.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seawall.errors import InputError
from seawall.kernels.black import BLOCK

ROOM = 4  # rows of room that the loops over options need, besides their results
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]


def empty(count: int, size: int) -> list[Floats]:
    """Columns to be filled. Apart, not rows of one table: freed memory of this size is used again at once."""
    return [np.empty(size) for _ in range(count)]


def room() -> Floats:
    """What a loop over options keeps between its stages."""
    return np.empty((ROOM, BLOCK))


def columns(
    where: str, is_call: ArrayLike, **given: ArrayLike
) -> tuple[tuple[int, ...], Flags, list[Floats]]:
    """(shape, is_call, the others in the order given), each flat. InputError if shapes do not fit."""
    arrays = [_floats(where, name, value) for name, value in given.items()]
    calls = np.asarray(is_call)
    if calls.dtype != np.bool_:
        raise InputError.at(where, f"is_call holds {calls.dtype}", "Give True for a call, False for a put.")
    try:
        wide = np.broadcast_arrays(calls, *arrays)
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(given, arrays))
        raise InputError.at(
            where, f"shapes do not fit: is_call {calls.shape}, {shapes}", "Give equal lengths, or one number."
        ) from None
    flat = [np.ascontiguousarray(array).reshape(-1) for array in wide]
    return wide[0].shape, flat[0], flat[1:]


def _floats(where: str, name: str, value: ArrayLike) -> Floats:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError.at(where, f"{name} is {value!r}", "Give a number or an array of numbers.") from None


def require(where: str, *, least: float = -np.inf, above: float = -np.inf, **named: Floats) -> None:
    """InputError unless all are finite, >= least and > above."""
    for name, array in named.items():
        if array.size == 0:
            continue
        smallest, largest = array.min(), array.max()  # nan wins both
        if largest < np.inf and smallest > -np.inf and smallest >= least and smallest > above:
            continue
        good = np.isfinite(array) & (array >= least) & (array > above)
        place = int(np.argmin(good))
        bound = " above 0" if above == 0.0 else " of at least 0" if least == 0.0 else ""
        raise InputError.at(where, f"{name}[{place}] is {array[place]}", f"Give a finite number{bound}.")
