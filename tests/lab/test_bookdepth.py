"""bookDepth: a sound feed is fitted, a frozen or crossed one is refused at the right record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from seawall.errors import InputError
from seawall.lab.bookdepth import (
    DepthRecords,
    find_faults,
    fit_depth,
    good_part,
    load_book_depth,
    refuse_faults,
)
from seawall.lab.depth import depth_within
from seawall.lab.readers import iso

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "book"
REAL = SHARED / "BTCUSDT_binance_bookDepth_2025-10-10.parquet"
needs_real = pytest.mark.skipif(not REAL.is_file(), reason="the shared bookDepth file is not here")
BUCKETS = np.array([-5.0, -4, -3, -2, -1, 1, 2, 3, 4, 5])
T0 = 1_760_054_400_000
Change = Callable[[pl.DataFrame], pl.DataFrame]


def feed(snapshots: int = 200, d100: float = 3e8, gamma: float = 0.7, noise: float = 0.1) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    price = 100_000.0
    held = d100 * np.abs(BUCKETS) ** gamma * np.exp(noise * rng.normal(size=(snapshots, BUCKETS.size)))
    average = price * (1.0 + BUCKETS / 100.0 * gamma / (gamma + 1.0))
    return pl.DataFrame(
        {
            "timestamp": np.repeat(T0 + 30_000 * np.arange(snapshots), BUCKETS.size),
            "percentage": np.tile(BUCKETS, snapshots),
            "depth": (held / average).reshape(-1),
            "notional": held.reshape(-1),
        }
    )


def stored(frame: pl.DataFrame, tmp_path: Path) -> Path:
    frame.write_parquet(tmp_path / "depth.parquet")
    return tmp_path / "depth.parquet"


def freeze(frame: pl.DataFrame, bucket: float, first: int, last: int, depth: float) -> pl.DataFrame:
    number = pl.int_range(pl.len()) // BUCKETS.size
    inside = (pl.col("percentage") == bucket) & number.is_between(first, last)
    return frame.with_columns(
        depth=pl.when(inside).then(depth).otherwise("depth"),
        notional=pl.when(inside).then(depth * 99_000.0).otherwise("notional"),
    )


def test_the_fit_recovers_the_curve_the_data_were_made_from(tmp_path: Path) -> None:
    records = load_book_depth(stored(feed(snapshots=2_000), tmp_path))
    assert find_faults(records) == ()
    for side in ("bids", "asks", "both"):
        fit = fit_depth(records, side)
        assert fit.gamma == pytest.approx(0.7, abs=0.005)
        assert fit.d100_usd == pytest.approx(3e8, rel=0.005)
        assert fit.residual_sd == pytest.approx(0.1, rel=0.05)
    assert fit_depth(records).points == 2_000 * 10
    assert depth_within(fit_depth(records).curve(), 1.0, 100.0) == pytest.approx(3e8, rel=0.005)


def test_the_fit_is_the_least_squares_line() -> None:
    records = _records(feed(snapshots=50))
    fit = fit_depth(records, "asks")
    x = np.log(np.tile(BUCKETS[5:], 50))
    y = np.log(records.notional[:, 5:].reshape(-1))
    slope, level = np.polyfit(x, y, 1)
    assert fit.gamma == pytest.approx(slope, rel=1e-10)
    assert fit.d100_usd == pytest.approx(np.exp(level), rel=1e-10)
    assert fit.r_squared == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, rel=1e-9)
    assert fit.residual_worst == pytest.approx(np.abs(y - level - slope * x).max(), rel=1e-9)


def _records(frame: pl.DataFrame) -> DepthRecords:
    shape = (-1, BUCKETS.size)
    return DepthRecords(
        "made", None, BUCKETS, frame["timestamp"].to_numpy().reshape(shape)[:, 0] * 10**6,
        frame["depth"].to_numpy().reshape(shape), frame["notional"].to_numpy().reshape(shape),
        np.arange(frame.height).reshape(shape),
    )  # fmt: skip


def test_csv_and_parquet_give_the_same_records(tmp_path: Path) -> None:
    frame = feed(snapshots=20)
    text = frame.with_columns(
        timestamp=pl.from_epoch("timestamp", time_unit="ms").dt.strftime("%Y-%m-%d %H:%M:%S")
    )
    text.write_csv(tmp_path / "depth.csv")
    a, b = load_book_depth(stored(frame, tmp_path)), load_book_depth(tmp_path / "depth.csv")
    assert (a.time_ns == b.time_ns).all() and (a.depth == b.depth).all() and (a.notional == b.notional).all()


def test_a_frozen_bucket_is_found_at_its_first_repeat(tmp_path: Path) -> None:
    frame = freeze(feed(), -1.0, 120, 180, 17.652)
    records = load_book_depth(stored(frame, tmp_path))
    fault = find_faults(records)[0]
    assert (fault.kind, fault.percentage, fault.depth) == ("frozen", -1.0, 17.652)
    assert fault.snapshot == 121 and fault.row == 121 * 10 + 4
    assert fault.repeats == 60
    good, faults = good_part(records)
    assert good.time_ns.size == 121 and faults[0] == fault
    assert find_faults(good) == ()


def test_a_lone_repeat_before_is_not_taken_for_the_start(tmp_path: Path) -> None:
    frame = freeze(freeze(feed(), -1.0, 10, 11, 1234.5), -1.0, 120, 180, 17.652)
    assert find_faults(load_book_depth(stored(frame, tmp_path)))[0].snapshot == 121


def test_a_whole_book_that_stands_still_is_not_called_frozen(tmp_path: Path) -> None:
    frame = pl.concat([feed(snapshots=1)] * 30).with_columns(
        timestamp=pl.Series(np.repeat(T0 + 30_000 * np.arange(30), BUCKETS.size))
    )
    assert find_faults(load_book_depth(stored(frame, tmp_path))) == ()


def test_bids_dearer_than_asks_are_found(tmp_path: Path) -> None:
    frame = feed(snapshots=50).with_columns(
        notional=pl.when((pl.int_range(pl.len()) // 10 == 30) & (pl.col("percentage") == -1.0))
        .then(pl.col("depth") * 121_363.66)
        .otherwise("notional")
    )
    fault = find_faults(load_book_depth(stored(frame, tmp_path)))[0]
    assert (fault.kind, fault.snapshot) == ("crossed", 30)


def test_a_faulty_feed_is_not_fitted(tmp_path: Path) -> None:
    path = stored(freeze(feed(), -1.0, 120, 180, 17.652), tmp_path)
    with pytest.raises(InputError, match=r"the feed is broken. frozen from row 1214"):
        fit_depth(load_book_depth(path))


@needs_real
def test_the_feed_of_10_october_2025_is_frozen_from_15_31_03() -> None:
    records = load_book_depth(REAL)
    faults = find_faults(records)
    frozen = next(f for f in faults if f.kind == "frozen")
    assert iso(frozen.time_ns) == "2025-10-10T15:31:03Z"
    assert (frozen.row, frozen.percentage, frozen.depth, frozen.repeats) == (18_614, -1.0, 17.652, 922)
    crossed = next(f for f in faults if f.kind == "crossed")
    assert iso(crossed.time_ns) == "2025-10-10T15:30:42Z"  # the block enters one record before it repeats
    with pytest.raises(InputError, match=r"row 18614, 2025-10-10T15:31:03Z: .* 922 of its records"):
        refuse_faults(records)
    good, _ = good_part(records)
    assert good.time_ns.size == 1_860 and iso(int(good.time_ns[-1])) == "2025-10-10T15:30:06Z"


@needs_real
def test_the_good_part_of_10_october_2025_fits_the_published_exponent_on_the_asks() -> None:
    good, _ = good_part(load_book_depth(REAL))
    asks, bids = fit_depth(good, "asks"), fit_depth(good, "bids")
    assert asks.gamma == pytest.approx(0.671, abs=0.001)  # Amberdata's Binance BTC/FDUSD: .674
    assert asks.d100_usd == pytest.approx(242.3e6, rel=0.001)
    assert bids.gamma == pytest.approx(0.906, abs=0.001)
    assert bids.d100_usd == pytest.approx(305.6e6, rel=0.001)
    assert asks.r_squared > 0.94


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop("notional"), "not a bookDepth file"),
        (lambda f: f.head(0), "not a bookDepth file"),
        (lambda f: f.with_columns(depth=pl.col("depth") * -1), "row 0: depth is -"),
        (lambda f: f.with_columns(notional=pl.lit(float("nan"))), "row 0: notional is nan"),
        (lambda f: f.with_columns(notional=pl.lit("x")), "'x' is not a number"),
        (lambda f: f.head(f.height - 1), "has 9 rows, the file 10 buckets"),
        (lambda f: pl.concat([f, f.head(10)]), "is before the snapshot above it"),
        (lambda f: f.filter(pl.col("percentage") > 0), "one side of the book is missing"),
    ],
)
def test_what_is_no_book_depth_is_refused(tmp_path: Path, change: Change, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_book_depth(stored(change(feed(snapshots=5)), tmp_path))


def test_a_fit_without_two_distances_or_with_an_empty_bucket_is_refused() -> None:
    with pytest.raises(InputError, match="fewer than two distances"):
        fit_depth(_records(feed(snapshots=5)), within_bp=100.0)
    with pytest.raises(InputError, match="is no side"):
        fit_depth(_records(feed(snapshots=5)), "left")
    empty = freeze(feed(snapshots=5), 2.0, 3, 3, 0.0)
    with pytest.raises(InputError, match="row 36: an empty bucket"):
        fit_depth(_records(empty), "asks")
