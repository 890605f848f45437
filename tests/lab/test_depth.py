"""The depth curve: inverse of itself, additive sweeps, decaying impact, withdrawal under stress."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from seawall.errors import InputError
from seawall.lab.depth import (
    Book,
    DepthCurve,
    DepthRules,
    Side,
    advance,
    ask_price,
    bid_price,
    capacity_usd,
    consume,
    depth_within,
    distance_for,
    mid_price,
    new_book,
    refill,
    refill_seconds,
    sweep,
    target_scale,
    touch_bp,
    vol_ratio,
)

BTC = DepthCurve(d100_usd=500e6)
RULES = DepthRules()
amounts = st.floats(1.0, 3e9)
scales = st.floats(0.002, 1.0)


def test_depth_is_the_published_power_law_up_to_the_edge() -> None:
    # Amberdata: 3.50 M at 10 bp and 16.53 M at 100 bp give .674; 10 M then need 47 bp (quant 4.2).
    small = DepthCurve(d100_usd=16.53e6)
    assert depth_within(small, 1.0, 100.0) == pytest.approx(16.53e6, rel=1e-14)
    assert depth_within(small, 1.0, 10.0) == pytest.approx(3.50e6, rel=2e-3)
    assert distance_for(small, 1.0, 10e6) == pytest.approx(47.0, abs=0.6)
    assert depth_within(BTC, 1.0, 200.0) == pytest.approx(500e6 * 2**0.674, rel=1e-14)


def test_depth_goes_on_in_a_straight_line_beyond_the_edge_and_ends_at_max() -> None:
    slope = (depth_within(BTC, 1.0, 200.0) - depth_within(BTC, 1.0, 199.999)) / 0.001
    for far in (300.0, 1000.0, 9000.0):
        rise = (depth_within(BTC, 1.0, far) - depth_within(BTC, 1.0, 200.0)) / (far - 200.0)
        assert rise == pytest.approx(slope, rel=1e-4)
    assert depth_within(BTC, 1.0, 9500.0) == depth_within(BTC, 1.0, 9000.0)
    assert distance_for(BTC, 1.0, 1e15) == 9000.0


@given(st.floats(1e-3, 8999.0), scales)
def test_distance_and_depth_undo_each_other(x: float, scale: float) -> None:
    assert distance_for(BTC, scale, depth_within(BTC, scale, x)) == pytest.approx(x, rel=1e-12)


@given(amounts, amounts, scales)
def test_two_sweeps_in_a_row_are_one_sweep(first: float, second: float, scale: float) -> None:
    side = Side(scale=scale)
    after, one = consume(BTC, side, first, forced=False)
    done, two = consume(BTC, after, second, forced=False)
    _, both = consume(BTC, side, first + second, forced=False)
    assert one.filled_usd + two.filled_usd == pytest.approx(both.filled_usd, rel=1e-12)
    cost = one.filled_usd * one.average_bp + two.filled_usd * two.average_bp
    assert cost == pytest.approx(both.filled_usd * both.average_bp, rel=1e-9)
    assert touch_bp(BTC, done) == pytest.approx(both.last_bp, rel=1e-12)


@given(st.floats(0.0, 2e9), st.floats(1e3, 2e9), scales)
def test_the_average_is_the_integral_of_distance_over_depth(used: float, usd: float, scale: float) -> None:
    side = Side(scale=scale, used_usd=used)
    fill = sweep(BTC, side, usd)
    if fill.filled_usd < usd * 0.5:
        return
    area, _ = integrate.quad(
        lambda q: distance_for(BTC, scale, q), used, used + fill.filled_usd, epsrel=1e-10, limit=200
    )
    assert fill.average_bp == pytest.approx(area / fill.filled_usd, rel=1e-6)
    assert touch_bp(BTC, side) <= fill.average_bp <= fill.last_bp


@given(amounts, st.floats(0.0, 9000.0), scales)
def test_a_limit_is_never_passed_and_the_rest_is_reported(usd: float, limit: float, scale: float) -> None:
    fill = sweep(BTC, Side(scale=scale), usd, limit)
    assert fill.last_bp <= limit
    assert fill.filled_usd + fill.unfilled_usd == pytest.approx(usd, rel=1e-12)
    assert fill.filled_usd <= capacity_usd(BTC, Side(scale=scale), limit)


def test_an_exhausted_book_fills_what_it_has_and_no_price_falls_to_zero() -> None:
    side, fill = consume(BTC, Side(scale=0.02), 1e12, forced=True)
    assert fill.filled_usd == pytest.approx(depth_within(BTC, 0.02, 9000.0))
    assert fill.unfilled_usd > 0.0
    assert bid_price(100.0, fill.last_bp) == pytest.approx(10.0)
    assert sweep(BTC, side, 1.0).filled_usd == pytest.approx(0.0, abs=1e-3)


def test_sweeping_the_visible_book_is_convex() -> None:
    # x grows as Q**1.48 (quant, finding 6).
    small, large = sweep(BTC, Side(), 100e6), sweep(BTC, Side(), 200e6)
    assert math.log(large.last_bp / small.last_bp) / math.log(2.0) == pytest.approx(1 / 0.674, rel=1e-9)


@pytest.mark.parametrize("ratio", [1.0, 3.0, 10.0])
def test_impact_halves_in_volume_each_half_life(ratio: float) -> None:
    rules = DepthRules(withdrawal_exponent=0.0, flow_weight=0.0)
    side, _ = consume(BTC, Side(), 200e6, forced=True)
    later = refill(BTC, rules, side, ratio, refill_seconds(rules, ratio))
    assert later.used_usd == pytest.approx(100e6)
    assert touch_bp(BTC, later) < touch_bp(BTC, side)


def test_refill_in_parts_is_refill_at_once_when_the_target_stands_still() -> None:
    rules = DepthRules(flow_weight=0.0)
    side = Side(scale=0.1, used_usd=30e6)
    once = refill(BTC, rules, side, 1.0, 60.0)
    parts = side
    for _ in range(60):
        parts = refill(BTC, rules, parts, 1.0, 1.0)
    assert parts.scale == pytest.approx(once.scale, rel=1e-12)
    assert parts.used_usd == pytest.approx(once.used_usd, rel=1e-12)


def test_steady_forced_flow_reaches_the_closed_form_displacement() -> None:
    # market.ow_steady_state: linear book, 2.5e9 USD in 40 min; x = flow / (kappa rho).
    cases = ((1.0, 60.0, 0.0018033688), (0.1, 60.0, 0.0180336880), (0.1, 120.0, 0.0360673760))
    for scale, half_life, expected in cases:
        rules = DepthRules(
            refill_calm_seconds=half_life, refill_stressed_seconds=half_life, flow_weight=0.0,
            withdrawal_exponent=0.0, floor=1.0, least=1e-9,
        )  # fmt: skip
        thin = DepthCurve(d100_usd=500e6 * scale, gamma=1.0)
        side = Side()
        for _ in range(24_000):
            side, _ = consume(thin, side, 2.5e9 / 24_000, forced=True)
            side = refill(thin, rules, side, 1.0, 0.1)
        assert touch_bp(thin, side) * 1e-4 == pytest.approx(expected, rel=2e-3)


def test_withdrawal_follows_volatility_and_flow_and_stops_at_the_floors() -> None:
    assert target_scale(BTC, RULES, 1.0, 0.0) == 1.0
    assert target_scale(BTC, RULES, 0.3, 0.0) == 1.0
    assert target_scale(BTC, RULES, 10.0, 0.0) == pytest.approx(10**-1.2)
    assert target_scale(BTC, RULES, 1e6, 0.0) == 0.02
    assert target_scale(BTC, RULES, 1.0, 500e6) == pytest.approx(math.exp(-3.0))
    assert target_scale(BTC, RULES, 1e6, 5e9) == 0.002


@given(st.floats(1.0, 100.0), st.floats(0.0, 1e9), st.floats(0.0, 1e8))
def test_cancelling_alone_moves_no_price(ratio: float, flow: float, used: float) -> None:
    side = Side(scale=1.0, used_usd=used, flow_usd=flow)
    after = refill(BTC, RULES, side, ratio, 0.0)
    assert after.scale <= 1.0
    assert touch_bp(BTC, after) == pytest.approx(touch_bp(BTC, side), rel=1e-9, abs=1e-12)


@given(scales, st.floats(0.0, 1e8), st.floats(0.0, 1e8), st.floats(1.0, 30.0), st.floats(0.0, 1e4))
def test_impact_never_grows_while_nobody_trades(
    scale: float, used: float, flow: float, ratio: float, seconds: float
) -> None:
    side = Side(scale=scale, used_usd=used, flow_usd=flow)
    after = refill(BTC, RULES, side, ratio, seconds)
    assert touch_bp(BTC, after) <= touch_bp(BTC, side) * (1 + 1e-9)
    assert RULES.least <= after.scale <= 1.0


def test_a_crash_thins_the_book_and_calm_brings_it_back() -> None:
    book = new_book(RULES)
    assert vol_ratio(RULES, book) == pytest.approx(1.0)
    for _ in range(10):
        book = advance(BTC, RULES, book, -0.01, 60.0)
    assert vol_ratio(RULES, book) > 15.0
    assert book.bids.scale < 0.05
    for _ in range(240):
        book = advance(BTC, RULES, book, 0.0003, 60.0)
    assert book.bids.scale > 0.95


def test_mid_moves_half_as_far_as_the_side_that_was_eaten() -> None:
    bids, fill = consume(BTC, Side(), 100e6, forced=True)
    book = Book(new_book(RULES).variance_per_second, bids, Side())
    assert mid_price(BTC, book, 100_000.0) == pytest.approx(100_000.0 * (1 - 0.5e-4 * fill.last_bp))
    assert ask_price(100.0, 50.0) == pytest.approx(100.5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: DepthCurve(d100_usd=0.0),
        lambda: DepthCurve(d100_usd=math.nan),
        lambda: DepthCurve(d100_usd=1e6, gamma=-1.0),
        lambda: DepthCurve(d100_usd=1e6, edge_bp=9500.0),
        lambda: DepthCurve(d100_usd=1e6, max_bp=10_000.0),
        lambda: DepthRules(stressed_ratio=1.0),
        lambda: DepthRules(floor=0.001),
        lambda: DepthRules(refill_calm_seconds=math.inf),
        lambda: DepthRules(flow_weight=-1.0),
        lambda: sweep(BTC, Side(), -1.0),
        lambda: sweep(BTC, Side(), math.nan),
        lambda: refill(BTC, RULES, Side(), 1.0, -1.0),
    ],
)
def test_nonsense_is_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError):
        make()
