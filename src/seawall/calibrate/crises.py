"""The days a crypto margin is asked about: would it have held? Spans are UTC, from a day up to another.

A span holds every window that touches it. Held means that the margin in force when the worst window began was
at least its loss: at the close of the window, and at the worst price inside it.
Source of the dates: public record; prices are the user's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.calibrate.history import Side, Windows
from seawall.calibrate.inputs import Floats

Verdict = Literal["held", "held at the close only", "did not hold"]


class Crisis(msgspec.Struct, frozen=True):
    """A name, its first day, and the day after its last."""

    name: str
    first: str
    end: str
    what: str

    def span_ns(self) -> tuple[int, int]:
        return _ns(self.first), _ns(self.end)


def _ns(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 10**9


CRISES = (
    Crisis(
        "2020-03-12", "2020-03-12", "2020-03-14", "Black Thursday, and the second leg at 02:15 on the 13th"
    ),
    Crisis("2021-05-19", "2021-05-19", "2021-05-21", "China's ban, deleveraging of May 2021"),
    Crisis("2022-05", "2022-05-01", "2022-06-01", "the end of Terra"),
    Crisis("2022-11", "2022-11-01", "2022-12-01", "the end of FTX"),
    Crisis("2025-10-10", "2025-10-10", "2025-10-12", "the tariff crash, the largest deleveraging so far"),
)


class CrisisResult(msgspec.Struct, frozen=True, kw_only=True):
    """One margin on one side over one span. Fractions of notional; `surplus`: margin less loss, the least.

    Each of the two losses is that of the window that the margin did worst on; they may be different windows.
    """

    crisis: str
    windows: int
    verdict: Verdict
    close_begin_ns: int
    close_loss: float
    close_margin: float
    worst_begin_ns: int
    worst_loss: float
    worst_margin: float

    @property
    def close_surplus(self) -> float:
        return self.close_margin - self.close_loss

    @property
    def worst_surplus(self) -> float:
        return self.worst_margin - self.worst_loss


def judge(
    crisis: Crisis, spans: Windows, margin: Floats, known: NDArray[np.bool_], side: Side, *, inverse: bool
) -> CrisisResult | None:
    """`margin` [W] in force at the start of each window, `known` where there is one. None if none touches."""
    begin, end = crisis.span_ns()
    touch = (spans.begin_ns < end) & (spans.begin_ns + spans.horizon_ns > begin) & known
    rows = np.flatnonzero(touch)
    if not rows.size:
        return None
    close = spans.losses(side, inverse=inverse)
    worst = spans.losses(side, inverse=inverse, worst=True)
    at_close = int(rows[np.argmin((margin - close)[rows])])
    at_worst = int(rows[np.argmin((margin - worst)[rows])])
    if margin[at_worst] >= worst[at_worst]:
        verdict: Verdict = "held"
    else:
        verdict = "held at the close only" if margin[at_close] >= close[at_close] else "did not hold"
    return CrisisResult(
        crisis=crisis.name,
        windows=int(rows.size),
        verdict=verdict,
        close_begin_ns=int(spans.begin_ns[at_close]),
        close_loss=float(close[at_close]),
        close_margin=float(margin[at_close]),
        worst_begin_ns=int(spans.begin_ns[at_worst]),
        worst_loss=float(worst[at_worst]),
        worst_margin=float(margin[at_worst]),
    )
