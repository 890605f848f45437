"""What the name of a contract says about it, whichever of the venues' grammars it follows.

Options: instruments/option_names. Dated futures `BTC-28JUN24`, `BTC_USDC-27MAR26`, `BTC-USD-260327`;
perpetuals end in PERPETUAL, PERP or SWAP; a bare asset is a spot holding. Futures expire at 08:00 UTC, as at
all of them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from seawall.errors import InputError, NumberError
from seawall.instruments.option_names import HOUR_NS, MONTHS, read_option_name
from seawall.margin.portfolio.inputs import Kind
from seawall.units import days_from_civil, format_time

GRAMMARS = ("deribit", "derive", "okx", "bybit")
EXPIRY_HOUR = 8
_BASE = r"(?P<base>[A-Z0-9]+)(?:[_-](?P<quote>USD[A-Z]{0,2}))?"
_FUTURE = re.compile(
    rf"{_BASE}-(?:(?P<day>\d{{1,2}})(?P<month>[A-Z]{{3}})(?P<year>\d{{2}})|(?P<digits>\d{{6}}(?:\d{{2}})?))"
)
_PERPETUAL = re.compile(rf"{_BASE}-(?:PERPETUAL|PERP|SWAP)")
_ASSET = re.compile(r"[A-Z0-9]{1,12}")


class Named(NamedTuple):
    """The terms of a contract; `expiry_ns` 0 and `strike` "" where it has none."""

    kind: Kind
    base: str
    quote: str
    expiry_ns: int = 0
    strike: str = ""
    is_call: bool = False


def read_contract_name(name: str, *, where: str) -> Named:
    """InputError for a name that follows no grammar."""
    for grammar in GRAMMARS:
        try:
            option = read_option_name(name, grammar)
        except NumberError:
            continue
        return Named("option", option.base, option.quote, option.expiry_ns, option.strike, option.is_call)
    dated = _FUTURE.fullmatch(name)
    if dated:
        return Named("future", dated["base"], dated["quote"] or "", _expiry(dated, name, where))
    perpetual = _PERPETUAL.fullmatch(name)
    if perpetual:
        return Named("perpetual", perpetual["base"], perpetual["quote"] or "")
    if _ASSET.fullmatch(name):
        return Named("spot", name, "")
    raise InputError.at(
        where,
        f"{name!r} is no contract name known here",
        "Write it like BTC-27MAR26-92000-P, BTC-27MAR26, BTC-PERPETUAL, or USDC.",
    )


def _expiry(found: re.Match[str], name: str, where: str) -> int:
    digits = found["digits"]
    if digits:
        year, month, day = int(digits[:-4]), int(digits[-4:-2]), int(digits[-2:])
    else:
        year, day = int(found["year"]), int(found["day"])
        month = MONTHS.index(found["month"]) + 1 if found["month"] in MONTHS else 0
    year += 2000 if year < 100 else 0
    expiry_ns = (days_from_civil(year, month, day) * 24 + EXPIRY_HOUR) * HOUR_NS
    if not format_time(expiry_ns).startswith(f"{year:04d}-{month:02d}-{day:02d}T"):
        raise InputError.at(where, f"{name!r} expires on no day of the calendar", "Correct the name.")
    return expiry_ns
