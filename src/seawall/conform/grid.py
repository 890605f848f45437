"""Units fine enough for a published number and coarse enough for 64 bits: lot, tick and atoms of a market.

Vectors give decimals; the engine counts lots, ticks and atoms. The lot is made to hold the sizes exactly, the
tick to hold the prices exactly and as far beyond as 64 bits allow, and money gets the decimals that are left.
A published tick is used as it is. Unsupported where a number is no decimal or too long.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import msgspec

from seawall.errors import Unsupported

ROOM = 10**17  # largest notional in atoms: leaves a factor of 90 for prices to move within 64 bits
INVERSE_ROOM = 10**15  # the coin value of an inverse position grows as its price falls: a factor of 9,000
VALUE_DIGITS = 18  # lot / tick * atoms of an inverse market must fit 64 bits
MOST_DECIMALS = 15


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """The units of one bench market: lot and tick as decimal texts, decimals of the money it settles in."""

    lot: str
    tick: str
    decimals: int

    def lots(self, size: Fraction) -> int:
        return whole(size / Fraction(self.lot), f"size {float(size):g} in lots of {self.lot}")

    def ticks(self, price: Fraction) -> int:
        return whole(price / Fraction(self.tick), f"price {float(price):g} in ticks of {self.tick}")

    def atoms(self, amount: Fraction) -> int:
        """Money given to an account, rounded down to an atom."""
        return int(amount * 10**self.decimals // 1)

    def atoms_up(self, amount: Fraction) -> int:
        """Money asked of an account, rounded up to an atom."""
        return -self.atoms(-amount)

    def price(self, ticks: int) -> Fraction:
        return ticks * Fraction(self.tick)

    def money(self, atoms: int) -> Fraction:
        return Fraction(atoms, 10**self.decimals)


def linear_grid(
    sizes: Iterable[Fraction], prices: Iterable[Fraction], money: Iterable[Fraction] = (), *, tick: str = ""
) -> Grid:
    """Units of a market whose value is size * price."""
    sizes, prices = [abs(size) for size in sizes], list(prices)
    largest = max([max(sizes) * max(prices), *(abs(amount) for amount in money)])
    decimals = _digits_below(ROOM, largest)
    lot_digits = max(_decimals(size, "size") for size in sizes)
    finest = min(decimals - lot_digits, _digits_below(10**14, max(prices)))
    if tick:
        return Grid(lot=decimal_text(lot_digits), tick=tick, decimals=decimals)
    needed = max(_decimals(price, "price") for price in prices)
    if needed > finest:
        raise Unsupported(f"sizes and prices need {lot_digits} and {needed} decimals, more than 64 bits hold")
    return Grid(lot=decimal_text(lot_digits), tick=decimal_text(finest), decimals=decimals)


def inverse_grid(
    sizes: Iterable[Fraction], prices: Iterable[Fraction], money: Iterable[Fraction] = (), *, tick: str = ""
) -> Grid:
    """Units of a market whose size is in the quote and whose value is size / price."""
    sizes, prices = [abs(size) for size in sizes], list(prices)
    largest = max([max(sizes) / min(prices), *(abs(amount) for amount in money)])
    decimals = _digits_below(INVERSE_ROOM, largest)
    tick_digits = max(_digits_below(10**14, max(prices)), *(_decimals(price, "price") for price in prices))
    if tick:
        tick_digits = _decimals(Fraction(tick), "tick")
    lot_digits = max(decimals + tick_digits - VALUE_DIGITS, *(_decimals(size, "size") for size in sizes))
    return Grid(lot=decimal_text(lot_digits), tick=tick or decimal_text(tick_digits), decimals=decimals)


def decimal_text(digits: int) -> str:
    """The unit 10**-digits as decimal text."""
    return f"0.{'0' * (digits - 1)}1" if digits > 0 else "1"


def _digits_below(room: int, largest: Fraction) -> int:
    """Most decimals with largest * 10**decimals <= room."""
    if largest <= 0:
        raise Unsupported("a size or price is zero or negative")
    digits = 0
    while digits < MOST_DECIMALS and largest * 10 ** (digits + 1) <= room:
        digits += 1
    return digits


def _decimals(value: Fraction, what: str) -> int:
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
        if digits > MOST_DECIMALS:
            raise Unsupported(f"{what} {float(value)!r} has more than {MOST_DECIMALS} decimals")
    return digits


def whole(value: Fraction, what: str) -> int:
    """A fraction that must be an integer."""
    if value.denominator != 1:
        raise Unsupported(f"{what} is not a whole number")
    return value.numerator
