"""Assets and instruments: their units, and what one lot is worth at one price.

Sizes are integer lots (signed, + long), prices integer ticks (quote per base), amounts
integer atoms of the settlement asset. Linear: value = lots * ticks * value_num, exact.
Inverse: value = -lots * value_num / ticks, floored: a long N-dollar contract is worth
-N/P coin, so that P&L = value(mark) - cost for both kinds. An option, also one paid in coin,
is worth lots * ticks * value_num: its own price is what it is quoted at. Sources: any venue's
contract specification; BitMEX and Kraken for the inverse form, Deribit for options.
"""

from __future__ import annotations

from enum import IntEnum
from fractions import Fraction
from functools import cached_property

import msgspec

from seawall.errors import RulebookError
from seawall.units import INT64_MAX


class InstrumentKind(IntEnum):
    """How value follows price. Values are stored in columns and journals: never renumber."""

    SPOT = 0
    LINEAR_PERPETUAL = 1
    INVERSE_PERPETUAL = 2
    LINEAR_FUTURE = 3
    INVERSE_FUTURE = 4
    LINEAR_OPTION = 5  # quoted and paid in the quote asset
    INVERSE_OPTION = 6  # quoted and paid in the coin itself

    inverse: bool  # its value is its size divided by its price
    dated: bool
    option: bool
    in_base: bool  # settles in its base asset

    def __init__(self, value: int) -> None:  # plain attributes: they are asked for at every trade and price
        self.inverse = value in (2, 4)
        self.dated = value in (3, 4, 5, 6)
        self.option = value in (5, 6)
        self.in_base = value in (2, 4, 6)


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """A coin or currency counted in atoms: 1 unit = 10**decimals atoms."""

    name: str
    decimals: int

    @property
    def atoms_per_unit(self) -> int:
        return int(10**self.decimals)


class Instrument(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One market. `lot` is in base units (linear, spot) or quote units (inverse); `tick` in quote per base.

    `value_num` is atoms of `settle` per lot and tick (linear, spot), or atoms times ticks per lot (inverse).
    An option is European: `strike` in quote per base of `underlying`, the instrument whose index is its spot
    and whose delivery price it is settled at.
    """

    name: str
    kind: InstrumentKind
    base: str
    quote: str
    settle: str
    lot: str
    tick: str
    value_num: int
    maker_fee_ppb: int = 0
    taker_fee_ppb: int = 0
    expiry_ns: int | None = None
    max_size_lots: int = INT64_MAX
    strike: str = ""
    is_call: bool = True
    underlying: str = ""
    fee_cap_ppb: int = 0  # most a trade in an option costs, of its price (its fees are of the underlying)

    @cached_property
    def lot_units(self) -> Fraction:
        return Fraction(self.lot)

    @cached_property
    def tick_units(self) -> Fraction:
        return Fraction(self.tick)

    @cached_property
    def strike_units(self) -> Fraction:
        return Fraction(self.strike or 0)


def make_instrument(
    *,
    name: str,
    kind: InstrumentKind,
    base: str,
    quote: str,
    lot: str,
    tick: str,
    settle: Asset,
    where: str = "",
    maker_fee_ppb: int = 0,
    taker_fee_ppb: int = 0,
    expiry_ns: int | None = None,
    max_size_lots: int = INT64_MAX,
    strike: str = "",
    is_call: bool = True,
    underlying: str = "",
    fee_cap_ppb: int = 0,
) -> Instrument:
    """Check the units against each other and derive `value_num`. Raises RulebookError."""
    place = where or f"instrument {name}"
    lot_units, tick_units = _steps(place, lot, tick)
    if kind.in_base != (settle.name == base):
        raise RulebookError(
            f"{place}: settles in {settle.name}, its base is {base}\n"
            "  An inverse contract settles in its base asset, any other does not (no quanto contracts yet)."
        )
    _check_option(place, kind, strike=strike, underlying=underlying, fee_cap_ppb=fee_cap_ppb)
    _check_expiry(place, kind, expiry_ns)
    per_step = lot_units / tick_units if kind.inverse else lot_units * tick_units
    value = per_step * settle.atoms_per_unit
    if value.denominator != 1:
        raise RulebookError(
            f"{place}: one lot times one tick is {float(value):g} atoms of {settle.name}, "
            "not a whole number\n"
            f"  Give {settle.name} more decimals (now {settle.decimals}), "
            f"or a coarser lot ({lot}) or tick ({tick})."
        )
    if value.numerator > INT64_MAX:
        raise RulebookError(
            f"{place}: one lot is worth more than 64 bits of atoms\n  Use fewer decimals or a finer lot."
        )
    return Instrument(
        name=name,
        kind=kind,
        base=base,
        quote=quote,
        settle=settle.name,
        lot=lot,
        tick=tick,
        value_num=value.numerator,
        maker_fee_ppb=maker_fee_ppb,
        taker_fee_ppb=taker_fee_ppb,
        expiry_ns=expiry_ns,
        max_size_lots=max_size_lots,
        strike=strike,
        is_call=is_call,
        underlying=underlying,
        fee_cap_ppb=fee_cap_ppb,
    )


def _steps(place: str, lot: str, tick: str) -> tuple[Fraction, Fraction]:
    lot_units, tick_units = Fraction(lot), Fraction(tick)
    if lot_units <= 0 or tick_units <= 0:
        raise RulebookError(
            f"{place}: lot {lot} and tick {tick} must be positive\n"
            "  Give the exchange's size and price steps."
        )
    return lot_units, tick_units


def _check_option(
    place: str, kind: InstrumentKind, *, strike: str, underlying: str, fee_cap_ppb: int
) -> None:
    if kind.option != bool(strike and underlying) or (not kind.option and (strike or underlying)):
        raise RulebookError(
            f"{place}: an option needs a strike and an underlying, any other instrument has neither\n"
            "  Set both, or remove them."
        )
    if kind.option and Fraction(strike) <= 0:
        raise RulebookError(f"{place}: strike {strike} must be positive\n  Give a price of the underlying.")
    if fee_cap_ppb < 0 or (fee_cap_ppb and not kind.option):
        raise RulebookError(f"{place}: only an option caps its fees, at a share of its price of zero or more")


def _check_expiry(place: str, kind: InstrumentKind, expiry_ns: int | None) -> None:
    if kind.dated != (expiry_ns is not None):
        raise RulebookError(
            f"{place}: a dated future or an option needs an expiry, any other instrument must not have one\n"
            "  Set or remove 'expiry'."
        )
