"""Prices and volatilities of liquidation of an options account: all of them, against a fine walk."""

from __future__ import annotations

import math
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.margin.portfolio.charges import WorstLoss
from seawall.margin.portfolio.inputs import (
    Contract,
    ExpiryQuote,
    MarketInputs,
    Portfolio,
    Position,
    UnderlyingQuote,
)
from seawall.margin.portfolio.levels import Question, crossings, health_at, health_map
from seawall.margin.portfolio.model import PortfolioLevel, PortfolioRules, Scenario, UnderlyingRules

SPOT, VOL = 60_000.0, 0.6


def question(legs: list[tuple[str, float, float]], cash: int, *, coin: bool = False) -> Question:
    """Legs: (C, P or F, strike, size) of one expiry in 30 days, perpetual F; margin 80 % of +-10 %."""
    positions, vols, marks = [], {}, {}
    for kind, strike, size in legs:
        name = f"{kind}{strike:g}"
        if kind == "F":
            contract, marks[name] = Contract(name=name, kind="perpetual", underlying="BTC"), SPOT
        else:
            contract = Contract(
                name=name, kind="option", underlying="BTC", expiry="e", strike=strike, is_call=kind == "C"
            )
            vols[name] = VOL
        positions.append(Position(contract=contract, size_steps=round(size * 10**9)))
    moves = tuple(Scenario(spot_ppb=move * 10**7) for move in range(-10, 11, 5))
    own = UnderlyingRules(
        scenarios={"all": moves}, charges=(WorstLoss(name="worst", sets=("all",)),), coin=coin
    )
    level = PortfolioLevel(name="maintenance", largest=("worst",), factor_ppb=800_000_000)
    quote = UnderlyingQuote(spot=SPOT, expiries={"e": ExpiryQuote(years=30 / 365, forward=SPOT)})
    return Question(
        portfolio=Portfolio(positions=tuple(positions), cash_atoms={"BTC": cash * 10**8}),
        market=MarketInputs(underlyings={"BTC": quote}, vols=vols, marks=marks),
        rules=PortfolioRules(numeraire="USDC", levels=(level,), underlyings={"BTC": own}),
        underlying="BTC",
        level="maintenance",
    )


def test_a_short_strangle_is_liquidated_above_and_below() -> None:
    found = crossings(question([("P", 50_000, -1), ("C", 72_000, -1)], 9_000), "price")
    assert [crossing.above for crossing in found] == [True, False]
    assert found[0].factor < 1 < found[1].factor


def test_more_volatility_liquidates_a_short_strangle_at_the_same_price() -> None:
    (crossing,) = crossings(question([("P", 50_000, -1), ("C", 72_000, -1)], 12_000), "volatility")
    assert crossing.factor > 1 and not crossing.above


def test_a_short_butterfly_can_be_missed_in_the_middle_alone() -> None:
    legs = [("C", 55_000, -2), ("C", 60_000, 4), ("C", 65_000, -2)]
    found = crossings(question(legs, 5_000), "price")
    signs = [crossing.above for crossing in found]
    assert signs == [bool(n % 2) for n in range(len(signs))] or signs == [
        not n % 2 for n in range(len(signs))
    ]


@pytest.mark.parametrize("coin", [False, True])
def test_the_crossing_of_a_plain_perpetual_is_the_closed_form(coin: bool) -> None:
    """Linear: E + q (f - 1) P = .8 q .1 f P. Inverse of n coins: cash + n (1 - 1/f) = .8 n/f (1/.9 - 1)."""
    (crossing,) = crossings(question([("F", 0, 1)], 1 if coin else 10_000, coin=coin), "price")
    if coin:
        expected = (1 + 0.8 * (1 / 0.9 - 1)) / 2
    else:
        expected = (1 - 10_000 / SPOT) / (1 - 0.08)
    assert crossing.factor == pytest.approx(expected, rel=1e-8) and crossing.above


@given(
    st.lists(
        st.tuples(
            st.sampled_from("CPF"), st.sampled_from([45e3, 55e3, 60e3, 66e3, 80e3]), st.integers(-4, 4)
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda leg: leg[:2],
    ),
    st.integers(-20_000, 60_000),
)
@settings(max_examples=15, deadline=None)
def test_every_crossing_of_a_fine_walk_is_found(legs: list[tuple[str, float, float]], cash: int) -> None:
    asked = question(legs, cash)
    factors = np.exp(np.linspace(math.log(0.2), math.log(5.0), 1_201))
    values = [health_at(asked, price=factor) for factor in factors]
    met = [value >= 0 for value in values]
    # Worthless legs flicker between nought and an atom below it: a change of sign that is rounding alone.
    atoms = len(legs) + 2
    walked = [
        (factors[n], factors[n + 1], met[n + 1])
        for n in range(1_200)
        if met[n] != met[n + 1] and max(abs(values[n]), abs(values[n + 1])) > atoms
    ]
    found = crossings(asked, "price")
    for low, high, above in walked:
        assert any(low <= one.factor <= high and one.above == above for one in found)
    assert all(one.above != other.above for one, other in pairwise(found))


def test_the_map_is_the_statement_at_every_point() -> None:
    asked = question([("P", 50_000, -1), ("F", 0, 0.5)], 9_000)
    prices, vols = np.array([0.7, 1.0, 1.2]), np.array([1.0, 2.0])
    drawn = health_map(asked, prices, vols)
    assert drawn.shape == (2, 3)
    assert drawn[1, 0] == health_at(asked, 0.7, 2.0) < drawn[0, 1] == health_at(asked)


def test_the_underlying_held_as_collateral_moves_with_it_though_no_scenario_shocks_it() -> None:
    asked = question([("F", 0, -1.0)], 0)
    coin = Position(contract=Contract(name="BTC", kind="spot", underlying="BTC"), size_steps=10**9)
    held = msgspec.structs.replace(asked.portfolio, positions=(*asked.portfolio.positions, coin))
    market = msgspec.structs.replace(asked.market, marks={**asked.market.marks, "BTC": SPOT})
    hedged = msgspec.structs.replace(asked, portfolio=held, market=market)
    lost = health_at(hedged) - health_at(hedged, price=0.5)
    assert abs(lost + health_margin(asked) - health_margin(asked, 0.5)) <= 2  # only the requirement moved


def health_margin(asked: Question, price: float = 1.0) -> int:
    """What the short perpetual alone is asked for: its profit less its health."""
    gained = round((1.0 - price) * SPOT * 10**8)
    return gained - health_at(asked, price=price)


def test_what_is_not_known_is_said() -> None:
    asked = question([("P", 50_000, -1)], 9_000)
    with pytest.raises(InputError, match="range"):
        crossings(asked, "price", 2.0, 1.0)
    with pytest.raises(InputError, match="unknown"):
        broken = MarketInputs(underlyings=asked.market.underlyings)
        health_at(Question(**{**{f: getattr(asked, f) for f in asked.__struct_fields__}, "market": broken}))
