"""What a portfolio statement is computed from: contracts held, and the market they are valued at.

Prices, volatilities and rates are floats: they find values, which are rounded to atoms before anything is
decided. Sizes are whole steps of 10**-size_decimals contracts, money is atoms of 10**-decimals of the node's
settlement unit. `missing` names every figure that is needed and not there or not usable: a node with one is
unknown, never safe. Time to expiry is seconds / (86400 * 365).
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

Kind = Literal["option", "future", "perpetual", "spot"]
KINDS: tuple[Kind, ...] = ("option", "future", "perpetual", "spot")
SECONDS_A_YEAR = 86_400 * 365
MOST_YEARS = 100.0
MOST_GROWTH = 50.0  # of rate times years: beyond it a discount factor is no number to reckon with


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """What can be held. `underlying` is the node's name; options and futures name their `expiry`."""

    name: str
    kind: Kind
    underlying: str
    expiry: str = ""
    strike: float = 0.0
    is_call: bool = False


class Position(msgspec.Struct, frozen=True, kw_only=True):
    contract: Contract
    size_steps: int


class Portfolio(msgspec.Struct, frozen=True, kw_only=True):
    """One account. `cash_atoms`, `unrealised_atoms` by underlying; `given_atoms`: amounts of `Given` charges,
    underlying -> charge -> atoms, not below zero."""

    positions: tuple[Position, ...] = ()
    cash_atoms: dict[str, int] = {}
    unrealised_atoms: dict[str, int] = {}
    given_atoms: dict[str, dict[str, int]] = {}
    size_decimals: int = 9


class ExpiryQuote(msgspec.Struct, frozen=True, kw_only=True):
    """`forward` is the part of the forward that still moves, `fixed` the part that a settlement average has
    already set. `confidence` is the least of forward, rate and volatility feeds."""

    years: float
    forward: float
    fixed: float = 0.0
    rate: float = 0.0
    confidence: float = 1.0


class UnderlyingQuote(msgspec.Struct, frozen=True, kw_only=True):
    """`spot` is the index; `stable` the price of the coin that accounts are kept in."""

    spot: float
    stable: float = 1.0
    confidence: float = 1.0
    decimals: int = 8
    expiries: dict[str, ExpiryQuote] = {}


class MarketInputs(msgspec.Struct, frozen=True, kw_only=True):
    """By underlying, and by contract: volatility of options, mark of futures, perpetuals and spot assets."""

    underlyings: dict[str, UnderlyingQuote]
    vols: dict[str, float] = {}
    marks: dict[str, float] = {}
    confidences: dict[str, float] = {}


def years_of(seconds: int) -> float:
    """Time to expiry in years of 365 days, from whole seconds."""
    return seconds / SECONDS_A_YEAR


def missing(positions: list[Position], market: MarketInputs, underlying: str) -> tuple[str, ...]:
    """What must be known of these positions of one underlying and is not, in their order; each said once."""
    quote = market.underlyings.get(underlying)
    if quote is None:
        return (f"no quote of {underlying}",)
    found: dict[str, None] = {}
    if not _positive(quote.spot):
        found[f"index of {underlying} is {quote.spot}"] = None
    if not _positive(quote.stable):
        found[f"price of the stable coin of {underlying} is {quote.stable}"] = None
    if not _share(quote.confidence):
        found[f"confidence of {underlying} is {quote.confidence}"] = None
    for position in positions:
        for said in _contract_missing(position.contract, market, quote):
            found[said] = None
    return tuple(found)


def _contract_missing(contract: Contract, market: MarketInputs, quote: UnderlyingQuote) -> list[str]:
    found = []
    if contract.kind in ("option", "future"):
        expiry = quote.expiries.get(contract.expiry)
        if expiry is None:
            return [f"no quote of expiry {contract.expiry or 'none'} of {contract.underlying}"]
        found += _expiry_missing(contract, expiry)
    if contract.kind == "option":
        vol = market.vols.get(contract.name)
        if vol is None or not 0.0 <= vol < math.inf:
            found.append(f"volatility of {contract.name} is {'missing' if vol is None else vol}")
        if not _positive(contract.strike):
            found.append(f"strike of {contract.name} is {contract.strike}")
    else:
        mark = market.marks.get(contract.name)
        if mark is None or not _positive(mark):
            found.append(f"mark of {contract.name} is {'missing' if mark is None else mark}")
    confidence = market.confidences.get(contract.name, 1.0)
    if not _share(confidence):
        found.append(f"confidence of {contract.name} is {confidence}")
    return found


def _expiry_missing(contract: Contract, quote: ExpiryQuote) -> list[str]:
    place = f"expiry {contract.expiry} of {contract.underlying}"
    found = []
    if not 0.0 < quote.years <= MOST_YEARS:
        found.append(f"{place} has {quote.years} years to go" + ": settle it first" * (quote.years <= 0.0))
    forward_known = math.isfinite(quote.forward) and math.isfinite(quote.fixed)
    if contract.kind == "option" and not (
        forward_known and quote.forward >= 0.0 and quote.fixed >= 0.0 and quote.forward + quote.fixed > 0.0
    ):
        found.append(f"forward of {place} is {quote.forward} + {quote.fixed}")
    if not abs(quote.rate) * quote.years <= MOST_GROWTH:
        found.append(f"rate of {place} is {quote.rate} a year for {quote.years} years")
    if not _share(quote.confidence):
        found.append(f"confidence of {place} is {quote.confidence}")
    return found


def _positive(value: float) -> bool:
    return 0.0 < value < math.inf


def _share(value: float) -> bool:
    return 0.0 <= value <= 1.0
