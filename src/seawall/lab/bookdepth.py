"""Binance bookDepth files: load, find where the feed is broken, fit the depth curve on the good part.

A file holds a snapshot about every 30 s: for each bucket (percentage -5 .. +5) the cumulative depth
(coins) and notional (USD) resting within that distance of the price. Two faults are looked for:
frozen: a bucket repeats bit for bit, again and again, while other buckets of the snapshot move;
crossed: the bids of the nearest bucket cost more on average (notional / depth) than its asks.
Nothing after the first faulty record is used. Distances are bp (1 % = 100 bp), amounts USD, float64.
Source: data.binance.vision bookDepth (timestamp,percentage,depth,notional).
"""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.kernels.elementary import exp, log_array
from seawall.lab.depth import DepthCurve
from seawall.lab.frames import read_frame
from seawall.lab.plain import place
from seawall.lab.readers import iso, read_times, read_values

Floats = NDArray[np.float64]
MIN_REPEATS = 10


class DepthRecords(msgspec.Struct, frozen=True, eq=False):
    """S snapshots of P buckets. `percentage` ascends; `row` is each cell's row in the file."""

    source: str
    first_line: int | None
    percentage: Floats
    time_ns: NDArray[np.int64]
    depth: Floats
    notional: Floats
    row: NDArray[np.int64]


class Fault(msgspec.Struct, frozen=True):
    """Where a feed first breaks, and how: the record, the bucket, the value and how often it repeats."""

    kind: str
    where: str
    snapshot: int
    row: int
    time_ns: int
    percentage: float
    depth: float
    repeats: int
    text: str


class DepthFit(msgspec.Struct, frozen=True):
    """ln D = ln D100 + gamma ln(x / 100 bp) by least squares; residuals in logs."""

    side: str
    d100_usd: float
    gamma: float
    points: int
    residual_sd: float
    residual_worst: float
    r_squared: float
    bucket_residuals: tuple[tuple[float, float], ...]

    def curve(self) -> DepthCurve:
        """The fit as a curve of the simulated venue."""
        return DepthCurve(d100_usd=self.d100_usd, gamma=self.gamma)


def load_book_depth(path: str | Path) -> DepthRecords:
    """Read a Parquet or CSV(.gz, .zip) file; InputError for anything that is not a run of snapshots."""
    path = Path(path)
    frame, line = read_frame(path, headerless=False)
    names = {c.strip().lower(): c for c in frame.columns}
    time = names.get("timestamp") or names.get("ts")
    absent = [n for n in ("percentage", "depth", "notional") if n not in names]
    if time is None or absent or frame.height == 0:
        what = f"not a bookDepth file (columns {', '.join(frame.columns)}; {frame.height} rows)"
        raise InputError.at(str(path), what, "It needs timestamp, percentage, depth and notional.")
    index = np.arange(frame.height)
    time_ns = read_times(path, line, index, frame[time])
    values = [read_values(path, line, index, frame[names[n]]) for n in ("percentage", "depth", "notional")]
    for name, column in zip(("depth", "notional"), values[1:]):
        bad = np.flatnonzero(~(np.isfinite(column) & (column >= 0.0)))
        if bad.size:
            where = place(path, line, int(bad[0]))
            what = f"{name} is {float(column[bad[0]])!r}"
            raise InputError.at(where, what, "It must be finite and not negative: leave the snapshot out.")
    return _snapshots(path, line, time_ns, *values)


def _snapshots(
    path: Path,
    line: int | None,
    time_ns: NDArray[np.int64],
    percentage: Floats,
    depth: Floats,
    notional: Floats,
) -> DepthRecords:
    """Rows of one time become one snapshot; each must hold the same buckets, times must go forward."""
    buckets = np.unique(percentage)
    starts = np.flatnonzero(np.concatenate([[True], time_ns[1:] != time_ns[:-1]]))
    ends = np.append(starts[1:], time_ns.size)
    for a, b in zip(starts.tolist(), ends.tolist()):
        if b - a != buckets.size or (np.sort(percentage[a:b]) != buckets).any():
            what = f"the snapshot of {iso(int(time_ns[a]))} has {b - a} rows, the file {buckets.size} buckets"
            raise InputError.at(place(path, line, a), what, "Leave the incomplete snapshot out.")
    back = np.flatnonzero(np.diff(time_ns[starts]) <= 0)
    if back.size:
        at = int(starts[back[0] + 1])
        what = f"time {iso(int(time_ns[at]))} is before the snapshot above it"
        raise InputError.at(place(path, line, at), what, "Sort the snapshots by time.")
    if not (buckets < 0.0).any() or not (buckets > 0.0).any():
        raise InputError.at(str(path), "one side of the book is missing", "Buckets of both signs are needed.")
    shape = (starts.size, buckets.size)
    order = np.argsort(percentage.reshape(shape), axis=1, kind="stable")
    row = starts[:, None] + order
    return DepthRecords(str(path), line, buckets, time_ns[starts], depth[row], notional[row], row)


def find_faults(records: DepthRecords, min_repeats: int = MIN_REPEATS) -> tuple[Fault, ...]:
    """The first frozen record of each bucket and the first crossed record, earliest first."""
    faults = [_frozen(records, bucket, min_repeats) for bucket in range(records.percentage.size)]
    faults.append(_crossed(records))
    return tuple(sorted((f for f in faults if f is not None), key=lambda f: (f.time_ns, f.row)))


def _frozen(records: DepthRecords, bucket: int, min_repeats: int) -> Fault | None:
    depth, notional = records.depth, records.notional
    same = (depth[1:] == depth[:-1]) & (notional[1:] == notional[:-1])
    repeat = np.flatnonzero(same[:, bucket] & ~same.all(axis=1)) + 1
    if repeat.size < min_repeats:
        return None
    # A lone repeat is chance; the fault starts with the first value that keeps coming back.
    value, count = np.unique(depth[repeat, bucket], return_counts=True)
    often = value[count >= min_repeats]
    stuck = repeat[np.isin(depth[repeat, bucket], often)]
    if stuck.size == 0:
        return None
    first = int(stuck[0])
    number = float(depth[first, bucket])
    return _fault(
        records, "frozen", first, bucket, int(repeat.size),
        f"the {records.percentage[bucket]:+g} % bucket repeats {number!r} bit for bit while others move; "
        f"from here on {repeat.size} of its records repeat the one before",
    )  # fmt: skip


def _crossed(records: DepthRecords) -> Fault | None:
    bid = int(np.flatnonzero(records.percentage < 0.0)[-1])
    ask = int(np.flatnonzero(records.percentage > 0.0)[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        average = records.notional / records.depth
    over = np.flatnonzero(average[:, bid] > average[:, ask])
    if over.size == 0:
        return None
    first = int(over[0])
    return _fault(
        records, "crossed", first, bid, int(over.size),
        f"the bids within {-records.percentage[bid]:g} % average {float(average[first, bid]):,.2f} USD, "
        f"above the asks' {float(average[first, ask]):,.2f}; so do {over.size} records in all",
    )  # fmt: skip


def _fault(records: DepthRecords, kind: str, snapshot: int, bucket: int, repeats: int, text: str) -> Fault:
    row = int(records.row[snapshot, bucket])
    where = f"{place(Path(records.source), records.first_line, row)}, {iso(int(records.time_ns[snapshot]))}"
    return Fault(
        kind, where, snapshot, row, int(records.time_ns[snapshot]), float(records.percentage[bucket]),
        float(records.depth[snapshot, bucket]), repeats, text,
    )  # fmt: skip


def refuse_faults(records: DepthRecords) -> None:
    """InputError naming the first faulty records, if there are any."""
    faults = find_faults(records)
    if faults:
        shown = [f"{f.kind} from {_short(records, f)}: {f.text}" for f in _first_of_each(faults)]
        what = "; ".join(shown)
        fix = f"Use only what comes before {iso(faults[0].time_ns)} (good_part does)."
        raise InputError.at(records.source, f"the feed is broken. {what}", fix)


def _short(records: DepthRecords, fault: Fault) -> str:
    return fault.where.removeprefix(f"{records.source}, ")


def _first_of_each(faults: tuple[Fault, ...]) -> list[Fault]:
    return [f for i, f in enumerate(faults) if f.kind not in {g.kind for g in faults[:i]}]


def good_part(records: DepthRecords) -> tuple[DepthRecords, tuple[Fault, ...]]:
    """The snapshots before the first faulty one, and the faults; InputError if none is left."""
    faults = find_faults(records)
    end = faults[0].snapshot if faults else records.time_ns.size
    if end == 0:
        raise InputError.at(records.source, f"no good snapshot: {faults[0].text}", "Give another file.")
    return msgspec.structs.replace(
        records,
        time_ns=records.time_ns[:end],
        depth=records.depth[:end],
        notional=records.notional[:end],
        row=records.row[:end],
    ), faults


def fit_depth(records: DepthRecords, side: str = "both", within_bp: float = 500.0) -> DepthFit:
    """Fit the curve to `bids`, `asks` or `both`; InputError if the records hold a fault."""
    refuse_faults(records)
    wanted = {"bids": records.percentage < 0, "asks": records.percentage > 0, "both": records.percentage != 0}
    if side not in wanted:
        raise InputError.at("fit_depth", f"{side!r} is no side", "Say bids, asks or both.")
    distance = np.abs(records.percentage)
    use = wanted[side] & (distance * 100.0 <= within_bp)
    if np.unique(distance[use]).size < 2:
        what = f"fewer than two distances within {within_bp:g} bp"
        raise InputError.at("fit_depth", what, "A line needs two: widen within_bp.")
    held = records.notional[:, use]
    if (held <= 0.0).any():
        at = np.argwhere(held <= 0.0)[0]
        where = place(Path(records.source), records.first_line, int(records.row[:, use][tuple(at)]))
        raise InputError.at(where, "an empty bucket has no logarithm", "Leave the snapshot out.")
    x = np.tile(np.asarray(log_array(np.ascontiguousarray(distance[use]))), held.shape[0])
    y = np.asarray(log_array(np.ascontiguousarray(held.reshape(-1))))
    return _least_squares(side, x, y, np.tile(distance[use], held.shape[0]))


def _least_squares(side: str, x: Floats, y: Floats, distance: Floats) -> DepthFit:
    """A straight line through (x, y), sums taken exactly (fsum) so that their order does not matter."""
    n = x.size
    mean_x, mean_y = math.fsum(x) / n, math.fsum(y) / n
    dx, dy = x - mean_x, y - mean_y
    gamma = math.fsum(dx * dy) / math.fsum(dx * dx)
    level = mean_y - gamma * mean_x
    residual = y - (level + gamma * x)
    square, total = math.fsum(residual * residual), math.fsum(dy * dy)
    buckets = tuple(
        (float(d) * 100.0, math.fsum(residual[distance == d]) / int((distance == d).sum()))
        for d in np.unique(distance)
    )
    return DepthFit(
        side, float(exp(level)), gamma, n, math.sqrt(square / max(n - 2, 1)),
        float(np.abs(residual).max()), 1.0 - square / total if total > 0.0 else 1.0, buckets,
    )  # fmt: skip
