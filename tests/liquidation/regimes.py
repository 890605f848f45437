"""Hypothesis strategies that first draw a regime (tiny, huge, one giant ...), then numbers inside it.

Plain integer strategies nearly always draw ordinary numbers; the interesting cases are whole vectors of
one kind. Units: atoms or lots, all inside int64.
"""

from __future__ import annotations

from hypothesis import strategies as st

HUGE = 2**62
REGIMES = ("tiny", "ordinary", "huge", "all_equal", "one_giant", "mostly_zero", "empty")


@st.composite
def amounts(draw: st.DrawFn, max_size: int = 8) -> list[int]:
    """A vector of amounts >= 0 of one regime."""
    regime = draw(st.sampled_from(REGIMES))
    size = draw(st.integers(1, max_size))
    if regime == "empty":
        return []
    if regime == "all_equal":
        return [draw(st.sampled_from([1, 3, 10**9, HUGE - 1]))] * size
    bounds = {"tiny": (0, 4), "ordinary": (0, 10**9), "huge": (HUGE - 1000, HUGE), "one_giant": (0, 9)}
    if regime == "mostly_zero":
        return [draw(st.sampled_from([0, 0, 0, 1, 10**12])) for _ in range(size)]
    values = draw(st.lists(st.integers(*bounds[regime]), min_size=size, max_size=size))
    if regime == "one_giant":
        values[draw(st.integers(0, size - 1))] = draw(st.integers(HUGE - 9, HUGE))
    return values


@st.composite
def losses(draw: st.DrawFn, capacity: int) -> int:
    """Nothing, an atom, about half, all but one, all, one too many, or far too much."""
    kind = draw(st.sampled_from(["none", "one", "inside", "all_but_one", "all", "one_more", "far_more"]))
    inside = draw(st.integers(0, max(0, capacity)))
    return {
        "none": 0,
        "one": 1,
        "inside": inside,
        "all_but_one": max(0, capacity - 1),
        "all": capacity,
        "one_more": capacity + 1,
        "far_more": 3 * capacity + 2**64,
    }[kind]


@st.composite
def ids_for(draw: st.DrawFn, count: int) -> list[int]:
    """Different account ids in any order."""
    start = draw(st.sampled_from([0, -(2**62), 10**15]))
    return [start + place for place in draw(st.permutations(range(count)))]
