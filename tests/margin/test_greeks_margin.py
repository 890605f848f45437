"""Margin by Greeks: its error never passes the bound, second order is exact where it should be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.margin.portfolio.greeks import ORDERS, GreekContract, greek_margin, greek_table

MOVES, VOLS = (-0.15, -0.05, 0.0, 0.05, 0.15), (-0.15, 0.0, 0.15)
STRIKES = (40_000.0, 54_000.0, 60_000.0, 66_000.0, 90_000.0)
LISTED = [
    GreekContract(
        name=f"{strike}{call}{years}", forward=60_000.0, strike=strike, years=years, vol=0.6, is_call=call
    )
    for strike in STRIKES
    for call in (True, False)
    for years in (0.01, 0.2)
]
LISTED.append(GreekContract(name="future", forward=60_000.0))
TABLE = greek_table(LISTED, moves=MOVES, vol_moves=VOLS, decimals=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(10**7), 10**7), min_size=len(LISTED), max_size=len(LISTED)))
def test_the_margin_by_greeks_is_within_its_bound_of_revaluation(sizes):
    found = greek_margin(sizes, TABLE, steps=10**6)
    for order in ORDERS:
        assert abs(found.margin_atoms[order] - found.full_margin_atoms) <= found.bound_atoms[order]


def test_a_future_has_no_error_and_small_moves_have_less():
    future = greek_margin([0] * (len(LISTED) - 1) + [5], TABLE)
    assert future.bound_atoms["delta_gamma_vega"] <= len(LISTED)
    assert future.full_margin_atoms == 5 * 9_000 * 10**8
    fine = greek_table(LISTED, moves=(-0.01, 0.01), vol_moves=(-0.01, 0.01), decimals=8)
    sizes = [1] * len(LISTED)
    for order in ORDERS:
        assert (
            0
            < greek_margin(sizes, fine).bound_atoms[order]
            < greek_margin(sizes, TABLE).bound_atoms[order] / 20
        )


def test_with_vanna_and_volga_the_error_is_of_third_order():
    """Halving all moves divides it by about eight; without them by about four."""
    leg = [GreekContract(name="o", forward=60_000.0, strike=66_000.0, years=0.2, vol=0.6, is_call=True)]
    bounds = []
    for scale in (0.02, 0.01):
        table = greek_table(leg, moves=(-scale, scale), vol_moves=(-scale, scale), decimals=10)
        bounds.append(greek_margin([1000], table).bound_atoms)
    ratio = {order: bounds[0][order] / bounds[1][order] for order in ORDERS}
    assert 6 < ratio["with_vanna_volga"] < 10
    assert 3 < ratio["delta_gamma_vega"] < 5.5


def test_sizes_and_moves_that_fit_nothing_are_refused():
    with pytest.raises(InputError, match="sizes"):
        greek_margin([1], TABLE)
    with pytest.raises(InputError, match="moves"):
        greek_table(LISTED, moves=(-1.0,), vol_moves=(0.0,), decimals=8)
