"""Allocation of a loss: exact sums, bounds, fairness, and agreement with slow models in fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError, NumberError
from seawall.liquidation import allocation as al
from seawall.units import PPB
from tests.liquidation import slow_oracles as slow
from tests.liquidation.regimes import HUGE, amounts, ids_for, losses


def i64(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def listed(values: np.ndarray) -> list[int]:
    assert values.dtype == np.int64
    return [int(value) for value in values]


@st.composite
def cases(draw: st.DrawFn, max_size: int = 8) -> tuple[list[int], int, list[int]]:
    capacities = draw(amounts(max_size))
    return capacities, draw(losses(sum(capacities))), draw(ids_for(len(capacities)))


# --- the published toy cases, in 1/32 of a dollar so that they are whole --------------------------

TOY_WINNERS, TOY_LOSS = [10 * 32, 5 * 32, 1 * 32], 15 * 32 // 2  # theta = 1/2 of D = 3 + 12


def test_toy_queue_leaves_7_5_and_0_and_1() -> None:
    paid = listed(al.queue(i64([1, 0, 2]), i64(TOY_WINNERS), TOY_LOSS))
    assert [Fraction(u - x, 32) for u, x in zip(TOY_WINNERS, paid)] == [Fraction(15, 2), 0, 1]
    assert [Fraction(x, u) for u, x in zip(TOY_WINNERS, paid)] == [Fraction(1, 4), 1, 0]


def test_toy_pro_rata_takes_15_32_of_everybody() -> None:
    paid = listed(al.pro_rata(i64(TOY_WINNERS), TOY_LOSS))
    left = [Fraction(u - x, 32) for u, x in zip(TOY_WINNERS, paid)]
    assert left == [Fraction(170, 32), Fraction(85, 32), Fraction(17, 32)]
    assert all(Fraction(x, u) == Fraction(15, 32) for u, x in zip(TOY_WINNERS, paid))


@pytest.mark.parametrize("big", [2, 7, 10**6, HUGE])
@pytest.mark.parametrize("rounds", [2, 10])
def test_toy_regret_of_a_fixed_queue_is_half_the_rounds_times_1_minus_1_over_m(big: int, rounds: int) -> None:
    regret = Fraction(0)
    for number in range(rounds):
        capacities = i64([1, big] if number % 2 == 0 else [big, 1])
        fixed = Fraction(*al.largest_haircut(al.queue(i64([0, 1]), capacities, 1), capacities))
        best = Fraction(*al.largest_haircut(al.min_max(capacities, 1), capacities))
        regret += fixed - best
    assert regret == Fraction(rounds, 2) * (1 - Fraction(1, big))


def test_toy_regret_against_fractional_pro_rata_is_larger_than_the_published_one() -> None:
    """The published figure compares with the best WHOLE atom; the continuous optimum B/U is lower still."""
    big = 7
    per_pair = (1 + Fraction(1, big)) - 2 * Fraction(1, 1 + big)
    assert per_pair > 1 - Fraction(1, big)


# --- sums and bounds ------------------------------------------------------------------------------


@given(cases(), st.data())
def test_every_rule_pays_exactly_what_can_be_paid_within_the_capacities(case, data) -> None:
    capacities, loss, ids = case
    order = i64(data.draw(st.permutations(range(len(capacities)))))
    for paid in (
        al.queue(order, i64(capacities), loss),
        al.pro_rata(i64(capacities), loss, ids=i64(ids)),
        al.min_max(i64(capacities), loss, ids=i64(ids)),
        al.capped_pro_rata(i64(capacities), i64([PPB] * len(capacities)), loss, ids=i64(ids)),
        al.water_fill(i64(capacities), i64(capacities), loss, ids=i64(ids)),
    ):
        assert sum(listed(paid)) == min(loss, sum(capacities))
        assert all(0 <= x <= u for x, u in zip(listed(paid), capacities))


@given(cases(), st.data())
def test_queue_matches_the_cumulative_form_and_has_at_most_one_partial(case, data) -> None:
    capacities, loss, _ = case
    order = data.draw(st.permutations(range(len(capacities))))
    paid = listed(al.queue(i64(order), i64(capacities), loss))
    assert paid == slow.queue(order, capacities, loss)
    assert sum(0 < x < u for x, u in zip(paid, capacities)) <= 1


@given(cases())
def test_pro_rata_matches_the_fraction_model(case) -> None:
    capacities, loss, ids = case
    expected = slow.hamilton(capacities, min(loss, sum(capacities)), ids)
    assert listed(al.pro_rata(i64(capacities), loss, ids=i64(ids))) == expected


@given(amounts(), st.integers(0, HUGE), st.data())
def test_apportion_matches_the_fraction_model_without_capacities(weights, total, data) -> None:
    ids = data.draw(ids_for(len(weights)))
    assert listed(al.apportion(i64(weights), total, ids=i64(ids))) == slow.hamilton(weights, total, ids)


@given(cases())
def test_pro_rata_gives_everybody_the_same_haircut_within_one_atom(case) -> None:
    capacities, loss, ids = case
    whole, total = sum(capacities), min(loss, sum(capacities))
    for x, u in zip(listed(al.pro_rata(i64(capacities), loss, ids=i64(ids))), capacities):
        assert abs(x * whole - u * total) < max(1, whole)


@given(cases())
def test_pro_rata_never_lets_a_larger_account_pay_less(case) -> None:
    capacities, loss, ids = case
    paid = listed(al.pro_rata(i64(capacities), loss, ids=i64(ids)))
    pairs = sorted(zip(capacities, paid))
    for (u, x), (v, y) in pairwise(pairs):
        assert x <= y or u == v


@given(cases(), st.data())
def test_splitting_an_account_moves_its_pro_rata_share_by_at_most_one_atom(case, data) -> None:
    capacities, loss, ids = case
    if not capacities:
        return
    who = data.draw(st.integers(0, len(capacities) - 1))
    part = data.draw(st.integers(0, capacities[who]))
    before = listed(al.pro_rata(i64(capacities), loss, ids=i64(ids)))[who]
    split = [*capacities, part]
    split[who] -= part
    after = listed(al.pro_rata(i64(split), loss, ids=i64([*ids, max(ids) + 1])))
    assert abs(after[who] + after[-1] - before) <= 1


def test_splitting_an_account_empties_a_queue_share_which_pro_rata_does_not() -> None:
    """A queue by size hits the whale; cut in ten it is no longer first. Pro-rata is immune to that."""
    whole, cut = [100, 60], [10] * 10 + [60]
    by_size = al.queue(i64([0, 1]), i64(whole), 50)
    after = al.queue(i64([10, *range(10)]), i64(cut), 50)
    assert listed(by_size) == [50, 0] and sum(listed(after)[:10]) == 0
    assert abs(listed(al.pro_rata(i64(whole), 50))[0] - sum(listed(al.pro_rata(i64(cut), 50))[:10])) <= 1


# --- ties, order of rows --------------------------------------------------------------------------


def test_left_over_atoms_go_to_the_lowest_id_whatever_the_row_order() -> None:
    assert listed(al.pro_rata(i64([5, 5, 5]), 7, ids=i64([30, 10, 20]))) == [2, 3, 2]
    assert listed(al.pro_rata(i64([5, 5, 5]), 8, ids=i64([30, 10, 20]))) == [2, 3, 3]
    assert listed(al.min_max(i64([5, 5, 5]), 7, ids=i64([30, 10, 20]))) == [2, 3, 2]
    assert listed(al.water_fill(i64([1, 1, 1]), i64([9, 9, 9]), 7, ids=i64([30, 10, 20]))) == [2, 3, 2]


@given(cases(), st.data())
def test_shuffling_the_rows_shuffles_the_answer(case, data) -> None:
    capacities, loss, ids = case
    rows = data.draw(st.permutations(range(len(capacities))))
    for rule in (al.pro_rata, al.min_max):
        straight = listed(rule(i64(capacities), loss, ids=i64(ids)))
        mixed = rule(i64([capacities[r] for r in rows]), loss, ids=i64([ids[r] for r in rows]))
        assert listed(mixed) == [straight[r] for r in rows]


# --- min-max --------------------------------------------------------------------------------------


@given(cases())
def test_min_max_reaches_the_optimum_found_by_bisection(case) -> None:
    capacities, loss, ids = case
    paid = al.min_max(i64(capacities), loss, ids=i64(ids))
    found = Fraction(*al.largest_haircut(paid, i64(capacities)))
    assert found == slow.smallest_largest_haircut(capacities, min(loss, sum(capacities)))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.data())
def test_min_max_is_the_best_of_all_whole_splits_in_tiny_cases(capacities, data) -> None:
    total = data.draw(st.integers(0, sum(capacities)))
    best = min(
        max([Fraction(x, u) for x, u in zip(split, capacities) if u], default=Fraction(0))
        for split in slow.every_split(capacities, total)
    )
    paid = al.min_max(i64(capacities), total)
    assert Fraction(*al.largest_haircut(paid, i64(capacities))) == best


@given(cases())
def test_min_max_in_real_numbers_is_pro_rata_and_in_atoms_lies_within_one_step_of_it(case) -> None:
    capacities, loss, ids = case
    whole, total = sum(capacities), min(loss, sum(capacities))
    if whole == 0:
        return
    share = Fraction(total, whole)
    # Independent: the level at which z * u adds up to B, by bisection, is B/U.
    assert abs(slow.level(capacities, capacities, total) - share) < Fraction(1, 2**130)
    best = Fraction(*al.largest_haircut(al.min_max(i64(capacities), loss, ids=i64(ids)), i64(capacities)))
    fair = Fraction(*al.largest_haircut(al.pro_rata(i64(capacities), loss, ids=i64(ids)), i64(capacities)))
    assert share <= best <= fair
    assert all(
        x * whole >= u * total - whole for x, u in zip(listed(al.min_max(i64(capacities), loss)), capacities)
    )


@given(cases())
def test_min_max_never_lowers_a_share_when_the_loss_grows_by_one(case) -> None:
    capacities, loss, ids = case
    now = listed(al.min_max(i64(capacities), loss, ids=i64(ids)))
    then = listed(al.min_max(i64(capacities), loss + 1, ids=i64(ids)))
    assert all(x <= y for x, y in zip(now, then))


def test_whole_atoms_make_min_max_and_pro_rata_differ_on_a_tiny_account() -> None:
    assert listed(al.pro_rata(i64([1, 10]), 6)) == [
        1,
        5,
    ]  # largest remainder: the tiny account loses everything
    assert listed(al.min_max(i64([1, 10]), 6)) == [0, 6]  # min-max: nobody loses more than 60 %


# --- caps and water-filling -----------------------------------------------------------------------


@st.composite
def limited(draw: st.DrawFn) -> tuple[list[int], list[int], int]:
    weights = draw(amounts())
    limits = [draw(st.one_of(st.integers(0, 5), st.integers(0, HUGE), st.just(w))) for w in weights]
    payable = sum(limit for w, limit in zip(weights, limits) if w)
    return weights, limits, draw(losses(payable))


@given(limited())
def test_water_fill_is_within_one_atom_of_the_level_found_by_bisection(case) -> None:
    weights, limits, total = case
    paid = listed(al.water_fill(i64(weights), i64(limits), total))
    payable = sum(limit for w, limit in zip(weights, limits) if w)
    target = min(total, payable)
    assert sum(paid) == target
    assert all(0 <= x <= limit for x, limit in zip(paid, limits))
    if target == payable:
        assert paid == [limit if w else 0 for w, limit in zip(weights, limits)]
        return
    open_limits = [limit if w else 0 for w, limit in zip(weights, limits)]
    top = slow.level(weights, open_limits, target)
    # bisection leaves `top` a hair above the exact level: at most weight * 2^-137 per share
    slack = 1 + Fraction(1, 2**70)
    assert all(abs(x - min(Fraction(b), top * w)) < slack for x, w, b in zip(paid, weights, open_limits))


@given(cases(), st.data())
def test_capped_pro_rata_never_passes_a_cap_and_equals_pro_rata_when_no_cap_binds(case, data) -> None:
    capacities, loss, ids = case
    caps = [data.draw(st.sampled_from([0, 1, PPB // 3, PPB // 2, PPB])) for _ in capacities]
    paid = listed(al.capped_pro_rata(i64(capacities), i64(caps), loss, ids=i64(ids)))
    limits = [u * cap // PPB for u, cap in zip(capacities, caps)]
    assert sum(paid) == min(loss, sum(limits))
    assert all(x <= limit for x, limit in zip(paid, limits))
    free = listed(al.pro_rata(i64(capacities), loss, ids=i64(ids)))
    if all(x <= limit for x, limit in zip(free, limits)):
        uncapped = al.capped_pro_rata(i64(capacities), i64([PPB] * len(caps)), loss, ids=i64(ids))
        assert listed(uncapped) == free


def test_capped_pro_rata_moves_the_capped_part_to_the_others_in_proportion() -> None:
    # exact level: account 0 stops at 10 % = 10; the other 90 come from 200 + 100 at 30 %
    caps = i64([PPB // 10, PPB, PPB])
    assert listed(al.capped_pro_rata(i64([100, 200, 100]), caps, 100)) == [10, 60, 30]


# --- contracts ------------------------------------------------------------------------------------


@given(amounts(), st.sampled_from([1, 7, 10**6]), st.data())
def test_lots_cover_the_loss_with_less_than_one_contract_too_much(lots, gap, data) -> None:
    loss = data.draw(losses(sum(lots) * gap))
    split = al.pro_rata_lots(i64(lots), gap, loss)
    assert split.raised_atoms == sum(listed(split.lots)) * gap
    assert split.raised_atoms + split.unpaid_atoms - split.excess_atoms == loss
    assert 0 <= split.excess_atoms < gap and (split.unpaid_atoms == 0 or listed(split.lots) == lots)
    assert all(0 <= x <= q for x, q in zip(listed(split.lots), lots))


@given(amounts(), st.sampled_from([1, 7, 10**6]), st.data())
def test_lots_never_close_an_account_beyond_what_it_can_lose(lots, gap, data) -> None:
    can_lose = [data.draw(st.sampled_from([0, gap - 1, gap, 5 * gap + 3, HUGE])) for _ in lots]
    split = al.pro_rata_lots(
        i64(lots), gap, data.draw(losses(sum(lots) * gap)), capacities_atoms=i64(can_lose)
    )
    assert all(x * gap <= u for x, u in zip(listed(split.lots), can_lose))


def test_contract_pro_rata_closes_whole_contracts_by_largest_remainder() -> None:
    split = al.pro_rata_lots(
        i64([6, 3, 1]), 100, 450
    )  # 5 contracts: exact shares 3, 1.5, 0.5; tie to the first
    assert listed(split.lots) == [3, 2, 0] and split.excess_atoms == 50 and split.unpaid_atoms == 0


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda: al.pro_rata(np.array([1.0, 2.0]), 1),
        lambda: al.pro_rata(i64([1, -2]), 1),
        lambda: al.pro_rata(i64([1, 2]), -1),
        lambda: al.pro_rata(np.array([[1, 2]]), 1),
        lambda: al.pro_rata(i64([1, 2]), 1, ids=i64([4, 4])),
        lambda: al.pro_rata(i64([1, 2]), 1, ids=i64([4])),
        lambda: al.queue(i64([0, 0]), i64([1, 2]), 1),
        lambda: al.queue(i64([0]), i64([1, 2]), 1),
        lambda: al.queue(i64([0, 2]), i64([1, 2]), 1),
        lambda: al.capped_pro_rata(i64([1]), i64([PPB + 1]), 1),
        lambda: al.water_fill(i64([1]), i64([1, 2]), 1),
        lambda: al.pro_rata_lots(i64([1]), 0, 1),
        lambda: al.pro_rata_lots(i64([1]), 1, 1, capacities_atoms=i64([1, 2])),
    ],
)
def test_bad_input_is_refused_with_a_reason(call) -> None:
    with pytest.raises(InputError, match=r"\n  "):
        call()


def test_a_share_beyond_64_bits_is_refused_not_wrapped() -> None:
    with pytest.raises(NumberError):
        al.apportion(i64([1]), 2**63)


def test_twenty_thousand_accounts_near_the_64_bit_limit_are_exact() -> None:
    capacities = [HUGE - 7 * i for i in range(20_000)]
    whole = sum(capacities)
    loss = whole // 3
    for rule in (al.pro_rata, al.min_max):
        paid = listed(rule(i64(capacities), loss))
        assert sum(paid) == loss
        assert all(abs(x * whole - u * loss) < whole for x, u in zip(paid, capacities))
