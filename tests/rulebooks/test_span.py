"""SPAN rulebooks: the built-in one is sourced, contradictions are refused."""

from __future__ import annotations

from importlib.resources import files

import pytest

from seawall.errors import RulebookError
from seawall.rulebooks.load_span import list_span_rulebooks, load_span_rulebook, parse_span_rulebook

TEXT = files("seawall.rulebooks").joinpath("span", "span-cme-2019-03-01.toml").read_text(encoding="utf-8")


def test_the_built_in_one_has_the_decks_range_in_points():
    assert list_span_rulebooks() == ("span-cme@2019-03-01",)
    book = load_span_rulebook("span-cme")
    rules = book.commodities["SP"]
    assert rules.price_scan_e9 == 120 * 10**9 and rules.vol_scan_ppb == 350_000_000
    assert rules.look_ahead_seconds == 86_400 and rules.extreme_multiple == 3
    assert book.unsupported and all(unit and source for unit, source in book.provenance.values())
    assert len(book.sha256) == 64


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('"30_000 USD"', '"0 USD"', "price_scan is zero"),
        ('"250 USD"', '"0 USD"', "value_per_point is zero"),
        ('"33 %"', '"133 %"', "more than the whole loss"),
        ('"3.7 %", "3.7 %"', '"3.7 %"', "6 entries"),
        ('vol_scan = "35 %"', 'vol_scam = "35 %"', "vol_scan is missing"),
        ('source = "deck"\nprice', "price", "no source"),
    ],
)
def test_contradictions_are_refused(old, new, what):
    assert old in TEXT
    with pytest.raises(RulebookError, match=what):
        parse_span_rulebook(TEXT.replace(old, new, 1), file="mine.toml")


def test_one_that_is_not_there_is_named():
    with pytest.raises(RulebookError, match="no built-in SPAN rulebook"):
        load_span_rulebook("span-nse")
    with pytest.raises(RulebookError, match="not valid TOML"):
        parse_span_rulebook("[", file="x")
