"""What an oracle says where it is wrong: a multiple, a number, or never less than its floor.

Prices USD per coin (floats: the world), times ns. Whether the venue believes it is the venue's business: a
misread may concern all sources of a price, or some of them.
"""

from __future__ import annotations

from math import inf

import msgspec

from seawall.errors import InputError


class Misread(msgspec.Struct, frozen=True, kw_only=True):
    """From one moment to another (not included) the price of an asset is told wrong.

    `multiple` of the true one (a ratio read as a price, a wrong unit), `says_usd` whatever it is (a feed that
    stands still), or at least `least_usd` (a feed with a floor). `sources`: how many of them say so, 0 = all.
    """

    asset: str
    start_ns: int
    end_ns: int
    multiple: float = 1.0
    says_usd: float = 0.0
    least_usd: float = 0.0
    sources: int = 0

    def price(self, true_usd: float) -> float:
        """What is said in place of this price."""
        said = self.says_usd or true_usd * self.multiple
        return max(said, self.least_usd)

    def concerns(self, asset: str, place: int, now_ns: int) -> bool:
        """Whether the source at that place is wrong about the asset now."""
        there = self.asset == asset and self.start_ns <= now_ns < self.end_ns
        return there and (not self.sources or place < self.sources)

    def check(self, priced: list[str]) -> None:
        """InputError where nothing is valued by the asset, or the misread means nothing."""
        where = f"misread of {self.asset}"
        if self.asset not in priced:
            raise InputError.at(where, "no loan is valued by it", f"Name one of {', '.join(priced)}.")
        sound = 0.0 < self.multiple < inf and 0.0 <= self.says_usd < inf and 0.0 <= self.least_usd < inf
        if not sound or self.end_ns <= self.start_ns or self.sources < 0:
            what = f"{self.multiple!r} times from {self.start_ns} to {self.end_ns} ns"
            raise InputError.at(where, what, "Give a positive multiple, and an end after the start.")
