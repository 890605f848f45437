"""Grids of exchanges: coin-settled options against mpmath, netting, charges, and Deribit's extended table."""

from __future__ import annotations

from fractions import Fraction

import mpmath as mp
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.margin.portfolio import contingencies as found
from seawall.margin.portfolio.charges import Step, WorstLoss
from seawall.margin.portfolio.evaluate import evaluate
from seawall.margin.portfolio.inputs import (
    Contract,
    ExpiryQuote,
    MarketInputs,
    Portfolio,
    Position,
    UnderlyingQuote,
)
from seawall.margin.portfolio.model import (
    PPB,
    Netting,
    PortfolioLevel,
    PortfolioRules,
    Scenario,
    UnderlyingRules,
    extended,
)
from seawall.margin.portfolio.results import count, net
from seawall.rulebooks.load_portfolio import load_portfolio_rulebook

DAYS = (3, 45, 200)


def market(vols, *, base="BTC", decimals=12):
    expiries = {str(days): ExpiryQuote(years=days / 365, forward=60_000.0 + days) for days in DAYS}
    quote = UnderlyingQuote(spot=60_000.0, decimals=decimals, expiries=expiries)
    marks = {"PERP": 60_010.0, "FUT": 60_045.0}
    return MarketInputs(underlyings={base: quote}, vols=vols, marks=marks)


def option(days, strike, call, base="BTC"):
    name = f"{base}-{days}-{strike}-{call}"
    return Contract(
        name=name, kind="option", underlying=base, expiry=str(days), strike=float(strike), is_call=call
    )


def mp_black(forward, strike, years, vol, call):
    deviation = vol * mp.sqrt(years)
    if deviation == 0:
        return max(forward - strike, 0) if call else max(strike - forward, 0)
    d1 = mp.log(forward / strike) / deviation + deviation / 2
    sign = 1 if call else -1
    return sign * (forward * mp.ncdf(sign * d1) - strike * mp.ncdf(sign * (d1 - deviation)))


def coin_result(legs, move, vol_move, rules, weight=1, restated=None):
    """A coin-settled scenario in 30 digits: options by Black over the shocked forward, futures inverse."""
    total = mp.mpf(0)
    for contract, size, vol in legs:
        if contract.kind != "option":
            total += size * (1 - 1 / (1 + mp.mpf(move)))
            continue
        days = int(contract.expiry)
        power = rules.vol.short_power_ppb if days <= 30 else rules.vol.long_power_ppb
        time = (mp.mpf(30) / days) ** (mp.mpf(power) / PPB)
        up = max(vol * (1 + rules.vol.up_ppb * time / PPB), mp.mpf(rules.vol.up_floor_ppb) / PPB)
        moved = {"up": up, "same": vol, "down": vol * max(1 - rules.vol.down_ppb * time / PPB, 0)}[vol_move]
        forward, years = mp.mpf(60_000 + days), mp.mpf(days) / 365
        shocked = forward * (1 + mp.mpf(move))
        terms = (contract.strike, years)
        total += size * (
            mp_black(shocked, *terms, moved, contract.is_call) / shocked
            - mp_black(forward, *terms, vol, contract.is_call) / forward
        )
    if restated is not None:
        total *= weight * (1 + mp.mpf(move)) / (1 + mp.mpf(restated))
    return total


def test_coin_settled_results_are_those_of_thirty_digits():
    mp.mp.dps = 30
    rules = load_portfolio_rulebook("deribit-pm@2024-06-17").rules
    whole = msgspec.structs.replace(rules.underlyings["BTC"], netting=Netting())
    off = tuple(msgspec.structs.replace(s, damping_usd_e9=0) for s in whole.scenarios["extended"])
    whole = msgspec.structs.replace(whole, scenarios=whole.scenarios | {"extended": off})
    rules = msgspec.structs.replace(rules, underlyings={"BTC": whole})
    perp = Contract(name="PERP", kind="perpetual", underlying="BTC")
    legs = [
        (option(3, 61_000, True), -7, 0.9),
        (option(45, 52_000, False), -3, 0.65),
        (option(200, 90_000, True), 11, 0.6),
        (option(200, 40_000, False), 2, 0.8),
        (perp, 5, None),
    ]
    held = tuple(Position(contract=contract, size_steps=size * 10**9) for contract, size, _ in legs)
    vols = {contract.name: vol for contract, _, vol in legs if vol}
    node = evaluate(Portfolio(positions=held), market(vols), rules).node("BTC")
    assert len(node.lines) == 35
    for line in node.lines:
        scenario = line.scenario
        restated = None if scenario.restated_ppb is None else mp.mpf(scenario.restated_ppb) / PPB
        move, weight = mp.mpf(scenario.spot_ppb) / PPB, mp.mpf(scenario.weight_ppb) / PPB
        want = coin_result(legs, move, scenario.vol, whole, weight, restated)
        assert abs(mp.mpf(line.result_atoms) / 10**12 - want) < 40e-12  # an atom per step of rounding


def test_beyond_the_range_an_inverse_future_stands_where_the_range_ends():
    rules = load_portfolio_rulebook("deribit-pm@2024-06-17").rules
    own = msgspec.structs.replace(rules.underlyings["BTC"], netting=Netting())
    edge = {0.16: 1 - 1 / 1.16, -0.16: 1 - 1 / 0.84}
    for scenario in own.scenarios["extended"]:
        undamped = msgspec.structs.replace(scenario, damping_usd_e9=0)
        move = scenario.spot_ppb / PPB
        raw = int((1 - 1 / (1 + move)) * 10**12)
        counted = count(raw, undamped, own, UnderlyingQuote(spot=60_000.0, decimals=12)) / 10**12
        assert counted == pytest.approx(edge[0.16 if move > 0 else -0.16], rel=1e-8)


def test_damping_draws_towards_zero_and_never_beyond():
    own, quote = UnderlyingRules(scenarios={}), UnderlyingQuote(spot=1.0, decimals=2)
    scenario = msgspec.structs.replace(
        extended(-660_000_000, reach_ppb=160_000_000, dampener_usd_e9=25_000 * PPB), weight_ppb=PPB
    )
    assert [count(usd * 100, scenario, own, quote) / 100 for usd in (-100_000, -50_000, 90_000, 40_000)] == [
        -21_875, 0, 11_875, 0,
    ]  # fmt: skip


results = st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=8)


@given(results, st.integers(0, PPB), st.one_of(st.none(), st.integers(0, 10**12)))
def test_netting_counts_losses_in_full_and_never_more_than_all_gains(children, share, cap):
    rule = Netting(gain_share_ppb=share, gain_cap_usd_e9=cap)
    losses = sum(child for child in children if child < 0)
    counted = net(children, rule, Fraction(1), 9)
    assert losses <= counted <= sum(children)
    assert counted - losses <= (10**30 if cap is None else cap)
    assert net(children, Netting(), Fraction(1), 9) == sum(children)


def two_nodes(account, share):
    grid = tuple(Scenario(spot_ppb=move * 10**7) for move in (-10, 0, 10))
    own = UnderlyingRules(
        scenarios={"grid": grid},
        netting=Netting(gain_share_ppb=share),
        charges=(WorstLoss(name="scan", sets=("grid",)),),
    )
    return PortfolioRules(
        numeraire="USD",
        account=account,
        levels=(PortfolioLevel(name="initial", largest=("scan",)),),
        underlyings={"A": own, "B": own},
    )


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(0, PPB))
def test_underlyings_that_meet_are_never_asked_for_more_than_apart(a, b, share):
    held = tuple(
        Position(contract=Contract(name=name, kind="perpetual", underlying=name), size_steps=size * 10**9)
        for name, size in (("A", a), ("B", b))
    )
    quote = UnderlyingQuote(spot=100.0)
    at = MarketInputs(underlyings={"A": quote, "B": quote}, marks={"A": 100.0, "B": 50.0})
    asked = {
        account: evaluate(Portfolio(positions=held), at, two_nodes(account, share)).levels["initial"]
        for account in ("sum", "shared")
    }
    assert asked["shared"] <= asked["sum"]
    if share == 0:
        assert (
            asked["shared"]
            == max(
                sum(max(-size * price // 10, 0) for size, price in ((a, 100), (b, 50))),
                sum(max(size * price // 10, 0) for size, price in ((a, 100), (b, 50))),
            )
            * 10**8
        )


def test_naked_shorts_are_counted_per_strike():
    one = Fraction(1)
    assert found.naked_shorts([(-3 * one, 2 * one)]) == 1
    assert found.naked_shorts([(10 * one, -20 * one)]) == 10
    assert found.naked_shorts([(-3 * one, -2 * one), (5 * one, 5 * one)]) == 5


@given(st.fractions(0, 10**6), st.fractions(0, 10**6))
def test_a_ladder_of_charges_rises_and_is_continuous(low, high):
    steps = (
        Step(up_to_usd_e9=10_000 * PPB, times_ppb=PPB),
        Step(up_to_usd_e9=70_000 * PPB, times_ppb=2 * PPB),
        Step(up_to_usd_e9=None, times_ppb=4 * PPB),
    )
    low, high = sorted((low, high))
    rise = found.of_steps(high, steps) - found.of_steps(low, steps)
    assert high - low <= rise <= 4 * (high - low)
    assert found.of_steps(Fraction(30_000), steps) == 50_000  # OKX's example


def test_coin_nodes_take_no_collateral_and_rules_that_do_not_cover_options_say_so():
    deribit = load_portfolio_rulebook("deribit-pm@2024-06-17").rules
    held = Position(contract=Contract(name="USDT", kind="spot", underlying="BTC"), size_steps=10**9)
    at = market({})
    at = msgspec.structs.replace(at, marks={"USDT": 1.0})
    assert "settled in coin" in evaluate(Portfolio(positions=(held,)), at, deribit).unknown[0]
    okx = load_portfolio_rulebook("okx-pm").rules
    short = option(45, 60_000, True)
    refused = evaluate(
        Portfolio(positions=(Position(contract=short, size_steps=1),)), market({short.name: 0.5}), okx
    )
    assert "do not cover" in refused.unknown[0] and refused.levels == {"maintenance": None, "initial": None}


def test_a_delta_shock_begins_at_its_threshold_and_ends_at_its_cap():
    terms = {"threshold": Fraction(20_000_000), "slope": Fraction(1, 10**9), "cap_ppb": PPB // 10}
    price = Fraction(50_000)
    assert found.of_delta(Fraction(400), price=price, **terms) == 0
    assert found.of_delta(Fraction(-1_000), price=price, **terms) == 50_000_000 * Fraction(3, 100)
    assert found.of_delta(Fraction(4_000), price=price, **terms) == 200_000_000 // 10


@pytest.mark.parametrize(
    ("strike", "call", "size", "gap"), [(1_400, True, -1, 96), (3_000, False, -1.5, 145)]
)
def test_pm1_multiplies_static_contingencies_with_the_loss(strike, call, size, gap):
    """Published: initial margins 96 and 145 below maintenance; spot taken as 2,000, factor 1.3, naked 1 %."""
    rules = load_portfolio_rulebook("derive-pm1").rules
    own = rules.underlyings["ETH"]
    grid = tuple(s for s in own.scenarios["regular"] if abs(s.spot_ppb) <= 150_000_000)
    naked = tuple(
        msgspec.structs.replace(c, rate_ppb=10_000_000) if c.name == "option" else c for c in own.charges
    )
    own = msgspec.structs.replace(own, scenarios={"regular": grid}, charges=naked)
    levels = tuple(
        msgspec.structs.replace(level, factor_ppb=1_300_000_000) if level.name == "initial" else level
        for level in rules.levels
    )
    rules = msgspec.structs.replace(rules, underlyings={"ETH": own}, levels=levels)
    contract = Contract(
        name="o", kind="option", underlying="ETH", expiry="e", strike=float(strike), is_call=call
    )
    quote = UnderlyingQuote(spot=2_000.0, expiries={"e": ExpiryQuote(years=14 / 365, forward=2_000.0)})
    held = Position(contract=contract, size_steps=int(size * 10**9))
    node = evaluate(
        Portfolio(positions=(held,)),
        MarketInputs(underlyings={"ETH": quote}, vols={"o": 0.5}),
        rules,
    ).node("ETH")
    found = node.level("initial").requirement_atoms - node.level("maintenance").requirement_atoms
    assert found / 10**8 == pytest.approx(gap, abs=1)
