"""Hyperliquid's deleveraging and its ladder: both published orders, real ADL fills, the fifth and the rest.

Fills and orders come out of whole engine runs under the venue's own waterfall and ladder. Sources are in the
vectors: documentation, a third party's decompilation, fills of 2025-10-10.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.conform.bench import WORTH, Bench, events_of, level, make_rulebook, perpetual
from seawall.conform.grid import linear_grid
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, number, numbers, rows, side_of
from seawall.conform.scores import Candidate, ranked
from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.errors import Unsupported
from seawall.instruments.model import Asset
from seawall.ledger.trade import notional
from seawall.rulebooks.load import load_rulebook

BOOK, COIN = "hyperliquid", "BTC"
SECOND_NS = 10**9


def index_of_accounts(vector: Vector) -> Answer:
    """The documented index of each account and the order it puts them in."""
    mark = number(vector.inputs, "mark")
    side = -1 if str(vector.inputs.get("profitable_side", "long")).startswith("short") else 1
    listed = rows(vector.inputs, "accounts")
    names = [str(row["id"]) for row in listed]
    ranking, found = ranked([_candidate(row, mark, side) for row in listed], "hyperliquid")
    return {
        "index": dict(zip(names, found)),
        "order": [names[int(row)] for row in ranking.order],
    }


def two_orders(vector: Vector) -> Answer:
    """The documented index beside the decompiled one."""
    side = 1 if "longs" in vector.inputs else -1
    listed = rows(vector.inputs, "longs", "shorts")
    names = [str(row["id"]) for row in listed]
    candidates = [_candidate(row, number(row, "mark"), side) for row in listed]
    return {
        "doc_index": dict(zip(names, ranked(candidates, "hyperliquid")[1])),
        "decompiled": dict(zip(names, ranked(candidates, "hyperliquid_decompiled")[1])),
    }


def _candidate(row: dict[str, Any], mark: Fraction, side: int) -> Candidate:
    """A position by its notional: what it is worth at the mark, and at its entry."""
    value = side * number(row, "notional")
    entry_value = value / mark * number(row, "entry")
    return Candidate(
        entry_value=entry_value,
        mark_value=value,
        unrealised=value - entry_value,
        account_value=number(row, "account_value", "acct"),
    )


def forced_fill(vector: Vector) -> Answer:
    """A winner closed at the previous mark by the venue's waterfall, against a loser with nothing left.

    The loser's free money is withdrawn where the mark is the ADL price; one tick further it is bankrupt.
    """
    given = vector.inputs
    size, closed = number(given, "position_size"), number(given, "adl_size")
    entry, price = number(given, "entry"), number(given, "adl_price")
    side = side_of(vector)
    grid = linear_grid([size, closed], [2 * entry, 2 * price], [4 * size * max(entry, price)])
    money = Asset(name="USDC", decimals=grid.decimals)
    rules = make_rulebook(
        assets=(money,),
        instruments=(perpetual(COIN, money, lot=grid.lot, tick=grid.tick),),
        schedules={COIN: {}},
        levels=(level("initial", schedule="none"),),
        waterfall=load_rulebook(BOOK).waterfall,
    )
    bench = Bench(rules, hold=False)
    bench.price(**{COIN: grid.ticks(entry)})
    winner, loser = (bench.account(grid.atoms(2 * size * max(entry, price))) for _ in range(2))
    bench.trade(winner, COIN, side * grid.lots(size), grid.ticks(entry))
    bench.trade(loser, COIN, -side * grid.lots(closed), grid.ticks(entry))
    bench.price(**{COIN: grid.ticks(price)})
    free = bench.statement(bench.pot(loser), WORTH).equity_atoms
    bench.give(cmd.Withdraw, account=loser, asset="USDC", amount_atoms=free)
    trades = events_of(bench.price(**{COIN: grid.ticks(price) + side}), ev.Traded)
    legs = [
        leg
        for trade in trades
        if trade.kind == "adl" and trade.price_ticks == grid.ticks(price)
        for leg in trade.legs
        if leg.pot == bench.pot(winner)
    ]
    if not legs:
        raise Unsupported("the engine did not deleverage this winner at the published price")
    left = abs(bench.lots(winner, COIN)) * Fraction(grid.lot)
    return {
        "realised_pnl_usd": grid.money(sum(leg.realised_atoms for leg in legs)),
        "size_left": left,
    }


def partial(vector: Vector) -> Answer:
    """The ladder of the rulebook: first order, how long it waits, the next one, where the vault steps in."""
    given = vector.inputs
    values, shares = numbers(given, "notional"), numbers(given, "equity_over_maintenance")
    if len(values) != len(shares):
        raise Unsupported("notional and equity_over_maintenance are not of the same length")
    runs = [_ladder(value, share) for value, share in zip(values, shares)]
    largest = runs[values.index(max(values))]
    return {
        "first_order_fraction": [run["first"] for run in runs],
        "cooldown_s": largest["cooldown"],
        "second_order_fraction": largest["second"],
        "backstop_below": largest["backstop"],
    }


def _ladder(value: Fraction, share: Fraction) -> dict[str, Any]:
    """An account opened at a share of its maintenance: fractions of what it holds that its orders close."""
    rulebook = load_rulebook(BOOK)
    mark = Fraction(100_000)
    market = rulebook.instrument(COIN)
    ticks, lots = int(mark / market.tick_units), int(value / mark / market.lot_units)
    bench = Bench(rulebook, hold=False)
    bench.price(**{COIN: ticks})
    probe = Bench(rulebook)
    probe.price(**{COIN: ticks})
    looked_at = probe.account(notional(market, lots, ticks))
    probe.trade(looked_at, COIN, lots, ticks)
    asked = {
        name: probe.statement(probe.pot(looked_at), name).requirement_atoms
        for name in ("maintenance", "backstop")
    }
    account = bench.account(int(asked["maintenance"] * share))
    first = events_of(bench.trade(account, COIN, lots, ticks), ev.LiquidationOrderSent)
    if not first:
        raise Unsupported("the ladder sent no order")
    held = abs(bench.lots(account, COIN))
    bench.give(cmd.ReportOrderDone, order=first[0].order, after_ns=0)
    waited, second = 0, list[ev.LiquidationOrderSent]()
    while not second and waited < 3_600:
        waited += 1
        second = events_of(bench.give(cmd.Tick), ev.LiquidationOrderSent)
    return {
        "first": Fraction(-first[0].size_lots, held),
        "cooldown": waited,
        "second": Fraction(-second[0].size_lots, abs(bench.lots(account, COIN))) if second else None,
        "backstop": Fraction(asked["backstop"], asked["maintenance"]),
    }


ADAPTERS = (
    Adapter("hyperliquid-adl-index", ("accounts", "mark"), index_of_accounts),
    Adapter("hyperliquid-adl-index", ("longs|shorts",), two_orders),
    Adapter("hyperliquid-adlfill", ("position_size", "entry", "adl_size", "adl_price"), forced_fill),
    Adapter("hyperliquid-partial", ("notional", "equity_over_maintenance"), partial),
)
