"""seawall.portfolio_margin: files and tables in, a statement out; what is not known is never safe."""

from __future__ import annotations

import polars as pl
import pytest

import seawall as sw
from seawall.api.portfolio_names import read_contract_name
from seawall.errors import InputError, NumberError, RulebookError

NOW = "2026-03-01T08:00:00Z"
HELD = """instrument,size
BTC-27MAR26-92000-P,-2
BTC-27MAR26-100000-C,1.5
BTC-PERPETUAL,-0.4
BTC,0.5
USDC,25000
"""
MARKET = """instrument,mark,forward,iv
BTC,90000,,
BTC-PERPETUAL,90010,,
BTC-27MAR26-92000-P,,90500,55%
BTC-27MAR26-100000-C,,90500,0.52
"""


@pytest.fixture
def paths(tmp_path):
    held, market = tmp_path / "held.csv", tmp_path / "market.csv"
    held.write_text(HELD)
    market.write_text(MARKET)
    return held, market


def rows(text):
    head, *lines = [line.split(",") for line in text.strip().split("\n")]
    return [dict(zip(head, line)) for line in lines]


def test_files_frames_and_rows_give_the_same_statement(paths):
    held, market = paths
    found = sw.portfolio_margin("derive-pm2", held, market, now=NOW)
    frames = [pl.read_csv(path, infer_schema=False) for path in paths]
    assert sw.portfolio_margin("derive-pm2", *frames, now=NOW) == found
    assert sw.portfolio_margin("derive-pm2", rows(HELD), rows(MARKET), now=NOW) == found
    node = found.node("BTC")
    assert node.cash_atoms == 25_000 * 10**8 and node.collateral_atoms == 45_000 * 10**8
    assert node.worst is not None and node.worst.scenario.spot_ppb == -180_000_000
    assert found.levels["initial"] > found.levels["maintenance"] > 0
    assert found.equity_atoms == node.equity_atoms
    assert node.charges["perpetual_mm"] == 36_000 * 10**8 * 3 // 100
    assert node.charges["option_mm"] == 2 * 90_000 * 10**8 * 3 // 1_000


def test_parquet_is_read_too(paths, tmp_path):
    held, market = paths
    stored = tmp_path / "held.parquet"
    pl.read_csv(held, infer_schema=False).write_parquet(stored)
    assert sw.portfolio_margin("derive-pm2", stored, market, now=NOW) == sw.portfolio_margin(
        "derive-pm2", held, market, now=NOW
    )


def test_a_node_in_coin_takes_its_coin_as_cash(paths):
    found = sw.portfolio_margin("deribit-pm@2024-06-17", rows(HELD)[:4], paths[1], now=NOW)
    node = found.node("BTC")
    assert node.decimals == 12 and node.cash_atoms == 5 * 10**11
    assert node.charges["roll_shock"] > 0 and found.levels["initial"] > found.levels["maintenance"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("90500,55%", ",55%", "no quote of expiry"),
        ("90500,0.52", "90500,", "volatility of BTC-27MAR26-100000-C is missing"),
        ("BTC,90000,,\n", "", "no quote of BTC"),
        ("PERPETUAL,90010", "PERPETUAL,", "mark of BTC-PERPETUAL is missing"),
    ],
)
def test_what_the_market_does_not_say_makes_the_account_unknown(old, new, reason):
    text = MARKET.replace(old, new)
    if "no quote of expiry" in reason:
        text = text.replace("90500,0.52", ",0.52")
    found = sw.portfolio_margin("derive-pm2", rows(HELD), rows(text), now=NOW)
    assert any(reason in told for told in found.unknown)
    assert found.levels == {"initial": None, "maintenance": None} and found.equity_atoms is None


def test_an_expired_option_is_unknown_until_it_is_settled():
    found = sw.portfolio_margin("derive-pm2", rows(HELD), rows(MARKET), now="2026-03-27T08:00:00Z")
    assert any("settle it first" in told for told in found.unknown)


@pytest.mark.parametrize(
    ("held", "market", "error", "what"),
    [
        (HELD.replace(",-2\n", ",two\n"), MARKET, NumberError, "not a finite decimal"),
        (HELD.replace(",-2", ","), MARKET, InputError, "no size"),
        (HELD.replace("instrument,size", "instrument,amount"), MARKET, InputError, "column 'amount'"),
        (HELD.replace("BTC-PERPETUAL", "btc perp"), MARKET, InputError, "no contract name"),
        (HELD.replace("27MAR26-92000", "31FEB26-92000"), MARKET, InputError, "no contract name"),
        (HELD, MARKET.replace("90500,0.52", "91500,0.52"), InputError, "one forward per expiry"),
    ],
)
def test_bad_tables_are_refused_with_their_line(held, market, error, what):
    with pytest.raises(error, match=what):
        sw.portfolio_margin("derive-pm2", rows(held), rows(market), now=NOW)


def test_dated_contracts_need_a_time_and_rulebooks_a_name():
    with pytest.raises(InputError, match="Say what time it is"):
        sw.portfolio_margin("derive-pm2", rows(HELD), rows(MARKET))
    with pytest.raises(RulebookError, match="no built-in"):
        sw.portfolio_margin("nobody", rows(HELD), rows(MARKET))


def test_names_of_every_venue_are_read():
    kinds = {
        "BTC-28JUN24": "future", "BTC-USD-260327": "future", "ETH-20260327": "future",
        "BTC_USDC-PERPETUAL": "perpetual", "BTC-USDT-SWAP": "perpetual", "ETH-PERP": "perpetual",
        "BTC-27MAR26-92000-P": "option", "ETH-20240126-1800-C": "option", "USDC": "spot",
    }  # fmt: skip
    for name, kind in kinds.items():
        found = read_contract_name(name, where="x")
        assert found.kind == kind and found.base in name
        assert (found.expiry_ns > 0) == (kind in ("future", "option"))
    with pytest.raises(InputError, match="no day of the calendar"):
        read_contract_name("BTC-31FEB24", where="x")
