"""Assets and instruments: their units, and what one lot is worth at one price.

Sizes are integer lots (signed, + long), prices integer ticks (quote per base), amounts
integer atoms of the settlement asset. Linear: value = lots * ticks * value_num, exact.
Inverse: value = -lots * value_num / ticks, floored: a long N-dollar contract is worth
-N/P coin, so that P&L = value(mark) - cost for both kinds. Sources: any venue's contract
specification; BitMEX and Kraken for the inverse form.
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

    inverse: bool
    dated: bool

    def __init__(self, value: int) -> None:  # plain attributes: they are asked for at every trade and price
        self.inverse = value in (2, 4)
        self.dated = value in (3, 4)


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

    @cached_property
    def lot_units(self) -> Fraction:
        return Fraction(self.lot)

    @cached_property
    def tick_units(self) -> Fraction:
        return Fraction(self.tick)


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
) -> Instrument:
    """Check the units against each other and derive `value_num`. Raises RulebookError."""
    place = where or f"instrument {name}"
    lot_units, tick_units = Fraction(lot), Fraction(tick)
    if lot_units <= 0 or tick_units <= 0:
        raise RulebookError(
            f"{place}: lot {lot} and tick {tick} must be positive\n"
            "  Give the exchange's size and price steps."
        )
    if kind.inverse != (settle.name == base):
        raise RulebookError(
            f"{place}: settles in {settle.name}, its base is {base}\n"
            "  An inverse contract settles in its base asset, any other does not (no quanto contracts yet)."
        )
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
    if kind.dated != (expiry_ns is not None):
        raise RulebookError(
            f"{place}: a dated future needs an expiry, any other instrument must not have one\n"
            "  Set or remove 'expiry'."
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
    )
