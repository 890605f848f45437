"""A constant-product pool: x * y never falls. Swaps, shares, and what a sale of collateral does to the price.

Amounts, reserves and shares in atoms; the fee is `fee_numerator / fee_denominator` of what is paid in.
Rounding is for the pool: out rounds down, in rounds up, shares round down. Quotes of prices are exact
fractions of token1 atoms per token0 atom. A pool without reserves has no price and answers nothing.
Source: Uniswap v2 whitepaper, 2.2 and 3.4; sale and price move derived from x * y = k.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

import msgspec

from seawall.errors import InputError
from seawall.market.amm.words import div_ceil, positive

MINIMUM_SHARES = 1000  # burned by the first deposit, so that no share can be made too dear to buy


class ConstantProductPool(msgspec.Struct, frozen=True, kw_only=True):
    """Reserves and shares of a pool. The default fee is 3/1000; 0/1 is a pool without one."""

    reserve0_atoms: int
    reserve1_atoms: int
    shares: int = 0
    fee_numerator: int = 3
    fee_denominator: int = 1000

    def __post_init__(self) -> None:
        for name in ("reserve0_atoms", "reserve1_atoms", "shares"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise InputError.at(name, f"is {value!r}", "Give a whole number of atoms, not below zero.")
        if not 0 <= self.fee_numerator < self.fee_denominator:
            raise InputError.at(
                "fee", f"is {self.fee_numerator}/{self.fee_denominator}", "Give a fee from 0 to below 1."
            )

    @property
    def price(self) -> Fraction:
        """Token1 per token0, in atoms, before any trade. InputError for a drained pool."""
        _not_drained(self)
        return Fraction(self.reserve1_atoms, self.reserve0_atoms)

    @property
    def kept(self) -> Fraction:
        """The share of what is paid in that trades: 1 - fee."""
        return 1 - Fraction(self.fee_numerator, self.fee_denominator)


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """A sale of token0 and what it does: prices in token1 per token0, the rest as shares of mid."""

    amount_in_atoms: int
    amount_out_atoms: int
    exec_price: Fraction
    slippage: Fraction
    price_after: Fraction
    price_impact: Fraction
    pool: ConstantProductPool


def amount_out(pool: ConstantProductPool, amount_in_atoms: int, *, zero_for_one: bool = True) -> int:
    """Atoms paid out for atoms paid in, rounded down. InputError for a drained pool or nothing paid in."""
    _not_drained(pool)
    positive(amount_in_atoms, "amount_in_atoms")
    reserve_in, reserve_out = _sides(pool, zero_for_one)
    trading = amount_in_atoms * (pool.fee_denominator - pool.fee_numerator)
    return trading * reserve_out // (reserve_in * pool.fee_denominator + trading)


def amount_in(pool: ConstantProductPool, amount_out_atoms: int, *, zero_for_one: bool = True) -> int:
    """The least atoms to pay in for atoms out, plus one as the protocol asks. InputError if it holds less."""
    _not_drained(pool)
    positive(amount_out_atoms, "amount_out_atoms")
    reserve_in, reserve_out = _sides(pool, zero_for_one)
    if amount_out_atoms >= reserve_out:
        raise InputError.at(
            "amount_out_atoms",
            f"is {amount_out_atoms}, the pool holds {reserve_out}",
            "Ask for less than all: the last atom has no price.",
        )
    kept = pool.fee_denominator - pool.fee_numerator
    asked = reserve_in * amount_out_atoms * pool.fee_denominator
    return asked // ((reserve_out - amount_out_atoms) * kept) + 1


def swap(
    pool: ConstantProductPool, amount_in_atoms: int, *, zero_for_one: bool = True
) -> tuple[int, ConstantProductPool]:
    """Atoms out, and the pool after it; the fee stays in the reserves."""
    out = amount_out(pool, amount_in_atoms, zero_for_one=zero_for_one)
    delta0, delta1 = (amount_in_atoms, -out) if zero_for_one else (-out, amount_in_atoms)
    after = msgspec.structs.replace(
        pool, reserve0_atoms=pool.reserve0_atoms + delta0, reserve1_atoms=pool.reserve1_atoms + delta1
    )
    return out, after


def sell(pool: ConstantProductPool, amount_in_atoms: int) -> Sale:
    """Sell token0, as a liquidator sells seized collateral, with the figures a desk asks for."""
    mid = pool.price
    out, after = swap(pool, amount_in_atoms)
    exec_price = Fraction(out, amount_in_atoms)
    return Sale(
        amount_in_atoms=amount_in_atoms,
        amount_out_atoms=out,
        exec_price=exec_price,
        slippage=1 - exec_price / mid,
        price_after=after.price,
        price_impact=1 - after.price / mid,
        pool=after,
    )


def most_to_sell(pool: ConstantProductPool, discount: Fraction) -> int:
    """The most token0 whose average price stays within the discount of mid, rounded down.

    With g = 1 - fee the average is mid * g * x / (x + g * d), so d = x * (1/(1 - discount) - 1/g).
    Nothing (0) if the fee alone is more than the discount. InputError unless 0 <= discount < 1.
    """
    _not_drained(pool)
    if not 0 <= discount < 1:
        raise InputError.at("discount", f"is {discount}", "Give a share of the price from 0 to below 1.")
    most = pool.reserve0_atoms * (1 / (1 - Fraction(discount)) - 1 / pool.kept)
    return max(0, most.numerator // most.denominator)


def most_within_bonus(pool: ConstantProductPool, bonus: Fraction) -> int:
    """The most token0 that sells without a loss for who gets it at price / (1 + bonus), rounded down."""
    if bonus < 0:
        raise InputError.at("bonus", f"is {bonus}", "Give a share of the price from 0.")
    return most_to_sell(pool, Fraction(bonus) / (1 + Fraction(bonus)))


def inputs_to_move_price(pool: ConstantProductPool, ratio: Fraction) -> tuple[int, int]:
    """(atoms in, atoms out) that multiply the price by `ratio` if there were no fee.

    Above 1 token1 is paid in, below 1 token0. In rounds up, out down. InputError unless ratio > 0.
    """
    _not_drained(pool)
    if ratio <= 0:
        raise InputError.at("ratio", f"is {ratio}", "Give a factor above zero.")
    root = Fraction(ratio)
    paid, held = pool.reserve1_atoms, pool.reserve0_atoms
    if root < 1:
        root, paid, held = 1 / root, held, paid
    grown = _root_up(paid * paid * root)
    return grown - paid, held - _root_up(held * held / root)


def amount_to_price(pool: ConstantProductPool, price: Fraction) -> int:
    """The most token0 to sell until the next atom brings no more than `price`, the fee counted; rounded down.

    The next atom brings g*x*y / (x + g*d)**2. Nothing (0) if it brings no more already.
    """
    _not_drained(pool)
    if price <= 0:
        raise InputError.at("price", f"is {price}", "Give a price above zero.")
    moved = pool.reserve0_atoms * pool.reserve1_atoms * pool.kept / Fraction(price)
    trading = isqrt(moved.numerator // moved.denominator) - pool.reserve0_atoms
    return max(0, trading * pool.fee_denominator // (pool.fee_denominator - pool.fee_numerator))


def marginal_price(pool: ConstantProductPool) -> Fraction:
    """What the next atom of token0 brings, in token1 atoms: the price less the fee."""
    return pool.price * pool.kept


def add_liquidity(
    pool: ConstantProductPool, amount0_atoms: int, amount1_atoms: int
) -> tuple[int, ConstantProductPool]:
    """Shares for a deposit, the lesser of both sides' parts, and the pool after it.

    The first deposit gets sqrt(x * y) less 1000 shares that nobody owns. InputError if it earns no share.
    """
    positive(amount0_atoms, "amount0_atoms")
    positive(amount1_atoms, "amount1_atoms")
    if pool.shares:
        _not_drained(pool)
        minted = min(
            amount0_atoms * pool.shares // pool.reserve0_atoms,
            amount1_atoms * pool.shares // pool.reserve1_atoms,
        )
        total = pool.shares + minted
    else:
        total = isqrt(amount0_atoms * amount1_atoms)
        minted = total - MINIMUM_SHARES
    if minted <= 0:
        raise InputError.at("deposit", f"earns {minted} shares", "Deposit more of both tokens.")
    after = msgspec.structs.replace(
        pool,
        reserve0_atoms=pool.reserve0_atoms + amount0_atoms,
        reserve1_atoms=pool.reserve1_atoms + amount1_atoms,
        shares=total,
    )
    return minted, after


def remove_liquidity(pool: ConstantProductPool, shares: int) -> tuple[int, int, ConstantProductPool]:
    """Atoms (token0, token1) for shares, rounded down, and the pool after it. InputError for too many."""
    positive(shares, "shares")
    if shares > pool.shares:
        raise InputError.at("shares", f"are {shares} of {pool.shares}", "Give no more than there are.")
    out0 = pool.reserve0_atoms * shares // pool.shares
    out1 = pool.reserve1_atoms * shares // pool.shares
    after = msgspec.structs.replace(
        pool,
        reserve0_atoms=pool.reserve0_atoms - out0,
        reserve1_atoms=pool.reserve1_atoms - out1,
        shares=pool.shares - shares,
    )
    return out0, out1, after


def _sides(pool: ConstantProductPool, zero_for_one: bool) -> tuple[int, int]:
    reserves = (pool.reserve0_atoms, pool.reserve1_atoms)
    return reserves if zero_for_one else reserves[::-1]


def _root_up(value: Fraction) -> int:
    """ceil(sqrt(value))."""
    whole = div_ceil(value.numerator, value.denominator)
    root = isqrt(whole)
    return root + (root * root < whole)


def _not_drained(pool: ConstantProductPool) -> None:
    if pool.reserve0_atoms <= 0 or pool.reserve1_atoms <= 0:
        raise InputError.at(
            "pool",
            f"holds {pool.reserve0_atoms} and {pool.reserve1_atoms} atoms",
            "A drained pool has no price: treat what depends on it as unknown.",
        )
