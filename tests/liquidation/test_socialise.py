"""Socialised losses: exact to the atom, explicit about what nobody pays, equal to published examples."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.liquidation import socialise as so
from seawall.units import PPB
from tests.liquidation.regimes import HUGE, amounts


def i64(values) -> np.ndarray:
    return np.array(list(values), dtype=np.int64)


def listed(values: np.ndarray) -> list[int]:
    return [int(value) for value in values]


def test_drift_perp_bankruptcy_costs_both_sides_10_per_unit() -> None:
    # vector drift-bankr-perp: loss 100 over 5 long and 5 short
    found = so.per_open_interest(i64([5, -5]), 100)
    assert listed(found.paid_atoms) == [50, 50] and found.unpaid_atoms == 0
    assert so.index_step(100, 10) == 10
    # drift-bankr-perp-feepool: 50 paid by the fee pool first
    assert (
        listed(so.per_open_interest(i64([5, -5]), 50).paid_atoms) == [25, 25] and so.index_step(50, 10) == 5
    )


def test_drift_index_steps_round_up_as_published() -> None:
    assert so.index_step(100_000_000, 7 + 4) * 1000 == 9_090_910_000  # drift-socialise-funding
    assert so.index_step(11, 120, scale=10**10) == 916_666_667  # drift-socialise-deposits


def test_drift_spot_bankruptcy_lowers_every_deposit_by_a_tenth() -> None:
    # vector drift-bankr-spot: 100 of 1000
    found = so.over_positive_equity(i64([700, 300, 0, -50]), 100)
    assert listed(found.paid_atoms) == [70, 30, 0, 0] and found.unpaid_atoms == 0


def test_only_the_winning_side_pays_when_the_rule_says_so() -> None:
    found = so.per_open_interest(i64([6, -4, 2, -4]), 80, sides="winning", winning_sign=1)
    assert listed(found.paid_atoms) == [60, 0, 20, 0]
    shorts = so.per_open_interest(i64([6, -4, 2, -4]), 80, sides="winning", winning_sign=-1)
    assert listed(shorts.paid_atoms) == [0, 40, 0, 40]


def test_a_limit_moves_the_rest_to_the_others_and_says_what_is_left() -> None:
    found = so.per_open_interest(i64([5, -5]), 100, limits_atoms=i64([20, 500]))
    assert listed(found.paid_atoms) == [20, 80] and found.unpaid_atoms == 0
    poor = so.per_open_interest(i64([5, -5]), 100, limits_atoms=i64([20, 30]))
    assert listed(poor.paid_atoms) == [20, 30] and poor.unpaid_atoms == 50


def test_without_open_interest_everything_stays_unpaid() -> None:
    found = so.per_open_interest(i64([0, 0]), 7)
    assert listed(found.paid_atoms) == [0, 0] and found.unpaid_atoms == 7
    with pytest.raises(InputError):
        so.index_step(7, 0)


def test_paradex_example_agrees_with_its_formula_when_the_fund_is_not_a_balance() -> None:
    # vector paradex-socialized-loss: three users of 1,000, shortfall 1,000. Printed: 25 %, 125 on 500.
    users = so.withdrawal_haircut(i64([1000, 1000, 1000]), 1000)
    assert users.haircut_ppb == PPB // 4 and so.withdrawal_fee(500, 3000, 1000) == 125
    # Counting the fund's 1,000 too gives the 20 % that the formula seems to say.
    with_fund = so.withdrawal_haircut(i64([1000, 1000, 1000, 1000]), 1000)
    assert with_fund.haircut_ppb == PPB // 5 and so.withdrawal_fee(500, 4000, 1000) == 100
    # Either way it withholds less than the shortfall, and says so.
    assert listed(users.withheld_atoms) == [250, 250, 250] and users.unpaid_atoms == 250


def test_derive_withdrawal_fee_is_debt_over_debt_plus_deposits_and_covers_the_debt() -> None:
    # vector derive-socialised-withdrawal: debt 100,000, deposits 1,000,000, withdraw 20,000 -> 9.09 %, 1,818
    found = so.withdrawal_haircut(i64([600_000, 500_000]), 100_000, held_atoms=1_000_000)
    assert found.haircut_ppb == 90_909_091
    assert so.withdrawal_fee(20_000, 1_000_000, 100_000) == 1819  # 1,818.18 rounded up
    assert sum(listed(found.withheld_atoms)) == 100_000 and found.unpaid_atoms == 0


def test_nobody_left_to_withdraw_leaves_the_whole_shortfall_unpaid() -> None:
    for balances in ([], [0, 0]):
        found = so.withdrawal_haircut(i64(balances), 5)
        assert found.haircut_ppb == PPB and found.unpaid_atoms == 5
    assert so.withdrawal_haircut(i64([5]), 0).haircut_ppb == 0


@given(amounts(), st.integers(0, HUGE), st.data())
def test_every_rule_accounts_for_the_whole_loss(sizes, loss, data) -> None:
    signs = [data.draw(st.sampled_from([-1, 1])) for _ in sizes]
    signed = i64(s * size for s, size in zip(signs, sizes))
    winning = data.draw(st.sampled_from([-1, 1]))
    for found in (
        so.per_open_interest(signed, loss),
        so.per_open_interest(signed, loss, sides="winning", winning_sign=winning),
        so.per_open_interest(signed, loss, limits_atoms=i64(sizes)),
        so.over_positive_equity(signed, loss),
    ):
        assert sum(listed(found.paid_atoms)) + found.unpaid_atoms == loss
        assert found.unpaid_atoms >= 0 and all(x >= 0 for x in listed(found.paid_atoms))
    for x, equity in zip(listed(so.over_positive_equity(signed, loss).paid_atoms), listed(signed)):
        assert x <= max(0, equity)


@given(amounts(), st.integers(0, HUGE), st.one_of(st.none(), st.integers(0, HUGE)))
def test_a_haircut_never_takes_more_than_a_balance_and_is_rounded_up(balances, shortfall, held) -> None:
    found = so.withdrawal_haircut(i64(balances), shortfall, held_atoms=held)
    held_now = sum(balances) if held is None else held
    exact = Fraction(shortfall, held_now + shortfall) if shortfall else Fraction(0)
    assert exact <= Fraction(found.haircut_ppb, PPB) < exact + Fraction(1, PPB)
    withheld = listed(found.withheld_atoms)
    assert all(0 <= x <= b for x, b in zip(withheld, balances))
    assert sum(withheld) + found.unpaid_atoms == shortfall and found.unpaid_atoms >= 0
    real = min(Fraction(shortfall), sum(balances) * exact)
    assert 0 <= sum(withheld) - real < 1


@given(st.integers(0, HUGE), st.integers(0, HUGE), st.integers(1, HUGE))
def test_the_exact_fee_is_never_more_than_the_rounded_haircut_takes(withdrawn, held, shortfall) -> None:
    fee = so.withdrawal_fee(withdrawn, held, shortfall)
    rounded = so.withdrawal_haircut(i64([]), shortfall, held_atoms=held).haircut_ppb
    assert Fraction(withdrawn * shortfall, held + shortfall) <= fee <= -(-withdrawn * rounded // PPB)


@pytest.mark.parametrize(
    "call",
    [
        lambda: so.per_open_interest(i64([1]), 1, sides="winning"),
        lambda: so.per_open_interest(i64([1]), -1),
        lambda: so.withdrawal_haircut(i64([-1]), 1),
        lambda: so.withdrawal_haircut(i64([1]), -1),
        lambda: so.withdrawal_fee(-1, 1, 1),
    ],
)
def test_bad_input_is_refused_with_a_reason(call) -> None:
    with pytest.raises(InputError, match=r"\n  "):
        call()
