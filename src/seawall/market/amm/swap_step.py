"""One stretch of a swap in concentrated liquidity: constant liquidity, from one root of a price to another.

Amounts in atoms, liquidity in sqrt(atoms0 * atoms1), roots of prices with 96 fraction bits, fees in pips
(1e-6). With liquidity L: d(1/sqrt P) = amount0 / L and d(sqrt P) = amount1 / L.
Rounding: what the pool is paid rounds up, what it pays down, and the price stops short of what was paid for.
Source: Uniswap v3 whitepaper, 6.2.3 and 6.3.
"""

from __future__ import annotations

import msgspec

from seawall.errors import NumberError
from seawall.market.amm.words import Q96, UINT160_MAX, UINT256_MAX, div_ceil, fits, mul_div

PIPS = 1_000_000


class SwapStep(msgspec.Struct, frozen=True, kw_only=True):
    """Where the price stopped, what went in (fee apart) and out, in atoms."""

    sqrt_next_x96: int
    amount_in_atoms: int
    amount_out_atoms: int
    fee_atoms: int


def amount0_between(sqrt_a_x96: int, sqrt_b_x96: int, liquidity: int, *, up: bool) -> int:
    """Atoms of token0 between two roots: L * (1/sqrt(a) - 1/sqrt(b)), both divisions rounded the same way."""
    low, high = sorted((sqrt_a_x96, sqrt_b_x96))
    if low <= 0:
        raise NumberError(f"amount0: a root of a price is {low}\n  Give roots above zero.")
    first = mul_div(liquidity << 96, high - low, high, "amount0", up=up)
    return div_ceil(first, low) if up else first // low


def amount1_between(sqrt_a_x96: int, sqrt_b_x96: int, liquidity: int, *, up: bool) -> int:
    """Atoms of token1 between two roots: L * (sqrt(b) - sqrt(a))."""
    low, high = sorted((sqrt_a_x96, sqrt_b_x96))
    return mul_div(liquidity, high - low, Q96, "amount1", up=up)


def sqrt_price_after_input(sqrt_x96: int, liquidity: int, amount_atoms: int, *, zero_for_one: bool) -> int:
    """The root after so much was paid in (fee apart), rounded so that the payer does not gain."""
    _need(sqrt_x96, liquidity)
    if zero_for_one:
        return _after_amount0(sqrt_x96, liquidity, amount_atoms, paid=True)
    return _after_amount1(sqrt_x96, liquidity, amount_atoms, paid=True)


def sqrt_price_after_output(sqrt_x96: int, liquidity: int, amount_atoms: int, *, zero_for_one: bool) -> int:
    """The root after so much was taken out. NumberError if the pool does not hold it in this stretch."""
    _need(sqrt_x96, liquidity)
    if zero_for_one:
        return _after_amount1(sqrt_x96, liquidity, amount_atoms, paid=False)
    return _after_amount0(sqrt_x96, liquidity, amount_atoms, paid=False)


def _need(sqrt_x96: int, liquidity: int) -> None:
    if sqrt_x96 <= 0 or liquidity <= 0:
        raise NumberError(f"swap: price root {sqrt_x96}, liquidity {liquidity}\n  Both must be above zero.")


def _after_amount0(sqrt_x96: int, liquidity: int, amount: int, *, paid: bool) -> int:
    """L * sqrt(P) / (L +- amount * sqrt(P)), rounded up."""
    if amount == 0:
        return sqrt_x96
    shifted, product = liquidity << 96, amount * sqrt_x96
    if paid:
        if product <= UINT256_MAX and shifted + product <= UINT256_MAX:
            return div_ceil(shifted * sqrt_x96, shifted + product)
        # Too large for one word: the other form of the same formula, with one more rounding.
        return div_ceil(shifted, shifted // sqrt_x96 + amount)
    if product > UINT256_MAX or shifted <= product:
        raise NumberError(f"swap: {amount} atoms of token0 are not in this stretch\n  Ask for less.")
    return fits(div_ceil(shifted * sqrt_x96, shifted - product), UINT160_MAX, "price root")


def _after_amount1(sqrt_x96: int, liquidity: int, amount: int, *, paid: bool) -> int:
    """sqrt(P) +- amount / L, rounded down."""
    if paid:
        moved = mul_div(amount, Q96, liquidity, "price root")
        return fits(sqrt_x96 + moved, UINT160_MAX, "price root")
    moved = mul_div(amount, Q96, liquidity, "price root", up=True)
    if sqrt_x96 <= moved:
        raise NumberError(f"swap: {amount} atoms of token1 are not in this stretch\n  Ask for less.")
    return sqrt_x96 - moved


def swap_step(
    sqrt_x96: int, target_x96: int, liquidity: int, remaining_atoms: int, fee_pips: int
) -> SwapStep:
    """Trade towards the target until it is met or nothing remains.

    `remaining_atoms` >= 0 is what can still be paid in, fee included; < 0 is what is still wanted out.
    Selling token0 moves the root down, so the side follows from the target.
    """
    zero_for_one = sqrt_x96 >= target_x96
    exact_in = remaining_atoms >= 0
    between_in, between_out = _sides(zero_for_one)
    if exact_in:
        usable = remaining_atoms * (PIPS - fee_pips) // PIPS
        whole = between_in(sqrt_x96, target_x96, liquidity, up=True)
        after = sqrt_price_after_input
    else:
        usable = -remaining_atoms
        whole = between_out(sqrt_x96, target_x96, liquidity, up=False)
        after = sqrt_price_after_output
    if usable >= whole:
        stop = target_x96
    else:
        stop = after(sqrt_x96, liquidity, usable, zero_for_one=zero_for_one)
    arrived = stop == target_x96
    paid = whole if arrived and exact_in else between_in(stop, sqrt_x96, liquidity, up=True)
    out = whole if arrived and not exact_in else between_out(stop, sqrt_x96, liquidity, up=False)
    if not exact_in:
        out = min(out, usable)
    # A swap that ends inside the stretch leaves nothing over: what rounding did not need is fee.
    fee = remaining_atoms - paid if exact_in and not arrived else div_ceil(paid * fee_pips, PIPS - fee_pips)
    return SwapStep(sqrt_next_x96=stop, amount_in_atoms=paid, amount_out_atoms=out, fee_atoms=fee)


def _sides(zero_for_one: bool):  # type: ignore[no-untyped-def]
    return (amount0_between, amount1_between) if zero_for_one else (amount1_between, amount0_between)
