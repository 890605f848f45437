"""A price history made ready for a backtest: checked for bad prints and gaps, cut into windows of a horizon.

Bars are even; times are int64 ns UTC, `time_ns` of a bar is its open. Prices are float64 in quote units.
Losses are fractions of the notional at the start, in the settlement asset, positive when money is lost.
Nothing is filled in: a window whose first or last price is missing is left out and counted; a bad print is
refused.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.calibrate.inputs import Floats
from seawall.errors import InputError

BAD_PRINT = (
    10.0  # times the bar's own open and close: no liquid market trades so far away and back within a bar
)
MOST_MISSING = 0.05  # of the bars between first and last
MOST_STANDING = 0.5  # of the bars whose close is that of the bar before
HOUR_NS, DAY_NS = 3_600 * 10**9, 86_400 * 10**9
Side = Literal["long", "short"]
SIDES: tuple[Side, ...] = ("long", "short")


class History(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One market. `volume` is in base units per bar, None where the file has none."""

    name: str
    source: str
    bar_ns: int
    time_ns: NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats | None = None

    def checked(self) -> tuple[str, ...]:
        """What is odd but bearable. InputError for bad prints, many gaps, or a price that stands."""
        self._refuse_prints()
        gaps = self._gaps()
        standing = float(np.mean(self.close[1:] == self.close[:-1])) if self.close.size > 1 else 0.0
        if standing > MOST_STANDING:
            what = f"the close repeats in {standing:.0%} of the bars"
            raise InputError.at(
                self.source, what, "Give a price that trades; a feed that stands has no risk."
            )
        return gaps

    def _refuse_prints(self) -> None:
        below = self.low * BAD_PRINT <= np.minimum(self.open, self.close)
        above = self.high >= BAD_PRINT * np.maximum(self.open, self.close)
        apart = np.concatenate([[1.0], self.close[1:] / self.close[:-1]])
        jump = (apart >= BAD_PRINT) | (apart * BAD_PRINT <= 1.0)
        bad = np.flatnonzero(below | above | jump)
        if not bad.size:
            return
        row = int(bad[0])
        if below[row] or above[row]:
            name, value = ("low", self.low[row]) if below[row] else ("high", self.high[row])
            against = f"between an open of {self.open[row]:g} and a close of {self.close[row]:g}"
        else:
            name, value, against = "close", self.close[row], f"after a close of {self.close[row - 1]:g}"
        base = self.open[row] if name != "close" else self.close[row - 1]
        what = f"the {name} is {value:g} ({value / base - 1.0:+.2%}) {against}"
        more = f"{bad.size - 1} more bars like it. " if bad.size > 1 else ""
        fix = f"{more}A bad print or a change of unit: leave the row out (the gap is counted) or correct it."
        raise InputError.at(f"{self.source}, bar of {iso(int(self.time_ns[row]))}", what, fix)

    def _gaps(self) -> tuple[str, ...]:
        steps = np.diff(self.time_ns) // self.bar_ns
        missing = int((steps - 1).sum())
        if not missing:
            return ()
        whole = int((self.time_ns[-1] - self.time_ns[0]) // self.bar_ns) + 1
        worst = int(np.argmax(steps))
        hours = (int(steps[worst]) - 1) * self.bar_ns / HOUR_NS
        where = f"the longest is {hours:g} h after {iso(int(self.time_ns[worst]))}"
        if missing > MOST_MISSING * whole:
            what = f"{missing:,} of {whole:,} bars are missing, {missing / whole:.0%}; {where}"
            raise InputError.at(self.source, what, "Give a whole history, or cut it with --from and --to.")
        return (f"{missing:,} of {whole:,} bars are missing ({missing / whole:.2%}); {where}.",)


class Windows(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """W spans of one horizon, by time. `low`, `high`: extremes inside; `left_out`: spans without an end."""

    horizon_ns: int
    begin_ns: NDArray[np.int64]
    bar: NDArray[np.int64]  # the bar at whose close the window begins
    entry: Floats
    exit: Floats
    low: Floats
    high: Floats
    left_out: int

    @property
    def size(self) -> int:
        return int(self.begin_ns.size)

    def losses(self, side: Side, *, inverse: bool = False, worst: bool = False) -> Floats:
        """To the close of each window, or (`worst`) to the worst price inside it; a gain is negative."""
        adverse = self.low if side == "long" else self.high
        price = adverse if worst else self.exit
        gain = 1.0 - self.entry / price if inverse else price / self.entry - 1.0
        return -gain if side == "long" else gain


def windows(history: History, horizon_ns: int, *, overlapping: bool) -> Windows:
    """Windows beginning at the close of every bar; unless `overlapping`, one after the other from midnight.

    InputError for a horizon that is not a whole number of bars.
    """
    bars, rest = divmod(horizon_ns, history.bar_ns)
    if bars < 1 or rest:
        what = f"{horizon_ns / HOUR_NS:g} h is no whole number of bars of {history.bar_ns / HOUR_NS:g} h"
        raise InputError.at("horizon", what, f"Give a multiple of {history.bar_ns / HOUR_NS:g} h.")
    time = history.time_ns
    last = np.searchsorted(time, time + horizon_ns)
    inside = np.minimum(last, time.size - 1)
    whole = (last < time.size) & (time[inside] == time + horizon_ns)
    wanted = np.ones(time.size, dtype=np.bool_)
    if not overlapping:
        wanted = (time + history.bar_ns) % horizon_ns == 0
    take = np.flatnonzero(whole & wanted)
    if not take.size:
        what = f"no window of {horizon_ns / HOUR_NS:g} h has both ends in it"
        raise InputError.at(history.source, what, "Give a longer history or a shorter horizon.")
    slots = time[0] + history.bar_ns * np.arange((time[-1] - horizon_ns - time[0]) // history.bar_ns + 1)
    possible = slots.size if overlapping else np.count_nonzero((slots + history.bar_ns) % horizon_ns == 0)
    edges = np.stack([take + 1, last[take] + 1], axis=1).reshape(-1)
    return Windows(
        horizon_ns=horizon_ns,
        begin_ns=time[take] + history.bar_ns,
        bar=take,
        entry=history.close[take],
        exit=history.close[last[take]],
        low=np.minimum.reduceat(np.append(history.low, np.inf), edges)[::2],
        high=np.maximum.reduceat(np.append(history.high, -np.inf), edges)[::2],
        left_out=int(possible) - int(take.size),
    )


def iso(time_ns: int) -> str:
    """To the minute, UTC."""
    return datetime.fromtimestamp(time_ns // 10**9, tz=UTC).strftime("%Y-%m-%d %H:%MZ")
