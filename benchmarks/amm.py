"""Swaps per second against one pool of concentrated liquidity, on one thread, equal to the definition.

A pool at 2000 with one range over all prices and ten narrow ones about it; orders of either side with
log-normal sizes about 0.1 of token0, so that some cross the ends of ranges. Our rate is of orders already
laid out in digits, as a simulation keeps them; the definition is the same swap in Python's integers. Before
anything is timed the first orders are compared with it. Seconds are of the thread, the fastest of three.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.rows import Row, make_row
from seawall.market.amm.concentrated import ConcentratedPool, Range, open_pool, swap
from seawall.market.amm.pool_run import PoolRun, pack_orders
from seawall.market.amm.ticks import sqrt_price_of

GOAL_PER_SECOND = 1_000_000
PRICE = 2000


def market() -> ConcentratedPool:
    narrow = [Range(lower=74_940 + 60 * i, upper=77_340 + 60 * i, liquidity=10**22) for i in range(10)]
    return open_pool(
        fee_pips=3000,
        tick_spacing=60,
        sqrt_price_x96=sqrt_price_of(PRICE),
        ranges=[Range(lower=-887_220, upper=887_220, liquidity=10**21), *narrow],
    )


def draw(count: int) -> tuple[NDArray[np.bool_], list[int]]:
    chance = np.random.default_rng(2021)
    sides = chance.random(count) < 0.5
    sizes = np.exp(chance.normal(0, 1, count)) * 1e17
    return sides, [int(size) * (1 if token0 else PRICE) for size, token0 in zip(sizes, sides)]


def by_definition(pool: ConcentratedPool, sides: NDArray[np.bool_], amounts: list[int]) -> ConcentratedPool:
    for zero_for_one, amount in zip(sides, amounts):
        pool = swap(pool, zero_for_one=bool(zero_for_one), amount_atoms=amount).pool
    return pool


def fastest(run: Callable[[], object], repeats: int) -> float:
    """Thread seconds of the fastest of several calls."""
    best = float("inf")
    for _ in range(repeats):
        begin = time.thread_time()
        run()
        best = min(best, time.thread_time() - begin)
    return best


def measure(quick: bool) -> list[Row]:
    count, few = (20_000, 500) if quick else (300_000, 5_000)
    pool = market()
    sides, amounts = draw(count)
    check = PoolRun(pool)
    check.swap_all(sides[:few], amounts[:few])
    if check.pool() != by_definition(pool, sides[:few], amounts[:few]):
        raise AssertionError("the compiled swaps are not those of the definition")
    packed = pack_orders(sides, amounts)
    ours = count / fastest(lambda: PoolRun(pool).swap_packed(*packed), 3)
    slow = few / fastest(lambda: by_definition(pool, sides[:few], amounts[:few]), 3)
    return [
        make_row(
            "swaps in a v3 pool, one thread",
            ours=f"{ours / 1e6:.2f} M/s",
            peer=f"the definition in Python integers {slow / 1e3:.1f} k/s",
            ratio=ours / slow,
            goal=">= 1 M/s",
            met=ours >= GOAL_PER_SECOND,
            note=f"{count} orders, {few} of them compared with the definition to the atom, pool included",
        )
    ]
