"""The columns against plain dictionaries: growth, free slots, lists of positions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import NumberError
from seawall.ledger.columns import NONE, Book

POTS, INSTRUMENTS = 3, 3
steps = st.lists(
    st.tuples(
        st.sampled_from(["open", "open", "drop"]), st.integers(0, POTS - 1), st.integers(0, INSTRUMENTS - 1)
    ),
    min_size=12,
    max_size=40,
)


@given(steps, st.integers(0, 3), st.integers(0, 3))
def test_the_book_holds_what_a_dictionary_would(
    drawn: list[tuple[str, int, int]], pots: int, positions: int
) -> None:
    book = Book(2, INSTRUMENTS, pots=pots, positions=positions)
    plain: dict[int, dict[int, int]] = {}
    for _ in range(POTS):
        made = book.add_pot(account=9, unit=1, instrument=NONE)
        book.balances[made] = (made, -made)
        plain[made] = {}
    written = peak = 0
    for action, pot, instrument in drawn:
        if action == "open":
            fresh = instrument not in plain[pot]
            slot = book.open_position(pot, instrument)
            assert not fresh or book.pos_lots[slot] == book.pos_bid[slot] == book.pos_orders[slot] == 0
            written += 1
            plain[pot][instrument] = written
            book.pos_lots[slot], book.pos_bid[slot], book.pos_leverage[slot] = written, 7, 3
        elif instrument in plain[pot]:
            slot = book.position(pot, instrument)
            book.drop_position(pot, slot)
            del plain[pot][instrument]
        peak = max(peak, sum(len(held) for held in plain.values()))
    assert book.n_pots == len(plain)
    view = book.view()
    for pot, held in plain.items():
        slots = book.positions(pot)
        lots = {int(row["instrument"]): int(row["lots"]) for row in view.positions[slots]}
        assert lots == held
        assert len(slots) == len(held)
        assert view.balances[pot].tolist() == [pot, -pot]
        assert all(book.pos_pot[slot] == pot for slot in slots)
    assert book.n_positions == peak  # a slot is made only when none is free


def test_dropped_slots_are_used_again_before_new_ones() -> None:
    book = Book(1, 3, positions=1)
    pot = book.add_pot(account=0, unit=0)
    slots = [book.open_position(pot, row) for row in range(3)]
    for slot in slots[:2]:
        book.drop_position(pot, slot)
    again = [book.open_position(pot, row) for row in (0, 1)]
    assert sorted(again) == sorted(slots[:2]) and book.n_positions == 3


def test_dropping_a_slot_of_another_pot_is_refused() -> None:
    book = Book(1, 3)
    first, second = book.add_pot(account=0, unit=0), book.add_pot(account=1, unit=0)
    slot = book.open_position(first, 0)
    with pytest.raises(ValueError):
        book.drop_position(second, slot)
    assert book.positions(first) == [slot]


def test_a_view_taken_after_growth_shows_the_grown_columns() -> None:
    book = Book(1, 1, pots=1, positions=1)
    for account in range(9):
        pot = book.add_pot(account=account, unit=0)
        slot = book.open_position(pot, 0)
        book.pos_lots[slot] = account + 1
        assert book.view().positions["lots"][slot] == account + 1
    assert book.view().positions["lots"][:9].tolist() == list(range(1, 10))


def test_reserving_keeps_what_is_there_and_says_what_is_missing() -> None:
    book = Book(3, 1, pots=1, positions=1)
    pot = book.add_pot(account=5, unit=2)
    book.balances[pot] = (1, 2, 3)
    book.reserve(pots=1000, positions=5000)
    assert len(book.pot_unit) == 1000 and len(book.pos_lots) == 5000
    assert book.balances[pot].tolist() == [1, 2, 3] and book.pot_account[pot] == 5
    with pytest.raises(NumberError, match="GiB"):
        book.reserve(positions=2**50)


def test_a_pot_takes_44_bytes_with_three_assets_and_a_position_56() -> None:
    book = Book(3, 1, pots=1, positions=1)
    position = book.position_table.nbytes + book.resting_table.nbytes
    assert (book.balances.nbytes + book.pot_table.nbytes, position) == (44, 56)
    assert book.position_table.ctypes.data % 64 == 0
    assert np.dtype(np.int64).itemsize == 8
