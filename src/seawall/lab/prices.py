"""Price paths: the outside price of each asset on one clock.

`price` is float64 USD per coin, `time_ns` int64 ns UTC on an even grid. A bar becomes a path that
hits its open, high, low and close exactly; which extreme comes first is drawn with the chance that
a driftless path from the open meets it first, (open - low) / (high - low) for the high, so the
nearer one is likelier. Trades are taken at the last price. Where nothing was observed since the
step before, `fresh` is False and the last price stands: a gap stays a gap, nothing is made up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.lab.readers import Columns, Series, iso, read_series
from seawall.lab.streams import Stream

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
DEFAULT_STEP_SECONDS = 60.0
MAX_STEPS = 20_000_000


class PricePath(msgspec.Struct, frozen=True, eq=False):
    """Prices of A assets at T moments. `notes` says in words what was chosen on the way."""

    names: tuple[str, ...]
    time_ns: NDArray[np.int64]
    price: NDArray[np.float64]
    fresh: NDArray[np.bool_]
    notes: tuple[str, ...] = ()

    def of(self, name: str) -> NDArray[np.float64]:
        """The column of one asset; InputError if the path does not have it."""
        if name not in self.names:
            held = ", ".join(self.names)
            raise InputError.at("price path", f"no prices for {name}", f"It has: {held}.")
        return self.price[:, self.names.index(name)]


def load_prices(
    sources: Sequence[str | Path],
    *,
    step_seconds: float | None = None,
    seed: int = 0,
    columns: Columns | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> PricePath:
    """Read files (`path` or `NAME=path`) onto one clock.

    Default step: 60 s, or a quarter of the shortest bar where that is finer. Without a window, data
    longer than two days is cut to the UTC day on which the first asset moved most, and a note says so.
    """
    if not sources:
        raise InputError.at("prices", "no file was given", "Give at least one CSV or Parquet file.")
    series = [read_series(source, columns) for source in sources]
    _refuse_same_name(series)
    notes: list[str] = []
    start, end = start_ns, end_ns
    if start is None and end is None and series[0].time_ns[-1] - series[0].time_ns[0] > 2 * DAY_NS:
        start, move = busiest_day(series[0])
        end = start + DAY_NS
        notes.append(
            f"The file spans more than two days: taken is {iso(start)[:10]} (UTC), on which {series[0].name} "
            f"had its largest high-low range, {move:.1%} of the high. Give a window to choose another."
        )
    series = [cut(one, start, end) for one in series]
    step_ns = choose_step(series, step_seconds)
    parts = [
        bars_to_ticks(one, step_ns, Stream(seed, f"prices/{one.name}")) if _expands(one) else _ticks(one)
        for one in series
    ]
    return align(tuple(one.name for one in series), parts, step_ns, tuple(notes))


def _refuse_same_name(series: Sequence[Series]) -> None:
    seen: dict[str, str] = {}
    for one in series:
        if one.name in seen:
            raise InputError.at(
                one.source, f"{one.name} is also the name of {seen[one.name]}", f"Name it: OTHER={one.source}"
            )
        seen[one.name] = one.source


def busiest_day(series: Series) -> tuple[int, float]:
    """Start (ns) of the UTC day with the largest (high - low) / high, and that figure."""
    day = series.time_ns // DAY_NS
    firsts = np.flatnonzero(np.concatenate([[True], day[1:] != day[:-1]]))
    high = np.maximum.reduceat(series.high, firsts)
    low = np.minimum.reduceat(series.low, firsts)
    move = (high - low) / high
    best = int(np.argmax(move))
    return int(day[firsts[best]]) * DAY_NS, float(move[best])


def cut(series: Series, start_ns: int | None, end_ns: int | None) -> Series:
    """The rows with start <= time < end; InputError if none is left."""
    time = series.time_ns
    low = 0 if start_ns is None else int(np.searchsorted(time, start_ns, side="left"))
    high = time.size if end_ns is None else int(np.searchsorted(time, end_ns, side="left"))
    if high <= low:
        raise InputError.at(
            series.source,
            f"no row lies between {_or_open(start_ns)} and {_or_open(end_ns)}",
            f"The file runs from {iso(int(series.time_ns[0]))} to {iso(int(series.time_ns[-1]))}.",
        )
    keep = slice(low, high)
    return msgspec.structs.replace(
        series,
        time_ns=series.time_ns[keep],
        open=series.open[keep],
        high=series.high[keep],
        low=series.low[keep],
        close=series.close[keep],
    )


def _or_open(time_ns: int | None) -> str:
    return "the end of the file" if time_ns is None else iso(time_ns)


def _expands(series: Series) -> bool:
    """Bars of a second or less are read as trades at their close; longer ones become a path."""
    return series.bar_ns > SECOND_NS


def choose_step(series: Sequence[Series], step_seconds: float | None) -> int:
    """The clock's step in ns: at least four to every bar, and whole steps in each bar."""
    lengths = [one.bar_ns for one in series if _expands(one)]
    if step_seconds is None:
        return min([int(DEFAULT_STEP_SECONDS * SECOND_NS)] + [length // 4 for length in lengths])
    if not (math.isfinite(step_seconds) and step_seconds >= 1e-3):
        raise InputError.at("step", f"{step_seconds!r} s is not usable", "Give a step of 0.001 s or more.")
    step = round(step_seconds * SECOND_NS)
    for length in lengths:
        if step * 4 > length or length % step:
            best = length / 4 / SECOND_NS
            what = f"{step_seconds:g} s does not fit bars of {length / SECOND_NS:g} s"
            fix = f"A bar needs four whole steps, for its open, high, low and close: give {best:g} s or less."
            raise InputError.at("step", what, fix)
    return step


Ticks = tuple[NDArray[np.int64], NDArray[np.float64]]


def _ticks(series: Series) -> Ticks:
    return series.time_ns, series.close


def bars_to_ticks(series: Series, step_ns: int, stream: Stream) -> Ticks:
    """Each bar as a path of bar/step points: open first, close last, both extremes between.

    The two inner places are drawn uniformly, straight lines join the points.
    """
    count = series.time_ns.size
    points = series.bar_ns // step_ns
    first, second = _two_places(stream, count, points)
    span = series.high - series.low
    chance = np.where(span > 0.0, (series.open - series.low) / np.where(span > 0.0, span, 1.0), 0.5)
    high_first = stream.uniform(count) < chance
    one = np.where(high_first, series.high, series.low)
    two = np.where(high_first, series.low, series.high)
    at = np.arange(points)[None, :]
    a, b, last = first[:, None], second[:, None], points - 1

    def line(x0, y0, x1, y1):
        return y0[:, None] + (y1 - y0)[:, None] * ((at - x0) / (x1 - x0))

    price = np.where(at <= a, line(0, series.open, a, one), line(b, two, last, series.close))
    price = np.where((at > a) & (at <= b), line(a, one, b, two), price)
    # The four published prices exactly, and nothing outside the bar through rounding.
    price = np.clip(price, series.low[:, None], series.high[:, None])
    rows = np.arange(count)
    price[rows, first], price[rows, second] = one, two
    price[:, 0], price[:, last] = series.open, series.close
    time = series.time_ns[:, None] + np.arange(points, dtype=np.int64)[None, :] * step_ns
    return time.reshape(-1), price.reshape(-1)


def _two_places(stream: Stream, count: int, points: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two different inner places 1 <= a < b <= points - 2 for each bar."""
    inner = points - 2
    u = stream.index(count, inner)
    v = stream.index(count, inner - 1)
    v = v + (v >= u)
    return np.minimum(u, v) + 1, np.maximum(u, v) + 1


def align(names: tuple[str, ...], parts: Sequence[Ticks], step_ns: int, notes: tuple[str, ...]) -> PricePath:
    """Last price at or before each step, over the time that all assets cover."""
    begin = max(int(time[0]) for time, _ in parts)
    begin = -(-begin // step_ns) * step_ns
    # Up to the step that takes in the last observation.
    end = -(-min(int(time[-1]) for time, _ in parts) // step_ns) * step_ns
    if end < begin:
        spans = "; ".join(f"{n} {iso(int(t[0]))} to {iso(int(t[-1]))}" for n, (t, _) in zip(names, parts))
        raise InputError.at("prices", f"the files share no time ({spans})", "Give files of the same period.")
    count = (end - begin) // step_ns + 1
    if count > MAX_STEPS:
        raise InputError.at("prices", f"{count:,} steps are too many", "Give a window or a longer step.")
    time_ns = begin + np.arange(count, dtype=np.int64) * step_ns
    price = np.empty((count, len(parts)), dtype=np.float64)
    fresh = np.empty((count, len(parts)), dtype=np.bool_)
    for column, (time, value) in enumerate(parts):
        upto = np.searchsorted(time, time_ns, side="right")
        price[:, column] = value[upto - 1]
        before = np.searchsorted(time, time_ns - step_ns, side="right")
        fresh[:, column] = upto > before
    notes += _coverage(names, fresh, parts, time_ns, step_ns)
    return PricePath(names, time_ns, price, fresh, notes)


def _coverage(
    names: tuple[str, ...],
    fresh: NDArray[np.bool_],
    parts: Sequence[Ticks],
    clock: NDArray[np.int64],
    step_ns: int,
) -> tuple[str, ...]:
    """What the common clock left out or found empty, in words."""
    notes = []
    steps, begin, end = clock.size, int(clock[0]), int(clock[-1])
    for name, column, (time, _) in zip(names, fresh.T, parts):
        stale = steps - int(column.sum())
        if stale:
            notes.append(f"{name}: {stale:,} of {steps:,} steps saw no new price; the last one stands.")
        if time[0] <= begin - step_ns:
            notes.append(f"{name}: left out before {iso(begin)}, from where on all files have a price.")
        if time[-1] > end:
            notes.append(f"{name}: left out after {iso(end)}, where another file ends.")
    return tuple(notes)


def window(path: PricePath, start_ns: int | None = None, end_ns: int | None = None) -> PricePath:
    """The steps with start <= time < end; InputError if none is left."""
    keep = np.ones(path.time_ns.size, dtype=np.bool_)
    if start_ns is not None:
        keep &= path.time_ns >= start_ns
    if end_ns is not None:
        keep &= path.time_ns < end_ns
    if not keep.any():
        span = f"{iso(int(path.time_ns[0]))} to {iso(int(path.time_ns[-1]))}"
        what = f"nothing between {_or_open(start_ns)} and {_or_open(end_ns)}"
        raise InputError.at("window", what, f"The path runs from {span}.")
    return PricePath(path.names, path.time_ns[keep], path.price[keep], path.fresh[keep], path.notes)
