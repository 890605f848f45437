"""Averages over time: TWAP, arithmetic or geometric, and an EMA whose weights halve per half-life.

Prices in the feed's unit, times ns. A price stands from when it is heard until the next. The arithmetic mean
is exact and rounds down. The geometric mean and the EMA's weight are floats of `kernels.elementary` (the
same bits everywhere) made integers before they decide: the mean is rounded down to units, the weight to
2**-53. The EMA's state keeps 1e-9 units. Sources: Uniswap v2 and v3 oracles; Inverse Finance 2022-04-02 (a
TWAP over one block is spot); docs.pyth.network, EMA price (half-life of an hour).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from seawall.market.transforms.reading import STALE, Reading, given

NANO = 1_000_000_000
LN2 = 6.93147180559945309417e-01
SCALE_BITS = 53
Mean = Literal["arithmetic", "geometric"]


class Stood(msgspec.Struct, frozen=True, array_like=True, tag="stood"):
    """(since when, price) of what stood within the window, oldest first; and since when history is whole."""

    prices: tuple[tuple[int, int], ...] = ()
    since_ns: int = -1


class Twap(msgspec.Struct, frozen=True, kw_only=True, tag="twap"):
    """Time-weighted mean over the last `window_ns`.

    `whole`: until a whole window was seen there is no answer (MISSING). Without it the mean is over what
    there is, and one block's price is the average: that is how Inverse Finance was robbed. A gap counts as
    the price before it; nothing, or a stale word, changes nothing and is flagged.
    """

    window_ns: int
    mean: Mean = "arithmetic"
    whole: bool = True

    def start(self) -> Stood:
        return Stood()

    def step(
        self, state: Stood, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[Stood, Reading]:
        if reading.is_news and (not state.prices or now_ns >= state.prices[-1][0]):
            state = self._heard(state, reading.price or 0, now_ns)
        flags = 0 if reading.is_news or reading.conditions else STALE
        if not state.prices or (self.whole and now_ns - state.since_ns < self.window_ns):
            return state, given(reading, None, conditions=flags)
        start_ns = max(now_ns - self.window_ns, state.prices[0][0])
        spans = _spans(state.prices, start_ns, now_ns)
        average = time_mean(spans, self.mean) if spans else state.prices[-1][1]
        out = given(reading, max(average, 1), conditions=flags)
        return state, msgspec.structs.replace(out, observed_ns=state.prices[-1][0])

    def _heard(self, state: Stood, price: int, now_ns: int) -> Stood:
        """The new price appended; of what ended before the window nothing is kept."""
        stood, start_ns = state.prices, now_ns - self.window_ns
        while len(stood) > 1 and stood[1][0] <= start_ns:
            stood = stood[1:]
        if stood and stood[-1][0] == now_ns:
            stood = stood[:-1]
        elif stood and stood[-1][1] == price:
            return Stood(stood, state.since_ns)
        return Stood((*stood, (now_ns, price)), now_ns if state.since_ns < 0 else state.since_ns)


def _spans(prices: Sequence[tuple[int, int]], start_ns: int, end_ns: int) -> list[tuple[int, int]]:
    """(price, how long it stood) within [start, end]."""
    ends = [since for since, _price in prices[1:]] + [end_ns]
    rows = ((price, min(end, end_ns) - max(since, start_ns)) for (since, price), end in zip(prices, ends))
    return [(price, span) for price, span in rows if span > 0]


def time_mean(spans: Sequence[tuple[int, int]], rule: Mean = "arithmetic") -> int:
    """Mean of (price, how long it stood), rounded down. Spans positive, at least one."""
    total = sum(span for _price, span in spans)
    if rule == "arithmetic":
        return sum(price * span for price, span in spans) // total
    from seawall.kernels.elementary import exp, log  # late: compiled, and rulebooks are read without them

    if len({price for price, _span in spans}) == 1:
        return spans[0][0]
    logs = sum(log(float(price)) * (span / total) for price, span in spans)
    low, high = min(price for price, _span in spans), max(price for price, _span in spans)
    return min(max(int(exp(logs)), low), high)


class Averaged(msgspec.Struct, frozen=True, array_like=True, tag="averaged"):
    """The average and the average confidence, 1e-9 units; the sample that stands since `sampled_ns`."""

    price_nano: int = 0
    confidence_nano: int = 0
    price: int = 0
    confidence: int = 0
    sampled_ns: int = -1


class HalfLife(msgspec.Struct, frozen=True, kw_only=True, tag="ema"):
    """Exponential average of price and confidence: what stood one half-life ago counts half.

    Each sample stands until the next. Nothing new: the last sample stands on, flagged.
    """

    half_life_ns: int

    def start(self) -> Averaged:
        return Averaged()

    def step(
        self, state: Averaged, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[Averaged, Reading]:
        if state.sampled_ns >= 0:
            state = self._moved(state, now_ns)
        if reading.is_news:
            price, unsure = reading.price or 0, reading.confidence
            first = state.sampled_ns < 0
            state = Averaged(
                price * NANO if first else state.price_nano,
                unsure * NANO if first else state.confidence_nano,
                price,
                unsure,
                max(now_ns, state.sampled_ns),
            )
        if state.sampled_ns < 0:
            return state, given(reading, None)
        flags = 0 if reading.is_news or reading.conditions else STALE
        out = given(reading, max(state.price_nano // NANO, 1), conditions=flags)
        return state, msgspec.structs.replace(out, confidence=-(-state.confidence_nano // NANO))

    def _moved(self, state: Averaged, now_ns: int) -> Averaged:
        """The averages after the last sample stood until now."""
        kept = weight(max(now_ns - state.sampled_ns, 0), self.half_life_ns)
        return Averaged(
            _towards(state.price_nano, state.price * NANO, kept),
            _towards(state.confidence_nano, state.confidence * NANO, kept),
            state.price,
            state.confidence,
            max(now_ns, state.sampled_ns),
        )


def weight(age_ns: int, half_life_ns: int) -> int:
    """2**(-age / half-life) in units of 2**-53, rounded down; exact at whole half-lives."""
    from seawall.kernels.elementary import exp  # late, as above

    halvings, rest_ns = divmod(age_ns, half_life_ns)
    if halvings > SCALE_BITS:
        return 0
    part = int(exp(-LN2 * (rest_ns / half_life_ns)) * (1 << SCALE_BITS)) if rest_ns else 1 << SCALE_BITS
    return part >> halvings


def _towards(average: int, sample: int, kept: int) -> int:
    """`sample + (average - sample) * kept`, rounded towards the sample, so that it arrives."""
    gap = average - sample
    return sample + (gap * kept >> SCALE_BITS if gap >= 0 else -(-gap * kept >> SCALE_BITS))
