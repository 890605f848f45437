"""A made-up book of positions with the shape of a leveraged crypto venue.

Sizes are Pareto (tail 1.3, capped), leverage and entry price log-normal, open interest falls with
the rank of the market like 1/rank (Zipf). Traders are net long; a few large, low-leverage market
makers hold exactly the lots the traders leave open, so longs and shorts balance to the lot.
Only living positions are drawn: whoever would be in liquidation at the mark is drawn again.
USD columns are float64, sizes int64 lots (signed, + long), leverage is entry notional / collateral.
Source of the shape: rules/quant 4.3, item 5 (assumed there). Same seed, same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.kernels.elementary import exp_array, log, power
from seawall.lab.streams import Stream

Floats = NDArray[np.float64]
LOT_COINS = {"BTC": 0.001, "ETH": 0.001, "SOL": 0.01, "LINK": 0.01, "AVAX": 0.01}
MAKER_LEVERAGE = 2.0
MAX_REDRAWS = 200


class Market(msgspec.Struct, frozen=True):
    """One instrument of the book: its name, its coin, the mark (USD per coin) and the lot (coins)."""

    instrument: str
    asset: str
    price_usd: float
    lot_coins: float


class Shape(msgspec.Struct, frozen=True):
    """The distributions. Shares are of 1; `closest` is the least move (of the mark) left to anyone."""

    leverage_median: float = 11.0
    leverage_log_sd: float = 0.7
    leverage_least: float = 1.2
    leverage_most: float = 100.0
    size_tail: float = 1.3
    size_cap_share: float = 0.02
    entry_log_sd: float = 0.05
    long_share: float = 0.62
    isolated_share: float = 0.3
    coin_collateral_share: float = 0.2
    zipf: float = 1.0
    maintenance_rate: float = 0.01
    closest: float = 0.001
    makers: int = 3

    def __post_init__(self) -> None:
        shares = ("size_cap_share", "long_share", "isolated_share", "coin_collateral_share", "closest")
        for field in shares + ("maintenance_rate",):
            if not 0.0 <= getattr(self, field) <= 1.0:
                what = f"{field} is {getattr(self, field)!r}"
                raise InputError.at("shape", what, "Give a share from 0 to 1.")
        for field in ("leverage_median", "leverage_least", "size_tail", "size_cap_share"):
            if not (math.isfinite(getattr(self, field)) and getattr(self, field) > 0.0):
                what = f"{field} is {getattr(self, field)!r}"
                raise InputError.at("shape", what, f"{field} must be positive and finite.")
        if self.makers < 1 or self.leverage_most <= self.leverage_least:
            what = f"{self.makers} makers, leverage {self.leverage_least} to {self.leverage_most}"
            raise InputError.at("shape", what, "Keep at least one maker and leverage_least < leverage_most.")


# As written in quant 4.3. Among living positions it puts 5 / 16 / 37 % of open interest within 2 / 5 / 10 %
# of liquidation, not the 7 / 20 / 51 % printed beside it; Shape's defaults are chosen to reach the latter.
AS_PRINTED = Shape(leverage_median=8.0, leverage_log_sd=0.9)


class SyntheticBook(msgspec.Struct, frozen=True, eq=False):
    """One row per position. `market` and `collateral` point into `markets` and `collateral_names`."""

    markets: tuple[Market, ...]
    collateral_names: tuple[str, ...]
    account: NDArray[np.int64]
    market: NDArray[np.int64]
    size_lots: NDArray[np.int64]
    notional_usd: Floats
    leverage: Floats
    entry_price: Floats
    isolated: NDArray[np.bool_]
    collateral: NDArray[np.int64]
    collateral_usd: Floats
    maker: NDArray[np.bool_]

    def instrument(self, row: int) -> str:
        """Name of the instrument of a row."""
        return self.markets[int(self.market[row])].instrument


def markets_at(prices: Mapping[str, float], quote: str = "USDT") -> tuple[Market, ...]:
    """Perpetuals `BTC-PERP`, ... at the given marks, largest first as in the mapping."""
    out = []
    for asset, price in prices.items():
        if not (math.isfinite(price) and price > 0.0):
            raise InputError.at("markets", f"the price of {asset} is {price!r}", "Give a positive price.")
        lot = LOT_COINS.get(asset)
        if lot is None:  # the power of ten that makes a lot worth 1 to 10 USD
            lot = 1.0
            while lot * price >= 10.0:
                lot /= 10.0
            while lot * price < 1.0:
                lot *= 10.0
        out.append(Market(f"{asset}-PERP", asset, float(price), lot))
    return tuple(out)


def synthetic_book(
    markets: tuple[Market, ...],
    *,
    accounts: int = 2_000,
    open_interest_usd: float = 1e9,
    seed: int = 0,
    shape: Shape | None = None,
    cash: str = "USDT",
) -> SyntheticBook:
    """`accounts` traders with one position each, and the makers. Open interest counts one side."""
    shape = shape or Shape()
    if not markets or accounts < len(markets):
        what = f"{accounts} accounts for {len(markets)} markets"
        raise InputError.at("synthetic book", what, "Give at least one market and one account per market.")
    if not (math.isfinite(open_interest_usd) and open_interest_usd > 0.0):
        raise InputError.at("open_interest_usd", repr(open_interest_usd), "Give a positive amount.")
    stream = Stream(seed, "synthetic")
    share = _zipf(len(markets), shape.zipf)
    market = np.searchsorted(np.cumsum(share)[:-1], stream.child("market").uniform(accounts), side="right")
    market[: len(markets)] = np.arange(len(markets))  # no market stays empty
    long = stream.child("side").uniform(accounts) < shape.long_share
    size = stream.child("size").pareto(accounts, shape.size_tail)
    price = np.array([m.price_usd for m in markets])[market]
    lot = np.array([m.lot_coins for m in markets])[market]
    notional = np.empty(accounts)
    for k in range(len(markets)):
        rows = np.flatnonzero(market == k)
        notional[rows] = _scale(size[rows], long[rows], open_interest_usd * share[k], shape.size_cap_share)
    lots = np.maximum(np.rint(notional / (price * lot)), 1.0).astype(np.int64) * np.where(long, 1, -1)
    notional = np.abs(lots) * lot * price
    isolated = stream.child("isolated").uniform(accounts) < shape.isolated_share
    names, collateral = _collateral(stream, markets, cash, isolated, shape)
    leverage, entry = _living(stream.child("leverage"), price, long, collateral > 0, shape)
    traders = SyntheticBook(
        markets, names, np.arange(1, accounts + 1), market.astype(np.int64), lots, notional, leverage, entry,
        isolated, collateral, notional * (entry / price) / leverage, np.zeros(accounts, dtype=np.bool_),
    )  # fmt: skip
    return _with_makers(traders, shape)


def _zipf(count: int, exponent: float) -> Floats:
    weight = [float(power(float(rank), -exponent)) for rank in range(1, count + 1)]
    total = math.fsum(weight)
    return np.array([w / total for w in weight])


def _scale(size: Floats, long: NDArray[np.bool_], target_usd: float, cap_share: float) -> Floats:
    """Sizes times one factor, none above the cap, so that the larger side holds `target_usd`."""
    cap = max(cap_share * target_usd, target_usd / size.size)

    def larger_side(factor: float) -> float:
        scaled = np.minimum(size * factor, cap)
        return max(math.fsum(scaled[long]), math.fsum(scaled[~long]))

    low, high = 0.0, target_usd
    if larger_side(high) < target_usd:
        return np.minimum(size * high, cap)  # too few accounts to reach it under the cap
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if larger_side(middle) < target_usd else (low, middle)
    return np.minimum(size * high, cap)


def _collateral(
    stream: Stream, markets: tuple[Market, ...], cash: str, isolated: NDArray[np.bool_], shape: Shape
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """0 is cash; cross accounts hold coins with the given chance: the first market's coin or the second's."""
    coins = tuple(dict.fromkeys(m.asset for m in markets))[:2]
    holds = stream.child("coin").uniform(isolated.size) < shape.coin_collateral_share
    which = 1 + stream.child("which").index(isolated.size, len(coins))
    return (cash, *coins), np.where(holds & ~isolated, which, 0).astype(np.int64)


def distance(
    price: Floats,
    entry: Floats,
    leverage: Floats,
    long: NDArray[np.bool_],
    coin: NDArray[np.bool_],
    rate: float,
) -> Floats:
    """The adverse move of the mark (share of it) at which equity meets rate x notional.

    Per unit of notional now: collateral c = entry / price / leverage, equity e = c + P&L. Coin collateral is
    taken to move with the position's own price: it makes a long nearer and a short farther.
    """
    c = entry / price / leverage
    pnl = np.where(long, 1.0 - entry / price, entry / price - 1.0)
    held = np.where(coin, c, 0.0)
    slope = np.where(long, 1.0 - rate + held, 1.0 + rate - held)
    return np.where(slope > 0.0, (c + pnl - rate) / np.where(slope > 0.0, slope, 1.0), 1.0)


def _living(
    stream: Stream, price: Floats, long: NDArray[np.bool_], coin: NDArray[np.bool_], shape: Shape
) -> tuple[Floats, Floats]:
    """Leverage and entry of each position; those already due for liquidation are drawn again."""
    leverage, entry = np.empty(price.size), np.empty(price.size)
    todo = np.arange(price.size)
    middle = float(log(shape.leverage_median))
    for _ in range(MAX_REDRAWS):
        drawn = stream.lognormal(todo.size, middle, shape.leverage_log_sd)
        leverage[todo] = np.clip(drawn, shape.leverage_least, shape.leverage_most)
        entry[todo] = price[todo] * exp_array(shape.entry_log_sd * stream.normal(todo.size))
        rate = shape.maintenance_rate
        left = distance(price[todo], entry[todo], leverage[todo], long[todo], coin[todo], rate)
        todo = todo[left < shape.closest]
        if todo.size == 0:
            return leverage, entry
    what = f"{todo.size} positions stay below their maintenance after {MAX_REDRAWS} draws"
    raise InputError.at("shape", what, "Lower leverage_median or maintenance_rate.")


def _with_makers(book: SyntheticBook, shape: Shape) -> SyntheticBook:
    """Append cross accounts in cash that hold the opposite of what the traders leave open."""
    rows: list[tuple[int, int, int]] = []
    last = int(book.account[-1])
    for k in range(len(book.markets)):
        gap = -int(book.size_lots[book.market == k].sum())
        left = gap
        for m in range(shape.makers):
            # Half, then half of the rest, ...; the last one takes what remains, to the lot.
            lots = left if m == shape.makers - 1 else left // 2 if left > 0 else -(-left // 2)
            left -= lots
            if lots:
                rows.append((last + 1 + m, k, lots))
    if not rows:
        return book
    account, market, size_lots = (np.array(column, dtype=np.int64) for column in zip(*rows))
    price = np.array([m.price_usd for m in book.markets])[market]
    lot = np.array([m.lot_coins for m in book.markets])[market]
    notional = np.abs(size_lots) * lot * price
    no, yes = np.zeros(len(rows), dtype=np.bool_), np.ones(len(rows), dtype=np.bool_)
    extra = (
        account, market, size_lots, notional, np.full(len(rows), MAKER_LEVERAGE), price, no,
        np.zeros(len(rows), dtype=np.int64), notional / MAKER_LEVERAGE, yes,
    )  # fmt: skip
    fields = book.__struct_fields__[2:]
    joined = [np.concatenate([getattr(book, field), more]) for field, more in zip(fields, extra)]
    return SyntheticBook(book.markets, book.collateral_names, *joined)


def reached_shares(
    book: SyntheticBook, rate: float = Shape().maintenance_rate, moves: tuple[float, ...] = (0.02, 0.05, 0.10)
) -> tuple[float, ...]:
    """Share of the traders' open interest (both sides, each by its adverse move) liquidated within a move."""
    mine = ~book.maker
    price = np.array([m.price_usd for m in book.markets])[book.market]
    left = distance(price, book.entry_price, book.leverage, book.size_lots > 0, book.collateral > 0, rate)
    total = math.fsum(book.notional_usd[mine])
    return tuple(math.fsum(book.notional_usd[mine & (left <= move)]) / total for move in moves)
