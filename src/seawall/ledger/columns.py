"""The book as integer columns: accounts, pots, balances, positions.

A pot is what is margined together: an account's cross pot, or an isolated pot of one position.
Balances atoms, sizes lots (signed), costs atoms of the settlement asset. Positions of a pot form
a linked list of slots, so a pot without positions costs nothing. Tables grow by doubling.
Bytes: 56 per position (32 of them read whenever its pot is valued, 24 only for orders and structure), 20 + 8
per asset for a pot. A column (`pos_lots`, ...) is a view into its table: writing to it writes the record.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.errors import NumberError
from seawall.kernels.layout import UNKNOWN_DEMAND

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Records = NDArray[np.void]
Columns = tuple[tuple[str, type[np.int32] | type[np.int64]], ...]
NONE = -1


class BookView(NamedTuple):
    """What kernels read: the tables, by reference, with their full capacity."""

    pots: Records  # Book.POT_COLUMNS without the prefix
    positions: Records  # the first columns of Book.POS_COLUMNS: POSITION
    resting: Records  # the others: RESTING
    balances: I64  # [pot, asset] atoms


class Book:
    """Growable tables with few structural operations. Holds no rule: `engine.apply` is its only writer."""

    POT_COLUMNS: Columns = (
        ("pot_account", np.int32),
        ("pot_unit", np.int32),  # asset the pot is margined in
        ("pot_instrument", np.int32),  # >= 0: isolated pot of that instrument
        ("pot_head", np.int32),  # first position slot, or -1
        ("pot_next", np.int32),
    )
    POS_COLUMNS: Columns = (
        ("pos_lots", np.int64),
        ("pos_cost", np.int64),  # what the position was bought for, so that profit = value - cost
        ("pos_instrument", np.int32),
        ("pos_next", np.int32),
        ("pos_orders", np.int32),  # number of resting orders; 0 where bid and ask are
        ("pos_leverage", np.int32),  # chosen leverage; 0 = none chosen
        ("pos_bid", np.int64),  # lots of resting buy orders
        ("pos_ask", np.int64),  # lots of resting sell orders
        ("pos_pot", np.int32),
    )
    HOT = 6  # so many of them stand in the first table

    def __init__(
        self, assets: int, instruments: int, *, pots: int = 64, positions: int = 64, demands: int = 0
    ) -> None:
        self.assets, self.instruments, self.demands = assets, instruments, demands
        self.n_pots = self.n_positions = 0
        self.free_position = NONE
        # Kernels work here, so that they need not allocate: a pot's assets, a line of kernels.margin.
        self.scratch, self.line = np.zeros((1, assets), np.int64), np.zeros((1, 8), np.int64)
        self._lay(_table(POT, pots), self._new_amounts(pots, demands))
        self._lay_positions(_table(POSITION, positions), _table(RESTING, positions))

    _view: BookView | None
    pot_table: Records
    position_table: Records
    resting_table: Records
    balances: I64
    # [pot, demand] what a portfolio rule asks of the pot, atoms of its unit; UNKNOWN_DEMAND where that cannot
    # be said. A cache (engine.demands); it lies behind the balances so that kernels need no other table.
    demanded: I64
    pot_account: I32
    pot_unit: I32
    pot_instrument: I32
    pot_head: I32
    pot_next: I32
    pos_pot: I32
    pos_next: I32
    pos_instrument: I32
    pos_lots: I64
    pos_cost: I64
    pos_bid: I64
    pos_ask: I64
    pos_orders: I32
    pos_leverage: I32

    def view(self) -> BookView:
        if self._view is None:
            self._view = BookView(self.pot_table, self.position_table, self.resting_table, self._amounts)
        return self._view

    def _lay(self, pots: Records, amounts: I64) -> None:
        self.pot_table, self._amounts, self._view = pots, amounts, None
        self.balances, self.demanded = amounts[:, : self.assets], amounts[:, self.assets :]
        for name, _ in self.POT_COLUMNS:
            setattr(self, name, pots[name.removeprefix("pot_")])

    def _lay_positions(self, positions: Records, resting: Records) -> None:
        self.position_table, self.resting_table, self._view = positions, resting, None
        for place, (name, _) in enumerate(self.POS_COLUMNS):
            table = positions if place < self.HOT else resting
            setattr(self, name, table[name.removeprefix("pos_")])

    def make_demands(self, demands: int) -> None:
        """Room for so many demands a pot, all of them unknown; balances stay as they are."""
        if demands == self.demands:
            self.demanded[:] = UNKNOWN_DEMAND
            return
        amounts = self._new_amounts(len(self.pot_unit), demands)
        amounts[:, : self.assets] = self.balances
        self.demands = demands
        self._lay(self.pot_table, amounts)

    def _new_amounts(self, pots: int, demands: int) -> I64:
        amounts = np.zeros((pots, self.assets + demands), np.int64)
        amounts[:, self.assets :] = UNKNOWN_DEMAND
        return amounts

    def reserve(self, *, pots: int = 0, positions: int = 0) -> None:
        """Make room, so that a large book is laid out once. NumberError with the figure if there is none."""
        try:
            if pots > len(self.pot_unit):
                self._grow_pots(pots)
            if positions > len(self.pos_lots):
                self._grow_positions(positions)
        except MemoryError:
            size = pots * (POT.itemsize + 8 * (self.assets + self.demands)) + positions * POSITION_BYTES
            raise NumberError(
                f"book: {pots} pots and {positions} positions take {size / 2**30:.1f} GiB, "
                "more memory than there is\n"
                "  Load fewer accounts, or partition the book by account over machines."
            ) from None

    def add_pot(self, *, account: int, unit: int, instrument: int = NONE) -> int:
        if self.n_pots == len(self.pot_unit):
            self._grow_pots(max(2 * self.n_pots, 1))
        pot = self.n_pots
        self.n_pots += 1
        self.pot_account[pot], self.pot_unit[pot], self.pot_instrument[pot] = account, unit, instrument
        return pot

    def position(self, pot: int, instrument: int) -> int:
        """Slot of the pot's position in an instrument, or -1."""
        slot = self.pot_head.item(pot)
        if slot == NONE:
            return slot
        held, following = self.pos_instrument.item, self.pos_next.item
        while slot != NONE and held(slot) != instrument:
            slot = following(slot)
        return slot

    def positions(self, pot: int) -> list[int]:
        """Slots of a pot in list order (the order they were opened in, newest first)."""
        slots, slot = [], int(self.pot_head[pot])
        while slot != NONE:
            slots.append(slot)
            slot = int(self.pos_next[slot])
        return slots

    def open_position(self, pot: int, instrument: int) -> int:
        """Slot of the position, made if it is not there."""
        slot = self.position(pot, instrument)
        if slot != NONE:
            return slot
        if self.free_position != NONE:
            slot, self.free_position = self.free_position, int(self.pos_next[self.free_position])
        else:
            if self.n_positions == len(self.pos_lots):
                self._grow_positions(max(2 * self.n_positions, 1))
            slot = self.n_positions
            self.n_positions += 1
        self.pos_pot[slot], self.pos_instrument[slot] = pot, instrument
        self.pos_lots[slot] = self.pos_cost[slot] = self.pos_bid[slot] = self.pos_ask[slot] = 0
        self.pos_orders[slot] = self.pos_leverage[slot] = 0
        self.pos_next[slot], self.pot_head[pot] = self.pot_head[pot], slot
        return slot

    def drop_position(self, pot: int, slot: int) -> None:
        """Unlink an empty slot and put it on the free list. ValueError if the pot does not have it."""
        slots = self.positions(pot)
        place = slots.index(slot)
        before = slots[place - 1] if place else NONE
        following = int(self.pos_next[slot])
        if before == NONE:
            self.pot_head[pot] = following
        else:
            self.pos_next[before] = following
        self.pos_pot[slot] = NONE
        self.pos_next[slot], self.free_position = self.free_position, slot

    def _grow_pots(self, size: int) -> None:
        pots, amounts = _table(POT, size), self._new_amounts(size, self.demands)
        pots[: self.n_pots] = self.pot_table[: self.n_pots]
        amounts[: self.n_pots] = self._amounts[: self.n_pots]
        self._lay(pots, amounts)

    def _grow_positions(self, size: int) -> None:
        positions, resting = _table(POSITION, size), _table(RESTING, size)
        positions[: self.n_positions] = self.position_table[: self.n_positions]
        resting[: self.n_positions] = self.resting_table[: self.n_positions]
        self._lay_positions(positions, resting)


def _record(columns: Columns, prefix: str, size: int) -> np.dtype[np.void]:
    """A record of the columns in their order, `size` bytes long, so that a table of them stays aligned."""
    names, formats = [name.removeprefix(prefix) for name, _ in columns], [kind for _, kind in columns]
    widths = [np.dtype(kind).itemsize for kind in formats]
    offsets = [sum(widths[:place]) for place in range(len(widths))]
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": size}, align=True)


POT = _record(Book.POT_COLUMNS, "pot_", 20)
POSITION = _record(Book.POS_COLUMNS[: Book.HOT], "pos_", 32)
RESTING = _record(Book.POS_COLUMNS[Book.HOT :], "pos_", 24)

POSITION_BYTES = POSITION.itemsize + RESTING.itemsize


def _table(record: np.dtype[np.void], size: int) -> Records:
    """Zeroed records whose first byte starts a cache line; a pot's columns say NONE until it is opened."""
    spare = np.zeros(size * record.itemsize + 64, np.uint8)
    first = -spare.ctypes.data % 64
    table = spare[first : first + size * record.itemsize].view(record)
    if record is POT:
        table.view(np.int32)[:] = NONE
    return table
