"""Made-up histories: a seeded walk of bars whose volatility moves, with crashes where asked for."""

from __future__ import annotations

import msgspec
import numpy as np

from seawall.calibrate.history import DAY_NS, HOUR_NS, History

START_NS = 17_897 * DAY_NS  # 2019-01-01


def walk(
    *,
    days: int = 900,
    bar_hours: int = 4,
    seed: int = 1,
    crash: dict[int, float] | None = None,
    vol: float = 0.01,
) -> History:
    """`crash`: bar -> relative move of its close; `vol` per bar, in two states."""
    chance = np.random.default_rng(seed)
    bars = days * 24 // bar_hours
    calm = np.repeat(chance.random(bars // 60 + 1) < 0.75, 60)[:bars]
    moves = chance.standard_t(4, bars) * np.where(calm, 0.5, 1.5) * vol / 1.3
    for bar, move in (crash or {}).items():
        moves[bar] = np.log1p(move)
    close = 10_000.0 * np.exp(np.cumsum(moves))
    opened = np.concatenate([[10_000.0], close[:-1]])
    reach = np.abs(chance.standard_normal((2, bars))) * vol * 0.3
    return History(
        name="BTC",
        source="made-up",
        bar_ns=bar_hours * HOUR_NS,
        time_ns=START_NS + np.arange(bars, dtype=np.int64) * bar_hours * HOUR_NS,
        open=opened,
        high=np.maximum(opened, close) * (1 + reach[0]),
        low=np.minimum(opened, close) * (1 - np.minimum(reach[1], 0.5)),
        close=close,
        volume=chance.random(bars) * 1_000 + 500,
    )


def without(history: History, rows: slice) -> History:
    """The history with some bars missing."""
    keep = np.ones(history.time_ns.size, dtype=np.bool_)
    keep[rows] = False
    columns = ("time_ns", "open", "high", "low", "close", "volume")

    return msgspec.structs.replace(history, **{name: getattr(history, name)[keep] for name in columns})


def as_csv(history: History, path) -> None:  # type: ignore[no-untyped-def]
    """A file that the readers take."""
    lines = ["time,open,high,low,close,volume"]
    columns = (history.time_ns, history.open, history.high, history.low, history.close, history.volume)
    for time, *values in zip(*columns):
        lines.append(",".join([str(int(time) // 10**9), *(repr(float(value)) for value in values)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
