"""The arithmetic of contracts: unsigned words of 256 bits, divisions with a named direction, no wrapping.

Python's integers are the definition; what a contract could not hold is refused instead of wrapped. Units:
none. Rounding: said by each name. Source: Ethereum Yellow Paper, word size; Uniswap v3 whitepaper, 6.2.
"""

from __future__ import annotations

from seawall.errors import InputError, NumberError

Q96 = 1 << 96
Q128 = 1 << 128
UINT128_MAX = (1 << 128) - 1
UINT160_MAX = (1 << 160) - 1
UINT256_MAX = (1 << 256) - 1


def div_ceil(numerator: int, denominator: int) -> int:
    """ceil(numerator / denominator)."""
    return -(-numerator // denominator)


def fits(value: int, limit: int, what: str) -> int:
    """The value itself. NumberError if it is negative or above the limit."""
    if not 0 <= value <= limit:
        raise NumberError(
            f"{what}: {value} does not fit in {limit.bit_length()} unsigned bits\n"
            "  A contract would revert here; use a smaller amount."
        )
    return value


def mul_div(a: int, b: int, denominator: int, what: str, *, up: bool = False) -> int:
    """a * b / denominator, floor or ceil, through 512 bits. NumberError if it passes 256 bits."""
    if denominator <= 0:
        raise NumberError(f"{what}: division by {denominator}\n  There is no liquidity to divide by.")
    product = a * b
    return fits(div_ceil(product, denominator) if up else product // denominator, UINT256_MAX, what)


def positive(value: int, what: str) -> int:
    """The value itself. InputError unless it is a whole number above zero."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise InputError.at(what, f"is {value!r}", "Give a whole number of atoms above zero.")
    return value
