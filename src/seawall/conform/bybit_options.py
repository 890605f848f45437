"""Bybit: standard margin of options sold, and what one bought costs with its fee.

Parameters that a vector does not bring are the help centre's for BTC: initial 15 % / 10 %, maintenance 3 %,
fee to liquidate 0.2 %, trading fee 0.03 % of the index and at most 12.5 % of the price.
"""

from __future__ import annotations

from fractions import Fraction

from seawall.conform.bench import level
from seawall.conform.model import Vector
from seawall.conform.option_book import Leg, OptionBook, short_terms
from seawall.conform.reading import Adapter, Answer, find, maybe, number
from seawall.margin.option_schedule import OptionTerms

FACTOR, LIQUIDATION = Fraction(3, 100), Fraction(2, 1000)
SPOT, FLOOR = Fraction(15, 100), Fraction(10, 100)
FEE, FEE_CAP = Fraction(3, 10_000), Fraction(125, 1000)


def sold(vector: Vector) -> Answer:
    """A strike that is not given is taken at the money; maintenance does not depend on it."""
    given = vector.inputs
    index = number(given, "index", "spot", "S")
    size = abs(number(given, "size", "qty", "q", default=1))
    factor = number(given, "mm_factor", default=FACTOR)
    kept = short_terms(floor=factor, mark=factor, fee=number(given, "liq_fee", default=LIQUIDATION))
    asked = short_terms(
        spot=number(given, "im_factor", "max_im_factor", default=SPOT),
        floor=number(given, "min_im_factor", default=FLOOR),
        least_of="maintenance",
        least=1,
    )
    told = str(find(given, "type", "right", "option_type") or vector.description)
    leg = Leg(
        is_call="put" not in told.lower() and told.upper() != "P",
        strike=number(given, "strike", "K", default=index),
        size=-size,
        mark=number(given, "mark", "mark_price"),
    )
    book = OptionBook(
        [leg],
        spot=index,
        schedules={
            "initial": OptionTerms(call=asked, put=asked),
            "maintenance": OptionTerms(call=kept, put=kept),
        },
        levels=(level("initial", option_value="none"), level("maintenance", option_value="none")),
    )
    answer: Answer = {"MM": book.position("maintenance")}
    if find(given, "strike", "K") is not None:
        answer["IM"] = book.position("initial")
    balance = maybe(given, "margin_balance", "balance")
    if balance:
        answer["account_mm_rate"] = book.requirement("maintenance") / balance
    return answer


def bought(vector: Vector) -> Answer:
    """Bought as the taker: the premium is its cost, the fee what the trade takes from the balance."""
    given = vector.inputs
    price = number(given, "price", "premium")
    book = OptionBook(
        [Leg(is_call=True, strike=number(given, "index"), size=number(given, "qty", "size"), mark=price)],
        spot=number(given, "index"),
        schedules={"initial": OptionTerms()},
        levels=(level("initial", option_value="none"),),
        taker=FEE,
        fee_cap=FEE_CAP,
        as_taker=True,
    )
    fee, cost = -book.balance, -book.health("initial")
    return {"premium": cost - fee, "fee": fee, "cost": cost}


ADAPTERS = (
    Adapter("bybit-option", ("index|spot|S", "mark|mark_price"), sold),
    Adapter("bybit-option", ("index", "price|premium", "qty|size"), bought),
)
