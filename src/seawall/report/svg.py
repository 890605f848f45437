"""Drawing in SVG without a plotting library: escaped elements, scales, ticks and the frame of a plot.

A plot has no viewBox: across it is measured in percent, down it in pixels, so letters keep their size on a
phone and on a wide screen. Only lines live in a stretched inner box (0..1000 across), with strokes that do
not stretch. Every text and attribute is escaped here; colours come from CSS classes, never from data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

ACROSS = 1000.0
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TIME_STEPS_S = (
    *(1, 2, 5, 10, 15, 30),
    *(k * _MINUTE for k in (1, 2, 5, 10, 15, 30)),
    *(k * _HOUR for k in (1, 2, 3, 6, 12)),
    *(k * _DAY for k in (1, 2, 5, 10, 30, 90, 365)),
)


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """A finished drawing with what the page writes around it. `tips` is what the pointer reads out."""

    svg: Markup
    label: str
    legend: tuple[tuple[str, str], ...] = ()
    heading: str = ""
    tips: dict[str, Any] | None = None
    empty: str = ""


def number(value: float) -> str:
    """A coordinate with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def el(tag: str, *children: Any, **attributes: Any) -> Markup:
    """One element. `class_` means class, `text_anchor` text-anchor; None leaves an attribute out."""
    parts = [tag]
    for key, value in attributes.items():
        if value is None:
            continue
        shown = number(value) if isinstance(value, float) else str(value)
        name = key.rstrip("_") if key in ("class_",) else key
        # SVG has two camel-case attributes that matter here; all others take hyphens.
        name = name if name in ("viewBox", "preserveAspectRatio") else name.replace("_", "-")
        parts.append(f'{name}="{escape(shown)}"')
    inner = Markup("").join(child for child in children if child is not None)
    return Markup(f"<{' '.join(parts)}>{inner}</{tag}>")  # every part is escaped above


def percent(fraction: float) -> str:
    """A place across the plot."""
    return f"{number(fraction * 100)}%"


class Scale(msgspec.Struct, frozen=True):
    """A straight line from values to 0..1; `at` clips nothing."""

    low: float
    high: float

    def at(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5


def nice_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round values (1, 2, 2.5, 5 times a power of ten) inside the span."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    raw = span / max(wanted, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def padded(values: Iterable[float], include_zero: bool = False, share: float = 0.05) -> Scale:
    """A scale that holds all finite values with some air above and below."""
    finite = [v for v in values if math.isfinite(v)]
    if include_zero:
        finite.append(0.0)
    if not finite:
        return Scale(0.0, 1.0)
    low, high = min(finite), max(finite)
    span = high - low or abs(high) * 0.02 or 1.0
    return Scale(
        low - (0.0 if include_zero and low == 0 else span * share),
        high + (0.0 if include_zero and high == 0 and low < 0 else span * share),
    )


def time_ticks(start_ns: int, end_ns: int, wanted: int = 6) -> list[int]:
    """Round times inside the span: whole minutes, hours or days (since the start, on a made-up clock)."""
    span_s = max((end_ns - start_ns) / 1e9, 1e-9)
    step_s = next((s for s in _TIME_STEPS_S if span_s / s <= wanted), _TIME_STEPS_S[-1])
    step = step_s * 1_000_000_000
    base = 0 if start_ns >= 10**17 else start_ns
    first = -(-(start_ns - base) // step)
    return [base + k * step for k in range(first, (end_ns - base) // step + 1)] or [start_ns]


def path_of(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """An SVG path through the points; an unknown value leaves a gap."""
    pieces, pen_up = [], True
    for px, py in zip(x.tolist(), y.tolist()):
        if not (math.isfinite(px) and math.isfinite(py)):
            pen_up = True
            continue
        pieces.append(f"{'M' if pen_up else 'L'}{round(px, 1):g} {round(py, 1):g}")
        pen_up = False
    return "".join(pieces)


def thin(series: Sequence[NDArray[np.float64]], most: int) -> NDArray[np.int64]:
    """Which points to keep: the lowest and highest of every series in every stretch, and both ends."""
    size = len(series[0])
    if size <= most:
        return np.arange(size)
    stretches = max(most // (2 * len(series)), 1)
    edges = np.linspace(0, size, stretches + 1).astype(np.int64)
    keep = {0, size - 1}
    for values in series:
        for a, b in zip(edges[:-1].tolist(), edges[1:].tolist()):
            piece = values[a:b]
            if len(piece) and np.isfinite(piece).any():
                keep.add(a + int(np.nanargmin(piece)))
                keep.add(a + int(np.nanargmax(piece)))
    return np.array(sorted(keep), dtype=np.int64)


def lines_box(height: float, *children: Markup | None) -> Markup:
    """The stretched inner box, where lines and areas live."""
    return el(
        "svg",
        *children,
        viewBox=f"0 0 {number(ACROSS)} {number(height)}",
        preserveAspectRatio="none",
        width="100%",
        height=height,
        class_="lines",
    )


def y_axis(ticks: Sequence[tuple[float, str]], height: float, base: float | None = None) -> list[Markup]:
    """Grid lines and their labels; `ticks` are (fraction from the bottom, text); `base` is drawn stronger."""
    drawn = []
    for fraction, text in ticks:
        y = height * (1.0 - fraction)
        strong = base is not None and abs(fraction - base) < 1e-9
        drawn.append(el("line", x1="0", x2="100%", y1=y, y2=y, class_="grid base" if strong else "grid"))
        drawn.append(el("text", text, x="-8", y=y, dy="0.32em", text_anchor="end", class_="tick"))
    return drawn


def x_axis(
    ticks: Sequence[tuple[float, str]], height: float, marks: bool = True, every: int = 2
) -> list[Markup]:
    """Marks and labels under the plot; a narrow screen shows only every second (or `every`-th) of many."""
    drawn = []
    for index, (fraction, text) in enumerate(ticks):
        x = percent(fraction)
        skip = " wide-only" if index % every and len(ticks) > 4 else ""
        anchor = "start" if fraction < 0.02 else "end" if fraction > 0.98 else "middle"
        if marks:
            drawn.append(el("line", x1=x, x2=x, y1=height, y2=height + 4, class_="mark" + skip))
        drawn.append(el("text", text, x=x, y=height + 17, text_anchor=anchor, class_="tick" + skip))
    return drawn


def frame(label: str, height: float, *children: Markup | None, foot: float = 24.0) -> Markup:
    """The whole drawing with the line that follows the pointer; `foot` is the room for labels below."""
    cursor = el("line", x1="0", x2="0", y1="0", y2=height, class_="cursor")
    return el(
        "svg",
        *children,
        cursor,
        role="img",
        aria_label=label,
        width="100%",
        height=height + foot,
        class_="plot",
    )
