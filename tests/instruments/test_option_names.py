"""Names of options: every grammar reads its own, nothing else, and no day that is in no calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import NumberError
from seawall.instruments.option_names import GRAMMARS, MONTHS, read_option_name

PUBLISHED = [
    ("deribit", "BTC-27MAR26-92000-P", ("BTC", "", "92000", False), "2026-03-27T08:00"),
    ("deribit", "BTC_USDC-27MAR26-92000-C", ("BTC", "USDC", "92000", True), "2026-03-27T08:00"),
    ("deribit", "XRP_USDC-30MAY25-1d5-C", ("XRP", "USDC", "1.5", True), "2025-05-30T08:00"),
    ("deribit", "ETH-3JUN24-3800-P", ("ETH", "", "3800", False), "2024-06-03T08:00"),
    ("derive", "ETH-20240126-1800-C", ("ETH", "", "1800", True), "2024-01-26T08:00"),
    ("okx", "BTC-USD-260327-92000-C", ("BTC", "USD", "92000", True), "2026-03-27T08:00"),
    ("bybit", "BTC-27MAR26-92000-C-USDT", ("BTC", "USDT", "92000", True), "2026-03-27T08:00"),
    ("bybit", "BTC-27MAR26-92000-C", ("BTC", "", "92000", True), "2026-03-27T08:00"),
    ("occ", "SPY   241220C00600500", ("SPY", "", "600.5", True), "2024-12-20T21:00"),
]


def utc_ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(("grammar", "name", "terms", "expiry"), PUBLISHED)
def test_published_names_are_read(grammar, name, terms, expiry):
    found = read_option_name(name, grammar)
    assert (found.base, found.quote, found.strike, found.is_call) == terms
    assert found.expiry_ns == utc_ns(expiry)


@pytest.mark.parametrize("grammar", sorted(GRAMMARS))
def test_every_grammar_reads_its_own_example(grammar):
    assert read_option_name(GRAMMARS[grammar].example, grammar).base in ("BTC", "ETH", "SPY")


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 12, 31)),
    st.integers(1, 10**9),
    st.booleans(),
)
def test_any_day_of_the_calendar_is_read_as_the_calendar_has_it(day, strike, is_call):
    right, expiry = "C" if is_call else "P", utc_ns(day.strftime("%Y-%m-%dT08:00"))
    short = f"{day.day}{MONTHS[day.month - 1]}{day:%y}"
    names = {"deribit": f"BTC-{short}-{strike}-{right}", "derive": f"BTC-{day:%Y%m%d}-{strike}-{right}"}
    for grammar, name in names.items():
        found = read_option_name(name, grammar)
        assert (found.strike, found.is_call, found.expiry_ns) == (str(strike), is_call, expiry)


@pytest.mark.parametrize(
    "name",
    [
        "BTC-31APR26-92000-P", "BTC-29FEB25-92000-P", "BTC-0JAN26-92000-P", "BTC-27XYZ26-92000-P",
        "BTC-27MAR26-0-P", "BTC-27MAR26--5-P", "BTC-27MAR26-92000-X", "BTC-27MAR26-1d-C", "btc-27MAR26-1-C",
        "BTC-PERPETUAL", "", "BTC-27MAR26-92000-P ", "BTC-27MAR26-1e5-P",
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused(name):
    with pytest.raises(NumberError, match="option"):
        read_option_name(name, "deribit")
