"""Selling into a book and a pool at once: each atom goes where the next one brings most.

Amounts in atoms of the token sold, proceeds in atoms of the token received, prices as exact fractions of
these per those. Rounding: down, for each fill and for the pool, as each venue pays. What a venue pays for the
next atom only falls, so to take the dearest next is optimal, but for the atoms that rounding costs.
Source: derived; tests compare it with every other split.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt
from typing import Protocol

import msgspec

from seawall.errors import InputError
from seawall.market.amm import concentrated, constant_product
from seawall.market.amm.concentrated import ConcentratedPool
from seawall.market.amm.constant_product import ConstantProductPool
from seawall.market.amm.swap_step import PIPS
from seawall.market.amm.ticks import MIN_SQRT_PRICE_X96, price_of
from seawall.market.amm.words import positive


class Bid(msgspec.Struct, frozen=True, kw_only=True):
    """One level of a book."""

    price: Fraction
    size_atoms: int


class Routed(msgspec.Struct, frozen=True, kw_only=True):
    """A sale over both venues. `marginal_price` is what the last venue used would bring for the next atom."""

    proceeds_atoms: int
    pool_atoms: int
    pool_proceeds_atoms: int
    book_fills: tuple[tuple[Fraction, int], ...]
    unfilled_atoms: int
    marginal_price: Fraction


class Pool(Protocol):
    """What routing asks of a pool of any kind. Every call starts from the pool as it was before the sale."""

    def next_price(self, sold_atoms: int) -> Fraction:
        """What the next atom brings after so many."""

    def most_above(self, price: Fraction) -> int:
        """How many atoms bring at least this price, each; in all, from the start."""

    def proceeds(self, sold_atoms: int) -> tuple[int, int]:
        """(atoms taken, atoms paid out) when so many are offered at once."""


class ConstantProduct:
    """A constant-product pool, sold token0."""

    def __init__(self, pool: ConstantProductPool) -> None:
        self._pool = pool

    def next_price(self, sold_atoms: int) -> Fraction:
        """The price after the sale, less the fee: g * x * y / (x + g * d)**2."""
        pool, kept = self._pool, self._pool.kept
        depth = pool.reserve0_atoms + kept * sold_atoms
        return pool.price * kept * (pool.reserve0_atoms / depth) ** 2

    def most_above(self, price: Fraction) -> int:
        return constant_product.amount_to_price(self._pool, price)

    def proceeds(self, sold_atoms: int) -> tuple[int, int]:
        return sold_atoms, constant_product.amount_out(self._pool, sold_atoms) if sold_atoms else 0


class Concentrated:
    """A pool of concentrated liquidity, sold token0. Past its last range it takes nothing more."""

    def __init__(self, pool: ConcentratedPool) -> None:
        self._pool = pool
        self._kept = Fraction(PIPS - pool.fee_pips, PIPS)

    def next_price(self, sold_atoms: int) -> Fraction:
        after = self._pool if not sold_atoms else self._sell(sold_atoms).pool
        return price_of(after.sqrt_price_x96) * self._kept

    def most_above(self, price: Fraction) -> int:
        scaled = Fraction(price) / self._kept
        root = isqrt((scaled.numerator << 192) // scaled.denominator) + 1  # stop before the price, not after
        root = max(root, MIN_SQRT_PRICE_X96 + 1)
        if root >= self._pool.sqrt_price_x96:
            return 0
        # More than any range can take: the limit stops the swap.
        return concentrated.swap(
            self._pool, zero_for_one=True, amount_atoms=1 << 255, sqrt_limit_x96=root
        ).amount0_atoms

    def proceeds(self, sold_atoms: int) -> tuple[int, int]:
        if not sold_atoms:
            return 0, 0
        swapped = self._sell(sold_atoms)
        return swapped.amount0_atoms, -swapped.amount1_atoms

    def _sell(self, sold_atoms: int) -> concentrated.Swapped:
        return concentrated.swap(self._pool, zero_for_one=True, amount_atoms=sold_atoms)


def route_sale(amount_atoms: int, bids: Sequence[Bid], pool: Pool | None) -> Routed:
    """Sell an amount over the bids and the pool so that no atom could bring more elsewhere.

    Bids may come in any order; at equal prices the pool goes first, and the book before anything worse. What
    neither takes is `unfilled`. InputError for a bid without price or size, or for nothing to sell.
    """
    left = positive(amount_atoms, "amount_atoms")
    in_pool, fills = 0, []
    for bid in sorted(bids, key=lambda level: -_checked(level).price):
        if pool is not None:
            more = min(left, max(0, pool.most_above(bid.price) - in_pool))
            in_pool, left = in_pool + more, left - more
        if not left:
            break
        size = min(left, bid.size_atoms)
        fills.append((Fraction(bid.price), size))
        left -= size
    taken, paid = pool.proceeds(in_pool + left) if pool is not None else (0, 0)
    # The last venue used is the one that has less to give for the next atom.
    used = [price for price, _ in fills[-1:]]
    if pool is not None and (taken or not fills):
        used.append(pool.next_price(taken))
    return Routed(
        proceeds_atoms=paid + sum(_floor(price * size) for price, size in fills),
        pool_atoms=taken,
        pool_proceeds_atoms=paid,
        book_fills=tuple(fills),
        unfilled_atoms=in_pool + left - taken,
        marginal_price=min(used, default=Fraction(0)),
    )


def _checked(bid: Bid) -> Bid:
    if bid.price <= 0 or bid.size_atoms <= 0:
        raise InputError.at("bid", f"{bid.size_atoms} at {bid.price}", "Give price and size above zero.")
    return bid


def _floor(value: Fraction) -> int:
    return value.numerator // value.denominator
