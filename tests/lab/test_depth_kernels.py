"""The compiled order book: the same bits as its Python source, and all books at once as one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.lab import depth_kernels as kernels
from seawall.lab.depth import (
    Book,
    DepthCurve,
    DepthRules,
    Side,
    advance,
    book_of,
    book_row,
    mid_price,
    row_of,
)

RULES = row_of(DepthRules())
curves = st.builds(
    DepthCurve, d100_usd=st.floats(1e5, 1e9), gamma=st.floats(0.3, 1.5), latent=st.floats(0.01, 2.0)
)
sides = st.builds(Side, st.floats(0.002, 1.0), st.floats(0.0, 2e9), st.floats(0.0, 1e9))
books = st.builds(Book, st.floats(1e-12, 1e-4), sides, sides)


def both(name: str, *given: object) -> tuple[bytes, bytes]:
    """What a kernel and its Python source leave behind: their answer and the rows they were given."""
    left = []
    for run in (getattr(kernels, name), getattr(kernels, name).py_func):
        copies = [one.copy() if isinstance(one, np.ndarray) else one for one in given]
        answer = run(*copies)
        rows = [one for one in copies if isinstance(one, np.ndarray)]
        left.append(np.concatenate([np.atleast_1d(np.array(answer or 0.0, float)), *rows], axis=None))
    return left[0].tobytes(), left[1].tobytes()


@given(curves, books, st.floats(-0.2, 0.2), st.floats(0.0, 600.0))
def test_a_clock_step_has_the_bits_of_its_source(
    curve: DepthCurve, book: Book, move: float, seconds: float
) -> None:
    compiled, source = both("advance", row_of(curve), RULES, book_row(book), move, seconds)
    assert compiled == source


@given(curves, books, st.floats(1e-3, 1e6))
def test_a_mid_price_has_the_bits_of_its_source(curve: DepthCurve, book: Book, outside: float) -> None:
    compiled, source = both("mid_price", row_of(curve), book_row(book), outside)
    assert compiled == source


@given(
    curves,
    books,
    st.sampled_from([kernels.BIDS, kernels.ASKS]),
    st.integers(1, 10**9),
    st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0, 1.01, 1.5]),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_a_fill_has_the_bits_of_its_source_and_keeps_its_limit(
    curve: DepthCurve, book: Book, at: int, lots: int, limit: float, feedback: float
) -> None:
    given = (row_of(curve), book_row(book), at, 100.0, 0.1, lots, limit * 100.0, feedback)
    compiled, source = both("take", *given)
    assert compiled == source
    filled, price = kernels.take(*given)
    assert 0 <= filled <= lots
    if filled and limit:
        buys = at == kernels.ASKS
        # A price is rounded once more than the distance it is made of.
        assert price <= limit * 100.0 * (1 + 1e-12) if buys else price >= limit * 100.0 * (1 - 1e-12)
    if feedback == 0.0:
        assert np.array_equal(given[1], book_row(book))


def test_all_books_at_once_are_the_books_one_by_one_and_one_without_news_stands_still() -> None:
    held = [DepthCurve(5e8), DepthCurve(1e7, gamma=1.1), DepthCurve(2e6)]
    before = [Book(1e-9, Side(0.5, 1e6, 2e6), Side(0.9, 0.0, 0.0)) for _ in held]
    rows = np.array([book_row(book) for book in before])
    outside = np.array([100.0, 50.0, 0.0])
    kernels.advance_all(
        np.array([row_of(curve) for curve in held]), RULES, rows, outside, np.array([99.0, 0.0, 7.0]), 5.0
    )
    move = float(np.log(0.99))
    first = advance(held[0], DepthRules(), before[0], move, 5.0)
    assert book_of(rows[0]).variance_per_second == pytest.approx(first.variance_per_second, rel=1e-12)
    assert book_of(rows[1]) == before[1]
    assert book_of(rows[2]) == advance(held[2], DepthRules(), before[2], 0.0, 5.0)
    assert outside.tolist() == [99.0, 50.0, 7.0]
    mids = np.empty(3)
    kernels.mid_prices(np.array([row_of(curve) for curve in held]), rows, np.array([99.0, 50.0, 0.0]), mids)
    assert mids.tolist() == [
        mid_price(held[0], book_of(rows[0]), 99.0),
        mid_price(held[1], book_of(rows[1]), 50.0),
        0.0,
    ]
