"""The tail of a book against sorting in Python: any scenarios, ties, any rank."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.kernels.scenario_book import tiled
from seawall.kernels.tail_book import keep_largest, tail_of_book


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=400), st.data())
@settings(max_examples=200, deadline=None)
def test_the_largest_come_first_and_the_least_of_them_is_told(drawn: list[int], data: st.DataObject) -> None:
    keep = data.draw(st.integers(1, len(drawn)))
    values = np.array(drawn, np.float64)
    least = keep_largest(values, len(drawn), keep)
    assert sorted(values) == sorted(drawn)
    assert sorted(values[:keep], reverse=True) == sorted(drawn, reverse=True)[:keep]
    assert least == sorted(drawn, reverse=True)[keep - 1]


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=12),
    st.integers(1, 900),
    st.sampled_from([1, 30, 10**6]),
    st.integers(0, 2**32),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_the_tail_is_that_of_the_sorted_losses(
    counts: list[int], scenarios: int, most: int, seed: int, data: st.DataObject
) -> None:
    keep = data.draw(st.integers(1, scenarios))
    draw = np.random.default_rng(seed)
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)
    instrument = draw.integers(0, 5, int(ends[-1])).astype(np.uint16)
    size = draw.integers(-100, 101, int(ends[-1])).astype(np.float64)
    losses = draw.integers(-most, most + 1, (5, scenarios))
    figures = np.full((len(counts), 2), np.nan)
    tail_of_book(ends, instrument, size, tiled(losses), scenarios, keep, figures)
    for account in range(len(counts)):
        span = slice(int(ends[account]), int(ends[account + 1]))
        ranked = sorted((size[span] @ losses[instrument[span]]).astype(int), reverse=True)
        assert figures[account].tolist() == [sum(ranked[: keep - 1]), ranked[keep - 1]]
