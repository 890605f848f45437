"""Terms of lending markets and deleveraging: published figures, brute force, and what is refused."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.calibrate import deleveraging as kmm
from seawall.calibrate import liquidation_terms as terms
from seawall.errors import InputError
from seawall.market.amm.constant_product import ConstantProductPool, most_within_bonus, sell


@given(st.floats(100, 400), st.floats(10, 200), st.floats(10, 200), st.floats(1.05, 3), st.floats(0.5, 1))
def test_the_constraint_just_holds_at_the_edges_and_holds_between(collateral, demand, free, ratio, haircut):
    edges = kmm.feasible_changes(collateral, 100.0, demand, -free, ratio=ratio, haircut=haircut)

    def room(delta):
        return haircut * (collateral + delta * demand / (delta + free)) - ratio * (100 + delta)

    for edge in edges:
        assert room(edge.delta) == pytest.approx(
            0, abs=1e-6 * ratio * (100 + collateral) * max(1, edge.stablecoin_price)
        )
    if len(edges) == 2 and edges[1].delta - edges[0].delta > 1e-3:
        assert room((edges[0].delta + edges[1].delta) / 2) > 0
    if not edges:
        grid = [-free + (100 + free) * step / 500 for step in range(1, 1500)]
        assert max(room(delta) for delta in grid) < 1e-6


def test_beyond_the_capacity_nothing_clears():
    room = kmm.cure_capacity(1.5, 100, 100)
    assert room.max_shortfall == pytest.approx(100 * (math.sqrt(1.5) - 1) ** 2)
    for part, edges in ((0.999, 2), (1.001, 0)):
        left = 150 - part * room.max_shortfall
        assert len(kmm.feasible_changes(left, 100, 100, -100, ratio=1.5)) == edges


def test_the_best_change_is_the_best():
    best = kmm.best_change(100, -100, 1.02)
    assert best == pytest.approx(0.9950493836207812)

    def worth(delta):
        return 1.02 * (400 + delta * kmm.clearing_price(100, -100, delta)) - (100 + delta)

    assert worth(best) > max(worth(best - 0.01), worth(best + 0.01))


@given(st.floats(0.82, 0.95))
def test_two_steps_bring_no_less_than_any_first_step_that_leaves_it_unhealthy(ltv):
    found = terms.two_step_liquidation(1000, 1000 * ltv, threshold=0.8, bonus=0.05, close_factor=0.5)
    debt = 1000 * ltv
    for step in range(100):
        first = found.first * step / 100
        assert 0.05 * (first + 0.5 * (debt - first)) <= found.profit + 1e-9
    left = 1000 - found.first * 1.05
    assert 0.8 * left == pytest.approx(debt - found.first)  # just unhealthy no more


@pytest.mark.parametrize("ltv", [0.9, 0.95, 0.97, 0.99])
def test_halving_for_ever_leaves_the_certain_bad_debt(ltv):
    held, owed = 100.0, 100 * ltv
    for _ in range(400):
        repaid = min(owed / 2, held / 1.045)
        held, owed = held - repaid * 1.045, owed - repaid
    assert terms.certain_bad_debt(100, 100 * ltv, 0.045) == pytest.approx(owed, abs=1e-9)


def test_published_figures():
    prices = terms.position_prices(63.6e6, 92e6, threshold=0.89, bonus=0.045)
    assert prices.toxic == pytest.approx(0.6615352610775952)
    assert terms.price_of_bad_debt(63.6e6, 92e6, 2.64e6, bonus=0.045) == pytest.approx(0.6810792750575063)
    market = {"liquidity": 1e6, "volatility": 0.1, "cap": 2e5, "bonus": 0.05}
    ltv = terms.smart_ltv(**market, confidence=3)
    assert ltv == pytest.approx(0.82444657, abs=5e-9)
    assert terms.smart_ltv_confidence(**market, ltv=ltv) == pytest.approx(3)
    assert terms.srisk(900, 100, capital_ratio=0.08, shortfall=0.4) == pytest.approx(16.8)
    assert terms.delta_covar(0.5, 0.03, 0.01) == pytest.approx(-0.03489521811061261)


def test_a_sale_within_the_bonus_breaks_even():
    pool = ConstantProductPool(
        reserve0_atoms=10**22, reserve1_atoms=2 * 10**25, fee_numerator=0, fee_denominator=1
    )
    most = most_within_bonus(pool, Fraction(1, 20))
    assert most == 5 * 10**20
    repaid = Fraction(most * 2000) / Fraction(21, 20)
    assert 0 <= repaid - sell(pool, most).amount_out_atoms < 1


def test_what_cannot_be_is_refused():
    for bad in (
        lambda: kmm.clearing_price(100, -100, -100),
        lambda: kmm.feasible_changes(1, 1, 0, -1, ratio=1),
        lambda: kmm.cure_capacity(0.9, 1, 1),
        lambda: kmm.best_change(1, 0, 1),
        lambda: terms.two_step_liquidation(1000, 700, threshold=0.8, bonus=0.05, close_factor=0.5),
        lambda: terms.position_prices(1, 0, threshold=0.8, bonus=0.1),
        lambda: terms.price_of_bad_debt(1, 1, 1, bonus=0.1),
        lambda: terms.smart_ltv(liquidity=0, volatility=1, cap=1, confidence=1, bonus=0),
        lambda: terms.smart_ltv_confidence(liquidity=1, volatility=1, cap=1, ltv=1, bonus=0.1),
        lambda: terms.delta_covar(1, 1, 0),
        lambda: most_within_bonus(ConstantProductPool(reserve0_atoms=1, reserve1_atoms=1), Fraction(-1)),
    ):
        with pytest.raises(InputError):
            bad()
