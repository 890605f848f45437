"""Whole numbers chosen to break 64-bit arithmetic: a regime is drawn first, then numbers inside it.

A wide random generator hardly ever meets an edge. `column` gives int64 arrays, always the same for one seed.
"""

from __future__ import annotations

from random import Random

import numpy as np
from numpy.typing import NDArray

MOST = 2**63 - 1
LEAST = -(2**63)
POWERS_OF_TEN = tuple(10**n for n in range(19))


def _near_power(chance: Random) -> int:
    power = chance.choice((8, 16, 31, 31, 32, 33, 48, 52, 53, 54, 61, 62, 62, 63))
    return 2**power + chance.choice((-2, -1, 0, 1, 2))


def _ten(chance: Random) -> int:
    return chance.choice(POWERS_OF_TEN) * chance.choice((1, 1, 1, 2, 5, 9)) + chance.choice((-1, 0, 0, 1))


REGIMES = {
    "small": lambda chance: chance.randrange(1_000),
    "edge": lambda chance: chance.choice((0, 1, MOST, MOST - 1, -LEAST)),
    "power of two": _near_power,
    "power of ten": _ten,
    "root of the limit": lambda chance: 3_037_000_499 + chance.randrange(-3, 4),
    "any length": lambda chance: chance.getrandbits(63) >> chance.randrange(63),
    "huge": lambda chance: MOST - chance.getrandbits(chance.choice((1, 8, 30, 60))),
    "money": lambda chance: chance.randrange(1, 10**6) * 10 ** chance.choice((2, 6, 8, 9, 12)),
}


def draw(chance: Random, regime: str, *, least: int = LEAST) -> int:
    """One number of the regime, of either sign where `least` allows it, moved into [least, 2**63 - 1]."""
    value = int(REGIMES[regime](chance))
    if least < 0 and chance.random() < 0.5:
        value = -value
    return min(max(value, least), MOST)


def column(chance: Random, regime: str, count: int, *, least: int = LEAST) -> NDArray[np.int64]:
    return np.array([draw(chance, regime, least=least) for _ in range(count)], np.int64)
