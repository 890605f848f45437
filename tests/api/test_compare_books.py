"""One book under several rulebooks: each as if its rows had been written for that venue by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import seawall as sw
from seawall.api.place_book import _on_grid
from seawall.errors import InputError

MARKS = {"BTC": "60000", "ETH": "2500"}


def row(account, instrument, size, entry, asset="USDC", amount="10000", mode="cross"):
    names = (
        "account",
        "instrument",
        "size",
        "entry_price",
        "collateral_asset",
        "collateral_amount",
        "margin_mode",
    )
    return dict(zip(names, (account, instrument, size, entry, asset, amount, mode), strict=True))


BOOK = [
    row("ann", "BTC-PERP", "0.5", "61000"),
    row("ann", "ETH-PERP", "-3", "2400", "", ""),
    row("bob", "BTC-PERP", "3", "62000", "USDC", "9000"),
]
RULEBOOKS = {
    "harbor": ("BTC-PERP", "ETH-PERP"),
    "hyperliquid": ("BTC", "ETH"),
    "bybit-linear": ("BTCUSDT", "ETHUSDT"),
}


def test_each_account_stands_as_if_its_rows_were_written_for_that_venue():
    found = sw.compare_books(BOOK, list(RULEBOOKS), MARKS)
    for under, (name, (btc, eth)) in zip(found.under, RULEBOOKS.items(), strict=True):
        dollar = "USDT" if name == "bybit-linear" else "USDC"
        own = [
            {**one, "instrument": {"BTC-PERP": btc, "ETH-PERP": eth}[one["instrument"]],
             "collateral_asset": one["collateral_asset"] and dollar}
            for one in BOOK
        ]  # fmt: skip
        desk = sw.load_book(own, name, MARKS)
        for account in ("ann", "bob"):
            (pot,) = desk.statement(account)
            standing = under.standings[account]
            assert standing.equity_usd == pytest.approx(pot.equity_atoms / 10**6, abs=1e-9)
            assert standing.requirement_usd == pytest.approx(pot.requirement_atoms / 10**6, abs=1e-9)
            assert standing.below == (pot.margin_atoms < 0)
            needs = under.needs(account)
            assert sum(n.usd for n in needs if n.kind == "requirement") == pytest.approx(
                standing.requirement_usd
            )


def test_accounts_the_venues_disagree_about_are_named():
    found = sw.compare_books(BOOK, ["hyperliquid", "drift-v2"], MARKS)
    below = [{name for name in found.accounts if one.standings[name].below} for one in found.under]
    assert set(found.differing()) == below[0] ^ below[1]
    table = found.table()
    assert table.height == 4 and table["below"].sum() == len(below[0]) + len(below[1])


def test_what_a_venue_has_no_place_for_is_left_out_with_the_reason_and_never_safe():
    book = [*BOOK, row("cat", "BTC-PERP", "1", "60000", "BTC", "1"), row("dan", "BTC-25DEC26", "1", "60000")]
    _, other = sw.compare_books(book, ["harbor", "hyperliquid"], MARKS).under
    assert "takes no BTC" in other.standings["cat"].why and "linear future" in other.standings["dan"].why
    for name in ("cat", "dan"):
        assert not other.standings[name].known and other.standings[name].health is None
        assert other.needs(name) == ()
    assert [one.account for one in other.judged] == ["ann", "bob"]


def test_without_a_price_an_account_is_unknown_under_every_rulebook():
    for under in sw.compare_books(BOOK, ["harbor", "hyperliquid"], {"BTC": "60000"}).under:
        assert under.standings["ann"].why.startswith("unknown") and under.standings["bob"].known


def test_rows_off_the_grid_are_counted_and_rounded_against_the_account():
    book = [row("ann", "BTC", "0.00015", "60000.3"), row("bob", "BTC", "-0.00015", "60000.3")]
    fine, coarse = sw.compare_books(book, ["hyperliquid", "dydx-v4"], MARKS).under
    assert (fine.rounded, coarse.rounded) == (0, 2)
    sizes = {one.account: (one.size, one.entry_price) for one in coarse.desk.rows}
    assert sizes == {"ann": ("0.0002", "60001"), "bob": ("-0.0002", "60000")}


@given(
    st.integers(-(10**12), 10**12),
    st.integers(0, 6),
    st.sampled_from(["0.1", "0.0001", "0.05", "10"]),
    st.booleans(),
)
def test_a_number_is_put_on_the_grid_within_one_step_and_in_its_direction(digits, places, step, up):
    value, grid = Fraction(digits, 10**places), Fraction(step)
    text = (
        f"{'-' if digits < 0 else ''}{abs(digits) // 10**places}.{abs(digits) % 10**places:0{places}d}"
        if places
        else str(digits)
    )
    found = Fraction(_on_grid(text, grid, up=up))
    assert (found / grid).denominator == 1 and abs(found - value) < grid
    assert found >= value if up else found <= value


def test_a_price_no_rulebook_has_a_use_for_is_refused():
    with pytest.raises(InputError, match="DOGE"):
        sw.compare_books(BOOK, ["harbor"], {**MARKS, "DOGE": "1"})


def test_no_rulebook_or_the_same_twice_is_refused():
    for names in ([], ["harbor", "harbor"]):
        with pytest.raises(InputError):
            sw.compare_books(BOOK, names, MARKS)
