"""Many swaps against one pool, compiled: the same integers as `concentrated.swap`, one after another.

Amounts in atoms below 2**128, > 0 in and < 0 out, as `swap` takes them; each order goes as far as liquidity
does. An order at the end of all prices trades nothing. Rounding: as the definition.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.kernels import pool_swaps as kernel
from seawall.kernels.wide import WIDTH
from seawall.market.amm.concentrated import WORD_TICKS, ConcentratedPool, Tick
from seawall.market.amm.ticks import (
    MAX_SQRT_PRICE_X96,
    MAX_TICK,
    MIN_SQRT_PRICE_X96,
    MIN_TICK,
    sqrt_price_at_tick,
    tick_at_sqrt_price,
)
from seawall.market.amm.words import UINT128_MAX

Digits = NDArray[np.uint64]
TOKEN0_IN, EXACT_IN = 1, 2


class PoolRun:
    """A pool laid out for the kernel. It moves with every call; `pool()` is where it stands."""

    def __init__(self, pool: ConcentratedPool) -> None:
        self._start = pool
        self._place = 0
        self._ticks, self._kinds = _stops(pool)
        count = len(self._ticks)
        self._roots = np.zeros((count, kernel.ROOT_DIGITS), np.uint64)
        self._nets = np.zeros((count, kernel.AMOUNT_DIGITS), np.uint64)
        self._outside = np.zeros((2, count, kernel.GROWTH_DIGITS), np.uint64)
        for place, tick in enumerate(self._ticks):
            self._roots[place] = _digits(sqrt_price_at_tick(tick), kernel.ROOT_DIGITS)
        self._w = np.zeros((kernel.ROWS, WIDTH), np.uint64)
        self._load(pool)

    def swap_all(
        self, zero_for_one: NDArray[np.bool_], amounts_atoms: Sequence[int]
    ) -> list[tuple[int, int]]:
        """(token0, token1) of every order as the pool sees it: in > 0, out < 0. Moves the pool.

        InputError for an amount of zero or beyond 128 bits, or sides and amounts of different length.
        """
        sides, asked = pack_orders(zero_for_one, amounts_atoms)
        left, others = self.swap_packed(sides, asked)
        found = []
        for token0_in, amount, rest, other in zip(
            zero_for_one, amounts_atoms, _numbers(left), _numbers(others), strict=True
        ):
            traded = amount - rest if amount > 0 else amount + rest
            against = -other if amount > 0 else other
            found.append((traded, against) if token0_in == (amount > 0) else (against, traded))
        return found

    def swap_packed(self, sides: NDArray[np.uint8], amounts: Digits) -> tuple[Digits, Digits]:
        """(what was not traded, the other side's atoms), in digits, of orders from `pack_orders`."""
        left = amounts.copy()
        others = np.zeros((len(sides), kernel.WORD_DIGITS), np.uint64)
        self._place = kernel.trade_all(
            self._w, self._place, np.uint64(self._start.fee_pips), sides, left, others,
            self._kinds, self._roots, self._nets, self._outside,
        )  # fmt: skip
        return left, others

    def pool(self) -> ConcentratedPool:
        """The pool as the definition has it."""
        price = _number(self._w[kernel.PRICE])
        ticks = {tick.index: tick for tick in self._start.ticks}
        for place, index in enumerate(self._ticks):
            if index in ticks:
                ticks[index] = msgspec.structs.replace(
                    ticks[index],
                    outside0_x128=_number(self._outside[0, place]),
                    outside1_x128=_number(self._outside[1, place]),
                )
        return msgspec.structs.replace(
            self._start,
            sqrt_price_x96=price,
            tick=self._tick(price),
            liquidity=_number(self._w[kernel.LIQUIDITY]),
            ticks=tuple(ticks.values()),
            growth0_x128=_number(self._w[kernel.GROWTH0]),
            growth1_x128=_number(self._w[kernel.GROWTH1]),
        )

    def _tick(self, price: int) -> int:
        above = self._place + 1
        if above < len(self._ticks) and _number(self._roots[above]) == price:
            return self._ticks[above] - 1  # crossed on the way down, and not moved on
        return tick_at_sqrt_price(price)

    def _load(self, pool: ConcentratedPool) -> None:
        held: dict[int, Tick] = {tick.index: tick for tick in pool.ticks}
        for place, index in enumerate(self._ticks):
            if index in held:
                tick = held[index]
                self._nets[place] = _digits(abs(tick.net), kernel.AMOUNT_DIGITS)
                self._outside[0, place] = _digits(tick.outside0_x128, kernel.GROWTH_DIGITS)
                self._outside[1, place] = _digits(tick.outside1_x128, kernel.GROWTH_DIGITS)
        for row, value in (
            (kernel.PRICE, pool.sqrt_price_x96),
            (kernel.LIQUIDITY, pool.liquidity),
            (kernel.GROWTH0, pool.growth0_x128),
            (kernel.GROWTH1, pool.growth1_x128),
            (kernel.LOWEST, MIN_SQRT_PRICE_X96 + 1),
            (kernel.HIGHEST, MAX_SQRT_PRICE_X96 - 1),
        ):
            self._w[row] = _digits(value, WIDTH)
        self._place = bisect_right(self._ticks, pool.tick) - 1


def pack_orders(
    zero_for_one: NDArray[np.bool_], amounts_atoms: Sequence[int]
) -> tuple[NDArray[np.uint8], Digits]:
    """Orders as the kernel reads them: sides as bits, amounts as digits. InputError as `swap_all`."""
    if len(zero_for_one) != len(amounts_atoms):
        raise InputError.at(
            "orders", f"{len(zero_for_one)} sides, {len(amounts_atoms)} amounts", "Give one of each."
        )
    for number, amount in enumerate(amounts_atoms):
        if isinstance(amount, bool) or not isinstance(amount, int) or not 0 < abs(amount) <= UINT128_MAX:
            raise InputError.at(f"order {number}", f"is {amount!r}", "Give atoms in (> 0) or out (< 0).")
    exact_in = np.array([amount > 0 for amount in amounts_atoms], bool)
    sides = np.asarray(zero_for_one, np.uint8) * TOKEN0_IN + exact_in.astype(np.uint8) * EXACT_IN
    raw = b"".join(abs(amount).to_bytes(16, "little") for amount in amounts_atoms)
    digits = np.frombuffer(raw, "<u4").reshape(len(amounts_atoms), kernel.AMOUNT_DIGITS)
    return sides.astype(np.uint8), digits.astype(np.uint64)


def _stops(pool: ConcentratedPool) -> tuple[list[int], NDArray[np.uint8]]:
    """Every tick at which some swap stops, in order, and why."""
    word = WORD_TICKS * pool.tick_spacing
    kinds: dict[int, int] = {}
    for number in range(MIN_TICK // word, MAX_TICK // word + 1):
        low, high = number * word, (number + 1) * word - pool.tick_spacing
        for tick, kind in ((low, kernel.DOWN_EDGE), (high, kernel.UP_EDGE)):
            tick = min(max(tick, MIN_TICK), MAX_TICK)
            kinds[tick] = kinds.get(tick, 0) | kind
    for held in pool.ticks:
        leaves = kernel.LEAVES if held.net < 0 else 0
        kinds[held.index] = kinds.get(held.index, 0) | kernel.RANGE_END | leaves
    # The ends of all prices stop both ways.
    for tick, kind in ((MIN_TICK, kernel.DOWN_EDGE), (MAX_TICK, kernel.UP_EDGE)):
        kinds[tick] = kinds.get(tick, 0) | kind
    ordered = sorted(kinds)
    return ordered, np.array([kinds[tick] for tick in ordered], np.uint8)


def _digits(value: int, count: int) -> Digits:
    return np.frombuffer(value.to_bytes(4 * count, "little"), "<u4").astype(np.uint64)


def _number(digits: Digits) -> int:
    return int.from_bytes(digits.astype("<u4").tobytes(), "little")


def _numbers(rows: Digits) -> list[int]:
    raw, size = rows.astype("<u4").tobytes(), 4 * rows.shape[1]
    return [int.from_bytes(raw[at : at + size], "little") for at in range(0, len(raw), size)]
