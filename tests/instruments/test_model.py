"""What one lot is worth at one price, and which units cannot work together."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import RulebookError
from seawall.instruments.model import Asset, InstrumentKind, make_instrument
from seawall.ledger.trade import trade_value

USD, BTC = Asset(name="USD", decimals=6), Asset(name="BTC", decimals=8)
LINEAR, INVERSE = InstrumentKind.LINEAR_PERPETUAL, InstrumentKind.INVERSE_PERPETUAL


def build(**terms: Any) -> Any:
    plain = {
        "name": "X",
        "kind": LINEAR,
        "base": "BTC",
        "quote": "USD",
        "lot": "0.001",
        "tick": "0.1",
        "settle": USD,
    }
    return make_instrument(**(plain | terms))


@given(
    st.sampled_from(["1", "0.001", "0.0001"]),
    st.sampled_from(["1", "0.5", "0.01"]),
    st.integers(-(10**9), 10**9),
    st.integers(1, 10**8),
)
def test_value_in_atoms_is_lots_times_price_in_units(lot: str, tick: str, lots: int, ticks: int) -> None:
    value = trade_value(build(lot=lot, tick=tick), lots, ticks)
    assert value == lots * Fraction(lot) * ticks * Fraction(tick) * 10**6


@given(
    st.sampled_from(["1", "10", "100"]),
    st.sampled_from(["0.1", "0.5", "1"]),
    st.integers(-(10**9), 10**9),
    st.integers(1, 10**8),
)
def test_inverse_value_is_minus_dollars_over_price_rounded_down(
    lot: str, tick: str, lots: int, ticks: int
) -> None:
    value = trade_value(build(kind=INVERSE, settle=BTC, lot=lot, tick=tick), lots, ticks)
    exact = -lots * Fraction(lot) / (ticks * Fraction(tick)) * 10**8
    assert 0 <= exact - value < 1


@pytest.mark.parametrize(
    "terms,match",
    [
        ({"lot": "0.00001", "tick": "0.01"}, "not a whole number"),
        ({"lot": "0"}, "must be positive"),
        ({"tick": "-1"}, "must be positive"),
        ({"lot": "1e15", "tick": "1"}, "64 bits"),
        ({"kind": InstrumentKind.LINEAR_FUTURE}, "needs an expiry"),
        ({"expiry_ns": 5}, "must not have one"),
        ({"settle": BTC}, "settles in BTC"),
        ({"kind": INVERSE, "lot": "1", "tick": "0.5"}, "settles in USD"),
    ],
)
def test_units_that_cannot_work_together_are_refused_with_the_place(
    terms: dict[str, Any], match: str
) -> None:
    with pytest.raises(RulebookError, match=match) as caught:
        build(**terms, where="book.toml: instruments.X")
    assert str(caught.value).startswith("book.toml: instruments.X")


def test_kinds_keep_their_numbers_because_journals_hold_them() -> None:
    assert [(kind.name, kind.value) for kind in InstrumentKind] == [
        ("SPOT", 0),
        ("LINEAR_PERPETUAL", 1),
        ("INVERSE_PERPETUAL", 2),
        ("LINEAR_FUTURE", 3),
        ("INVERSE_FUTURE", 4),
        ("LINEAR_OPTION", 5),
        ("INVERSE_OPTION", 6),
    ]
    assert [kind.inverse for kind in InstrumentKind] == [False, False, True, False, True, False, False]
    assert [kind.dated for kind in InstrumentKind] == [False, False, False, True, True, True, True]
    assert [kind.name for kind in InstrumentKind if kind.option] == ["LINEAR_OPTION", "INVERSE_OPTION"]
    assert [kind.value for kind in InstrumentKind if kind.in_base] == [2, 4, 6]
