"""Drift's ladder of validity: the first thing wrong with a price, in order of severity.

Prices in 1e-6 units, ratios as the program has them: max / min cut to an integer, confidence / price cut to
1e-6; ages ns. Each rung is also a condition, so that `tolerates` says which action may live with it: not
positive MISSING, too volatile DIVERGENT, too uncertain WIDE, stale for margin STALE, too few data points
NO_QUORUM, stale for the AMM LATE. Source: drift-labs/protocol-v2 math/oracle.rs `oracle_validity`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec

from seawall.errors import InputError
from seawall.market.transforms.reading import (
    DIVERGENT,
    LATE,
    MISSING,
    NO_QUORUM,
    STALE,
    WIDE,
    NoState,
    Reading,
    given,
)

PRECISION = 1_000_000


class Verdict(Enum):
    """A rung, by the name it has there, with its condition."""

    NON_POSITIVE = ("NonPositive", MISSING)
    TOO_VOLATILE = ("TooVolatile", DIVERGENT)
    TOO_UNCERTAIN = ("TooUncertain", WIDE)
    STALE_FOR_MARGIN = ("StaleForMargin", STALE)
    INSUFFICIENT_DATA_POINTS = ("InsufficientDataPoints", NO_QUORUM)
    STALE_FOR_AMM = ("StaleForAMM", LATE)
    VALID = ("Valid", 0)

    @property
    def title(self) -> str:
        return self.value[0]

    @property
    def condition(self) -> int:
        return self.value[1]


class Validity(msgspec.Struct, frozen=True, kw_only=True, tag="validity"):
    """The price goes through with its verdict. `twap` names the source of the slow price it is held against.

    Without a slow price it counts as too volatile: the program has had one since the market began.
    """

    twap: str
    too_volatile_ratio: int = 5
    max_confidence_millionths: int = 20_000
    confidence_times: int = 1  # of the market's tier: 1, 1, 2, 10, 50, 50
    max_age_ns: int
    late_after_ns: int

    def __post_init__(self) -> None:
        if min(self.too_volatile_ratio, self.confidence_times, self.late_after_ns + 1) < 1:
            raise InputError.at("validity", "a ratio or age below its least", "Give positive limits.")

    def start(self) -> NoState:
        return NoState()

    def step(
        self, state: NoState, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[NoState, Reading]:
        slow = sources.get(self.twap, Reading()).price
        verdict = self.verdict(reading, slow or 0, now_ns)
        return state, given(reading, reading.price, conditions=verdict.condition)

    def verdict(self, reading: Reading, slow: int, now_ns: int) -> Verdict:
        """The first rung that holds. `slow` is the slow price, in units of the price."""
        price = reading.price or 0
        if price <= 0:
            return Verdict.NON_POSITIVE
        if max(price, slow) // max(min(slow, price), 1) > self.too_volatile_ratio or slow <= 0:
            return Verdict.TOO_VOLATILE
        widest = self.max_confidence_millionths * self.confidence_times
        if reading.confidence * PRECISION // price > widest:
            return Verdict.TOO_UNCERTAIN
        age_ns = now_ns - reading.observed_ns
        if age_ns > self.max_age_ns or reading.conditions & STALE:
            return Verdict.STALE_FOR_MARGIN
        if reading.conditions & NO_QUORUM:
            return Verdict.INSUFFICIENT_DATA_POINTS
        return Verdict.STALE_FOR_AMM if age_ns > self.late_after_ns else Verdict.VALID
