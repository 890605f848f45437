"""At which prices, and at which volatilities, a portfolio meets or misses a level; and a map over both.

A portfolio with options can have any number of such prices: a short strangle is liquidated above and below, a
butterfly only in between. The whole statement is asked again at each trial (`evaluate`), so every rule of a
venue takes part. Health is walked along a grid even in the logarithm, each change of sign is bisected, and
each turn back towards zero is climbed, so that two crossings inside one step are found too.
Factors are floats that find; the health they find is the integer statement's. Volatilities stay with their
strikes when the price moves, and futures keep their basis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.kernels.elementary import exp, log
from seawall.margin.portfolio.evaluate import evaluate
from seawall.margin.portfolio.inputs import MarketInputs, Portfolio, Position
from seawall.margin.portfolio.model import PortfolioRules

Axis = Literal["price", "volatility"]
STEPS = 160  # trials along the grid: between 0.2x and 5x two per cent apart
CLIMB = 24  # trials to the bottom of a valley, by golden section: to a hundred-thousandth of its width
GOLDEN = 0.6180339887498949
CLOSE = 1e-10  # crossings are found to this share of the factor


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """A factor on today's price (or volatility) at which health changes its sign.

    `above`: the level is met just above it and missed below; else the other way round.
    """

    factor: float
    above: bool


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Whose health, at which level, when which underlying moves; "" for all that are held, in step."""

    portfolio: Portfolio
    market: MarketInputs
    rules: PortfolioRules
    underlying: str
    level: str


def health_at(question: Question, price: float = 1.0, volatility: float = 1.0) -> int:
    """Account health, in atoms of the nodes' unit, with price and volatilities of the underlying multiplied.

    InputError if an input is missing, nodes are in different units, or the level is not there.
    """
    portfolio, market = moved(question, price, volatility)
    statement = evaluate(portfolio, market, question.rules)
    if statement.unknown:
        raise InputError.at(
            "portfolio", f"health is unknown: {statement.unknown[0]}", "Give that figure; nothing is assumed."
        )
    requirement = statement.levels.get(question.level)
    if requirement is None:
        known = ", ".join(statement.levels) or "none: its underlyings are settled in different units"
        raise InputError.at(
            "portfolio", f"no level {question.level!r} of the whole account (it has {known})", "Name another."
        )
    return sum(node.equity_atoms for node in statement.nodes) - requirement


def crossings(question: Question, axis: Axis, low: float = 0.2, high: float = 5.0) -> tuple[Crossing, ...]:
    """Every factor in low..high at which health at the level changes its sign, ascending.

    Two crossings nearer to each other than a hundred-thousandth of a grid step may be taken for none.
    Errors as `health_at`; InputError if not 0 < low < high.
    """
    if not 0.0 < low < high:
        raise InputError.at("levels", f"the range {low:g}..{high:g} is empty", "Give 0 < low < high.")

    def health(place: float) -> int:
        factor = exp(place)
        return (
            health_at(question, price=factor) if axis == "price" else health_at(question, volatility=factor)
        )

    places = [float(place) for place in np.linspace(log(low), log(high), STEPS + 1)]
    values = [health(place) for place in places]
    places, values = _with_turns(health, places, values)
    found = []
    for number in range(len(places) - 1):
        if (values[number] >= 0) != (values[number + 1] >= 0):
            place = _bisect(health, places[number], places[number + 1], values[number] >= 0)
            found.append(Crossing(factor=exp(place), above=values[number + 1] >= 0))
    return tuple(found)


def health_map(
    question: Question, prices: NDArray[np.float64], volatilities: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Health in atoms, (volatilities, prices), for every pair of factors; float64 so that it can be drawn."""
    rows = [[float(health_at(question, price, vol)) for price in prices] for vol in volatilities]
    return np.array(rows, dtype=np.float64).reshape(len(volatilities), len(prices))


def moved(question: Question, price: float, volatility: float) -> tuple[Portfolio, MarketInputs]:
    """Account and market after the move of the question's underlyings; its level plays no part.

    The underlying held as collateral moves with it, whether or not the scenarios of the rules shock it. What
    a future gains on its way is unrealised profit. InputError without a quote of the underlying.
    """
    portfolio, market = question.portfolio, question.market
    held = {position.contract.underlying for position in portfolio.positions}
    for name in (question.underlying,) if question.underlying else sorted(held):
        portfolio, market = _moved_one(portfolio, market, question.rules, name, price, volatility)
    return portfolio, market


def _moved_one(
    portfolio: Portfolio,
    market: MarketInputs,
    all_rules: PortfolioRules,
    name: str,
    price: float,
    volatility: float,
) -> tuple[Portfolio, MarketInputs]:
    quote = market.underlyings.get(name)
    if quote is None:
        raise InputError.at("portfolio", f"no quote of {name}", "Give its index; nothing is assumed.")
    own = [p for p in portfolio.positions if p.contract.underlying == name]
    expiries = {
        expiry: msgspec.structs.replace(told, forward=told.forward * price)
        for expiry, told in quote.expiries.items()
    }
    marks, vols = dict(market.marks), dict(market.vols)
    rules = all_rules.underlyings.get(name)
    moving = () if rules is None else rules.shocked
    for contract in (position.contract for position in own):
        if contract.kind == "option":
            if contract.name in vols:
                vols[contract.name] *= volatility
        elif contract.name in marks and (contract.kind != "spot" or contract.name in (name, *moving)):
            marks[contract.name] = market.marks[contract.name] * price
    coin = rules is not None and rules.coin
    after = MarketInputs(
        underlyings={
            **market.underlyings,
            name: msgspec.structs.replace(quote, spot=quote.spot * price, expiries=expiries),
        },
        vols=vols,
        marks=marks,
        confidences=market.confidences,
    )
    return _carried(portfolio, name, market, price, coin), after


def _carried(portfolio: Portfolio, name: str, market: MarketInputs, price: float, coin: bool) -> Portfolio:
    """Futures of `name` carried to the new mark: profit booked, and an inverse one restated in coin."""
    gained, positions = 0.0, list[Position]()
    steps = 10**portfolio.size_decimals
    for position in portfolio.positions:
        contract = position.contract
        mark = market.marks.get(contract.name)
        if contract.underlying != name or contract.kind not in ("future", "perpetual") or mark is None:
            positions.append(position)
        elif coin:
            gained += position.size_steps / steps * (1.0 - 1.0 / price)
            size = round(position.size_steps / price)
            positions.append(msgspec.structs.replace(position, size_steps=size))
        else:
            gained += position.size_steps / steps * mark * (price - 1.0)
            positions.append(position)
    decimals = market.underlyings[name].decimals
    unrealised = dict(portfolio.unrealised_atoms)
    unrealised[name] = unrealised.get(name, 0) + int(gained * 10**decimals // 1)
    return msgspec.structs.replace(portfolio, positions=tuple(positions), unrealised_atoms=unrealised)


def _with_turns(
    health: Callable[[float], int], places: list[float], values: list[int]
) -> tuple[list[float], list[int]]:
    """The grid with a point added wherever health turns back towards zero without being seen to cross it."""
    added: list[tuple[float, int]] = []
    for number in range(1, len(places) - 1):
        here, sign = values[number], 1 if values[number] >= 0 else -1
        around = (values[number - 1], values[number + 1])
        if all((value >= 0) == (here >= 0) and sign * value >= sign * here for value in around):
            added.append(_turn(health, places[number - 1], places[number + 1], sign))
    both = sorted([*zip(places, values), *added])
    return [place for place, _ in both], [value for _, value in both]


def _turn(health: Callable[[float], int], low: float, high: float, sign: int) -> tuple[float, int]:
    """The least of sign * health between two places, by golden section; it stops where the sign changes."""
    one, two = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    first, second = health(one), health(two)
    for _ in range(CLIMB):
        if sign * first < 0 or (sign * second >= 0 and sign * first <= sign * second):
            if sign * first < 0:
                return one, first
            high, two, second = two, one, first
            one = high - GOLDEN * (high - low)
            first = health(one)
        else:
            if sign * second < 0:
                return two, second
            low, one, first = one, two, second
            two = low + GOLDEN * (high - low)
            second = health(two)
    return (one, first) if sign * first <= sign * second else (two, second)


def _bisect(health: Callable[[float], int], low: float, high: float, met_below: bool) -> float:
    while high - low > CLOSE:
        middle = 0.5 * (low + high)
        if (health(middle) >= 0) == met_below:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
