"""The repriced table against one value at a time: the same bits, whatever the kind and the move."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.kernels import scenarios as kernel

UNIT = 1e-9
PRICES = st.floats(1e-3, 1e6)
VOLS = st.floats(0.0, 8.0)
CONTRACTS = st.builds(
    lambda kind, coin, forward, fixed, strike, years, df, call, price, vols: [
        float(kind), float(coin), forward, fixed, strike, years, df, float(call), price, *vols
    ],
    st.sampled_from((kernel.OPTION, kernel.FUTURE, kernel.PERPETUAL, kernel.SPOT, kernel.STILL)),
    st.booleans(),
    PRICES,
    st.floats(0.0, 10.0),
    PRICES,
    st.floats(0.0, 3.0),
    st.floats(0.5, 1.0),
    st.booleans(),
    PRICES,
    st.lists(VOLS, min_size=5, max_size=5),
)  # fmt: skip
MOVES = st.tuples(st.floats(0.05, 6.0), st.floats(0.8, 1.2), st.integers(0, 4))


@settings(max_examples=200, deadline=None)
@given(st.lists(CONTRACTS, min_size=1, max_size=4), st.lists(MOVES, min_size=1, max_size=21))
def test_the_table_is_the_value_of_each_contract_under_each_move(contracts, moves):
    rows = np.array(contracts, dtype=np.float64)
    base = np.zeros(len(rows), dtype=np.int64)
    table = np.zeros((-(-len(moves) // kernel.LANES), len(rows), kernel.LANES), dtype=np.int64)
    room = np.empty((4, len(moves)))
    columns = np.ascontiguousarray(np.array(moves, dtype=np.float64).T)
    assert kernel.reprice(rows, columns, UNIT, base, table, room) == -1
    for place, row in enumerate(rows):
        today = kernel.value_of(row, 1.0, 1.0, 0)
        assert base[place] == int(np.floor(today / UNIT + 0.5))
        for number, (spot, basis, vol) in enumerate(moves):
            worth = kernel.value_of(row, spot, basis, vol)
            held = table[number // kernel.LANES, place, number % kernel.LANES]
            assert held == int(np.floor(worth / UNIT + 0.5))


def test_the_first_contract_without_a_number_is_named():
    sound = [kernel.FUTURE, 0, 0, 0, 0, 0, 1, 0, 100.0, 0, 0, 0, 0, 0]
    rows = np.array([sound, [*sound[:8], np.nan, *sound[9:]]], dtype=np.float64)
    base, table = np.zeros(2, dtype=np.int64), np.zeros((1, 2, kernel.LANES), dtype=np.int64)
    moves = np.array([[1.1], [1.0], [0.0]])
    assert kernel.reprice(rows, moves, UNIT, base, table, np.empty((4, 1))) == 1
