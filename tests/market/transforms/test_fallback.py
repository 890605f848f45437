"""The price feed with a fallback, against a transcription of its contract; the ladder of Drift."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.market.policy import Condition
from seawall.market.transforms.fallback import (
    GOOD,
    PRIMARY,
    SECONDARY,
    Fallback,
    Health,
    Status,
    Trust,
    decide,
)
from seawall.market.transforms.reading import WAD, Last, Reading
from seawall.market.transforms.validity import Validity, Verdict
from tests.market.transforms.test_memory import HOUR, SECOND, said

WORKING, SECOND_USED, NEITHER, FROZEN, FIRST_USED = Status


def fetch_price(status, h):
    """`fetchPrice` step by step, in its order, with nothing merged."""
    if status == WORKING:
        if h.primary_broken:
            if h.secondary_broken:
                return NEITHER, GOOD
            return SECOND_USED, GOOD if h.secondary_frozen else SECONDARY
        if h.primary_frozen:
            if h.secondary_broken:
                return FIRST_USED, GOOD
            return FROZEN, GOOD if h.secondary_frozen else SECONDARY
        if h.jumped:
            if h.secondary_broken:
                return NEITHER, GOOD
            if h.secondary_frozen:
                return SECOND_USED, GOOD
            return (WORKING, PRIMARY) if h.alike else (SECOND_USED, SECONDARY)
        return (FIRST_USED if h.secondary_broken else WORKING), PRIMARY
    well = h.alike and not any((h.primary_broken, h.primary_frozen, h.secondary_broken, h.secondary_frozen))
    if status == SECOND_USED:
        if well:
            return WORKING, PRIMARY
        if h.secondary_broken:
            return NEITHER, GOOD
        return SECOND_USED, GOOD if h.secondary_frozen else SECONDARY
    if status == NEITHER:
        return (WORKING, PRIMARY) if well else (NEITHER, GOOD)
    if status == FROZEN:
        if h.primary_broken:
            if h.secondary_broken:
                return NEITHER, GOOD
            return SECOND_USED, GOOD if h.secondary_frozen else SECONDARY
        if h.primary_frozen:
            if h.secondary_broken:
                return FIRST_USED, GOOD
            return FROZEN, GOOD if h.secondary_frozen else SECONDARY
        if h.secondary_broken:
            return FIRST_USED, PRIMARY
        if h.secondary_frozen:
            return FROZEN, GOOD
        return (WORKING, PRIMARY) if h.alike else (SECOND_USED, SECONDARY)
    if h.primary_broken:
        return NEITHER, GOOD
    if h.primary_frozen:
        return FIRST_USED, GOOD
    if well:
        return WORKING, PRIMARY
    return (NEITHER, GOOD) if h.jumped else (FIRST_USED, PRIMARY)


def test_every_state_of_both_oracles_leads_where_the_contract_leads():
    fields = Health.__struct_fields__
    for status, flags in product(Status, product((False, True), repeat=len(fields))):
        health = Health(**dict(zip(fields, flags, strict=True)))
        assert decide(status, health) == fetch_price(status, health), (status, health)


def feed(price, second, *, prev=200, at=10**6, second_at=10**6):
    rule = Fallback(secondary="tellor")
    state = Trust(good=Last(150 * WAD), newest=Last(prev * WAD, (at - 1) * SECOND))
    words = {"tellor": said(second, second_at * SECOND)}
    state, out = rule.step(state, said(price, at * SECOND), words, 10**6 * SECOND)
    return out.price, Status(state.status), out.conditions


@pytest.mark.parametrize(
    "price,second,expected",
    [
        (100 * WAD, 203 * WAD, (100 * WAD, WORKING, 0)),  # a fall of 50 % is no jump, one wei more is
        (100 * WAD - 10**10, 203 * WAD, (203 * WAD, SECOND_USED, 0)),
        (90 * WAD, 94 * WAD + WAD // 2, (90 * WAD, WORKING, 0)),  # 5 % apart is agreement
        (90 * WAD, 94 * WAD + WAD // 2 + 10**3, (94 * WAD + WAD // 2 + 10**3, SECOND_USED, 0)),
        (400 * WAD, 203 * WAD, (400 * WAD, WORKING, 0)),
        (400 * WAD + 10**10, 203 * WAD, (203 * WAD, SECOND_USED, 0)),
        (0, 0, (150 * WAD, NEITHER, Condition.DIVERGENT)),
        (None, None, (150 * WAD, NEITHER, Condition.DIVERGENT)),
        (200 * WAD, 0, (200 * WAD, FIRST_USED, 0)),
    ],
)
def test_the_price_feed_of_liquity_at_its_boundaries(price, second, expected):
    assert feed(price, second) == expected


def test_an_oracle_is_frozen_after_four_hours_and_not_at_them():
    old = 10**6 - 4 * 3600
    assert feed(200 * WAD, 123 * WAD, at=old) == (200 * WAD, WORKING, 0)
    assert feed(200 * WAD, 123 * WAD, at=old - 1) == (123 * WAD, FROZEN, 0)
    assert feed(200 * WAD, 123 * WAD, at=old - 1, second_at=old - 1) == (150 * WAD, FROZEN, Condition.STALE)


def test_a_word_from_the_future_or_a_bad_round_before_is_broken():
    assert feed(200 * WAD, 123 * WAD, at=10**6 + 1)[1] == SECOND_USED
    assert feed(200 * WAD, 123 * WAD, prev=-1)[1] == SECOND_USED
    rule = Fallback(secondary="tellor")
    state, out = rule.step(rule.start(), Reading(), {}, HOUR)
    assert out.price is None and out.conditions & Condition.MISSING
    # Nothing to begin with: the next good words are believed together, or not at all.
    both = {"tellor": said(100, HOUR)}
    assert rule.step(state, said(104, HOUR), both, HOUR)[1].price == 104
    assert rule.step(state, said(106, HOUR), both, HOUR)[1].price is None


@given(
    st.lists(st.tuples(*[st.integers(0, 500), st.integers(0, 500), st.integers(0, 3 * HOUR)]), max_size=20)
)
def test_the_feed_never_gives_a_price_that_no_oracle_gave(words):
    rule, now, given_so_far = Fallback(secondary="b"), HOUR, set()
    state = rule.start()
    for first, second, gap in words:
        now += gap + 1
        state, out = rule.step(state, said(first, now), {"b": said(second, now)}, now)
        given_so_far |= {first, second}
        assert out.price is None or out.price in given_so_far - {0}


LADDER = Validity(twap="slow", max_age_ns=120, late_after_ns=10)


@pytest.mark.parametrize(
    "price,slow,confidence,age,flags,verdict",
    [
        (34_000_000, 32_000_000, 10_000, 1, 0, Verdict.VALID),
        (34_000_000, 32_000_000, 10_000, 11, 0, Verdict.STALE_FOR_AMM),
        (34_000_000, 32_000_000, 10_000, 10, 0, Verdict.VALID),
        (34_000_000, 21_000_000, 1_000_000, 8, 0, Verdict.TOO_UNCERTAIN),
        (34_000_000, 32_000_000, 680_000, 1, 0, Verdict.VALID),  # 2 % is not too much
        (34_000_000, 32_000_000, 10_000, 121, 0, Verdict.STALE_FOR_MARGIN),
        (34_000_000, 32_000_000, 10_000, 11, int(Condition.NO_QUORUM), Verdict.INSUFFICIENT_DATA_POINTS),
        (60_000_000, 10_000_001, 10_000, 1, 0, Verdict.VALID),  # 5.99 is cut to 5
        (60_000_000, 10_000_000, 10_000, 1, 0, Verdict.TOO_VOLATILE),
        (10_000_000, 60_000_000, 10**9, 999, 0, Verdict.TOO_VOLATILE),
        (10_000_000, 0, 0, 0, 0, Verdict.TOO_VOLATILE),
        (0, 10_000_000, 0, 0, 0, Verdict.NON_POSITIVE),
        (-4, 10_000_000, 0, 0, 0, Verdict.NON_POSITIVE),
        (None, 10_000_000, 0, 0, 0, Verdict.NON_POSITIVE),
    ],
)
def test_the_first_rung_that_holds_is_the_verdict(price, slow, confidence, age, flags, verdict):
    reading = said(price, 0, confidence=confidence, conditions=flags)
    assert LADDER.verdict(reading, slow, age) == verdict
    out = LADDER.step(LADDER.start(), reading, {"slow": said(slow)}, age)[1]
    assert out.conditions == flags | verdict.condition
    assert out.price == (price if verdict != Verdict.NON_POSITIVE else None)


def test_a_ladder_without_limits_is_refused():
    with pytest.raises(InputError, match="positive limits"):
        Validity(twap="slow", too_volatile_ratio=0, max_age_ns=1, late_after_ns=1)
