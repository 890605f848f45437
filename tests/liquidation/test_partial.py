"""Shares taken over in steps, and which orders a deleveraged account keeps."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from seawall.liquidation.partial import orders_kept, shares_to_take, smallest_share

PPB = 10**9


def test_the_published_table():
    """Paradex: 80 dollars against 88.80, steps of 20 %, the table's fee of 50 %; cents are atoms."""
    table = shares_to_take(worth_atoms=8_000, requirement_atoms=8_880, step_ppb=PPB // 5, fee_ppb=PPB // 2)
    assert [row[1:] for row in table] == [
        (7_104, 888, 7_112), (5_328, 1_776, 6_224), (3_552, 2_664, 5_336), (1_776, 3_552, 4_448),
    ]  # fmt: skip
    assert smallest_share(table, most_ratio_ppb=9 * PPB // 10) == table[1]


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**12), st.integers(1, 20), st.integers(0, PPB))
def test_the_share_found_is_enough_and_the_one_before_is_not(worth, requirement, steps, fee):
    table = shares_to_take(
        worth_atoms=worth, requirement_atoms=requirement, step_ppb=PPB // steps, fee_ppb=fee
    )
    found = smallest_share(table, most_ratio_ppb=9 * PPB // 10)

    def exact(row):
        share = Fraction(row.share_ppb, PPB)
        left = worth - requirement * share * Fraction(fee, PPB)
        return requirement * (1 - share), left

    if found is not None:
        needs, has = exact(found)
        assert needs < Fraction(9, 10) * has
    for row in table[: table.index(found)] if found is not None else table:
        needs, has = exact(row)
        assert needs + 2 >= Fraction(9, 10) * (has - 1)


def test_the_published_orders():
    assert orders_kept(10, [(2, 1900), (-5, 2150), (-3, 2100), (-3, 2200)]) == [1, 2]


@given(
    st.integers(-30, 30).filter(bool),
    st.lists(st.tuples(st.integers(-9, 9).filter(bool), st.integers(1, 5)), max_size=8),
)
def test_kept_orders_only_close_never_more_than_the_position_and_are_the_most_aggressive(position, orders):
    kept = orders_kept(position, orders)
    side = 1 if position > 0 else -1
    assert all(orders[place][0] * side < 0 for place in kept)
    assert sum(abs(orders[place][0]) for place in kept) <= abs(position)
    gone = [p for p, (lots, _price) in enumerate(orders) if lots * side < 0 and p not in kept]
    for place in kept:
        assert all(orders[place][1] * side <= orders[other][1] * side for other in gone)
