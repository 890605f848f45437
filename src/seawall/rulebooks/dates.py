"""Calendar text to nanoseconds since 1970-01-01 UTC, by integer arithmetic alone: no clock, no time zones.

The inverse of `units.format_time`, which also catches days that do not exist.
"""

from __future__ import annotations

import re

from seawall.errors import NumberError
from seawall.units import SECOND_NS, days_from_civil, format_time

_MOMENT = re.compile(r"^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})Z$")
_DAY_NS = 86_400 * SECOND_NS


def parse_moment_ns(text: str, *, where: str) -> int:
    """Read `2026-12-25T08:00:00Z`. Raises NumberError for another form, or a day in no calendar."""
    match = _MOMENT.match(text.strip())
    if match is not None:
        year, month, day, hour, minute, second = (int(part) for part in match.groups())
        seconds = hour * 3_600 + minute * 60 + second
        time_ns = days_from_civil(year, month, day) * _DAY_NS + seconds * SECOND_NS
        if format_time(time_ns) == text.strip():
            return time_ns
    raise NumberError(
        f"{where} is {text!r}, which is no time in UTC\n  Write it like '2026-12-25T08:00:00Z'."
    )


def parse_day(text: str, *, where: str) -> str:
    """Check `2026-12-25` and give it back."""
    try:
        parse_moment_ns(f"{text.strip()}T00:00:00Z", where=where)
    except NumberError:
        raise NumberError(f"{where} is {text!r}, which is no date\n  Write it like '2026-12-25'.") from None
    return text.strip()
