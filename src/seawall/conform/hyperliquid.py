"""Hyperliquid: liquidation prices, margin tiers, transfers, funding, the mark's average, deleveraging.

The schedule is one over the maximum leverage of a tier, and maintenance asks half of it, as the venue says
it. Sources are in the vectors: the venue's documentation, recorded positions, fills of 2025-10-10.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec

from seawall.conform.answers import answer_all
from seawall.conform.bench import Bench, make_rulebook, perpetual
from seawall.conform.grid import linear_grid
from seawall.conform.model import Vector
from seawall.conform.reading import (
    Adapter,
    Answer,
    Refused,
    as_number,
    find,
    maybe,
    number,
    numbers,
    rate_ppb,
    rows,
    side_of,
)
from seawall.conform.single import Case, Single
from seawall.conform.tiered import TierRow, required
from seawall.engine import commands as cmd
from seawall.errors import Unsupported
from seawall.instruments.model import Asset
from seawall.ledger.accrual import funding_rate_ppb, payment_rate_ppb, premium_ppb
from seawall.margin.rules import Schedule, Tier
from seawall.market.averages import TimedAverage
from seawall.rulebooks.load import load_rulebook
from seawall.units import PPB

HALF = Fraction(1, 2)  # maintenance is half of the initial margin at the highest leverage
BOOK = "hyperliquid"
RATE_STEPS = 10**9


def liquidation(vector: Vector) -> Answer:
    """A position with its isolated collateral, where it was opened or where the market stands."""
    given = vector.inputs
    size = number(given, "size", "szi", "position_size", "amount")
    case = Case(
        size=abs(size),
        entry=number(given, "entry", "price", "entry_price", "open_rate"),
        side=side_of(vector),
        deposit=number(given, "collateral_usd", "isolated_margin", "collateral", "margin"),
        **_rates(given),
    )
    return answer_all(vector, Single(case))


def from_raw_usd(vector: Vector) -> Answer:
    """A position whose account states its cash after the purchase: here bought at twice the mark."""
    given = vector.inputs
    size, raw = number(given, "szi"), number(given, "raw_usd")
    mark = number(given, "position_value") / abs(size)
    paid_at = 2 * mark
    case = Case(
        size=abs(size),
        entry=paid_at,
        mark=mark,
        side=side_of(vector),
        deposit=raw + size * paid_at,
        **_rates(given),
    )
    return answer_all(vector, Single(case))


def _rates(given: dict[str, Any]) -> dict[str, Any]:
    """Maintenance as a rate that is given, or half of one over the maximum leverage."""
    rate = maybe(given, "l", "maintenance_rate", "mmr")
    if rate is not None:
        return {"maintenance": rate}
    return {"maintenance": 1 / number(given, "max_leverage"), "share": HALF}


def cross_price(vector: Vector) -> Answer:
    """One position of a cross account, for each maintenance of its other positions."""
    given = vector.inputs
    prices = [
        Single(
            Case(
                size=abs(number(given, "size")),
                entry=number(given, "mark"),
                side=side_of(vector),
                deposit=number(given, "equity"),
                other_maintenance=other,
                **_rates(given),
            )
        ).price()
        for other in numbers(given, "other_maintenance")
    ]
    return {"liquidation_price": prices if isinstance(find(given, "other_maintenance"), list) else prices[0]}


def tiers(vector: Vector) -> Answer:
    """Maintenance of a notional, and what the tiers take off the last one's flat rate."""
    given = vector.inputs
    listed = find(given, "tiers")
    table = [_tier(row) for row in (listed if isinstance(listed, list) else [listed])]
    value = number(given, "notional")
    asked = required(value, table, share=HALF)
    last = max((row for row in table if row.lower <= value), key=lambda row: row.lower)
    flat = required(value, [TierRow(Fraction(0), last.rate)], share=HALF)
    return {"maintenance_margin": asked, "MM": asked, "maintenance_deduction": flat - asked}


def maintenance_range(vector: Vector) -> Answer:
    """Maintenance per unit of value at each maximum leverage."""
    rates = [
        required(Fraction(1), [TierRow(Fraction(0), 1 / lever)], share=HALF)
        for lever in numbers(vector.inputs, "max_leverage")
    ]
    return {"maintenance_rate": rates if isinstance(find(vector.inputs, "max_leverage"), list) else rates[0]}


def _tier(row: Any) -> TierRow:
    """One over the maximum leverage from a lower bound, from either way of writing a tier."""
    if isinstance(row, dict):
        return TierRow(number(row, "lower", "floor"), 1 / number(row, "max_leverage"))
    if isinstance(row, list) and len(row) == 2:
        return TierRow(as_number(row[0], "lower"), 1 / as_number(row[1], "max_leverage"))
    raise Unsupported(f"tier {row!r} is neither {{lower, max_leverage}} nor [lower, max_leverage]")


def transfer(vector: Vector) -> Answer:
    """Initial margin of several positions, and what must stay for a transfer, by the rulebook's levels."""
    listed = rows(vector.inputs, "positions")
    sizes = [number(row, "notional") for row in listed]
    grid = linear_grid(sizes, [Fraction(1)], [sum(sizes, Fraction(0))])
    money = Asset(name="USDC", decimals=grid.decimals)
    names = [f"X{place}" for place in range(len(listed))]
    book = load_rulebook(BOOK).margin
    levels = tuple(
        msgspec.structs.replace(book.level(name), weights="full") for name in ("initial", "transfer")
    )
    lowest = Schedule(tiers=(Tier(floor_atoms=0, rate_ppb=0),), use_leverage=True)
    rules = make_rulebook(
        assets=(money,),
        instruments=tuple(perpetual(name, money, lot=grid.lot, tick=grid.tick) for name in names),
        schedules={name: {"initial": lowest} for name in names},
        levels=levels,
    )
    bench = Bench(rules)
    price = grid.ticks(Fraction(1))
    bench.price(**dict.fromkeys(names, price))
    account = bench.account(grid.atoms(sum(sizes, Fraction(0))))
    for name, row, size in zip(names, listed, sizes):
        leverage = int(number(row, "leverage"))
        bench.give(cmd.SetLeverage, account=account, instrument=name, leverage=leverage)
        bench.trade(account, name, grid.lots(size), price)
    asked = {
        name: bench.statement(bench.pot(account), name).requirement_atoms for name in ("initial", "transfer")
    }
    return {
        "initial_margin": grid.money(asked["initial"]),
        "transfer_requirement": grid.money(asked["transfer"]),
    }


def funding(vector: Vector) -> Answer:
    """Premium from the impact price, rate under the rulebook's clamp and cap, one hour's payment booked."""
    given = vector.inputs
    oracle, size = number(given, "oracle"), number(given, "size")
    bid = number(given, "impact_bid", default=oracle)
    ask = number(given, "impact_ask", default=max(bid, oracle))
    grid = linear_grid([size], [oracle, bid, ask])
    rules = load_rulebook(BOOK).funding["BTC"]
    interest = rate_ppb(number(given, "interest_8h", default=Fraction(rules.interest_ppb, PPB)))
    premium = premium_ppb(
        index_ticks=grid.ticks(oracle), bid_ticks=grid.ticks(bid), ask_ticks=grid.ticks(ask)
    )
    rate = funding_rate_ppb(
        premium_ppb=premium, interest_ppb=interest, clamp_ppb=rules.clamp_ppb, cap_ppb=rules.cap_ppb
    )
    hourly = payment_rate_ppb(rate, payment_ns=rules.payment_ns, interval_ns=rules.interval_ns)
    case = Case(size=abs(size), entry=oracle, side=side_of(vector), deposit=abs(size) * oracle)
    single = Single(case)
    before = single.equity
    single.bench.give(cmd.ApplyFunding, instrument="X", rate_ppb=hourly)
    return {
        "premium": Fraction(premium, RATE_STEPS),
        "rate_8h": Fraction(rate, RATE_STEPS),
        "rate_1h": Fraction(hourly, RATE_STEPS),
        "payment_1h_usd": before - single.equity,
    }


def average(vector: Vector) -> Answer:
    """The time-weighted average behind the mark."""
    state, tau = TimedAverage(), float(number(vector.inputs, "scale_s", "tau_s", default=150))
    for row in rows(vector.inputs, "samples"):
        for _ in range(int(number(row, "n", default=1))):
            state = state.add(
                float(number(row, "value")), elapsed_seconds=float(number(row, "dt_s")), tau_seconds=tau
            )
    return {"ema": state.value}


NEEDS_EVENTS = (
    "totals of an event: the inputs hold a time window and none of its fills; needs the event's data"
)

ADAPTERS = (
    Refused("hyperliquid-oct10", NEEDS_EVENTS),
    Adapter("hyperliquid-", ("other_maintenance", "equity", "mark"), cross_price),
    Adapter("hyperliquid-", ("szi", "raw_usd", "position_value"), from_raw_usd),
    Adapter("hyperliquid-", ("tiers", "notional"), tiers),
    Adapter("hyperliquid-mm-range", ("max_leverage",), maintenance_range),
    Adapter("hyperliquid-transfer", ("positions",), transfer),
    Adapter("hyperliquid-funding", ("oracle", "size"), funding),
    Adapter("hyperliquid-ema", ("samples",), average),
    Adapter(
        "hyperliquid-",
        (
            "size|szi|position_size",
            "entry|price|entry_price",
            "collateral_usd|isolated_margin|collateral|margin",
            "l|max_leverage|maintenance_rate|mmr",
        ),
        liquidation,
    ),
)
