"""Several sources to one price: median or mean of those that speak, with a quorum.

Prices in the feeds' common unit; of an even number the median is the mean of the two middle ones, and every
mean rounds down. A source that is missing, zero, stale or flagged does not count. The median bears
floor((n - 1) / 2) sources that lie; with two it is a mean and bears none. Sources: Synthetix sKRW post-mortem
(2019-06-25), UwU Lend (2024-06-10).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from seawall.errors import InputError
from seawall.market.oracle import median
from seawall.market.transforms.reading import NO_QUORUM, Last, Reading, remember, stands

Rule = Literal["median", "mean"]


class Aggregate(msgspec.Struct, frozen=True, kw_only=True, tag="aggregate"):
    """One price from named sources; the price that came so far is not asked. Too few: NO_QUORUM, last stands.

    Seen when the oldest of them was seen; as unsure as the most unsure of them.
    """

    sources: tuple[str, ...]
    rule: Rule = "median"
    quorum: int = 1
    max_age_ns: int = 0  # 0 = whatever the sources' flags say

    def start(self) -> Last:
        return Last()

    def step(
        self, state: Last, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[Last, Reading]:
        heard = [sources[name] for name in self.sources if name in sources]
        heard = [one for one in heard if one.is_news and not self._is_old(one, now_ns)]
        if len(heard) < max(self.quorum, 1):
            return state, stands(state, reading, conditions=NO_QUORUM)
        prices = [one.price or 0 for one in heard]
        out = Reading(
            price=median(prices) if self.rule == "median" else mean(prices),
            observed_ns=min(one.observed_ns for one in heard),
            confidence=max(one.confidence for one in heard),
            fee_wad=reading.fee_wad,
        )
        return remember(out), out

    def _is_old(self, one: Reading, now_ns: int) -> bool:
        return self.max_age_ns > 0 and now_ns - one.observed_ns > self.max_age_ns


def mean(prices: Sequence[int]) -> int:
    """Rounded down. InputError for none."""
    if not prices:
        raise InputError.at("mean", "no prices", "Give at least one.")
    return sum(prices) // len(prices)


def breakdown(count: int) -> int:
    """How many of `count` sources may say anything at all while the median stays among the others."""
    return max((count - 1) // 2, 0)


def least_honest(prices: Sequence[int]) -> int:
    """The lowest price that still stands when as many as the median can bear lie low. InputError for none."""
    if not prices:
        raise InputError.at("least_honest", "no prices", "Give at least one.")
    return sorted(prices)[breakdown(len(prices))]
