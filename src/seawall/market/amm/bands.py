"""LLAMMA's grid: bands of oracle prices, the invariant inside one, the oracle's limiter, and health.

Prices and fractions in wads (1e-18), x in atoms of the borrowed coin, y in atoms of the collateral, both with
18 decimals. Rounding: every division cuts off, one after the other, in the order of the deployed contract.
Band n spans oracle prices base * ((A-1)/A)**n; (f + x)(g + y) = p_o * A**2 * y0**2 within one.
Source: Curve stablecoin whitepaper (Egorov, 2022); the order of roundings is fitted to published outputs.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

import msgspec

from seawall.errors import InputError, NumberError
from seawall.market.amm.words import positive

WAD = 10**18
LIMIT_SECONDS = 120
LIMIT_FACTOR_WAD = 125 * 10**16  # at most x1.25 within LIMIT_SECONDS of the last change
_BITS = 256  # fraction bits with which exp and log are worked out before they are cut to wads
_GUARD = 64


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """The bands of a market: amplification A and the oracle price at which band 0 begins.

    `band_root_wad` is sqrt(A / (A-1)) as the market was deployed with it; without it the root is cut off.
    """

    amplification: int
    base_price_wad: int
    band_root_wad: int | None = None

    def __post_init__(self) -> None:
        positive(self.base_price_wad, "base_price_wad")
        if isinstance(self.amplification, bool) or not 2 <= self.amplification <= 10_000:
            raise InputError.at(
                "amplification", f"is {self.amplification}", "Give a whole A from 2 to 10000."
            )

    @property
    def width_root_wad(self) -> int:
        """The square root of a band's width, as a factor of prices."""
        if self.band_root_wad is not None:
            return self.band_root_wad
        return isqrt(WAD * WAD * self.amplification // (self.amplification - 1))


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """One band at one oracle price: y0, the offsets f and g, and the product that a trade keeps."""

    y0: int
    f: int
    g: int
    product: int


def oracle_up(grid: Grid, band: int) -> int:
    """The oracle price at the band's upper edge, in wads. NumberError where it has no digits left."""
    price = grid.base_price_wad * _exp_wad(-band * _log_wad(grid.amplification)) // WAD
    if price <= 0:
        raise NumberError(f"band {band}: its price is below 1e-18\n  Use bands nearer to the price.")
    return price


def edge_price(oracle_wad: int, up_wad: int) -> int:
    """The pool's price at the edge whose oracle price is `up_wad`: p_o**3 / up**2."""
    return oracle_wad**2 // up_wad * oracle_wad // up_wad


def current_down(grid: Grid, oracle_wad: int, band: int) -> int:
    """The pool's price at the lower end of a band."""
    return edge_price(positive(oracle_wad, "oracle_wad"), oracle_up(grid, band))


def current_up(grid: Grid, oracle_wad: int, band: int) -> int:
    """The pool's price at the upper end of a band."""
    return current_down(grid, oracle_wad, band + 1)


def curve(amplification: int, x: int, y: int, oracle_wad: int, up_wad: int) -> Curve:
    """The invariant through (x, y) of the band that begins at `up_wad`.

    y0 solves p_o * A * y0**2 - y0 * (up/p_o * (A-1) * x + p_o**2/up * A * y) - x*y = 0.
    """
    a = amplification
    b = up_wad * (a - 1) * x // oracle_wad if x else 0
    if y:
        b += a * oracle_wad**2 // up_wad * y // WAD
    if x and y:
        inside = b**2 + 4 * a * oracle_wad * y // WAD * x
        y0 = (b + isqrt(inside)) * WAD // (2 * a * oracle_wad)
    else:
        y0 = b * WAD // (a * oracle_wad)
    f = a * y0 * oracle_wad // up_wad * oracle_wad // WAD
    g = (a - 1) * y0 * up_wad // oracle_wad
    return Curve(y0=y0, f=f, g=g, product=(f + x) * (g + y))


def band_price(amplification: int, x: int, y: int, oracle_wad: int, up_wad: int) -> int:
    """The pool's price inside a band, in wads; of an empty band the middle."""
    down = edge_price(oracle_wad, up_wad)
    if not x:
        return down if y else down * amplification // (amplification - 1)
    if not y:
        return edge_price(oracle_wad, up_wad * (amplification - 1) // amplification)
    inside = curve(amplification, x, y, oracle_wad, up_wad)
    return (inside.f + x) * WAD // (inside.g + y)


def distance_fee(amplification: int, oracle_wad: int, up_wad: int) -> int:
    """A quarter of how far the oracle lies outside the band's own prices, in wads; 0 inside."""
    a = amplification
    down = edge_price(oracle_wad, up_wad)
    up = down * a // (a - 1) * a // (a - 1)
    if oracle_wad < down:
        return (down - oracle_wad) * (WAD // 4) // down
    return (oracle_wad - up) * (WAD // 4) // oracle_wad if oracle_wad > up else 0


def limited_price(
    old_wad: int, new_wad: int, elapsed_seconds: int, *, old_fee_wad: int = 0
) -> tuple[int, int]:
    """(oracle price that counts, fee of the jump), both in wads, `elapsed_seconds` after the last change.

    Within two minutes a price moves by no more than a factor of 1.25, and 1 - ratio**3 is charged, fading
    with time. InputError for prices that are not above zero, or time that runs backwards.
    """
    positive(old_wad, "old_wad")
    positive(new_wad, "new_wad")
    if elapsed_seconds < 0:
        raise InputError.at(
            "elapsed_seconds", f"is {elapsed_seconds}", "Give the time since the last change."
        )
    if elapsed_seconds >= LIMIT_SECONDS:
        return new_wad, 0
    high, low = old_wad * LIMIT_FACTOR_WAD // WAD, old_wad * WAD // LIMIT_FACTOR_WAD
    counted = min(max(new_wad, low), high)
    least = WAD * WAD // LIMIT_FACTOR_WAD
    if new_wad > old_wad:
        ratio = least if new_wad > high else old_wad * WAD // new_wad
    else:
        ratio = least if new_wad < low else new_wad * WAD // old_wad
    charged = WAD + old_fee_wad - ratio**3 // WAD**2
    return counted, min(charged, WAD - 1) * (LIMIT_SECONDS - elapsed_seconds) // LIMIT_SECONDS


def health(x_down: Fraction, debt: Fraction, liquidation_discount: Fraction) -> Fraction:
    """x_down * (1 - discount) / debt - 1; below zero the position may be closed for good.

    InputError without a debt: there is nothing to be healthy against.
    """
    if debt <= 0:
        raise InputError.at("debt", f"is {debt}", "Ask for the health of a position that owes something.")
    return Fraction(x_down) * (1 - Fraction(liquidation_discount)) / Fraction(debt) - 1


def removed_share(share_wad: int, health_limit_wad: int) -> int:
    """Share of the collateral, in wads, that closing `share_wad` of the debt removes.

    ((1 + h/2) / (1 + h) * (1 - s) + s) * s. InputError for a share outside 0 to 1, or h below 0.
    """
    if not 0 <= share_wad <= WAD or health_limit_wad < 0:
        raise InputError.at(
            "share_wad",
            f"is {share_wad}, limit {health_limit_wad}",
            "Give a share from 0 to 1e18, limit >= 0.",
        )
    kept = (WAD + health_limit_wad // 2) * (WAD - share_wad) // (WAD + health_limit_wad)
    return (kept + share_wad) * share_wad // WAD


def _log_wad(amplification: int) -> int:
    """floor(ln(A / (A-1)) * 1e18): 2 * atanh(1 / (2A-1)), summed in integers until nothing is added."""
    span = 2 * amplification - 1
    term = (2 << _BITS + _GUARD) // span
    total, odd = 0, 1
    while term:
        total += term // odd
        term //= span * span
        odd += 2
    return (total * WAD >> _BITS) >> _GUARD


def _exp_wad(power_wad: int) -> int:
    """floor(exp(power) * 1e18), by halving the power until its series is short, and squaring back."""
    halvings = max(0, (abs(power_wad) // WAD).bit_length()) + 4
    x = (power_wad << _BITS) // (WAD << halvings)
    term = total = 1 << _BITS
    place = 1
    while abs(term) > 1:
        term = term * x // (place << _BITS)
        total += term
        place += 1
    for _ in range(halvings):
        total = total * total >> _BITS
    return total * WAD >> _BITS
