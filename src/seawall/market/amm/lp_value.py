"""What a liquidity share is worth as collateral: from oracle prices, never from what the pool holds now.

Amounts in atoms, prices as fractions of quote atoms per token atom, values in quote atoms, rounded down.
Reserves can be moved inside one transaction and back; sqrt(x * y) and the oracle cannot, so the value of a
constant-product share is 2 * sqrt(x * y * p0 * p1), and a range is valued where the oracle says the price is.
Source: Alpha Venture DAO, "Fair Uniswap LP token pricing" (2020); Uniswap v3 whitepaper, 6.2; loss derived.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from seawall.errors import InputError
from seawall.market.amm.concentrated import Range, range_amounts
from seawall.market.amm.constant_product import ConstantProductPool
from seawall.market.amm.ticks import price_of, sqrt_price_of

ROOT_SCALE = 10**36  # digits kept where a root of a ratio has no exact value


def share_value(pool: ConstantProductPool, shares: int, price0: Fraction, price1: Fraction) -> int:
    """Quote atoms that shares of a constant-product pool are worth at the oracle's prices.

    Equal to the reserves' value where pool and oracle agree, never above it elsewhere. InputError for more
    shares than there are, or for prices that are not above zero.
    """
    _prices(price0, price1)
    if not 0 <= shares <= pool.shares or pool.shares == 0:
        raise InputError.at("shares", f"are {shares} of {pool.shares}", "Give no more than there are.")
    product = pool.reserve0_atoms * pool.reserve1_atoms * Fraction(price0) * Fraction(price1)
    squared = 4 * product * Fraction(shares, pool.shares) ** 2
    return isqrt(squared.numerator // squared.denominator)


def range_value(
    held: Range, price0: Fraction, price1: Fraction, *, fee0_atoms: int = 0, fee1_atoms: int = 0
) -> int:
    """Quote atoms that a range and its fees are worth at the oracle's prices, whatever the pool's is."""
    _prices(price0, price1)
    root = sqrt_price_of(Fraction(price0) / Fraction(price1))
    amount0, amount1 = range_amounts(root, held, up=False)
    value = (amount0 + fee0_atoms) * Fraction(price0) + (amount1 + fee1_atoms) * Fraction(price1)
    return value.numerator // value.denominator


def is_manipulated(pool_price: Fraction, oracle_price: Fraction, most_apart: Fraction) -> bool:
    """Whether the pool's price lies further from the oracle's than a share of it allows."""
    _prices(pool_price, oracle_price)
    return abs(Fraction(pool_price) / Fraction(oracle_price) - 1) > most_apart


def impermanent_loss(price_ratio: Fraction) -> Fraction:
    """Loss of a full-range share against holding, as a negative share: 2*sqrt(r)/(1+r) - 1, rounded down.

    `price_ratio` is the price now over the price at entry. InputError unless it is above zero.
    """
    _prices(price_ratio, Fraction(1))
    ratio = Fraction(price_ratio)
    inside = ratio.numerator * ROOT_SCALE**2 // ratio.denominator
    return min(Fraction(0), 2 * Fraction(isqrt(inside), ROOT_SCALE) / (1 + ratio) - 1)


def range_impermanent_loss(held: Range, entry_sqrt_x96: int, now_sqrt_x96: int) -> Fraction:
    """The same for a range: its value now over that of holding what it was opened with, less one.

    InputError for a range so small that it was opened with nothing.
    """
    price = price_of(now_sqrt_x96)
    paid0, paid1 = range_amounts(entry_sqrt_x96, held, up=True)
    now0, now1 = range_amounts(now_sqrt_x96, held, up=False)
    kept = paid0 * price + paid1
    if kept == 0:
        raise InputError.at("range", "was opened with nothing", "Give a range with more liquidity.")
    return (now0 * price + now1) / kept - 1


def _prices(*prices: Fraction) -> None:
    for price in prices:
        if price <= 0:
            raise InputError.at(
                "price",
                f"is {price}",
                "Give an oracle price above zero; without one the collateral's value is unknown.",
            )
