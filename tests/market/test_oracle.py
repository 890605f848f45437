"""The price pipeline, step by step: staleness, outliers, quorum, doubt, averages, mark, clamp, confidence."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.market.oracle import NANO, Price, Seen, ema, form_price, median
from seawall.market.policy import Action, Condition, OraclePolicy

SECOND = 10**9
PERCENT = 10**7


def policy(**terms: Any) -> OraclePolicy:
    plain: dict[str, Any] = {
        "sources": ("a", "b", "c"),
        "quorum": 2,
        "max_age_ns": 60 * SECOND,
        "outlier_ppb": 2 * PERCENT,
        "max_step_ppb": 10 * PERCENT,
        "step_window_ns": 30 * SECOND,
        "max_confidence_ppb": PERCENT,
    }
    return OraclePolicy(**(plain | terms))


def seen(*ticks: int, at: int = 0, confidence: int = 0) -> tuple[Seen, ...]:
    """The last word of each source; 0 = never heard."""
    return tuple(Seen(t, at, confidence) if t else Seen() for t in ticks)


def good(ticks: int, **fields: Any) -> Price:
    fields = {"stable_nano": ticks * NANO, "updated_ns": 0} | fields
    return Price(index_ticks=ticks, mark_ticks=ticks, stable_ticks=ticks, conditions=0, **fields)


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=9))
def test_the_median_is_the_middle_and_rounds_down(values: list[int]) -> None:
    found, ordered = median(values), sorted(values)
    assert 2 * sum(value < found for value in ordered) <= len(ordered)
    assert 2 * sum(value > found for value in ordered) <= len(ordered)
    exact = Fraction(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2], 2)
    assert 0 <= exact - found < 1


@given(
    st.integers(-(10**18), 10**18),
    st.integers(-(10**18), 10**18),
    st.integers(0, 10**12),
    st.integers(1, 10**12),
)
def test_an_average_moves_towards_its_sample_and_never_past_it(
    before: int, sample: int, elapsed: int, tau: int
) -> None:
    after = ema(before, sample, elapsed_ns=elapsed, tau_ns=tau)
    assert min(before, sample) <= after <= max(before, sample)
    exact = before + Fraction((sample - before) * elapsed, tau + elapsed)
    assert 0 <= exact - after < 1


def test_a_source_that_lies_is_dropped_and_does_not_move_the_index() -> None:
    found = form_price(policy(), seen(1000, 1004, 5000), Price(), now_ns=0)
    assert (found.index_ticks, found.mark_ticks, found.used, found.rejected) == (1002, 1002, 2, 1)
    assert found.conditions == Condition.GOOD


@pytest.mark.parametrize("far,accepted", [(1020, True), (1021, False), (980, True), (979, False)])
def test_an_outlier_is_further_than_the_limit_from_the_median(far: int, accepted: bool) -> None:
    found = form_price(policy(), seen(1000, 1000, far), Price(), now_ns=0)
    assert found.used == (3 if accepted else 2)


def test_too_few_that_agree_leave_the_last_good_price_standing_flagged() -> None:
    before = good(1000)
    for sources in (seen(1000, 0, 0), seen(900, 1100, 0), seen(900, 1000, 1100)):
        found = form_price(policy(), sources, before, now_ns=0)
        assert found.conditions == Condition.NO_QUORUM
        assert (found.index_ticks, found.mark_ticks, found.updated_ns) == (1000, 1000, 0)


def test_old_and_missing_sources_are_told_apart() -> None:
    at_limit = form_price(policy(), seen(1000, 1000, 0), good(1000), now_ns=60 * SECOND)
    assert at_limit.conditions == Condition.GOOD
    late = form_price(policy(), seen(1000, 1000, 0), good(1000), now_ns=60 * SECOND + 1)
    assert (late.conditions, late.index_ticks, late.used) == (Condition.STALE, 1000, 0)
    assert form_price(policy(), seen(0, 0, 0), Price(), now_ns=0).conditions == Condition.MISSING


def test_one_fresh_source_is_no_quorum_however_many_old_ones_there_are() -> None:
    sources = (Seen(1000, 100 * SECOND, 0), *seen(1000, 1000, at=0))
    found = form_price(policy(), sources, good(1000), now_ns=100 * SECOND)
    assert (found.conditions, found.used, found.rejected) == (Condition.NO_QUORUM, 1, 2)


def test_a_jump_is_doubted_until_it_has_stood_for_the_window() -> None:
    price = good(1000)
    for second, ticks, believed in ((1, 1200, False), (20, 1210, False), (30, 1205, False), (31, 1205, True)):
        price = form_price(policy(), seen(*[ticks] * 3, at=second * SECOND), price, now_ns=second * SECOND)
        assert (price.conditions == Condition.GOOD) == believed
        assert price.index_ticks == (ticks if believed else 1000)
    assert (price.step_since_ns, price.updated_ns) == (0, 31 * SECOND)


def test_a_jump_that_goes_away_is_forgotten() -> None:
    price = good(1000)
    for second, ticks in ((1, 1200), (2, 1001), (40, 1200)):
        price = form_price(policy(), seen(*[ticks] * 3, at=second * SECOND), price, now_ns=second * SECOND)
    assert price.conditions == Condition.DIVERGENT
    assert (price.index_ticks, price.step_since_ns) == (1001, 40 * SECOND)


@pytest.mark.parametrize(
    "silence", [seen(0, 0, 0), seen(1200, 0, 0, at=50 * SECOND), seen(800, 1200, 0, at=50 * SECOND)]
)
def test_a_jump_that_nobody_confirms_for_a_while_waits_anew(silence: tuple[Seen, ...]) -> None:
    price = form_price(policy(), seen(1200, 1200, 1200, at=SECOND), good(1000), now_ns=SECOND)
    price = form_price(policy(), silence, price, now_ns=50 * SECOND)
    price = form_price(policy(), seen(1200, 1200, 1200, at=60 * SECOND), price, now_ns=60 * SECOND)
    assert price.conditions == Condition.DIVERGENT and price.step_since_ns == 60 * SECOND
    price = form_price(policy(), seen(1200, 1200, 1200, at=90 * SECOND), price, now_ns=90 * SECOND)
    assert price.conditions == Condition.GOOD and price.index_ticks == 1200


@pytest.mark.parametrize("ticks,believed", [(1100, True), (1101, False), (900, True), (899, False)])
def test_the_limit_of_a_jump_is_inclusive(ticks: int, believed: bool) -> None:
    found = form_price(policy(), seen(ticks, ticks, ticks), good(1000), now_ns=0)
    assert (found.conditions == Condition.GOOD) == believed


def test_the_first_price_is_no_jump() -> None:
    assert form_price(policy(), seen(5, 5, 5), Price(), now_ns=0).index_ticks == 5


def test_confidence_is_the_middle_one_rounded_up_and_flags_a_wide_price() -> None:
    sources = (Seen(1000, 0, 7), Seen(1000, 0, 10), Seen())
    found = form_price(policy(), sources, Price(), now_ns=0)
    assert (found.confidence_ticks, found.conditions) == (9, Condition.GOOD)
    wide = form_price(policy(), seen(1000, 1000, 0, confidence=11), Price(), now_ns=0)
    assert (wide.index_ticks, wide.conditions) == (1000, Condition.WIDE)


# -- marks -------------------------------------------------------------------------------------------------


def marked(ticks: int, traded: int, before: Price, at: int, **terms: Any) -> Price:
    terms = {"ema_tau_ns": 10 * SECOND} | terms
    return form_price(
        policy(**terms), seen(ticks, ticks, ticks, at=at), before, now_ns=at, traded_ticks=traded
    )


def test_basis_mark_follows_the_average_of_what_trades_above_the_index() -> None:
    first = marked(1000, 1010, Price(), 0, mark="basis_ema")
    assert first.mark_ticks == 1010
    later = marked(1000, 1000, first, 10 * SECOND, mark="basis_ema")  # half way: dt = tau
    assert (later.basis_nano, later.mark_ticks) == (5 * NANO, 1005)
    index_moves = marked(1050, 1055, later, 20 * SECOND, mark="basis_ema")
    assert index_moves.mark_ticks == 1055
    assert marked(1050, 0, later, 20 * SECOND, mark="basis_ema").basis_nano == 5 * NANO


def test_median_mark_is_the_middle_of_index_fair_and_traded() -> None:
    before = good(1000, basis_nano=4 * NANO)
    assert marked(1000, 1030, before, 0, mark="median3").mark_ticks == 1004
    assert marked(1000, 1001, before, 0, mark="median3").mark_ticks == 1001
    assert marked(1000, 0, before, 0, mark="median3").mark_ticks == 1000


@pytest.mark.parametrize("traded,mark", [(1200, 1030), (700, 970), (1020, 1020)])
def test_the_mark_is_kept_near_the_index(traded: int, mark: int) -> None:
    found = marked(1000, traded, Price(), 0, mark="basis_ema", mark_clamp_ppb=3 * PERCENT)
    assert found.mark_ticks == mark


def test_a_mark_source_is_used_while_it_is_fresh_and_no_longer() -> None:
    terms = {"mark": "source", "mark_source": "c"}
    sources = (*seen(1000, 1002, at=70 * SECOND), Seen(1013, 10 * SECOND, 0))
    assert form_price(policy(**terms), sources, good(1000), now_ns=70 * SECOND).mark_ticks == 1013
    assert form_price(policy(**terms), sources, good(1000), now_ns=71 * SECOND).mark_ticks == 1001


# -- the slow price ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("every_ms", [100, 1000, 10_000])
def test_the_slow_price_follows_alike_however_often_it_is_reported(every_ms: int) -> None:
    """After one time constant between 1/2 (one step) and 1 - 1/e (many) of the way, up or down."""
    rules = policy(stable_tau_ns=600 * SECOND, max_step_ppb=0)
    for target in (10_100, 9_900):
        price, now = form_price(rules, seen(10_000, 10_000, 10_000), Price(), now_ns=0), 0
        while now < 600 * SECOND:
            now += every_ms * 10**6
            price = form_price(rules, seen(target, target, target, at=now), price, now_ns=now)
        way = Fraction(price.stable_nano - 10_000 * NANO, (target - 10_000) * NANO)
        assert Fraction(61, 100) < way < Fraction(64, 100)
        assert price.stable_ticks == price.stable_nano // NANO


def test_the_slow_price_is_the_index_where_it_is_off() -> None:
    found = form_price(policy(), seen(1050, 1050, 1050), good(1000), now_ns=SECOND)
    assert found.stable_ticks == 1050


# -- verdicts ----------------------------------------------------------------------------------------------


@given(st.integers(0, 31), st.integers(0, 31))
def test_an_action_is_allowed_when_it_tolerates_everything_that_is_wrong(
    conditions: int, tolerated: int
) -> None:
    rules = policy(tolerated=(0, tolerated, 0, 0, 0))
    wrong = [bit for bit in Condition if conditions & bit]
    assert rules.allows(Action.LIQUIDATE, conditions) == all(tolerated & bit for bit in wrong)
    assert rules.allows(Action.VALUE, conditions) == (not wrong)


@given(
    st.lists(
        st.tuples(st.integers(0, 2000), st.integers(0, 100), st.integers(0, 50)), min_size=3, max_size=3
    ),
    st.integers(0, 2000),
    st.integers(0, 100),
)
def test_whatever_is_heard_the_index_is_a_median_of_it_or_the_last_one(
    heard: list[tuple[int, int, int]], last: int, now: int
) -> None:
    sources = tuple(Seen(max(t, 1), at * SECOND, c) if at <= now else Seen() for t, at, c in heard)
    before = good(last) if last else Price()
    found = form_price(policy(), sources, before, now_ns=now * SECOND)
    assert found.used + found.rejected == sum(s.observed_ns >= 0 for s in sources)
    if found.conditions & ~Condition.WIDE:
        same = {"conditions": found.conditions, "used": found.used, "rejected": found.rejected}
        assert msgspec.structs.replace(before, **same, step_since_ns=found.step_since_ns) == found
    else:
        fresh = [
            s.price_ticks for s in sources if s.observed_ns >= 0 and s.observed_ns >= (now - 60) * SECOND
        ]
        assert min(fresh) <= found.index_ticks <= max(fresh)
        assert found.used >= 2
        assert not last or abs(found.index_ticks - last) * 10 <= last
