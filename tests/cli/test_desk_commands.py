"""`margin`, `whatif`, `rulebooks`, `report`, `check` of sound files: figures for people and for programs."""

from __future__ import annotations

import csv
import io
import json

from seawall.rulebooks.find import published
from seawall.rulebooks.load import list_rulebooks
from tests.cli.small import MARKS
from tests.rulebooks.mini import MINI


def test_margin_shows_unknown_accounts_first_and_names_the_price(call, book):
    said = call("margin", "harbor", book, *MARKS)
    assert said.code == 0
    first = said.out.splitlines()[0]
    assert first.startswith("carol") and "unknown" in first and "AVAX-PERP" in first


def test_margin_as_csv_has_a_line_per_pot_and_no_figures_for_the_unknown(call, book):
    rows = list(csv.DictReader(io.StringIO(call("margin", "harbor", book, *MARKS, "--csv").out)))
    assert [row["account"] for row in rows] == ["carol", "bob", "alice"]
    assert rows[0]["equity_atoms"] == "" and rows[0]["known"] == "false"
    assert rows[2]["equity_atoms"] == "9400000000"


def test_margin_as_json_has_terms_that_add_up(call, book):
    found = json.loads(call("margin", "harbor", book, *MARKS, "--account", "alice", "--json").out)
    (statement,) = found["statements"]
    terms = statement["terms"]
    assert sum(t["amount_atoms"] for t in terms if t["kind"] == "collateral") == statement["equity_atoms"]
    assert (
        sum(t["amount_atoms"] for t in terms if t["kind"] != "collateral") == statement["requirement_atoms"]
    )
    assert {line["together"] for line in found["liquidation_prices"]} == {"alone", "coin", "all"}


def test_margin_takes_the_last_price_of_a_file_and_a_mark_goes_before_it(call, book, tmp_path):
    prices = tmp_path / "BTC.csv"
    prices.write_text("ts,price\n1760000000,50000\n1760000060,51000\n1760000120,52000\n")
    words = ["margin", "harbor", book, "--prices", f"BTC={prices}", "--account", "alice", "--json"]
    lines = json.loads(call(*words, "--mark", "ETH=3000").out)["liquidation_prices"]
    assert lines[0]["mark"] == "52,000.0"
    early = call(*words, "--mark", "ETH=3000", "--at", "2025-10-09T08:54:20Z")
    assert json.loads(early.out)["liquidation_prices"][0]["mark"] == "51,000.0"
    marked = call(*words, "--mark", "ETH=3000", "BTC=53000")
    assert json.loads(marked.out)["liquidation_prices"][0]["mark"] == "53,000.0"


def test_margin_of_many_accounts_is_an_overview(call, book):
    rows = ["account,instrument,size,entry_price,collateral_asset,collateral_amount"]
    rows += [f"a{k},BTC-PERP,0.1,60000,USDC,{500 + k}" for k in range(60)]
    book.write_text("\n".join(rows) + "\n")
    said = call("margin", "harbor", book, *MARKS)
    assert said.code == 0 and "60 accounts" in said.out and "20 more pots" in said.out
    assert said.out.splitlines()[2].startswith("a0 ")  # who has least comes first


def test_whatif_tells_what_the_venue_would_do(call, book):
    words = ["whatif", "harbor", book, *MARKS, "--account", "alice"]
    crash = call(*words, "--price", "BTC=-40%")
    assert crash.code == 0 and "it would be liquidated" in crash.out
    calm = call(*words, "--trade", "BTC-PERP +0.01 @ 60000", "--withdraw", "10 USDC")
    assert "no level that the venue acts on is missed" in calm.out
    found = json.loads(call(*words, "--withdraw", "4_999 USDC", "--price", "BTC=-5%", "--json").out)
    assert any("withdrawal would be refused" in verdict for verdict in found["verdicts"])


def test_rulebooks_lists_every_built_in_one_with_what_is_missing(call):
    said = call("rulebooks")
    assert all(name in said.out for name in list_rulebooks())
    found = json.loads(call("rulebooks", "--json").out)
    bybit = next(book for book in found if book["name"] == "bybit-linear")
    assert bybit["assumed"] and bybit["not_modelled"] and bybit["provenance"]
    assert "not modelled" in call("rulebooks", "bybit-linear").out


def test_rulebooks_shows_those_of_loans_with_their_published_numbers(call):
    said = call("rulebooks").out
    assert "liquity-v2@" in said and f"{published()['dydx-v4']['reproduced']}/" in said
    for name in ("aave-v3.7", "liquity-v1@2021-04-05"):
        assert "sources" in call("rulebooks", name).out
        assert json.loads(call("rulebooks", name, "--json").out)["name"] == name.partition("@")[0]
    assert call("rulebooks", "aave-v9").code == 2


def test_check_accepts_a_sound_rulebook_and_a_sound_book(call, book, tmp_path):
    path = tmp_path / "mini.toml"
    path.write_text(MINI)
    for words in ((path,), ("harbor",), (book,), (book, "--rulebook", "harbor")):
        said = call("check", *words)
        assert said.code == 0 and "no contradictions" in said.out


def test_report_makes_the_same_page_from_the_tables(call, run_folder, tmp_path):
    page = tmp_path / "again.html"
    assert call("report", run_folder, "--to", page).code == 0
    assert page.read_bytes() == (run_folder / "report.html").read_bytes()
