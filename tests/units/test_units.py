"""Text to integers and back: exact, or refused with a place and a remedy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import NumberError, SeawallError
from seawall.units import (
    INT64_MAX,
    PPB,
    format_ppb,
    format_time,
    format_units,
    parse_decimal,
    parse_duration_ns,
    parse_ppb,
    scale,
)


@pytest.mark.parametrize(
    "text,value",
    [
        ("-1_234.50", "-2469/2"),
        ("1e-8", "1/100000000"),
        ("1/6", "1/6"),
        ("+3", "3"),
        (" 7 ", "7"),
        (".5", "1/2"),
        ("0.000_001", "1/1000000"),
        ("1,234,567.5", "2469135/2"),
        ("2.5E3", "2500"),
        ("5.", "5"),
        ("1_000/3", "1000/3"),
    ],
)
def test_numbers_are_read_exactly(text: str, value: str) -> None:
    assert parse_decimal(text) == Fraction(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "nan",
        "inf",
        "-inf",
        "1,5",
        "1,23",
        "12,34.5",
        "1__0",
        "_1",
        "1_",
        "0x10",
        "1e",
        "1e400",
        "1/0",
        "--1",
        "1.2.3",
        "1 000",
        "٣",
        "1/2/3",
        "1.5/2",
        "9" * 61,
        "1e999999999",
        "one",
    ],
)
def test_anything_that_could_be_misread_is_refused(text: str) -> None:
    with pytest.raises(NumberError, match=r"here: .* not a finite decimal"):
        parse_decimal(text, where="here")


@given(st.integers(-INT64_MAX, INT64_MAX), st.integers(0, 18))
def test_amounts_survive_the_way_out_and_in(amount: int, decimals: int) -> None:
    assert scale(parse_decimal(format_units(amount, decimals)), 10**decimals) == amount


@given(st.fractions(-(10**6), 10**6), st.integers(0, 9))
def test_scaling_rounds_only_when_told_and_to_the_side_it_is_told(value: Fraction, decimals: int) -> None:
    exact = value * 10**decimals
    assert 0 <= exact - scale(value, 10**decimals, rounding="down") < 1
    assert 0 <= scale(value, 10**decimals, rounding="up") - exact < 1
    if exact.denominator == 1:
        assert scale(value, 10**decimals) == exact
    else:
        with pytest.raises(NumberError, match="finer than the smallest unit"):
            scale(value, 10**decimals)


def test_scaling_refuses_what_passes_64_bits() -> None:
    assert scale(Fraction(INT64_MAX), 1) == INT64_MAX
    for value in (INT64_MAX + 1, -INT64_MAX - 1):
        with pytest.raises(NumberError, match="64-bit"):
            scale(Fraction(value), 1)


@pytest.mark.parametrize(
    "text,ppb",
    [
        ("2 %", 20_000_000),
        ("12.5 bp", 1_250_000),
        ("0.005", 5_000_000),
        ("1/6", 166_666_667),
        ("2/3 x", 666_666_667),
        ("7 ppm", 7_000),
        ("1.2 x", 1_200_000_000),
        ("-0.5 bp", -50_000),
    ],
)
def test_rates_are_read_with_their_unit_and_round_up(text: str, ppb: int) -> None:
    assert parse_ppb(text) == ppb


def test_rates_round_down_when_told() -> None:
    assert parse_ppb("1/6", rounding="down") == 166_666_666
    assert parse_ppb("2 %", rounding="exact") == 20_000_000


@given(st.integers(-(10**12), 10**12))
def test_rates_survive_the_way_out_and_in(rate: int) -> None:
    assert parse_ppb(format_ppb(rate), rounding="exact") == rate


@pytest.mark.parametrize(
    "rate,text",
    [(12_500_000, "1.25 %"), (PPB, "100 %"), (0, "0 %"), (1, "0.0000001 %"), (-PPB // 2, "-50 %")],
)
def test_rates_are_shown_without_trailing_zeros(rate: int, text: str) -> None:
    assert format_ppb(rate) == text


@pytest.mark.parametrize(
    "text,ns",
    [
        ("30 s", 30 * 10**9),
        ("250 ms", 250 * 10**6),
        ("5 min", 300 * 10**9),
        ("8 h", 28_800 * 10**9),
        ("1 d", 86_400 * 10**9),
        ("7us", 7_000),
        ("9 ns", 9),
        ("0.5 s", 5 * 10**8),
        ("0 s", 0),
    ],
)
def test_durations_have_a_unit(text: str, ns: int) -> None:
    assert parse_duration_ns(text) == ns


@pytest.mark.parametrize("text", ["30", "-1 s", "s", "5 minutes", "1 m", "0.5 ns"])
def test_durations_without_a_unit_or_below_zero_are_refused(text: str) -> None:
    with pytest.raises(NumberError):
        parse_duration_ns(text)


@pytest.mark.parametrize(
    "amount,decimals,places,text",
    [
        (-1_234_567_890, 6, None, "-1,234.567890"),
        (5, 8, None, "0.00000005"),
        (1_999_999, 6, 2, "1.99"),
        (7, 0, None, "7"),
        (1_500_000, 6, 0, "1"),
    ],
)
def test_amounts_are_shown_exactly_or_cut_towards_zero(
    amount: int, decimals: int, places: int | None, text: str
) -> None:
    assert format_units(amount, decimals, places=places) == text


@given(st.integers(0, 7 * 10**18))
def test_times_are_those_of_the_calendar(time_ns: int) -> None:
    seconds, nanos = divmod(time_ns, 10**9)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    assert format_time(time_ns) == moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def test_every_refusal_is_a_seawall_error_with_a_remedy_on_its_second_line() -> None:
    for text in ("x", "1/7 USD"):
        with pytest.raises(SeawallError) as caught:
            parse_decimal(text, where="rulebook.toml: margin.rate")
        first, second = str(caught.value).split("\n")
        assert first.startswith("rulebook.toml: margin.rate:") and second.startswith("  ")
