"""Derive's portfolio margins 1 and 2: volatility multiples, results by leg, contingencies, whole portfolios.

Margins come back as the venue prints them: what is left after the requirement, below zero where it is not
met; charges and losses below zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from seawall.conform.compare import names_asked
from seawall.conform.derive_case import Given, fill, flattened
from seawall.conform.derive_rules import case_rules
from seawall.conform.model import Vector
from seawall.conform.portfolio_bench import Account, Judged, own_rules, ppb
from seawall.conform.reading import Adapter, Answer, as_number, flat, number
from seawall.errors import Unsupported
from seawall.margin.portfolio.contingencies import factor_of, of_confidence
from seawall.margin.portfolio.inputs import Contract, ExpiryQuote
from seawall.margin.portfolio.model import PortfolioRules, Scenario, UnderlyingRules, VolShock
from seawall.margin.portfolio.values import shocked_vols
from seawall.rulebooks.load_portfolio import load_portfolio_rulebook

PM1, PM2 = ("derive-pm1", "ETH"), ("derive-pm2", "BTC")
LEG = re.compile(r"(long|short) (\d+(?:\.\d+)?)([CP]) \((\d+(?:\.\d+)?)%\)")
MOVES = {"up": "up", "u": "same", "down": "down"}


def vol_multiple(vector: Vector) -> Answer:
    """How many times its size volatility is after the upward shock."""
    given = vector.inputs
    power = ppb(number(given, "power", "power_printed"))
    shock = VolShock(up_ppb=ppb(number(given, "range")), short_power_ppb=power, long_power_ppb=power)
    return {"mult": shocked_vols(1.0, float(number(given, "dte") / 365), shock)[0]}


def results_by_leg(vector: Vector) -> Answer:
    """Gain of each leg that the description names, under each row of moves."""
    given = vector.inputs
    legs = LEG.findall(vector.description)
    if not legs:
        raise Unsupported("the description names no legs like 'long 1800C (60%)'")
    power = ppb(number(given, "vega_power"))
    scenarios = []
    for entry in given["rows"]:
        vol = MOVES.get(str(entry[1]).lower())
        if vol is None:
            raise Unsupported(f"a row moves volatility {entry[1]!r}")
        move = ppb(as_number(entry[0], "move"))
        scenarios.append(Scenario(spot_ppb=move, vol=vol))  # type: ignore[arg-type]
    own = UnderlyingRules(
        scenarios={"rows": tuple(scenarios)},
        vol=VolShock(up_ppb=ppb(number(given, "vol_range_up")), short_power_ppb=power, long_power_ppb=power),
    )
    rules = PortfolioRules(numeraire="USDC", levels=(), underlyings={"ETH": own})
    columns = []
    for side, strike, right, vol in legs:
        account = Account("ETH", rules)
        account.expiries["T"] = ExpiryQuote(
            years=float(number(given, "T_days") / 365),
            forward=float(number(given, "forward")),
            rate=float(number(given, "rate", default=0)),
        )
        contract = account.contract("leg", "option", expiry="T", strike=float(strike), is_call=right == "C")
        account.hold(contract, Fraction(1 if side == "long" else -1), vol=Fraction(vol) / 100)
        judged = account.judge(spot=number(given, "forward"), largest=100 * number(given, "forward"))
        columns.append(judged.results("rows"))
    return {"pnl_call_put": [list(row) for row in zip(*columns)]}


def oracle_and_depeg(vector: Vector) -> Answer:
    """What an uncertain feed costs, and the factor on the loss when the stable coin is below its peg."""
    given = vector.inputs
    charge = next(entry for entry in own_rules(*PM1).charges if entry.name == "confidence")
    level = load_portfolio_rulebook(PM1[0]).rules.level("initial")
    notional = number(given, "opts") * number(given, "spot")
    cost = of_confidence(
        [(notional, number(given, "conf"))],
        threshold_ppb=charge.threshold_ppb,  # type: ignore[union-attr]
        factor_ppb=charge.factor_ppb,  # type: ignore[union-attr]
    )
    factor = factor_of(
        factor_ppb=level.factor_ppb,
        slope_ppb=level.depeg_slope_ppb,
        below_ppb=level.depeg_below_ppb,
        stable=number(given, "usdc", "stable"),
    )
    return {"oracle": -cost, "mfactor": factor}


def _sets(judged: Judged, name: str) -> Fraction:
    return min(judged.results(name), default=Fraction(0))


def _names(judged: Judged) -> dict[str, Callable[[], Any]]:
    """What a case may ask for, by its flat name."""
    node = judged.node

    def cost(*names: str) -> Callable[[], Fraction]:
        known = [name for name in names if name in node.charges]
        return lambda: -sum((judged.charge(name) for name in known), Fraction(0))

    worst = lambda: -max(judged.charge("scenarios"), judged.charge("forward"))  # noqa: E731
    named: dict[str, Callable[[], Any]] = {
        "im imhand initialmargin initial": lambda: judged.health("initial"),
        "mm mmhand maintenancemargin maintenance": lambda: judged.health("maintenance"),
        "mtm portfoliomtm marktomarket equity": lambda: judged.amount(node.equity_atoms),
        "optionmtm optionsmtm": lambda: judged.amount(node.options_atoms),
        "collateralmtm": lambda: judged.amount(node.collateral_atoms),
        "worst minspan minscenario loss w l worstloss": worst,
        "perpmtm": lambda: judged.amount(node.unrealised_atoms),
        "cash": lambda: judged.amount(node.cash_atoms),
        "worstregloss": lambda: _sets(judged, "regular"),
        "worsttailloss": lambda: _sets(judged, "tail"),
        "worstskewloss": lambda: _sets(judged, "skew"),
        "forwardcontingency basiscontingency basis fwdcont": cost("forward"),
        "mmperpcont": cost("perpetual_mm", "perpetual"),
        "imperpcont": cost("perpetual_im"),
        "mmoptioncont": cost("option_mm", "option"),
        "imoptioncont": cost("option_im"),
        "mmbasecont": cost("collateral_mm", "collateral"),
        "imbasecont": cost("collateral_im"),
        "oraclecont oracle confidencecontingency": cost("confidence"),
        "imlossfactor imfactor mfactor": lambda: node.level("initial").factor,
        "mmlossfactor mmfactor": lambda: node.level("maintenance").factor,
    }
    return {word: read for words, read in named.items() for word in words.split()}


def _portfolio(vector: Vector, book: str, underlying: str) -> Answer:
    given: Given = flattened(vector.inputs)
    account = Account(underlying, case_rules(given, book, underlying))
    fill(account, given)
    spot = number(given, "SpotPrice", "spot", "S", "index")
    prices = [_scale(account, contract, spot) for contract, _ in account.held]
    sizes = sum((abs(size) * price for (_, size), price in zip(account.held, prices)), Fraction(0))
    judged = account.judge(
        spot=spot,
        largest=max(2 * sizes + abs(account.cash) + 1, 10 * max(prices, default=Fraction(0))),
        stable=float(number(given, "StablePrice", "stable", "usdc_price", default=1)),
        confidence=float(number(given, "SpotConfidence", "spot_conf", default=1)),
    )
    readers = _names(judged)
    found = {name: readers.get(flat(name)) for name in names_asked(vector.expected)}
    return {name: read() for name, read in found.items() if read is not None}


def _scale(account: Account, contract: Contract, spot: Fraction) -> Fraction:
    if contract.kind == "option":
        return max(spot, Fraction(contract.strike))
    return Fraction(account.marks[contract.name])


def portfolio_one(vector: Vector) -> Answer:
    return _portfolio(vector, *PM1)


def portfolio_two(vector: Vector) -> Answer:
    return _portfolio(vector, *PM2)


def whole(prefix: str, answer: Callable[[Vector], Answer]) -> tuple[Adapter, ...]:
    """A whole portfolio may be nested under `scenario` or laid flat, with or without options."""
    shapes = (("scenario",), ("options|option_positions|legs",), ("cash|usdc", "spot|spot_price|s"))
    return tuple(Adapter(prefix, keys, answer) for keys in shapes)


ADAPTERS = (
    Adapter("derive-pm", ("dte", "range", "power|power_printed"), vol_multiple),
    Adapter("derive-pm1", ("forward", "T_days", "rows", "vega_power"), results_by_leg),
    Adapter("derive-pm1", ("conf", "opts", "spot", "usdc|stable"), oracle_and_depeg),
    *(
        shape
        for prefix in ("derive-pm1", "derive-pmrm1", "derive.pmrm1")
        for shape in whole(prefix, portfolio_one)
    ),
    *(
        shape
        for prefix in ("derive-pm2", "derive-pmrm2", "derive.pmrm2")
        for shape in whole(prefix, portfolio_two)
    ),
)
