"""Deribit: standard margin of perpetuals and of options sold, and what an option pays at expiry.

Parameters of options are those of the vectors' page (the file prints them in its descriptions); perpetuals
bring their own. Portfolio margin is elsewhere.
"""

from __future__ import annotations

from fractions import Fraction

from seawall.conform.bench import Bench, level, make_rulebook, perpetual
from seawall.conform.grid import linear_grid
from seawall.conform.model import Vector
from seawall.conform.option_book import Leg, OptionBook, short_terms
from seawall.conform.reading import Adapter, Answer, Refused, as_number, find, maybe, number, rate_ppb
from seawall.errors import Unsupported
from seawall.instruments.model import Asset
from seawall.margin.option_schedule import OptionTerms
from seawall.margin.rules import Schedule

ONE = Fraction(1)
FLOOR = Fraction(75, 1000)
INITIAL = OptionTerms(
    call=short_terms(spot=Fraction(15, 100), floor=Fraction(10, 100)),
    put=short_terms(spot=Fraction(15, 100), floor=Fraction(10, 100), least_of="maintenance", least=ONE),
)
MAINTENANCE = OptionTerms(call=short_terms(floor=FLOOR), put=short_terms(floor=FLOOR, mark=FLOOR))
LEVELS = (level("initial", option_value="none"), level("maintenance", option_value="none"))


def linear_margin(vector: Vector) -> Answer:
    """A perpetual whose rate grows with its size."""
    given = vector.inputs
    size, index = abs(number(given, "size", "position")), number(given, "index", "mark", "price")
    grid = linear_grid([size, ONE], [index])
    money = Asset(name="USDC", decimals=grid.decimals)
    schedule = Schedule(
        kind="size_linear",
        base_ppb=rate_ppb(number(given, "base")),
        slope_ppb=rate_ppb(number(given, "increment", "inc")),
        size_unit_lots=grid.lots(ONE),
    )
    bench = Bench(
        make_rulebook(
            assets=(money,),
            instruments=(perpetual("X", money, lot=grid.lot, tick=grid.tick),),
            schedules={"X": {"asked": schedule}},
            levels=(level("asked"),),
        )
    )
    bench.price(X=grid.ticks(index))
    account = bench.account()
    bench.trade(account, "X", grid.lots(size), grid.ticks(index))
    asked = grid.money(bench.position(bench.pot(account), "asked", "X").amount_atoms)
    return {"rate": asked / (size * index), "coin": asked / index, "usdc": asked, "usd": asked}


def _right(vector: Vector) -> bool:
    """Call or put: from the inputs, else from the one of the two words in id or description."""
    told = find(vector.inputs, "type", "option_type", "right", "kind")
    if isinstance(told, str):
        return told.lower().startswith("c")
    for text in (vector.id, vector.description):
        words = {word.strip(",.:;()").lower() for word in text.replace("-", " ").replace("_", " ").split()}
        if ("call" in words) != ("put" in words):
            return "call" in words
    raise Unsupported("neither inputs nor id say whether it is a call or a put")


def _sold(*, is_call: bool, spot: Fraction, strike: Fraction, mark: Fraction) -> OptionBook:
    return OptionBook(
        [Leg(is_call=is_call, strike=strike, size=-ONE, mark=mark)],
        spot=spot,
        schedules={"initial": INITIAL, "maintenance": MAINTENANCE},
        levels=LEVELS,
        inverse=True,
    )


def sold_option(vector: Vector) -> Answer:
    given = vector.inputs
    book = _sold(
        is_call=_right(vector),
        spot=number(given, "underlying", "index", "S", "spot"),
        strike=number(given, "strike", "K"),
        mark=number(given, "mark_in_coin", "mark"),
    )
    return {"IM": book.requirement("initial"), "MM": book.requirement("maintenance")}


def sold_options(vector: Vector) -> Answer:
    """A list of [right, underlying, strike, mark in coin]."""
    rows = find(vector.inputs, "cases")
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == 4 for row in rows):
        raise Unsupported("cases is not a list of [right, underlying, strike, mark]")
    answers = []
    for right, *numbers in rows:
        spot, strike, mark = (as_number(value, "cases") for value in numbers)
        book = _sold(is_call=str(right).lower().startswith("c"), spot=spot, strike=strike, mark=mark)
        answers.append([book.requirement("initial"), book.requirement("maintenance")])
    return {"im_mm": answers}


def expiry(vector: Vector) -> Answer:
    """Bought at its premium, settled at the delivery price. A multiplier is the size of a linear contract."""
    given = vector.inputs
    multiplier = maybe(given, "mult", "multiplier")
    inverse = multiplier is None and "linear" not in vector.id
    premium, delivered = number(given, "premium"), number(given, "S", "delivery", "delivery_price")
    size = ONE if multiplier is None else multiplier
    book = OptionBook(
        [Leg(is_call=_right(vector), strike=number(given, "K", "strike"), size=size, mark=premium)],
        spot=number(given, "K", "strike"),
        schedules={"initial": OptionTerms()},
        levels=(level("initial"),),
        inverse=inverse,
        delivery=(delivered,),
    )
    gained = book.expire(delivered)
    paid = gained + size * premium
    return {
        "payoff": paid,
        "payoff_btc": paid,
        "payoff_eth": paid,
        "pnl": gained,
        "pnl_btc": gained,
        "pnl_eth": gained,
    }


PARAMETERS = "parameters only, nothing to compute: see the rulebook deribit-standard"

ADAPTERS = (
    Refused("deribit-fee", PARAMETERS),
    Adapter("deribit-sm-", ("base", "increment|inc", "size|position", "index|mark|price"), linear_margin),
    Adapter("deribit-sm-option", ("underlying|index|S|spot", "strike|K", "mark_in_coin|mark"), sold_option),
    Adapter("deribit-option-settle", ("K|strike", "S|delivery|delivery_price", "premium"), expiry),
    Adapter("margin.deribit_standard", ("cases",), sold_options),
)
