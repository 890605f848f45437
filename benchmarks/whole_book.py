"""Equity, requirement and health of a whole book at one level, beside NumPy doing the same arithmetic.

Accounts hold three tiered linear positions and cash. Times are milliseconds, best of several runs
in one process; the ratio is what counts. Both give the same integers (checked before timing).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.instruments.model import Asset, InstrumentKind, make_instrument
from seawall.ledger.columns import Book
from seawall.margin.compiled import CompiledMargin, MarketView, compile_margin
from seawall.margin.rules import InstrumentMargin, Level, MarginRules, Schedule, Tier, Weight, WeightTier
from seawall.margin.statement import book_health

I64 = NDArray[np.int64]
POSITIONS = 3
FLOORS = (0, 50_000, 600_000, 3_000_000)
RATES = (4_000_000, 5_000_000, 6_500_000, 10_000_000)


def make_book(accounts: int, markets: int = 50) -> tuple[Book, CompiledMargin, MarketView, I64]:
    """A deterministic book (a linear congruential sequence, no random module)."""
    usd = Asset(name="USD", decimals=6)
    instruments = tuple(
        make_instrument(
            name=f"M{k:02d}",
            kind=InstrumentKind.LINEAR_PERPETUAL,
            base=f"C{k}",
            quote="USD",
            lot="0.001",
            tick="0.01",
            settle=usd,
        )
        for k in range(markets)
    )
    tiers = tuple(
        Tier(floor_atoms=floor * 10**6, rate_ppb=rate) for floor, rate in zip(FLOORS, RATES, strict=True)
    )
    schedule = Schedule(tiers=tiers)
    rules = MarginRules(
        scope="account",
        numeraire="USD",
        collateral={},
        weights={"default": {"USD": Weight(tiers=(WeightTier(floor_atoms=0, weight_ppb=10**9),))}},
        instruments={i.name: InstrumentMargin(schedules={"maintenance": schedule}) for i in instruments},
        levels=(Level(name="maintenance", schedule="maintenance"),),
    )
    margin = compile_margin((usd,), instruments, rules)
    book = Book(1, markets, pots=accounts, positions=accounts * POSITIONS)
    book.n_pots, book.n_positions = accounts, accounts * POSITIONS
    pots = np.arange(accounts, dtype=np.int64)
    slots = np.arange(accounts * POSITIONS, dtype=np.int64)
    mixed = slots * 2654435761 % 2**32
    book.pot_unit[:], book.pot_account[:] = 0, pots
    book.pot_head[:] = pots * POSITIONS
    book.pos_next[:] = np.where(slots % POSITIONS < POSITIONS - 1, slots + 1, -1)
    book.pos_pot[:] = slots // POSITIONS
    book.pos_instrument[:] = (mixed // 7 + slots % POSITIONS * 17) % markets
    price = (1_000_00 + np.arange(markets, dtype=np.int64) * 37_00).astype(np.int64)
    book.pos_lots[:] = (mixed % 200_000 + 1) * np.where(mixed // 3 % 2, 1, -1)
    book.pos_cost[:] = book.pos_lots * price[book.pos_instrument] * 10 * (990 + mixed % 21) // 1000
    book.balances[:, 0] = (mixed[::POSITIONS] % 50_000 + 100) * 10**6
    market = MarketView(markets, mark=price, index_price=price, usable=np.ones(markets))
    return book, margin, market, pots


class Flat(NamedTuple):
    """The columns NumPy reads, each on its own: nothing of our layout is held against the peer."""

    instrument: NDArray[np.int32]
    lots: I64
    cost: I64
    cash: I64


def flat(book: Book) -> Flat:
    columns = (book.pos_instrument, book.pos_lots, book.pos_cost, book.balances[:, 0])
    return Flat(*(np.ascontiguousarray(column) for column in columns))


def numpy_health(book: Flat, market: MarketView) -> tuple[I64, I64]:
    """The best vectorised NumPy form known to us: flat positions, searchsorted tiers, reduceat."""
    rows, lots = book.instrument, book.lots
    value = lots * market.mark[rows] * 10
    notional = np.abs(value)
    floors = np.array(FLOORS, np.int64) * 10**6
    rates = np.array(RATES, np.int64)
    deduction = np.concatenate(([0], np.cumsum(floors[1:] * (rates[1:] - rates[:-1]) // 10**9)))
    tier = np.searchsorted(floors, notional, side="right") - 1
    required = -(-notional * rates[tier] // 10**9) - deduction[tier]
    starts = np.arange(0, len(lots), POSITIONS)
    equity = book.cash + np.add.reduceat(value - book.cost, starts)
    return equity, np.add.reduceat(required, starts)


def best_ms(run: Callable[[], object], repeats: int = 7) -> float:
    """Fastest of several runs, in milliseconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return min(times)


def measure(quick: bool = False) -> list[dict[str, object]]:
    """Rows for the table: ours and NumPy's, with the ratio."""
    accounts = 100_000 if quick else 1_000_000
    book, margin, market, pots = make_book(accounts)
    equity, requirement, unknown = book_health(book, margin, market, pots, "maintenance")
    columns = flat(book)
    theirs = numpy_health(columns, market)
    if not ((unknown < 0).all() and (equity[0] == theirs[0]).all() and (requirement[0] == theirs[1]).all()):
        raise AssertionError("the two do not agree: nothing to time")
    ours_ms = best_ms(lambda: book_health(book, margin, market, pots, "maintenance"))
    numpy_ms = best_ms(lambda: numpy_health(columns, market))
    tables = (book.pot_table, book.position_table, book.resting_table, book.balances)
    bytes_per = sum(table.nbytes for table in tables)
    return [
        {
            "figure": f"whole book, {accounts:,} accounts x {POSITIONS} tiered positions",
            "ours": f"{ours_ms:.1f} ms",
            "peer": f"NumPy {numpy_ms:.1f} ms",
            "ratio": round(numpy_ms / ours_ms, 2),
            "goal": "5x, 12 ms",
            "met": numpy_ms >= 5 * ours_ms and ours_ms <= 12.0,
            "note": f"{bytes_per / accounts:.0f} bytes an account: 28 and 56 for each position",
        }
    ]
