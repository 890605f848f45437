"""A desk over a book that holds options: listed by being held, margined as the venue's page has it."""

from __future__ import annotations

import pytest

import seawall as sw
from seawall.errors import BookError

CALL, HIGHER = "ETH-20240126-1800-C", "ETH-20240126-2000-C"
MARKS = {"ETH": "1900", CALL: "120", HIGHER: "60"}


def row(account, instrument, size, price, cash=None):
    return {
        "account": account,
        "instrument": instrument,
        "size": size,
        "entry_price": price,
        "collateral_asset": "USDC" if cash else None,
        "collateral_amount": cash,
    }


def test_derives_example_from_the_desk():
    """Three calls of 1800 sold, 2,000 USDC of cash after the premium: 785 and 1,127 are left."""
    desk = sw.load_book([row("alice", CALL, "-3", "120", "1640")], "derive-srm", MARKS)
    for level, left in (("initial", "785"), ("maintenance", "1,127")):
        (found,) = desk.statement("alice", level)
        assert found.margin == f"{left}.00"
    lines = desk.liquidation_prices("alice")
    assert [line.together for line in lines] == ["alone"] and lines[0].above.startswith("495.66")


def test_a_spread_shows_what_netting_spares():
    rows = [row("bob", CALL, "3", "120", "500"), row("bob", HIGHER, "-3", "60")]
    (found,) = sw.load_book(rows, "derive-srm", MARKS).statement("bob")
    assert found.requirement_atoms == 0
    assert {term.kind: term.amount_atoms for term in found.terms if term.kind == "max_loss"} == {
        "max_loss": -693 * 10**6
    }


def test_a_coins_price_is_not_its_options_price():
    desk = sw.load_book([row("alice", CALL, "-3", "120", "1640")], "derive-srm", {"ETH": "1900"})
    (found,) = desk.statement("alice")
    assert not found.known


def test_an_option_that_no_family_knows_is_no_instrument():
    with pytest.raises(BookError, match="lists no instrument"):
        sw.load_book([row("alice", "DOGE-20240126-1-C", "-3", "120", "1640")], "derive-srm")
