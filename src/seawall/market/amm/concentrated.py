"""A pool of concentrated liquidity: positions over ranges of ticks, and swaps that cross them.

Amounts in atoms, liquidity in sqrt(atoms0 * atoms1), roots of prices with 96 fraction bits, fees in pips
(1e-6), fee growth with 128 fraction bits, modulo 2**256 as the protocol counts it. Rounding: for
pool. A swap also stops at the edge of each word of 256 ticks, and each stop rounds: results depend on it.
Source: Uniswap v3 whitepaper, 6.2 and 6.3. Without protocol fee: it is a split of the fee, not of the swap.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

import msgspec

from seawall.errors import InputError
from seawall.market.amm.swap_step import PIPS, amount0_between, amount1_between, swap_step
from seawall.market.amm.ticks import (
    MAX_SQRT_PRICE_X96,
    MAX_TICK,
    MIN_SQRT_PRICE_X96,
    MIN_TICK,
    sqrt_price_at_tick,
    tick_at_sqrt_price,
)
from seawall.market.amm.words import Q128, UINT128_MAX, UINT256_MAX, fits, positive

WORD_TICKS = 256


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """One position: its liquidity counts while lower <= tick < upper."""

    lower: int
    upper: int
    liquidity: int


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """What changes where a range begins or ends. `outside` is fee growth on the side away from the price."""

    index: int
    net: int
    gross: int
    outside0_x128: int = 0
    outside1_x128: int = 0


class ConcentratedPool(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a pool. Build one with `open_pool`; in order, no tick has zero gross."""

    fee_pips: int
    tick_spacing: int
    sqrt_price_x96: int
    tick: int
    liquidity: int = 0
    ticks: tuple[Tick, ...] = ()
    growth0_x128: int = 0
    growth1_x128: int = 0


class Swapped(msgspec.Struct, frozen=True, kw_only=True):
    """A swap as the pool sees it: atoms in > 0, out < 0; fee in atoms of what was paid in."""

    amount0_atoms: int
    amount1_atoms: int
    fee_atoms: int
    crossed: int
    pool: ConcentratedPool


def open_pool(
    *, fee_pips: int, tick_spacing: int, sqrt_price_x96: int, ranges: Iterable[Range] = ()
) -> ConcentratedPool:
    """An untraded pool at a price, with its ranges. InputError for fees, prices or ranges that cannot be."""
    if not 0 <= fee_pips < PIPS:
        raise InputError.at("fee_pips", f"is {fee_pips}", f"Give a fee from 0 to below {PIPS}.")
    positive(tick_spacing, "tick_spacing")
    pool = ConcentratedPool(
        fee_pips=fee_pips,
        tick_spacing=tick_spacing,
        sqrt_price_x96=sqrt_price_x96,
        tick=tick_at_sqrt_price(sqrt_price_x96),
    )
    for held in ranges:
        pool = add_liquidity(pool, held)
    return pool


def add_liquidity(pool: ConcentratedPool, held: Range) -> ConcentratedPool:
    """The pool with one more range. What it costs is `range_amounts(..., up=True)`."""
    positive(held.liquidity, "liquidity")
    return _change(pool, held, held.liquidity)


def remove_liquidity(pool: ConcentratedPool, held: Range) -> ConcentratedPool:
    """The pool with the range's liquidity taken out. InputError if its ticks do not hold as much."""
    positive(held.liquidity, "liquidity")
    return _change(pool, held, -held.liquidity)


def _change(pool: ConcentratedPool, held: Range, delta: int) -> ConcentratedPool:
    for edge in (held.lower, held.upper):
        if not MIN_TICK <= edge <= MAX_TICK or edge % pool.tick_spacing or held.lower >= held.upper:
            raise InputError.at(
                "range",
                f"ticks {held.lower} to {held.upper}, spacing {pool.tick_spacing}",
                f"Give lower < upper, both multiples of the spacing, within {MIN_TICK} to {MAX_TICK}.",
            )
    ticks = _with_tick(pool, pool.ticks, held.lower, delta, delta)
    ticks = _with_tick(pool, ticks, held.upper, -delta, delta)
    inside = delta if held.lower <= pool.tick < held.upper else 0
    liquidity = fits(pool.liquidity + inside, UINT128_MAX, "liquidity of the pool")
    return msgspec.structs.replace(pool, ticks=ticks, liquidity=liquidity)


def _with_tick(
    pool: ConcentratedPool, ticks: tuple[Tick, ...], index: int, net: int, gross: int
) -> tuple[Tick, ...]:
    place = bisect_left(ticks, index, key=_index)
    found = place < len(ticks) and ticks[place].index == index
    # By convention all growth so far happened below the tick, as far as the price is above it.
    below = index <= pool.tick
    old = (
        ticks[place]
        if found
        else Tick(
            index=index,
            net=0,
            gross=0,
            outside0_x128=pool.growth0_x128 if below else 0,
            outside1_x128=pool.growth1_x128 if below else 0,
        )
    )
    gross = fits(old.gross + gross, UINT128_MAX, f"liquidity at tick {index}")
    new = (msgspec.structs.replace(old, net=old.net + net, gross=gross),) if gross else ()
    return (*ticks[:place], *new, *ticks[place + found :])


def _index(tick: Tick) -> int:
    return tick.index


def range_amounts(sqrt_price_x96: int, held: Range, *, up: bool) -> tuple[int, int]:
    """Atoms (token0, token1) that a range holds at a price; `up` as it is paid for, down as it is paid out.

    The price may be the pool's or an oracle's: what a range holds is a function of the price alone.
    """
    low, high = sqrt_price_at_tick(held.lower), sqrt_price_at_tick(held.upper)
    inside = min(max(sqrt_price_x96, low), high)
    return (
        amount0_between(inside, high, held.liquidity, up=up) if inside < high else 0,
        amount1_between(low, inside, held.liquidity, up=up) if inside > low else 0,
    )


def growth_inside(pool: ConcentratedPool, lower: int, upper: int) -> tuple[int, int]:
    """Fee growth inside a range, (token0, token1), modulo 2**256: only differences of it mean anything.

    InputError if no range begins or ends at one of the ticks.
    """
    edges = []
    for index in (lower, upper):
        place = bisect_left(pool.ticks, index, key=_index)
        if place == len(pool.ticks) or pool.ticks[place].index != index:
            raise InputError.at("range", f"no range ends at tick {index}", "Ask for a range the pool holds.")
        edges.append(pool.ticks[place])
    low, high = edges
    inside = []
    for total, below, above in (
        (pool.growth0_x128, low.outside0_x128, high.outside0_x128),
        (pool.growth1_x128, low.outside1_x128, high.outside1_x128),
    ):
        below = below if pool.tick >= lower else total - below
        above = above if pool.tick < upper else total - above
        inside.append((total - below - above) & UINT256_MAX)
    return inside[0], inside[1]


def fees_owed(liquidity: int, inside_x128: int, inside_last_x128: int) -> int:
    """Atoms of fee that a range earned between two readings of `growth_inside`, rounded down."""
    return ((inside_x128 - inside_last_x128) & UINT256_MAX) * liquidity // Q128


def swap(
    pool: ConcentratedPool, *, zero_for_one: bool, amount_atoms: int, sqrt_limit_x96: int | None = None
) -> Swapped:
    """Swap an exact amount in (> 0) or out (< 0), as far as the price limit lets it.

    Without a limit the last price of the protocol is one. InputError for no amount, or for a limit on the
    wrong side of the price (the protocol's "SPL"). A pool whose liquidity ends runs to the limit unpaid.
    """
    limit = _limit(pool, zero_for_one, amount_atoms, sqrt_limit_x96)
    exact_in = amount_atoms > 0
    remaining, other, fees, crossed = amount_atoms, 0, 0, 0
    growth = pool.growth0_x128 if zero_for_one else pool.growth1_x128
    price, tick, liquidity, ticks = pool.sqrt_price_x96, pool.tick, pool.liquidity, list(pool.ticks)
    while remaining and price != limit:
        edge, place = _next_edge(ticks, tick, pool.tick_spacing, zero_for_one)
        edge_price = sqrt_price_at_tick(edge)
        target = max(edge_price, limit) if zero_for_one else min(edge_price, limit)
        before = price
        step = swap_step(price, target, liquidity, remaining, pool.fee_pips)
        price, fees = step.sqrt_next_x96, fees + step.fee_atoms
        paid, out = step.amount_in_atoms + step.fee_atoms, step.amount_out_atoms
        remaining, other = (remaining - paid, other - out) if exact_in else (remaining + out, other + paid)
        if liquidity:
            growth = (growth + step.fee_atoms * Q128 // liquidity) & UINT256_MAX
        if price == edge_price:
            if place is not None:
                net = _cross(ticks, place, pool, zero_for_one, growth)
                liquidity, crossed = liquidity + (-net if zero_for_one else net), crossed + 1
            tick = edge - 1 if zero_for_one else edge
        elif price != before:
            tick = tick_at_sqrt_price(price)
    traded = amount_atoms - remaining
    amount0, amount1 = (traded, other) if zero_for_one == exact_in else (other, traded)
    after = msgspec.structs.replace(
        pool,
        sqrt_price_x96=price,
        tick=tick,
        liquidity=liquidity,
        ticks=tuple(ticks),
        **{"growth0_x128" if zero_for_one else "growth1_x128": growth},
    )
    return Swapped(amount0_atoms=amount0, amount1_atoms=amount1, fee_atoms=fees, crossed=crossed, pool=after)


def _limit(pool: ConcentratedPool, zero_for_one: bool, amount: int, limit: int | None) -> int:
    if isinstance(amount, bool) or not isinstance(amount, int) or amount == 0:
        raise InputError.at("amount_atoms", f"is {amount!r}", "Give atoms in (> 0) or out (< 0).")
    if limit is None:
        limit = MIN_SQRT_PRICE_X96 + 1 if zero_for_one else MAX_SQRT_PRICE_X96 - 1
    low, high = (
        (MIN_SQRT_PRICE_X96, pool.sqrt_price_x96)
        if zero_for_one
        else (pool.sqrt_price_x96, MAX_SQRT_PRICE_X96)
    )
    if not low < limit < high:
        raise InputError.at(
            "sqrt_limit_x96",
            f"is {limit}, the price is {pool.sqrt_price_x96} (SPL)",
            "Give a limit below the price when token0 is sold, above it when token1 is.",
        )
    return limit


def _next_edge(ticks: list[Tick], tick: int, spacing: int, zero_for_one: bool) -> tuple[int, int | None]:
    """The next tick at which a swap stops, within one word, and its place if a range ends there."""
    slot = tick // spacing
    if zero_for_one:
        edge = slot // WORD_TICKS * WORD_TICKS * spacing
        place = bisect_right(ticks, tick, key=_index) - 1
        found = place >= 0 and ticks[place].index >= edge
    else:
        edge = ((slot + 1) // WORD_TICKS * WORD_TICKS + WORD_TICKS - 1) * spacing
        place = bisect_right(ticks, tick, key=_index)
        found = place < len(ticks) and ticks[place].index <= edge
    edge = ticks[place].index if found else edge
    return min(max(edge, MIN_TICK), MAX_TICK), place if found else None


def _cross(ticks: list[Tick], place: int, pool: ConcentratedPool, zero_for_one: bool, growth: int) -> int:
    """Turn the tick's outside growth over to the other side; its net liquidity."""
    old = ticks[place]
    now0, now1 = (growth, pool.growth1_x128) if zero_for_one else (pool.growth0_x128, growth)
    ticks[place] = msgspec.structs.replace(
        old,
        outside0_x128=(now0 - old.outside0_x128) & UINT256_MAX,
        outside1_x128=(now1 - old.outside1_x128) & UINT256_MAX,
    )
    return old.net
