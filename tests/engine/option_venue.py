"""The small venue with options: lots of 0.001 BTC, one expiry and one a week later, linear and in coin.

Linear options quote in ticks of 0.1 USDC (a lot moves 100 atoms a tick), coin options in ticks of 0.00001 BTC
(one atom of BTC per lot and tick). Sold: initial 15 % less what is out of the money, at least 10 %;
maintenance 7.5 %; plus the premium, options counting for nothing in equity. Bought options need nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.instruments.model import Instrument, InstrumentKind, make_instrument
from seawall.liquidation.rules import Step
from seawall.margin.option_schedule import OptionTerms, ShortTerms
from seawall.margin.rules import InstrumentMargin, Level, Schedule
from seawall.rulebooks.model import Rulebook
from tests.engine.venue import (
    BTC,
    LADDER,
    PRICES,
    SECOND,
    START,
    USDC,
    Venue,
    listing,
    make_rulebook,
    margin_rules,
    policy,
)

PERCENT = 10_000_000
EXPIRY = START + 10_000 * SECOND
LATER = EXPIRY + 7 * 86_400 * SECOND
SOLD = ShortTerms(spot_ppb=15 * PERCENT, floor_ppb=10 * PERCENT)
KEPT = ShortTerms(floor_ppb=75 * PERCENT // 10)
OPTION_PRICES = {"C50": 20_000, "C60": 5_000, "P40": 3_000, "C50L": 25_000, "K50": 4_000, "K60": 1_000}


def option(
    name: str, strike: int, *, is_call: bool = True, expiry_ns: int = EXPIRY, **more: Any
) -> Instrument:
    in_coin = name.startswith("K")
    return make_instrument(
        name=name,
        kind=InstrumentKind.INVERSE_OPTION if in_coin else InstrumentKind.LINEAR_OPTION,
        base="BTC",
        quote="BTC" if in_coin else "USDC",
        settle=BTC if in_coin else USDC,
        lot="0.001",
        tick="0.00001" if in_coin else "0.1",
        strike=str(strike),
        is_call=is_call,
        underlying="BTC-PERP",
        expiry_ns=expiry_ns,
        **more,
    )


def options(**more: Any) -> tuple[Instrument, ...]:
    return (
        option("C50", 50_000, **more),
        option("C60", 60_000, **more),
        option("P40", 40_000, is_call=False, **more),
        option("C50L", 50_000, expiry_ns=LATER, **more),
        option("K50", 50_000, **more),
        option("K60", 60_000, is_call=False, **more),
    )


def option_rulebook(
    steps: tuple[Step, ...] = LADDER, *, fees: dict[str, int] | None = None, **terms: Any
) -> Rulebook:
    """`terms` go to every level, over option_value = "none" and netted payoffs."""
    listed, margin = (*listing(), *options(**(fees or {}))), margin_rules()
    plans = {
        "initial": Schedule(kind="option", option=OptionTerms(call=SOLD, put=SOLD)),
        "maintenance": Schedule(kind="option", option=OptionTerms(call=KEPT, put=KEPT)),
    }
    terms = {"option_value": "none", "max_loss": True, **terms}
    levels: tuple[Level, ...] = tuple(msgspec.structs.replace(level, **terms) for level in margin.levels)
    return make_rulebook(
        steps=steps,
        instruments=listed,
        oracles={instrument.name: policy() for instrument in listed},
        margin=msgspec.structs.replace(
            margin,
            levels=levels,
            instruments=margin.instruments
            | {name: InstrumentMargin(schedules=plans) for name in OPTION_PRICES},
        ),
    )


class OptionVenue(Venue):
    def __init__(self, rulebook: Rulebook | None = None, **more: Any) -> None:
        super().__init__(rulebook or option_rulebook(), **more)
        self.price(**OPTION_PRICES)

    def spot(self, dollars: float, seconds: float = 1, **options: int) -> Any:
        """All BTC prices but the options' move to so many dollars; options named move, others repeat."""
        ticks = {**PRICES, **dict.fromkeys(("BTC-PERP", "BTC-DEC", "BTC-SPOT"), round(dollars * 10))}
        self.now += int(seconds * SECOND)
        return self.price(**{**ticks, "BTCUSD": round(dollars * 2), **OPTION_PRICES, **options})
