"""A desk answers for a book: figures checked by hand, unknown first, and asking changes nothing."""

from __future__ import annotations

from fractions import Fraction

import polars as pl
import pytest

import seawall as sw
from seawall.api.amounts import amount_text
from seawall.errors import BookError, InputError, NumberError

ROWS = [
    {
        "account": "ann", "instrument": "BTC-PERP", "size": "1", "entry_price": "50000",
        "collateral_asset": "USDC", "collateral_amount": "10000", "margin_mode": "cross",
    },
    {
        "account": "ben", "instrument": "BTC-PERP", "size": "-1", "entry_price": "50000",
        "collateral_asset": "USDC", "collateral_amount": "10000", "margin_mode": "isolated",
    },
    {
        "account": "cat", "instrument": "AVAX-PERP", "size": "10", "entry_price": "20",
        "collateral_asset": "USDC", "collateral_amount": "100", "margin_mode": "cross",
    },
]  # fmt: skip


@pytest.fixture(scope="module")
def desk():
    return sw.load_book(ROWS, "harbor", {"BTC": "60000"})


def test_equity_is_collateral_and_profit_to_the_atom_and_no_entry_fee_is_charged(desk):
    (ann,), (ben,) = desk.statement("ann"), desk.statement("ben")
    assert ann.equity_atoms == 20_000 * 10**6 and ann.equity == "20,000.00"
    assert ben.equity_atoms == 0 and ben.pot == "isolated BTC-PERP"
    assert ann.worst is not None and ann.worst.name == "BTC-PERP"
    assert ann.margin_atoms == ann.equity_atoms - ann.requirement_atoms


def test_terms_add_up_at_every_level(desk):
    for level in desk.levels:
        for row in desk.statement("ann", level):
            needs = sum(term.amount_atoms for term in row.terms if term.kind != "collateral")
            assert needs == row.requirement_atoms


def test_an_account_without_a_price_is_unknown_has_no_figures_and_comes_first(desk):
    (cat,) = desk.statement("cat")
    assert not cat.known and cat.unknown_price == "AVAX-PERP"
    assert cat.equity_atoms is None and cat.margin_atoms is None and cat.terms == ()
    table = desk.statements()
    assert table["account"].to_list() == ["cat", "ben", "ann"]
    assert table.row(0, named=True)["equity_atoms"] is None
    assert desk.liquidation_prices("cat") == ()


def test_the_liquidation_price_is_the_first_tick_that_fails(desk):
    (line,) = desk.liquidation_prices("ann")
    assert line.together == "alone" and line.above is None and line.below is not None
    ticks = Fraction(line.below.replace(",", "")) / Fraction("0.1")
    assert ticks.denominator == 1
    at = desk.at({"BTC": line.below}).statement("ann")[0]
    before = desk.at({"BTC": str(float(Fraction(line.below.replace(",", "")) + Fraction("0.1")))})
    assert at.margin_atoms < 0 <= before.statement("ann")[0].margin_atoms


def test_a_pot_below_the_level_now_has_no_price_to_fall_to(desk):
    (line,) = desk.liquidation_prices("ben")
    assert line.failing_now and line.below is line.above is None


def test_asking_what_if_changes_nothing(desk):
    before = desk.state.digest()
    found = desk.whatif("ann", trade="BTC-PERP +0.5", price={"BTC": "-33%"}, withdraw="100 USDC")
    assert desk.state.digest() == before
    assert any("liquidated" in verdict for verdict in found.verdicts)
    fee = 20_100 * 10**6 * 45 // 100_000  # 4.5 bp of 0.5 BTC at 40,200: it trades at the price after the fall
    after = next(row for row in found.after if row.level == "maintenance")
    assert after.equity_atoms == (10_000 - 100 - 9_800) * 10**6 - fee


def test_a_frame_a_file_and_dicts_are_the_same_book(desk, tmp_path):
    frame = pl.DataFrame(ROWS)
    path = tmp_path / "book.parquet"
    frame.write_parquet(path)
    for book in (frame, path, str(path)):
        assert sw.load_book(book, "harbor").state.digest() == desk.state.digest()


def test_floats_in_a_frame_are_refused_because_they_are_not_exact():
    frame = pl.DataFrame([{**ROWS[0], "size": 0.1}])
    with pytest.raises(BookError, match="column size holds floats"):
        sw.load_book(frame, "harbor")


@pytest.mark.parametrize("book", ([], {}, 7, None, [1, 2]))
def test_what_is_no_book_is_refused(book):
    with pytest.raises(BookError, match="no book"):
        sw.load_book(book, "harbor")


def test_isolated_money_may_come_beside_coins_that_need_a_price():
    rows = [
        {**ROWS[0], "account": "dan", "collateral_asset": "BTC", "collateral_amount": "1"},
        {**ROWS[1], "account": "dan"},
    ]
    found = sw.load_book(rows, "harbor", {"BTC": "60000"}).statement("dan")
    assert [row.pot for row in found] == ["cross", "isolated BTC-PERP"]


def test_a_position_that_cannot_be_counted_is_refused_and_not_wrapped():
    rows = [{**ROWS[0], "size": "9e12"}]
    with pytest.raises((BookError, NumberError), match="ann"):
        sw.load_book(rows, "harbor", {"BTC": "60000"}).statement("ann")


def test_an_inverse_book_is_margined_in_its_coin():
    rows = [
        {
            "account": "eve", "instrument": "PI_XBTUSD", "size": "60000", "entry_price": "60000",
            "collateral_asset": "XBT", "collateral_amount": "0.1",
        }
    ]  # fmt: skip
    desk = sw.load_book(rows, "kraken-inverse", {"BTC": "60000"})
    (row,) = desk.statement("eve")
    assert row.unit == "XBT" and row.equity_atoms == 10**7
    (line,) = desk.liquidation_prices("eve")
    # Equity 0.1 + 60000/60000 - 60000/P meets 1 % of 60000/P where P = 60000 * 1.01 / 1.1.
    assert abs(float(line.below.replace(",", "")) - 60_000 * 1.01 / 1.1) <= 0.5


def test_amounts_are_written_exactly():
    rulebook = sw.load_rulebook("harbor")
    usdc = [asset.name for asset in rulebook.assets].index("USDC")
    assert amount_text(rulebook, usdc, -1_234_567_890_001) == "-1,234,567.890001"
    assert amount_text(rulebook, usdc, 5_000_000) == "5.00"


def test_prices_of_unknown_names_are_refused():
    with pytest.raises(InputError, match="PEPE"):
        sw.load_book(ROWS, "harbor", {"PEPE": "1"})


@pytest.mark.parametrize("few", [0, 1_000])
def test_the_ranking_is_the_order_of_the_statements_however_the_pots_are_measured(monkeypatch, few):
    """Unknown ones, one without equity, equal ones, and an isolated pot that ranks before its cross pot."""
    from seawall.api import desk as module

    monkeypatch.setattr(module, "FEW_POTS", few)
    rows = [
        {"account": name, "instrument": what, "size": size, "entry_price": entry, "collateral_asset": "USDC",
         "collateral_amount": money, "margin_mode": mode}
        for name, what, size, entry, money, mode in [
            ("calm", "BTC-PERP", "0.1", "60000", "90000", "cross"),
            ("unknown", "ETH-PERP", "1", "2500", "5000", "cross"),
            ("also", "ETH-PERP", "1", "2500", "5000", "cross"),
            ("twin", "BTC-PERP", "0.1", "60000", "2000", "cross"),
            ("same", "BTC-PERP", "0.1", "60000", "2000", "cross"),
            ("gone", "BTC-PERP", "0.1", "90000", "2500", "cross"),
            ("two", "BTC-PERP", "0.1", "60000", "80000", "cross"),
            ("two", "BTC-PERP", "0.1", "60000", "700", "isolated"),
        ]
    ]  # fmt: skip
    desk = sw.load_book(rows, "harbor", {"BTC": "60000"})
    for level in desk.levels:
        order = desk.statements(level)["account"].to_list()
        assert desk.ranking(level) == tuple(dict.fromkeys(order))
    assert desk.ranking() == ("also", "unknown", "gone", "two", "same", "twin", "calm")
