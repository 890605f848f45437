"""One health number over lent and borrowed tokens, perpetuals and reserved spot orders (P2, P4, P7).

A perpetual's result enters the balance of the token it is settled in before that token is weighed, so a
profit may count as a smaller debt. Reserved funds of a spot order count where they help least. Weights and
prices are exact fractions in units of the quote, amounts in units of the token; nothing is rounded. Source:
Mango v4, health cache (init, maintenance, liquidation end), bank weights scaled by deposits and borrows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from seawall.errors import InputError

ZERO, ONE = Fraction(0), Fraction(1)


class Token(NamedTuple):
    """A balance with its prices (as an asset, as a debt) and weights at one level."""

    balance: Fraction
    asset_price: Fraction
    liability_price: Fraction
    asset_weight: Fraction
    liability_weight: Fraction

    def plus(self, amount: Fraction) -> Token:
        return self._replace(balance=self.balance + amount)

    def worth(self, amount: Fraction | None = None) -> Fraction:
        """What the balance (or another amount) counts for."""
        held = self.balance if amount is None else amount
        if held >= 0:
            return held * self.asset_price * self.asset_weight
        return held * self.liability_price * self.liability_weight


class Perp(NamedTuple):
    """A position in units of the base, its quote balance, and open orders; `settle` names its token."""

    settle: str
    base: Fraction
    quote: Fraction
    price: Fraction
    asset_weight: Fraction
    liability_weight: Fraction
    overall_weight: Fraction
    bids: Fraction = ZERO
    asks: Fraction = ZERO
    liability_price: Fraction | None = None  # where a debt is valued at another price

    def unweighted(self) -> Fraction:
        """The worse of all bids filled and all asks filled, before the overall weight."""

        def at(base: Fraction, quote: Fraction) -> Fraction:
            if base >= 0:
                return base * self.price * self.asset_weight + quote
            price = self.price if self.liability_price is None else self.liability_price
            return base * price * self.liability_weight + quote

        filled_bids = at(self.base + self.bids, self.quote - self.bids * self.price)
        return min(filled_bids, at(self.base - self.asks, self.quote + self.asks * self.price))

    def counted(self) -> Fraction:
        """In the quote: a profit at the overall weight, a loss in full."""
        result = self.unweighted()
        return result * self.overall_weight if result > 0 else result


class Reserved(NamedTuple):
    """Funds in a spot market's open orders: all may turn out to be base, or all quote, whichever is less.

    `lowest_ask`, `highest_bid`: at what the orders stand, where that is worse than the market's price.
    """

    base: str
    quote: str
    base_amount: Fraction
    quote_amount: Fraction
    lowest_ask: Fraction | None = None
    highest_bid: Fraction | None = None


def scaled_asset_weight(weight: Fraction, *, deposits: Fraction, start: Fraction) -> Fraction:
    """Weight over once all deposits (and what orders may add) are worth more than `start`; 0: never."""
    return weight * start / deposits if start and deposits > start else weight


def scaled_liability_weight(weight: Fraction, *, borrows: Fraction, start: Fraction) -> Fraction:
    """Weight over once all borrows are worth more than `start`; 0: never."""
    return weight * borrows / start if start and borrows > start else weight


def settled(tokens: Mapping[str, Token], perps: Sequence[Perp]) -> dict[str, Token]:
    """Balances with every perpetual's counted result in them. InputError for a token that is not there."""
    found = dict(tokens)
    for perp in perps:
        if perp.settle not in found:
            raise InputError.at("health", f"no token {perp.settle}", "Give the token it is settled in.")
        token = found[perp.settle]
        result = perp.counted()
        price = token.asset_price if result >= 0 else token.liability_price
        found[perp.settle] = token.plus(result / price)
    return found


def health(
    tokens: Mapping[str, Token], perps: Sequence[Perp] = (), orders: Sequence[Reserved] = ()
) -> Fraction:
    """What the account has less what it needs, in the quote; below zero it misses the level."""
    held = settled(tokens, perps)
    total = sum((token.worth() for token in held.values()), ZERO)
    most: dict[str, Fraction] = dict.fromkeys(held, ZERO)
    both = [(order, *_as_either(order, held)) for order in orders]
    for order, base, quote in both:
        most[order.base] += base
        most[order.quote] += quote
    for order, base, quote in both:
        total += min(
            _added(held[order.base], most[order.base], base),
            _added(held[order.quote], most[order.quote], quote),
        )
    return total


def _as_either(order: Reserved, held: Mapping[str, Token]) -> tuple[Fraction, Fraction]:
    """(all of it as base, all of it as quote), changed at the market's price or the order's own if worse."""
    base, quote = held[order.base], held[order.quote]
    price = base.asset_price / quote.asset_price
    ask = price if order.lowest_ask is None else min(price, order.lowest_ask)
    bid = price if order.highest_bid is None else max(price, order.highest_bid)
    return order.base_amount + order.quote_amount / bid, order.quote_amount + order.base_amount * ask


def _added(token: Token, most: Fraction, amount: Fraction) -> Fraction:
    """What `amount` adds to health if it comes last, on top of all that may be reserved in the token."""
    last = token.balance + most
    asset = min(max(last, ZERO), amount)
    rest = amount - asset
    return (
        asset * token.asset_price * token.asset_weight + rest * token.liability_price * token.liability_weight
    )


def least_amount(of: Callable[[Fraction], Fraction], kinks: Sequence[Fraction], most: Fraction) -> Fraction:
    """The least x in [0, most] with of(x) >= 0, for a function that is a straight line between kinks.

    `most` where it never gets there: the most that may be done is done. 0 where nothing is needed.
    """
    if of(ZERO) >= 0 or most <= 0:
        return ZERO
    points = [ZERO, *sorted({kink for kink in kinks if 0 < kink < most}), most]
    for low, high in pairwise(points):
        first, last = of(low), of(high)
        if last >= 0:
            return low if first >= 0 else low - first * (high - low) / (last - first)
    return most
