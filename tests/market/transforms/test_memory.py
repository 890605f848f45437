"""Transforms with a memory: feeds, limiters, anchors, breakers, fees, queues, gates."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.market.policy import Condition
from seawall.market.transforms.anchor import Anchor, Breaker, Fuse
from seawall.market.transforms.delay import DelayQueue, SequencerGate
from seawall.market.transforms.latency import LatencyFee
from seawall.market.transforms.publish import Clamp, DeviationHeartbeat, Limiter
from seawall.market.transforms.reading import WAD, Reading
from seawall.units import PPB

SECOND = 10**9
HOUR = 3600 * SECOND
PRICES = st.integers(1, 10**24)
WORDS = st.lists(st.tuples(PRICES, st.integers(0, 7200 * SECOND)), min_size=1, max_size=30)


def said(price: int | None, at_ns: int = 0, **more: int) -> Reading:
    return Reading(price=price, observed_ns=at_ns, **more)


def spoken(rule, words):
    """(now, what was said, what came out) of every word, the times as gaps."""
    state, now, found = rule.start(), 10**18, []
    for price, gap in words:
        now += gap
        state, out = rule.step(state, said(price, now), {}, now)
        found.append((now, price, out))
    return found


# ---- deviation and heartbeat -----------------------------------------------------------------------------


@given(WORDS)
def test_a_push_feed_is_never_further_off_than_its_deviation_nor_older_than_its_heartbeat(words):
    rule = DeviationHeartbeat(deviation_ppb=5_000_000, heartbeat_ns=HOUR)
    for now, price, out in spoken(rule, words):
        assert abs(price - out.price) * 200 < out.price or out.price == price
        assert now - out.observed_ns < HOUR


def test_a_push_feed_speaks_at_the_very_deviation_and_the_very_heartbeat():
    rule = DeviationHeartbeat(deviation_ppb=5_000_000, heartbeat_ns=HOUR)
    state, _out = rule.step(rule.start(), said(200_000, 1), {}, 1)
    assert rule.step(state, said(199_001, 2), {}, 2)[1].price == 200_000
    assert rule.step(state, said(199_000, 2), {}, 2)[1].price == 199_000
    assert rule.step(state, said(200_001, HOUR), {}, HOUR)[1].price == 200_000
    assert rule.step(state, said(200_001, HOUR + 1), {}, HOUR + 1)[1].price == 200_001


def test_a_feed_that_hears_nothing_lets_its_word_stand_and_goes_stale():
    rule = DeviationHeartbeat(deviation_ppb=5_000_000, heartbeat_ns=HOUR)
    assert rule.step(rule.start(), said(None), {}, 5)[1].conditions == Condition.MISSING
    state, _out = rule.step(rule.start(), said(100, 0), {}, 0)
    for nothing in (said(None, HOUR), said(0, HOUR), said(-5, HOUR)):
        kept, out = rule.step(state, nothing, {}, 2 * HOUR)
        assert (kept, out.price, out.conditions) == (state, 100, Condition.STALE)


# ---- clamp and limiter -----------------------------------------------------------------------------------


@given(PRICES, PRICES, PRICES)
def test_a_clamp_does_nothing_the_second_time(price, one, other):
    rule = Clamp(least=min(one, other), most=max(one, other))
    once = rule.step(rule.start(), said(price), {}, 0)[1]
    assert rule.step(rule.start(), once, {}, 0)[1] == once
    assert rule.least <= once.price <= rule.most
    assert (once.price == price) or once.conditions == Condition.CLAMPED


def test_a_feed_at_its_floor_says_so_even_if_the_market_is_just_there():
    rule = Clamp(least=107, most=10**6)
    for market in (10, 107):
        out = rule.step(rule.start(), said(market), {}, 0)[1]
        assert (out.price, out.conditions) == (107, Condition.CLAMPED)
    assert rule.step(rule.start(), said(0), {}, 0)[1] == said(None, conditions=int(Condition.MISSING))


@given(WORDS)
def test_a_limited_price_moves_by_no_more_than_its_factor_within_the_window(words):
    rule = Limiter(factor_wad=WAD * 5 // 4, window_ns=120 * SECOND)
    last, last_ns = None, 0
    for now, price, out in spoken(rule, words):
        if last is not None and now - last_ns < 120 * SECOND:
            assert 4 * out.price <= 5 * last + 4 and 5 * out.price >= 4 * last - 5
        elif last is not None:
            assert out.price == price
        assert (out.price == price) == (not out.conditions)
        last, last_ns = out.price, now


@pytest.mark.parametrize(
    "price,seconds,limited",
    [(2400, 0, 2400), (2399, 0, 2400), (2000, 119, 2400), (2000, 120, 2000)]
    + [(3750, 0, 3750), (3751, 119, 3750), (4500, 120, 4500)],
)
def test_the_limiter_of_llamma_at_its_boundaries(price, seconds, limited):
    rule = Limiter(factor_wad=WAD * 5 // 4, window_ns=120 * SECOND)
    state, _out = rule.step(rule.start(), said(3000, 0), {}, 0)
    assert rule.step(state, said(price, 1), {}, seconds * SECOND)[1].price == limited


# ---- anchor and breaker ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reported,anchor,accepted",
    [(91, 91, True), (1000, 899, False), (1000, 900, True), (1000, 1100, True), (1000, 1101, False)],
)
def test_a_report_is_taken_near_its_anchor_only(reported, anchor, accepted):
    rule = Anchor(source="twap", tolerance_wad=WAD // 10)
    state, first = rule.step(rule.start(), said(1, 1), {"twap": said(1, 1)}, 1)
    kept, out = rule.step(state, said(reported, 2), {"twap": said(anchor, 2)}, 2)
    assert first.price == 1
    assert (out.price, out.conditions) == ((reported, 0) if accepted else (1, Condition.DIVERGENT))
    assert (kept == state) == (not accepted)


@given(PRICES)
def test_the_least_anchor_is_the_least(reported):
    rule = Anchor(source="twap", tolerance_wad=WAD // 5)
    least = rule.least_anchor(reported)
    assert rule.accepts(reported, least) and not rule.accepts(reported, least - 1 - reported // WAD)


@pytest.mark.parametrize("anchor", [said(None), said(0), said(100, conditions=int(Condition.STALE))])
def test_without_an_anchor_nothing_new_is_taken(anchor):
    rule = Anchor(source="twap", tolerance_wad=WAD // 10)
    for sources in ({"twap": anchor}, {}):
        out = rule.step(rule.start(), said(100), sources, 0)[1]
        assert out.price is None and out.conditions == Condition.DIVERGENT | Condition.MISSING


@given(WORDS, st.integers(0, 29))
def test_a_breaker_that_tripped_stays_so_until_it_is_reset(words, place):
    rule = Breaker(factor_wad=3 * WAD)
    state, last, tripped = rule.start(), 0, False
    for index, (price, gap) in enumerate(words):
        value = 0 if index == place and gap % 2 else price
        far = last > 0 and (value == 0 or max(last, value) >= 3 * min(last, value))
        tripped, last = tripped or far or value == 0, value
        state, out = rule.step(state, said(value), {}, index)
        assert state.broken == tripped == bool(out.conditions & Condition.BROKEN)
        assert out.price == (value or None)
    assert rule.reset(7) == Fuse(7, False)


@pytest.mark.parametrize("value,jump", [(2999, False), (3000, True), (334, False), (333, True), (0, True)])
def test_a_breaker_trips_at_its_very_factor(value, jump):
    rule = Breaker(factor_wad=3 * WAD)
    assert rule.is_jump(1000, value) == jump
    assert not rule.is_jump(0, value)


def test_the_breaker_of_synthetix_on_its_own_series():
    rule = Breaker(factor_wad=2 * WAD)
    state, broken = rule.start(), []
    for price in (10, 15, 35, 10):
        state = rule.probe(state, price)
        broken.append(state.broken)
    assert broken == [False, False, True, True]
    assert rule.step(state, said(None), {}, 0)[0] == state  # nothing heard is no probe
    with pytest.raises(InputError, match="Give the price"):
        rule.reset(0)


# ---- the fee for latency ---------------------------------------------------------------------------------


@given(st.lists(st.integers(10**17, 10**19), min_size=2, max_size=12))
def test_the_latency_fee_is_its_sum_to_a_wei_per_round(prices):
    rule = LatencyFee(threshold_wad=4 * 10**15, decay_wad=9 * 10**17, rounds=12)
    exact = Fraction(0)
    for power, (new, old) in enumerate(pairwise(prices)):
        part = max(Fraction(abs(new - old), old) - Fraction(4, 1000), Fraction(0))
        exact += Fraction(9, 10) ** power * part
    fee = rule.fee_wad(prices)
    assert 0 <= exact * WAD - fee <= 2 * len(prices)
    state = rule.start()
    for price in reversed(prices):
        state, out = rule.step(state, said(price), {}, 0)
    assert out.fee_wad == fee


def test_a_fee_above_its_largest_refuses_and_a_zero_before_divides_nothing():
    rule = LatencyFee(threshold_wad=0, decay_wad=0, rounds=3, max_fee_wad=WAD // 10)
    assert rule.deviation_wad(5, 0) == 0
    state, _out = rule.step(rule.start(), said(100), {}, 0)
    out = rule.step(state, said(120), {}, 0)[1]
    assert (out.fee_wad, out.conditions, out.price) == (WAD // 10, Condition.DIVERGENT, 120)


# ---- queue and gate --------------------------------------------------------------------------------------


@given(WORDS)
def test_a_queue_never_gives_a_price_in_the_hop_that_recorded_it(words):
    rule = DelayQueue(hop_ns=HOUR)
    for now, _price, out in spoken(rule, words):
        if out.price is None:
            assert out.conditions & Condition.MISSING
            continue
        assert out.observed_ns // HOUR < now // HOUR
        assert any(p == out.price for _t, p, _o in spoken(rule, words))


def test_the_queue_of_maker_on_its_own_log():
    rule = DelayQueue(hop_ns=HOUR)
    state, log = rule.start(), []
    for seconds, price in ((3600, 200), (7200, 180), (7300, 150), (10800, 120), (14399, 100), (14400, 90)):
        state, out = rule.step(state, said(price, seconds * SECOND), {}, seconds * SECOND)
        log.append(out.price)
    assert log == [None, 200, 200, 180, 180, 120]
    silent, out = rule.step(state, said(None), {}, 10**6 * SECOND)
    assert (silent, out.price, out.conditions) == (state, 120, Condition.STALE)
    emptied = rule.void(state)
    for hours in (10, 11, 12):
        emptied, out = rule.step(emptied, said(80, hours * HOUR), {}, hours * HOUR)
        assert out.price is None


def test_a_late_poke_does_not_put_off_the_next_hour():
    rule = DelayQueue(hop_ns=HOUR)
    state, _out = rule.step(rule.start(), said(200, 1), {}, 2 * HOUR - SECOND)
    assert not rule.is_due(state, 2 * HOUR - 1) and rule.is_due(state, 2 * HOUR)
    assert rule.step(state, said(180, 2), {}, 2 * HOUR)[1].price == 200


def test_the_gate_opens_after_the_grace_period_and_deep_losses_pass_it():
    rule = SequencerGate(source="up", grace_ns=HOUR)
    state, out = rule.step(rule.start(), said(100), {"up": said(1, 5)}, HOUR + 5)
    assert (out.price, out.conditions) == (100, Condition.GATED)
    assert rule.step(state, said(100), {"up": said(1, 5)}, HOUR + 6)[1].conditions == 0
    # A later word that it is still up does not start the grace period anew; one that it is down shuts.
    state, out = rule.step(state, said(100), {"up": said(1, HOUR)}, HOUR + 6)
    assert out.conditions == 0
    state, out = rule.step(state, said(100), {"up": said(2, 2 * HOUR)}, 9 * HOUR)
    assert out.conditions == Condition.GATED
    assert rule.allows(state, 949 * WAD // 1000, 9 * HOUR) and not rule.allows(
        state, 95 * WAD // 100, 9 * HOUR
    )


def test_a_gate_that_never_heard_of_its_sequencer_is_shut():
    rule = SequencerGate(source="up", grace_ns=0)
    for sources in ({}, {"up": said(None)}):
        assert rule.step(rule.start(), said(100), sources, PPB)[1].conditions == Condition.GATED
