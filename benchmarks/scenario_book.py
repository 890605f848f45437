"""Scenario margin of a whole book beside sparse matrix products, and what a change in it costs.

1,000,000 accounts x 10 positions in 1,500 instruments: the worst of S losses, plus a charge on gross size.
All engines get their own best layout, and must agree before anything is timed. Times are milliseconds,
medians. The L2 bound is the bytes of table rows the job must read, over the rate at which one core reads a
cached block, measured in the same run. Peers: scipy.sparse on one thread; MKL through sparse_dot_mkl on two,
where installed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import njit

from benchmarks.rows import Row, make_row, median_seconds
from seawall.kernels.scenario_book import tiled, worst_of_accounts, worst_of_book
from seawall.kernels.tail_book import tail_of_book
from seawall.kernels.tile import WIDTH

INSTRUMENTS = 1_500
POSITIONS = 10


class Book:
    """A drawn book. `even`: ten positions in any instruments; else geometric counts, Zipf instruments."""

    def __init__(self, accounts: int, scenarios: int, even: bool = True) -> None:
        draw = np.random.default_rng(7)
        counts = np.full(accounts, POSITIONS) if even else draw.geometric(1 / POSITIONS, accounts)
        self.ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)
        self.held = int(self.ends[-1])
        popular = np.arange(1, INSTRUMENTS + 1) ** -1.1
        chance = None if even else popular / popular.sum()
        self.instrument = draw.choice(INSTRUMENTS, self.held, p=chance).astype(np.uint16)
        self.size = draw.integers(-1_000, 1_001, self.held).astype(np.float64)
        self.losses = draw.integers(-(10**8), 10**8, (INSTRUMENTS, scenarios))
        self.charge = draw.integers(0, 10**6, INSTRUMENTS).astype(np.float64)
        self.table, self.scenarios = tiled(self.losses), scenarios
        self.accounts = accounts

    def ours(self, threads: int) -> np.ndarray:
        out = np.empty(self.accounts)
        numba.set_num_threads(threads)
        worst_of_book(self.ends, self.instrument, self.size, self.table, self.charge, out)
        return out

    def sparse(self, size: np.ndarray) -> Any:
        from scipy.sparse import csr_matrix

        places = (size, self.instrument.astype(np.int32), self.ends.astype(np.int32))
        return csr_matrix(places, shape=(self.accounts, INSTRUMENTS))

    def of_products(self, product: Callable[[Any, Any], Any], block: int) -> Callable[[], np.ndarray]:
        """The requirement by sparse products of `block` accounts each: a whole result fits no cache."""
        book, dense = self.sparse(self.size), np.ascontiguousarray(self.losses, dtype=np.float64)
        parts = [book[start : start + block] for start in range(0, self.accounts, block)]
        gross = self.sparse(np.abs(self.size)) @ self.charge

        def run() -> np.ndarray:
            worst = np.concatenate([product(part, dense).max(axis=1) for part in parts])
            return np.maximum(worst, 0.0) + gross

        return run


@njit(cache=True, error_model="numpy", fastmath=True)
def _read(block: np.ndarray, times: int) -> float:
    total = 0.0
    for _ in range(times):
        for place in range(block.size):
            total += block[place]
    return total


def l2_bytes_per_second(table: np.ndarray) -> float:
    """How fast one core reads a block of 384 KB again and again."""
    block = table.reshape(-1)[:48_000]
    _read(block, 1)
    return block.nbytes * 400 / median_seconds(lambda: _read(block, 400), 5)


def _against_sparse(book: Book, repeats: int) -> list[Row]:
    numba.set_num_threads(1)
    one, two = (median_seconds(lambda t=t: book.ours(t), repeats) for t in (1, 2))
    rows = []
    mine = book.ours(1)
    same = (mine == book.ours(2)).all()
    bound = book.held * book.scenarios * 8 / l2_bytes_per_second(book.table)
    few = book.scenarios <= 32
    figure = f"scenario margin, {book.accounts:,} x {POSITIONS}, {book.scenarios} scenarios"
    scipy, blocks = (book.of_products(_scipy, block) for block in (book.accounts, 10_000))
    if not same or (scipy() != mine).any():
        raise AssertionError("the engines do not agree: nothing to time")
    theirs, in_blocks = median_seconds(scipy, 3), median_seconds(blocks, 3)
    rows.append(
        make_row(
            f"{figure}, one thread",
            ours=f"{one * 1e3:.1f} ms",
            peer=f"scipy.sparse {theirs * 1e3:.0f} ms",
            ratio=theirs / one,
            goal="10x, 60 % of the L2 bound" if few else "60 % of the L2 bound",
            met=(theirs >= 10 * one or not few) and bound >= 0.6 * one,
            note=f"L2 bound {bound * 1e3:.1f} ms: {bound / one:.0%}; the same bits on any number of threads; "
            f"scipy.sparse in blocks of 10,000 accounts {in_blocks * 1e3:.0f} ms",
        )
    )
    most = 12 if few else 65
    mkl = _mkl()
    beside = median_seconds(book.of_products(mkl, book.accounts), 3) if mkl else None
    rows.append(
        make_row(
            f"{figure}, two threads",
            ours=f"{two * 1e3:.1f} ms",
            peer=f"MKL {beside * 1e3:.0f} ms" if beside else "MKL not installed",
            ratio=beside / two if beside else 0.0,
            goal=f"{20 if few else 7}x, {most} ms",
            met=two * 1e3 <= most and beside is not None and beside >= (20 if few else 7) * two,
        )
    )
    return rows


def _scipy(part: Any, dense: Any) -> Any:
    return part @ dense


def _mkl() -> Callable[[Any, Any], Any] | None:
    try:
        from sparse_dot_mkl import dot_product_mkl
    except ImportError:
        return None
    return dot_product_mkl  # type: ignore[no-any-return]


def _uneven(accounts: int, repeats: int) -> Row:
    even, uneven = Book(accounts, 32), Book(accounts, 32, even=False)
    numba.set_num_threads(1)
    each = [median_seconds(lambda b=book: b.ours(1), repeats) / book.held for book in (even, uneven)]
    return make_row(
        f"scenario margin, uneven book of {uneven.held:,} positions, a position",
        ours=f"{each[1] * 1e9:.2f} ns",
        peer=f"even book {each[0] * 1e9:.2f} ns",
        ratio=each[0] / each[1],
        goal="within 1.3x",
        met=each[1] <= 1.3 * each[0],
    )


def _changes(book: Book, repeats: int) -> Row:
    """What one trade, and one expiry's new surface, cost: only the accounts concerned are asked again."""
    reach = np.abs(book.losses).max(axis=1) + book.charge
    arrays = (book.ends, book.instrument, book.size, book.table, reach, book.charge)
    curve = {}
    for many in (1, 100, 10_000, book.accounts // 2):
        asked, out = np.arange(0, book.accounts, book.accounts // many)[:many], np.empty(many)
        worst_of_accounts(asked, *arrays, out)
        curve[many] = median_seconds(lambda a=asked, o=out: worst_of_accounts(a, *arrays, o), repeats)
    whole = median_seconds(lambda: book.ours(1), 3)
    told = ", ".join(f"{many:,}: {seconds * 1e6:,.0f} us" for many, seconds in curve.items())
    return make_row(
        "scenario margin again after one account's trade",
        ours=f"{curve[1] * 1e6:.1f} us",
        peer=f"the whole book {whole * 1e3:.0f} ms",
        ratio=whole / curve[1],
        goal="in proportion",
        met=curve[10_000] <= 3 * whole * 10_000 / book.accounts,
        note=f"accounts asked again: {told}",
    )


def _tail(accounts: int, scenarios: int) -> tuple[float, Book]:
    book, keep = Book(accounts, scenarios), scenarios // 100 + 1
    figures = np.empty((accounts, 2))
    numba.set_num_threads(1)
    arrays = (book.ends, book.instrument, book.size, book.table)
    tail_of_book(*arrays, scenarios, keep, figures)
    seconds = median_seconds(lambda: tail_of_book(*arrays, scenarios, keep, figures), 3)
    return seconds / (accounts * scenarios), book


def _tails(quick: bool) -> Row:
    accounts = 8_192 if quick else 40_960
    (few, _), (many, book) = _tail(accounts, 1_000), _tail(accounts, 10_000)
    bound = POSITIONS * 8 / l2_bytes_per_second(book.table)
    return make_row(
        f"VaR and ES at 99 %, {accounts:,} x {POSITIONS}, one thread, a scenario and account",
        ours=f"10,000 scenarios {many * 1e9:.2f} ns",
        peer=f"1,000 scenarios {few * 1e9:.2f} ns",
        ratio=few / many,
        goal="linear",
        met=many <= 1.3 * few,
        note=f"L2 bound of the sums {bound * 1e9:.2f} ns; the rest is sifting the largest losses",
    )


def measure(quick: bool = False) -> list[Row]:
    """Rows for the table; `quick`: a tenth of the accounts."""
    accounts, repeats = (100_000, 5) if quick else (1_000_000, 9)
    book = Book(accounts, WIDTH)
    rows = _against_sparse(book, repeats)
    rows.append(_changes(book, repeats))
    del book
    rows += _against_sparse(Book(accounts, 256), 5)
    rows.append(_uneven(accounts, repeats))
    rows.append(_tails(quick))
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    return rows
