"""How numbers, shares and times are written for people: one rule for the page and the terminal.

Amounts are floats in the numeraire, rounded to three or four significant digits for reading; the full
figures stand in the last table of the page. A value that is not known is written as a dash, never as zero.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

DASH = "–"
MINUS = "−"
NBSP = "\u00a0"
_SCALES = ((1e12, "tn"), (1e9, "bn"), (1e6, "M"), (1e3, "k"))
_SECOND = 1_000_000_000
_DAY = 86_400
# Before 1973 no venue was open: such a clock counts from the start of a made-up scenario.
_FIRST_REAL_NS = 10**17


def known(value: Any) -> bool:
    """True for a finite number (bool and text are not numbers here)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _signed(text: str) -> str:
    bare = text.lstrip("-")
    if not any(c in "123456789" for c in bare):
        return bare
    return MINUS + bare if text.startswith("-") else bare


def amount(value: Any, unit: str = "") -> str:
    """12.3 M style, three to four significant digits: for headlines, axes and tooltips."""
    if not known(value):
        return DASH
    tail = f"{NBSP}{unit}" if unit else ""
    size = abs(value)
    for at, (scale, letter) in enumerate(_SCALES):
        # 999,999 is written 1 M, not 1000 k.
        if size >= scale * 0.9995:
            shown = value / scale
            if abs(shown) >= 999.5 and at > 0:
                shown, letter = value / _SCALES[at - 1][0], _SCALES[at - 1][1]
            return f"{_signed(_digits(shown, 3))}{NBSP}{letter}{tail}"
    return f"{_signed(_digits(value, 3))}{tail}"


def _digits(value: float, digits: int) -> str:
    """Fixed point with that many significant digits, trailing zeros gone."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    places = min(max(digits - 1 - exponent, 0), 12)
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def price(value: Any, decimals: int | None = None) -> str:
    """A price with the given decimals, or with six significant digits."""
    if not known(value):
        return DASH
    if decimals is None:
        return _signed(_digits(value, 6))
    return _signed(f"{value:,.{decimals}f}")


def price_decimals(low: float, high: float) -> int:
    """Decimals that show four significant digits of the span between two prices."""
    span = max(high - low, abs(high) * 1e-3, 1e-12)
    return min(max(3 - math.floor(math.log10(span)), 0), 12)


def count(value: Any) -> str:
    """A whole number with thousands separators."""
    return _signed(f"{round(value):,}") if known(value) else DASH


def share(value: Any, places: int = 1) -> str:
    """A fraction as a percentage: -0.312 is −31.2 %."""
    return f"{_signed(f'{value * 100:,.{places}f}')}{NBSP}%" if known(value) else DASH


def times(value: Any) -> str:
    """A factor: 1.84×."""
    return f"{_signed(f'{value:,.2f}')}×" if known(value) else DASH


def exact(value: Any) -> str:
    """Every digit there is, for the table of all figures."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, int | float) else str(value)


def is_real_clock(start_ns: int) -> bool:
    """Does this time come from a calendar, or from a scenario that starts at zero?"""
    return start_ns >= _FIRST_REAL_NS


def moment(time_ns: int, start_ns: int, span_ns: int, full: bool = False) -> str:
    """A time for an axis or (full) for a tooltip: the clock in UTC, or the time since the start."""
    if not is_real_clock(start_ns):
        return elapsed(time_ns - start_ns)
    when = datetime.fromtimestamp(time_ns // _SECOND, UTC)
    seconds = span_ns < 600 * _SECOND
    if full:
        return when.strftime("%d %b %H:%M:%S") if seconds else when.strftime("%d %b %H:%M")
    if span_ns > 3 * _DAY * _SECOND:
        return when.strftime("%d %b")
    return when.strftime("%H:%M:%S") if seconds else when.strftime("%H:%M")


def elapsed(span_ns: int) -> str:
    """1 h 30 min style."""
    total = round(span_ns / _SECOND)
    if total == 0:
        return "0"
    days, rest = divmod(total, _DAY)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    return NBSP.join(f"{n}{NBSP}{unit}" for n, unit in parts if n)


def calendar(time_ns: Any) -> str:
    """A full date and time in UTC, or the time since zero for a made-up clock."""
    if not isinstance(time_ns, int):
        return DASH
    if not is_real_clock(time_ns):
        return f"{elapsed(time_ns)} after the start" if time_ns else "0 (scenario clock)"
    return datetime.fromtimestamp(time_ns // _SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def period(start_ns: int, span_ns: int) -> str:
    """When it was and how long it took."""
    if is_real_clock(start_ns):
        return f"{calendar(start_ns)}, for {elapsed(span_ns)}"
    return f"{elapsed(span_ns)} of scenario time"


def words(name: str) -> str:
    """A name of the tables as words: margin_called is margin called, adl is ADL."""
    return "ADL" if name == "adl" else name.replace("_", " ")
