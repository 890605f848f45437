"""Health of tokens and perpetuals by enumeration, and steps that stop just where health is met."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.liquidation import token_steps
from seawall.margin import token_health
from seawall.margin.token_health import ONE, ZERO, Perp, Reserved, Token

SMALL = st.integers(-60, 60).map(Fraction)
UP = st.integers(0, 60).map(Fraction)
WEIGHT = st.sampled_from([Fraction(1, 2), Fraction(8, 10), Fraction(9, 10), ONE])
PRICE = st.sampled_from([Fraction(1, 2), ONE, Fraction(2), Fraction(5)])


@given(SMALL, SMALL, UP, UP, UP, UP, PRICE, WEIGHT)
def test_reserved_funds_never_help_more_than_any_way_they_may_turn_out(
    a, b, base, quote, base2, quote2, price, weight
):
    """Both markets all as base, or all as quote: health is no more than any of the four ways."""
    tokens = {
        "a": Token(a, price, price, weight, 2 - weight),
        "b": Token(b, ONE, ONE, weight, 2 - weight),
        "c": Token(ZERO, Fraction(3), Fraction(3), weight, 2 - weight),
    }
    orders = [Reserved("a", "b", base, quote), Reserved("c", "b", base2, quote2)]
    found = token_health.health(tokens, (), orders)
    for first, second in product((True, False), repeat=2):
        held = dict(tokens)
        for as_base, order, in_base in ((first, orders[0], price), (second, orders[1], Fraction(3))):
            if as_base:
                held[order.base] = held[order.base].plus(order.base_amount + order.quote_amount / in_base)
            else:
                held[order.quote] = held[order.quote].plus(order.quote_amount + order.base_amount * in_base)
        assert found <= token_health.health(held)


@given(SMALL, SMALL, UP, UP, PRICE, WEIGHT, WEIGHT, SMALL)
def test_a_perpetual_counts_at_the_worse_of_its_orders_inside_the_settle_token(
    base, quote, bids, asks, price, weight, overall, cash
):
    perp = Perp("u", base, quote, price, weight, 2 - weight, overall, bids, asks)
    cases = []
    for size, money in ((base + bids, quote - bids * price), (base - asks, quote + asks * price)):
        cases.append(size * price * (weight if size >= 0 else 2 - weight) + money)
    worst = min(cases)
    counted = worst * overall if worst > 0 else worst
    total = cash + counted
    expected = total * (weight if total >= 0 else 2 - weight)
    token = Token(cash, ONE, ONE, weight, 2 - weight)
    assert token_health.health({"u": token}, [perp]) == expected


@given(UP, UP, SMALL, WEIGHT, WEIGHT, st.integers(0, 10).map(lambda n: Fraction(n, 100)), UP)
@settings(max_examples=300)
def test_a_swap_repays_the_least_that_restores_health_or_all_that_can_be(
    asset, owed, other, aw, lw, fee, most
):
    collateral, debt = Token(asset, ONE, ONE, aw, ONE), Token(-owed, ONE, ONE, ONE, 2 - lw)

    def after(repaid):
        return collateral.plus(-repaid * (1 + fee)).worth() + debt.plus(repaid).worth() + other

    found = token_steps.swap_tokens(
        collateral, debt, asset_token=asset, debt_token=-owed, other_health=other, fee=fee, most=most
    )
    limit = min(most, owed, asset / (1 + fee))
    assert 0 <= found.repaid <= limit and found.given == found.repaid * (1 + fee) <= asset
    if after(ZERO) >= 0:
        assert found.repaid == 0
    elif found.repaid < limit:
        assert after(found.repaid) == 0
        assert all(after(found.repaid * n / 10) < 0 for n in range(10))
    else:
        assert all(after(limit * n / 10) < 0 for n in range(10))


@given(
    SMALL, st.integers(-40, 40), SMALL, SMALL, WEIGHT,
    st.sampled_from([ZERO, Fraction(1, 2), Fraction(9, 10)]), st.integers(0, 50), UP,
    st.sampled_from([ZERO, Fraction(1, 20)]),
)  # fmt: skip
@settings(max_examples=300)
def test_steps_of_a_perpetual_never_lower_health_nor_pass_their_caps_nor_go_a_lot_too_far(
    cash, base, quote, other, weight, overall, lots, profit, fee
):
    perp = Perp("s", Fraction(base), quote, ONE, weight, 2 - weight, overall)
    before = token_steps.PerpAccount(Token(cash, ONE, ONE, ONE, ONE), perp, other)
    after = token_steps.reduce_perp(before, most_lots=lots, most_profit=profit, fee=fee)
    closed = abs(before.perp.base) - abs(after.perp.base)
    assert 0 <= closed <= lots and after.perp.base * before.perp.base >= 0
    taken = before.perp.quote + (closed if base > 0 else -closed) - after.perp.quote
    assert 0 <= taken <= profit
    assert after.settle.balance == cash + taken * (1 - fee)
    assert after.health() >= before.health() or before.health() >= 0
    if before.health() >= 0:
        assert after == before
    assert after.health() <= max(before.health(), 0) + 1  # one lot of price 1 at most beyond


@given(UP, SMALL, SMALL, UP, UP, st.integers(0, 30), st.sampled_from([ZERO, Fraction(1, 10)]))
def test_a_loss_is_borne_in_order_and_adds_up(loss, cash, other, limit, most, vault, fee):
    settle = Token(cash, Fraction(2), Fraction(2), Fraction(9, 10), Fraction(11, 10))
    found = token_steps.resolve_loss(
        loss=loss, settle=settle, other_health=other, settle_limit=limit, most=most,
        vault=token_steps.Vault(vault, Fraction(3), fee),
    )  # fmt: skip
    parts = (found.settled, found.insured, found.socialised, found.left)
    assert min(parts) >= 0 and sum(parts) == loss
    assert found.settled <= limit and found.settled + found.insured <= most
    assert found.insurance_tokens <= vault
    if found.settled and other < 0:
        assert settle.plus(-found.settled).worth() + other >= 0
    if found.socialised:
        assert found.insurance_tokens == vault


def test_a_token_that_is_not_there_is_named():
    with pytest.raises(InputError, match="no token u"):
        token_health.health({}, [Perp("u", ONE, ZERO, ONE, ONE, ONE, ONE)])
