"""P9 prices where an account's equity is shared over its positions by what each requires.

Closing part of a position at its bankruptcy price takes that part's share of the equity, no more: closing all
at theirs leaves nothing. The fillable price moves from the oracle's towards it as the account gets worse, and
is the limit of the liquidation order. What a fill leaves above bankruptcy goes to the fund, up to a fee.
Amounts whole units of money, rates ppm. Shares round down: a bankruptcy price rounds against the account.
Source: dYdX v4, clob (liquidations, deleveraging).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

from seawall.errors import InputError
from seawall.margin.fractions import PPM, Asked, may_become

Price = Literal["none", "bankruptcy", "oracle"]


class Limits(NamedTuple):
    """How much of a position one liquidation order may take."""

    least: int
    most: int


class Offset(NamedTuple):
    """One account that takes the other side: its place in the list, lots, and what it pays (signed)."""

    place: int
    lots: int
    paid: int


class Side(NamedTuple):
    """An account that could take the other side: lots it can give up, how it stands, and how it would stand
    with so many of them gone and nothing paid for them yet."""

    lots: int
    now: Asked
    without: Callable[[int], Asked]


def equity_share(*, equity: int, maintenance: int, own: int) -> int:
    """The part of an account's equity that stands behind a requirement of `own` in all of `maintenance`.

    InputError where nothing is required.
    """
    if maintenance <= 0:
        raise InputError.at("bankruptcy price", "the account requires nothing", "Ask of one with positions.")
    return equity * own // maintenance


def bankruptcy_quote(*, equity: int, maintenance: int, value_change: int, maintenance_change: int) -> int:
    """What must be received for a part of a position so that the account loses that part's share of equity.

    `value_change` of the account's positions by closing (negative for longs), `maintenance_change` of its
    requirement (negative). Signed: a short is closed by paying.
    """
    share = equity_share(equity=equity, maintenance=maintenance, own=abs(maintenance_change))
    return -value_change - share


def fillable_loss(
    *, equity: int, maintenance: int, own: int, adjustment_ppm: int, spread_ppm: int
) -> Fraction:
    """The most that closing a position may lose: clamp(adjustment (1 - equity / maintenance), 0, 1) * spread
    * its own requirement. InputError where nothing is required."""
    if maintenance <= 0:
        raise InputError.at("fillable price", "the account requires nothing", "Ask of one with positions.")
    worse = Fraction(adjustment_ppm, PPM) * (1 - Fraction(equity, maintenance))
    return min(max(worse, Fraction(0)), Fraction(1)) * Fraction(spread_ppm, PPM) * own


def fund_delta(*, fill_quote: int, bankruptcy: int, fee_ppm: int) -> int:
    """What a fill brings the fund (above zero: up to the fee on what was traded) or asks of it (below)."""
    delta = fill_quote - bankruptcy
    return min(abs(fill_quote) * fee_ppm // PPM, delta) if delta > 0 else delta


def fund_may_pay(balance: int, delta: int) -> bool:
    """A fill the fund cannot pay for in full is refused; one that asks nothing of it never is."""
    return delta >= 0 or balance + delta >= 0


def order_limits(notional: int, *, least: int, portion_ppm: int) -> Limits:
    """Least and most of a position's notional that may be closed at once; a small one may be closed whole."""
    whole = abs(notional)
    floor = min(least, whole)
    return Limits(floor, max(floor, whole * portion_ppm // PPM))


def deleveraging_price(account: Asked, *, settling: bool) -> Price:
    """At which price, if at all, an account is closed against others: below zero at its bankruptcy price."""
    if account.equity < 0:
        return "bankruptcy"
    return "oracle" if settling else "none"


def liquidation_order(
    oracle: Fraction, orders: Sequence[tuple[Fraction, Fraction]], ties: Sequence[int] | None = None
) -> list[int]:
    """Places of (limit price, size) orders: furthest from the oracle first, then the larger, then by tie."""
    keys = ties if ties is not None else range(len(orders))

    def key(place: int) -> tuple[Fraction, Fraction, int]:
        price, size = orders[place]
        return -abs(price - oracle) / oracle, -abs(size) * oracle, keys[place]

    return sorted(range(len(orders)), key=key)


def offset(
    lots: int, quote_of: Callable[[int], int], others: Sequence[Side], *, start: int = 0
) -> tuple[tuple[Offset, ...], int]:
    """Close `lots` (above zero) of one account against others; `quote_of` says what it is paid for so many.

    Nobody is ranked: from `start` on, round the list, each gives up what it holds; one that would be left in
    a state it may not be in is passed over. Returns who gave how much for what, and the lots left.
    """
    found, left = [], lots
    for place in [*range(start, len(others)), *range(start)]:
        side = others[place]
        taken = min(side.lots, left)
        if not taken:
            continue
        paid = quote_of(taken)
        after = side.without(taken)
        if may_become(side.now, after._replace(equity=after.equity - paid)):
            found.append(Offset(place, taken, paid))
            left -= taken
    return tuple(found), left
