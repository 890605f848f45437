"""One crash: prices and a venue on one side, the engine on the other, until the path ends.

Each step of the path reports prices; while liquidation orders are out the step is divided into
rounds, so that a fill can move the price that decides the next liquidation. Times ns, outside
prices USD (floats, the world); everything the engine gets is integer. Same rulebook, path, book and
options give the same commands and the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple, Protocol

import msgspec
import numpy as np

from seawall.engine.commands import AnyCommand, ApplyFunding, ReportOrderDone, ReportPrices, Tick
from seawall.engine.decide.funding import funding_rate_ppb
from seawall.engine.engine import Engine
from seawall.engine.events import AnyEvent, LiquidationOrderRecalled, LiquidationOrderSent, Refused
from seawall.errors import BookError
from seawall.instruments.model import InstrumentKind
from seawall.lab.depth import DepthCurve, DepthRules
from seawall.lab.faults import Faults
from seawall.lab.prices import PricePath
from seawall.lab.venue import SimulatedVenue
from seawall.rulebooks.model import FundingRules, Rulebook
from seawall.units import PPB, SECOND_NS

LOAD_AT_ONCE = 10_000  # commands whose events are held while a book is loaded
PERPETUAL = (InstrumentKind.LINEAR_PERPETUAL, InstrumentKind.INVERSE_PERPETUAL)


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


def load_engine(engine: Engine, commands: Iterable[AnyCommand], recorders: tuple[Recorder, ...] = ()) -> None:
    """Carry out the commands that build a book. Raises BookError for the account that is refused."""
    left = iter(commands)
    while part := tuple(islice(left, LOAD_AT_ONCE)):
        for command, events in zip(part, engine.step_many(part), strict=True):
            refused = next((event for event in events if type(event) is Refused), None)
            if refused is not None:
                raise BookError.at(
                    f"account {refused.account}",
                    f"the book cannot be loaded: {refused.command} was refused ({refused.reason})",
                    "Change that account, or the rulebook's limit.",
                )
            for recorder in recorders:
                recorder.record(command, events)


class Crash:
    """A loaded engine at the first prices of a path, ready to be taken along it. The engine is used up.

    `recorders` is a list: whoever wants to see only the path joins it before `run`.
    """

    def __init__(
        self, engine: Engine, path: PricePath, options: CrashOptions, recorders: tuple[Recorder, ...] = ()
    ) -> None:
        self.engine, self.options, self.recorders = engine, options, [*recorders]
        start = int(path.time_ns[0])
        self._venue = SimulatedVenue(
            engine.state.rulebook,
            options.curves,
            options.rules,
            options.faults,
            feedback=options.feedback,
            start_ns=start,
            latency_ns=options.latency_ns,
        )
        self._driver = _Driver(engine, self._venue, self.recorders)
        self._rows = _rows(path)
        self._before_ns, self._before = next(self._rows)
        self._venue.move_to(start, self._before)
        self._driver.report()

    def run(self) -> Engine:
        """Along the whole path. Returns the engine as it stands at the end."""
        engine, venue, driver, recorders = self.engine, self._venue, self._driver, self.recorders
        for time_ns, there in self._rows:
            if venue.busy:
                for now_ns, outside in self._rounds(time_ns, there):
                    venue.move_to(now_ns, outside)
                    driver.answer_orders()
                    driver.report()
            venue.move_to(time_ns, there)
            driver.answer_orders()
            driver.report()
            if self.options.funding:
                driver.fund(self._before_ns, time_ns)
            for recorder in recorders:
                recorder.step_done(engine, venue, time_ns)
            self._before_ns, self._before = time_ns, there
        engine.check()
        return engine

    def _rounds(self, time_ns: int, there: dict[str, float]) -> Iterator[tuple[int, dict[str, float]]]:
        """Moments before the next point of the path, as long as orders are out.

        In between the outside price goes straight from one point to the next.
        """
        before_ns, here, round_ns = self._before_ns, self._before, self.options.round_ns
        now_ns = before_ns
        while self._venue.busy and now_ns + round_ns < time_ns:
            now_ns += round_ns
            share = (now_ns - before_ns) / (time_ns - before_ns)
            yield (
                now_ns,
                {
                    asset: here.get(asset, price) + share * (price - here.get(asset, price))
                    for asset, price in there.items()
                },
            )


def run_crash(
    engine: Engine, path: PricePath, options: CrashOptions, recorders: tuple[Recorder, ...] = ()
) -> Engine:
    """Take a loaded engine along the whole path. Returns it as it stands at the end."""
    return Crash(engine, path, options, recorders).run()


def _rows(path: PricePath) -> Iterator[tuple[int, dict[str, float]]]:
    """Time and fresh outside prices of every point; an asset whose feed has a gap is left out of it."""
    names = path.names
    gaps = set(np.flatnonzero(~path.fresh.all(axis=1)).tolist())
    for row, time_ns in enumerate(path.time_ns.tolist()):
        prices = dict(zip(names, path.price[row].tolist()))
        if row in gaps:
            prices = {name: prices[name] for name, fresh in zip(names, path.fresh[row].tolist()) if fresh}
        yield time_ns, prices


class _Payment(NamedTuple):
    """A perpetual that pays funding: its place, its name and its rules."""

    row: int
    name: str
    rules: FundingRules


class _Driver:
    """Hands commands to the engine and its orders to the venue."""

    def __init__(self, engine: Engine, venue: SimulatedVenue, recorders: list[Recorder]) -> None:
        self.engine, self.venue, self.recorders = engine, venue, recorders
        self.payments = _payments(engine.state.rulebook)

    def give(self, command: AnyCommand) -> None:
        events = self.engine.step(command)
        recalled = []
        for event in events:
            if type(event) is LiquidationOrderSent:
                account = int(self.engine.state.book.pot_account[event.pot])
                self.venue.accept(((event, account),))
            elif type(event) is LiquidationOrderRecalled:
                recalled.append(event.order)
        for recorder in self.recorders:
            recorder.record(command, events)
        for order in recalled:
            if self.venue.recall(order):
                self.give(ReportOrderDone(time_ns=self.venue.now_ns, order=order))

    def report(self) -> None:
        """What the sources say now; if nobody says anything, only time passes."""
        quotes = self.venue.quotes()
        now = self.venue.now_ns
        self.give(ReportPrices(time_ns=now, prices=quotes) if quotes else Tick(time_ns=now))

    def answer_orders(self) -> None:
        for waiting in self.venue.due():
            if waiting.order.order in self.engine.state.orders:
                for command in self.venue.execute(waiting):
                    self.give(command)

    def fund(self, before_ns: int, now_ns: int) -> None:
        """Funding at every payment time passed; the premium is what our mark stands above the index."""
        for row, name, rules in self.payments:
            if before_ns // rules.payment_ns == now_ns // rules.payment_ns:
                continue
            market = self.engine.state.market
            if not market.oi_lots[row]:
                continue
            mark, index = int(market.mark[row]), int(market.index_price[row])
            rate = funding_rate_ppb(
                premium_ppb=(mark - index) * PPB // index if index else 0,
                interest_ppb=rules.interest_ppb,
                clamp_ppb=rules.clamp_ppb,
                cap_ppb=rules.cap_ppb,
            )
            rate_ppb = rate * rules.payment_ns // rules.interval_ns
            self.give(ApplyFunding(time_ns=now_ns, instrument=name, rate_ppb=rate_ppb))


def _payments(rulebook: Rulebook) -> list[_Payment]:
    """Perpetuals that pay funding, in the order of the rulebook."""
    return [
        _Payment(row, instrument.name, rulebook.funding[instrument.name])
        for row, instrument in enumerate(rulebook.instruments)
        if instrument.kind in PERPETUAL and instrument.name in rulebook.funding
    ]
