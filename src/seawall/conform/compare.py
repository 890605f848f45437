"""Does an answer equal the printed number, to the tolerance its own vector gives?

A number in `tolerance` is relative; {"rel": x}, {"abs": x} and {"exact": true} say which they are; a key that
names a result is for that one alone, relative. `rel_tol` (relative) and `tol` (absolute) beside the numbers
belong to `expected`'s own level. Without any: 1e-6 relative. Truth values, texts, and numbers that the
adapter gives as a count (a Python int) are compared exactly. All in exact fractions. A tolerance in words is
taken at its word: "<= expected*1.05", ">0", "informative"; a `max_err` is a bound on an error, not a value.
For a figure as its source shows it (`printed...`, `deribit_...`) it is absolute; so is `x_tol` beside `x`,
and `estimator`, for what a sample estimated (`salib_...`); `analytic` is the relative one of all others.
Tolerances that name no result, as many as a list has numbers, are absolute and for its places in order.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import msgspec

from seawall.conform.model import Mismatch

DEFAULT_REL = Fraction(1, 10**6)
# Figures as their source shows them, rounded: `printed`, and those of a live ticker (`deribit_mark_price`).
SHOWN = ("printed", "deribit_")
ESTIMATED, ESTIMATOR, ANALYTIC = ("salib_",), "estimator", "analytic"
# What a method erred by when someone measured it: to err less is no difference, and below the least error the
# digits are those of rounding. It is the tightest bound that such a vector's source sets (COS, N = 128).
ERROR_PREFIX = "max_err"
ERROR_BOUND = "no larger"
LEAST_ERROR = Fraction(1, 10**12)
INSIDE = {"rel_tol": "rel", "tol": "abs"}  # tolerances that stand among the expected numbers
BESIDE = "_tol"  # ends the name of an absolute tolerance for the number whose name comes before
PROSE = ("note", "notes")
GENERAL = ("rel", "abs", "exact", "printed", ESTIMATOR, ANALYTIC)
PRINTED = "printed"
Named = dict[str | None, Any]  # tolerances by the name of their result; under None those by place in a list


class Allowed(msgspec.Struct, frozen=True):
    """How far an answer may lie off: |got - expected| <= max(rel * |expected|, abs)."""

    rel: Fraction = DEFAULT_REL
    abs: Fraction = Fraction(0)

    def holds(self, expected: Fraction, got: Fraction) -> bool:
        return abs(got - expected) <= max(self.rel * abs(expected), self.abs)

    def __str__(self) -> str:
        if not self.rel and not self.abs:
            return "exact"
        parts = [f"{float(self.rel):g} relative"] if self.rel else []
        return " or ".join([*parts, f"{float(self.abs):g} absolute"] if self.abs else parts)


def allowed_by(tolerance: Any) -> Allowed:
    """The tolerance a vector gives for all of its numbers. ValueError for one that cannot be read."""
    if tolerance is None:
        return Allowed()
    if isinstance(tolerance, dict):
        if tolerance.get("exact"):
            return Allowed(Fraction(0))
        rel, bound = _number(tolerance.get("rel", tolerance.get(ANALYTIC))), _number(tolerance.get("abs"))
        if rel is None and bound is None:
            return Allowed()
        return Allowed(rel or Fraction(0), bound or Fraction(0))
    number = _number(tolerance)
    if number is None:
        raise ValueError(f"tolerance {tolerance!r} is neither a number nor a table of numbers")
    return Allowed(number)


def compare(expected: Any, got: Any, tolerance: Any = None) -> tuple[Mismatch, ...]:
    """Every place where `got` is not `expected`; keys of `got` that nobody expects are not looked at."""
    named = dict(tolerance) if isinstance(tolerance, dict) else {}
    results = _names_within(expected)
    places = [value for name, value in named.items() if name not in results and name not in GENERAL]
    return tuple(_compare(expected, got, allowed_by(tolerance), {**named, None: places}, ""))


def _names_within(expected: Any) -> set[str]:
    """The keys of all tables inside, at any depth."""
    if isinstance(expected, dict):
        return set(expected).union(*map(_names_within, expected.values()))
    return set().union(*map(_names_within, expected)) if isinstance(expected, list) else set()


def _compare(expected: Any, got: Any, allowed: Allowed, named: Named, path: str) -> list[Mismatch]:
    if isinstance(expected, dict):
        return _compare_dicts(expected, got, allowed, named, path)
    if isinstance(expected, list):
        if not isinstance(got, list | tuple) or len(got) != len(expected):
            return [Mismatch(path=path, expected=expected, got=got, allowed="a list of the same length")]
        own = [Allowed(Fraction(0), _number(value) or Fraction(0)) for value in named[None]]
        if len(own) != len(expected) or not all(map(_is_number, expected)):
            own = [allowed] * len(expected)
        return [
            found
            for place, (want, have) in enumerate(zip(expected, got))
            for found in _compare(want, have, own[place], named, f"{path}[{place}]")
        ]
    if (_is_number(expected) and not isinstance(got, str | bool)) or _integer_text(expected):
        want, have = _number(expected), _number(got)
        counted = isinstance(got, int) or isinstance(expected, str)
        limit = Allowed(Fraction(0)) if counted else allowed
        if want is not None and have is not None and limit.holds(want, have):
            return []
        return [Mismatch(path=path, expected=expected, got=got, allowed=str(limit))]
    same = type(expected) is type(got) and expected == got
    return [] if same else [Mismatch(path=path, expected=expected, got=got, allowed="exact")]


def _compare_dicts(
    expected: dict[str, Any], got: Any, allowed: Allowed, named: Named, path: str
) -> list[Mismatch]:
    if not isinstance(got, dict):
        return [Mismatch(path=path, expected=expected, got=got, allowed="a table")]
    inside = {kind: number for key, kind in INSIDE.items() if (number := _number(expected.get(key)))}
    if inside:
        allowed = Allowed(inside.get("rel", Fraction(0)), inside.get("abs", Fraction(0)))
    found: list[Mismatch] = []
    for key, want in expected.items():
        if _is_tolerance(key, expected):
            continue
        place = f"{path}.{key}" if path else key
        if key not in got:
            found.append(Mismatch(path=place, expected=want, got=None, allowed="an answer"))
            continue
        told = named.get(key)
        if key.startswith(ERROR_PREFIX) or (isinstance(told, str) and _number(told) is None):
            found += _compare_bound(want, got[key], ERROR_BOUND if told is None else str(told), place)
            continue
        own = _number(told)
        limit = allowed if own is None else Allowed(own)
        if (near := _number(expected.get(f"{key}{BESIDE}"))) is not None:
            limit = Allowed(Fraction(0), near)
        if key.startswith(SHOWN):
            shown = _number(named.get(PRINTED)) if own is None else own
            limit = limit if shown is None else Allowed(Fraction(0), shown)
        if key.startswith(ESTIMATED) and (near := _number(named.get(ESTIMATOR))) is not None:
            limit = Allowed(Fraction(0), near)
        found += _compare(want, got[key], limit, named, place)
    return found


def _compare_bound(expected: Any, got: Any, words: str, path: str) -> list[Mismatch]:
    """A tolerance in words. ValueError for words that are not known."""
    if words == "informative":
        return []
    want, have = _number(expected), _number(got)
    ratio = re.fullmatch(r"<= expected\s*\*\s*([\d.]+)", words)
    if words == ERROR_BOUND:
        holds = want is not None and have is not None and have <= max(want, LEAST_ERROR)
    elif ratio:
        holds = want is not None and have is not None and have <= want * Fraction(ratio[1])
    elif words.replace(" ", "") in (">0", "<0"):
        holds = have is not None and (have > 0 if ">" in words else have < 0)
    else:
        raise ValueError(f"tolerance {words!r} of {path} is not understood")
    return [] if holds else [Mismatch(path=path, expected=expected, got=got, allowed=words)]


def names_asked(expected: Any) -> list[str]:
    """The keys a vector expects answers to, tolerances left out."""
    return [key for key in expected if not _is_tolerance(key, expected)] if isinstance(expected, dict) else []


def _is_tolerance(key: str, expected: dict[str, Any]) -> bool:
    """Not a result but a word about one: a tolerance, or prose under `note`."""
    return key in PROSE or key in INSIDE or (key.endswith(BESIDE) and key.removesuffix(BESIDE) in expected)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Fraction) and not isinstance(value, bool)


def _integer_text(value: Any) -> bool:
    """An integer written as text because a float would lose digits."""
    return isinstance(value, str) and value.lstrip("-").isdecimal()


def _number(value: Any) -> Fraction | None:
    """The exact value, None for what is no finite number."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return Fraction(value)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        return None
