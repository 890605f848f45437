"""Health and seizures of loans in fractions beside the venues' integers; terms that make loans worse."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seawall.errors import InputError, RulebookError
from seawall.liquidation import isolated_loan, seizure
from seawall.margin import collateral_debt as rule
from seawall.margin.collateral_debt import BPS, WAD, Category, Holding, Reserve
from seawall.rulebooks.load_lending import (
    list_lending_rulebooks,
    load_lending_rulebook,
    parse_lending_rulebook,
)

AMOUNT = st.integers(0, 10**24)
PRICE = st.integers(1, 10**13)
THRESHOLD = st.integers(1, BPS)
HOLDING = st.builds(
    lambda decimals, ltv, more, collateral, debt, price: Holding(
        Reserve(name="X", decimals=decimals, ltv_bps=ltv, threshold_bps=min(ltv + more, BPS)),
        collateral, debt, price,
    ),
    st.sampled_from((6, 8, 18)), st.integers(0, 9_000), st.integers(0, 1_000), AMOUNT, AMOUNT, PRICE,
)  # fmt: skip


@given(st.lists(HOLDING, min_size=1, max_size=4))
def test_health_below_one_is_equity_below_maintenance(holdings):
    account = rule.account_of(holdings)
    weighted = sum(
        rule.value_down(h.collateral, h.price, h.reserve.unit) * h.reserve.threshold_bps for h in holdings
    )
    equity, maintenance = rule.as_margin(account, weighted)
    if account.debt:
        exact = Fraction(weighted, BPS * account.debt)
        assert abs(Fraction(account.health, WAD) - exact) <= Fraction(1, WAD)
        assert (exact < 1) == (weighted < account.debt * BPS)
        if weighted // BPS != account.debt:
            assert account.liquidatable == (equity < maintenance)
    else:
        assert account.health == rule.INFINITE and not account.liquidatable
    assert account.available == max(account.collateral * account.ltv_bps // BPS - account.debt, 0)


@given(st.lists(HOLDING, min_size=1, max_size=3), THRESHOLD)
def test_an_isolated_category_keeps_health_and_takes_what_else_may_be_borrowed(holdings, threshold):
    assets = ("Y",)
    open_one = Category(assets=assets, ltv_bps=threshold // 2, threshold_bps=threshold)
    closed = Category(assets=assets, ltv_bps=threshold // 2, threshold_bps=threshold, isolated=True)
    plain, isolated = (rule.account_of(holdings, one) for one in (open_one, closed))
    assert plain.health == isolated.health and isolated.ltv_bps == 0 == isolated.available


@given(
    st.integers(1, 10**24), st.integers(1, 10**24), PRICE, PRICE, st.integers(10_000, 12_000),
    st.integers(0, BPS), st.integers(1, 10**25), st.integers(0, WAD - 1), st.integers(0, 10**20),
    st.sampled_from(("directed", "nearest")), st.sampled_from(("aave-v3.0", "aave-v3.3")),
)  # fmt: skip
@settings(max_examples=300)
def test_a_seizure_takes_no_more_than_there_is_and_pays_for_what_it_takes(
    held, owed, price_c, price_d, bonus, fee, wanted, health, other, rounding, name
):
    terms = load_lending_rulebook(name).close
    collateral, debt = seizure.Side(held, price_c, 10**18), seizure.Side(owed, price_d, 10**6)
    found = seizure.seize(
        terms, collateral, debt, wanted=wanted, bonus=bonus, fee_bps=fee, health=health,
        other_collateral=other, rounding=rounding,
    )  # fmt: skip
    taken = found.to_liquidator + found.fee
    assert 0 <= found.repaid <= max(found.most_debt, 1) and found.most_debt <= owed
    assert 0 <= found.fee and 0 <= taken <= held
    fair = Fraction(found.repaid * price_d, 10**6) * Fraction(bonus, BPS)
    assert Fraction(taken * price_c, 10**18) <= fair + Fraction(2 * price_c, 10**18) + Fraction(
        2 * price_d, 10**6
    )
    bonus_part = taken - Fraction(taken * BPS, bonus)
    assert abs(found.fee - bonus_part * Fraction(fee, BPS)) <= 2
    assert found.deficit == (owed - found.repaid if taken == held and not other else 0)
    if health > terms.whole_below and not terms.small:
        assert found.most_debt == owed * terms.share_bps // BPS


def test_a_healthy_account_and_nothing_to_take_are_refused():
    side = seizure.Side(10, 10, 1)
    terms = load_lending_rulebook("aave-v3.7").close
    with pytest.raises(InputError, match="Only below 1"):
        seizure.seize(terms, side, side, wanted=1, bonus=10_500, health=WAD)
    with pytest.raises(InputError, match="no debt, collateral or price"):
        seizure.seize(terms, side._replace(amount=0), side, wanted=1, bonus=10_500, health=0)


@given(st.integers(0, WAD - 1))
def test_the_incentive_never_passes_its_cap_nor_the_point_where_loans_get_worse(threshold):
    found = isolated_loan.incentive(threshold)
    assert WAD <= found <= isolated_loan.MOST_INCENTIVE
    assert found * threshold < WAD * WAD


@given(
    st.integers(1, 10**22), st.integers(1, 10**22), st.integers(1, 10**40), st.integers(1, WAD - 1), st.data()
)
def test_seizing_all_writes_off_the_rest_at_once(collateral, debt, price, threshold, data):
    seized = data.draw(st.integers(1, collateral))
    shares = debt * isolated_loan.VIRTUAL_SHARES
    found = isolated_loan.seize_part(
        collateral,
        shares,
        total_assets=debt,
        total_shares=shares,
        price=price,
        threshold=threshold,
        seized=seized,
    )
    worth = Fraction(seized * price, isolated_loan.PRICE) * Fraction(WAD, isolated_loan.incentive(threshold))
    assert worth <= found.repaid_assets <= worth + 3
    assert found.collateral_left == collateral - seized
    if found.collateral_left or found.repaid_assets >= debt:
        assert found.bad_debt == 0
    else:
        assert found.bad_debt == debt - found.repaid_assets


@given(st.integers(1, 99), st.integers(50, 130), st.integers(1, 40), st.integers(1, 9))
def test_slices_lower_health_just_below_the_root_of_the_threshold(threshold, owed, cap, share):
    limit, debt = Fraction(threshold, 100), Fraction(owed)
    loan = isolated_loan.Loan(Fraction(100), Fraction(1), debt, Fraction(1), limit)
    before = isolated_loan.health_of([loan])
    assume(before < 1)
    found = isolated_loan.take_over(loan, before, most_discount=Fraction(cap, 100), share=Fraction(share, 10))
    assert found.received <= 100 and found.repaid <= debt and found.discount <= Fraction(cap, 100)
    left = loan._replace(collateral=100 - found.received, debt=debt - found.repaid)
    if found.written_off or not left.debt or found.received == 100:
        return
    after = isolated_loan.health_of([left])
    if found.discount == 1 - before:
        assert (after < before) == (before * before < limit)


@given(st.fractions(0, 10**6), st.fractions(0, 10**6))
def test_what_is_absorbed_is_paid_by_reserves_or_lost(debt, credit):
    found = seizure.absorb(debt, credit)
    assert found.paid == debt + found.balance and found.balance * found.bad_debt == 0
    assert found.balance - found.bad_debt == credit - debt


def test_every_lending_rulebook_loads_and_names_terms_that_make_loans_worse():
    books = {name.partition("@")[0]: load_lending_rulebook(name) for name in list_lending_rulebooks()}
    assert set(books) == {"aave-v3.0", "aave-v3.3", "aave-v3.7", "compound-v3", "euler-v2", "morpho-blue"}
    assert books["aave-v3.7"].warnings == () and "threshold 0.95" in books["euler-v2"].warnings[0]
    text = (
        '[venue]\nname = "x"\ntitle = "x"\neffective = "2026-01-01"\nnumeraire = "USD"\nsource = "s"\n'
        '[sources]\ns = "a document"\n[market]\nsource = "s"\nkind = "pool"\n'
        '[reserves.A]\nsource = "s"\ndecimals = 6\nltv = "90 %"\nthreshold = "96 %"\nbonus = "5 %"\n'
    )
    (warning,) = parse_lending_rulebook(text, file="x.toml").warnings
    assert warning.startswith("A: threshold x (1 + bonus) = 1.0080")
    with pytest.raises(RulebookError, match=r"x\.toml: reserves\.A\.threshold"):
        parse_lending_rulebook(text.replace('"96 %"', '"80 %"'), file="x.toml")
    with pytest.raises(RulebookError, match="finer than a basis point"):
        parse_lending_rulebook(text.replace('"5 %"', '"5.001 %"'), file="x.toml")
