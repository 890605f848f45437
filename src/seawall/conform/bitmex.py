"""BitMEX: risk-limit steps, deleveraging score and quintiles, isolated loss, netted order margin.

Steps and rates come from the vector, the rise per step from the built-in rulebook. Sources are in the
vectors: bitmex.com risk limits, isolated margin and auto-deleveraging examples, exchange guide.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec

from seawall.conform.answers import answer_all
from seawall.conform.bench import Bench, flat_rate, level, make_rulebook, perpetual
from seawall.conform.grid import inverse_grid, linear_grid, whole
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, number, numbers, rate_ppb, rows, side_of
from seawall.conform.scores import Candidate, ranked
from seawall.conform.single import Case, Single
from seawall.engine import commands as cmd
from seawall.instruments.model import Asset
from seawall.ledger.trade import notional, trade_value
from seawall.liquidation.adl import fill_queue, quantile_by_quantity
from seawall.liquidation.rules import Step
from seawall.margin.rules import Schedule
from seawall.rulebooks.load import load_rulebook
from seawall.units import PPB

QUINTILES = 5
XBT = "XBT"
PRICE = Fraction(10_000)  # at which risk-limit positions are held; the answer does not depend on it


def risk_limit(vector: Vector) -> Answer:
    """Steps and rates of each position, and its maintenance, as the engine asks for them."""
    given = vector.inputs
    answer: Answer = {}
    for size in numbers(given, "positions", "position"):
        name = f"{int(size)}" if size.denominator == 1 else f"{float(size)}"
        asked, value = _asked_at_steps(given, size)
        rates = {key: amount / value for key, amount in asked.items()}
        answer[name] = {"steps": int(rates["count"]), "mm": rates["maintenance"], "im": rates["initial"]}
        answer[f"mm_xbt_{name}"] = asked["maintenance"]
        answer[f"im_xbt_{name}"] = asked["initial"]
    return answer


def _asked_at_steps(given: dict[str, Any], size: Fraction) -> tuple[dict[str, Fraction], Fraction]:
    """Requirement by level and notional of an XBT position. Level `count` asks the whole value per step."""
    rise = load_rulebook("bitmex").margin.instruments["XBTUSD"].schedules["maintenance"].step_rate_ppb
    grid = inverse_grid([size * PRICE], [PRICE], numbers(given, "positions", "position"))
    money = Asset(name=XBT, decimals=grid.decimals)

    def steps(base: Fraction, step_rate_ppb: int) -> Schedule:
        return Schedule(
            kind="steps",
            base_ppb=rate_ppb(base),
            step_base_atoms=grid.atoms(number(given, "base")),
            step_size_atoms=grid.atoms(number(given, "step")),
            step_rate_ppb=step_rate_ppb,
        )

    schedules = {
        "initial": steps(number(given, "im"), rise),
        "maintenance": steps(number(given, "mm"), rise),
        "count": steps(Fraction(0), PPB),
    }
    market = perpetual("XBTUSD", money, lot=grid.lot, tick=grid.tick, inverse=True)
    bench = Bench(
        make_rulebook(
            assets=(money,),
            instruments=(market,),
            schedules={"XBTUSD": schedules},
            levels=tuple(level(name) for name in schedules),
        )
    )
    price, lots = grid.ticks(PRICE), grid.lots(size * PRICE)
    bench.price(XBTUSD=price)
    account = bench.account(grid.atoms(size))
    bench.trade(account, "XBTUSD", lots, price)
    asked = {
        name: grid.money(bench.position(bench.pot(account), name, "XBTUSD").amount_atoms)
        for name in schedules
    }
    return asked, grid.money(notional(market, lots, price))


def quintiles(vector: Vector) -> Answer:
    """Rank by the given scores; quintile by quantity; close whole positions until the size is found."""
    given = vector.inputs
    listed = rows(given, "accounts")
    names = [str(row.get("id")) for row in listed]
    lots = [int(number(row, "qty", "quantity", "lots")) for row in listed]
    # The page gives scores, not how they came about: `pnl` is the ranker that takes one number as it is.
    ranking, _ = ranked(
        [Candidate(lots=size, unrealised=number(row, "score")) for row, size in zip(listed, lots)], "pnl"
    )
    found = quantile_by_quantity(ranking.order, lots, buckets=QUINTILES)
    taken = fill_queue(ranking.order, lots, int(number(given, "liquidated_qty", default=0)))
    return {
        "order": [names[int(row)] for row in ranking.order],
        "percentile": {name: int(part) * 100 // QUINTILES for name, part in zip(names, found.tolist())},
        "fills": {name: int(size) for name, size in zip(names, taken.lots.tolist()) if size},
    }


def score(vector: Vector) -> Answer:
    """Score of one position; its leverage alone, and its PnL% as the score of the same position unlevered."""
    given = vector.inputs
    size = abs(number(given, "qty", "size", default=1))
    prices = {name: number(given, name, f"{name}_price") for name in ("entry", "mark", "bankrupt")}
    inverse = "inverse" in str(given.get("side", ""))
    grid = (inverse_grid if inverse else linear_grid)([size], list(prices.values()))
    market = perpetual(
        "X", Asset(name=XBT, decimals=grid.decimals), lot=grid.lot, tick=grid.tick, inverse=inverse
    )
    lots = side_of(vector) * grid.lots(size)
    entry, mark, bankrupt = (
        Fraction(trade_value(market, lots, grid.ticks(prices[name])))
        for name in ("entry", "mark", "bankrupt")
    )
    position = Candidate(
        lots=abs(lots),
        entry_value=entry,
        mark_value=mark,
        unrealised=mark - entry,
        account_value=mark - bankrupt,
        bankruptcy_value=bankrupt,
    )
    unlevered = msgspec.structs.replace(position, bankruptcy_value=mark - abs(mark))
    return {
        "pnl_pct": ranked([unlevered], "bitmex")[1][0],
        "eff_lev": ranked([position], "leverage")[1][0],
        "score": ranked([position], "bitmex")[1][0],
    }


def linear_margins(vector: Vector) -> Answer:
    """Initial and maintenance margin of contracts of one unit each."""
    given = vector.inputs
    case = Case(
        size=abs(number(given, "contracts", "size", "qty")) * number(given, "contract_size", default=1),
        entry=number(given, "price", "entry"),
        side=side_of(vector),
        initial=number(given, "im"),
        maintenance=number(given, "mm"),
    )
    return answer_all(vector, Single(case))


def isolated_loss(vector: Vector) -> Answer:
    """Isolated and cross side by side while the price falls through the liquidation price to the last one.

    Maintenance is what is left of the margin at the liquidation price; below it the engine takes the position
    with its margin. The cross account has the position's whole value behind it.
    """
    given = vector.inputs
    money, entry = number(given, "position_value"), number(given, "entry")
    margin, last = number(given, "margin"), number(given, "last")
    size = money / entry
    left = Single(Case(size=size, entry=entry, mark=number(given, "liq"), deposit=margin)).equity
    grid = linear_grid([size], [entry, number(given, "liq"), last], [money])
    xbt = Asset(name=XBT, decimals=grid.decimals)
    rules = make_rulebook(
        assets=(xbt,),
        instruments=(perpetual("X", xbt, lot=grid.lot, tick=grid.tick),),
        schedules={"X": {"maintenance": flat_rate(0, floor_atoms=grid.atoms_up(left))}},
        levels=(level("initial", schedule="none"), level("maintenance")),
        steps=(Step(name="engine", action="takeover", takeover_price="bankruptcy"),),
        trigger="maintenance",
    )
    bench = Bench(rules, hold=False)
    bench.price(X=grid.ticks(entry))
    isolated, cross = bench.account(grid.atoms(money)), bench.account(grid.atoms(money))
    bench.isolate(isolated, "X", grid.atoms(margin))
    for account in (isolated, cross):
        bench.trade(account, "X", grid.lots(size), grid.ticks(entry), isolated=account == isolated)
    for price in (number(given, "liq"), number(given, "liq") - Fraction(grid.tick), last):
        bench.price(X=grid.ticks(price))
    after = sum(bench.balance(pot, XBT) for pot in bench.state.pots_of(isolated))
    return {
        "isolated_loss": money - grid.money(after),
        "cross_upnl": grid.money(bench.position(bench.pot(cross), "maintenance", "X").profit_atoms),
    }


def netted_orders(vector: Vector) -> Answer:
    """What each side's orders add to initial margin, at one atom per lot; the lesser side first."""
    sizes = {"im_bids": number(vector.inputs, "bids"), "im_offers": number(vector.inputs, "offers", "asks")}
    coin = Asset(name=XBT, decimals=0)
    rules = make_rulebook(
        assets=(coin,),
        instruments=(perpetual("X", coin, lot="1", tick="1"),),
        schedules={"X": {"initial": flat_rate(PPB)}},
        levels=(level("initial", orders=True),),
    )
    bench = Bench(rules)
    bench.price(X=1)
    account = bench.account(10**9)
    answer: Answer = {}
    for place, name in enumerate(sorted(sizes, key=sizes.__getitem__), start=1):
        before = bench.statement(bench.pot(account), "initial").requirement_atoms
        lots = whole(sizes[name], name)
        bench.give(
            cmd.PlaceOrder,
            account=account,
            order=place,
            instrument="X",
            size_lots=lots if name == "im_bids" else -lots,
            price_ticks=1,
        )
        answer[name] = bench.statement(bench.pot(account), "initial").requirement_atoms - before
    return answer


ADAPTERS = (
    Adapter("bitmex-risk-limit", ("base", "step", "mm", "im", "positions|position"), risk_limit),
    Adapter("bitmex-adl", ("accounts",), quintiles),
    Adapter("bitmex-adl", ("entry|entry_price", "mark|mark_price", "bankrupt|bankrupt_price"), score),
    Adapter("bitmex-", ("bids", "offers|asks"), netted_orders),
    Adapter("bitmex-iso", ("position_value", "entry", "margin", "liq", "last"), isolated_loss),
    Adapter("bitmex-", ("contracts|size|qty", "price|entry", "im", "mm"), linear_margins),
)
