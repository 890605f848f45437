"""A feed's confidence interval: fixed-point prices, and the side of the interval to value at.

Collateral is worth price - k * confidence, debt price + k * confidence; both round against the account, the
low side down and the high side up. A low side at or below zero is nothing. Source: docs.pyth.network, best
practices.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

import msgspec

from seawall.errors import InputError
from seawall.market.transforms.reading import NoState, Reading, given
from seawall.units import PPB

Side = Literal["low", "high"]
LARGEST_EXPONENT = 38


class Confidence(msgspec.Struct, frozen=True, kw_only=True, tag="confidence"):
    """The price moved to one side of its interval. Nothing in, nothing out; a stale price keeps its flag."""

    side: Side
    times_ppb: int = PPB  # how many half-widths

    def start(self) -> NoState:
        return NoState()

    def step(
        self, state: NoState, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[NoState, Reading]:
        if reading.price is None or reading.price <= 0:
            return state, given(reading, None)
        width = -(-reading.confidence * self.times_ppb // PPB)
        return state, given(reading, reading.price + (width if self.side == "high" else -width))


class FixedPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A price as a feed publishes it: `price` and `confidence` times 10**exponent."""

    price: int
    confidence: int
    exponent: int

    def __post_init__(self) -> None:
        if abs(self.exponent) > LARGEST_EXPONENT or self.confidence < 0:
            raise InputError.at(
                "fixed-point price",
                f"exponent {self.exponent}, confidence {self.confidence}",
                f"Give an exponent within +-{LARGEST_EXPONENT} and a confidence of zero or more.",
            )

    def value(self, mantissa: int) -> Fraction:
        """A mantissa as an exact number."""
        return Fraction(mantissa) * Fraction(10) ** self.exponent

    def reading(self, observed_ns: int) -> Reading:
        """In units of 10**exponent, as the transforms take it."""
        return given(Reading(observed_ns=observed_ns, confidence=self.confidence), self.price)
