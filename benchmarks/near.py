"""A move of the market over a book of options: who is below zero now, by bounds and by valuing everyone.

Accounts hold ten of 1,500 options each, under 256 scenarios of price and volatility; their cash leaves them
between nothing and three times their requirement. The book is filed once; then the market moves by a tick, a
step, one expiry's volatilities, a crash. Each time the table is repriced, which both sides need and neither
counts. Times are medians on one thread. Peer: our own pass over the whole book, `worst_of_book`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numba
import numpy as np

from benchmarks.portfolio import EXPIRIES, VOLS, _market, _rules
from benchmarks.rows import Row, make_row, median_seconds
from seawall.kernels.scenarios import LANES
from seawall.margin.portfolio.evaluate import value_books
from seawall.margin.portfolio.near import NearBook, Positions

HELD = 10
DECIMALS = 2


@dataclass(frozen=True)
class Table:
    """Values today and losses by scenario, thousandths of a cent per contract."""

    base: np.ndarray
    losses: np.ndarray


class Market:
    """1,500 options repriced wherever the market may be."""

    def __init__(self, options: int) -> None:
        self.rules = _rules(128, VOLS[:2])
        self.contracts, market = _market(options)
        quote = msgspec.structs.replace(market.underlyings["BTC"], decimals=DECIMALS)
        self.market = msgspec.structs.replace(market, underlyings={"BTC": quote})

    def at(self, move: float = 1.0, vol: float = 0.0, expiry: str = "") -> Table:
        """After a move of price, and so many points of volatility more (of one expiry, if one is named)."""
        quote = self.market.underlyings["BTC"]
        expiries = {
            name: msgspec.structs.replace(one, forward=one.forward * move)
            for name, one in quote.expiries.items()
        }
        vols = {name: kept + (vol if expiry in name else 0.0) for name, kept in self.market.vols.items()}
        market = msgspec.structs.replace(
            self.market,
            underlyings={"BTC": msgspec.structs.replace(quote, spot=quote.spot * move, expiries=expiries)},
            vols=vols,
            marks={name: mark * move for name, mark in self.market.marks.items()},
        )
        book = value_books(self.contracts, market, self.rules)["BTC"]
        scenarios = len(book.columns)
        outcomes = (
            book.table.transpose(1, 0, 2).reshape(len(book.base), -1, LANES).reshape(len(book.base), -1)
        )
        return Table(book.base, book.base[:, None] - outcomes[:, :scenarios])


def _positions(accounts: int, instruments: int, first: Table) -> Positions:
    draw = np.random.default_rng(11)
    ends = (np.arange(accounts + 1) * HELD).astype(np.uint32)
    instrument = draw.integers(0, instruments, accounts * HELD).astype(np.uint16)
    size = draw.integers(-20, 21, accounts * HELD).astype(np.float64)
    free = Positions(ends, instrument, size, np.zeros(accounts), np.full(instruments, 1_000.0))
    worth = NearBook(free, first.base, first.losses, np.ones(instruments, dtype=np.int64)).health
    asked = np.abs(worth)
    spare = np.floor(asked * draw.uniform(0.0, 2.0, accounts))
    return free._replace(cash=spare - worth)


def _row(name: str, book: NearBook, held: Positions, now: Table, repeats: int) -> Row:
    found = book.below(now.base, now.losses)
    every = NearBook(held, now.base, now.losses, np.ones(now.base.size, dtype=np.int64)).health
    truth = np.flatnonzero(every < 0.0)
    if not np.array_equal(found.accounts, truth):
        raise AssertionError("an account was missed, or found in vain: nothing to time")
    ours = median_seconds(lambda: book.below(now.base, now.losses), repeats)
    whole = median_seconds(lambda: book._health_of_all(now.base, now.losses), 3)
    return make_row(
        f"options book of {held.cash.size:,} x {HELD}, 256 scenarios: {name}",
        ours=f"{ours * 1e3:.1f} ms",
        peer=f"the whole book {whole * 1e3:.0f} ms",
        ratio=whole / ours,
        goal="0 missed",
        met=True,
        note=f"met {found.met:,}, valued {found.judged:,}, below zero {found.accounts.size:,}, missed 0",
    )


def measure(quick: bool = False) -> list[Row]:
    """Rows for the table; `quick`: a tenth of the accounts."""
    accounts, repeats = (100_000, 3) if quick else (1_000_000, 5)
    numba.set_num_threads(1)
    market = Market(1_500)
    first = market.at()
    held = _positions(accounts, first.base.size, first)
    book = NearBook(held, first.base, first.losses, _weights(market, first))
    moves: dict[str, dict[str, Any]] = {
        "a tick of 0.01 %": {"move": 1.0001},
        "a step of 0.2 %": {"move": 0.998},
        "one expiry's surface, a tenth of a point": {"vol": 0.001, "expiry": EXPIRIES[1]},
        "2 % down and a point of volatility": {"move": 0.98, "vol": 0.01},
        "10 % down and ten points": {"move": 0.9, "vol": 0.1},
    }
    rows = [_row(name, book, held, market.at(**told), repeats) for name, told in moves.items()]
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    return rows


def _weights(market: Market, first: Table) -> np.ndarray:
    """How far outcomes go in 1 % of price either way, or a tenth of a point of volatility, at least one."""
    furthest = np.ones(first.base.size, dtype=np.int64)
    for move, vol in ((1.01, 0.0), (0.99, 0.0), (1.0, 0.001)):
        there = market.at(move, vol)
        gone = np.abs((there.base[:, None] - there.losses) - (first.base[:, None] - first.losses)).max(axis=1)
        furthest = np.maximum(furthest, gone)
    return furthest
