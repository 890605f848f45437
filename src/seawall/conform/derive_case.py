"""A portfolio of Derive as a vector gives it, put into an account: names only, no formula.

Tables may be nested or flat and their keys spelled as the contracts' own tests spell them or in plain words.
Times are seconds unless a key says years or days.
"""

from __future__ import annotations

from typing import Any

from seawall.conform.portfolio_bench import Account
from seawall.conform.reading import find, flat, number
from seawall.errors import Unsupported
from seawall.margin.portfolio.inputs import ExpiryQuote, years_of

Given = dict[str, Any]


PERP = {"size": "NumPerps", "amount": "NumPerps", "position": "NumPerps", "price": "PerpPrice",
        "mark": "PerpPrice", "confidence": "PerpConfidence", "upnl": "UnrealisedPerpPNL"}  # fmt: skip


def flattened(inputs: Given) -> Given:
    """Nested tables joined into one; lists stay. A perpetual's own table is spelled out, options of an
    expiry become options of the account."""
    found: Given = {}
    for key, value in inputs.items():
        if isinstance(value, dict) and flat(key) in ("perp", "perps", "perpetual"):
            found |= {PERP.get(flat(str(name)), str(name)): entry for name, entry in value.items()}
        elif isinstance(value, dict) and flat(key) not in ("feeds", "optionfeeds", "expiries", "collaterals"):
            found |= flattened(value)
        else:
            found[key] = value
    nested = [
        {**{name: entry for name, entry in feed.items() if flat(name) != "options"}, **option}
        for feed in entries(found, "OptionFeeds", "feeds", "expiries")
        for option in find(feed, "options") or []
    ]
    return found | {"options": nested} if nested and find(found, "options") is None else found


def entries(given: Given, *names: str) -> list[Given]:
    """A list of tables; a table of tables counts, its keys as `name`."""
    value = find(given, *names)
    if value is None:
        return []
    if isinstance(value, dict):
        value = [{"name": key, **entry} for key, entry in value.items()]
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise Unsupported(f"input {names[0]} is not a list of tables")
    return value


def name_of(entry: Given) -> str:
    return str(find(entry, "Name", "asset") or "base")


def fill(account: Account, given: Given) -> None:
    """Options, perpetuals, collateral and cash of the vector."""
    for feed in entries(given, "OptionFeeds", "feeds", "expiries"):
        account.expiries[_expiry(feed)] = _quote(feed)
    for place, option in enumerate(entries(given, "Options", "option_positions", "legs")):
        expiry = _expiry(option)
        if find(option, "Forward", "F", "fwd") is not None:
            account.expiries.setdefault(expiry, _quote(option))
        contract = account.contract(
            f"option {place}",
            "option",
            expiry=expiry,
            strike=float(number(option, "Strike", "K")),
            is_call=_is_call(find(option, "IsCall", "call", "type", "cp", "right")),
        )
        account.hold(
            contract,
            number(option, "Amount", "size", "n", "q"),
            vol=number(option, "MarkVol", "vol", "iv", "sigma", "v"),
        )
    perps = number(given, "NumPerps", "perps", "perp_position", "perp_size", "perp", default=0)
    if perps:
        account.confidences["perpetual"] = float(number(given, "PerpConfidence", "perp_conf", default=1))
        contract = account.contract("perpetual", "perpetual")
        account.hold(contract, perps, mark=number(given, "PerpPrice", "perp_mark", "perp_px"))
    for entry in entries(given, "collaterals", "collateral", "bases"):
        account.confidences[name_of(entry)] = float(number(entry, "Confidence", "conf", default=1))
        contract = account.contract(name_of(entry), "spot")
        account.hold(contract, number(entry, "Amount", "size", "n", "q"), mark=number(entry, "Price", "px"))
    account.cash = number(given, "Cash", "usdc", default=0)
    account.unrealised = number(given, "UnrealisedPerpPNL", "upnl", "perp_upnl", "unrealised_pnl", default=0)
    account.unrealised += number(given, "UnrealisedFunding", "funding", "unrealised_funding", default=0)


def _is_call(told: Any) -> bool:
    if isinstance(told, str):
        return told.lower().startswith("c")
    if told is None:
        raise Unsupported("an option is neither call nor put")
    return bool(told) if isinstance(told, bool) else told > 0


def _expiry(entry: Given) -> str:
    told = find(entry, "FeedExpiry", "Expiry", "sec_to_expiry", "seconds", "T", "tau", "years", "name")
    if told is None:
        raise Unsupported("an option or feed has no expiry")
    return str(told)


def _quote(feed: Given) -> ExpiryQuote:
    seconds = find(feed, "FeedExpiry", "Expiry", "sec_to_expiry", "seconds")
    if seconds is not None and not isinstance(seconds, str):
        years = years_of(int(seconds))
    elif find(feed, "days") is not None:
        years = float(number(feed, "days") / 365)
    else:
        years = float(number(feed, "T", "tau", "years"))
    fixed = number(feed, "ForwardFixed", "FixedPortion", "F_fix", "forward_fixed", "fixed", default=0)
    shares = ("ForwardConfidence", "RateConfidence", "OptionVolConfidences", "VolConfidence", "confidence")
    return ExpiryQuote(
        years=years,
        forward=float(number(feed, "ForwardVariable", "F_var", "Forward", "F", "fwd")),
        fixed=float(fixed),
        rate=float(number(feed, "Rate", "r", default=0)),
        confidence=float(min(number(feed, name, default=1) for name in shares)),
    )
