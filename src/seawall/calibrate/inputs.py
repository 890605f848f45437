"""Arrays and numbers checked once, before a formula sees them: finite, long enough, inside their range.

Every refusal is an InputError that says which argument, which value at which place, and what to give.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError

Floats = NDArray[np.float64]
Given = Sequence[float] | Floats


def finite(values: Given, name: str, least: int = 1) -> Floats:
    """The values as float64 [n]. InputError for fewer than `least`, NaN or infinity."""
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size < least:
        what = f"{array.size} values in {array.ndim} dimension(s)"
        raise InputError.at(name, what, f"Give one list of {least} or more.")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        what = f"value {int(bad[0])} is {float(array[bad[0]])!r}"
        raise InputError.at(name, what, "Leave out what is not known; nothing is filled in.")
    return array


def same_length(**columns: Floats) -> None:
    """InputError unless all columns have one length."""
    sizes = {name: column.size for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError.at("columns", f"they differ in length ({told})", "Give one value per observation.")


def between(value: float, name: str, low: float, high: float) -> float:
    """`low < value < high`, or InputError."""
    if not (math.isfinite(value) and low < value < high):
        raise InputError.at(
            name, f"{value!r} is not usable", f"Give a number above {low:g} and below {high:g}."
        )
    return value


def positive(value: float, name: str) -> float:
    return between(value, name, 0.0, math.inf)


def not_negative(value: float, name: str) -> float:
    if not (math.isfinite(value) and value >= 0.0):
        raise InputError.at(name, f"{value!r} is not usable", "Give a number of zero or more.")
    return value


def level_of(level: float) -> float:
    """A confidence level: 0.5 < level < 1."""
    return between(level, "level", 0.5, 1.0)


def tail_count(size: int, level: float) -> Fraction:
    """n (1 - level) exactly for the decimal that was written: 1000 at 0.99 is 10, not 10.000000000000009."""
    return size * (1 - Fraction(repr(float(level_of(level)))))
