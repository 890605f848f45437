"""Medians, averages over time, confidence, stable price: against mpmath, brute force, the program."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.market.policy import Condition
from seawall.market.transforms.aggregate import Aggregate, breakdown, least_honest, mean
from seawall.market.transforms.average import SCALE_BITS, HalfLife, Twap, weight
from seawall.market.transforms.confidence import Confidence, FixedPoint
from seawall.market.transforms.reading import Reading
from seawall.market.transforms.stable import NANO, StablePrice
from tests.market.transforms.test_memory import HOUR, PRICES, SECOND, said

SERIES = st.lists(st.tuples(st.integers(1, 10**12), st.integers(0, 40)), min_size=1, max_size=12)


def heard(*prices):
    return {str(place): said(price) for place, price in enumerate(prices)}


@given(st.lists(PRICES, min_size=1, max_size=11), st.data())
def test_an_odd_median_is_one_of_its_sources_and_the_honest_bound_it(honest, data):
    assume(len(honest) % 2)
    names = tuple(str(place) for place in range(len(honest)))
    rule = Aggregate(sources=names)
    out = rule.step(rule.start(), Reading(), heard(*honest), 0)[1].price
    assert out in honest
    liars = data.draw(st.lists(PRICES, max_size=breakdown(len(honest))))
    mixed = [*liars, *honest[len(liars) :]]
    moved = rule.step(rule.start(), Reading(), heard(*mixed), 0)[1].price
    assert min(honest[len(liars) :]) <= moved <= max(honest[len(liars) :])


def test_two_sources_are_a_mean_and_five_low_of_eleven_leave_the_lowest_honest():
    pair = Aggregate(sources=("0", "1"))
    assert pair.step(pair.start(), Reading(), heard(85, 85_000), 0)[1].price == mean([85, 85_000]) == 42_542
    low = [1000] * 5 + [960] * 5 + [985]
    eleven = Aggregate(sources=tuple(str(place) for place in range(11)))
    assert eleven.step(eleven.start(), Reading(), heard(*low), 0)[1].price == 985 == least_honest(low)
    assert (breakdown(2), breakdown(3), breakdown(11), breakdown(0)) == (0, 1, 5, 0)


def test_sources_that_say_nothing_do_not_count_and_too_few_are_no_quorum():
    rule = Aggregate(sources=("a", "b", "c", "d"), quorum=2, max_age_ns=HOUR)
    words = {
        "a": said(100, 9 * HOUR, confidence=3),
        "b": said(0, 9 * HOUR),
        "c": said(500, 1),
        "d": said(104, 8 * HOUR, confidence=5),
    }
    state, out = rule.step(rule.start(), Reading(), words, 9 * HOUR)
    assert out == Reading(price=102, observed_ns=8 * HOUR, confidence=5)
    del words["d"]
    kept, out = rule.step(state, Reading(), words, 9 * HOUR)
    assert (kept, out.price, out.conditions) == (state, 102, Condition.NO_QUORUM)
    assert rule.step(rule.start(), Reading(), {}, 0)[1].price is None
    for nobody in (mean, least_honest):
        with pytest.raises(InputError, match="at least one"):
            nobody([])


def brute_force(series, window, now):
    """Every nanosecond of the window, and the price that stood in it."""
    stood = []
    for instant in range(max(now - window, series[0][1]), now):
        stood.append([price for price, at in series if at <= instant][-1])
    return stood


@given(SERIES, st.integers(1, 60), st.integers(0, 30))
def test_a_twap_is_the_mean_of_every_instant_in_its_window(gaps, window, wait):
    now, series = 100, []
    for price, gap in gaps:
        now += gap
        series.append((price, now))
    for rule in (Twap(window_ns=window, whole=False), Twap(window_ns=window, whole=False, mean="geometric")):
        state = rule.start()
        for price, at in series:
            state, _out = rule.step(state, said(price, at), {}, at)
        out = rule.step(state, said(None), {}, now + wait)[1]
        stood = brute_force(series, window, now + wait) or [series[-1][0]]
        if rule.mean == "arithmetic":
            assert out.price == sum(stood) // len(stood)
        else:
            exact = mpmath.e ** (mpmath.fsum(mpmath.log(p) for p in stood) / len(stood))
            assert abs(out.price - exact) <= 1 + exact * mpmath.mpf(10) ** -13
        assert min(stood) <= out.price <= max(stood)
        assert out.conditions == Condition.STALE


def test_without_a_whole_window_one_block_is_the_average():
    spot, true = said(50 * 10**6), said(10**6)
    bare, whole = Twap(window_ns=1800, whole=False), Twap(window_ns=1800)
    state, _out = bare.step(bare.start(), spot, {}, 0)
    assert bare.step(state, spot, {}, 15)[1].price == 50 * 10**6
    state, out = whole.step(whole.start(), true, {}, 0)
    assert out.price is None
    state, out = whole.step(state, spot, {}, 1785)
    assert out.price is None
    assert whole.step(state, spot, {}, 1800)[1].price == 1_408_333


@given(st.integers(0, 10**6), st.integers(1, 10**5))
def test_a_weight_halves_every_half_life(age, half_life):
    exact = mpmath.mpf(2) ** (-mpmath.mpf(age) / half_life)
    got = weight(age, half_life)
    assert abs(got - exact * 2**SCALE_BITS) <= 4
    assert weight(age + half_life, half_life) == got >> 1 or got == 0


@given(st.lists(st.tuples(PRICES, st.integers(0, 3 * HOUR)), min_size=1, max_size=8))
def test_an_average_over_half_lives_is_the_exact_one_and_stays_among_its_samples(words):
    rule = HalfLife(half_life_ns=HOUR)
    state, now, exact, last = rule.start(), 0, None, None
    for price, gap in words:
        now += gap
        state, out = rule.step(state, said(price, now), {}, now)
        if exact is None:
            exact = mpmath.mpf(price)
        else:
            exact = last + (exact - last) * mpmath.mpf(2) ** (-mpmath.mpf(gap) / HOUR)
        last = price
        assert abs(out.price - exact) <= 2 + max(p for p, _g in words) * mpmath.mpf(10) ** -14
        assert min(p for p, _g in words) <= out.price <= max(p for p, _g in words)


def test_a_pump_of_ten_minutes_moves_an_hourly_average_to_its_closed_form():
    rule, unit = HalfLife(half_life_ns=HOUR), 10**12
    state, _out = rule.step(rule.start(), said(unit), {}, 0)
    state, _out = rule.step(state, said(10 * unit, confidence=7), {}, 0)
    out = rule.step(state, said(10 * unit, confidence=7), {}, HOUR // 6)[1]
    assert abs(out.price - (10 - 9 * mpmath.mpf(2) ** (-mpmath.mpf(1) / 6)) * unit) < 2
    silent = rule.step(state, said(None), {}, HOUR // 6)[1]
    assert (silent.price, silent.conditions) == (out.price, Condition.STALE)
    assert rule.step(rule.start(), said(None), {}, 0)[1].price is None


@pytest.mark.parametrize("before,after", [(2, 1), (1, 2), (10**12, 10**12 + 1)])
def test_an_average_arrives_where_its_samples_stay(before, after):
    rule = HalfLife(half_life_ns=HOUR)
    state, _out = rule.step(rule.start(), said(before), {}, 0)
    for step in range(700):
        state, out = rule.step(state, said(after), {}, step * HOUR // 10)
    assert out.price == after and state.price_nano == after * 10**9


def test_collateral_is_worth_the_low_side_and_debt_the_high_side_of_an_interval():
    feed = FixedPoint(price=12_276_250, confidence=1_500, exponent=-5)
    assert (feed.value(feed.price), feed.value(1_500)) == (Fraction("122.7625"), Fraction("0.015"))
    low, high = Confidence(side="low"), Confidence(side="high")
    sides = [rule.step(rule.start(), feed.reading(0), {}, 0)[1].price for rule in (low, high)]
    assert [feed.value(side) for side in sides] == [Fraction("122.7475"), Fraction("122.7775")]
    wide = low.step(low.start(), said(100, confidence=100), {}, 0)[1]
    assert wide.price is None and wide.conditions == Condition.MISSING
    half = Confidence(side="low", times_ppb=5 * 10**8)
    assert half.step(half.start(), said(100, confidence=3), {}, 0)[1].price == 98  # against the account
    for broken in ({"exponent": 99, "confidence": 0}, {"exponent": 0, "confidence": -1}):
        with pytest.raises(InputError, match="fixed-point price"):
            FixedPoint(price=1, **broken)


class Doubles:
    """The program's model in doubles, as its source has it: what the integers are held against."""

    def __init__(self, price):
        self.stable, self.delays, self.total, self.time, self.index, self.last = (
            price,
            [price] * 24,
            0.0,
            0,
            0,
            0,
        )

    def update(self, now, price):
        dt = now - self.last
        if dt < 10:
            return
        self.last, counted = now, min(dt, 600)
        self.time, self.total = self.time + dt, self.total + price * counted
        index = now // 3600 % 24
        if index != self.index:
            before = self.delays[self.index - 1]
            new = min(max(self.total / self.time, before * 0.94), before * 1.06)
            slot = self.index
            while slot != index or dt > 24 * 3600:
                self.delays[slot] = new
                slot = (slot + 1) % 24
                if dt > 24 * 3600 and slot == self.index:
                    break
            self.total, self.time, self.index = 0.0, 0, index
        delay = self.delays[index]
        room = 0.0003 * (min(delay, self.stable) / max(delay, self.stable)) ** 2 * counted
        self.stable = min(max(price, self.stable * (1 - room)), self.stable * (1 + room))


@given(st.lists(st.tuples(st.floats(0.01, 1000), st.integers(1, 100_000)), min_size=1, max_size=60))
def test_the_stable_price_is_that_of_the_program(words):
    rule, unit = StablePrice(), 10**12
    state, model, now = rule.reset(unit, 0), Doubles(1.0), 0
    for price, gap in words:
        now += gap
        state, out = rule.step(state, said(int(price * unit), now), {}, now * SECOND)
        model.update(now, price)
        assert abs(state.stable_nano / (unit * NANO) - model.stable) <= 1e-9 * model.stable
        assert out.price == state.stable_nano // NANO


def test_the_stable_price_of_the_published_test_to_its_last_digits():
    rule, unit = StablePrice(), 10**12
    state, now = rule.reset(unit, 0), 0
    found = []
    for count, gap in ((60, 60), (360, 10), (276, 300)):
        for _each in range(count):
            now += gap
            state, _out = rule.step(state, said(10 * unit, now), {}, now * SECOND)
        found.append(state.stable_nano / (unit * NANO))
    assert found[0] == pytest.approx(1.780573177182406, rel=1e-12)
    assert found[2] == pytest.approx(7.445230583780808, rel=1e-11)
    assert rule.step(state, said(None), {}, now * SECOND)[1].conditions == Condition.STALE
    assert rule.step(rule.start(), said(0), {}, 0)[1].price is None
