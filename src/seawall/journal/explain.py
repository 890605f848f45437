"""Why a record is there: from it back, cause by cause, to the command that everything began with.

Each record is one line: its number, what it is, its numbers in human units (see `names`), and the rule it
followed. Only what is recorded is said; nothing is inferred.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from seawall.engine.commands import Command, SourcePrice
from seawall.engine.events import Entry, Event, Leg
from seawall.journal.codec import Genesis, Record
from seawall.journal.names import Names
from seawall.journal.reader import JournalReader
from seawall.market.oracle import Seen
from seawall.units import format_time

MAX_PARTS = 4
_SKIPPED = {"seq", "cause_seq", "time_ns", "rule", "basis_nano", "equity_atoms", "requirement_atoms"}


class ExplainedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record of an explanation: the one asked about, a cause of it (nearest first), or an effect."""

    seq: int
    relation: Literal["asked", "cause", "effect"]
    kind: str
    time: str
    text: str
    rule: str
    record: Any

    def __str__(self) -> str:
        rule = f"   rule {self.rule}" if self.rule else ""
        return f"{self.kind:<21} {self.text}{rule}".rstrip()


def explain(path: str | Path, seq: int, *, effects: bool = False) -> list[ExplainedRecord]:
    """The record `seq`, then what caused it, back to a command, then with `effects` what it caused itself.

    Effects are sought in the whole journal after `seq`. Raises JournalError where there is no such record.
    """
    with JournalReader(path) as reader:
        asked = reader.record(seq)
        names = Names.load(reader, seq)
        found = [_explained(names, seq, asked, "asked")]
        record = asked
        while isinstance(record, Event) and record.cause_seq > 0:
            cause_seq = record.cause_seq
            record = reader.record(cause_seq)
            found.append(_explained(names, cause_seq, record, "cause"))
        if effects:
            later = Names.load(reader, reader.head()[0])
            found += [_explained(later, event.seq, event, "effect") for event in _effects(reader, seq)]
        return found


def render(records: Sequence[ExplainedRecord]) -> str:
    """An explanation as a tree: the record asked about on top, each cause one step further in."""
    lines, depth = [], 0
    width = max((len(str(record.seq)) for record in records), default=1)
    for record in records:
        if record.relation == "cause":
            depth += 1
        branch = "   " * (depth - 1) + "└─ " if record.relation == "cause" else ""
        branch = "→ " if record.relation == "effect" else branch
        lines.append(f"{record.seq:>{width}}  {branch}{record}")
    if records and records[0].time:
        lines.append(f"{'':>{width}}  at {records[0].time}")
    return "\n".join(lines)


def record_text(names: Names, record: Record) -> str:
    """The numbers of one record in human units, without its kind and rule."""
    if isinstance(record, Genesis):
        return f"rulebook {names.rulebook.name}, sha256 {record.rulebook_sha256[:16]}"
    parts = [_state_of_margin(names, record)]
    for field in msgspec.structs.fields(record):
        name, value = field.name, getattr(record, field.name)
        if name in _SKIPPED or value == field.default:  # what was left at its default has nothing to say
            continue
        if isinstance(value, dict):
            parts += [names.field(key, number, record) for key, number in value.items()]
        elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
            parts += [_part(names, part, record) for part in value[:MAX_PARTS]]
            parts += [f"and {len(value) - MAX_PARTS} more"] if len(value) > MAX_PARTS else []
        elif name in ("pots", "amounts_atoms"):
            parts += [f"{len(value) // 8:,} pots"] if name == "pots" else []
        else:
            parts.append(names.field(name, value, record))
    return "  ".join(dict.fromkeys(part for part in parts if part))


def _explained(
    names: Names, seq: int, record: Record, relation: Literal["asked", "cause", "effect"]
) -> ExplainedRecord:
    return ExplainedRecord(
        seq=seq,
        relation=relation,
        kind=type(record).__name__,
        time=format_time(record.time_ns) if isinstance(record, (Command, Event)) else "",
        text=record_text(names, record),
        rule=getattr(record, "rule", ""),
        record=record,
    )


def _state_of_margin(names: Names, record: Any) -> str:
    if not hasattr(record, "equity_atoms") or not hasattr(record, "requirement_atoms"):
        return (
            f"equity {names.amount(record.equity_atoms, names.unit_of(record))}"
            if hasattr(record, "equity_atoms")
            else ""
        )
    sign = "<" if record.equity_atoms < record.requirement_atoms else ">="
    unit = names.unit_of(record)
    equity = names.amount(record.equity_atoms, unit)
    requirement = names.amount(record.requirement_atoms, unit)
    return f"equity {equity} {sign} requirement {requirement}"


def _part(names: Names, part: Any, record: Any) -> str:
    if isinstance(part, Entry):
        sign = "+" if part.amount_atoms > 0 else ""
        return f"{names.pot(part.pot)} {sign}{names.amount(part.amount_atoms, part.asset)}"
    if isinstance(part, Leg):
        realised = names.amount(part.realised_atoms, names.unit_of(record))
        gain = f" realised {realised}" if part.realised_atoms else ""
        return f"{names.pot(part.pot)} {names.size(part.size_lots, record.instrument)}{gain}"
    if isinstance(part, Seen):
        source = names.source(part.source, part.instrument)
        price = names.price(part.price_ticks, part.instrument)
        return f"{names.instrument(part.instrument)} {price} by {source}"
    if isinstance(part, SourcePrice):
        return f"{part.instrument} {names.price(part.price_ticks, part.instrument)} by {part.source}"
    return str(part)


def _effects(reader: JournalReader, seq: int) -> list[Event]:
    """Every event that names `seq` as its cause: all later than it."""
    if seq == 0:
        return []
    found = []
    first = reader.group_of(seq)
    for group in [first, *reader.groups(first.last, first.hash)]:
        found += [event for step in reader.split(group) for event in step.events if event.cause_seq == seq]
    return found
