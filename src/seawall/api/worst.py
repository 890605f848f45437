"""Where a journal hurts most: the record of the largest bankruptcy, to begin an explanation with.

Deficits in different assets are compared in the numeraire at the index of that moment, as the journal has
it (the last MarkSet before); an asset without one counts as nothing. Without bankruptcies the largest loss
handed over with a taken-over account is chosen. Comparison only; the figures shown are the recorded ones.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from seawall.engine.events import Bankrupt, MarkSet, TakenOver
from seawall.errors import JournalError
from seawall.journal.reader import JournalReader
from seawall.rulebooks.model import Rulebook


def worst_event(path: str | Path) -> int:
    """The record to explain first. Raises JournalError where nobody lost more than they had."""
    bankrupt, taken = (Fraction(0), -1), (Fraction(0), -1)
    with JournalReader(path) as reader:
        rulebook, index = reader.rulebook, [0] * len(reader.rulebook.instruments)
        for step in reader.steps():
            for event in step.events:
                if isinstance(event, MarkSet):
                    index[event.instrument] = event.index_ticks
                elif isinstance(event, Bankrupt):
                    worth = event.deficit_atoms * _price(rulebook, index, event.asset)
                    bankrupt = max(bankrupt, (worth, event.seq), key=lambda found: found[0])
                elif isinstance(event, TakenOver) and event.equity_atoms < 0:
                    taken = max(taken, (Fraction(-event.equity_atoms), event.seq), key=lambda found: found[0])
    found = bankrupt if bankrupt[1] >= 0 else taken
    if found[1] < 0:
        raise JournalError(
            f"{path}: nobody lost more than they had\n  Name a record of your own choice with --event N."
        )
    return found[1]


def _price(rulebook: Rulebook, index: list[int], asset: int) -> Fraction:
    """Numeraire units per atom of an asset, at the last index."""
    entry = rulebook.assets[asset]
    if entry.name == rulebook.margin.numeraire:
        return Fraction(1, entry.atoms_per_unit)
    for row, instrument in enumerate(rulebook.instruments):
        if instrument.base == entry.name and index[row]:
            return index[row] * instrument.tick_units / entry.atoms_per_unit
    return Fraction(0)
