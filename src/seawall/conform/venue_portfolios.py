"""Portfolio margin of OKX, Bybit, Paradex and Dederi: parts of recorded answers and worked examples.

Parameters a vector does not give are those of the venue's portfolio rulebook.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from seawall.conform.model import Vector
from seawall.conform.portfolio_bench import Account, Judged, charge_of, grid, own_rules, ppb
from seawall.conform.reading import Adapter, Answer, as_number, find, maybe, number, numbers
from seawall.errors import Unsupported
from seawall.margin.portfolio.charges import Step
from seawall.margin.portfolio.contingencies import delta_parts, of_minimum_delta, of_steps
from seawall.margin.portfolio.evaluate import requirement_of
from seawall.margin.portfolio.inputs import ExpiryQuote
from seawall.margin.portfolio.model import PPB
from seawall.margin.portfolio.values import forward_of
from seawall.rulebooks.load_portfolio import load_portfolio_rulebook

OKX, BYBIT, DEDERI = "okx-pm", "bybit-pm", "dederi-pm"


def risk_unit(vector: Vector) -> Answer:
    """A swap's risk unit at OKX: its results are linear in the index, its delta is at the mark."""
    given = vector.inputs
    losses = [(key, value) for key, value in given.items() if key.startswith("mr1_loss_at_")]
    if len(losses) != 1:
        raise Unsupported("needs one loss of the MR1 grid, as mr1_loss_at_+12pct")
    edge = Fraction(losses[0][0].removeprefix("mr1_loss_at_").removesuffix("pct")) / 100
    index = as_number(losses[0][1], losses[0][0]) / abs(edge)
    mark = abs(number(given, "delta_usd"))
    underlying = next(
        (
            name
            for name, own in load_portfolio_rulebook(OKX).rules.underlyings.items()
            if any(scenario.spot_ppb == ppb(edge) for scenario in own.scenarios["mr1"])
        ),
        None,
    )
    if underlying is None:
        raise Unsupported(f"no underlying of {OKX} has a grid to {float(edge):.0%}")
    account = Account(underlying, load_portfolio_rulebook(OKX).rules)
    side = 1 if number(given, "delta_usd") > 0 else -1
    account.hold(account.contract("SWAP", "perpetual"), Fraction(side), mark=mark)
    judged = account.judge(spot=index, largest=index)
    answer: Answer = {name: judged.charge(name) for name in ("mr1", "mr4", "mr6", "mr7")}
    answer |= {"mmr": judged.requirement("maintenance"), "imr": judged.requirement("initial")}
    for line in judged.node.lines:
        answer[f"{line.set_name}_at_{line.scenario.spot_ppb / PPB:.2f}"] = judged.amount(line.result_atoms)
    return answer


def unit_totals(vector: Vector) -> Answer:
    """Requirements of risk units added up, and borrowing on top."""
    given = vector.inputs
    derivatives = sum(numbers(given, "mmr"), Fraction(0))
    return {
        "derivMmr": derivatives,
        "totalMmr": derivatives + number(given, "borrowMmr", default=0),
        "totalImr": sum(numbers(given, "imr"), Fraction(0)) + number(given, "borrowImr", default=0),
    }


def minimum_charge(vector: Vector) -> Answer:
    """The raw minimum charge slice by slice, and the larger of it and the rest."""
    steps = charge_of(OKX, "BTC", "mr7").steps
    adjusted = of_steps(number(vector.inputs, "MR7_raw"), steps)
    rules = load_portfolio_rulebook(OKX).rules
    charges = {"mr1": ppb(number(vector.inputs, "MR")), "mr7": ppb(adjusted)}
    asked = requirement_of(rules.level("maintenance"), charges, stable=Fraction(1))
    return {"MR7_adj": adjusted, "MMR": Fraction(asked.requirement_atoms, PPB)}


def depeg_slices(vector: Vector) -> Answer:
    """A hedge charged slice by slice; each slice is its size and its rate."""
    total, steps = Fraction(0), []
    for entry in vector.inputs["slices"]:
        size, rate = (as_number(value, "slice") for value in entry)
        total += size
        steps.append(Step(up_to_usd_e9=ppb(total), times_ppb=ppb(rate)))
    return {"MR9": of_steps(total, steps)}


def price_ladder(vector: Vector) -> Answer:
    """A perpetual's results on a ladder of price moves."""
    slope = number(vector.inputs, "slope_usd")
    moves = [ppb(move) for move in numbers(vector.inputs, "priceScale")]
    own = own_rules(BYBIT, "BTC", scenarios={"grid": grid(Fraction(move, PPB) for move in moves)})
    rules = msgspec.structs.replace(load_portfolio_rulebook(BYBIT).rules, underlyings={"BTC": own})
    account = Account("BTC", rules)
    account.hold(account.contract("PERP", "perpetual"), Fraction(1 if slope > 0 else -1), mark=abs(slope))
    judged = account.judge(spot=abs(slope), largest=abs(slope))
    return {"pnls": judged.results("grid")}


def worst_and_contingencies(vector: Vector) -> Answer:
    """Results of the worst scenario by leg, contingencies by name, the initial margin of a published MM."""
    given = vector.inputs
    worst = sum((number(given, name, default=0) for name in ("perp", "option", "spot_hedge")), Fraction(0))
    told = find(given, "contingency")
    if not isinstance(told, dict):
        raise Unsupported("contingency is not a table of amounts")
    names = {"futureDelta": "future_delta", "usdtUsdc": "usdt_usdc"}
    charges = {str(names.get(name, name)): ppb(as_number(value, name)) for name, value in told.items()}
    rules = load_portfolio_rulebook(BYBIT).rules
    added = requirement_of(rules.level("maintenance"), charges, stable=Fraction(1)).requirement_atoms
    published = maybe(given, "assetMM")
    base = (
        {"max_loss": ppb(max(-worst, Fraction(0)))} | charges
        if published is None
        else {"max_loss": ppb(published)}
    )
    initial = requirement_of(rules.level("initial"), base, stable=Fraction(1)).requirement_atoms
    return {
        "max_loss": worst,
        "contingency": Fraction(added, PPB),
        "assetIM": Fraction(initial, PPB),
    }


def least_delta(vector: Vector) -> Answer:
    """Paradex: net, gross and hedged delta, and what they are asked for at least."""
    given = vector.inputs
    deltas = [
        number(given, "perp", default=0),
        number(given, "calls", default=0) * number(given, "delta", default=0),
    ]
    net, gross, hedged = delta_parts(deltas)
    asked = of_minimum_delta(
        deltas,
        unhedged_ppb=ppb(number(given, "unhedged")),
        hedged_ppb=ppb(number(given, "hedged")),
        price=number(given, "spot"),
    )
    return {"net": net, "gross": gross, "hedged": hedged, "min_delta_risk": asked}


def simulated_future(vector: Vector) -> Answer:
    """Dederi: a future priced off the index and an annual basis, under its eleven moves."""
    given = vector.inputs
    years = float(number(given, "days") / 365)
    spot, size = number(given, "I0", "index"), number(given, "q", "size")
    forward = forward_of(float(spot), annual_basis=float(number(given, "abr")), years=years)
    account = Account("ETH", load_portfolio_rulebook(DEDERI).rules)
    account.expiries["T"] = ExpiryQuote(years=years, forward=forward)
    account.hold(account.contract("FUTURE", "future", expiry="T"), size, mark=forward)
    judged: Judged = account.judge(spot=spot, largest=abs(size) * Fraction(forward))
    return {"F0": forward, "pnl": judged.results("grid"), "contingency": judged.charge("contingency")}


ADAPTERS = (
    Adapter("okx-pm", ("delta_usd",), risk_unit),
    Adapter("okx-pm", ("mmr", "imr"), unit_totals),
    Adapter("okx-mr7", ("MR7_raw", "MR"), minimum_charge),
    Adapter("okx-mr9", ("slices",), depeg_slices),
    Adapter("bybit-pm", ("priceScale", "slope_usd"), price_ladder),
    Adapter("bybit-pm", ("perp", "contingency"), worst_and_contingencies),
    Adapter("paradex-min-delta", ("perp", "calls", "delta", "spot", "unhedged", "hedged"), least_delta),
    Adapter("dederi-fut", ("I0|index", "abr", "days", "q|size"), simulated_future),
)
