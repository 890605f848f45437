"""A second opinion, and a fuse: the anchor that a reported price must stay near, the breaker that stays open.

Prices in the feed's unit; ratios as in the contracts, WAD, rounded down before they are compared. Sources:
compound-finance/open-oracle UniswapAnchoredView (anchor / reported within 1 +- tolerance, 20 % in
production); Synthetix CircuitBreaker.sol (max / min >= factor, 3 in production, or a zero; reset by hand).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from seawall.errors import InputError
from seawall.market.transforms.reading import (
    BROKEN,
    DIVERGENT,
    WAD,
    Last,
    Reading,
    given,
    remember,
    stands,
)


class Anchor(msgspec.Struct, frozen=True, kw_only=True, tag="anchor"):
    """A price is taken only near the anchor source; else the last one taken stands, DIVERGENT.

    Without an anchor nothing new is taken: what cannot be compared is not near.
    """

    source: str
    tolerance_wad: int

    def start(self) -> Last:
        return Last()

    def step(
        self, state: Last, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[Last, Reading]:
        if not reading.is_news:
            return state, stands(state, reading)
        anchor = sources.get(self.source, Reading())
        if not anchor.is_news or not self.accepts(reading.price or 0, anchor.price or 0):
            return state, stands(state, reading, conditions=DIVERGENT)
        return remember(reading), reading

    def accepts(self, reported: int, anchor: int) -> bool:
        """Is anchor / reported within 1 +- tolerance, limits included?"""
        if reported <= 0 or anchor <= 0:
            return False
        ratio = anchor * WAD // reported
        return WAD - self.tolerance_wad <= ratio <= WAD + self.tolerance_wad

    def least_anchor(self, reported: int) -> int:
        """The lowest anchor under which this report is taken."""
        return -(-reported * (WAD - self.tolerance_wad) // WAD)


class Fuse(msgspec.Struct, frozen=True, array_like=True, tag="fuse"):
    """The last value probed (0 = none yet, or it was zero), and whether the circuit is broken."""

    last: int = 0
    broken: bool = False


class Breaker(msgspec.Struct, frozen=True, kw_only=True, tag="breaker"):
    """Trips on a zero, or when a price is `factor` times the last or a `factor`-th of it; trips for good.

    Prices go through, BROKEN, also when they are back where they were: only `reset` closes the circuit. After
    a zero the next price is compared with nothing, as in the contract. Nothing heard is no probe.
    """

    factor_wad: int

    def start(self) -> Fuse:
        return Fuse()

    def step(
        self, state: Fuse, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[Fuse, Reading]:
        if reading.price is not None:
            state = self.probe(state, reading.price)
        return state, given(reading, reading.price, conditions=BROKEN if state.broken else 0)

    def probe(self, state: Fuse, value: int) -> Fuse:
        """The fuse after this value was seen."""
        value = max(value, 0)
        return Fuse(value, state.broken or value == 0 or self.is_jump(state.last, value))

    def is_jump(self, last: int, value: int) -> bool:
        """Are two values further apart than the factor allows? Never, where there was no last value."""
        if last <= 0:
            return False
        low, high = min(last, value), max(last, value)
        return low <= 0 or high * WAD // low >= self.factor_wad

    def reset(self, value: int) -> Fuse:
        """Closed again, at a value somebody vouches for. InputError unless it is positive."""
        if value <= 0:
            raise InputError.at("breaker", f"reset to {value}", "Give the price it should compare with next.")
        return Fuse(value, False)
