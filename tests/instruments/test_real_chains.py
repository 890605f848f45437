"""Names, expiries and margins of real option chains (data of ../shared, where present)."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.instruments.option_names import read_option_name

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "options"


def frame(name: str):
    pl = pytest.importorskip("polars")
    path = DATA / f"{name}.parquet"
    if not path.exists():
        pytest.skip("option chains (../shared) are not here")
    return pl.read_parquet(path)


def test_every_name_of_a_deribit_chain_says_what_its_columns_say():
    columns = ["instrument_name", "option_type", "strike", "expiry_datetime", "currency"]
    rows = frame("deribit_chains_2026").select(columns).unique().rows()
    assert len(rows) > 1_000
    for name, right, strike, expiry, currency in rows:
        found = read_option_name(name, "deribit")
        assert (found.base, found.is_call, float(found.strike)) == (currency, right == "call", float(strike))
        assert found.expiry_ns // 10**9 == int(expiry.timestamp()), name


def test_every_name_of_an_okx_chain_is_read():
    names = frame("okx_btc_options_10s_2025-10-10")["symbol"].unique().to_list()
    assert {read_option_name(name, "okx").base for name in names} == {"BTC"}
