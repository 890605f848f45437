"""Price paths: bars are met exactly, gaps stay gaps, several files share one clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.lab.prices import DAY_NS, SECOND_NS, bars_to_ticks, busiest_day, load_prices, window
from seawall.lab.readers import Series, iso, parse_time
from seawall.lab.streams import Stream

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "prices"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared price files are not here")
T0 = parse_time("2025-10-10T00:00:00Z")
MINUTE = 60 * SECOND_NS


def bars(count: int, seed: int = 1, length_ns: int = 5 * MINUTE) -> Series:
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, count)))
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opened, close) * (1 + rng.exponential(0.004, count))
    low = np.minimum(opened, close) * (1 - rng.exponential(0.004, count))
    time = T0 + np.arange(count, dtype=np.int64) * length_ns
    return Series("BTC", "test", length_ns, time, opened, high, low, close)


def trades(path: Path, seconds: list[float], prices: list[float]) -> Path:
    time = [T0 + round(s * SECOND_NS) for s in seconds]
    pl.DataFrame({"ts": time, "price": prices}).write_parquet(path)
    return path


@settings(max_examples=50)
@given(st.integers(1, 60), st.sampled_from([4, 5, 10, 20, 60]), st.integers(0, 2**32))
def test_every_bar_is_met_exactly_and_never_left(count: int, points: int, seed: int) -> None:
    series = bars(count, seed, length_ns=points * SECOND_NS)
    time, price = bars_to_ticks(series, SECOND_NS, Stream(seed, "x"))
    table = price.reshape(count, points)
    assert table[:, 0].tolist() == series.open.tolist()
    assert table[:, -1].tolist() == series.close.tolist()
    assert table.max(axis=1).tolist() == series.high.tolist()
    assert table.min(axis=1).tolist() == series.low.tolist()
    assert (np.diff(time) == SECOND_NS).all()


def test_the_nearer_extreme_comes_first_as_often_as_a_driftless_path_would_have_it() -> None:
    count = 20_000
    flat = np.full(count, 100.0)
    time = T0 + np.arange(count, dtype=np.int64) * MINUTE
    series = Series("BTC", "test", MINUTE, time, flat, flat + 1.0, flat - 3.0, flat)
    table = bars_to_ticks(series, 15 * SECOND_NS, Stream(3, "x"))[1].reshape(count, 4)
    assert abs((table[:, 1] == 101.0).mean() - 0.75) < 0.015


def test_the_path_is_the_same_for_the_same_seed_and_not_for_another(tmp_path: Path) -> None:
    series = bars(50)
    frame = {"ts": series.time_ns, "open": series.open, "high": series.high, "low": series.low}
    pl.DataFrame(frame | {"close": series.close}).write_parquet(tmp_path / "BTCUSDT.parquet")
    first, second, other = (load_prices([tmp_path / "BTCUSDT.parquet"], seed=s).price for s in (1, 1, 2))
    assert first.tobytes() == second.tobytes() != other.tobytes()


def test_trades_take_the_last_price_and_a_gap_stays_a_gap(tmp_path: Path) -> None:
    path = trades(tmp_path / "BTCUSDT.parquet", [0, 0.5, 1, 1, 4.2], [10.0, 11.0, 12.0, 13.0, 14.0])
    got = load_prices([path], step_seconds=1)
    assert got.price[:, 0].tolist() == [10.0, 13.0, 13.0, 13.0, 13.0, 14.0]
    assert got.fresh[:, 0].tolist() == [True, True, False, False, False, True]
    assert any("3 of 6 steps saw no new price" in note for note in got.notes)


def test_missing_bars_leave_stale_steps(tmp_path: Path) -> None:
    series = bars(6)
    keep = [0, 1, 4, 5]
    frame = {"ts": series.time_ns[keep], "open": series.open[keep], "high": series.high[keep]}
    pl.DataFrame(frame | {"low": series.low[keep], "close": series.close[keep]}).write_parquet(
        tmp_path / "BTCUSDT.parquet"
    )
    got = load_prices([tmp_path / "BTCUSDT.parquet"])
    assert got.fresh[:, 0].tolist() == [True] * 10 + [False] * 10 + [True] * 10
    assert set(got.price[10:20, 0]) == {series.close[1]}


def test_several_files_share_the_time_they_all_cover(tmp_path: Path) -> None:
    a = trades(tmp_path / "BTCUSDT.parquet", [0, 1, 2, 3, 4, 5], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    b = trades(tmp_path / "ETHUSDT.parquet", [1.5, 4], [7.0, 8.0])
    got = load_prices([a, b], step_seconds=1)
    assert got.names == ("BTC", "ETH")
    assert ((got.time_ns - T0) // SECOND_NS).tolist() == [2, 3, 4]
    assert got.price.tolist() == [[3.0, 7.0], [4.0, 7.0], [5.0, 8.0]]
    assert got.fresh[:, 1].tolist() == [True, False, True]
    assert got.of("ETH").tolist() == [7.0, 7.0, 8.0]
    with pytest.raises(InputError, match="no prices for SOL"):
        got.of("SOL")


def test_files_without_common_time_or_with_one_name_are_refused(tmp_path: Path) -> None:
    a = trades(tmp_path / "BTCUSDT.parquet", [0, 1], [1.0, 1.0])
    b = trades(tmp_path / "ETHUSDT.parquet", [100, 101], [1.0, 1.0])
    with pytest.raises(InputError, match="share no time"):
        load_prices([a, b], step_seconds=1)
    with pytest.raises(InputError, match="is also the name of"):
        load_prices([a, f"BTC={b}"])
    with pytest.raises(InputError, match="no file was given"):
        load_prices([])


def test_a_step_that_cannot_meet_the_bars_is_refused_with_one_that_can(tmp_path: Path) -> None:
    series = bars(10)
    frame = {"ts": series.time_ns, "open": series.open, "high": series.high, "low": series.low}
    pl.DataFrame(frame | {"close": series.close}).write_parquet(tmp_path / "BTCUSDT.parquet")
    for step in (100, 70, 0, float("nan")):
        with pytest.raises(InputError, match="step"):
            load_prices([tmp_path / "BTCUSDT.parquet"], step_seconds=step)
    assert load_prices([tmp_path / "BTCUSDT.parquet"], step_seconds=75).time_ns.size == 40


def test_long_files_are_cut_to_the_day_that_moved_most_and_say_so(tmp_path: Path) -> None:
    prices = [100.0] * 96
    prices[40] = 60.0
    path = trades(tmp_path / "BTCUSDT.parquet", [3600.0 * h for h in range(96)], prices)
    got = load_prices([path])
    assert iso(int(got.time_ns[0])) == "2025-10-11T00:00:00Z"
    assert got.time_ns[-1] < T0 + 2 * DAY_NS
    assert "2025-10-11" in got.notes[0] and "40.0%" in got.notes[0]
    whole = load_prices([path], start_ns=T0, end_ns=T0 + 4 * DAY_NS)
    assert whole.time_ns.size == 95 * 60 + 1


def test_a_window_is_half_open_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    path = load_prices([trades(tmp_path / "B.parquet", [0, 1, 2, 3], [1.0, 2.0, 3.0, 4.0])], step_seconds=1)
    assert window(path, T0 + SECOND_NS, T0 + 3 * SECOND_NS).price[:, 0].tolist() == [2.0, 3.0]
    with pytest.raises(InputError, match="The path runs from 2025-10-10T00:00:00Z"):
        window(path, T0 + 100 * SECOND_NS)
    with pytest.raises(InputError, match="no row lies between"):
        load_prices([tmp_path / "B.parquet"], start_ns=T0 + DAY_NS)


@needs_shared
@pytest.mark.parametrize(
    ("name", "low"),
    [
        ("BTCUSDT_binanceperp_5m_2025-10", 101_516.5),
        ("ETHUSDT_binanceperp_5m_2025-10", 3_400.0),
        ("BTCUSDT_binance_1m_2021-05", 30_000.0),
        ("ETHUSDT_binance_1m_2021-05", 1_888.0),
        ("BTCUSDT_ftx_5m_2022-05", None),
        ("BTCUSD_PERP_binance_markORindex_1m_2025-10-09_10", None),
        ("AVAXUSD_gemini_trades_2025-10-10", None),
    ],
)
def test_real_files_load_and_the_known_lows_are_met(name: str, low: float | None) -> None:
    got = load_prices([SHARED / f"{name}.parquet"])
    assert (got.price > 0).all()
    if low is not None:
        assert got.price.min() == low


@needs_shared
def test_the_busiest_day_of_october_2025_is_the_tenth() -> None:
    from seawall.lab.readers import read_series

    start, move = busiest_day(read_series(SHARED / "BTCUSDT_binanceperp_5m_2025-10.parquet"))
    assert iso(start)[:10] == "2025-10-10"
    assert 0.16 < move < 0.18
