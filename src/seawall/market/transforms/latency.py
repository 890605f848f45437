"""A fee on trading against a price that lags: what the last rounds moved, beyond a threshold, with decay.

fee = sum over k of decay**k * max(|p_k - p_(k+1)| / p_(k+1) - threshold, 0), newest round first; WAD, every
division down, in the order of the contract (oldest first). The price itself goes through. Above the largest
fee trading is refused: DIVERGENT. Source: Synthetix SIP-184, Exchanger.sol `_dynamicFeeCalculation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from seawall.market.transforms.reading import DIVERGENT, WAD, Reading, given


class Rounds(msgspec.Struct, frozen=True, array_like=True, tag="rounds"):
    """The last prices heard, newest first."""

    prices: tuple[int, ...] = ()


class LatencyFee(msgspec.Struct, frozen=True, kw_only=True, tag="latency_fee"):
    """Every word is a round. Nothing or a stale price is none: the fee of the rounds so far stands."""

    threshold_wad: int
    decay_wad: int
    rounds: int = 10
    max_fee_wad: int = 0  # 0 = no limit

    def start(self) -> Rounds:
        return Rounds()

    def step(
        self, state: Rounds, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[Rounds, Reading]:
        if reading.is_news:
            state = Rounds((reading.price or 0, *state.prices)[: self.rounds])
        fee = self.fee_wad(state.prices)
        over = 0 < self.max_fee_wad < fee
        out = given(reading, reading.price, conditions=DIVERGENT if over else 0)
        charged = self.max_fee_wad if over else fee
        return state, msgspec.structs.replace(out, fee_wad=out.fee_wad + charged)

    def fee_wad(self, prices: Sequence[int]) -> int:
        """The fee after these prices, newest first; no more of them are looked at than are given."""
        fee = 0
        for newer, older in reversed(list(pairwise(prices))):
            fee = fee * self.decay_wad // WAD + self.deviation_wad(newer, older)
        return fee

    def deviation_wad(self, price: int, previous: int) -> int:
        """How far beyond the threshold a price moved, relative to the previous one; 0 if that was zero."""
        if previous <= 0:
            return 0
        return max(abs(price - previous) * WAD // previous - self.threshold_wad, 0)
