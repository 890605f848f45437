"""Prices given by a person become the market that margin is computed at.

A name is an instrument (`BTC-PERP`) or a coin (`BTC`: every instrument of it but options, whose prices are
their own); the later of two wins.
Prices are decimal text in quote units, taken to the nearest tick (half to even). The rulebook's own oracle
forms mark and index from them: every source says the same. Instruments without a price stay unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from seawall.engine.commands import ReportPrices, SourcePrice
from seawall.engine.engine import Engine
from seawall.errors import InputError
from seawall.instruments.model import Instrument
from seawall.margin.compiled import MarketView
from seawall.rulebooks.model import Rulebook
from seawall.units import INT64_MAX, parse_decimal

ALIASES = {"XBT": "BTC", "WBTC": "BTC", "WETH": "ETH"}  # another ticker, or wrapped one for one
DOLLARS = ("USDC", "USDT", "USD", "USDS", "DAI", "USDE", "FDUSD", "USDH")  # compared one for one
_MOVE = re.compile(r"^\s*[+-]?\d+(\.\d+)?\s*%\s*$")
Ticks = dict[str, int]


def coin_of(instrument: Instrument) -> str:
    """The coin whose price it follows: Bitcoin has two tickers, and coins come wrapped."""
    return ALIASES.get(instrument.base, instrument.base)


def marks_to_ticks(rulebook: Rulebook, marks: Mapping[str, str | int | float]) -> Ticks:
    """Ticks by instrument. Raises InputError for a name that is not there or a price that is none."""
    ticks: Ticks = {}
    for name, price in marks.items():
        value = _price(name, price)
        for instrument in matching(rulebook, name):
            ticks[instrument.name] = to_ticks(instrument, value)
    return ticks


def matching(rulebook: Rulebook, name: str) -> list[Instrument]:
    """The instrument of that name, or all instruments of that coin."""
    exact = [entry for entry in rulebook.instruments if entry.name == name]
    coin = ALIASES.get(name, name)
    found = exact or [
        entry for entry in rulebook.instruments if coin_of(entry) == coin and not entry.kind.option
    ]
    if not found:
        coins = sorted({coin_of(entry) for entry in rulebook.instruments})
        names = ", ".join(entry.name for entry in rulebook.instruments)
        raise InputError.at(
            f"price of {name}",
            f"{rulebook.name} has no instrument or coin of that name",
            f"Coins: {', '.join(coins)}. Instruments: {names}.",
        )
    return found


def dollars_of(rulebook: Rulebook, ticks: Ticks, asset: str) -> float | None:
    """What one of an asset is worth in dollars, for reading: a dollar is one, a coin its mark, or None."""
    if asset in DOLLARS:
        return 1.0
    coin = ALIASES.get(asset, asset)
    for one in rulebook.instruments:
        if coin_of(one) == coin and not one.kind.option and one.quote in DOLLARS and one.name in ticks:
            return float(ticks[one.name] * one.tick_units)
    return None


def to_ticks(instrument: Instrument, value: Fraction) -> int:
    ticks = round(value / instrument.tick_units)
    if not 0 < ticks <= INT64_MAX // 4:
        raise InputError.at(
            f"price of {instrument.name}",
            f"{float(value):.12g} is {ticks} ticks of {instrument.tick} {instrument.quote}",
            "Give a positive price of at least one tick that fits 64 bits.",
        )
    return ticks


def moved(rulebook: Rulebook, now: Ticks, changes: Mapping[str, str]) -> Ticks:
    """`now` with some prices changed: `-20%` relative to the present one, or a new price."""
    ticks = dict(now)
    for name, change in changes.items():
        for instrument in matching(rulebook, name):
            if not _MOVE.match(change):
                ticks[instrument.name] = to_ticks(instrument, _price(name, change))
            elif instrument.name in now:
                share = parse_decimal(change.strip().removesuffix("%"), where=f"price of {name}") / 100
                ticks[instrument.name] = to_ticks(
                    instrument, now[instrument.name] * instrument.tick_units * (1 + share)
                )
        if not any(entry.name in ticks for entry in matching(rulebook, name)):
            raise InputError.at(
                f"price of {name}",
                f"{change} of an unknown price",
                f"Give the present one too: {name}=60000.",
            )
    return ticks


def market_at(rulebook: Rulebook, ticks: Ticks) -> MarketView:
    """What the rulebook's oracle makes of these prices when every source reports them at once."""
    engine = Engine(rulebook)
    rows = tuple(
        SourcePrice(name, source, price, 0)
        for name, price in ticks.items()
        for source in rulebook.oracles[name].sources
    )
    if rows:
        engine.step(ReportPrices(time_ns=0, prices=rows))
    return engine.state.market


def _price(name: str, price: str | int | float) -> Fraction:
    value = parse_decimal(str(price), where=f"price of {name}")
    if value <= 0:
        raise InputError.at(f"price of {name}", f"{price} is not positive", "Give a price above zero.")
    return value
