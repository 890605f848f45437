"""Where two records part: exactly, by a chain of hashes; or within a tolerance; and which events it takes.

An exact divergence is absorbing (every later hash differs too), so it is searched by halves; a tolerant one
is not, and is looked for one by one. Sources: Merkle chains; Zeller & Hildebrandt 2002 (minimising input).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from seawall.errors import InputError

T = TypeVar("T")
ZERO_HASH = bytes(32)


def chain(events: Sequence[bytes]) -> list[bytes]:
    """Each entry is SHA-256 of the entry before and the event."""
    found, last = [], ZERO_HASH
    for event in events:
        last = hashlib.sha256(last + event).digest()
        found.append(last)
    return found


class Parted(NamedTuple):
    """The first place that differs (None: none does) and how many hashes were compared."""

    first: int | None
    comparisons: int


def first_divergence(one: Sequence[bytes], other: Sequence[bytes]) -> Parted:
    """Of two chains of equal length, by halves: at most ceil(log2 n) comparisons. InputError otherwise."""
    if len(one) != len(other) or not one:
        raise InputError.at("chains", f"of {len(one)} and {len(other)} entries", "Compare equal lengths.")
    if one[-1] == other[-1]:
        return Parted(None, 1)
    low, high, compared = 0, len(one) - 1, 0
    while low < high:
        middle, compared = (low + high) // 2, compared + 1
        low, high = (middle + 1, high) if one[middle] == other[middle] else (low, middle)
    return Parted(low, compared)


def tolerant_divergences(recorded: Sequence[float], replayed: Sequence[float], relative: float) -> list[int]:
    """Every place where two series differ by more than a relative tolerance."""
    pairs = zip(recorded, replayed, strict=True)
    return [at for at, (a, b) in enumerate(pairs) if abs(a - b) > relative * max(abs(a), abs(b))]


def minimal_failing(items: Sequence[T], fails: Callable[[list[T]], bool]) -> list[T]:
    """A smallest-by-removal sublist that still fails (ddmin). InputError if the whole does not fail."""
    left, parts = list(items), 2
    if not fails(left):
        raise InputError.at("minimising", "the whole record does not fail", "Give one that does.")
    while len(left) >= 2:
        size = -(-len(left) // parts)
        chunks = [left[at : at + size] for at in range(0, len(left), size)]
        for place, chunk in enumerate(chunks):
            rest = [item for other, part in enumerate(chunks) if other != place for item in part]
            if fails(chunk):
                left, parts = chunk, 2
                break
            if len(chunks) > 2 and fails(rest):
                left, parts = rest, max(parts - 1, 2)
                break
        else:
            if parts >= len(left):
                break
            parts = min(len(left), 2 * parts)
    return left
