"""Readers: every usual layout is read, and every kind of bad row is refused by name."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.lab.readers import Columns, asset_of, iso, parse_time, read_series
from seawall.parquet import child, read

T0 = 1_760_054_400_000  # 2025-10-10T00:00:00Z in ms
BARS = [(100.0, 110.0, 95.0, 105.0), (105.0, 106.0, 90.0, 91.0), (91.0, 99.0, 91.0, 98.0)]


def kline(index: int, unit: int = 1, bar: tuple[float, ...] | None = None) -> str:
    o, h, low, c = bar or BARS[index]
    open_time = (T0 + index * 60_000) * unit
    return f"{open_time},{o},{h},{low},{c},1.5,{open_time + 59_999 * unit},150.0,10,0.7,70.0,0"


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def refusal(source: str | Path, columns: Columns | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read_series(source, columns)
    return str(caught.value)


@pytest.mark.parametrize("unit", [1, 1000])
@pytest.mark.parametrize("header", [True, False])
def test_binance_klines_read_in_ms_and_us_with_and_without_header(
    tmp_path: Path, unit: int, header: bool
) -> None:
    head = ["open_time,open,high,low,close,volume,close_time,quote_volume,count,a,b,ignore"] if header else []
    rows = [kline(i, unit) for i in range(3)]
    series = read_series(write(tmp_path / "BTCUSDT-1m-2025-10.csv", *head, *rows))
    assert (series.name, series.bar_ns) == ("BTC", 60 * 10**9)
    assert series.time_ns.tolist() == [(T0 + i * 60_000) * 10**6 for i in range(3)]
    assert series.low.tolist() == [95.0, 90.0, 91.0]


def test_a_file_that_changes_from_ms_to_us_is_read_on_one_clock(tmp_path: Path) -> None:
    series = read_series(write(tmp_path / "BTCUSDT.csv", kline(0), kline(1), kline(2, 1000)))
    assert np.diff(series.time_ns).tolist() == [60 * 10**9] * 2


@pytest.mark.parametrize("packed", [False, True])
def test_tardis_trades_read_plain_and_gzipped(tmp_path: Path, packed: bool) -> None:
    text = (
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
        f"binance,ETHUSDT,{T0}123,{T0}999,1,buy,4370.5,0.1\n"
        f"binance,ETHUSDT,{T0}123,{T0}999,2,sell,4370.4,0.1\n"
    )
    path = tmp_path / ("trades.csv.gz" if packed else "trades.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    series = read_series(path)
    assert (series.name, series.bar_ns) == ("ETH", 0)
    assert series.time_ns.tolist() == [T0 * 10**6 + 123_000] * 2
    assert series.close.tolist() == [4370.5, 4370.4]


def test_a_zip_with_one_csv_is_read_and_with_two_refused(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "\n".join(kline(i) for i in range(3)))
    assert read_series(path).close.tolist() == [105.0, 91.0, 98.0]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("b.csv", "x")
    assert "it holds 2 files" in refusal(path)


def test_parquet_bars_and_named_columns(tmp_path: Path) -> None:
    when = ["2025-10-10T00:00:00Z", "2025-10-10 00:05"]
    frame = pl.DataFrame({"when": when, "px": [1.5, 2.5], "price": [9, 9]})
    path = tmp_path / "x.parquet"
    frame.write_parquet(path)
    series = read_series(f"SOL={path}", Columns(ts="when", price="px"))
    assert (series.name, series.close.tolist()) == ("SOL", [1.5, 2.5])
    assert int(series.time_ns[1] - series.time_ns[0]) == 300 * 10**9
    assert "no column 'nope'" in refusal(path, Columns(ts="nope"))


def test_a_file_of_many_assets_needs_a_name_and_gives_that_one(tmp_path: Path) -> None:
    time, coin = [T0, T0, T0 + 1], ["AVAX", "DOT", "AVAX"]
    frame = pl.DataFrame({"ts": time, "coin": coin, "price": [20.0, 3.0, 19.0]})
    path = tmp_path / "alts.parquet"
    frame.write_parquet(path)
    assert "it holds 2 assets: AVAX, DOT" in refusal(path)
    assert read_series(f"AVAX={path}").close.tolist() == [20.0, 19.0]
    assert "Say which one" in refusal(f"BTC={path}")


@pytest.mark.parametrize(
    ("text", "asset"),
    [
        ("BTCUSDT_binance_1m_2021-05", "BTC"),
        ("binance-futures_trades_2025-10-10_SOLUSDT.csv", "SOL"),
        ("BTCUSD_PERP_binance", "BTC"),
        ("ethusdc-1m", "ETH"),
        ("1000PEPEUSDT", "1000PEPE"),
        ("prices", "PRICES"),
        ("USDT", "USDT"),
    ],
)
def test_the_asset_comes_from_the_file_name(text: str, asset: str) -> None:
    assert asset_of(text) == asset


@pytest.mark.parametrize(
    ("bar", "said"),
    [
        ((0.0, 110.0, 0.0, 105.0), "open is 0.0"),
        ((105.0, 110.0, -1.0, 105.0), "low is -1.0"),
        (("nan", 110.0, 95.0, 105.0), "open is nan"),
        ((105.0, "inf", 95.0, 105.0), "high is inf"),
        ((105.0, 2e6, 95.0, 105.0), "high is 2000000.0 where the last price was 105.0"),
        ((105.0, 106.0, 0.0105, 105.0), "low is 0.0105 where the last price was 105.0"),
        ((105.0, 106.0, 106.0, 105.0), "the bar contradicts itself"),
        (("12,5", 110.0, 95.0, 105.0), None),
        (("abc", 110.0, 95.0, 105.0), "'abc' is not a number"),
        (("", 110.0, 95.0, 105.0), "is not a number"),
    ],
)
def test_a_bad_bar_is_refused_with_its_line(tmp_path: Path, bar: tuple[float, ...], said: str | None) -> None:
    path = write(tmp_path / "BTCUSDT.csv", kline(0), kline(1, bar=bar), kline(2))
    text = refusal(path)
    assert str(path) in text
    if said is not None:
        assert f"{path}, line 2" in text and said in text


@pytest.mark.parametrize(
    ("order", "said"),
    [((0, 0), "is the time of the row before"), ((1, 0), "is before the row above it")],
)
def test_duplicate_and_backward_bars_are_refused(tmp_path: Path, order: tuple[int, ...], said: str) -> None:
    path = write(tmp_path / "BTCUSDT.csv", *(kline(i) for i in order))
    assert f"{path}, line 2: time 2025-10-10T00:00:00Z {said}" in refusal(path)


def test_a_bad_parquet_row_is_named_from_zero(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT.parquet"
    pl.DataFrame({"ts": [T0, T0 + 1, T0 + 2], "price": [1.0, 1.1, float("nan")]}).write_parquet(path)
    assert f"{path}, row 2: price is nan" in refusal(path)
    pl.DataFrame({"ts": [T0, T0 + 1], "price": [1.0, None]}).write_parquet(path)
    assert f"{path}, row 1, column price: None is not a number" in refusal(path)


def test_a_time_of_no_known_unit_is_refused(tmp_path: Path) -> None:
    assert "line 2, column ts: '12' is not a time" in refusal(write(tmp_path / "a.csv", "ts,price", "12,1.0"))
    assert "line 3, column ts: 'later' is" in refusal(
        write(tmp_path / "b.csv", "ts,price", "2025-10-10,1.0", "later,1.0")
    )


def test_bars_of_two_lengths_in_one_file_are_refused(tmp_path: Path) -> None:
    rows = [f"{T0 + 1000 * s},1,1,1,1" for s in (0, 300, 600, 1150)]
    assert "the bar of 2025-10-10T00:19:10Z does not lie on the grid of 300 s bars" in refusal(
        write(tmp_path / "c.csv", "ts,open,high,low,close", *rows)
    )


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path / "none.csv")
    assert "cannot be read" in refusal(write(tmp_path / "x.parquet", "not parquet"))
    (tmp_path / "e.csv").write_text("")
    assert "e.csv" in refusal(tmp_path / "e.csv")
    assert "it has no rows" in refusal(write(tmp_path / "h.csv", "ts,price"))
    assert "no header, and 3 columns" in refusal(write(tmp_path / "n.csv", "1,2,3"))
    assert "a time and either open" in refusal(write(tmp_path / "w.csv", "ts,rate", f"{T0},1"))


@given(st.integers(min_value=10**18, max_value=4 * 10**18))
def test_iso_and_parse_time_agree_to_the_microsecond(time_ns: int) -> None:
    assert parse_time(iso(time_ns)) == time_ns // 1000 * 1000


def test_times_without_a_zone_are_utc_and_others_are_converted() -> None:
    assert parse_time("2025-10-10 00:00:00") == parse_time("2025-10-10T02:00:00+02:00") == T0 * 10**6
    with pytest.raises(InputError, match="is not a time"):
        parse_time("soon")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os, sys; print('no memory', file=sys.stderr); os.abort()", "(no memory)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "its reader ended with -9"),
        ("raise BaseException('a panic')", "BaseException: a panic"),
    ],
)
def test_a_parquet_file_that_brings_its_reader_down_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    path, stand_in = tmp_path / "x.parquet", tmp_path / "child.py"
    pl.DataFrame({"ts": [T0], "price": [1.0]}).write_parquet(path)
    stand_in.write_text(code)
    monkeypatch.setattr(read, "_CHILD", stand_in)
    assert said in refusal(path)


def test_the_reader_of_parquet_and_its_child_agree_on_their_figures() -> None:
    assert (child.CELL_BYTES, child.TOO_LARGE) == (read.CELL_BYTES, read.TOO_LARGE)
