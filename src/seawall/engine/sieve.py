"""The sieve: which pots a sweep has to look at, at a cost that follows what happens, not how many there are.

A calm pot is filed at the prices up to which it stays calm (kernels.sift). A sweep asks who was met since
the last one, who was touched by an event, and who is on record; everyone else would be found to need nothing.
Floats find: a pot may be judged for nothing but never missed. All of it is a cache: no event and no digest
depends on it. Prices ticks, times ns. After a gap (more pots met than FEW) they are judged on all threads,
and the calm are filed when what is urgent has been done (`catch_up`).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.engine import events as ev
from seawall.engine.state import FLAG_CALLED, FLAG_LIQUIDATING, FLAG_UNKNOWN, HOUSE_ACCOUNTS, State
from seawall.engine.waiting import Waiting
from seawall.kernels import exposure, layout, sift, triggers
from seawall.margin.rules import Level, MarginRules

Ints = NDArray[np.int64]
FEW = 1024  # pots met by one sweep that are judged on this thread, one after the other
LISTED = 4096  # bounds of so many lines are kept as a list, which is quicker to ask
RING_BITS = 14  # at most: a bucket is then 0.4 to 0.9 basis points wide
MOST_HEADS = 1 << 26


class Sieve:
    """Follows one engine's state. Call `note` after each event, `endangered` before each sweep."""

    # Laid out by _build; see kernels.triggers and kernels.sift.
    plan: Ints
    levels: Ints
    columns: list[tuple[int, int]]  # of the price table that anything is filed by, and where its lines start
    usable: list[int]
    walked: NDArray[np.float64]
    near: NDArray[np.float64]
    bounds: Any  # the same as near, as a list where that is quicker to ask
    heads: NDArray[np.int32]
    counters: Ints
    posts: NDArray[np.void]
    first: NDArray[np.int32]
    seen: NDArray[np.uint8]
    met: Ints
    verdicts: Ints
    rooms: Ints
    waiting: Waiting

    def __init__(self) -> None:
        self.touched: dict[int, None] = {}  # pots to be judged at the next sweep
        self.loose: Ints = _NOBODY  # more of them: calm but not filed, or reached by a payment to all
        self.busy: dict[int, None] = {}  # liquidated, unknown or overdue: looked at in every sweep
        self.called: dict[int, None] = {}
        self.due: list[tuple[int, int]] = []  # (deadline, pot) of margin calls that end in liquidation
        self.moved: dict[int, None] = {}  # instruments whose price or usability changed
        self.stale: dict[int, None] = {}  # those that moved since they were walked to, and met nobody
        self.ready = False  # False: trust nobody; the next sweep looks at everyone and files them anew
        self.file_all = True  # whatever is calm next time is filed at once, however many they are
        self.unfiled = False  # a gap left calm pots among the loose

    # -- what happened ------------------------------------------------------------------------------------

    def note(self, event: ev.Event) -> None:
        """Remember what an event may have changed. Call after the event has been applied."""
        if self.ready:
            reader = _READERS.get(type(event))
            if reader is not None:
                reader(self, event)

    # -- who is to be looked at -----------------------------------------------------------------------------

    def endangered(self, state: State, rows: list[int]) -> Ints:
        """Pots to be looked at after prices of the instruments `rows` changed, in rising order."""
        if state.demands is not None:
            state.demands.refresh(state)
        if not self.ready:
            self._build(state)
        elif not (self.touched or self.busy or self.due or self.loose.size) and self._quiet(state):
            return _NOBODY
        changed = self._changed(state)
        found = _NOBODY
        if self.touched or self.moved or self.loose.size or changed:
            found = self._sift(state, rows, changed)
        while self.due and self.due[0][0] <= state.time_ns:
            self._overdue(state, heapq.heappop(self.due)[1])
        if not self.busy:
            return np.sort(found)
        return np.unique(np.concatenate([found, np.array(list(self.busy), np.int64)]))

    def _overdue(self, state: State, pot: int) -> None:
        """Its call ran out, if it is still the same call."""
        if pot in self.called and state.ladders[pot].deadline_ns <= state.time_ns:
            self.busy[pot] = None

    def _quiet(self, state: State) -> bool:
        """Do all prices that moved still lie between the nearest triggers? What nearly every tick asks."""
        item, bounds, usable = state.market.table.item, self.bounds, self.usable
        for row in self.moved:
            if item(row, layout.MKT_USABLE) != usable[row]:
                return False
            for column, base in self.columns:
                line = base + 2 * row
                if not bounds[line] < item(row, column) < bounds[line + 1]:
                    return False
        self.stale.update(self.moved)
        self.moved.clear()
        return True

    def _changed(self, state: State) -> list[int]:
        """Instruments whose usability changed; a price that comes or goes is no move but such a change.

        The instruments that were quiet in the meantime have been walked to without meeting anyone.
        """
        market, walked, count = state.market.table, self.walked, len(self.usable)
        for row in self.stale:
            if row not in self.moved:
                for column, _base in self.columns:
                    walked[column * count + row] = market[row, column]
        self.stale.clear()
        changed = []
        for row in self.moved:
            known = self.usable[row] == market.item(row, layout.MKT_USABLE)
            for column, _base in self.columns:
                known = known and (walked.item(column * count + row) > 0) == (market.item(row, column) > 0)
            if not known:
                changed.append(row)
        return changed

    def catch_up(self, state: State) -> None:
        """File those whom a gap left unfiled. For when there is time: after what is urgent has been done."""
        if self.ready and self.unfiled:  # no demand has changed since the sweep asked
            self.file_all = True
            self._sift(state, [], self._changed(state))

    def _sift(self, state: State, rows: list[int], changed: list[int]) -> Ints:
        """Judge whoever was met, touched or is loose; the pots that need something and depend on `rows`."""
        self._fit(state)
        asked = self._asked(state, changed)
        moved = np.array(list(self.moved), np.int64)
        self.touched.clear()
        self.moved.clear()
        self.met[: asked.size] = asked
        count = sift.sift(
            *self._tables(state), self.plan, self.levels, state.flags, self.walked, moved, self.first,
            self.posts, self.heads, self.near, self.counters, self.seen, self.met, asked.size,
            self.verdicts, self.rooms,
        )  # fmt: skip
        if count <= self.verdicts.size:
            met, verdicts = self.met[:count], self.verdicts[:count]
            self.unfiled = False
        else:
            met, verdicts = self._many(state, count, moved)
        if len(self.near) <= LISTED:
            self.bounds = self.near.tolist()
        endangered = verdicts == sift.ENDANGERED
        self.loose = met[endangered | (verdicts == sift.LOOSE)]  # to be judged again next time
        self.busy.update(dict.fromkeys(met[verdicts == sift.ON_RECORD].tolist()))
        return self._concerned(state, met[endangered], rows)

    def _asked(self, state: State, changed: list[int]) -> Ints:
        """Who is to be judged whatever the prices: touched, loose, or depending on a changed usability."""
        asked = np.array(list(self.touched), np.int64)
        if self.loose.size:
            asked = _each_once(np.concatenate([asked, self.loose]), self.seen)
        if changed:
            market = state.market.table
            marks = np.zeros(len(market), np.bool_)
            marks[changed] = True
            self.seen[asked] = 1
            sift.depend_on(market, marks, self.posts, int(self.counters[triggers.USED]), self.seen)
            asked = np.flatnonzero(self.seen)
            self.seen[asked] = 0
            for row in changed:
                self.usable[row] = int(market[row, layout.MKT_USABLE])
        return asked[asked >= HOUSE_ACCOUNTS]

    def _many(self, state: State, count: int, moved: Ints) -> tuple[Ints, Ints]:
        """A gap: judge on all threads, and leave the filing for later unless it is due. (pots, verdicts)"""
        met, tables = self.met[:count].copy(), self._tables(state)
        if (met[1:] < met[:-1]).any():
            met.sort()
        verdicts, rooms = np.zeros(count, np.int64), np.zeros(count, np.int64)
        sift.judge_all(*tables, self.plan, self.levels, state.flags, met, verdicts, rooms)
        self.unfiled = not self.file_all and self._fileable(state, met[verdicts == sift.CALM])
        if self.file_all:
            sift.settle(
                *tables[:6], self.plan, self.levels, state.flags, met, count, verdicts, rooms,
                self.first, self.posts, self.heads, self.near, self.counters, self.seen,
            )  # fmt: skip
        else:
            verdicts[verdicts == sift.CALM] = sift.LOOSE
            self.seen[met] = 0
        self.file_all = False
        sift.arrive(state.market.table, self.plan, self.walked, moved, self.posts, self.heads, self.near)
        return met, verdicts

    def _fileable(self, state: State, calm: Ints) -> bool:
        """Is there one among them that could be filed? Not while a portfolio rule asks (see sift.reach)."""
        if state.demands is None or not set(swept_levels(state)) & set(state.demands.levels):
            return bool(calm.size)
        book = state.book
        return bool(((book.pot_head[calm] < 0) | (book.pot_instrument[calm] >= 0)).any())

    def _concerned(self, state: State, pots: Ints, rows: list[int]) -> Ints:
        """Those of the pots that a sweep after prices of the instruments `rows` looks at."""
        if not pots.size:
            return _NOBODY
        hit, priced = dependent(state, rows)
        book, found = state.book, np.zeros(pots.size, np.bool_)
        tables = (book.pot_table, book.position_table, book.balances, state.margin.view.table)
        sift.depends(*tables, state.flags, hit, priced, pots, found)
        return pots[found]

    # -- who on the ladder only waits -----------------------------------------------------------------------

    def idle(self, state: State, asked: Sequence[int] | Ints) -> list[int]:
        """Those of the pots that are in liquidation and for which nothing is due."""
        if state.demands is not None:
            state.demands.refresh(state)
        return self.waiting.idle(state, self.levels, asked) if self.ready else []

    # -- tables ---------------------------------------------------------------------------------------------

    def _build(self, state: State) -> None:
        """Start from nothing: plan, empty ladders, everybody to be judged."""
        book, count = state.book, len(state.instruments)
        self.levels, self.plan = _plan(state)
        self.orders_matter = bool(self.plan[sift.PLAN_ORDERS] or self.plan[sift.PLAN_FLAT])
        used = _columns(state, int(self.plan[sift.PLAN_USES]), bool(self.plan[sift.PLAN_STRICT]))
        self.columns = [(column, 2 * column * count) for column in used]
        self.walked = state.market.table[:, :3].T.astype(np.float64).reshape(-1)
        self.near = np.tile(np.array([np.inf, -np.inf]), 3 * count)  # nothing is quiet before it is walked to
        self.bounds = self.near
        self.heads = np.zeros(6 * count * int(self.plan[sift.PLAN_RING]), np.int32)
        self.usable = state.market.usable.tolist()
        self.counters = np.array([triggers.NONE, 0], np.int64)
        self.posts = np.empty(0, triggers.POST)
        self.first, self.seen = np.zeros(0, np.int32), np.zeros(0, np.uint8)
        self.met = np.zeros(0, np.int64)
        self.verdicts, self.rooms = np.zeros(FEW, np.int64), np.zeros(FEW, np.int64)
        self.touched, self.stale, self.moved = {}, {}, dict.fromkeys(range(count))
        self.loose, self.file_all = np.arange(HOUSE_ACCOUNTS, book.n_pots, dtype=np.int64), True
        flags = state.flags[: book.n_pots]
        self.called = dict.fromkeys(np.flatnonzero(flags & FLAG_CALLED).tolist())
        self.busy = dict.fromkeys(np.flatnonzero(flags & (FLAG_UNKNOWN | FLAG_LIQUIDATING)).tolist())
        call = state.rulebook.liquidation.margin_call
        self.waiting = Waiting(np.flatnonzero(flags & FLAG_LIQUIDATING).tolist())
        self.deadlines = call is not None and call.on_deadline == "liquidate"
        deadlines = ((state.ladders[pot].deadline_ns, pot) for pot in self.called)
        self.due = sorted(deadlines) if self.deadlines else []
        self.ready = True

    def _tables(self, state: State) -> tuple[Any, Any, Any, Any, Any, Any, Any, Any]:
        book = state.book
        return (*book.view(), state.market.table, state.margin.view.table, book.scratch, book.line)

    def _fit(self, state: State) -> None:
        """Room for every trigger that the book can have; memory is touched only where one is filed."""
        book = state.book
        size = len(book.pot_unit)
        if size > len(self.first):
            first, seen = np.full(size, triggers.NONE, np.int32), np.zeros(size, np.uint8)
            first[: len(self.first)] = self.first
            self.first, self.seen, self.met = first, seen, np.empty(size, np.int64)
        most = 6 * len(book.pos_lots) + 4 * size * (book.assets - 1) + 64
        if most > len(self.posts):
            posts, used = np.empty(most, triggers.POST), int(self.counters[triggers.USED])
            posts[:used] = self.posts[:used]
            self.posts = posts


_NOBODY = np.zeros(0, np.int64)


def _each_once(pots: Ints, marks: NDArray[np.uint8]) -> Ints:
    """The pots in rising order. Many are marked and read off, which is far quicker than to sort them."""
    if pots.size <= FEW:
        return np.unique(pots)
    marks[pots] = 1
    found = np.flatnonzero(marks)
    marks[found] = 0
    return found


def dependent(state: State, rows: list[int]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Instruments whose value in a pot's unit these prices change, and the assets they price.

    Every asset counts as priced where all instruments are asked for: then a debt of the numeraire is found.
    """
    hit = np.zeros(len(state.instruments), np.bool_)
    hit[rows] = True
    spot = state.margin.view.listing[:, layout.INS_UNDERLYING]
    hit |= (spot >= 0) & hit[spot]  # an option's requirement moves with its underlying
    via = state.margin.view.collateral[:, layout.AST_INSTRUMENT]
    everything = len(rows) == len(state.instruments)
    priced = np.ones(len(via), np.bool_) if everything else (via >= 0) & hit[via]
    return hit | priced[state.settle_row], priced


def _columns(state: State, uses: int, strict: bool) -> list[int]:
    """Columns of the price table that anything is filed by."""
    priced = bool((state.margin.view.collateral[:, layout.AST_INSTRUMENT] >= 0).any())
    used = [bool(uses >> column & 1) for column in range(3)]
    used[layout.MKT_INDEX] |= priced
    used[layout.MKT_STABLE] |= priced and strict
    return [column for column in range(3) if used[column]]


def swept_levels(state: State) -> list[str]:
    """The levels a sweep asks for, the margin call's first."""
    rules = state.rulebook.liquidation
    call = rules.margin_call
    if call is None:
        return [rules.trigger]
    return list(dict.fromkeys((call.level, call.cure_level, rules.trigger)))


def _plan(state: State) -> tuple[Ints, Ints]:
    """(rows of the swept levels, their plan)."""
    liquidation, names = state.rulebook.liquidation, swept_levels(state)
    call = liquidation.margin_call
    plan = make_plan(
        state.rulebook.margin,
        names,
        nested=state.levels_nested,
        cure="" if call is None else call.cure_level,
        trigger=liquidation.trigger,
        instruments=len(state.instruments),
    )
    return np.array([state.margin.levels[name] for name in names], np.int64), plan


def make_plan(
    rules: MarginRules, names: list[str], *, nested: bool, cure: str, trigger: str, instruments: int
) -> Ints:
    """The row kernels.sift.PLAN for these levels; `cure` is "" where nobody is called."""
    levels = [rules.level(name) for name in names]
    bits = RING_BITS
    while 6 * instruments << bits > MOST_HEADS and bits > 2:
        bits -= 1
    plan = np.zeros(sift.PLAN_WIDTH, np.int64)
    plan[sift.PLAN_NESTED] = nested
    plan[sift.PLAN_CURE] = names.index(cure) if cure else -1
    plan[sift.PLAN_TRIGGER] = names.index(trigger)
    uses = {"mark": exposure.USES_MARK, "index": exposure.USES_INDEX}
    uses["strict"] = exposure.USES_MARK | exposure.USES_STABLE
    for level in levels:
        plan[sift.PLAN_USES] |= uses[level.price]
    plan[sift.PLAN_STRICT] = any(level.price == "strict" for level in levels)
    plan[sift.PLAN_ORDERS] = any(level.orders for level in levels)
    plan[sift.PLAN_GAIN] = _least_gain(rules, levels)
    plan[sift.PLAN_WEIGHT] = _most_weight(rules)
    plan[sift.PLAN_SHIFT], plan[sift.PLAN_RING] = 52 - bits, 1 << bits
    plan[sift.PLAN_FLAT] = any(level.flat_atoms or level.order_atoms for level in levels)
    return plan


def _least_gain(rules: MarginRules, levels: list[Level]) -> int:
    """ppb of a gain in a pot's unit that raises its equity at every level; 0 where a cap or rule stops it."""
    least = 10**9
    for level in levels:
        for weight in rules.weights[level.weights].values():
            capped = weight.cap_atoms or weight.cap_value_atoms or weight.sqrt_ppb or not weight.tiers
            counts = 0 if capped or level.profit == "losses_only" else min(t.weight_ppb for t in weight.tiers)
            least = min(least, counts)
    return least


def _most_weight(rules: MarginRules) -> int:
    """ppb that an amount, owned or owed, counts for at most."""
    weights = [weight for table in rules.weights.values() for weight in table.values()]
    rates = [tier.weight_ppb for weight in weights for tier in weight.tiers]
    return max([10**9, *rates, *(weight.liability_ppb for weight in weights)])


def _transferred(sieve: Sieve, event: ev.Transferred) -> None:
    for entry in event.entries:
        sieve.touched[entry.pot] = None


def _traded(sieve: Sieve, event: ev.Traded) -> None:
    for leg in event.legs:
        sieve.touched[leg.pot] = None


def _marked(sieve: Sieve, event: ev.MarkSet) -> None:
    sieve.moved[event.instrument] = None
    sieve.waiting.marked(event.instrument, event.conditions)


def _gated(sieve: Sieve, event: ev.GateClosed | ev.GateOpened) -> None:
    sieve.waiting.barred = None


def _of_pot(sieve: Sieve, event: ev.OrderPlaced | ev.LeverageSet | ev.PotOpened | ev.AccountOpened) -> None:
    sieve.touched[event.pot] = None


def _called(sieve: Sieve, event: ev.MarginCalled) -> None:
    sieve.touched[event.pot] = sieve.called[event.pot] = None
    if sieve.deadlines:
        heapq.heappush(sieve.due, (event.deadline_ns, event.pot))


def _recorded(sieve: Sieve, event: ev.LiquidationStarted | ev.AccountUnknown) -> None:
    sieve.busy[event.pot] = None
    if type(event) is ev.LiquidationStarted:
        sieve.waiting.changed[event.pot] = None


def _stepped(
    sieve: Sieve,
    event: ev.AuctionOpened | ev.StepEntered | ev.LiquidationOrderSent | ev.LiquidationOrderDone,
) -> None:
    sieve.waiting.changed[event.pot] = None


def _released(sieve: Sieve, event: ev.LiquidationEnded | ev.MarginCallCured) -> None:
    """To be judged again; if it is still on record for something else, that brings it back."""
    sieve.busy.pop(event.pot, None)
    if type(event) is ev.LiquidationEnded:
        sieve.waiting.changed[event.pot] = None
    sieve.called.pop(event.pot, None)
    sieve.touched[event.pot] = None


def _known(sieve: Sieve, event: ev.AccountKnown) -> None:
    """To be judged again. A call may have run out meanwhile: judging asks for levels, not for deadlines."""
    sieve.busy.pop(event.pot, None)
    sieve.touched[event.pot] = None
    if sieve.deadlines and event.pot in sieve.called:
        heapq.heappush(sieve.due, (event.time_ns, event.pot))


def _spread(sieve: Sieve, event: ev.FundingPaid | ev.InterestPaid | ev.LossSocialised) -> None:
    sieve.loose, sieve.file_all = np.concatenate([sieve.loose, np.frombuffer(event.pots, "<i8")]), True


def _reduced(sieve: Sieve, event: ev.OrderReduced) -> None:
    """Less is required: who was calm stays calm, but a called pot may be cured."""
    sieve.waiting.reduced[event.order] = None
    if sieve.orders_matter:
        sieve.touched.update(sieve.called)


def _trust_nobody(sieve: Sieve, event: ev.Event) -> None:
    sieve.ready = False


_READERS: dict[type, Callable[[Sieve, Any], None]] = {
    ev.Transferred: _transferred,
    ev.Traded: _traded,
    ev.MarkSet: _marked,
    ev.FundingPaid: _spread,
    ev.InterestPaid: _spread,
    ev.LossSocialised: _spread,
    ev.OrderPlaced: _of_pot,
    ev.OrderReduced: _reduced,
    ev.LeverageSet: _of_pot,
    ev.PotOpened: _of_pot,
    ev.AccountOpened: _of_pot,
    ev.MarginCalled: _called,
    ev.MarginCallCured: _released,
    ev.LiquidationStarted: _recorded,
    ev.AuctionOpened: _stepped,
    ev.StepEntered: _stepped,
    ev.LiquidationOrderSent: _stepped,
    ev.LiquidationOrderDone: _stepped,
    ev.LiquidationEnded: _released,
    ev.AccountUnknown: _recorded,
    ev.AccountKnown: _known,
    ev.GateClosed: _gated,
    ev.GateOpened: _gated,
    ev.RulebookChanged: _trust_nobody,
    ev.InstrumentSettled: _trust_nobody,
}
