"""Derive PM2 against a slow model of the published formulas, and what must hold of any portfolio."""

from __future__ import annotations

import random

import msgspec
import pytest

from seawall.margin.portfolio.evaluate import evaluate, value_books
from seawall.margin.portfolio.inputs import MarketInputs, Portfolio
from tests.margin.portfolios import PARAMETERS, inputs_of, random_case, rules_of
from tests.oracles.portfolio_margin import pm2


def judge(case, parameters=PARAMETERS):
    portfolio, market = inputs_of(case)
    return evaluate(portfolio, market, rules_of(case, parameters)).node("BTC")


@pytest.mark.parametrize("seed", range(25))
def test_margins_agree_with_the_slow_model(seed):
    legs = random.Random(seed).choice([1, 7, 60, 300])
    case = random_case(seed, legs)
    want, node = pm2(case, PARAMETERS), judge(case)
    unit = 10**node.decimals
    worst = -max(node.charges["worst"], node.charges["basis"]) / unit
    assert worst == pytest.approx(want["worst"], rel=1e-9, abs=1e-5)
    gross = sum(abs(leg.value_atoms) for leg in node.legs) / unit
    near = max(1e-9 * abs(want["worst"]), 1e-12 * gross, 1e-5)
    assert node.level("maintenance").health_atoms / unit == pytest.approx(want["MM"], rel=1e-9, abs=near)
    assert node.level("initial").health_atoms / unit == pytest.approx(want["IM"], rel=1e-9, abs=near)
    assert -node.charges["basis"] / unit == pytest.approx(want["basis"], rel=1e-9, abs=1e-5)


def test_an_empty_account_is_asked_for_nothing():
    case = random_case(3, 0) | {"perps": 0.0, "collaterals": [], "upnl": 0.0, "cash": 0.0}
    node = judge(case)
    assert node.equity_atoms == 0
    assert {line.requirement_atoms for line in node.levels} == {0}


@pytest.mark.parametrize("seed", range(5))
def test_twice_the_portfolio_is_asked_for_twice_as_much(seed):
    case = random_case(seed, 40)
    double = dict(case, options=[*case["options"], *case["options"]], perps=2 * case["perps"])
    double["collaterals"] = [dict(entry, size=2 * entry["size"]) for entry in case["collaterals"]]
    once, twice = judge(case), judge(double)
    for level in ("initial", "maintenance"):
        asked = 2 * once.level(level).requirement_atoms
        assert twice.level(level).requirement_atoms == pytest.approx(asked, rel=1e-9, abs=1_000)


@pytest.mark.parametrize("seed", range(5))
def test_more_scenarios_never_ask_for_less(seed):
    case = random_case(seed, 40)
    fewer = dict(case, scenarios=case["scenarios"][:12])
    assert judge(fewer).charges["worst"] <= judge(case).charges["worst"]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_positions_changes_no_atom(seed):
    case = random_case(seed, 40)
    portfolio, market = inputs_of(case)
    shuffled = list(portfolio.positions)
    random.Random(seed).shuffle(shuffled)
    other = msgspec.structs.replace(portfolio, positions=tuple(shuffled))
    rules = rules_of(case, PARAMETERS)
    one, two = (evaluate(held, market, rules).node("BTC") for held in (portfolio, other))
    assert one.lines == two.lines and one.charges == two.charges and one.levels == two.levels


def test_legs_of_the_worst_scenario_add_up_to_it():
    case = random_case(1, 30)
    off = PARAMETERS | {"long_base": 1.0, "long_add": 0.0, "short_base": 1.0, "short_add": 0.0}
    off["vol_floor"] = 0.0
    case["feeds"] = {name: feed | {"rate": 0.0} for name, feed in case["feeds"].items()}
    case["scenarios"] = [s for s in case["scenarios"] if s[2] == 1.0 and not s[1].startswith("skew")]
    node = judge(case, off)
    assert sum(leg.worst_atoms for leg in node.legs) == node.worst.result_atoms


@pytest.mark.parametrize("what", ["vol", "forward", "mark", "spot", "expiry", "underlying"])
def test_a_price_that_is_not_known_makes_the_account_unknown(what):
    case = random_case(4, 5) | {"perps": 25.0}
    portfolio, market = inputs_of(case)
    quote = market.underlyings["BTC"]
    expiry = portfolio.positions[0].contract.expiry
    broken = {
        "vol": msgspec.structs.replace(market, vols={}),
        "mark": msgspec.structs.replace(market, marks=market.marks | {"PERP": float("nan")}),
        "underlying": MarketInputs(underlyings={}),
    }
    feed = quote.expiries[expiry]
    quotes = {
        "forward": quote.expiries | {expiry: msgspec.structs.replace(feed, forward=float("nan"))},
        "expiry": {},
    }
    if what in quotes:
        changed = msgspec.structs.replace(quote, expiries=quotes[what])
        broken[what] = msgspec.structs.replace(market, underlyings={"BTC": changed})
    if what == "spot":
        changed = msgspec.structs.replace(quote, spot=0.0)
        broken[what] = msgspec.structs.replace(market, underlyings={"BTC": changed})
    found = evaluate(portfolio, broken[what], rules_of(case, PARAMETERS))
    assert found.unknown and found.node("BTC").levels == ()
    assert set(found.levels.values()) <= {None}


def test_an_underlying_without_rules_is_unknown():
    case = random_case(4, 5)
    portfolio, market = inputs_of(case)
    rules = msgspec.structs.replace(rules_of(case, PARAMETERS), underlyings={})
    assert "do not name" in evaluate(portfolio, market, rules).unknown[0]
    assert evaluate(Portfolio(), market, rules).unknown == ()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["skew_linear", "skew_absolute"])
def test_a_skew_costs_whichever_way_it_falls(seed, kind):
    """Alone it is the worst scenario: of a long portfolio, where it gains, and of a short one."""
    case = random_case(seed, 25)
    case["scenarios"] = [(0.0, kind, 1.0)]
    for side in (1, -1):
        case["options"] = [option | {"size": side * abs(option["size"])} for option in case["options"]]
        want, node = pm2(case, PARAMETERS | {"basis_add": 0.0, "basis_mult": 0.0}), judge(case)
        assert -node.charges["worst"] / 10**node.decimals == pytest.approx(want["worst"], rel=1e-9, abs=5e-7)
        assert node.charges["worst"] > 0


def test_a_long_skew_cap_does_not_turn_around():
    """cap = 0.25 - 0.1 sqrt(T) ends at zero for very long options: the skew then moves nothing."""
    case = random_case(1, 4)
    case["feeds"] = {name: feed | {"years": 9.0, "fixed": 0.0} for name, feed in case["feeds"].items()}
    case["scenarios"] = [(0.0, "skew_absolute", 1.0)]
    off = PARAMETERS | {"long_base": 1.0, "long_add": 0.0, "short_base": 1.0, "short_add": 0.0}
    assert judge(case, off).charges["worst"] == 0


def test_contracts_valued_once_serve_every_account():
    case = random_case(2, 30)
    portfolio, market = inputs_of(case)
    rules = rules_of(case, PARAMETERS)
    books = value_books((held.contract for held in portfolio.positions), market, rules)
    for start in range(0, 30, 7):
        part = msgspec.structs.replace(portfolio, positions=portfolio.positions[start : start + 9])
        assert evaluate(part, market, rules, books) == evaluate(part, market, rules)
    unpriced = msgspec.structs.replace(market, vols={})
    assert value_books((held.contract for held in portfolio.positions), unpriced, rules)[
        "BTC"
    ].contracts.keys() == {held.contract for held in portfolio.positions if held.contract.kind != "option"}
    assert evaluate(portfolio, unpriced, rules, books).unknown
