"""Pegs, ratios that jump, capped growth, share prices and what a wrong price is worth."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.market.policy import Condition
from seawall.market.transforms import measure
from seawall.market.transforms.ratio import (
    YEAR_NS,
    Peg,
    RateCap,
    Ratio,
    Snapshot,
    implied_growth,
    share_price,
)
from seawall.market.transforms.reading import WAD, Reading
from seawall.units import PPB, SECOND_NS
from tests.market.transforms.test_memory import PRICES, said

DAY_NS = 86_400 * SECOND_NS
PERCENT = PPB // 100


@given(st.one_of(st.none(), st.integers(-5, 10**6)), st.integers(1, 10**6), st.integers(0, PPB))
def test_a_peg_is_always_its_price_and_says_when_the_market_is_elsewhere(market, price, tolerance):
    rule = Peg(price=price, tolerance_ppb=tolerance)
    out = rule.step(rule.start(), said(market), {}, 9)[1]
    assert out.price == price
    seen = market is not None and market > 0
    far = seen and tolerance > 0 and abs(market - price) * PPB > tolerance * price
    assert bool(out.conditions & Condition.DIVERGENT) == far
    assert bool(out.conditions & Condition.STALE) == (tolerance > 0 and not seen)


def test_a_ratio_that_jumps_is_not_taken_and_the_last_one_still_prices():
    rule = Ratio(source="pps", max_step_ppb=3 * PERCENT)
    state, out = rule.step(rule.start(), said(2000), {"pps": said(WAD)}, 0)
    assert (out.price, out.conditions) == (2000, 0)
    # A donation doubles the price per share (Cream, 2021-10-27): the base may move, the ratio not.
    donated = share_price(20_000_000, 10_000_000)
    kept, out = rule.step(state, said(1900), {"pps": said(donated)}, 1)
    assert (kept, out.price, out.conditions) == (state, 1900, Condition.DIVERGENT)
    state, out = rule.step(state, said(2000), {"pps": said(WAD * 103 // 100)}, 2)
    assert (out.price, out.conditions) == (2060, 0)
    state, out = rule.step(state, said(2000), {}, 3)
    assert (out.price, out.conditions) == (2060, Condition.STALE)
    fresh = Ratio(source="pps")
    assert fresh.step(fresh.start(), said(1900), {"pps": said(donated)}, 1)[1].price == 3800


@pytest.mark.parametrize("base,ratio", [(None, WAD), (0, WAD), (2000, None), (2000, 0), (1, 1)])
def test_a_product_with_nothing_in_it_is_nothing(base, ratio):
    rule = Ratio(source="pps")
    out = rule.step(rule.start(), said(base), {"pps": said(ratio)}, 0)[1]
    assert out.price is None and out.conditions & Condition.MISSING


@given(PRICES, PRICES, st.integers(0, 2 * YEAR_NS), st.integers(1, PPB))
def test_capped_growth_is_never_above_its_line_and_never_above_the_live_ratio(ratio, live, elapsed, growth):
    rule = RateCap(growth_ppb=growth)
    state = Snapshot(ratio, 5)
    kept, out = rule.step(state, said(live), {}, 5 + elapsed)
    line = ratio + Fraction(ratio * growth, PPB) * Fraction(elapsed, YEAR_NS)
    assert kept == state and out.price == min(live, rule.most(state, 5 + elapsed))
    assert 0 <= line - rule.most(state, 5 + elapsed) < 1
    assert (out.price < live) == (out.conditions == Condition.CLAMPED)
    assert rule.step(kept, out, {}, 5 + elapsed)[1].price == out.price


def test_the_cap_of_aave_to_the_wei_and_its_incident():
    rule = RateCap(growth_ppb=968 * PPB // 10_000, max_step_ppb=3 * PERCENT, step_every_ns=3 * DAY_NS)
    assert rule.most(Snapshot(1191900000000000000, 0), 7 * DAY_NS) == 1194112688876712328
    state = Snapshot(11572 * WAD // 10_000, 0)
    with pytest.raises(InputError, match="after the last one"):
        rule.retake(state, WAD, 3 * DAY_NS - 1)
    with pytest.raises(InputError, match="positive ratio"):
        rule.retake(state, 0, 3 * DAY_NS)
    state = rule.retake(state, 12282 * WAD // 10_000, 3 * DAY_NS)
    assert state == Snapshot(1191916 * WAD // 10**6, 3 * DAY_NS)
    assert float(implied_growth(11939 * WAD // 10_000, state.ratio, 7 * DAY_NS)) == pytest.approx(
        0.0867942276
    )
    for snapshot, elapsed in ((0, 1), (1, 0)):
        with pytest.raises(InputError, match="implied growth"):
            implied_growth(1, snapshot, elapsed)


def test_the_first_ratio_is_the_snapshot_and_nothing_is_none():
    rule = RateCap(growth_ppb=PERCENT)
    state, out = rule.step(rule.start(), Reading(), {}, 1)
    assert (state, out.price) == (rule.start(), None)
    state, out = rule.step(state, said(10**6), {}, YEAR_NS)
    assert (state, out.price) == (Snapshot(10**6, YEAR_NS), 10**6)
    assert rule.step(state, said(2 * 10**6), {}, 2 * YEAR_NS)[1].price == 1_010_000


def test_measures_of_a_wrong_price():
    assert measure.multiple(Fraction("0.107"), Fraction("0.01")) == Fraction("10.7")
    assert measure.credit_per_worth(107, 10, Fraction("0.55")) == Fraction("5.885")
    assert measure.tracking_error(99, 100) == measure.shortfall(99, 100) == Fraction(1, 100)
    assert measure.paper_profit(483_000_000, Fraction("0.0382"), Fraction("0.91")) == 421_079_400
    for market in (0, -1):
        with pytest.raises(InputError, match="positive price"):
            measure.multiple(1, market)
    for assets, shares in ((1, 0), (-1, 1)):
        with pytest.raises(InputError, match="share price"):
            share_price(assets, shares)
