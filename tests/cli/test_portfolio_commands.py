"""`margin` and `whatif` on a portfolio: what they print, write and refuse."""

from __future__ import annotations

import json

import pytest

from tests.api.books import HELD, MARKET, NOW, csv_of

VENUES = "derive-pm2,paradex-pm"


@pytest.fixture
def given(tmp_path):
    """Words that name the portfolio and its market."""
    held, market = tmp_path / "held.csv", tmp_path / "market.csv"
    held.write_text(csv_of(HELD))
    market.write_text(csv_of(MARKET))
    return [held, "--market", market, "--at", NOW]


def test_one_rulebook_shows_levels_worst_legs_and_every_place_of_liquidation(call, given):
    said = call("margin", "derive-pm2", *given)
    assert said.code == 0, said
    assert "maintenance" in said.out and "0.8 x (scenarios" in said.out
    assert "worst of 33 scenarios: price +500%, vols up, 2.7% of it counted (tail 7)" in said.out
    lines = said.out.splitlines()
    assert any(line.split()[:2] == ["BTC-27MAR26-90000-C", "-3"] and line.endswith("%") for line in lines)
    assert any(line.startswith("  BTC above ") for line in lines)
    assert any(line.startswith("  BTC vols above ") for line in lines)


def test_two_rulebooks_stand_side_by_side_with_the_difference_explained(call, given):
    said = call("margin", VENUES, *given)
    table = said.out[said.out.index("side by side") :].splitlines()
    needs = next(line.split() for line in table if line.startswith("needs"))
    first, second, gap = (float(text.replace(",", "")) for text in needs[1:])
    assert second - first == pytest.approx(gap, abs=0.011)
    assert f"paradex-pm asks {needs[3].removeprefix('-')} less than derive-pm2: " in said.out
    assert "not modelled at derive-pm2: open orders" in said.out


def test_json_and_csv_are_whole(call, given):
    told = json.loads(call("margin", VENUES, *given, "--json").out)
    assert [account["rulebook"].partition("@")[0] for account in told["accounts"]] == VENUES.split(",")
    assert told["accounts"][0]["missed"][0]["axis"] == "price"
    assert len(told["accounts"][0]["underlyings"][0]["scenarios"]) == 33
    parts = told["side_by_side"]["parts"]
    for tag, needs in told["side_by_side"]["needs"].items():
        assert sum(row["amounts"][tag] for row in parts) == pytest.approx(needs)
    lines = call("margin", "derive-pm2", *given, "--csv").out.splitlines()
    assert lines[0] == "rulebook,underlying,unit,level,part,amount"
    assert any(",maintenance,needs," in line for line in lines)


def test_a_map_is_one_page_that_loads_nothing(call, given, tmp_path):
    page = tmp_path / "out" / "map.html"
    said = call("margin", "derive-pm2", *given, "--map", page)
    assert said.code == 0 and f"map: {page}" in said.err
    text = page.read_text("utf-8")
    assert "default-src 'none'" in text and "src=" not in text and "worst scenario: price +500%" in text
    assert "seawall margin derive-pm2" in text


def test_what_is_not_known_is_unknown_with_its_reason(call, given):
    said = call("margin", "derive-pm2,okx-pm,deribit-pm", *given)
    assert said.code == 0
    assert said.out.count("unknown: no margin is stated") == 2
    assert "do not cover a contract of kind 'option'" in said.out
    assert "BTC: the rules do not name BTC" in said.out
    gone = call("margin", "derive-pm2", *given, "--mark", "BTC-PERPETUAL=71000")
    assert gone.code == 0 and "unknown" not in gone.out


def test_a_file_with_portfolio_rules_alone_is_a_portfolio_rulebook(call, given, tmp_path):
    from importlib.resources import files

    own = tmp_path / "own.toml"
    text = files("seawall.rulebooks").joinpath("portfolio", "paradex-pm-2026-08-20.toml").read_text("utf-8")
    own.write_text(text.replace('name = "paradex-pm"', 'name = "mine"'))
    assert "mine@2026-08-20" in call("margin", own, *given).out


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["margin", "derive-pm2", "HELD"], ("none is given", "--market FILE")),
        (["margin", "harbor", "HELD", "--market", "x.csv"], ("is no portfolio rulebook",)),
        (["margin", "derive-pm2,harbor", "HELD", "--market", "x.csv"], ("harbor: is no portfolio rulebook",)),
        (["margin", "derive-pm2", "HELD", "--market", "none.csv"], ("none.csv", "no such file")),
        (["margin", "derive-pm2", "HELD", "--market", "none.csv", "--prices", "p.csv"], ("--prices",)),
        (["whatif", "derive-pm2", "HELD", "--market", "MARKET"], ("nothing would change",)),
        (
            ["whatif", "derive-pm2", "HELD", "--market", "MARKET", "--move", "BTC=5"],
            ("is no move", "BTC=-10%"),
        ),
        (["whatif", "derive-pm2", "HELD", "--market", "MARKET", "--price", "BTC=-5%"], ("--move",)),
        (["whatif", "harbor", "HELD", "--mark", "BTC=6"], ("--account",)),
        (["whatif", "harbor", "HELD", "--mark", "BTC=6", "--account", "a", "--vol", "+5%"], ("--price",)),
    ],
)
def test_what_does_not_fit_together_is_refused_with_the_way_out(call, given, words, parts):
    places = {"HELD": given[0], "MARKET": given[2]}
    call(*(places.get(word, word) for word in words)).refuses(*parts)


def test_a_portfolio_without_a_time_is_refused(call, given):
    call("margin", "derive-pm2", *given[:3]).refuses("expires", "Say what time it is")


def test_whatif_shows_before_and_after_and_trades_leave_equity(call, given):
    said = call("whatif", VENUES, *given, "--trade", "BTC-27MAR26-60000-P=+2")
    assert said.code == 0 and said.out.startswith("if: +2 BTC-27MAR26-60000-P\n")
    rows = [line.split() for line in said.out.splitlines() if line.startswith("  BTC  ")]
    assert len(rows) == 4
    for row in rows:
        assert row[2] == row[3] and row[4] != row[5]


def test_whatif_moves_price_and_vols_together(call, given):
    words = ["whatif", "derive-pm2", *given, "--move", "BTC=+20%", "--vol", "+30%", "--withdraw", "1000 USDC"]
    said = call(*words)
    assert "withdraw 1000 USDC; BTC +20.00%; every underlying vols +30.00%" in said.out
    told = json.loads(call(*words, "--json").out)
    before, after = (told[key]["accounts"][0]["underlyings"][0]["equity"] for key in ("before", "after"))
    assert float(after) < float(before) - 1000


def test_whatif_of_two_underlyings_has_a_row_of_the_whole_account(call, tmp_path):
    held, market = tmp_path / "held.csv", tmp_path / "market.csv"
    held.write_text(csv_of([*HELD, {"instrument": "ETH-PERPETUAL", "size": "10"}]))
    market.write_text(
        csv_of([*MARKET, *({"instrument": n, "mark": "2127"} for n in ("ETH", "ETH-PERPETUAL"))])
    )
    said = call("whatif", "derive-pm2", held, "--market", market, "--at", NOW, "--move", "ETH=-10%")
    rows = {
        tuple(line.split()[:2]): line.split()[2:] for line in said.out.splitlines() if line.startswith("  ")
    }
    before, after = (float(text.replace(",", "")) for text in rows["all", "maintenance"][:2])
    assert before - after == pytest.approx(2127, abs=0.02)


def test_portfolio_rulebooks_are_listed_and_shown(call):
    assert "of portfolios, with --market: bybit-pm@2025-01-01" in call("rulebooks").out
    said = call("rulebooks", "derive-pm2")
    assert (
        said.code == 0 and "underlyings  BTC, ETH" in said.out and "not modelled\n  open orders" in said.out
    )
    told = json.loads(call("rulebooks", "derive-pm2@2026-03-01", "--json").out)
    assert told["levels"] == ["initial", "maintenance"] and "assumed" in told
