"""One book of 10,000 accounts under ten rulebooks: where every account stands, from rows to figures.

Accounts hold BTC and ETH perpetuals, long or short, with dollars that leave them between nothing and several
times their requirement; the same rows for all. Wall seconds, median of three. Peer: `load_book` and its table
of statements once per rulebook, over rows written for that venue beforehand: what one would do by hand.
"""

from __future__ import annotations

from benchmarks.rows import Row, make_row, median_seconds
from seawall.api.compare_books import compare_books
from seawall.api.desk import read_rows
from seawall.api.place_book import meanings, place
from seawall.rulebooks.load import load_rulebook

RULEBOOKS = (
    "harbor", "hyperliquid", "dydx-v4", "drift-v2", "mango-v4", "synthetix-v3", "gmx-v2", "binance-usdm",
    "bybit-linear", "paradex",
)  # fmt: skip
MARKS = {"BTC": "60000", "ETH": "2500"}
GOAL_SECONDS = 5.0


def book_rows(accounts: int) -> list[dict[str, str]]:
    """Two rows for every third account, one for the others; sizes by a recurrence, the same each time."""
    rows, state = [], 1
    for number in range(accounts):
        state = (state * 1_103_515_245 + 12_345) % 2**31
        size, long = 1 + state % 40, state // 64 % 2
        coin, price = (("BTC", 60_000), ("ETH", 2_500))[state // 128 % 2]
        money = size * price // 10 * (1 + state // 256 % 30) // 60
        sign = "" if long else "-"
        rows.append(
            _row(number, coin, f"{sign}{size / 10:.1f}", str(price + (state // 512 % 100) - 50), money)
        )
        if number % 3 == 0:
            rows.append(_row(number, "ETH" if coin == "BTC" else "BTC", "0.1", str(62_500 - price), None))
    return rows


def _row(number: int, coin: str, size: str, entry: str, money: int | None) -> dict[str, str]:
    return {
        "account": f"a{number:06d}", "instrument": f"{coin}-PERP", "size": size, "entry_price": entry,
        "collateral_asset": "" if money is None else "USDC",
        "collateral_amount": "" if money is None else str(money + 1), "margin_mode": "cross",
    }  # fmt: skip


def measure(*, quick: bool) -> list[Row]:
    """The one row of the table."""
    from seawall.api.desk import load_book

    accounts = 1_000 if quick else 10_000
    rows = book_rows(accounts)
    held = read_rows(rows)
    books = [load_rulebook(name) for name in RULEBOOKS]
    known = meanings(held, books)
    own = [[_plain(row) for row in place(held, book, known).rows] for book in books]
    compare_books(rows[:30], books, MARKS)  # compiles

    def by_hand() -> None:
        for book, mine in zip(books, own, strict=True):
            load_book(mine, book, MARKS).statements()

    ours = median_seconds(lambda: compare_books(rows, books, MARKS), 3)
    peer = median_seconds(by_hand, 3)
    found = compare_books(rows, books, MARKS)
    return [
        make_row(
            f"compare {accounts:,} accounts under {len(books)} rulebooks",
            ours=f"{ours:.2f} s",
            peer=f"{peer:.2f} s, each rulebook by hand",
            ratio=peer / ours,
            goal=f"at most {GOAL_SECONDS:g} s",
            met=ours <= GOAL_SECONDS and not quick,
            note=f"the venues disagree about {len(found.differing()):,} accounts",
            seconds=ours,
        )
    ]


def _plain(row: object) -> dict[str, str]:
    names = (
        "account",
        "instrument",
        "size",
        "entry_price",
        "collateral_asset",
        "collateral_amount",
        "margin_mode",
    )
    return {name: getattr(row, name) or "" for name in names}
