"""When a feed speaks, and within which bounds: deviation and heartbeat, clamp, limiter.

Prices in the feed's unit, rates ppb or WAD, times ns. Comparisons are exact; the limiter divides as its
contract does, down at 1e18. Nothing in: the clamp gives nothing, the others let their last word stand.
Sources: Chainlink docs (deviation threshold, heartbeat, minAnswer and maxAnswer); curve-stablecoin AMM.vy
`limit_p_o` (a factor of 1.25 within two minutes of the last write).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from seawall.market.transforms.reading import (
    CLAMPED,
    STALE,
    WAD,
    Last,
    NoState,
    Reading,
    given,
    remember,
    stands,
)
from seawall.units import PPB


class Published(msgspec.Struct, frozen=True, array_like=True, tag="published"):
    """What the feed said last, and when it said so (which is later than the market was seen)."""

    last: Last = Last()
    published_ns: int = -1


class DeviationHeartbeat(msgspec.Struct, frozen=True, kw_only=True, tag="deviation_heartbeat"):
    """A push feed: speaks when the market moved `deviation_ppb` from its last word, or after `heartbeat_ns`.

    Between, the last word stands. A heartbeat missed because there was nothing to say is STALE.
    """

    deviation_ppb: int
    heartbeat_ns: int

    def start(self) -> Published:
        return Published()

    def step(
        self, state: Published, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[Published, Reading]:
        last, overdue = state.last, now_ns - state.published_ns >= self.heartbeat_ns
        if not reading.is_news:
            late = bool(last.price) and now_ns - state.published_ns > self.heartbeat_ns
            return state, stands(last, reading, conditions=STALE if late else 0)
        price = reading.price or 0
        moved = abs(price - last.price) * PPB >= self.deviation_ppb * last.price
        if not last.price or moved or overdue:
            return Published(remember(reading), now_ns), reading
        return state, msgspec.structs.replace(
            reading, price=last.price, observed_ns=last.observed_ns, confidence=last.confidence
        )


class Clamp(msgspec.Struct, frozen=True, kw_only=True, tag="clamp"):
    """The answer is kept within [least, most]; one that stands at a bound is CLAMPED, whatever the market is.

    A feed at its floor says nothing of the market below it (LUNA, 2022-05-12): do not lend on it.
    """

    least: int
    most: int

    def start(self) -> NoState:
        return NoState()

    def step(
        self, state: NoState, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[NoState, Reading]:
        if reading.price is None or reading.price <= 0:
            return state, given(reading, None)
        price = min(max(reading.price, self.least), self.most)
        return state, given(reading, price, conditions=CLAMPED if price in (self.least, self.most) else 0)


class Limiter(msgspec.Struct, frozen=True, kw_only=True, tag="limiter"):
    """Within `window_ns` of the last write a price moves by no more than a factor, up or down.

    The factor counts from the last price written, so that every step may go the whole way again.
    """

    factor_wad: int
    window_ns: int

    def start(self) -> Published:
        return Published()

    def step(
        self, state: Published, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[Published, Reading]:
        last = state.last
        if not reading.is_news:
            return state, stands(last, reading)
        price = reading.price or 0
        if last.price and now_ns - state.published_ns < self.window_ns:
            low, high = min(price, last.price), max(price, last.price)
            if low * WAD // high < WAD * WAD // self.factor_wad:
                up = price > last.price
                price = last.price * self.factor_wad // WAD if up else last.price * WAD // self.factor_wad
        out = given(reading, price, conditions=CLAMPED if price != reading.price else 0)
        # A price so small that the limit rounds it to nothing is not remembered as one.
        return (Published(remember(out), now_ns) if out.price else state), out
