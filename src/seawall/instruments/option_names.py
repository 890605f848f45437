"""What the name of an option says: asset, expiry, strike, right; and the name of given terms.

One table holds the venues' grammars. Strikes are decimal text, never floats; expiries are ns since 1970 UTC
at the hour the venue settles. Sources: the instrument lists of Deribit, Derive, OKX and Bybit (all expire at
08:00 UTC), and the OCC symbol (root, yymmdd, right, strike in thousandths; its close is taken as 21:00 UTC,
16:00 in New York in winter).
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from seawall.errors import NumberError
from seawall.units import SECOND_NS, days_from_civil, format_time

HOUR_NS = 3600 * SECOND_NS
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_BASE = r"(?P<base>[A-Z0-9]+)"
_DAY = r"(?P<day>\d{1,2})(?P<month>[A-Z]{3})(?P<year>\d{2})"
_SHORT_DAY = r"(?P<year>\d{2})(?P<month>\d{2})(?P<day>\d{2})"
_STRIKE, _RIGHT = r"(?P<strike>\d{1,12}(?:[.d]\d{1,8})?)", r"(?P<right>[CP])"


class Grammar(NamedTuple):
    """How one venue writes a name, and the hour of the day (UTC) at which its options expire."""

    pattern: re.Pattern[str]
    example: str
    hour: int = 8
    strike_digits: int = 0  # decimals of a strike that is written without a point


GRAMMARS: dict[str, Grammar] = {
    "deribit": Grammar(
        re.compile(rf"{_BASE}(?:_(?P<quote>[A-Z]+))?-{_DAY}-{_STRIKE}-{_RIGHT}"), "BTC-27MAR26-92000-P"
    ),
    "derive": Grammar(
        re.compile(rf"{_BASE}-(?P<year>\d{{4}})(?P<month>\d{{2}})(?P<day>\d{{2}})-{_STRIKE}-{_RIGHT}"),
        "ETH-20240126-1800-C",
    ),
    "okx": Grammar(
        re.compile(rf"{_BASE}-(?P<quote>[A-Z]+)-{_SHORT_DAY}-{_STRIKE}-{_RIGHT}"), "BTC-USD-260327-92000-C"
    ),
    "bybit": Grammar(
        re.compile(rf"{_BASE}-{_DAY}-{_STRIKE}-{_RIGHT}(?:-(?P<quote>[A-Z]+))?"), "BTC-27MAR26-92000-C-USDT"
    ),
    # Assumed from the venue's other names: the documents read show no dated option.
    "paradex": Grammar(
        re.compile(rf"{_BASE}-(?P<quote>[A-Z]+)-{_DAY}-{_STRIKE}-{_RIGHT}"), "BTC-USD-27MAR26-92000-C"
    ),
    "occ": Grammar(
        re.compile(rf"(?P<base>[A-Z]{{1,6}}) *{_SHORT_DAY}{_RIGHT}(?P<strike>\d{{8}})"),
        "SPY   241220C00600000",
        hour=21,
        strike_digits=3,
    ),
}


class OptionName(msgspec.Struct, frozen=True, kw_only=True):
    """The terms of one option. `quote` is empty where the name has none."""

    base: str
    quote: str
    expiry_ns: int
    strike: str
    is_call: bool


def read_option_name(name: str, grammar: str) -> OptionName:
    """The terms in a name of the venue's grammar. NumberError for a name or a day that is none."""
    rule = GRAMMARS[grammar]
    match = rule.pattern.fullmatch(name)
    if match is None:
        raise NumberError(f"option {name!r}: not as {grammar} writes names\n  Write it like {rule.example}.")
    parts = match.groupdict()
    year, month, day = int(parts["year"]), _month(parts["month"]), int(parts["day"])
    year += 2000 if year < 100 else 0
    expiry_ns = days_from_civil(year, month, day) * 24 * HOUR_NS + rule.hour * HOUR_NS
    if not format_time(expiry_ns).startswith(f"{year:04d}-{month:02d}-{day:02d}T"):
        raise NumberError(f"option {name!r}: its expiry is no day of the calendar\n  Correct the name.")
    strike = _strike(parts["strike"], rule.strike_digits)
    if not strike.strip("0."):
        raise NumberError(f"option {name!r}: a strike of zero\n  Give a positive strike.")
    return OptionName(
        base=parts["base"],
        quote=parts.get("quote") or "",
        expiry_ns=expiry_ns,
        strike=strike,
        is_call=parts["right"] == "C",
    )


def _month(text: str) -> int:
    if text.isdecimal():
        return int(text)
    return MONTHS.index(text) + 1 if text in MONTHS else 0


def _strike(text: str, digits: int) -> str:
    """Canonical decimal text: without leading or trailing zeros, `d` read as the point."""
    if digits:
        text = f"{text[:-digits]}.{text[-digits:]}"
    whole, _, part = text.replace("d", ".").partition(".")
    part = part.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{part}" if part else whole
