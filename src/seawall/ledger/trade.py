"""What a trade does to a position: cost added and profit realised, exactly.

Lots signed, amounts atoms of the settlement asset. Cost is what the position was bought for, so
profit = value - cost. Closing part of a position releases its share of cost rounded up, so
realised profit rounds down; closing all of it leaves no atom behind. Python integers.
What an option pays at expiry follows its underlying's delivery price, not its own.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from seawall.instruments.model import Instrument
from seawall.units import PPB


def trade_value(instrument: Instrument, lots: int, price_ticks: int) -> int:
    """Signed value of `lots` at a price, as both sides of a trade book it (see instruments.model)."""
    if instrument.kind.inverse:
        return -(lots * instrument.value_num) // price_ticks
    return lots * price_ticks * instrument.value_num


def notional(instrument: Instrument, lots: int, price_ticks: int) -> int:
    """|value|, rounded up."""
    if instrument.kind.inverse:
        return -(-abs(lots) * instrument.value_num // price_ticks)
    return abs(lots) * price_ticks * instrument.value_num


def expiry_value(
    option: Instrument, underlying: Instrument, atoms_per_unit: int, lots: int, ticks: int
) -> int:
    """Signed payoff of `lots` of an option, in atoms, rounded down; `ticks` is the delivery price.

    A call pays max(S - K, 0) per unit of size, a put max(K - S, 0); an inverse option pays that divided by S,
    in coin. Source: Deribit, settlement of inverse and linear options.
    """
    spot = ticks * underlying.tick_units
    inside = spot - option.strike_units if option.is_call else option.strike_units - spot
    paid = max(inside, Fraction(0)) / (spot if option.kind.in_base else 1)
    return floor(lots * option.lot_units * paid * atoms_per_unit)


def spot_value(option: Instrument, underlying: Instrument, atoms_per_unit: int, lots: int, ticks: int) -> int:
    """What the underlying of |lots| is worth at its price, in atoms of settlement, rounded up."""
    price = 1 if option.kind.in_base else ticks * underlying.tick_units
    return ceil(abs(lots) * option.lot_units * price * atoms_per_unit)


def trade_leg(*, lots: int, cost_atoms: int, trade_lots: int, trade_atoms: int) -> tuple[int, int]:
    """(cost added, profit realised) when `lots` at `cost_atoms` trade `trade_lots` for `trade_atoms`.

    Cost added less profit realised is `trade_atoms`, so a trade whose values add to zero moves no atom.
    """
    if lots == 0 or trade_lots == 0 or (lots > 0) == (trade_lots > 0):
        return trade_atoms, 0
    closed = min(abs(lots), abs(trade_lots))
    closing_atoms = -(-trade_atoms * closed // abs(trade_lots))
    released = -(-cost_atoms * closed // abs(lots))
    realised = -closing_atoms - released
    return trade_atoms + realised, realised


def fee_atoms(notional_atoms: int, fee_ppb: int) -> int:
    """Fee rounded up; a negative rate is a rebate, whose size rounds down."""
    return -(-notional_atoms * fee_ppb // PPB)


def option_fee_atoms(*, spot_atoms: int, worth_atoms: int, fee_ppb: int, cap_ppb: int) -> int:
    """Fee of an option: a rate of its underlying, at most a share of its own price (0 = no cap). Rounded up.

    Source: Deribit and Bybit, options: min(0.03 % of the index, 12.5 % of the price).
    """
    fee = fee_atoms(spot_atoms, fee_ppb)
    return min(fee, fee_atoms(worth_atoms, cap_ppb)) if cap_ppb else fee
