"""Options by themselves and netted by payoff: the kernel against prose, published examples, plain facts."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import RulebookError
from seawall.instruments.model import Asset, Instrument, InstrumentKind, make_instrument
from seawall.kernels.margin import Overlay
from seawall.ledger.columns import Book
from seawall.margin.compiled import CompiledMargin, MarketView, compile_margin
from seawall.margin.option_schedule import OptionTerms, ShortTerms
from seawall.margin.rules import InstrumentMargin, Level, MarginRules, Schedule, Tier, Weight, WeightTier
from seawall.margin.statement import health, statement
from tests.oracles.option_model import Option, exact_requirement, worst_loss

PPB = 10**9
KINDS = InstrumentKind
USD, BTC = Asset(name="USD", decimals=6), Asset(name="BTC", decimals=8)
FULL = Weight(tiers=(WeightTier(floor_atoms=0, weight_ppb=PPB),))
LOT, SPOT_TICK, TICK, COIN_TICK = "0.01", "0.1", "0.01", "0.000001"
UNIT = {False: 10**6, True: 10**8}  # atoms of settlement per unit, by: paid in coin


def perp(name: str, kind: InstrumentKind, settle: Asset, lot: str) -> Instrument:
    return make_instrument(
        name=name, kind=kind, base="BTC", quote="USD", settle=settle, lot=lot, tick=SPOT_TICK
    )


def listed(name: str, strike: Fraction, is_call: bool, in_coin: bool, expiry_ns: int = 1) -> Instrument:
    return make_instrument(
        name=name,
        kind=KINDS.INVERSE_OPTION if in_coin else KINDS.LINEAR_OPTION,
        base="BTC",
        quote="BTC" if in_coin else "USD",
        settle=BTC if in_coin else USD,
        lot=LOT,
        tick=COIN_TICK if in_coin else TICK,
        strike=str(strike),
        is_call=is_call,
        underlying="BTCUSD" if in_coin else "BTC-PERP",
        expiry_ns=expiry_ns,
    )


class Pot:
    """One pot of options, lots and premiums as given, in coin or in dollars."""

    def __init__(
        self,
        legs: list[tuple[bool, int, int, int]],  # call, strike in tenths, lots, price in ticks
        schedules: dict[str, OptionTerms],
        *,
        spot: int,
        in_coin: bool = False,
        cash: int = 0,
        **terms: Any,
    ) -> None:
        self.legs, self.schedules, self.spot, self.in_coin = legs, schedules, spot, in_coin
        strikes = [Fraction(strike, 10) for _call, strike, _lots, _price in legs]
        options = [listed(f"O{k}", strikes[k], leg[0], in_coin) for k, leg in enumerate(legs)]
        spots = (
            perp("BTC-PERP", KINDS.LINEAR_PERPETUAL, USD, "0.001"),
            perp("BTCUSD", KINDS.INVERSE_PERPETUAL, BTC, "1"),
        )
        self.instruments = (*spots, *options)
        plans = {name: Schedule(kind="option", option=plan) for name, plan in schedules.items()}
        flat = Schedule(tiers=(Tier(floor_atoms=0, rate_ppb=50_000_000),))
        rules = MarginRules(
            scope="account",
            numeraire="BTC" if in_coin else "USD",
            collateral={"USD": "", "BTC": ""},
            weights={"w": {"USD": FULL, "BTC": FULL}},
            instruments={
                **{option.name: InstrumentMargin(schedules=plans) for option in options},
                "BTC-PERP": InstrumentMargin(schedules=dict.fromkeys(plans, flat)),
            },
            levels=tuple(Level(name=name, schedule=name, weights="w", **terms) for name in plans),
        )
        self.margin: CompiledMargin = compile_margin((USD, BTC), self.instruments, rules)
        self.book = Book(2, len(self.instruments))
        self.pot = self.book.add_pot(account=0, unit=1 if in_coin else 0)
        self.book.balances[self.pot, 1 if in_coin else 0] = cash
        for place, (_call, _strike, lots, price) in enumerate(legs):
            slot = self.book.open_position(self.pot, place + 2)
            self.book.pos_lots[slot] = lots
            self.book.pos_cost[slot] = lots * price * self.instruments[place + 2].value_num
        prices = [spot, spot, *(price for _call, _strike, _lots, price in legs)]
        columns = {"mark": prices, "index_price": prices, "usable": [1] * len(prices)}
        self.market = MarketView(len(prices), **{name: np.array(of) for name, of in columns.items()})

    def health(self, name: str = "s", overlay: Overlay | None = None) -> Any:
        return health(self.book, self.margin, self.market, self.pot, name, overlay)

    def statement(self, name: str = "s") -> Any:
        return statement(self.book, self.margin, self.market, self.pot, name)

    def options(self) -> list[Option]:
        tick = Fraction(COIN_TICK if self.in_coin else TICK)
        return [
            Option(call, Fraction(strike, 10), lots * Fraction(LOT), price * tick)
            for call, strike, lots, price in self.legs
        ]

    def exact(self, name: str = "s") -> list[Fraction]:
        spot = Fraction(self.spot, 10)
        return [
            exact_requirement(option, spot, self.schedules, name, in_coin=self.in_coin) * UNIT[self.in_coin]
            for option in self.options()
        ]


RATES = st.integers(0, 30).map(lambda part: part * PPB // 100)


@st.composite
def short_terms(draw: st.DrawFn, least_of: str = "") -> ShortTerms:
    return ShortTerms(
        spot_ppb=draw(RATES),
        floor_ppb=draw(RATES),
        floor_of=draw(st.sampled_from(["spot", "strike"])),
        mark_ppb=draw(RATES),
        strike_cap_ppb=draw(st.sampled_from([0, 0, PPB // 2])),
        premium_ppb=draw(st.sampled_from([0, PPB])),
        fee_ppb=draw(st.sampled_from([0, PPB // 500])),
        least_of=draw(st.sampled_from(["", least_of])),
        least_ppb=draw(st.sampled_from([PPB, PPB * 105 // 100])),
    )


@st.composite
def plans(draw: st.DrawFn) -> dict[str, OptionTerms]:
    def one(least_of: str) -> OptionTerms:
        return OptionTerms(
            call=draw(short_terms(least_of)),
            put=draw(short_terms(least_of)),
            long_mark_ppb=draw(st.sampled_from([0, PPB // 2, PPB])),
            long_spot_ppb=draw(st.sampled_from([0, PPB // 5])),
        )

    return {"s": one("below"), "below": one("")}


REGIMES = {"dust": (1, 3), "usual": (1, 10**5), "huge": (10**6, 10**9)}
LEG = st.sampled_from(sorted(REGIMES)).flatmap(
    lambda regime: st.tuples(
        st.booleans(),
        st.integers(1, 3_000_000),
        st.tuples(st.sampled_from([-1, 1]), st.integers(*REGIMES[regime])).map(lambda two: two[0] * two[1]),
        st.integers(1, 5_000_000),
    )
)


# Few strikes and sizes, so that legs meet and cover each other.
SMALL = st.tuples(
    st.booleans(),
    st.integers(1, 12).map(lambda strike: 10 * strike),
    st.sampled_from([-3, -2, -1, 1, 2, 3]),
    st.integers(1, 500),
)


@st.composite
def option_pots(draw: st.DrawFn) -> Pot:
    """Few options at any level's way of counting them; for tests elsewhere."""
    return Pot(
        draw(st.lists(SMALL, min_size=1, max_size=5)),
        draw(plans()),
        spot=draw(st.integers(1, 3_000)),
        in_coin=draw(st.booleans()),
        max_loss=draw(st.booleans()),
        unpaired_ppb=draw(st.sampled_from([0, PPB])),
        option_value=draw(st.sampled_from(["full", "none", "long"])),
    )


@settings(max_examples=300)
@given(LEG, plans(), st.integers(1_000, 3_000_000), st.booleans())
def test_an_option_needs_what_the_page_says_and_at_most_a_few_atoms_more(leg, schedules, spot, in_coin):
    pot = Pot([leg], schedules, spot=spot, in_coin=in_coin)
    found, (exact,) = pot.health(), pot.exact()
    assert found.known and exact <= found.requirement_atoms <= exact + 8
    assert pot.statement().requirement_atoms == found.requirement_atoms


@settings(max_examples=150)
@given(
    st.lists(SMALL, min_size=1, max_size=6),
    plans(),
    st.integers(1, 3_000),
    st.sampled_from([0, 1.2]),
    st.sampled_from(["full", "none", "long"]),
)
def test_netted_options_need_the_lesser_of_the_legs_and_the_worst_payoff(
    legs, schedules, spot, unpaired, counted
):
    rate = int(unpaired * PPB)
    pot = Pot(legs, schedules, spot=spot, max_loss=True, unpaired_ppb=rate, option_value=counted)
    options, single = pot.options(), sum(pot.exact())
    assert all(option.strike.denominator == 1 for option in options)  # so the grid holds every strike
    net_calls = sum(option.size for option in options if option.is_call)
    loss = worst_loss(options, step=Fraction(1, 4)) * UNIT[False]
    if net_calls < 0:
        loss += -net_calls * Fraction(spot, 10) * Fraction(rate, PPB) * UNIT[False]
    # What equity holds of the options' prices is not there to pay the loss with.
    signed = {"full": lambda size: size, "none": lambda size: 0, "long": lambda size: max(size, 0)}
    loss += sum(signed[counted](option.size) * option.price for option in options) * UNIT[False]
    loss = max(loss, 0)
    exact = single if net_calls < 0 and not rate else min(single, loss)
    found = pot.health()
    assert exact <= found.requirement_atoms <= exact + 8 * len(legs) + 8
    told = pot.statement()
    assert (
        sum(part.amount_atoms for part in told.parts if part.kind != "collateral") == found.requirement_atoms
    )


@settings(max_examples=100)
@given(st.lists(SMALL, min_size=1, max_size=4), st.integers(-40, 40), st.booleans())
def test_what_if_equals_the_book_that_has_it(legs, added, sold_calls):
    """An overlay on a held leg, or of a leg not held, gives what the changed book gives."""
    terms = {"s": OptionTerms(call=ShortTerms(spot_ppb=PPB // 5), put=ShortTerms(spot_ppb=PPB // 5))}
    extra = (not sold_calls, 40, added or 1, 500)
    changed = Pot([*legs, extra], terms, spot=60, max_loss=True)
    held = Pot([*legs, extra], terms, spot=60, max_loss=True)
    slot = held.book.position(held.pot, len(legs) + 2)
    cost = int(held.book.pos_cost[slot])
    held.book.pos_lots[slot] = held.book.pos_cost[slot] = 0
    held.book.drop_position(held.pot, slot)
    overlay = Overlay(instrument=len(legs) + 2, lots=extra[2], cost=cost)
    assert held.health(overlay=overlay) == changed.health()


SELL = {"s": OptionTerms(call=ShortTerms(spot_ppb=PPB // 5), put=ShortTerms(spot_ppb=PPB // 5))}


def test_option_value_says_what_equity_holds():
    """Bought for 100 and sold for 40 dollars per unit, one unit each; 1,000 dollars of cash."""
    legs = [(True, 600_000, 100, 10_000), (False, 500_000, -100, 4_000)]
    worth = {}
    for counted in ("full", "none", "long"):
        pot = Pot(legs, SELL, spot=600_000, cash=1_000 * 10**6, option_value=counted)
        worth[counted] = pot.health().equity_atoms // 10**6
    assert worth == {"full": 1_000, "none": 940, "long": 1_040}


def test_an_option_without_a_spot_makes_its_pot_unknown():
    pot = Pot([(True, 600_000, -1, 100)], SELL, spot=600_000)
    pot.market.usable[0] = 0
    found = pot.health()
    assert not found.known and found.unknown == 0 and not found.safe
    assert pot.statement().parts == ()


def test_orders_count_at_their_worst():
    """Covered by a bought call, an order to sell that call leaves the sold one naked."""
    legs = [(True, 600_000, 100, 10_000), (True, 700_000, -100, 4_000)]
    pot = Pot(legs, SELL, spot=600_000, orders=True, max_loss=True, option_value="none")
    assert pot.health().requirement_atoms == 0
    slot = pot.book.position(pot.pot, 2)
    pot.book.pos_ask[slot], pot.book.pos_orders[slot] = 100, 1
    naked = (
        Pot(legs[1:], SELL, spot=600_000, orders=True, max_loss=True, option_value="none")
        .health()
        .requirement_atoms
    )
    assert pot.health().requirement_atoms >= naked > 0


def test_bids_for_options_that_count_for_nothing_need_their_price():
    pot = Pot([(True, 600_000, 1, 10_000)], SELL, spot=600_000, orders=True, option_value="none")
    slot = pot.book.position(pot.pot, 2)
    pot.book.pos_bid[slot], pot.book.pos_orders[slot] = 50, 1
    assert pot.health().requirement_atoms == 50 * 10**6  # 50 lots of 0.01 at 100 dollars


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"underlying": "ETH-PERP"}, "no market in BTC"),
        ({"strike": "60000.05"}, "no multiple of the tick"),
        ({"least_of": "nothing"}, "no schedule"),
    ],
)
def test_options_that_contradict_their_listing_are_refused(change, match):
    option = listed("O", Fraction(60_000), True, False)
    terms = ShortTerms(least_of=change.pop("least_of", ""))
    for name, value in change.items():
        option = make_instrument(
            **{
                **{
                    n: getattr(option, n) for n in ("name", "kind", "base", "quote", "lot", "tick", "is_call")
                },
                "settle": USD,
                "strike": option.strike,
                "underlying": option.underlying,
                "expiry_ns": 1,
                name: value,
            }
        )
    plan = Schedule(kind="option", option=OptionTerms(call=terms))
    rules = MarginRules(
        scope="account",
        numeraire="USD",
        collateral={"USD": ""},
        weights={"w": {"USD": FULL}},
        instruments={"O": InstrumentMargin(schedules={"s": plan})},
        levels=(Level(name="s", schedule="s", weights="w"),),
    )
    with pytest.raises(RulebookError, match=match):
        compile_margin((USD, BTC), (perp("BTC-PERP", KINDS.LINEAR_PERPETUAL, USD, "0.001"), option), rules)
