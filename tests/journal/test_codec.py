"""Records survive the way to bytes and back; anything else is refused by name."""

from __future__ import annotations

import typing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.engine.commands import AnyCommand, Command, Deposit, Tick
from seawall.engine.events import AnyEvent, Refused
from seawall.errors import JournalError
from seawall.journal.codec import (
    FORMAT,
    Genesis,
    command_places,
    decode_commands,
    decode_record,
    encode_record,
    encode_records,
    encode_step,
    genesis_of,
    read_genesis,
)
from tests.journal.venue import small_rulebook

HERE = Path("a.journal")
KINDS = [*typing.get_args(AnyCommand), *typing.get_args(AnyEvent)]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INT64 = st.integers(-(2**63), 2**63 - 1)


def values_of(hint: object) -> st.SearchStrategy[object]:
    """Anything that a field of this type may hold."""
    if hint in (int, str, bytes, bool):
        return {int: INT64, str: TEXT, bytes: st.binary(max_size=40), bool: st.booleans()}[hint]
    if typing.get_origin(hint) is tuple:
        return st.lists(values_of(typing.get_args(hint)[0]), max_size=4).map(tuple)
    if typing.get_origin(hint) is dict:
        return st.dictionaries(TEXT, INT64, max_size=4)
    return struct_of(hint)


def struct_of(kind: type) -> st.SearchStrategy[object]:
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{name: values_of(hints[name]) for name in kind.__struct_fields__})


@given(record=st.sampled_from(KINDS).flatmap(struct_of))
@settings(max_examples=500)
def test_every_record_comes_back_equal_and_encodes_to_the_same_bytes_again(record: typing.Any) -> None:
    payload = encode_record(record)
    again = decode_record(payload, path=HERE, seq=1)
    assert again == record and type(again) is type(record)
    assert encode_record(again) == payload


@given(records=st.lists(st.sampled_from(KINDS).flatmap(struct_of), max_size=40))
def test_many_records_at_once_are_the_same_bytes_and_their_commands_are_found(records: list) -> None:
    payloads = [encode_record(record) for record in records]
    assert encode_records(records) == b"".join(payloads)
    places = [index for index, record in enumerate(records) if isinstance(record, Command)]
    assert command_places(payloads, path=HERE, seq=1) == places
    assert decode_commands(payloads, places, path=HERE, seq=1) == [records[place] for place in places]


@pytest.mark.parametrize("count", [0, 15, 16, 2**16 - 1, 2**16])
def test_the_header_of_an_array_of_any_length_is_left_out(count: int) -> None:
    tick = Tick(time_ns=1)
    assert encode_records([tick] * count) == encode_record(tick) * count


@given(record=st.sampled_from(KINDS).flatmap(struct_of), cut=st.floats(0, 1, exclude_max=True))
def test_a_record_cut_short_is_refused_by_its_number(record: typing.Any, cut: float) -> None:
    payload = encode_record(record)
    with pytest.raises(JournalError, match=r"a\.journal: record 77: "):
        decode_record(payload[: int(len(payload) * cut)], path=HERE, seq=77)


@given(data=st.binary(max_size=60))
def test_arbitrary_bytes_give_a_record_or_a_journal_error_and_nothing_else(data: bytes) -> None:
    try:
        record = decode_record(data, path=HERE, seq=5)
    except JournalError as error:
        assert "record 5" in str(error)
    else:
        assert isinstance(record, tuple(KINDS))


def test_tags_of_commands_events_and_genesis_are_disjoint() -> None:
    tags = [kind.__struct_config__.tag for kind in [Genesis, *KINDS]]
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize("amount", [2**64, -(2**63) - 1])
def test_a_number_beyond_64_bits_is_refused_and_names_the_record(amount: int) -> None:
    deposit = Deposit(time_ns=1, account=1, asset="USDC", amount_atoms=amount)
    with pytest.raises(JournalError, match="Deposit: cannot be written"):
        encode_record(deposit)
    refused = Refused(seq=2, cause_seq=1, time_ns=1, command="x", reason="y", numbers={"a": amount})
    with pytest.raises(JournalError, match="Refused: cannot be written"):
        encode_step(Deposit(time_ns=1, account=1, asset="USDC", amount_atoms=1), [refused])


def test_a_wrong_type_and_an_unknown_tag_are_refused() -> None:
    for wrong in (
        ["Deposit", 1, "seven", "USDC", 5],
        ["Donate", 1, 7, "USDC", 5],
        ["Deposit", 1, 7, "USDC"],
        {"a": 1},
    ):
        with pytest.raises(JournalError, match="are not a record of format"):
            decode_record(msgspec.msgpack.encode(wrong), path=HERE, seq=3)


def test_a_genesis_of_another_format_or_another_rulebook_is_refused() -> None:
    genesis = genesis_of(small_rulebook())
    assert read_genesis(genesis, path=HERE) == small_rulebook()
    with pytest.raises(JournalError, match=f"record 0: says format {FORMAT + 1}"):
        read_genesis(msgspec.structs.replace(genesis, format=FORMAT + 1), path=HERE)
    with pytest.raises(JournalError, match="record 0: its rulebook harbor has sha256"):
        read_genesis(msgspec.structs.replace(genesis, rulebook_sha256="0" * 64), path=HERE)
    other = genesis.rulebook.replace(b'"max_age_ns":60000000000', b'"max_age_ns":60000000001')
    with pytest.raises(JournalError, match="record 0: its rulebook harbor has sha256"):
        read_genesis(msgspec.structs.replace(genesis, rulebook=other), path=HERE)
    with pytest.raises(JournalError, match="record 0: its rulebook cannot be read"):
        read_genesis(msgspec.structs.replace(genesis, rulebook=b"{}"), path=HERE)
    with pytest.raises(JournalError, match="record 0: is Deposit, not the genesis"):
        read_genesis(Deposit(time_ns=1, account=1, asset="USDC", amount_atoms=1), path=HERE)
