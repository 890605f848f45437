"""What goes into a transform and comes out of it: a price or nothing, how sure, and what is wrong with it.

Prices are positive integers in the feed's own unit (ticks in a rulebook, wei of a ratio on a chain); None is
nothing. Times ns, rates of contracts in WAD (1e18). A price of zero or below is never handed on: it becomes
nothing, flagged MISSING. Conditions are those of `market.policy`; a transform adds some and
takes none away, unless it puts another word in the place of this one (aggregate, fallback, peg).
"""

from __future__ import annotations

import msgspec

from seawall.market.policy import Condition

WAD = 10**18
MISSING, STALE, DIVERGENT = int(Condition.MISSING), int(Condition.STALE), int(Condition.DIVERGENT)
WIDE, NO_QUORUM = int(Condition.WIDE), int(Condition.NO_QUORUM)
CLAMPED, BROKEN = int(Condition.CLAMPED), int(Condition.BROKEN)
GATED, LATE = int(Condition.GATED), int(Condition.LATE)
NO_NEWS = MISSING | STALE | NO_QUORUM


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A feed's word, or what a transform made of it. `Reading()` is nothing at all."""

    price: int | None = None
    observed_ns: int = -1  # when the market was seen at this price; -1 = never
    confidence: int = 0  # half-width of the feed's interval, in units of the price
    conditions: int = 0
    fee_wad: int = 0  # a charge for trading on this price, from `LatencyFee`

    @property
    def is_news(self) -> bool:
        """A positive price that was seen just now: what a transform with a memory may learn from."""
        return self.price is not None and self.price > 0 and not self.conditions & NO_NEWS


class NoState(msgspec.Struct, frozen=True, array_like=True, tag="none"):
    """The memory of a transform that needs none."""


class Last(msgspec.Struct, frozen=True, array_like=True, tag="last"):
    """The last price a transform gave, and when that was observed. 0 before the first."""

    price: int = 0
    observed_ns: int = -1
    confidence: int = 0


def given(reading: Reading, price: int | None, *, conditions: int = 0) -> Reading:
    """`reading` with another price and further conditions; nothing, MISSING, unless the price is positive."""
    flags = reading.conditions | conditions
    if price is None or price <= 0:
        return msgspec.structs.replace(reading, price=None, conditions=flags | MISSING)
    return msgspec.structs.replace(reading, price=price, conditions=flags)


def stands(last: Last, reading: Reading, *, conditions: int = 0) -> Reading:
    """What was given before stands, with the new word's flags and why it was not taken.

    MISSING if nothing was ever given; STALE where the new word is no price and does not say why.
    """
    flags = reading.conditions | conditions
    if not last.price:
        return msgspec.structs.replace(reading, price=None, conditions=flags | MISSING)
    return msgspec.structs.replace(
        reading,
        price=last.price,
        observed_ns=last.observed_ns,
        confidence=last.confidence,
        conditions=flags or STALE,
    )


def remember(reading: Reading) -> Last:
    """The memory of a reading that has a price."""
    return Last(reading.price or 0, reading.observed_ns, reading.confidence)
