"""Portfolio rulebooks: every built-in one is sound and sourced, and what contradicts itself is refused."""

from __future__ import annotations

from importlib.resources import files

import pytest

from seawall.errors import RulebookError
from seawall.rulebooks.load_portfolio import (
    list_portfolio_rulebooks,
    load_portfolio_rulebook,
    parse_portfolio_rulebook,
)

NAMES = ("bybit-pm", "dederi-pm", "deribit-pm", "derive-pm1", "derive-pm2", "okx-pm", "paradex-pm")


def text_of(name: str) -> str:
    book = load_portfolio_rulebook(name)
    file = files("seawall.rulebooks").joinpath("portfolio", f"{book.name}-{book.effective}.toml")
    return file.read_text(encoding="utf-8")


def test_the_built_in_ones_are_these():
    assert tuple(dict.fromkeys(name.partition("@")[0] for name in list_portfolio_rulebooks())) == NAMES


@pytest.mark.parametrize("name", list_portfolio_rulebooks())
def test_every_built_in_one_is_sound_says_where_numbers_come_from_and_what_it_lacks(name):
    book = load_portfolio_rulebook(name)
    assert f"{book.name}@{book.effective}" == name
    assert book.unsupported and all(reason.strip() for reason in book.unsupported)
    assert len(book.provenance) >= 10
    for path, (unit, source) in book.provenance.items():
        assert unit and source.strip(), path
    for own in book.rules.underlyings.values():
        assert own.charges and own.scenarios


def test_the_newest_of_a_name_is_taken_and_a_date_is_obeyed():
    assert load_portfolio_rulebook("deribit-pm").effective == "2026-02-01"
    assert load_portfolio_rulebook("deribit-pm@2024-06-17").effective == "2024-06-17"
    with pytest.raises(RulebookError, match="Did you mean 'derive-pm2'"):
        load_portfolio_rulebook("derive-pm22")
    with pytest.raises(RulebookError, match="Dates held"):
        load_portfolio_rulebook("derive-pm2@1999-01-01")


def test_the_hash_follows_the_rules_and_not_the_layout():
    text = text_of("derive-pm2")
    book = parse_portfolio_rulebook(text, file="x")
    assert parse_portfolio_rulebook(f"# a remark\n{text}", file="y").sha256 == book.sha256
    other = text.replace('rate = "0.3 %"', 'rate = "0.31 %"', 1)
    assert parse_portfolio_rulebook(other, file="x").sha256 != book.sha256


def test_rates_weights_and_moves_are_the_numbers_of_the_text():
    own = load_portfolio_rulebook("derive-pm2").rules.underlyings["BTC"]
    assert [scenario.weight_ppb for scenario in own.scenarios["tail"]] == [
        210_000_000, 420_000_000, 270_000_000, 130_000_000, 69_000_000, 46_000_000, 34_000_000, 27_000_000,
    ]  # fmt: skip
    assert own.scenarios["regular"][0].spot_ppb == 135_000_000
    assert own.skew is not None and own.skew.linear_slope_ppb == -100_000_000
    assert len(own.scenarios["regular"]) == 23
    far = load_portfolio_rulebook("deribit-pm@2024-06-17").rules.underlyings["BTC"].scenarios["extended"][0]
    assert far.weight_ppb == round(16 / 66 * 10**9) and far.restated_ppb == -160_000_000
    assert far.damping_usd_e9 == 3_125 * 100 * 10**9


MISTAKES = [
    ('"21 %", "42 %"', '"121 %", "42 %"', "scenarios.tail[0].weight", "more than the whole"),
    ('"21 %", "42 %"', '"42 %"', "tail", "7 entries for 8 spot moves"),
    ('"21 %", "42 %"', '"0.21", "42 %"', "weights", "not a rate"),
    ('spot = ["-66 %"', 'spot = ["-100 %"', "scenarios.tail[0].spot", "cannot fall by 100 %"),
    ('spot = ["0 %"]\nvol = ["skew_linear"', 'spot = ["1 %"]\nvol = ["skew_linear"', "skew[0].spot", "skew"),
    ('vol = ["up", "same", "down"]', 'vol = ["upp"]', "vol", "'upp'"),
    (
        'sets = ["regular", "tail", "skew"]',
        'sets = ["regular", "tails"]',
        "charges.scenarios.sets",
        "'tails'",
    ),
    ('largest = ["scenarios", "forward"]', 'largest = ["scenario"]', "largest", "Did you mean 'scenarios'"),
    ('largest = ["scenarios", "forward"]', 'largest = ["scenarios", "option_mm"]', "levels.", "twice"),
    ('kind = "naked_shorts", rate = "0.3 %"', 'kind = "naked_short", rate = "0.3 %"', "kind", "naked_shorts"),
    ('kind = "naked_shorts", rate = "0.3 %"', 'kind = "naked_shorts", rate = "0.3"', "rate", "no unit"),
    ('of = ["perpetual"]', 'of = ["perp"]', "charges.perpetual_mm.of", "'perp'"),
    ('settle = "quote"', 'settle = "coin"', "discount", "not discounted"),
    ('static = "60 %"', 'statics = "60 %"', "skew.static", "missing"),
    ('up = "50 %"\n', 'up = "50 %"\nupwards = "1 %"\n', "vol.upwards", "not a key"),
    ('source = "pm2"\n\n[portfolio.levels', "\n[portfolio.levels", "portfolio", "no source"),
]


@pytest.mark.parametrize(("old", "new", "place", "what"), MISTAKES)
def test_a_contradiction_is_refused_with_its_place_and_a_remedy(old, new, place, what):
    text = text_of("derive-pm2")
    assert old in text
    with pytest.raises(RulebookError) as refused:
        parse_portfolio_rulebook(text.replace(old, new, 1), file="mine.toml")
    told = str(refused.value)
    assert told.startswith("mine.toml") and place in told and what in told
    assert "\n  " in told  # what to do


def test_gains_do_not_count_for_more_than_they_are_and_ladders_rise():
    text = text_of("deribit-pm")
    with pytest.raises(RulebookError, match="more than they are"):
        parse_portfolio_rulebook(text.replace('gain_share = "60 %"', 'gain_share = "160 %"'), file="x")
    okx = text_of("okx-pm")
    with pytest.raises(RulebookError, match="do not rise"):
        parse_portfolio_rulebook(okx.replace('"70_000 USD"', '"7_000 USD"'), file="x")
    with pytest.raises(RulebookError, match="without an end"):
        parse_portfolio_rulebook(okx.replace('    { times = "12 x" },\n', ""), file="x")
    with pytest.raises(RulebookError, match="wider than a move"):
        parse_portfolio_rulebook(text.replace('range = "18 %"', 'range = "40 %"'), file="x")


def test_text_that_is_no_toml_is_refused():
    with pytest.raises(RulebookError, match="not valid TOML"):
        parse_portfolio_rulebook("[[", file="x")
