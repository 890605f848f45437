"""Covering a shortage, in fractions beside the venue's integers; calls in a row never overshoot."""

from __future__ import annotations

from decimal import Decimal, getcontext
from fractions import Fraction

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.ledger import accrual
from seawall.liquidation import cover, takeover_flow
from seawall.margin import buffered, size_weights
from seawall.margin.buffered import SIZE, Ratios

getcontext().prec = 60
PRICE = st.integers(10_000, 10**11)


@given(st.integers(0, 10**15), st.integers(0, 10**5), st.integers(0, 20_000))
def test_weights_by_size_are_the_formula_to_the_last_digits(size, factor, weight):
    root = (
        Decimal(size * 10).sqrt() / Decimal(10).sqrt() * Decimal(10).sqrt() / 10**5
    )  # sqrt(10 s), s in units
    grown = root * factor / 10**6
    discount = min(Decimal(weight), Decimal(11_000) / (1 + grown))
    premium = max(Decimal(weight), Decimal(weight) * 8 / 10 + grown * 10**4)
    found = size_weights.size_discount(weight, size=size, factor=factor)
    asked = size_weights.size_premium(weight, size=size, factor=factor)
    if not factor:
        assert found == asked == weight
        return
    assert abs(found - discount) <= 1 + discount / 1000 and found <= weight
    assert abs(asked - premium) <= 2 and asked >= weight


@given(st.integers(1, 10**12), st.integers(100, 5_000), st.integers(0, 20_000), st.integers(0, 20_000), PRICE)
def test_the_least_size_covers_the_shortage_and_one_thousandth_less_does_not(short, ratio, fee, fund, price):
    size = cover.base_to_cover(short, ratio=ratio, liquidator_fee=fee, fund_fee=fund, price=price)
    room = Fraction(price) * (Fraction(ratio, 10**4) - Fraction(fee + fund, 10**6))
    if ratio * 100 <= fee:
        assert size == cover.EVERYTHING
        return
    if size == cover.EVERYTHING:
        assert room <= 2
        return
    if room > 10_000:  # where integer prices do not blur it
        freed = Fraction(size, SIZE) * room
        assert abs(freed - short) <= Fraction(short, 1_000) + room / SIZE + 1


@given(
    st.integers(1, 10**12), st.integers(1, 9_000), st.integers(10_001, 20_000), PRICE, st.integers(0, 10_000),
)  # fmt: skip
def test_a_debt_taken_over_frees_what_was_short(short, asset, liability, price, fund):
    taken = cover.liability_to_cover(
        short, asset_weight=asset, asset_multiplier=10**6, liability_weight=liability,
        liability_multiplier=10**6, decimals=9, price=price, fund_fee=fund,
    )  # fmt: skip
    each = Fraction(price, 10**9) * (
        Fraction(liability - asset, 10**4) - Fraction(fund, 10**6) * Fraction(liability, 10**4)
    )
    if each <= 0:
        assert taken == cover.EVERYTHING
    elif taken != cover.EVERYTHING:
        assert (
            taken * each <= short < (taken + 1) * each * Fraction(101, 100) + 1
        )  # whole units, rounded down


@given(st.integers(0, 10**13), st.integers(1, 10**13), st.integers(100, 5_000), st.integers(0, 30_000), PRICE)
def test_the_fund_never_takes_what_the_account_needs(short, base, ratio, fee, price):
    found = cover.fund_fee(short, base=base, ratio=ratio, liquidator_fee=fee, price=price, most=50_000)
    room = Fraction(ratio, 10**4) - Fraction(fee, 10**6) - Fraction(short * SIZE, price * base)
    assert 0 <= found <= 50_000
    assert found <= max(room, 0) * 950_000 + 1


@given(
    st.integers(-(10**13), 10**13), st.integers(-(10**12), 10**12), st.integers(0, 10**12), PRICE,
    st.integers(0, 10**12), st.lists(st.tuples(st.integers(0, 200), st.integers(1, 10**13)), max_size=5),
)  # fmt: skip
@settings(max_examples=200)
def test_calls_in_a_row_shrink_the_position_and_pay_the_fund_and_nobody_wins_by_being_liquidated(
    base, gap, cash, price, bids, calls
):
    terms = takeover_flow.Terms(
        ratios=Ratios(500, 0, 200), step=1, fee=cover.Ramp(10_000, 30_000), most_fund_fee=10_000,
        pace=cover.Pace(1_000, 150),
    )  # fmt: skip
    account = takeover_flow.Account(
        cash=cash, base=base, quote=-buffered.value_of(base, price) + gap, bids=bids, orders=1
    )
    worth = cash + buffered.value_of(base, price) + account.quote
    slot = 0
    for wait, most in calls:
        slot += wait
        after = takeover_flow.call(account, terms, price=price, slot=slot, most=most)
        assert abs(after.base) <= abs(account.base) and after.base * account.base >= 0
        assert abs(account.base - after.base) <= most
        now = after.cash + buffered.value_of(after.base, price) + after.quote
        assert now <= worth + 2 and after.fund_fees >= account.fund_fees
        if after.base == account.base:
            kept = ("bids", "asks", "orders", "since", "freed")
            assert msgspec.structs.replace(after, **{k: getattr(account, k) for k in kept}) == account
        if not takeover_flow.in_danger(account, price, terms.ratios):
            assert after.base == account.base
        account, worth = after, now


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**12), st.integers(0, 10**12), PRICE)
def test_orders_count_at_the_worse_of_all_bids_and_all_asks(held, bids, asks, price):
    found = buffered.with_orders(
        held, price, bids=bids, asks=asks, orders=0, asset_weight=8_000, liability_weight=12_000
    )
    for size, money in (
        (held + bids, -buffered.value_of(bids, price)),
        (held - asks, buffered.value_of(asks, price)),
    ):
        value = Fraction(size * price, SIZE)
        worth = value * (Fraction(8, 10) if value >= 0 else Fraction(12, 10)) + money
        assert found.collateral - found.requirement <= worth + 3


@given(st.integers(-(10**9), 10**9), st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**9))
def test_receivers_never_get_more_than_was_paid_and_the_pool_allows(rate, paying, receiving, limit):
    limited, paid = accrual.limited_rate(rate, paying=paying, receiving=receiving, limit=limit, scale=10**12)
    collected = Fraction(abs(rate) * paying, 10**12)
    assert 0 <= paid <= max(limit, 0) and abs(limited) <= abs(rate)
    assert Fraction(abs(limited) * receiving, 10**12) <= collected + limit + 2
    assert paid <= limit
