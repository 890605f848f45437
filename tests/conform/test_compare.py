"""Tolerances: whose they are, what they are relative to, and what is compared exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest

from seawall.conform.compare import allowed_by, compare, names_asked

F = Fraction


def fits(expected, got, tolerance=None) -> bool:
    return not compare(expected, got, tolerance)


def test_a_bare_number_is_relative_to_the_printed_value():
    assert fits({"p": F(200)}, {"p": F("200.2")}, F("0.001"))
    assert not fits({"p": F(200)}, {"p": F("200.21")}, F("0.001"))


def test_without_a_tolerance_one_part_in_a_million_is_allowed():
    assert fits({"p": 10**6}, {"p": F(10**6 + 1)})
    assert not fits({"p": 10**6}, {"p": F(10**6 + 2)})


@pytest.mark.parametrize(
    ("tolerance", "off", "holds"),
    [
        ({"abs": F("0.5")}, F("0.5"), True),
        ({"abs": F("0.5")}, F("0.51"), False),
        ({"rel": F("0.01")}, F("1"), True),
        ({"rel": F("0.01")}, F("1.01"), False),
        ({"exact": True}, F("0.000001"), False),
        ({"exact": True}, F(0), True),
        ({"rel": 0}, F("0.000001"), False),
    ],
)
def test_a_table_says_whether_it_is_relative_or_absolute(tolerance, off, holds):
    assert fits({"p": 100}, {"p": 100 + off}, tolerance) is holds


def test_a_tolerance_by_the_name_of_a_result_is_for_that_result_alone():
    tolerance = {"loose": F("0.1"), "rel": F("0.001")}
    assert fits({"loose": 100, "tight": 100}, {"loose": F(109), "tight": F(100)}, tolerance)
    assert not fits({"loose": 100, "tight": 100}, {"loose": F(100), "tight": F(109)}, tolerance)


def test_tolerances_among_the_expected_numbers_hold_there_and_are_not_asked_for():
    relative = {"price": 100, "rel_tol": F("0.01")}
    absolute = {"price": [F("95.4"), F("99.4")], "tol": F("0.02")}
    assert fits(relative, {"price": F("100.9")}) and not fits(relative, {"price": F("101.1")})
    assert fits(absolute, {"price": [F("95.41"), F("99.4")]})
    assert not fits(absolute, {"price": [F("95.43"), F("99.4")]})
    assert names_asked(relative) == ["price"]


def test_counts_truth_values_and_texts_are_exact_whatever_the_tolerance():
    wide = F(1)
    assert not fits({"steps": 3}, {"steps": 4}, wide)
    assert not fits({"on": True}, {"on": False}, wide)
    assert not fits({"on": True}, {"on": 1}, wide)
    assert not fits({"who": "a"}, {"who": "b"}, wide)
    assert not fits({"order": ["a", "b"]}, {"order": ["b", "a"]}, wide)


def test_an_integer_written_as_text_is_compared_to_the_last_digit():
    printed = "123456789012345678901"
    assert fits({"n": printed}, {"n": int(printed)}, F(1))
    assert not fits({"n": printed}, {"n": int(printed) + 1}, F(1))


def test_a_printed_zero_allows_nothing_relative():
    assert fits({"left": F(0)}, {"left": F(0)}, F("0.1"))
    assert not fits({"left": F(0)}, {"left": F(1, 10**12)}, F("0.1"))


def test_lists_of_another_length_missing_names_and_other_kinds_differ():
    assert not fits({"p": [1, 2]}, {"p": [1]})
    assert not fits({"p": 1}, {})
    assert not fits({"p": {"q": 1}}, {"p": 1})
    assert not fits({"p": 1}, {"p": "1"})
    assert not fits({"p": 1}, {"p": float("nan")})


def test_a_mismatch_names_its_place_and_both_numbers():
    (found,) = compare({"a": {"b": [1, 2]}}, {"a": {"b": [F(1), F(3)]}}, F("0.1"))
    assert (found.path, found.expected, found.got) == ("a.b[1]", 2, F(3))
    assert "0.1 relative" in found.allowed


def test_a_tolerance_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="neither a number"):
        allowed_by("a little")


@pytest.mark.parametrize(
    ("words", "got", "holds"),
    [
        ("<= expected*1.05", F("10.5"), True),
        ("<= expected*1.05", F("10.6"), False),
        ("<= expected*1.05", "much", False),
        (">0", F("0.001"), True),
        (">0", F(0), False),
        ("<0", F(-1), True),
        ("informative", F(99), True),
    ],
)
def test_a_tolerance_in_words_is_taken_at_its_word(words, got, holds):
    assert fits({"p": F(10)}, {"p": got}, {"p": words}) is holds


def test_words_that_nobody_knows_are_no_tolerance():
    with pytest.raises(ValueError, match="not understood"):
        compare({"p": 1}, {"p": 1}, {"p": "roughly"})


def test_an_error_of_a_method_may_be_smaller_but_not_larger_than_rounding():
    assert fits({"max_err_N64": F("1e-14")}, {"max_err_N64": 0.0})
    assert fits({"max_err_N64": F("1e-14")}, {"max_err_N64": 9e-13})
    assert not fits({"max_err_N64": F("1e-14")}, {"max_err_N64": 2e-12})
    assert not fits({"max_err_N64": F("1e-14")}, {"max_err_N64": "none"})


def test_a_printed_figure_is_compared_to_its_last_digit():
    assert fits({"printed": F("0.10")}, {"printed": F("0.0964")}, {"printed": F("0.0101")})
    assert not fits({"printed": [F(900)]}, {"printed": [F("900.5")]}, {"printed": F("0.01")})


def test_a_printed_tolerance_is_absolute_and_for_printed_results_alone():
    tolerance = {"rel": F("0.000001"), "printed": F("0.3")}
    assert fits({"es": 58, "printed_es": F("58.2")}, {"es": 58, "printed_es": F("58.4")}, tolerance)
    assert not fits({"es": 58, "printed_es": F("58.2")}, {"es": 58, "printed_es": F("58.6")}, tolerance)
    exact = {"es": F("58.2"), "printed_es": F("58.2")}
    assert not fits({"es": 58, "printed_es": F("58.2")}, exact, tolerance)


def test_tolerances_that_name_no_result_are_for_the_places_of_a_list_in_order():
    tolerance = {"crit5": F("0.02"), "crit0p01": F("0.35")}
    expected = {"crit": {"normal": [F("-0.70"), F("-1.77")]}}
    assert fits(expected, {"crit": {"normal": [F("-0.71"), F("-2.1")]}}, tolerance)
    assert not fits(expected, {"crit": {"normal": [F("-0.73"), F("-1.77")]}}, tolerance)
    assert not fits(expected, {"crit": {"normal": [F("-0.70"), F("-2.13")]}}, tolerance)
    # Of another length they are nobody's.
    assert not fits({"crit": [F(1), F(2), F(3)]}, {"crit": [F("1.01"), F(2), F(3)]}, tolerance)
