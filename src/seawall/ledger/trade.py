"""What a trade does to a position: cost added and profit realised, exactly.

Lots signed, amounts atoms of the settlement asset. Cost is what the position was bought for, so
profit = value - cost. Closing part of a position releases its share of cost rounded up, so
realised profit rounds down; closing all of it leaves no atom behind. Python integers.
"""

from __future__ import annotations

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
