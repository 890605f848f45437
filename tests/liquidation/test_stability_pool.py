"""A pool's product and sum against every depositor by himself; loans that inherit, modes that add up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.liquidation.stability_pool import Redistribution, StabilityPool, branch_split, recovery_split

OPS = st.lists(
    st.one_of(
        st.tuples(st.just("dep"), st.sampled_from("ABCD"), st.integers(1, 500)),
        st.tuples(st.just("liq"), st.integers(1, 100), st.integers(1, 50)),
    ),
    min_size=1, max_size=25,
)  # fmt: skip


@given(OPS)
@settings(max_examples=200)
def test_product_and_sum_are_every_depositor_by_himself(ops):
    pool, naive, gains = StabilityPool(), {}, {}
    given_in = Fraction(0)
    for op in ops:
        if op[0] == "dep":
            pool.deposit(op[1], Fraction(op[2]))
            naive[op[1]] = naive.get(op[1], Fraction(0)) + op[2]
            continue
        total = sum(naive.values(), Fraction(0))
        if not total:
            with pytest.raises(InputError, match="deposited"):
                pool.offset(Fraction(1), Fraction(1))
            continue
        debt, collateral = total * op[1] / 100, Fraction(op[2])  # 100: all of it, and a new epoch
        pool.offset(debt, collateral)
        given_in += collateral
        for name, held in naive.items():
            gains[name] = gains.get(name, Fraction(0)) + collateral * held / total
            naive[name] = held - debt * held / total
    for name, held in naive.items():
        assert pool.compounded(name) == held and pool.gain(name) == gains.get(name, 0)
    assert pool.total == sum(naive.values()) and sum(gains.values()) == given_in
    assert pool.compounded("nobody") == pool.gain("nobody") == 0


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 90), st.booleans()), min_size=2, max_size=12))
@settings(max_examples=200)
def test_what_was_liquidated_is_all_with_the_others(rows):
    held, opened, kept, debts = Redistribution(Fraction(1, 200)), Fraction(0), Fraction(0), Fraction(0)
    for place, (collateral, debt, ends) in enumerate(rows):
        held.open(f"L{place}", Fraction(collateral), Fraction(debt))
        opened, debts = opened + collateral, debts + debt
        if ends and len(held.names()) > 1:
            kept += held.liquidate(held.names()[0])
    left = [held.of(name) for name in held.names()]
    assert sum(one[0] for one in left) + kept == opened and sum(one[1] for one in left) == debts


def test_a_late_loan_inherits_by_its_collateral_as_the_earlier_do():
    held = Redistribution()
    for name in "AB":
        held.open(name, Fraction(10), Fraction(100))
    held.open("C", Fraction(5), Fraction(50))
    held.liquidate("C")
    held.open("D", Fraction(25, 2), Fraction(10))  # as much as A and B have by now
    held.open("E", Fraction(6), Fraction(60))
    before = {name: held.of(name)[0] for name in "ABD"}
    held.liquidate("E")
    assert {name: held.of(name)[0] - before[name] for name in "ABD"} == dict.fromkeys("ABD", Fraction(2))
    with pytest.raises(InputError, match="is there already"):
        held.open("A", Fraction(1), Fraction(1))


@given(
    st.integers(50, 200), st.integers(100, 200), st.integers(1, 10**6), st.integers(1, 10**4),
    st.integers(0, 10**6), st.integers(1, 5_000),
)  # fmt: skip
def test_each_mode_gives_all_collateral_and_debt_to_somebody(ratio, system, debt, collateral, pool, price):
    found = recovery_split(
        ratio=Fraction(ratio, 100), system_ratio=Fraction(system, 100), debt=Fraction(debt),
        collateral=Fraction(collateral), pool=Fraction(pool), price=Fraction(price),
        least=Fraction(11, 10), kept_share=Fraction(1, 200),
    )  # fmt: skip
    if found.mode == "none":
        assert ratio >= system or (ratio >= 110 and pool < debt)
        return
    assert found.offset + found.redistributed_debt == debt and found.offset <= pool
    assert found.to_pool + found.redistributed + found.surplus + found.kept == collateral


@given(st.integers(1, 10**6), st.integers(1, 10**4), st.integers(0, 10**6), st.integers(1, 5_000))
def test_a_branch_never_gives_more_than_there_is_nor_more_than_a_penalty(debt, collateral, pool, price):
    found = branch_split(
        debt=Fraction(debt), collateral=Fraction(collateral), pool=Fraction(pool), price=Fraction(price),
        pool_penalty=Fraction(1, 20), redistribution_penalty=Fraction(1, 10), kept_share=Fraction(1, 200),
        most_kept=Fraction(2),
    )  # fmt: skip
    parts = (found.to_pool, found.redistributed, found.surplus, found.kept)
    assert min(parts) >= 0 and sum(parts) == collateral
    assert found.to_pool * price <= found.offset * Fraction(21, 20)
    assert found.redistributed * price <= found.redistributed_debt * Fraction(11, 10)
    assert found.kept <= 2
