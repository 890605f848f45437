"""A small venue with every kind of rule, and Hypothesis strategies that draw a regime before numbers.

Assets USD (the unit, 6 decimals), BTC (8), ALT (4); a linear and an inverse BTC contract, a linear ALT
contract, and two spot markets that price collateral. A `World` holds the same pot twice: in the engine's
columns and in the plain form that tests/oracles reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from seawall.instruments.model import Asset, Instrument, InstrumentKind, make_instrument
from seawall.ledger.columns import Book
from seawall.margin.compiled import CompiledMargin, MarketView, compile_margin
from seawall.margin.rules import InstrumentMargin, Level, MarginRules, Schedule, Tier, Weight, WeightTier
from tests.oracles.margin_model import Held, Model, Pot, Price

PPB = 10**9
USD, BTC, ALT = (Asset(name=name, decimals=digits) for name, digits in (("USD", 6), ("BTC", 8), ("ALT", 4)))
ASSETS = (USD, BTC, ALT)
LINEAR, INVERSE = InstrumentKind.LINEAR_PERPETUAL, InstrumentKind.INVERSE_PERPETUAL


def contract(name: str, kind: InstrumentKind, base: str, settle: Asset, lot: str, tick: str) -> Instrument:
    return make_instrument(
        name=name, kind=kind, base=base, quote="USD", lot=lot, tick=tick, settle=settle, taker_fee_ppb=550_000
    )


INSTRUMENTS = (
    contract("BTC-LIN", LINEAR, "BTC", USD, "0.001", "0.1"),
    contract("BTC-INV", INVERSE, "BTC", BTC, "1", "0.5"),
    contract("ALT-LIN", LINEAR, "ALT", USD, "1", "0.0001"),
    contract("BTC-SPOT", InstrumentKind.SPOT, "BTC", USD, "0.0001", "0.1"),
    contract("ALT-SPOT", InstrumentKind.SPOT, "ALT", USD, "1", "0.0001"),
)
ROW = {instrument.name: row for row, instrument in enumerate(INSTRUMENTS)}
TRADED = ("BTC-LIN", "BTC-INV", "ALT-LIN")
START = {"BTC-LIN": 600_000, "BTC-INV": 120_000, "ALT-LIN": 25_000, "BTC-SPOT": 600_500, "ALT-SPOT": 24_990}
FULL = Weight(tiers=(WeightTier(floor_atoms=0, weight_ppb=PPB),))


def flat_rate(rate_ppb: int, **more: Any) -> Schedule:
    return Schedule(tiers=(Tier(floor_atoms=0, rate_ppb=rate_ppb),), **more)


def make_rules(
    *, schedules: dict[str, Schedule], levels: tuple[Level, ...], weights: dict[str, Weight] | None = None
) -> MarginRules:
    """One schedule per contract under the name "s"; one weight set "w" (all in full unless given)."""
    return MarginRules(
        scope="account",
        numeraire="USD",
        collateral={"USD": "", "BTC": "BTC-SPOT", "ALT": "ALT-SPOT"},
        weights={"w": weights or {asset.name: FULL for asset in ASSETS}},
        instruments={name: InstrumentMargin(schedules={"s": plan}) for name, plan in schedules.items()},
        levels=levels,
    )


def level(name: str = "maintenance", **terms: Any) -> Level:
    return Level(name=name, schedule="s", weights="w", **terms)


@dataclass(repr=False)
class World:
    rules: MarginRules
    prices: dict[str, Price]
    pot: Pot
    interest: dict[str, int]
    book: Book
    margin: CompiledMargin
    market: MarketView
    row: int

    def __repr__(self) -> str:
        return f"World({self.rules!r}, {self.prices}, {self.pot}, {self.interest})"

    def model(self, **rounding: Any) -> Model:
        return Model(
            assets={asset.name: asset for asset in ASSETS},
            instruments={instrument.name: instrument for instrument in INSTRUMENTS},
            rules=self.rules,
            prices=self.prices,
            open_interest=self.interest,
            **rounding,
        )


def make_world(
    rules: MarginRules,
    pot: Pot,
    *,
    prices: dict[str, Price] | None = None,
    interest: dict[str, int] | None = None,
) -> World:
    prices = prices or {name: Price(mark=ticks, index=ticks, stable=ticks) for name, ticks in START.items()}
    interest = interest or dict.fromkeys(ROW, 0)
    book, row = Book(len(ASSETS), len(INSTRUMENTS), pots=1, positions=1), 0
    row = add_pot(book, pot)
    return World(
        rules,
        prices,
        pot,
        interest,
        book,
        compile_margin(ASSETS, INSTRUMENTS, rules),
        view(prices, interest),
        row,
    )


def add_pot(book: Book, pot: Pot) -> int:
    names = [asset.name for asset in ASSETS]
    only = ROW[next(iter(pot.held))] if pot.isolated and pot.held else 0 if pot.isolated else -1
    row = book.add_pot(account=0, unit=names.index(pot.unit), instrument=only)
    for name, atoms in pot.balances.items():
        book.balances[row, names.index(name)] = atoms
    for name, held in pot.held.items():
        slot = book.open_position(row, ROW[name])
        book.pos_lots[slot], book.pos_cost[slot] = held.lots, held.cost
        book.pos_bid[slot], book.pos_ask[slot] = held.bid, held.ask
        book.pos_orders[slot], book.pos_leverage[slot] = held.orders, held.leverage
    return row


def view(prices: dict[str, Price], interest: dict[str, int]) -> MarketView:
    def column(field: str) -> Any:
        return np.array([getattr(prices[name], field) for name in ROW], np.int64)

    return MarketView(
        len(ROW),
        mark=column("mark"),
        index_price=column("index"),
        stable=column("stable"),
        confidence=column("confidence"),
        usable=column("usable"),
        oi_lots=np.array([interest[name] for name in ROW], np.int64),
    )


# -- strategies ------------------------------------------------------------------------------------

REGIMES = ("tiny", "ordinary", "huge", "zero_balance", "many_tiers", "inverse", "isolated", "mixed")
LOTS = {"tiny": 3, "huge": 500_000_000}
CASH = {"tiny": 20, "zero_balance": 0}
# What just fits: each of these is worth about 10**18 USD atoms, and the sums of a pot stay below 2**63.
HUGE_CASH = {"USD": 1_500_000_000_000_000_000, "BTC": 2_000_000_000_000_000, "ALT": 5_000_000_000_000_000}


@st.composite
def schedules(draw: st.DrawFn, regime: str) -> Schedule:
    kind = (
        "tiers"
        if regime == "many_tiers"
        else draw(st.sampled_from(["tiers", "steps", "size_linear", "size_sqrt"]))
    )
    base = draw(st.integers(1, 200_000_000))
    more: dict[str, Any] = {
        "basis": draw(st.sampled_from(["mark", "entry"])),
        "use_leverage": draw(st.booleans()),
        "floor_atoms": draw(st.sampled_from([0, 0, 1, 10**6])),
    }
    if draw(st.booleans()):
        more["oi_lower_lots"] = draw(st.integers(0, 1000))
        more["oi_upper_lots"] = more["oi_lower_lots"] + draw(st.integers(1, 10**6))
    if kind == "tiers":
        count = draw(st.integers(2, 12)) if regime == "many_tiers" else draw(st.integers(1, 3))
        floors = sorted(draw(st.sets(st.integers(1, 10**12), min_size=count - 1, max_size=count - 1)))
        rates = sorted(draw(st.lists(st.integers(1, PPB), min_size=count, max_size=count)))
        tiers = tuple(Tier(floor_atoms=f, rate_ppb=r) for f, r in zip([0, *floors], rates))
        return Schedule(tiers=tiers, **more)
    if kind == "steps":
        return Schedule(
            kind="steps",
            base_ppb=base,
            step_base_atoms=draw(st.integers(0, 10**11)),
            step_size_atoms=draw(st.integers(1, 10**11)) + (10**15 if regime == "huge" else 10**6),
            step_rate_ppb=draw(st.integers(0, 10**6)),
            **more,
        )
    return Schedule(
        kind=kind,
        base_ppb=base,
        slope_ppb=draw(st.integers(0, 1 if regime == "huge" else 1000)),
        size_unit_lots=draw(st.sampled_from([1, 7, 1000])),
        sqrt_scale_ppb=draw(st.integers(0, PPB)),
        **more,
    )


@st.composite
def weights(draw: st.DrawFn) -> Weight:
    count = draw(st.integers(0, 4))
    floors = sorted(
        draw(st.sets(st.integers(1, 10**12), min_size=max(count - 1, 0), max_size=max(count - 1, 0)))
    )
    rates = sorted(draw(st.lists(st.integers(0, PPB), min_size=count, max_size=count)), reverse=True)
    return Weight(
        tiers=tuple(WeightTier(floor_atoms=f, weight_ppb=r) for f, r in zip([0, *floors], rates)),
        liability_ppb=draw(st.sampled_from([PPB, PPB + 1, 1_333_333_333])),
        cap_atoms=draw(st.sampled_from([0, 0, 1, 10**9])),
        cap_value_atoms=draw(st.sampled_from([0, 0, 0, 10**10])),
        sqrt_ppb=draw(st.sampled_from([0, 0, 3_000_000])),
        sqrt_top_ppb=draw(st.sampled_from([900_000_000, 1_100_000_000])),
    )


@st.composite
def levels(draw: st.DrawFn, regime: str) -> Level:
    return level(
        factor_ppb=draw(st.sampled_from([PPB, 0, 666_666_667, 1_200_000_000])),
        min_notional_ppb=draw(st.sampled_from([0, 0, 100_000_000])),
        min_total_ppb=draw(st.sampled_from([0, 0, 150_000_000])),
        price=draw(st.sampled_from(["mark", "index", "strict"])),
        profit=draw(st.sampled_from(["full", "losses_only"])),
        orders=draw(st.booleans()),
        close_fee=draw(st.sampled_from(["none", "mark", "bankruptcy"])),
        confidence_factor_ppb=draw(st.sampled_from([0, PPB, 1_500_000_001])),
        flat_atoms=draw(st.sampled_from([0, 0, 12_345])),
        order_atoms=draw(st.sampled_from([0, 0, 7])),
    )


@st.composite
def holdings(draw: st.DrawFn, regime: str, name: str) -> Held:
    most = LOTS.get(regime, 100_000)
    lots = draw(st.integers(-most, most))
    instrument = INSTRUMENTS[ROW[name]]
    ticks = max(START[name] + draw(st.integers(-START[name] // 3, START[name] // 3)), 1)
    value = (
        -lots * instrument.value_num // ticks
        if instrument.kind.inverse
        else lots * ticks * instrument.value_num
    )
    bid, ask = draw(st.integers(0, most)), draw(st.integers(0, most))
    bid, ask = (bid, ask) if draw(st.booleans()) else (0, 0)
    return Held(
        lots=lots,
        cost=value + draw(st.integers(-3, 3)) if lots else 0,
        bid=bid,
        ask=ask,
        orders=(bid > 0) + (ask > 0),
        leverage=draw(st.sampled_from([0, 0, 1, 3, 50])),
    )


@st.composite
def prices(draw: st.DrawFn, regime: str) -> dict[str, Price]:
    found = {}
    for name, start in START.items():
        mark = 1 if regime == "tiny" else max(start + draw(st.integers(-start // 2, start // 2)), 1)
        spread = draw(st.integers(-mark // 10, mark // 10))
        found[name] = Price(
            mark=mark,
            index=max(mark + spread, 1),
            stable=draw(st.sampled_from([0, mark, max(mark - 2 * spread, 1)])),
            confidence=draw(st.integers(0, mark // 100)),
        )
    return found


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A pot of some regime under drawn rules at drawn prices."""
    regime = draw(st.sampled_from(REGIMES))
    rules = make_rules(
        schedules={name: draw(schedules(regime)) for name in TRADED},
        levels=(draw(levels(regime)),),
        weights={asset.name: draw(weights()) for asset in ASSETS},
    )

    def cash(asset: str) -> int:
        most = HUGE_CASH[asset] if regime == "huge" else CASH.get(regime, 10**12)
        return draw(st.integers(-most // 10, most))

    if regime in ("isolated", "inverse"):
        name = draw(st.sampled_from(TRADED)) if regime == "isolated" else "BTC-INV"
        settle = INSTRUMENTS[ROW[name]].settle
        pot = Pot(
            unit=settle,
            balances={settle: cash(settle)},
            held={name: draw(holdings(regime, name))},
            isolated=True,
        )
    else:
        names = draw(st.permutations(TRADED))[: draw(st.integers(0, 3))]
        pot = Pot(
            unit="USD",
            balances={asset.name: cash(asset.name) for asset in ASSETS},
            held={name: draw(holdings(regime, name)) for name in names},
        )
    interest = {name: draw(st.integers(0, 2 * 10**6)) for name in ROW}
    return make_world(rules, pot, prices=draw(prices(regime)), interest=interest)
