"""Who on the ladder only waits: pots that `continue_liquidation` would look at and leave as they are.

Most pots in liquidation have an order out or a cooldown to sit through, and every price asks after all of
them. One compiled pass, exact and in integers, tells who is left alone for certain; whoever is not is walked
down the ladder as ever. An answer holds until the next event: then the next few are asked again. Times ns.
"""

from __future__ import annotations

import numpy as np

from seawall.engine.state import FLAG_LIQUIDATING, WORTH, State
from seawall.engine.writer import Writer
from seawall.kernels.waiting import ASKED_WIDTH, wait
from seawall.ledger.columns import NONE
from seawall.market.policy import Action

AHEAD = 8  # pots asked at once after an event


class Waiting:
    """Pots of one sweep. `idle` are those who wait, as of the journal's record `seq`."""

    def __init__(self, writer: Writer, pots: list[int]) -> None:
        self.writer, self.seq = writer, writer.state.seq
        self.asked = set(pots)
        self.idle = idle(writer.state, pots, writer.time_ns) if pots else set[int]()

    def still(self, listed: list[int], place: int) -> bool:
        """Does listed[place] wait now? Asks some of those after it too, if anything happened since."""
        state, pot = self.writer.state, listed[place]
        if state.seq != self.seq or pot not in self.asked:
            ahead = listed[place : place + AHEAD]
            self.seq, self.asked = state.seq, set(ahead)
            self.idle = idle(state, ahead, self.writer.time_ns)
        return pot in self.idle


def idle(state: State, pots: list[int], now_ns: int) -> set[int]:
    """Pots in liquidation for which nothing is due."""
    asked, flags = list[int](), state.flags.item
    for pot in pots:
        if flags(pot) & FLAG_LIQUIDATING:
            asked += _question(state, pot, now_ns)
    if not asked:
        return set()
    table = np.array(asked, np.int64).reshape(-1, ASKED_WIDTH)
    found, book = np.empty(len(table), np.bool_), state.book
    tables = (*book.view(), state.market.table, state.margin.view.table, book.scratch, book.line)
    wait(*tables, state.margin.levels[WORTH], table, _barred(state), found)
    return {pot for pot, waits in zip(asked[::ASKED_WIDTH], found.tolist(), strict=True) if waits}


def _question(state: State, pot: int, now_ns: int) -> tuple[int, ...]:
    """What would have to hold for the pot to wait, as a row for the kernel; () if it does not wait anyway.

    Mirrors `ladder.continue_liquidation`: an order out or a cooldown running, no level met that ends it.
    """
    rules, status, levels = state.rulebook.liquidation, state.ladders[pot], state.margin.levels
    if status.step >= len(rules.steps):
        return ()
    step, level = rules.steps[status.step], levels[status.exit_level or rules.exit]
    leave = levels[step.leave_below] if step.leave_below else NONE
    if not status.order:
        return (pot, level, leave, NONE, 0) if now_ns < status.cooldown_ns else ()
    if step.cooldown_ns and now_ns >= status.cooldown_ns:
        return ()
    order = state.orders[status.order]
    return (pot, level, leave, order.instrument, abs(order.size_lots)) if order.size_lots else ()


def _barred(state: State) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Instruments on whose price, or behind whose gate, nobody is liquidated."""
    rows = zip(state.policies, state.prices, strict=True)
    barred = [not policy.allows(Action.LIQUIDATE, price.conditions) for policy, price in rows]
    for action, row in state.gates:
        if action == "liquidate":
            barred = [held or row in (NONE, place) for place, held in enumerate(barred)]
    return np.array(barred, np.bool_)
