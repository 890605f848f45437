"""Equity shared by requirement: closing all at bankruptcy leaves nothing; limits before it."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS, MARKET
from seawall.errors import InputError
from seawall.liquidation import shared_bankruptcy as rule
from seawall.margin import fractions as margin
from seawall.margin.fractions import Asked
from seawall.rulebooks.load import load_rulebook

AMOUNT = st.integers(0, 10**12)


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(1, 10**10), min_size=1, max_size=6))
def test_the_shares_of_all_positions_are_the_equity_but_for_rounding_down(equity, owns):
    whole = sum(owns)
    shares = [rule.equity_share(equity=equity, maintenance=whole, own=own) for own in owns]
    assert 0 <= equity - sum(shares) < len(owns)
    for own, share in zip(owns, shares):
        assert share <= Fraction(equity * own, whole) < share + 1


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**9), st.integers(1, 10**9), AMOUNT, AMOUNT)
def test_a_fillable_loss_grows_as_equity_falls_and_stops_at_the_spread(equity, maintenance, own, fast, wide):
    def loss(at):
        return rule.fillable_loss(
            equity=at, maintenance=maintenance, own=own, adjustment_ppm=fast, spread_ppm=wide
        )

    now = loss(equity)
    assert 0 <= now <= Fraction(wide * own, 10**6)
    assert loss(equity - 1) >= now
    assert loss(maintenance) == 0
    if fast >= 10**6 and equity <= 0:
        assert now == Fraction(wide * own, 10**6)


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9), st.integers(0, 10**6))
def test_the_fund_gets_a_fee_from_a_surplus_only_and_never_more_than_it(fill, bankruptcy, fee):
    delta = rule.fund_delta(fill_quote=fill, bankruptcy=bankruptcy, fee_ppm=fee)
    assert delta <= fill - bankruptcy
    assert delta == fill - bankruptcy if fill <= bankruptcy else 0 <= delta <= abs(fill) * fee // 10**6 + 0
    assert rule.fund_may_pay(0, delta) == (delta >= 0)


@given(AMOUNT, AMOUNT, AMOUNT, AMOUNT, AMOUNT, AMOUNT, AMOUNT)
def test_who_gets_no_worse_may_act(equity, im, mm, equity2, im2, mm2, more):
    before, after = Asked(equity, im + mm, mm), Asked(equity2, im2 + mm2, mm2)
    allowed = margin.may_become(before, after)
    assert allowed or equity2 < im2 + mm2
    if allowed and equity2 < im2 + mm2:
        assert mm2 <= mm and Fraction(equity2, mm2) >= Fraction(equity, mm)
        assert margin.may_become(before, after._replace(equity=equity2 + more))


@given(st.integers(1, 10**6), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_ramp_lies_between_its_ends(base, open_interest, lower, width):
    rate = margin.ramped_rate(base, open_interest=open_interest, lower=lower, upper=lower + width)
    into = min(max(Fraction(open_interest - lower, width), 0), 1)
    assert base <= rate <= 10**6 and 0 <= base + (10**6 - base) * into - rate < 1
    with pytest.raises(InputError):
        margin.ramped_rate(base, open_interest=0, lower=width, upper=width)


def test_offsetting_passes_over_whom_it_would_ruin_and_rounds_the_list():
    def side(lots, equity):
        return rule.Side(lots, Asked(equity, lots, lots), lambda n: Asked(equity, lots - n, lots - n))

    poor, rich, small = side(10, -5), side(10, 50), side(4, 50)
    found, left = rule.offset(12, lambda n: 2 * n, [poor, rich, small], start=2)
    assert [(one.place, one.lots, one.paid) for one in found] == [(2, 4, 8), (1, 8, 16)] and left == 0
    found, left = rule.offset(12, lambda n: 2 * n, [poor], start=0)
    assert found == () and left == 12


def test_nothing_required_has_no_such_price():
    with pytest.raises(InputError, match="requires nothing"):
        rule.equity_share(equity=1, maintenance=0, own=0)
    with pytest.raises(InputError, match="requires nothing"):
        rule.fillable_loss(equity=1, maintenance=0, own=0, adjustment_ppm=1, spread_ppm=1)


def reported(engine, now, **prices):
    ticks = {"BTC": 1, "ETH": 10, "SOL": 100}
    told = tuple(
        cmd.SourcePrice(name, source, price * ticks[name], now)
        for name, price in prices.items()
        for source in ("alpha", "beta", "gamma")
    )
    return list(engine.step(cmd.ReportPrices(prices=told, time_ns=now)))


def test_the_engine_offers_a_tenth_at_the_fillable_price_of_the_rulebook():
    """Long 1 BTC and 10 ETH; the limit is that of the position that requires most, worked out by hand."""
    engine = Engine(load_rulebook("dydx-v4"))
    account, now = HOUSE_ACCOUNTS, 10**18
    reported(engine, now, BTC=50_000, ETH=3_000, SOL=150)
    engine.step(cmd.OpenAccount(account=account, time_ns=now))
    engine.step(cmd.Deposit(account=account, asset="USDC", amount_atoms=3_000 * 10**6, time_ns=now))
    for name, lots, ticks in (("BTC", 10_000, 50_000), ("ETH", 10_000, 30_000)):
        engine.step(
            cmd.ReportFill(
                instrument=name, size_lots=lots, price_ticks=ticks, buyer=account, seller=MARKET,
                taker_is_buyer=False, buyer_order=0, seller_order=0, buyer_isolated=False,
                seller_isolated=False, time_ns=now,
            )
        )  # fmt: skip
    events = reported(engine, now + 10**9, BTC=48_000, ETH=2_950, SOL=150)
    (order,) = [event for event in events if isinstance(event, ev.LiquidationOrderSent)]
    # Fees of 1 bp on both fills: 5 and 3 USDC.
    equity = 3_000 - 8 - 2_000 - 500
    requirement = Fraction(12, 1000) * (48_000 + 29_500)
    own = Fraction(12, 1000) * 48_000
    assert requirement > equity
    loss = (1 - equity / requirement) * Fraction(3, 2) * own
    assert order.instrument == 0 and order.size_lots == -1_000
    limit = 48_000 - loss
    assert order.limit_ticks == -(-limit.numerator // limit.denominator)
