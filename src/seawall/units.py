"""Text to integers and back, exactly.

Amounts are integer atoms (10**-decimals of an asset), rates are parts per billion (ppb),
time is nanoseconds since 1970-01-01 UTC. Text never passes through float. Where a value
cannot be represented the caller says which way it may round; the default is to refuse.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal

from seawall.errors import NumberError

PPB = 1_000_000_000
INT64_MAX = 2**63 - 1
SECOND_NS = 1_000_000_000
Rounding = Literal["exact", "down", "up"]

MAX_DECIMALS = 18  # of a step
LONGEST_NUMBER = 60  # characters; more is a mistake, and would cost time before it is refused
_WHOLE = r"(?:[0-9]+(?:_[0-9]+)*|[0-9]{1,3}(?:,[0-9]{3})+)"
_DECIMAL = re.compile(
    rf"[+-]?(?:{_WHOLE}(?:\.(?:[0-9]+(?:_[0-9]+)*)?)?|\.[0-9]+(?:_[0-9]+)*)(?:[eE][+-]?[0-9]{{1,2}})?"
)
_RATIO = re.compile(rf"[+-]?{_WHOLE}/{_WHOLE}")
_DURATIONS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": SECOND_NS,
    "min": 60 * SECOND_NS,
    "h": 3_600 * SECOND_NS,
    "d": 86_400 * SECOND_NS,
}


def parse_decimal(text: str, *, where: str = "value") -> Fraction:
    """Read `-1_234.50`, `1,234.50`, `1e-8` or `1/6` exactly. Refuses NaN, infinity and anything else.

    A comma is read between groups of three digits only: `1,5` would be 15 to one reader and 1.5 to another.
    """
    cleaned = text.strip()
    if len(cleaned) <= LONGEST_NUMBER and (_DECIMAL.fullmatch(cleaned) or _RATIO.fullmatch(cleaned)):
        try:
            return Fraction(cleaned.replace("_", "").replace(",", ""))
        except ZeroDivisionError:
            pass
    raise NumberError(
        f"{where}: {text[:LONGEST_NUMBER]!r} is not a finite decimal number\n"
        "  Write it like 1_234.50 or 1e-8."
    )


def scale(
    value: Fraction, per_unit: Fraction | int, *, rounding: Rounding = "exact", where: str = "value"
) -> int:
    """`value * per_unit` as an integer that fits 64 bits; `rounding` is towards -inf or +inf."""
    scaled = value * per_unit
    whole = scaled.numerator // scaled.denominator
    if scaled.denominator != 1:
        if rounding == "exact":
            raise NumberError(
                f"{where}: {_plain(value)} is finer than the smallest unit {_plain(1 / Fraction(per_unit))}\n"
                "  Give fewer decimals, or state a finer unit."
            )
        whole += rounding == "up"
    if abs(whole) > INT64_MAX:
        raise NumberError(
            f"{where}: {_plain(value)} needs {whole} units, beyond the 64-bit limit {INT64_MAX}\n"
            "  Use a coarser unit or a smaller amount."
        )
    return whole


def parse_ppb(text: str, *, where: str = "rate", rounding: Rounding = "up") -> int:
    """Read `2 %`, `12.5 bp`, `0.005`, `1/6` as parts per billion. Rounds up unless told."""
    body = text.strip()
    factor = Fraction(1)
    for suffix, unit in (
        ("%", Fraction(1, 100)),
        ("bp", Fraction(1, 10_000)),
        ("ppm", Fraction(1, 10**6)),
        ("x", Fraction(1)),
    ):
        if body.endswith(suffix):
            body, factor = body[: -len(suffix)], unit
            break
    return scale(parse_decimal(body, where=where) * factor, PPB, rounding=rounding, where=where)


def parse_duration_ns(text: str, *, where: str = "duration") -> int:
    """Read `30 s`, `250 ms`, `5 min`, `8 h`, `1 d` as nanoseconds. Refuses a bare number."""
    body = text.strip()
    for suffix in sorted(_DURATIONS, key=len, reverse=True):
        if body.endswith(suffix):
            value = parse_decimal(body[: -len(suffix)], where=where)
            if value < 0:
                raise NumberError(f"{where}: {text!r} is negative\n  Give a time span of zero or more.")
            return scale(value, _DURATIONS[suffix], where=where)
    raise NumberError(f"{where}: {text!r} has no unit\n  Write one of {', '.join(_DURATIONS)}, as in '30 s'.")


def format_units(amount: int, decimals: int, *, places: int | None = None) -> str:
    """Atoms as a decimal text with thousands separators, exact unless `places` cuts it (towards zero)."""
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), 10**decimals)
    digits = f"{part:0{decimals}d}" if decimals else ""
    if places is not None:
        digits = digits[:places]
    return f"{sign}{whole:,}" + (f".{digits}" if digits else "")


def decimal_text(count: int, step: Fraction) -> str:
    """`count` steps with as many decimals as the step has; a fraction where they never end."""
    for decimals in range(MAX_DECIMALS + 1):
        if (step * 10**decimals).denominator == 1:
            return format_units(count * int(step * 10**decimals), decimals)
    return str(count * step)


def format_ppb(rate_ppb: int) -> str:
    """A rate as per cent, exact, without trailing zeros: 12_500_000 -> '1.25 %'."""
    return f"{format_units(rate_ppb, 7).rstrip('0').rstrip('.')} %"


def format_time(time_ns: int) -> str:
    """ISO 8601 UTC with as many fractional digits as needed; civil-from-days, no clock involved."""
    seconds, nanos = divmod(time_ns, SECOND_NS)
    days, second_of_day = divmod(seconds, 86_400)
    era_day = days + 719_468
    era, day_of_era = divmod(era_day, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_index = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_index + 2) // 5 + 1
    month = month_index + 3 if month_index < 10 else month_index - 9
    year = year_of_era + era * 400 + (month <= 2)
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    hour, rest = divmod(second_of_day, 3600)
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{rest // 60:02d}:{rest % 60:02d}{fraction}Z"


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01; years are counted from March, so leap days come last."""
    shifted = year - (month <= 2)
    era, year_of_era = divmod(shifted, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def _plain(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    return f"{float(value):.12g}"
