"""The simulated venue: a book per asset that answers liquidation orders with fills and moves its price.

Outside prices USD per coin (floats: the world, not the engine); what goes to the engine is ticks and
lots, rounded to the nearest tick against nobody. A sweep walks the depth curve, leaves a hole that
heals, and makes makers withdraw (lab.depth). `feedback` is the share of that hole and of that flow that
stays after the order; 0 gives the same crash in which every order meets a fresh book and moves no price.
The books of all assets are rows of one array, so that a step of time is one call (lab.depth_kernels).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np

from seawall.engine.commands import AnyCommand, ReportFill, ReportOrderDone, SourcePrice
from seawall.engine.events import LiquidationOrderSent
from seawall.engine.state import MARKET
from seawall.instruments.model import Instrument
from seawall.lab import depth_kernels as kernels
from seawall.lab.depth import DepthCurve, DepthRules, book_row, new_book, row_of
from seawall.lab.faults import Faults
from seawall.rulebooks.model import Rulebook

LATE = ("source_late", "oracle_delayed")
SPARE_HISTORY = 4096  # moments kept beyond the longest delay before the oldest are dropped


class Waiting(msgspec.Struct, frozen=True):
    """An order on its way: who sent it and when it reaches the book."""

    order: LiquidationOrderSent
    account: int
    due_ns: int


class Quoted(NamedTuple):
    """An instrument in the venue's terms: the row of its coin, its steps as floats, and who reports it."""

    name: str
    row: int
    tick_units: float
    lot_units: float
    inverse: bool
    sources: tuple[str, ...]


class SimulatedVenue:
    """Holds the books and the orders on their way. Deterministic; holds no rule of the venue."""

    def __init__(
        self,
        rulebook: Rulebook,
        curves: dict[str, DepthCurve],
        rules: DepthRules,
        faults: Faults,
        *,
        feedback: float,
        start_ns: int,
        latency_ns: int,
    ) -> None:
        self.faults, self.feedback = faults, feedback
        self.start_ns, self.latency_ns, self.now_ns = start_ns, latency_ns, start_ns
        self.assets = tuple(curves)
        self._row = {asset: row for row, asset in enumerate(self.assets)}
        self._curves = np.array([row_of(curve) for curve in curves.values()]).reshape(len(curves), -1)
        self._rules = row_of(rules)
        self._books = np.array([book_row(new_book(rules)) for _ in curves]).reshape(len(curves), -1)
        self._outside = np.zeros(len(curves))  # 0: no price yet
        self._arrived, self._mids = np.zeros(len(curves)), np.zeros(len(curves))
        self.instruments = [self._quoted(rulebook, instrument) for instrument in rulebook.instruments]
        self._priced = [quoted for quoted in self.instruments if quoted.row >= 0]
        self._waiting: dict[int, Waiting] = {}  # by order, oldest first
        # What sources saw and when, for those that are late; kept as far back as any of them looks.
        self._longest_delay_ns = max((f.delay_ns for f in faults.rows if f.kind in LATE), default=0)
        self._when: list[int] = []
        self._seen: list[list[float]] = []

    def _quoted(self, rulebook: Rulebook, instrument: Instrument) -> Quoted:
        return Quoted(
            name=instrument.name,
            row=self._row.get(asset_of(instrument), -1),
            tick_units=float(instrument.tick_units),
            lot_units=float(instrument.lot_units),
            inverse=instrument.kind.inverse,
            sources=tuple(rulebook.oracles[instrument.name].sources),
        )

    def move_to(self, now_ns: int, outside: dict[str, float]) -> None:
        """Time passes and the outside world moves: books refill, quotes adapt to the volatility."""
        seconds, arrived = (now_ns - self.now_ns) / 1e9, self._arrived
        if len(outside) < len(self.assets):
            arrived[:] = 0.0
        for asset, price in outside.items():
            arrived[self._row[asset]] = price
        kernels.advance_all(self._curves, self._rules, self._books, self._outside, arrived, seconds)
        self.now_ns = now_ns

    def outside_usd(self) -> list[float]:
        """The outside price of every asset, in the order of `assets`; 0 where there is none yet."""
        return self._outside.tolist()

    def prices(self) -> list[float]:
        """What the sources see: the middle of every book, holes that forced selling left included."""
        kernels.mid_prices(self._curves, self._books, self._outside, self._mids)
        return self._mids.tolist()

    def price(self, asset: str) -> float:
        """`prices` of one asset."""
        return self.prices()[self._row[asset]]

    def quotes(self) -> tuple[SourcePrice, ...]:
        """Every source's word on every instrument that has a price, faults applied."""
        seen, now_ns = self.prices(), self.now_ns
        if self.faults.rows:
            return self._late_quotes(seen)
        rows: list[SourcePrice] = []
        for name, row, tick_units, _, _, sources in self._priced:
            price = seen[row]
            if price > 0.0:
                ticks = max(round(price / tick_units), 1)
                rows += [SourcePrice(name, source, ticks, now_ns) for source in sources]
        return tuple(rows)

    def _late_quotes(self, seen: list[float]) -> tuple[SourcePrice, ...]:
        """`quotes` where sources may be late or say nothing."""
        self._remember(seen)
        since_start_ns = self.now_ns - self.start_ns
        found: dict[str, tuple[int, list[float]] | None] = {}
        rows = []
        for name, row, tick_units, _, _, sources in self._priced:
            for source in sources:
                if source not in found:
                    delay = self.faults.source_delay_ns(source, since_start_ns)
                    found[source] = None if delay is None else self._seen_at(self.now_ns - delay)
                then = found[source]
                if then is not None and then[1][row] > 0.0:
                    ticks = max(round(then[1][row] / tick_units), 1)
                    rows.append(SourcePrice(name, source, ticks, then[0]))
        return tuple(rows)

    def _remember(self, seen: list[float]) -> None:
        self._when.append(self.now_ns)
        self._seen.append(seen)
        if len(self._when) > 2 * SPARE_HISTORY:
            # The newest moment not after the earliest anyone asks for is still needed.
            old = bisect_right(self._when, self.now_ns - self._longest_delay_ns) - 1
            if old > SPARE_HISTORY:
                del self._when[:old], self._seen[:old]

    def _seen_at(self, time_ns: int) -> tuple[int, list[float]] | None:
        place = bisect_right(self._when, time_ns) - 1
        return (self._when[place], self._seen[place]) if place >= 0 else None

    @property
    def busy(self) -> bool:
        """Are orders on their way?"""
        return bool(self._waiting)

    def accept(self, orders: Iterable[tuple[LiquidationOrderSent, int]]) -> None:
        """Take orders with the account that owns them; they arrive after the latency."""
        due = self.now_ns + self.latency_ns + self.faults.latency_ns(self.now_ns - self.start_ns)
        for order, account in orders:
            self._waiting[order.order] = Waiting(order, account, due)

    def recall(self, order: int) -> bool:
        """The engine takes an order back: True if it was stopped before it reached the book."""
        if self.faults.stalled(self.now_ns - self.start_ns):
            return False
        return self._waiting.pop(order, None) is not None

    def due(self) -> list[Waiting]:
        """Orders that reach the book now, oldest first; none while the liquidator is stalled."""
        if not self._waiting or self.faults.stalled(self.now_ns - self.start_ns):
            return []
        ready = [row for row in self._waiting.values() if row.due_ns <= self.now_ns]
        for row in ready:
            del self._waiting[row.order.order]
        return ready

    def execute(self, row: Waiting) -> list[AnyCommand]:
        """Sweep the book for one order: a fill within the limit, and the word that it is done."""
        order, quoted = row.order, self.instruments[row.order.instrument]
        buys, most = order.size_lots > 0, abs(order.size_lots)
        outside = float(self._outside[quoted.row]) if quoted.row >= 0 else 0.0
        if outside == 0.0:  # nobody quotes it
            return [ReportOrderDone(time_ns=self.now_ns, order=order.order)]
        lots, price = kernels.take(
            self._curves[quoted.row],
            self._books[quoted.row],
            kernels.ASKS if buys else kernels.BIDS,
            outside,
            quoted.lot_units if quoted.inverse else quoted.lot_units * outside,
            most,
            order.limit_ticks * quoted.tick_units,
            self.feedback,
        )
        commands: list[AnyCommand] = []
        if lots:
            commands.append(
                ReportFill(
                    time_ns=self.now_ns,
                    instrument=quoted.name,
                    size_lots=lots,
                    price_ticks=max(round(price / quoted.tick_units), 1),
                    buyer=row.account if buys else MARKET,
                    seller=MARKET if buys else row.account,
                    taker_is_buyer=buys,
                    buyer_order=order.order if buys else 0,
                    seller_order=0 if buys else order.order,
                )
            )
        if lots < most:
            commands.append(ReportOrderDone(time_ns=self.now_ns, order=order.order))
        return commands


def asset_of(instrument: Instrument) -> str:
    """The coin whose price an instrument follows, as the lab names it."""
    return "BTC" if instrument.base == "XBT" else instrument.base
