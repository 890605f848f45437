"""Cboe: strategy-based margin of options sold, of spreads within an expiry, and of long-dated options bought.

Contracts are of 100 shares, and the calculator prints whole dollars (nearest, halves to the even one).
Naked options: 20 % of the underlying (15 % of a broad index), times the leverage of a leveraged fund; at
least 10 %. What a spread needs is what an account without money would have to bring: its worst payoff less
its premium.
"""

from __future__ import annotations

from fractions import Fraction

from seawall.conform.bench import level
from seawall.conform.model import Vector
from seawall.conform.option_book import Leg, OptionBook, is_call, read_legs, short_terms
from seawall.conform.reading import Adapter, Answer, find, number
from seawall.errors import Unsupported
from seawall.margin.option_schedule import OptionTerms

CONTRACT, TENTH = Fraction(100), Fraction(10, 100)
NARROW, BROAD = Fraction(20, 100), Fraction(15, 100)
LONG_DATED = Fraction(75, 100)
NAKED = (level("margin", schedule="sold", option_value="none"),)
NETTED = (level("margin", schedule="sold", option_value="none", max_loss=True),)


def _terms(broad: bool, leverage: Fraction) -> OptionTerms:
    rate, floor = (BROAD if broad else NARROW) * leverage, TENTH * leverage
    return OptionTerms(
        call=short_terms(spot=rate, floor=floor),
        put=short_terms(spot=rate, floor=floor, floor_of="strike"),
        paired=True,
    )


def naked(vector: Vector) -> Answer:
    given = vector.inputs
    book = OptionBook(
        [
            Leg(
                is_call=is_call(find(given, "type", "right")),
                strike=number(given, "K", "strike"),
                size=-CONTRACT * number(given, "contracts", "n", default=1),
                mark=number(given, "premium", "price"),
            )
        ],
        spot=number(given, "S", "spot"),
        schedules={"sold": _terms(*_kind(vector))},
        levels=NAKED,
    )
    return {"margin": Fraction(round(book.requirement("margin")))}


def spread(vector: Vector) -> Answer:
    """Legs [right, strike, contracts, premium]; with a spot, sold options may also stand alone."""
    legs = read_legs(vector, unit=CONTRACT)
    spot = number(vector.inputs, "S", "spot", default=max(leg.strike for leg in legs))
    book = OptionBook(legs, spot=spot, schedules={"sold": _terms(*_kind(vector))}, levels=NETTED)
    if find(vector.inputs, "S", "spot") is None and _unbounded(legs):
        raise Unsupported("calls sold in excess of calls bought, and no price of the underlying")
    sold_only = all(leg.size < 0 for leg in legs)  # printed with the premium they bring, as naked ones are
    asked = book.requirement("margin") if sold_only else -book.health("margin")
    return {"margin": Fraction(round(asked)), "cash": Fraction(round(asked))}


def long_dated(vector: Vector) -> Answer:
    """An option of more than nine months, bought: a quarter of its price is lent."""
    given = vector.inputs
    price = number(given, "price", "premium")
    leg = Leg(is_call=True, strike=price, size=CONTRACT, mark=price)
    book = OptionBook(
        [leg],
        spot=price,
        schedules={
            "short_dated": OptionTerms(long_mark_ppb=10**9),
            "long_dated": OptionTerms(long_mark_ppb=int(LONG_DATED * 10**9)),
        },
        levels=tuple(
            level(name, schedule=schedule, option_value="long")
            for name, schedule in (("cash", "short_dated"), ("margin", "long_dated"))
        ),
    )
    return {name: Fraction(round(book.requirement(name))) for name in ("cash", "margin")}


def _unbounded(legs: list[Leg]) -> bool:
    return sum(leg.size for leg in legs if leg.is_call) < 0


def _kind(vector: Vector) -> tuple[bool, Fraction]:
    return bool(find(vector.inputs, "broad")), number(vector.inputs, "leverage", default=1)


ADAPTERS = (
    Adapter("cboe-", ("legs",), spread),
    Adapter("cboe-", ("type|right", "S|spot", "K|strike", "premium|price"), naked),
    Adapter("cboe-", ("price|premium",), long_dated),
)
