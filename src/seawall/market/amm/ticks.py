"""Ticks and prices of concentrated liquidity: sqrt(1.0001**tick) with 96 fraction bits.

The price of token0 in token1 is 1.0001**tick, both in atoms. The root comes from 20 factors with 128 fraction
bits, multiplied with cut-off, so that every tick has one integer on every machine; the last step rounds up.
Source: Uniswap v3 whitepaper, 6.1 and 6.2.1; the factors are part of the protocol, not a choice of ours.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from seawall.errors import InputError
from seawall.market.amm.words import UINT160_MAX, UINT256_MAX

MIN_TICK, MAX_TICK = -887272, 887272
MIN_SQRT_PRICE_X96 = 4295128739
MAX_SQRT_PRICE_X96 = 1461446703485210103287273052203988822378723970342

# 2**128 / 1.0001**(2**i / 2) for i = 0..19, to the bit that the protocol has.
FACTORS_X128 = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x9AA508B5B7A84E1C677DE54F3E99BC9,
    0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98,
    0x48A170391F7DC42444E8FA2,
)

# 2**14 / log2(sqrt(1.0001)), rounded: turns a binary logarithm with 14 fraction bits into ticks.
_TICKS_PER_LOG2_X14 = 227141824
_LOG_BITS = 14


def sqrt_price_at_tick(tick: int) -> int:
    """sqrt(1.0001**tick) * 2**96, rounded up in its last bit. InputError outside the protocol's ticks."""
    if isinstance(tick, bool) or not isinstance(tick, int) or not MIN_TICK <= tick <= MAX_TICK:
        raise InputError.at("tick", f"is {tick!r}", f"Give a whole tick from {MIN_TICK} to {MAX_TICK}.")
    distance = abs(tick)
    ratio = 1 << 128
    for place, factor in enumerate(FACTORS_X128):
        if distance >> place & 1:
            ratio = ratio * factor >> 128
    if tick > 0:
        ratio = UINT256_MAX // ratio
    return (ratio >> 32) + (ratio & 0xFFFFFFFF != 0)


def tick_at_sqrt_price(sqrt_price_x96: int) -> int:
    """The greatest tick whose price is not above this one. InputError outside [MIN, MAX) of the protocol."""
    if not MIN_SQRT_PRICE_X96 <= sqrt_price_x96 < MAX_SQRT_PRICE_X96:
        raise InputError.at(
            "sqrt_price_x96",
            f"is {sqrt_price_x96}",
            f"Give a root of a price from {MIN_SQRT_PRICE_X96} to below {MAX_SQRT_PRICE_X96}.",
        )
    # The logarithm finds a tick that is at most one off; the tick's own price decides.
    tick = max(MIN_TICK, min(MAX_TICK, _near_tick(sqrt_price_x96)))
    while sqrt_price_at_tick(tick) > sqrt_price_x96:
        tick -= 1
    while tick < MAX_TICK and sqrt_price_at_tick(tick + 1) <= sqrt_price_x96:
        tick += 1
    return tick


def _near_tick(sqrt_price_x96: int) -> int:
    """The tick from a binary logarithm by repeated squaring, within two ticks."""
    whole = sqrt_price_x96.bit_length() - 1
    mantissa = sqrt_price_x96 << 127 >> whole
    log2 = whole - 96
    for _ in range(_LOG_BITS):
        mantissa = mantissa * mantissa >> 127
        carry = mantissa >> 128
        mantissa >>= carry
        log2 = log2 * 2 + carry
    return log2 * _TICKS_PER_LOG2_X14 >> 2 * _LOG_BITS


def sqrt_price_of(price: Fraction | int) -> int:
    """floor(sqrt(price) * 2**96) for a price of token0 in token1, both in atoms.

    InputError unless it is above zero and its root lies within the protocol's prices.
    """
    exact = Fraction(price)
    if exact <= 0:
        raise InputError.at("price", f"is {price}", "Give a price above zero.")
    root = isqrt((exact.numerator << 192) // exact.denominator)
    if not MIN_SQRT_PRICE_X96 <= root < MAX_SQRT_PRICE_X96:
        raise InputError.at("price", f"is {price}", "Give a price whose root the protocol can hold.")
    return root


def price_of(sqrt_price_x96: int) -> Fraction:
    """The price of token0 in token1, both in atoms, exactly. InputError if the root is not above zero."""
    if not 0 < sqrt_price_x96 <= UINT160_MAX:
        raise InputError.at("sqrt_price_x96", f"is {sqrt_price_x96}", "Give a root above zero.")
    return Fraction(sqrt_price_x96 * sqrt_price_x96, 1 << 192)
