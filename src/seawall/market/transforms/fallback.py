"""Two oracles and a memory: trust the first while it behaves, then the second, then the last good price.

Prices in one unit; times ns. Ratios as in the contract, WAD rounded down: a round-to-round change is relative
to the larger price and too much above 50 %; agreement is relative to the smaller one and good up to 5 % (a
comment in the source says 3 %); frozen is older than 4 h, the limit not included. Source: liquity/dev
PriceFeed.sol `fetchPrice`, cases 1 to 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import msgspec

from seawall.market.transforms.reading import (
    DIVERGENT,
    STALE,
    WAD,
    Last,
    Reading,
    given,
    remember,
)


class Status(IntEnum):
    """Who is trusted. Named after who is used and what is wrong with the other."""

    PRIMARY_WORKING = 0
    USING_SECONDARY_PRIMARY_UNTRUSTED = 1
    BOTH_UNTRUSTED = 2
    USING_SECONDARY_PRIMARY_FROZEN = 3
    USING_PRIMARY_SECONDARY_UNTRUSTED = 4


class Trust(msgspec.Struct, frozen=True, array_like=True, tag="trust"):
    """Status, last good price, and the primary's newest round with the one before it."""

    status: int = 0
    good: Last = Last()
    newest: Last = Last()
    before: Last = Last()


class Health(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one look at both oracles shows."""

    primary_broken: bool
    primary_frozen: bool
    secondary_broken: bool
    secondary_frozen: bool
    jumped: bool
    alike: bool

    @property
    def both_well(self) -> bool:
        ill = self.primary_broken or self.primary_frozen or self.secondary_broken or self.secondary_frozen
        return self.alike and not ill


PRIMARY, SECONDARY, GOOD = "primary", "secondary", "good"


class Fallback(msgspec.Struct, frozen=True, kw_only=True, tag="fallback"):
    """The price that came so far is the primary; `secondary` names the other source.

    A first round has no previous one and is held against itself. Where neither can be used the last good
    price stands: STALE if an oracle is only frozen, DIVERGENT if both are untrusted; none is MISSING.
    """

    secondary: str
    frozen_after_ns: int = 4 * 3_600_000_000_000
    max_change_wad: int = WAD // 2
    agreement_wad: int = WAD // 20

    def start(self) -> Trust:
        return Trust()

    def step(
        self, state: Trust, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[Trust, Reading]:
        second = sources.get(self.secondary, Reading())
        state = _next_round(state, reading)
        health = self.look(state, reading, second, now_ns)
        status, use = decide(Status(state.status), health)
        if use == GOOD:
            ill = DIVERGENT if status == Status.BOTH_UNTRUSTED else STALE
            out = Reading(observed_ns=state.good.observed_ns, confidence=state.good.confidence)
            out = given(out, state.good.price, conditions=ill)
        else:
            out = reading if use == PRIMARY else second
            out = msgspec.structs.replace(out, conditions=out.conditions & ~STALE)
            state = msgspec.structs.replace(state, good=remember(out))
        out = msgspec.structs.replace(out, fee_wad=reading.fee_wad)
        return msgspec.structs.replace(state, status=int(status)), out

    def look(self, state: Trust, primary: Reading, secondary: Reading, now_ns: int) -> Health:
        """Broken: no price, zero, or from the future; for the primary also if its previous round was."""
        first = _is_broken(primary, now_ns) or state.before.price < 0
        other = _is_broken(secondary, now_ns)
        return Health(
            primary_broken=first,
            primary_frozen=not first and now_ns - primary.observed_ns > self.frozen_after_ns,
            secondary_broken=other,
            secondary_frozen=not other and now_ns - secondary.observed_ns > self.frozen_after_ns,
            jumped=not first and self._is_jump(primary.price or 0, state.before.price or primary.price or 0),
            alike=not first and not other and self._is_alike(primary.price or 0, secondary.price or 0),
        )

    def _is_jump(self, newer: int, older: int) -> bool:
        low, high = min(newer, older), max(newer, older)
        return (high - low) * WAD // high > self.max_change_wad

    def _is_alike(self, one: int, other: int) -> bool:
        low, high = min(one, other), max(one, other)
        return (high - low) * WAD // low <= self.agreement_wad


def _is_broken(reading: Reading, now_ns: int) -> bool:
    return reading.price is None or reading.price <= 0 or not 0 < reading.observed_ns <= now_ns


def _next_round(state: Trust, reading: Reading) -> Trust:
    """A word observed later than the newest round is a new round. A bad one is kept as price -1."""
    if reading.observed_ns <= state.newest.observed_ns:
        return state
    price = reading.price if reading.price is not None and reading.price > 0 else -1
    round_ = Last(price, reading.observed_ns, reading.confidence)
    return msgspec.structs.replace(state, newest=round_, before=state.newest)


def decide(status: Status, health: Health) -> tuple[Status, str]:
    """The next status, and whose price is used: the five cases of `fetchPrice`."""
    return _CASES[status](health)


def _working(health: Health) -> tuple[Status, str]:
    untrusted = Status.USING_SECONDARY_PRIMARY_UNTRUSTED
    if health.primary_broken or (health.jumped and not health.primary_frozen):
        if health.secondary_broken:
            return Status.BOTH_UNTRUSTED, GOOD
        if health.secondary_frozen:
            return untrusted, GOOD
        if health.alike and not health.primary_broken:
            return Status.PRIMARY_WORKING, PRIMARY
        return untrusted, SECONDARY
    if health.primary_frozen:
        if health.secondary_broken:
            return Status.USING_PRIMARY_SECONDARY_UNTRUSTED, GOOD
        frozen = Status.USING_SECONDARY_PRIMARY_FROZEN
        return frozen, GOOD if health.secondary_frozen else SECONDARY
    if health.secondary_broken:
        return Status.USING_PRIMARY_SECONDARY_UNTRUSTED, PRIMARY
    return Status.PRIMARY_WORKING, PRIMARY


def _primary_untrusted(health: Health) -> tuple[Status, str]:
    if health.both_well:
        return Status.PRIMARY_WORKING, PRIMARY
    if health.secondary_broken:
        return Status.BOTH_UNTRUSTED, GOOD
    return Status.USING_SECONDARY_PRIMARY_UNTRUSTED, GOOD if health.secondary_frozen else SECONDARY


def _both_untrusted(health: Health) -> tuple[Status, str]:
    return (Status.PRIMARY_WORKING, PRIMARY) if health.both_well else (Status.BOTH_UNTRUSTED, GOOD)


def _primary_frozen(health: Health) -> tuple[Status, str]:
    untrusted, frozen = Status.USING_SECONDARY_PRIMARY_UNTRUSTED, Status.USING_SECONDARY_PRIMARY_FROZEN
    if health.primary_broken:
        if health.secondary_broken:
            return Status.BOTH_UNTRUSTED, GOOD
        return untrusted, GOOD if health.secondary_frozen else SECONDARY
    if health.secondary_broken:
        return Status.USING_PRIMARY_SECONDARY_UNTRUSTED, GOOD if health.primary_frozen else PRIMARY
    if health.secondary_frozen:
        return frozen, GOOD
    if health.primary_frozen:
        return frozen, SECONDARY
    return (Status.PRIMARY_WORKING, PRIMARY) if health.alike else (untrusted, SECONDARY)


def _secondary_untrusted(health: Health) -> tuple[Status, str]:
    if health.primary_broken:
        return Status.BOTH_UNTRUSTED, GOOD
    if health.primary_frozen:
        return Status.USING_PRIMARY_SECONDARY_UNTRUSTED, GOOD
    if health.both_well:
        return Status.PRIMARY_WORKING, PRIMARY
    if health.jumped:
        return Status.BOTH_UNTRUSTED, GOOD
    return Status.USING_PRIMARY_SECONDARY_UNTRUSTED, PRIMARY


_CASES = {
    Status.PRIMARY_WORKING: _working,
    Status.USING_SECONDARY_PRIMARY_UNTRUSTED: _primary_untrusted,
    Status.BOTH_UNTRUSTED: _both_untrusted,
    Status.USING_SECONDARY_PRIMARY_FROZEN: _primary_frozen,
    Status.USING_PRIMARY_SECONDARY_UNTRUSTED: _secondary_untrusted,
}
