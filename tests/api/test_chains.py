"""Markets from tables and chains: the right quote of the right moment, and none that is not sound."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import seawall as sw
from seawall.api.market_table import read_market
from seawall.errors import InputError, NumberError
from tests.api.books import MARKET, NOW, csv_of

REAL = Path(__file__).parents[3] / "shared" / "data" / "options" / "deribit_chains_2026.parquet"
HEAD = (
    "exchange,symbol,timestamp,local_timestamp,type,strike_price,expiration,bid_price,bid_iv,ask_price,"
    "ask_iv,mark_price,mark_iv,underlying_index,underlying_price"
)
START_US = 1_770_278_400_000_000  # 2026-02-05T08:00:00Z


def tardis(tmp_path, rows, name="options_chain.csv.gz"):
    """(symbol, seconds, bid, ask, iv in per cent, index name, underlying price)"""
    lines = [HEAD]
    for symbol, after, bid, ask, vol, index, price in rows:
        at = START_US + after * 1_000_000
        lines.append(f"deribit,{symbol},{at},{at},call,1,1,{bid},1,{ask},1,1,{vol},{index},{price}")
    path = tmp_path / name
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def cells(table, name):
    return next(row.cells for row in table.rows if row.cells["instrument"] == name)


CALL, PUT, WEEK = "BTC-27MAR26-90000-C", "BTC-27MAR26-60000-P", "BTC-6FEB26-70000-C"
FUTURE = "BTC-27MAR26"


def test_tardis_gives_the_last_quote_at_the_moment_in_shares(tmp_path):
    path = tardis(
        tmp_path,
        [
            (CALL, 0, 0.01, 0.02, 52.5, FUTURE, 71_800),
            (CALL, 60, 0.01, 0.02, 53.5, FUTURE, 71_900),
            (CALL, 120, 0.01, 0.02, 60.0, FUTURE, 72_500),
            (WEEK, 30, 0.01, 0.02, 48.0, "index_price", 71_470),
        ],
    )
    found = read_market(path, at="2026-02-05T08:01:00Z")
    assert found.now == "2026-02-05T08:01:00Z"
    assert (
        float(cells(found, CALL)["iv"]) == pytest.approx(0.535) and cells(found, CALL)["forward"] == "71900.0"
    )
    assert cells(found, FUTURE)["mark"] == "71900.0"  # the future that the forward is
    assert cells(found, "BTC")["mark"] == "71470.0"  # only where the row says that it is the index
    assert found.notes == ("quotes are up to 30 s older than 2026-02-05T08:01:00Z",)
    assert float(cells(read_market(path), CALL)["iv"]) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ((CALL, 0, 0.03, 0.02, 52, FUTURE, 71_800), "crossed: bid 0.03 above ask 0.02"),
        ((CALL, 0, -0.01, 0.02, 52, FUTURE, 71_800), "negative quote: bid -0.01"),
        ((CALL, 0, 0.01, 0.02, 0, FUTURE, 71_800), "mark volatility 0, outside"),
        ((CALL, 0, 0.01, 0.02, 501, FUTURE, 71_800), "mark volatility 5.01, outside"),
        ((CALL, 0, 0.01, 0.02, "", FUTURE, 71_800), "mark volatility missing"),
        ((CALL, 0, 0.01, 0.02, 52, FUTURE, 0), "forward 0.0"),
        ((CALL, 0, 0.01, 0.02, 52, FUTURE, 73_000), "forward 73000 where its expiry has 71800"),
        (("BTC-5FEB26-90000-C", 0, 0.01, 0.02, 52, "BTC-5FEB26", 71_800), "expired 2026-02-05T08:00:00Z"),
    ],
)
def test_a_faulty_quote_is_left_out_and_its_holder_is_unknown_and_told(tmp_path, row, why):
    sound = [(f"BTC-27MAR26-{k}-P", 0, 0.01, 0.02, 58, FUTURE, 71_800) for k in (50000, 55000, 60000)]
    found = read_market(tardis(tmp_path, [row, *sound]), marks={"BTC": "71470"})
    assert why in found.left_out[row[0]] and "options_chain.csv.gz, line 2" in found.left_out[row[0]]
    held = [{"instrument": row[0], "size": "-1"}, {"instrument": "USDC", "size": "9000"}]
    account = sw.load_account("derive-pm2", held, found)
    assert any(why in reason for reason in account.unknown)
    assert set(account.statement.levels.values()) == {None}
    sound_one = [{"instrument": PUT, "size": "-1"}, {"instrument": "USDC", "size": "9000"}]
    assert not sw.load_account("derive-pm2", sound_one, found).unknown


def deribit(*snapshots):
    rows = []
    for hours, vol in snapshots:
        when = datetime(2026, 2, 5, 8, tzinfo=UTC) + timedelta(hours=hours)
        for place, name in enumerate((CALL, PUT)):
            rows.append(
                {
                    "instrument_name": name,
                    "ts": when,
                    "implied_volatility": vol,
                    "underlying": 71_800.0 + place,
                }
                | {"index_price": 71_470.0 + place, "bid_price": 0.01, "ask_price": 0.02}
                | {"futures_instrument_name": FUTURE}
            )
    return pl.DataFrame(rows)


def test_the_nearest_snapshot_not_after_the_moment_is_taken_whole():
    chain = deribit((0, 0.5), (6, 0.6), (12, 0.7))
    found = read_market(chain, at="2026-02-05T19:59:59Z")
    assert found.now == "2026-02-05T14:00:00Z" and cells(found, CALL)["iv"] == "0.6"
    assert "valued there" in found.notes[0]
    assert read_market(chain, at="2026-02-05T20:00:00Z").now == "2026-02-05T20:00:00Z"
    assert cells(found, "BTC")["mark"] == "71470.5" and cells(found, PUT)["forward"] == "71800.5"


@pytest.mark.parametrize(
    ("at", "what"),
    [("2026-02-05T07:00:00Z", "first quote"), ("2026-02-07T08:00:00Z", "more than a day older")],
)
def test_a_moment_the_chain_does_not_reach_is_refused(at, what):
    with pytest.raises(InputError, match=what):
        read_market(deribit((0, 0.5)), at=at)


def test_own_tables_and_chains_are_told_apart_by_columns(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(csv_of(MARKET))
    found = read_market(path, at=NOW, marks={"BTC": "70000", "ETH": "2000"})
    assert len(found.rows) == len(MARKET) + 1 and cells(found, "BTC")["mark"] == "70000"
    with pytest.raises(InputError, match="those of no market known here"):
        read_market(pl.DataFrame({"a": [1], "b": [2]}))


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"instrument": "BTC", "mark": "-5"}, "row 1, column mark: BTC costs -5"),
        ({"instrument": CALL, "forward": "0"}, "column forward"),
        ({"instrument": CALL, "forward": "7", "iv": "0"}, "volatility of 0, outside 0 to 500%"),
        ({"instrument": CALL, "forward": "7", "iv": "501%"}, "volatility of 501%"),
    ],
)
def test_an_impossible_cell_of_ones_own_is_refused_with_its_place(row, what):
    with pytest.raises(InputError, match=what):
        read_market([row], at=NOW)


def test_bad_marks_and_moments_are_refused():
    with pytest.raises(InputError, match="--mark BTC"):
        read_market(MARKET, marks={"BTC": "0"})
    with pytest.raises(NumberError, match="no time in UTC"):
        read_market(MARKET, at="yesterday")


@pytest.mark.skipif(not REAL.is_file(), reason="the recorded chains are not on this machine")
def test_recorded_chains_value_an_account_under_two_venues():
    found = read_market(REAL, at="2026-02-05T12:00:00Z", marks={"BTC-PERPETUAL": "71480"})
    assert found.now == "2026-02-05T09:36:47Z" and len(found.rows) > 1_000
    held = [{"instrument": PUT, "size": "-4"}, {"instrument": FUTURE, "size": "0.5"}]
    for name in ("derive-pm2", "paradex-pm"):
        account = sw.load_account(name, [*held, {"instrument": "USDC", "size": "60000"}], found)
        assert not account.unknown and account.statement.levels["initial"] > 0
