"""What can be held or traded, and the exact value of each."""

from seawall.instruments.model import Asset, Instrument, InstrumentKind

__all__ = ["Asset", "Instrument", "InstrumentKind"]
