"""Records and bytes: one command, one event or the genesis as one msgpack array.

A record is `[tag, fields...]` in the declared order of its struct. Tags of commands, events and the genesis
are disjoint, so a record needs no other mark of its kind. Strict: an unknown tag, a missing field or a
wrong type is a JournalError that names the record. Integers fit 64 bits; nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias, get_args

import msgspec

from seawall.engine.commands import AnyCommand, Command
from seawall.engine.events import AnyEvent, Event
from seawall.errors import JournalError
from seawall.journal.layout import damaged
from seawall.rulebooks.model import Rulebook

FORMAT = 2


class Genesis(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Record 0: the format of the journal and the rulebook that the engine starts from (canonical JSON)."""

    format: int
    rulebook: bytes
    rulebook_sha256: str


Record: TypeAlias = Genesis | Command | Event

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Genesis | AnyCommand | AnyEvent)
_COMMANDS_DECODER: msgspec.msgpack.Decoder[list[Command]] = msgspec.msgpack.Decoder(list[AnyCommand])
_RULEBOOK_DECODER = msgspec.json.Decoder(Rulebook)
_OTHER_VERSION = "Use the version of seawall that wrote the journal."
_UNREADABLE = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)


def encode_record(record: Record) -> bytes:
    """The bytes of one record. Raises JournalError where a field does not fit the format."""
    try:
        return _ENCODER.encode(record)
    except (TypeError, ValueError, OverflowError) as error:
        raise JournalError(
            f"{type(record).__name__}: cannot be written to a journal: {error}\n"
            "  Whole numbers must fit 64 bits and text must be valid Unicode. Nothing was written."
        ) from None


def encode_step(command: Command, events: Sequence[Event]) -> list[bytes]:
    """The bytes of a command and of its events, in journal order."""
    try:
        encode = _ENCODER.encode
        return [encode(command), *map(encode, events)]
    except (TypeError, ValueError, OverflowError):
        return [encode_record(command), *map(encode_record, events)]  # the slow way names the record


def decode_record(payload: bytes, *, path: Path, seq: int) -> Record:
    """Read one record back. Raises DamagedRecord, which names the file and the record."""
    try:
        return _DECODER.decode(payload)
    except _UNREADABLE as error:
        raise damaged(
            path,
            seq,
            f"its {len(payload)} bytes are not a record of format {FORMAT}: {error}",
            "Restore the file from a copy; if that says the same, another version of seawall wrote it.",
        ) from None


def encode_records(records: Sequence[Record]) -> bytes:
    """The bytes of many records end to end, from one call: a msgpack array without its header."""
    array = _ENCODER.encode(records)
    return array[1 if len(records) < 16 else 3 if len(records) < 2**16 else 5 :]


def command_places(payloads: Sequence[bytes], *, path: Path, seq: int) -> list[int]:
    """The indices of the commands among some records, of which the first is record `seq`.

    A record starts with the header of its array and its tag, one byte and a short text: enough to tell.
    """
    try:
        return [index for index, payload in enumerate(payloads) if _IS_COMMAND[payload[: payload[1] - 158]]]
    except (LookupError, ValueError):  # not a record as it should be, or not of such a kind: read them all
        records = [decode_record(payload, path=path, seq=seq + k) for k, payload in enumerate(payloads)]
        return [index for index, record in enumerate(records) if isinstance(record, Command)]


def decode_commands(
    payloads: Sequence[bytes], places: Sequence[int], *, path: Path, seq: int
) -> list[Command]:
    """The commands at `places`, from one call. Raises DamagedRecord at the first that is none."""
    array = b"".join([b"\xdd", len(places).to_bytes(4, "big"), *(payloads[place] for place in places)])
    try:
        return _COMMANDS_DECODER.decode(array)
    except _UNREADABLE:
        records = [decode_record(payloads[place], path=path, seq=seq + place) for place in places]
        return [record for record in records if isinstance(record, Command)]


def _first_bytes(kind: type[msgspec.Struct]) -> bytes:
    """How a record of this kind starts. The second byte is 0xa0 + the tag's length; 158 = 0xa0 - 2."""
    tag = kind.__struct_config__.tag
    return bytes([0x90 + len(kind.__struct_fields__) + 1]) + msgspec.msgpack.encode(tag)


_IS_COMMAND = {
    _first_bytes(kind): issubclass(kind, Command)
    for kind in (*get_args(AnyCommand), *get_args(AnyEvent))
    if len(kind.__struct_fields__) < 15
}


def genesis_of(rulebook: Rulebook) -> Genesis:
    """Record 0 of a journal that starts from this rulebook."""
    return Genesis(format=FORMAT, rulebook=encode_rulebook(rulebook), rulebook_sha256=rulebook.sha256)


def encode_rulebook(rulebook: Rulebook) -> bytes:
    """Canonical JSON: the bytes that `Rulebook.sha256` is over."""
    return msgspec.json.encode(rulebook, order="deterministic")


def read_genesis(record: Record, *, path: Path) -> Rulebook:
    """The rulebook of record 0, checked against the hash beside it and against its own canonical form."""
    if not isinstance(record, Genesis):
        raise damaged(path, 0, f"is {type(record).__name__}, not the genesis")
    if record.format != FORMAT:
        raise damaged(
            path, 0, f"says format {record.format}, this version reads format {FORMAT}", _OTHER_VERSION
        )
    rulebook = decode_rulebook(record.rulebook, path=path, seq=0)
    if rulebook.sha256 != record.rulebook_sha256 or encode_rulebook(rulebook) != record.rulebook:
        raise damaged(
            path,
            0,
            f"its rulebook {rulebook.name} has sha256 {rulebook.sha256[:16]}, recorded is "
            f"{record.rulebook_sha256[:16]}",
            "It was altered, or this version of seawall has other parameters: use the one that wrote it.",
        )
    return rulebook


def decode_rulebook(data: bytes, *, path: Path, seq: int) -> Rulebook:
    """Read the rulebook of the genesis, or of a proposal, back from its canonical bytes."""
    try:
        return _RULEBOOK_DECODER.decode(data)
    except _UNREADABLE as error:
        raise damaged(path, seq, f"its rulebook cannot be read: {error}", _OTHER_VERSION) from None


def describe(record: Record) -> str:
    """One record as text, one field per line, for comparing two of them by eye."""
    fields = msgspec.structs.asdict(record)
    lines = [f"    {name} = {_short(value)}" for name, value in fields.items()]
    return "\n".join([f"  {type(record).__name__}", *lines])


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:400]}... ({len(text)} characters)"
