"""Options of one underlying on the bench: an account that buys and sells them, asked what it has and needs.

Everything is in decimals: spot and strikes in money per unit, premiums in money (inverse: in the coin, per
coin of size). The terms of the schedules come from the adapter, the answers from statements. No formula here.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec

from seawall.conform.bench import Bench, make_rulebook, perpetual
from seawall.conform.grid import Grid, decimal_text, linear_grid
from seawall.conform.model import Vector
from seawall.conform.reading import as_number, find, rate_ppb
from seawall.engine.commands import SettleInstrument
from seawall.errors import Unsupported
from seawall.instruments.model import Asset, Instrument, InstrumentKind, make_instrument
from seawall.margin.option_schedule import OptionTerms, ShortTerms
from seawall.margin.rules import Level, Schedule

MONEY, SPOT = "MONEY", "SPOT"
EXPIRY_NS = 10**18
ONE = Fraction(1)


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """So many units of one option, negative if sold, traded at `entry` (the mark if not given)."""

    is_call: bool
    strike: Fraction
    size: Fraction
    mark: Fraction
    entry: Fraction | None = None
    expiry_ns: int = EXPIRY_NS


def short_terms(**rates: Fraction | str | int) -> ShortTerms:
    """Terms of sold options from rates in fractions: `spot=Fraction(15, 100)` is spot_ppb=150_000_000."""
    terms: dict[str, Any] = {}
    for name, rate in rates.items():
        if isinstance(rate, str):
            terms[name] = rate
        else:
            terms[f"{name}_ppb"] = rate_ppb(Fraction(rate))
    return ShortTerms(**terms)


def is_call(right: Any) -> bool:
    """Whether a text that starts with C or P is a call."""
    if not isinstance(right, str) or right[:1].upper() not in ("C", "P"):
        raise Unsupported(f"{right!r} is neither a call nor a put")
    return right[:1].upper() == "C"


def read_legs(vector: Vector, *, unit: Fraction) -> list[Leg]:
    """Legs [right, strike, contracts, premium], of so many units a contract."""
    rows = find(vector.inputs, "legs", "positions")
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == 4 for row in rows):
        raise Unsupported("legs is not a list of [right, strike, contracts, premium]")
    return [
        Leg(
            is_call=is_call(right),
            strike=as_number(strike, "strike"),
            size=unit * as_number(count, "contracts"),
            mark=as_number(premium, "premium"),
        )
        for right, strike, count, premium in rows
    ]


class OptionBook:
    """One account with these legs and this much money (after the premiums, if they are said to be paid)."""

    def __init__(
        self,
        legs: list[Leg],
        *,
        spot: Fraction,
        schedules: dict[str, OptionTerms],
        levels: tuple[Level, ...],
        inverse: bool = False,
        taker: Fraction = Fraction(0),
        fee_cap: Fraction = Fraction(0),
        as_taker: bool = False,
        delivery: tuple[Fraction, ...] = (),
    ) -> None:
        self.legs, self.spot, self.inverse = legs, spot, inverse
        self.taker, self.fee_cap = taker, fee_cap
        self.spot_tick = _tick(spot, *delivery, *(leg.strike for leg in legs))
        prices = [price for leg in legs for price in (leg.mark, leg.entry or leg.mark)]
        money = [] if inverse else [spot * max(abs(leg.size) for leg in legs)]
        self.grid: Grid = linear_grid(
            [leg.size for leg in legs], [*prices, ONE] if inverse else prices, money
        )
        self.bench = Bench(self._rulebook(schedules, levels))
        self.account = self.bench.account()
        self.pot = self.bench.pot(self.account)
        self._price("entry")
        for place, leg in enumerate(legs):
            ticks = self.grid.ticks(leg.mark if leg.entry is None else leg.entry)
            self.bench.trade(self.account, f"O{place}", self.grid.lots(leg.size), ticks, taker=as_taker)
        self._price("mark")

    def _rulebook(self, schedules: dict[str, OptionTerms], levels: tuple[Level, ...]) -> Any:
        money = Asset(name=MONEY, decimals=self.grid.decimals)
        listed = (self._underlying(money), *(self._option(money, place) for place in range(len(self.legs))))
        terms = {name: Schedule(kind="option", option=option) for name, option in schedules.items()}
        return make_rulebook(
            assets=(money,),
            instruments=listed,
            schedules={SPOT: {}, **{option.name: terms for option in listed[1:]}},
            levels=levels,
        )

    def _underlying(self, money: Asset) -> Instrument:
        """A market that only gives the spot: of the coin in dollars, or of something in money."""
        made = perpetual(SPOT, money, lot="1", tick=self.spot_tick, inverse=self.inverse)
        return made if self.inverse else msgspec.structs.replace(made, base="BASE")

    def _option(self, money: Asset, place: int) -> Instrument:
        leg = self.legs[place]
        return make_instrument(
            name=f"O{place}",
            kind=InstrumentKind.INVERSE_OPTION if self.inverse else InstrumentKind.LINEAR_OPTION,
            base=MONEY if self.inverse else "BASE",
            quote=MONEY,
            settle=money,
            lot=self.grid.lot,
            tick=self.grid.tick,
            strike=str(leg.strike),
            is_call=leg.is_call,
            underlying=SPOT,
            expiry_ns=leg.expiry_ns,
            taker_fee_ppb=rate_ppb(self.taker),
            fee_cap_ppb=rate_ppb(self.fee_cap),
        )

    def _price(self, which: str) -> None:
        ticks = {SPOT: _ticks(self.spot, self.spot_tick)}
        for place, leg in enumerate(self.legs):
            entry = leg.mark if leg.entry is None or which == "mark" else leg.entry
            ticks[f"O{place}"] = self.grid.ticks(entry)
        self.bench.price(**ticks)

    def requirement(self, level: str) -> Fraction:
        """What the account needs at a level."""
        return self.grid.money(self.bench.statement(self.pot, level).requirement_atoms)

    def health(self, level: str) -> Fraction:
        """What it has less what it needs; it had no money but the premiums."""
        return self.grid.money(self.bench.statement(self.pot, level).health_atoms)

    def position(self, level: str, place: int = 0) -> Fraction:
        """What one leg requires by itself."""
        return self.grid.money(self.bench.position(self.pot, level, f"O{place}").amount_atoms)

    @property
    def balance(self) -> Fraction:
        return self.grid.money(self.bench.balance(self.pot, MONEY))

    def deposit(self, amount: Fraction) -> None:
        self.bench.deposit(self.account, self.grid.atoms(amount))

    def expire(self, delivery: Fraction) -> Fraction:
        """Settle every leg at a delivery price; returns the account's balance then."""
        tick = Fraction(self.spot_tick)
        if (delivery / tick).denominator != 1:
            raise Unsupported(
                f"delivery price {float(delivery):g} lies between two ticks of {self.spot_tick}"
            )
        wait = EXPIRY_NS - self.bench.time_ns
        for place in range(len(self.legs)):
            self.bench.give(
                SettleInstrument,
                after_ns=wait if place == 0 else 10**9,
                instrument=f"O{place}",
                price_ticks=int(delivery / tick),
            )
        return self.balance


def _tick(*prices: Fraction) -> str:
    """The coarsest decimal step, no finer than needed, on which all prices lie."""
    digits = 2
    while any((price * 10**digits).denominator != 1 for price in prices):
        digits += 1
        if digits > 9:
            raise Unsupported("a spot or strike with more than 9 decimals")
    return decimal_text(digits)


def _ticks(price: Fraction, tick: str) -> int:
    return int(price / Fraction(tick))
