"""The filed book against valuing every account in Python's integers, after any move of the market."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError, NumberError
from seawall.kernels.scenario_book import exact_worst
from seawall.margin.portfolio.near import NearBook, Positions

INSTRUMENTS = 5


def drawn(counts: list[int], seed: int) -> Positions:
    draw = np.random.default_rng(seed)
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)
    held = int(ends[-1])
    return Positions(
        ends,
        draw.integers(0, INSTRUMENTS, held).astype(np.uint16),
        draw.integers(-50, 51, held).astype(np.float64),
        draw.integers(-20_000, 300_000, len(counts)).astype(np.float64),
        draw.integers(0, 5, INSTRUMENTS).astype(np.float64),
    )


def health(held: Positions, account: int, base: np.ndarray, losses: np.ndarray) -> int:
    span = slice(int(held.ends[account]), int(held.ends[account + 1]))
    which, sizes = held.instrument[span], held.size[span]
    worth = sum(int(lots) * int(base[i]) for lots, i in zip(sizes, which, strict=True))
    return int(held.cash[account]) + worth - exact_worst(sizes, losses[which], held.charge[which])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 8), min_size=1, max_size=30),
    st.integers(1, 70),
    st.integers(0, 2**32),
    st.sampled_from((0, 3, 40, 600)),
    st.booleans(),
)
def test_a_move_finds_just_those_that_valuing_everyone_finds(counts, scenarios, seed, move, fine_weights):
    held, draw = drawn(counts, seed), np.random.default_rng(seed + 1)
    base = draw.integers(0, 1_000, INSTRUMENTS)
    losses = draw.integers(-300, 300, (INSTRUMENTS, scenarios))
    weights = draw.integers(1, 1_000, INSTRUMENTS) if fine_weights else np.ones(INSTRUMENTS, dtype=np.int64)
    book = NearBook(held, base, losses, weights)
    accounts = range(len(counts))
    assert book.health.tolist() == [health(held, a, base, losses) for a in accounts]
    base = base + draw.integers(-move, move + 1, INSTRUMENTS)
    losses = losses + draw.integers(-move, move + 1, losses.shape)
    found = book.below(base, losses)
    every = {a: health(held, a, base, losses) for a in accounts}
    assert dict(zip(found.accounts.tolist(), found.health.tolist())) == {
        a: worth for a, worth in every.items() if worth < 0
    }
    assert len(found.accounts) <= found.judged <= found.met <= len(counts)


def test_a_calm_tick_meets_nobody_and_a_bought_lot_is_not_asked_when_its_price_rises():
    held = Positions(
        np.array([0, 1, 2], dtype=np.uint32),
        np.array([0, 0], dtype=np.uint16),
        np.array([10.0, -10.0]),
        np.array([1_000.0, 1_000.0]),
        np.zeros(1),
    )
    base, losses = np.array([100]), np.array([[30, -30]])
    book = NearBook(held, base, losses, np.array([1]))
    assert book.health.tolist() == [1_700.0, -300.0]
    calm = book.below(base + 1, losses)
    assert (calm.accounts.tolist(), calm.health.tolist(), calm.met) == ([1], [-310.0], 1)
    up = book.below(base + 200, losses)
    assert (up.accounts.tolist(), up.met, up.judged) == ([1], 2, 1)


def test_shapes_weights_and_sums_beyond_exactness_are_refused():
    held = drawn([2, 2], 1)
    base, losses = np.full(INSTRUMENTS, 10), np.full((INSTRUMENTS, 3), 5)
    with pytest.raises(InputError, match="weight above zero"):
        NearBook(held, base, losses, np.zeros(INSTRUMENTS, dtype=np.int64))
    with pytest.raises(InputError, match="a row of losses for each instrument"):
        NearBook(held, base, losses[:2], base)
    with pytest.raises(NumberError, match="pass 2"):
        NearBook(held, base, losses, np.full(INSTRUMENTS, 2**52))
    book = NearBook(held, base, losses, base)
    with pytest.raises(InputError, match="a row of losses"):
        book.below(base[:2], losses)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**3), st.sampled_from((1, -1)))
def test_at_the_very_edge_one_atom_decides(lots, fall, weight, side):
    """One position whose outcomes all fall alike: the bound is the loss itself, and must not give an atom."""
    edge = lots * fall
    held = Positions(
        np.arange(4, dtype=np.uint32),
        np.zeros(3, dtype=np.uint16),
        np.full(3, float(side * lots)),
        np.array([edge - 1.0, float(edge), edge + 1.0]),
        np.zeros(1),
    )
    book = NearBook(held, np.array([0]), np.array([[0, 0]]), np.array([weight]))
    found = book.below(np.array([-side * fall]), np.array([[0, 0]]))
    assert found.accounts.tolist() == [0] and found.health.tolist() == [-1.0]
