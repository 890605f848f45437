"""Integers as the text a person reads: amounts, sizes and prices of a rulebook. Exact, nothing is rounded."""

from __future__ import annotations

from seawall.instruments.model import Instrument
from seawall.rulebooks.model import Rulebook
from seawall.units import decimal_text, format_units


def amount_text(rulebook: Rulebook, asset: int, atoms: int) -> str:
    """Atoms in whole units without spare zeros, but two decimals where the asset has them."""
    decimals = rulebook.assets[asset].decimals
    text = format_units(atoms, decimals)
    if decimals <= 2:
        return text
    whole, fraction = text.split(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def size_text(instrument: Instrument, lots: int) -> str:
    """A position with sign and coin; an inverse one counts quote units."""
    unit = instrument.quote if instrument.kind.inverse else instrument.base
    return f"{'+' if lots > 0 else ''}{decimal_text(lots, instrument.lot_units)} {unit}"


def price_text(instrument: Instrument, ticks: int) -> str:
    """A price in quote units, with the decimals of its tick."""
    return decimal_text(ticks, instrument.tick_units)
