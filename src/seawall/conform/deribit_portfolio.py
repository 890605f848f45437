"""Deribit's portfolio margin: risk matrices of futures, extended table, volatility shocks, old contingencies.

A future's results are the same under each volatility move, so one of them is answered. Where a vector gives
no time to an expiry, the roll shock's yearly part cannot be reckoned: its minimum stands, as the file says.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import msgspec

from seawall.conform.model import Vector
from seawall.conform.portfolio_bench import Account, Judged, grid, own_rules, ppb
from seawall.conform.reading import Adapter, Answer, as_number, find, number, numbers
from seawall.errors import Unsupported
from seawall.margin.portfolio import charges as rule
from seawall.margin.portfolio.contingencies import naked_shorts, of_naked_shorts, of_size
from seawall.margin.portfolio.inputs import ExpiryQuote, UnderlyingQuote
from seawall.margin.portfolio.model import (
    PPB,
    Netting,
    PortfolioRules,
    Scenario,
    UnderlyingRules,
    VolShock,
    extended,
)
from seawall.margin.portfolio.results import count
from seawall.margin.portfolio.values import shocked_vols
from seawall.rulebooks.load_portfolio import load_portfolio_rulebook

BOOK = "deribit-pm@2024-06-17"
DATED = re.compile(r"-(\d{1,2}[A-Z]{3}\d{2})$")
GIVEN = ("mmp_margin", "open_orders_margin", "spot_margin")
EXTENDED = tuple(Fraction(move, 100) for move in (-66, -33, 50, 100, 200, 300, 400, 500))
LEGACY_POWER = 500_000_000  # until 2019: the square root of 30 days over days to go


def _rules(own: UnderlyingRules, maintenance: Fraction | None = None) -> PortfolioRules:
    rules = load_portfolio_rulebook(BOOK).rules
    levels = rules.levels
    if maintenance is not None:
        levels = tuple(
            msgspec.structs.replace(level, factor_ppb=ppb(maintenance))
            if level.name == "maintenance"
            else level
            for level in levels
        )
    return msgspec.structs.replace(rules, underlyings={"BTC": own}, levels=levels)


def _moves(reach: Fraction, buckets: int) -> list[Fraction]:
    return [reach * step / buckets for step in range(-buckets, buckets + 1)]


def _account(vector: Vector, *, netted: bool) -> Account:
    """The positions under the vector's own grid; gains at their share, or in full."""
    given = vector.inputs
    reach = number(given, "price_range")
    buckets = int(number(given, "buckets_count", "buckets", default=4))
    share = number(given, "pnl_offset", default=1) if netted else Fraction(1)
    minimum, annual = (
        number(given, "min_annualised_move", default=0),
        number(given, "annualised_move_risk", default=0),
    )
    held = find(given, "positions")
    if not isinstance(held, dict):
        raise Unsupported("positions is not a table of instrument and size")
    years = {name: _years(given, name) for name in held}
    if any(years[name] is None and DATED.search(name) for name in held):
        annual = Fraction(0)
    scenarios = {"standard": grid(_moves(reach, buckets)), "extended": _extended(given, damped=netted)}
    own = own_rules(
        BOOK,
        "BTC",
        scenarios=scenarios,
        netting=Netting(gain_share_ppb=ppb(share)),
        charges=(
            rule.WorstLoss(name="risk_matrix", sets=tuple(scenarios)),
            rule.RollShock(name="roll_shock", minimum_ppb=ppb(minimum), annual_ppb=ppb(annual)),
            *(rule.Given(name=name) for name in GIVEN),
        ),
    )
    account = Account("BTC", _rules(own, number(given, "mm_factor", default=Fraction(4, 5))))
    account.given = {name: number(given, name, default=0) for name in GIVEN}
    for name, size in held.items():
        dated = DATED.search(name)
        if dated:
            account.expiries[dated[1]] = ExpiryQuote(years=years[name] or 1.0, forward=1.0)
        contract = account.contract(
            name, "future" if dated else "perpetual", expiry=dated[1] if dated else ""
        )
        account.hold(contract, as_number(size, name), mark=1)
    return account


def _extended(given: dict[str, Any], *, damped: bool) -> tuple[Scenario, ...]:
    """The moves beyond the range, where the vector says how they are damped."""
    if find(given, "extended_dampener", "dampener") is None or find(given, "index", "index_price") is None:
        return ()
    moves = numbers(given, "moves") if find(given, "moves") is not None else list(EXTENDED)
    dampener = number(given, "extended_dampener", "dampener") if damped else Fraction(0)
    return tuple(
        extended(
            ppb(move),
            reach_ppb=ppb(number(given, "price_range")),
            factor_ppb=ppb(number(given, "extended_table_factor", default=1)),
            dampener_usd_e9=ppb(dampener),
        )
        for move in moves
    )


def _years(given: dict[str, Any], name: str) -> float | None:
    """`T_28JUN24_days`, by the end of the instrument's name."""
    told = find(given, f"T_{name.rsplit('-', 1)[-1]}_days")
    return None if told is None else float(as_number(told, "days") / 365)


def _judge(account: Account, given: dict[str, Any]) -> Judged:
    """Only damping is in dollars: without it, margins in coin do not depend on the index."""
    largest = max((abs(size) for _, size in account.held), default=Fraction(1))
    spot = number(given, "index", "index_price", default=1)
    return account.judge(spot=spot, largest=10 * largest + 10)


def risk_matrix(vector: Vector) -> Answer:
    """Result of every position and of all of them, and what they are asked for."""
    account = _account(vector, netted=True)
    judged = _judge(account, vector.inputs)
    answer: Answer = {}
    for contract, size in account.held:
        alone = _account(vector, netted=False)
        alone.held = [(contract, size)]
        found = _judge(alone, vector.inputs)
        results = found.results("standard")
        word = "perp" if contract.kind == "perpetual" else "future"
        for key in (word, f"{word}_standard", contract.name, f"{contract.name}_standard"):
            answer.setdefault(key, results)
        answer.setdefault(f"{word}_extended", found.results("extended"))
    plain = _judge(_account(vector, netted=False), vector.inputs)
    for key in ("pre_aggregate", "pre_aggregated", "pre_aggregated_standard"):
        answer[key] = plain.results("standard")
    for key in ("aggregate", "aggregated", "aggregated_standard"):
        answer[key] = judged.results("standard")
    answer["pre_aggregated_extended"] = plain.results("extended")
    answer["aggregated_extended"] = judged.results("extended")
    answer["worst_case"] = judged.charge("risk_matrix")
    answer["roll_shock"] = judged.charge("roll_shock")
    answer["delta_shock"] = 0
    answer["risk_matrix_margin"] = answer["worst_case"] + answer["roll_shock"]
    answer["initial_margin"] = judged.requirement("initial")
    answer["maintenance_margin"] = judged.requirement("maintenance")
    return answer


def extended_table(vector: Vector) -> Answer:
    """One future beyond the range: as it stands, and after damping and the share of gains."""
    given = {"extended_dampener": 0, "index": 1, **vector.inputs}
    answer: Answer = {}
    for damped in (False, True):
        share = number(given, "pnl_offset", default=1) if damped else Fraction(1)
        own = own_rules(
            BOOK,
            "BTC",
            scenarios={"extended": _extended(given, damped=damped)},
            netting=Netting(gain_share_ppb=ppb(share)),
            charges=(rule.WorstLoss(name="risk_matrix", sets=("extended",)),),
        )
        account = Account("BTC", _rules(own))
        size = number(given, "position", "size")
        account.hold(account.contract("BTC-PERPETUAL", "perpetual"), size, mark=1)
        judged = _judge(account, given)
        names = (
            ("aggregated_extended", "extended") if damped else ("initial_extended", "pre_aggregated_extended")
        )
        for name in names:
            answer[name] = judged.results("extended")
    return answer


def dampened(vector: Vector) -> Answer:
    """Results in dollars drawn towards zero."""
    given = vector.inputs
    reach, dampener = ppb(number(given, "price_range")), ppb(number(given, "dampener"))
    quote = UnderlyingQuote(spot=1.0, decimals=9)
    found = []
    for entry in given["cases"]:
        result, move = (as_number(value, "case") for value in entry)
        scenario = msgspec.structs.replace(
            extended(ppb(move), reach_ppb=reach, dampener_usd_e9=dampener), weight_ppb=PPB
        )
        found.append(Fraction(count(ppb(result), scenario, UnderlyingRules(scenarios={}), quote), PPB))
    return {"pnl": found}


def vol_rows(vector: Vector) -> Answer:
    """Both shocks at the days that are asked for."""
    given = vector.inputs
    shock = VolShock(
        up_ppb=ppb(number(given, "vol_range_up")),
        down_ppb=ppb(number(given, "vol_range_down")),
        short_power_ppb=ppb(number(given, "short_term_vega_power")),
        long_power_ppb=ppb(number(given, "long_term_vega_power")),
        up_floor_ppb=ppb(number(given, "min_vol_up", "min_volatility_for_shock_up", default=0)),
    )
    rows = []
    for row in vector.expected["rows"]:
        days, vol = row["days"], row.get("iv", given.get("iv"))
        up, down = shocked_vols(float(vol), float(as_number(days, "days") / 365), shock)
        rows.append({"days": days, "iv": vol, "up": up, "down": down})
    return {"rows": rows}


def absolute_shock(vector: Vector) -> Answer:
    """How far volatility itself moved under the rules until 2019."""
    given = vector.inputs
    base, power = number(given, "base"), ppb(number(given, "power", default=Fraction(LEGACY_POWER, PPB)))
    days = numbers(given, "days", "dte")
    shock = VolShock(kind="absolute", up_ppb=ppb(base), short_power_ppb=power, long_power_ppb=power)
    moves = [shocked_vols(0.0, float(day / 365), shock)[0] for day in days]
    return {"shock": moves, "iv_move": moves[0]}


def old_contingencies(vector: Vector) -> Answer:
    """1 % of options, 2 % and 1 % of offset futures, 1 % per option short and not covered at a strike."""
    given, one = vector.inputs, Fraction(1)
    options, futures = number(given, "options_gross"), number(given, "fut_offset")
    naked = naked_shorts([(number(given, "strike_calls"), number(given, "strike_puts"))])
    percent = PPB // 100
    return {
        "opt_1pct": of_size([options], rate_ppb=percent, price=one),
        "fut_2pct": of_size([futures], rate_ppb=2 * percent, price=one),
        "net_short_cont": of_naked_shorts(naked, rate_ppb=percent, price=one),
        "fut_1pct": of_size([futures], rate_ppb=percent, price=one),
    }


ADAPTERS = (
    Adapter("margin.deribit_pm", ("positions", "price_range", "min_annualised_move"), risk_matrix),
    Adapter("deribit-pm", ("positions", "price_range", "min_annualised_move"), risk_matrix),
    Adapter("margin.deribit_", ("price_range", "dampener", "cases"), dampened),
    Adapter("margin.deribit_", ("position|size", "price_range"), extended_table),
    Adapter("deribit-pm", ("position|size", "price_range"), extended_table),
    Adapter("margin.deribit_vol_shock", ("iv", "vol_range_up", "vol_range_down"), vol_rows),
    Adapter("margin.deribit_vol_shock", ("base", "days|dte"), absolute_shock),
    Adapter("deribit-pm", ("base", "days|dte"), absolute_shock),
    Adapter("deribit-pm", ("options_gross", "fut_offset", "strike_calls", "strike_puts"), old_contingencies),
)
