"""Mango's stable price: it follows the oracle, ever more slowly the further it is from a day-old price.

Prices in the feed's unit, kept in 1e-9 of it; rates ppb; the model's clock counts whole seconds. All integer:
the program uses doubles, and its figures come out to the digits it tests. Source: blockworks-foundation/
mango-v4 state/stable_price.rs. Per interval (1 h) the oracle's mean, moved by at most 6 % from the interval
before, is stored; after 24 intervals it is the delay price. Per second the stable price moves by at most
0.03 % times (the smaller / the larger of stable and delay price) squared; no update within 10 s of the last,
and none counts for more than 600 s.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from seawall.market.transforms.reading import STALE, Reading, given
from seawall.units import PPB, SECOND_NS

NANO = 1_000_000_000


class Slow(msgspec.Struct, frozen=True, array_like=True, tag="slow"):
    """Stable and delay prices, 1e-9 units, with the sum and seconds of the interval under way."""

    stable_nano: int = 0
    delays_nano: tuple[int, ...] = ()
    updated_s: int = 0
    sum_nano_s: int = 0
    sum_s: int = 0
    interval: int = 0


class StablePrice(msgspec.Struct, frozen=True, kw_only=True, tag="stable"):
    """The stable price in place of the oracle's. Nothing new: it stands, flagged; the first price is it."""

    interval_s: int = 3_600
    intervals: int = 24
    delay_growth_ppb: int = 60_000_000
    stable_growth_ppb: int = 300_000  # per second
    min_gap_s: int = 10
    max_gap_s: int = 600

    def start(self) -> Slow:
        return Slow()

    def reset(self, price: int, now_ns: int) -> Slow:
        """Stable and all delay prices at `price`."""
        return Slow(price * NANO, (price * NANO,) * self.intervals, now_ns // SECOND_NS)

    def step(
        self, state: Slow, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[Slow, Reading]:
        if reading.is_news:
            price = reading.price or 0
            state = self.reset(price, now_ns) if not state.stable_nano else state
            state = self._updated(state, price * NANO, now_ns // SECOND_NS)
        if not state.stable_nano:
            return state, given(reading, None)
        flags = 0 if reading.is_news or reading.conditions else STALE
        return state, given(reading, max(state.stable_nano // NANO, 1), conditions=flags)

    def _updated(self, state: Slow, price_nano: int, now_s: int) -> Slow:
        elapsed_s = max(now_s - state.updated_s, 0)
        if elapsed_s < self.min_gap_s:
            return state
        counted_s = min(elapsed_s, self.max_gap_s)
        sum_nano_s, sum_s = state.sum_nano_s + price_nano * counted_s, state.sum_s + elapsed_s
        interval, delays = now_s // self.interval_s % self.intervals, state.delays_nano
        if interval != state.interval:
            delays = self._stored(state, sum_nano_s // sum_s, interval, elapsed_s)
            sum_nano_s, sum_s = 0, 0
        low, high = sorted((state.stable_nano, delays[interval]))
        room = state.stable_nano * self.stable_growth_ppb * low * low * counted_s // (PPB * high * high)
        stable = min(max(price_nano, state.stable_nano - room), state.stable_nano + room)
        return Slow(max(stable, 1), delays, now_s, sum_nano_s, sum_s, interval)

    def _stored(self, state: Slow, mean_nano: int, interval: int, elapsed_s: int) -> tuple[int, ...]:
        """The delay prices with that of the interval just ended, also in the intervals nobody saw."""
        before = state.delays_nano[state.interval - 1]
        room = before * self.delay_growth_ppb // PPB
        new = max(min(max(mean_nano, before - room), before + room), 1)
        if elapsed_s > self.intervals * self.interval_s:
            return (new,) * self.intervals
        ended = (interval - state.interval) % self.intervals
        slots = {(state.interval + step) % self.intervals for step in range(ended)}
        return tuple(new if slot in slots else old for slot, old in enumerate(state.delays_nano))
