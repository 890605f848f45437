"""Scenario margin of a book against Python's integers: any counts, any tiles, at and beyond 2**53."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.kernels.scenario_book import (
    BEYOND,
    EXACT,
    aligned,
    exact_worst,
    heaviest,
    outcomes_of_account,
    tiled,
    worst_of_accounts,
    worst_of_block,
    worst_of_book,
)
from seawall.kernels.tile import WIDTH

COUNTS = st.lists(st.integers(0, 12), min_size=1, max_size=40)
INSTRUMENTS = 7


class Book:
    """A drawn book, with what the kernels and the definition each need."""

    def __init__(self, counts: list[int], scenarios: int, most: int, seed: int) -> None:
        draw = np.random.default_rng(seed)
        self.ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)
        held = int(self.ends[-1])
        self.instrument = draw.integers(0, INSTRUMENTS, held).astype(np.uint16)
        self.size = draw.integers(-most, most + 1, held).astype(np.float64)
        self.losses = draw.integers(-(10**6), 10**6 + 1, (INSTRUMENTS, scenarios))
        self.charge = draw.integers(0, 1000, INSTRUMENTS).astype(np.float64)
        self.table = tiled(self.losses)
        self.accounts = len(counts)

    def defined(self, account: int) -> int:
        span = slice(int(self.ends[account]), int(self.ends[account + 1]))
        which = self.instrument[span]
        return exact_worst(self.size[span], self.losses[which], self.charge[which])

    def reach(self) -> np.ndarray:
        return np.abs(self.losses).max(axis=1) + self.charge

    def some(self, asked: np.ndarray) -> np.ndarray:
        out = np.full(asked.size, np.nan)
        worst_of_accounts(
            asked, self.ends, self.instrument, self.size, self.table, self.reach(), self.charge, out
        )
        return out


@given(COUNTS, st.integers(1, 3 * WIDTH + 5), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_every_account_is_the_definition_to_the_atom(counts: list[int], scenarios: int, seed: int) -> None:
    book = Book(counts, scenarios, 1000, seed)
    out, alone = np.full(book.accounts, np.nan), np.full(book.accounts, np.nan)
    arrays = (book.ends, book.instrument, book.size, book.table, book.charge)
    worst_of_book(*arrays, out)
    worst_of_block(*arrays, 0, book.accounts, alone)
    some = book.some(np.arange(book.accounts))
    for account in range(book.accounts):
        assert out[account] == alone[account] == some[account] == book.defined(account)


@given(st.integers(1, 5), st.integers(0, 2**32), st.integers(40, 60))
@settings(max_examples=60, deadline=None)
def test_what_float64_may_not_hold_is_said_and_nothing_else(count: int, seed: int, bits: int) -> None:
    book = Book([count], 40, 2**bits, seed)
    (found,) = book.some(np.array([0]))
    gross = sum(
        abs(int(size)) * int(reach)
        for size, reach in zip(book.size, book.reach()[book.instrument], strict=True)
    )
    if gross < EXACT:
        assert found == book.defined(0)
    else:
        assert found == BEYOND


def test_the_heaviest_account_is_found() -> None:
    book = Book([3, 0, 12, 5], 4, 1000, 5)
    sums = [np.abs(book.size[a:b]).sum() for a, b in zip(book.ends[:-1], book.ends[1:], strict=True)]
    assert heaviest(book.ends, book.size) == max(sums)


def test_the_outcomes_are_the_losses_of_every_scenario() -> None:
    book = Book([9], 50, 1000, 7)
    out = aligned((book.table.shape[0] * WIDTH,))
    outcomes_of_account(book.instrument, book.size, book.table, 0, 9, out)
    assert (out[:50] == book.size @ book.losses[book.instrument]).all()
    assert not out[50:].any()


def test_an_empty_account_needs_nothing_and_a_hedge_only_its_charge() -> None:
    losses = np.array([[5, -5], [5, -5]])
    ends, instrument = np.array([0, 0, 2], np.uint32), np.array([0, 1], np.uint16)
    out = np.full(2, np.nan)
    worst_of_book(ends, instrument, np.array([3.0, -3.0]), tiled(losses), np.array([1.0, 2.0]), out)
    assert out.tolist() == [0.0, 9.0]


def test_a_loss_beyond_float64_is_refused() -> None:
    with pytest.raises(ValueError, match="finer lot"):
        tiled(np.array([[2**53]]))
