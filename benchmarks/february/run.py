"""One run: accounts enter, snapshots are reported, expiries settled; a table by day and three stories.

Most accounts enter with the first snapshot, the rest a few with each one after. Money atoms of USDC inside,
USD in the table. Counts are of events, so a margin call that is cured and made again counts twice.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from benchmarks.february.accounts import draw_holder
from benchmarks.february.chains import Snapshot
from benchmarks.february.stories import Story, begin_story
from benchmarks.february.venue import Recorder, Venue, rulebook_for
from seawall.api.keep import JournalKeeper
from seawall.api.memory import MemoryJournal
from seawall.engine import events as ev
from seawall.engine.state import INSURANCE
from seawall.units import INT64_MAX

AT_ONCE = 0.7  # of all accounts enter with the first snapshot
STORIES = 3
DAY_NS = 86_400 * 10**9
THIRTY_DAYS = 30 / 365
COUNTED = {
    ev.MarginCalled: "calls",
    ev.LiquidationStarted: "liquidations",
    ev.LiquidationOrderSent: "orders",
    ev.AuctionOpened: "auctions",
    ev.TakenOver: "takeovers",
    ev.Bankrupt: "bankrupt",
}


class Day(NamedTuple):
    """What stood at the last snapshot of a day, and what happened in it."""

    day: str
    index: dict[str, float]
    vol: dict[str, float]
    accounts: int
    counts: Counter[str]
    bad_debt: int
    fund: int


class Run:
    def __init__(self, snapshots: list[Snapshot], accounts: int, seed: int) -> None:
        self.snapshots, self.accounts, self.seed = snapshots, accounts, seed
        names = {
            quote.name for snapshot in snapshots for expiry in snapshot.expiries for quote in expiry.quotes
        }
        self.rulebook = rulebook_for(sorted(names))
        self.journal = MemoryJournal(self.rulebook)
        self.days: list[Day] = []
        self.stories: list[Story] = []
        self.counts, self.bad_debt = Counter[str](), 0
        self.outcomes, self.entering_s = Counter[str](), 0.0
        self.kinds = Counter[str]()
        self.progress: Callable[[str], None] = lambda told: None
        self.venue: Venue

    def go(self, keeper: JournalKeeper | None = None) -> None:
        recorders: tuple[Recorder, ...] = (self.journal,) if keeper is None else (self.journal, keeper)
        self.venue = Venue(self.rulebook, recorders)
        self.venue.seen = self._see
        entered = 0
        for place, snapshot in enumerate(self.snapshots):
            self.venue.settle(self.snapshots, snapshot.time_ns)
            if not place:
                self.venue.open_dealers()
            self.venue.report(snapshot)
            upto = self._upto(place)
            begin = time.perf_counter()
            for number in range(entered, upto):
                self.venue.enter(draw_holder(self.seed, number, snapshot))
            self.entering_s += time.perf_counter() - begin
            entered = upto
            self.progress(f"{_day(snapshot)}: {place + 1} of {len(self.snapshots)} snapshots, {entered:,} in")
            if keeper is not None:
                keeper.step_done(self.venue.engine, None, self.venue.now_ns)
            if place + 1 == len(self.snapshots) or _day(self.snapshots[place + 1]) != _day(snapshot):
                self._close_day(snapshot, entered)
        self.venue.engine.check()

    def _upto(self, place: int) -> int:
        """How many have entered by a snapshot."""
        if len(self.snapshots) == 1:
            return self.accounts
        share = AT_ONCE + (1 - AT_ONCE) * place / (len(self.snapshots) - 1)
        return round(self.accounts * share)

    def _see(self, event: ev.AnyEvent) -> None:
        name = COUNTED.get(type(event))
        if name is not None:
            self.counts[name] += 1
        if isinstance(event, ev.Bankrupt):
            self.bad_debt += event.deficit_atoms
        elif isinstance(event, ev.LiquidationStarted) and event.pot in self.venue.holders:
            holder = self.venue.holders[event.pot]
            self.kinds[holder.kind] += 1
            told = {story.holder.kind for story in self.stories}
            if len(self.stories) < STORIES and holder.kind not in told and len(holder.legs) > len(told):
                self.stories.append(begin_story(self.venue.engine.state, event, holder))
        elif isinstance(event, ev.LiquidationEnded):
            self.outcomes[event.outcome] += 1

    def _close_day(self, snapshot: Snapshot, entered: int) -> None:
        state = self.venue.engine.state
        self.days.append(
            Day(
                day=_day(snapshot),
                index=snapshot.index,
                vol={asset: _vol(snapshot, asset) for asset in snapshot.index},
                accounts=entered,
                counts=self.counts,
                bad_debt=self.bad_debt,
                fund=state.book.balances.item(INSURANCE, state.numeraire),
            )
        )
        self.counts, self.bad_debt = Counter(), 0

    # -- what is told -------------------------------------------------------------------------------------

    def digests(self) -> tuple[bytes, bytes]:
        """Of the journal, and of the state at the end."""
        return self.journal.digest(), self.venue.engine.state.digest()

    def table(self) -> list[str]:
        assets = sorted(self.days[0].index)
        heads = ["day       ", *(f"{a:>9} {'vol':>5}" for a in assets), f"{'accounts':>8}"]
        names = list(COUNTED.values())
        lines = ["  ".join([*heads, *(f"{name:>12}" for name in names), f"{'bad debt':>12} {'fund':>14}"])]
        for day in self.days:
            cells = [day.day, *(f"{day.index[a]:9,.0f} {day.vol[a]:5.1%}" for a in assets)]
            cells += [f"{day.accounts:8,}", *(f"{day.counts[name]:12,}" for name in names)]
            lines.append("  ".join([*cells, f"{day.bad_debt / 1e6:12,.0f} {day.fund / 1e6:14,.0f}"]))
        return lines

    def summary(self) -> list[str]:
        state, records = self.venue.engine.state, self.journal.records
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in self.kinds.most_common())
        ends = ", ".join(f"{outcome} {count:,}" for outcome, count in self.outcomes.most_common())
        halted = f"; the venue is halted: {state.halted}" if state.halted else ""
        return [
            f"{len(self.snapshots)} snapshots, {len(self.rulebook.instruments):,} instruments, "
            f"{records:,} records, {self.venue.refused} refusals{halted}",
            f"liquidated: {kinds or 'nobody'}",
            f"ended: {ends or 'none'}",
            "every column added up again: no atom too many",
        ]


def _day(snapshot: Snapshot) -> str:
    assert 0 <= snapshot.time_ns <= INT64_MAX
    return f"{datetime.fromtimestamp(snapshot.time_ns // 10**9, tz=UTC):%Y-%m-%d}"


def _vol(snapshot: Snapshot, asset: str) -> float:
    """At the money, of the expiry nearest to thirty days."""
    expiries = snapshot.of(asset)
    return min(expiries, key=lambda each: abs(each.years(snapshot.time_ns) - THIRTY_DAYS)).at_the_money()
