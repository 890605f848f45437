"""The simulated venue: a book per asset that answers liquidation orders with fills and moves its price.

Outside prices USD per coin (floats: the world, not the engine); what goes to the engine is ticks and
lots, rounded to the nearest tick against nobody. A sweep walks the depth curve, leaves a hole that
heals, and makes makers withdraw (lab.depth). `feedback` is the share of that hole and of that flow that
stays after the order; 0 gives the same crash in which every order meets a fresh book and moves no price.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from seawall.engine.commands import AnyCommand, ReportFill, ReportOrderDone, SourcePrice
from seawall.engine.events import LiquidationOrderSent
from seawall.engine.state import MARKET
from seawall.instruments.model import Instrument
from seawall.kernels.elementary import log
from seawall.lab.depth import (
    Book,
    DepthCurve,
    DepthRules,
    Side,
    advance,
    capacity_usd,
    consume,
    mid_price,
    new_book,
)
from seawall.lab.faults import Faults
from seawall.rulebooks.model import Rulebook


class Waiting(msgspec.Struct, frozen=True):
    """An order on its way: who sent it and when it reaches the book."""

    order: LiquidationOrderSent
    account: int
    due_ns: int


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
        self.rulebook, self.curves, self.rules, self.faults = rulebook, curves, rules, faults
        self.feedback, self.start_ns, self.latency_ns = feedback, start_ns, latency_ns
        self.books: dict[str, Book] = {asset: new_book(rules) for asset in curves}
        self.outside: dict[str, float] = {}
        self.history: list[tuple[int, dict[str, float]]] = []  # (time, price seen by sources), for late ones
        self.waiting: list[Waiting] = []
        self.now_ns = start_ns

    def move_to(self, now_ns: int, outside: dict[str, float]) -> None:
        """Time passes and the outside world moves: books refill, quotes adapt to the volatility."""
        seconds = (now_ns - self.now_ns) / 1e9
        for asset, book in self.books.items():
            if asset not in outside:
                continue
            before = self.outside.get(asset, outside[asset])
            self.books[asset] = advance(
                self.curves[asset], self.rules, book, float(log(outside[asset] / before)), seconds
            )
        self.outside.update(outside)
        self.now_ns = now_ns

    def price(self, asset: str) -> float:
        """What the sources see: the middle of the book, holes that forced selling left included."""
        return mid_price(self.curves[asset], self.books[asset], self.outside[asset])

    def quotes(self) -> tuple[SourcePrice, ...]:
        """Every source's word on every instrument that has a price, faults applied."""
        seen = {asset: self.price(asset) for asset in self.outside}
        self.history.append((self.now_ns, seen))
        if len(self.history) > 4096:
            del self.history[:2048]
        rows = []
        for instrument in self.rulebook.instruments:
            asset = asset_of(instrument)
            if asset not in seen:
                continue
            for source in self.rulebook.oracles[instrument.name].sources:
                delay = self.faults.source_delay_ns(source, self.now_ns - self.start_ns)
                found = None if delay is None else self._seen_at(self.now_ns - delay, asset)
                if found is not None:
                    ticks = max(round(found[1] / float(instrument.tick_units)), 1)
                    rows.append(SourcePrice(instrument.name, source, ticks, found[0]))
        return tuple(rows)

    def _seen_at(self, time_ns: int, asset: str) -> tuple[int, float] | None:
        for when, prices in reversed(self.history):
            if when <= time_ns:
                return (when, prices[asset]) if asset in prices else None
        return None

    def accept(self, orders: Iterable[tuple[LiquidationOrderSent, int]]) -> None:
        """Take orders with the account that owns them; they arrive after the latency."""
        delay = self.latency_ns + self.faults.latency_ns(self.now_ns - self.start_ns)
        self.waiting += [Waiting(order, account, self.now_ns + delay) for order, account in orders]

    def recall(self, order: int) -> bool:
        """The engine takes an order back: True if it was stopped before it reached the book."""
        if self.faults.stalled(self.now_ns - self.start_ns):
            return False
        left = [row for row in self.waiting if row.order.order != order]
        stopped, self.waiting = len(left) < len(self.waiting), left
        return stopped

    def due(self) -> list[Waiting]:
        """Orders that reach the book now, oldest first; none while the liquidator is stalled."""
        if self.faults.stalled(self.now_ns - self.start_ns):
            return []
        ready = [row for row in self.waiting if row.due_ns <= self.now_ns]
        self.waiting = [row for row in self.waiting if row.due_ns > self.now_ns]
        return ready

    def execute(self, row: Waiting) -> list[AnyCommand]:
        """Sweep the book for one order: a fill within the limit, and the word that it is done."""
        order = row.order
        instrument = self.rulebook.instruments[order.instrument]
        asset = asset_of(instrument)
        commands: list[AnyCommand] = []
        lots, price = self._sweep(asset, instrument, order)
        if lots:
            buys = order.size_lots > 0
            commands.append(
                ReportFill(
                    time_ns=self.now_ns,
                    instrument=instrument.name,
                    size_lots=lots,
                    price_ticks=price,
                    buyer=row.account if buys else MARKET,
                    seller=MARKET if buys else row.account,
                    taker_is_buyer=buys,
                    buyer_order=order.order if buys else 0,
                    seller_order=0 if buys else order.order,
                )
            )
        if lots < abs(order.size_lots):
            commands.append(ReportOrderDone(time_ns=self.now_ns, order=order.order))
        return commands

    def _sweep(self, asset: str, instrument: Instrument, order: LiquidationOrderSent) -> tuple[int, int]:
        """(lots filled, average price in ticks); takes them out of the book."""
        outside, curve, book = self.outside[asset], self.curves[asset], self.books[asset]
        tick, buys = float(instrument.tick_units), order.size_lots > 0
        usd_per_lot = float(instrument.lot_units) * (1.0 if instrument.kind.inverse else outside)
        side = book.asks if buys else book.bids
        wanted, limit_bp = abs(order.size_lots) * usd_per_lot, None
        if order.limit_ticks:
            # What the limit is worth against the price everyone sees, in distance from the outside price.
            limit = order.limit_ticks * tick / outside
            limit_bp = max((limit - 1.0) * 1e4 if buys else (1.0 - limit) * 1e4, 0.0)
            limit_bp = min(limit_bp, curve.max_bp)
            wanted = min(wanted, capacity_usd(curve, side, limit_bp))
        lots = min(int(wanted / usd_per_lot + 1e-9), abs(order.size_lots))
        if lots == 0:
            return 0, 0
        before = side
        taken, fill = consume(curve, side, lots * usd_per_lot, forced=True, limit_bp=limit_bp)
        # What stays behind of the sweep is the feedback: the hole it leaves and the flow makers remember.
        side = Side(
            taken.scale,
            before.used_usd + self.feedback * (taken.used_usd - before.used_usd),
            before.flow_usd + self.feedback * (taken.flow_usd - before.flow_usd),
        )
        lots = min(lots, int(fill.filled_usd / usd_per_lot + 1e-6))
        self.books[asset] = Book(
            book.variance_per_second, book.bids if buys else side, side if buys else book.asks
        )
        distance = fill.average_bp * 1e-4
        average = outside * (1.0 + distance if buys else 1.0 - distance)
        return lots, max(round(average / tick), 1)


def asset_of(instrument: Instrument) -> str:
    """The coin whose price an instrument follows, as the lab names it."""
    return "BTC" if instrument.base == "XBT" else instrument.base
