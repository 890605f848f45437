"""One crash: prices and a venue on one side, the engine on the other, until the path ends.

Each step of the path reports prices; while liquidation orders are out the step is divided into
rounds, so that a fill can move the price that decides the next liquidation. Times ns, outside
prices USD (floats, the world); everything the engine gets is integer. Same rulebook, path, book and
options give the same commands and the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from seawall.engine.commands import AnyCommand, ApplyFunding, ReportOrderDone, ReportPrices, Tick
from seawall.engine.decide.funding import funding_rate_ppb
from seawall.engine.engine import Engine
from seawall.engine.events import AnyEvent, LiquidationOrderRecalled, LiquidationOrderSent, Refused
from seawall.errors import BookError
from seawall.instruments.model import InstrumentKind
from seawall.lab.depth import DepthCurve, DepthRules
from seawall.lab.faults import Faults
from seawall.lab.prices import PricePath
from seawall.lab.venue import SimulatedVenue, Waiting
from seawall.rulebooks.model import Rulebook
from seawall.units import SECOND_NS


class CrashOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a run that is not the rulebook, the path or the book."""

    curves: dict[str, DepthCurve]
    rules: DepthRules
    feedback: float = 1.0
    faults: Faults = Faults()
    latency_ns: int = 2 * SECOND_NS
    round_ns: int = 10 * SECOND_NS  # length of a round while orders are out
    funding: bool = True


class Recorder(Protocol):
    """Whoever wants to see the run: a journal, tables, a progress bar."""

    def record(self, command: AnyCommand, events: tuple[AnyEvent, ...]) -> None: ...

    def step_done(self, engine: Engine, venue: SimulatedVenue, time_ns: int) -> None: ...


def run_crash(
    rulebook: Rulebook,
    path: PricePath,
    load: tuple[AnyCommand, ...],
    options: CrashOptions,
    recorders: tuple[Recorder, ...] = (),
    on_loaded: Callable[[Engine], None] | None = None,
) -> Engine:
    """Load the book, then take it along the whole path. Returns the engine as it stands at the end."""
    engine = Engine(rulebook)
    start = int(path.time_ns[0])
    venue = SimulatedVenue(
        rulebook,
        options.curves,
        options.rules,
        options.faults,
        feedback=options.feedback,
        start_ns=start,
        latency_ns=options.latency_ns,
    )
    driver = _Driver(engine, venue, recorders)
    driver.load(load)
    venue.move_to(start, _prices_at(path, 0))
    driver.report()
    if on_loaded is not None:
        on_loaded(engine)
    for row in range(1, len(path.time_ns)):
        for time_ns, outside in _rounds(path, row, options.round_ns, driver):
            venue.move_to(time_ns, outside)
            driver.answer_orders()
            driver.report()
        if options.funding:
            driver.fund(int(path.time_ns[row - 1]), int(path.time_ns[row]))
        for recorder in recorders:
            recorder.step_done(engine, venue, int(path.time_ns[row]))
    engine.check()
    return engine


def _rounds(
    path: PricePath, row: int, round_ns: int, driver: _Driver
) -> Iterator[tuple[int, dict[str, float]]]:
    """Moments between two points of the path: rounds while orders are out, always the point itself.

    In between the outside price goes straight from one point to the next.
    """
    before, after = int(path.time_ns[row - 1]), int(path.time_ns[row])
    here, there = _prices_at(path, row - 1), _prices_at(path, row)
    now = before
    while driver.venue.waiting and now + round_ns < after:
        now += round_ns
        share = (now - before) / (after - before)
        yield (
            now,
            {
                asset: here.get(asset, price) + share * (price - here.get(asset, price))
                for asset, price in there.items()
            },
        )
    yield after, there


def _prices_at(path: PricePath, row: int) -> dict[str, float]:
    """Fresh outside prices of one moment; an asset whose feed has a gap is left out (nothing is invented)."""
    return {
        name: float(path.price[row, column])
        for column, name in enumerate(path.names)
        if path.fresh[row, column]
    }


class _Driver:
    """Hands commands to the engine and its orders to the venue."""

    def __init__(self, engine: Engine, venue: SimulatedVenue, recorders: tuple[Recorder, ...]) -> None:
        self.engine, self.venue, self.recorders = engine, venue, recorders

    def load(self, commands: tuple[AnyCommand, ...]) -> None:
        for command, events in zip(commands, self.engine.step_many(commands), strict=True):
            refused = next((event for event in events if type(event) is Refused), None)
            if refused is not None:
                raise BookError.at(
                    f"account {refused.account}",
                    f"the book cannot be loaded: {refused.command} was refused ({refused.reason})",
                    "Change that account, or the rulebook's limit.",
                )
            for recorder in self.recorders:
                recorder.record(command, events)

    def give(self, command: AnyCommand) -> None:
        events = self.engine.step(command)
        pots = self.engine.state.book.pot_account
        self.venue.accept(
            (event, int(pots[event.pot])) for event in events if type(event) is LiquidationOrderSent
        )
        for recorder in self.recorders:
            recorder.record(command, events)
        for event in events:
            if type(event) is LiquidationOrderRecalled and self.venue.recall(event.order):
                self.give(ReportOrderDone(time_ns=self.venue.now_ns, order=event.order))

    def report(self) -> None:
        """What the sources say now; if nobody says anything, only time passes."""
        quotes = self.venue.quotes()
        now = self.venue.now_ns
        self.give(ReportPrices(time_ns=now, prices=quotes) if quotes else Tick(time_ns=now))

    def answer_orders(self) -> None:
        due: list[Waiting] = self.venue.due()
        for waiting in due:
            if waiting.order.order in self.engine.state.orders:
                for command in self.venue.execute(waiting):
                    self.give(command)

    def fund(self, before_ns: int, now_ns: int) -> None:
        """Funding at every payment time passed; the premium is what our mark stands above the index."""
        state = self.engine.state
        for instrument in self.engine.state.instruments:
            rules = state.rulebook.funding.get(instrument.name)
            row = state.instrument_row[instrument.name]
            perpetual = instrument.kind in (InstrumentKind.LINEAR_PERPETUAL, InstrumentKind.INVERSE_PERPETUAL)
            if (
                rules is None
                or not perpetual
                or not state.market.oi_lots[row]
                or before_ns // rules.payment_ns == now_ns // rules.payment_ns
            ):
                continue
            mark, index = int(state.market.mark[row]), int(state.market.index_price[row])
            premium = (mark - index) * 1_000_000_000 // index if index else 0
            rate = funding_rate_ppb(
                premium_ppb=premium,
                interest_ppb=rules.interest_ppb,
                clamp_ppb=rules.clamp_ppb,
                cap_ppb=rules.cap_ppb,
            )
            self.give(
                ApplyFunding(
                    time_ns=now_ns,
                    instrument=instrument.name,
                    rate_ppb=rate * rules.payment_ns // rules.interval_ns,
                )
            )
