"""What a check says: the place, what is wrong there, and what to do. No units, no rounding.

Places are written as in the TOML file, so that a reader finds the line.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from seawall.rulebooks.model import Rulebook
from seawall.rulebooks.reader import join
from seawall.units import format_ppb, format_units


class Finding(NamedTuple):
    """One contradiction. `path` as in the file, e.g. margin.levels.initial."""

    path: str
    what: str
    fix: str

    def text(self, file: str) -> str:
        return f"{file}: {self.path} {self.what}\n  {self.fix}"


Findings = Iterator[Finding]


def amount_text(rulebook: Rulebook, asset: str, atoms: int | Fraction) -> str:
    """Atoms as `1,234.5 USDC`; a fraction of an atom is cut."""
    known = next((entry for entry in rulebook.assets if entry.name == asset), None)
    if known is None:
        return f"{int(atoms)} atoms of {asset}"
    text = format_units(int(atoms), known.decimals)
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {asset}"


def rate_text(rate_ppb: int | Fraction) -> str:
    return format_ppb(int(rate_ppb))


def settlement_assets(rulebook: Rulebook) -> list[str]:
    """Assets that contracts settle in, by name; spot trades settle nothing."""
    return sorted(
        {entry.settle for entry in rulebook.instruments if entry.name in rulebook.margin.instruments}
    )


__all__ = ["Finding", "Findings", "amount_text", "join", "rate_text", "settlement_assets"]
