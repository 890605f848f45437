"""Who on the ladder only waits: pots that a sweep would look at and leave as they are.

Most pots in liquidation have an order out or a cooldown to sit through, and every price asks after all of
them. A row for each says what it waits for (kernels.waiting); one compiled pass, exact and in integers, tells
who is left alone for certain. Whoever is not is walked down the ladder as ever. All of it is a cache, kept by
the sieve: no event depends on it. Times ns, sizes lots.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.engine.state import FLAG_LIQUIDATING, WORTH, State
from seawall.kernels import waiting as kernel
from seawall.kernels.margin import LINE_WIDTH, fill_lines
from seawall.ledger.columns import NONE
from seawall.liquidation.rules import Step, goods_of
from seawall.market.policy import Action
from seawall.units import INT64_MAX

Ints = NDArray[np.int64]
NEVER = -1
MANY = 4  # pots from which on it pays to look up the levels first


class Waiting:
    """Follows the ladders of one state, from the pots that stand on them."""

    def __init__(self, pots: list[int]) -> None:
        self.changed = dict.fromkeys(pots)  # pots whose row is to be written anew
        self.reduced: dict[int, None] = {}  # orders of which something filled
        self.row_of: dict[int, int] = {}
        self.pots: list[int] = []  # by row
        self.conditions: list[int] = []  # of the prices that `barred` was found with
        self.barred: NDArray[np.bool_] | None = None
        self.rows: Ints = np.zeros((16, kernel.WIDTH), np.int64)
        self.found: NDArray[np.bool_] = np.zeros(16, np.bool_)
        self.lines: Ints | None = None  # kernels.margin.fill_lines of all levels: for many pots

    def marked(self, row: int, conditions: int) -> None:
        """An instrument has a new price; only what is wrong with it matters here."""
        if self.conditions and self.conditions[row] != conditions:
            self.barred = None

    def _bar(self, state: State) -> NDArray[np.bool_]:
        self.conditions = [price.conditions for price in state.prices]
        self.barred = _barred(state)
        return self.barred

    def _fit(self, size: int) -> None:
        rows, held = np.zeros((size, kernel.WIDTH), np.int64), len(self.pots)
        rows[:held] = self.rows[:held]
        self.rows, self.found = rows, np.zeros(size, np.bool_)

    def idle(self, state: State, levels: Ints, asked: Sequence[int] | Ints) -> list[int]:
        """Those of the pots for which nothing is due now."""
        if self.changed or self.reduced:
            self._refresh(state)
        row_of = self.row_of
        if isinstance(asked, np.ndarray):
            asked = np.array(self.pots, np.int64)[np.isin(self.pots, asked)].tolist()
        pots = [pot for pot in asked if pot in row_of]
        if not pots:
            return []
        book, barred = state.book, self._bar(state) if self.barred is None else self.barred
        lines = self._lines(state) if len(pots) >= MANY else book.line.reshape(1, 1, -1)
        kernel.wait(
            *book.view(), state.market.table, state.margin.view.table, book.scratch, lines, levels,
            state.levels_nested, state.margin.levels[WORTH], state.flags, state.time_ns, barred,
            self.rows, np.array([row_of[pot] for pot in pots], np.int64), self.found,
        )  # fmt: skip
        found = self.found[: len(pots)].tolist()
        return [pot for pot, waits in zip(pots, found, strict=True) if waits]

    def _lines(self, state: State) -> Ints:
        """What each level asks of each instrument, at the prices of now."""
        if self.lines is None:
            self.lines = np.empty((len(state.margin.levels), len(state.instruments), LINE_WIDTH), np.int64)
            self.levels = np.arange(len(state.margin.levels))
        fill_lines(state.market.table, state.margin.view.table, self.levels, self.lines)
        return self.lines

    def _refresh(self, state: State) -> None:
        for number in self.reduced:
            if number in state.orders:
                self.changed[state.orders[number].pot] = None
        for pot in self.changed:
            if state.flags.item(pot) & FLAG_LIQUIDATING:
                if pot not in self.row_of:
                    if len(self.pots) == len(self.rows):
                        self._fit(2 * len(self.rows))
                    self.row_of[pot] = len(self.pots)
                    self.pots.append(pot)
                self.rows[self.row_of[pot]] = _row(state, pot)
            elif pot in self.row_of:
                self._drop(pot)
        self.changed.clear()
        self.reduced.clear()

    def _drop(self, pot: int) -> None:
        """The last row takes the place of the pot's."""
        row, last = self.row_of.pop(pot), self.pots.pop()
        if last != pot:
            self.rows[row] = self.rows[len(self.pots)]
            self.row_of[last], self.pots[row] = row, last


def _row(state: State, pot: int) -> tuple[int, ...]:
    """What the pot waits for (kernels.waiting); until NEVER where it surely does not wait."""
    rules, status, levels = state.rulebook.liquidation, state.ladders[pot], state.margin.levels
    exit_level = levels[status.exit_level or rules.exit]
    if status.step >= len(rules.steps):
        return pot, exit_level, NONE, NONE, 0, NEVER, 0
    step = rules.steps[status.step]
    leave = levels[step.leave_below] if step.leave_below else NONE
    if not status.order:
        goods = 0 if status.attempts or step.max_attempts else _goods(state, step)
        return pot, exit_level, leave, NONE, 0, INT64_MAX if goods else status.cooldown_ns, goods
    order, until = state.orders[status.order], status.cooldown_ns if step.cooldown_ns else INT64_MAX
    size = abs(order.size_lots)
    return pot, exit_level, leave, order.instrument, size, until if size else NEVER, 0


def _goods(state: State, step: Step) -> int:
    """Assets that outsiders may take on this step, a bit each; 0 for other steps, or too many assets."""
    if isinstance(step.seize, msgspec.UnsetType) and isinstance(step.absorb, msgspec.UnsetType):
        return 0
    rows = [state.asset_row[name] for name in goods_of(step) if name in state.asset_row]
    return sum(1 << row for row in rows) if all(row < kernel.MOST_GOODS for row in rows) else 0


def _barred(state: State) -> NDArray[np.bool_]:
    """Instruments on whose price, or behind whose gate, nobody is liquidated."""
    rows = zip(state.policies, state.prices, strict=True)
    barred = [not policy.allows(Action.LIQUIDATE, price.conditions) for policy, price in rows]
    for action, row in state.gates:
        if action == "liquidate":
            barred = [held or row in (NONE, place) for place, held in enumerate(barred)]
    return np.array(barred, np.bool_)
