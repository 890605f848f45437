"""Borrowing against collateral: thresholds, caps by value, a share of the whole notional, ratios."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.conform.bench import WORTH, level, weight
from seawall.conform.wallet import Coin, Contract, Wallet, wallet_grid
from seawall.errors import InputError
from seawall.margin.lending import LtvCollateral, NeedsOverHaves, loan_margin_atoms, needs_over_haves
from seawall.margin.statement import Part, Statement
from seawall.units import PPB

F = Fraction


def statement(*parts: Part, requirement: int = 0, unknown: int = -1) -> Statement:
    return Statement(
        pot=1, level="x", unit=0, equity_atoms=0, requirement_atoms=requirement, unknown=unknown, parts=parts
    )


def worth(asset: int, atoms: int) -> Part:
    return Part(kind="collateral", name=asset, amount_atoms=atoms)


@given(ltv=st.integers(0, PPB), way=st.integers(0, PPB))
def test_the_threshold_lies_between_the_ltv_and_one(ltv, way):
    assert ltv <= LtvCollateral(ltv_ppb=ltv, towards_one_ppb=way).threshold_ppb <= PPB


def test_halfway_to_one_is_the_documented_threshold():
    assert LtvCollateral(ltv_ppb=500_000_000).threshold_ppb == 750_000_000


@pytest.mark.parametrize("name", ["ltv_ppb", "towards_one_ppb"])
@pytest.mark.parametrize("value", [-1, PPB + 1])
def test_shares_outside_zero_to_one_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        LtvCollateral(**{"ltv_ppb": 0, name: value})


def test_a_debt_is_a_need_not_a_smaller_equity():
    parts = (worth(0, -700), worth(1, 1000), Part(kind="position", name=0, amount_atoms=300))
    assert needs_over_haves(statement(*parts, requirement=320)) == (1020, 1000)


def test_the_ratio_is_compared_exactly_and_nothing_against_a_need_is_above_any_limit():
    assert not NeedsOverHaves(95, 100).above(950_000_000)
    assert NeedsOverHaves(95_000_000_001, 100_000_000_000).above(950_000_000)
    assert NeedsOverHaves(1, 0).above(950_000_000)
    assert not NeedsOverHaves(0, 0).above(950_000_000)


def test_an_unknown_pot_has_no_ratio():
    with pytest.raises(InputError, match="no price"):
        needs_over_haves(statement(unknown=3))


def test_loan_margin_is_what_a_debt_weighs_beyond_its_worth():
    assert loan_margin_atoms(statement(worth(2, -400)), statement(worth(2, -440)), 2) == 40
    assert loan_margin_atoms(statement(worth(2, 400)), statement(worth(2, 400)), 2) == 0


@given(
    held=st.integers(1, 500), price=st.integers(1, 100), cap=st.integers(1, 500), most=st.integers(1, 20_000)
)
@settings(deadline=None)  # the first call compiles
def test_collateral_counts_for_the_smallest_of_its_weight_and_both_caps(held, price, cap, most):
    coin = Coin(name="COIN", price=F(price), held=F(held))
    grid = wallet_grid((coin,), (), F(20_000))
    rule = LtvCollateral(
        ltv_ppb=500_000_000, cap_atoms=grid.atoms(F(cap)), cap_value_atoms=grid.atoms(F(most))
    )
    coin = Coin(name="COIN", price=F(price), held=F(held), weights={"w": rule.liquidation_weight()})
    wallet = Wallet((coin,), grid=grid, levels=(level("w", schedule="none", weights="w"),))
    assert wallet.counted("w", "COIN") == min(min(held, cap) * price * F(3, 4), most)


@given(sizes=st.lists(st.integers(1, 1000), min_size=1, max_size=4), share=st.sampled_from([0, 5, 10, 50]))
@settings(deadline=None)  # the first call compiles
def test_a_level_asks_at_least_a_share_of_the_whole_notional_not_of_each_position(sizes, share):
    contracts = tuple(
        Contract(name=f"X{place}", size=F(size), entry=F(10), mark=F(10), maintenance=F(place + 1, 20))
        for place, size in enumerate(sizes)
    )
    grid = wallet_grid((), contracts, F(10**6))
    levels = (level("maintenance", min_total_ppb=share * PPB // 100, flat_atoms=grid.atoms(F(1))),)
    wallet = Wallet((), contracts, grid=grid, levels=levels, money=F(10**6))
    found = wallet.bench.statement(wallet.pot, "maintenance")
    scheduled = sum(size * 10 * F(place + 1, 20) for place, size in enumerate(sizes))
    assert grid.money(found.requirement_atoms) == max(scheduled, sum(sizes) * 10 * F(share, 100)) + 1
    asked = [part.amount_atoms for part in found.parts if part.kind != "collateral"]
    assert sum(asked) == found.requirement_atoms


def test_a_debt_of_a_coin_is_found_in_the_statement_of_a_whole_account():
    loan = Coin(name="LOAN", owed=F(15), weights={"loans": weight(liability_ppb=PPB + PPB // 10)})
    levels = (level("loans", schedule="none", weights="loans"),)
    wallet = Wallet((loan,), grid=wallet_grid((loan,), (), F(100)), levels=levels, money=F(100))
    at_worth, weighted = (wallet.bench.statement(wallet.pot, name) for name in (WORTH, "loans"))
    row = wallet.bench.state.asset_row["LOAN"]
    assert wallet.grid.money(loan_margin_atoms(at_worth, weighted, row)) == F(3, 2)
