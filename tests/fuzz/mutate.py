"""Bytes made worse: a seeded mutator for any input, so that fuzzing is a plain test on every interpreter.

Each draw takes a corpus entry, then one to six changes: bits, cuts, copies, splices with another entry, words
that readers tend to trip over, and numbers put in the place of numbers. The same seed gives the same inputs.
"""

from __future__ import annotations

import re
from random import Random

WORDS = (
    b"nan",
    b"inf",
    b"-inf",
    b"1e999",
    b"-0",
    b"0",
    b"1e-99",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"1" * 61,
    b"9" * 400,
    b"1e400",
    b"0.1e",
    b"1_000",
    b"1,5",
    b"1/0",
    b"0x10",
    b"true",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    "\u0663".encode(),
    "\u2028".encode(),
    b"\r\n",
    b"\n",
    b",",
    b";",
    b"=",
    b":",
    b'"',
    b"'",
    b'"""',
    b"[" * 600,
    b"{" * 40,
    b"[[",
    b"%",
    b" ",
    b"\t",
    b"-",
    b"+",
    b"e",
    b"NaT",
    b"1970-01-01",
    b"2262-04-12T00:00:00Z",
    b"0000-00-00T00:00:00Z",
    b"99999999999999999999",
    b"#",
    b"\\",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\xff" * 8,
    b"\x00" * 8,
    b"\x80" + b"\x00" * 7,
)
_NUMBER = re.compile(rb"[0-9][0-9_.,eE]*")
MOST_BYTES = 1 << 20


def mutated(chance: Random, corpus: list[bytes]) -> bytes:
    """One new input."""
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        chance.choice(_WAYS)(chance, data, corpus)
    return bytes(data[:MOST_BYTES])


def _place(chance: Random, data: bytearray) -> int:
    return chance.randrange(len(data) + 1)


def _span(chance: Random, data: bytearray) -> tuple[int, int]:
    start = _place(chance, data)
    return start, min(len(data), start + chance.choice((1, 1, 2, 4, 8, 40, 400)))


def _bit(chance: Random, data: bytearray, corpus: list[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _byte(chance: Random, data: bytearray, corpus: list[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))


def _cut(chance: Random, data: bytearray, corpus: list[bytes]) -> None:
    start, end = _span(chance, data)
    del data[start:end]


def _end(chance: Random, data: bytearray, corpus: list[bytes]) -> None:
    del data[_place(chance, data) :]


def _copy(chance: Random, data: bytearray, corpus: list[bytes]) -> None:
    start, end = _span(chance, data)
    at = _place(chance, data)
    data[at:at] = data[start:end] * chance.choice((1, 1, 2, 50))


def _splice(chance: Random, data: bytearray, corpus: list[bytes]) -> None:
    other = chance.choice(corpus)
    start = chance.randrange(len(other) + 1)
    at, end = _span(chance, data)
    data[at:end] = other[start : start + chance.choice((4, 40, 400, 10**6))]


def _word(chance: Random, data: bytearray, corpus: list[bytes]) -> None:
    at = _place(chance, data)
    data[at : at + chance.choice((0, 0, 1, 4))] = chance.choice(WORDS)


def _number(chance: Random, data: bytearray, corpus: list[bytes]) -> None:
    found = list(_NUMBER.finditer(data[:20_000]))
    if found:
        start, end = chance.choice(found).span()
        data[start:end] = chance.choice((*WORDS[:18], str(chance.randrange(-100, 10**6)).encode()))


def _line(chance: Random, data: bytearray, corpus: list[bytes]) -> None:
    """Lines deleted, doubled or exchanged: what text readers care about."""
    lines = bytes(data).split(b"\n")
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    way = chance.randrange(3)
    if way == 0:
        del lines[one]
    elif way == 1:
        lines.insert(one, lines[two])
    else:
        lines[one], lines[two] = lines[two], lines[one]
    data[:] = b"\n".join(lines)


_WAYS = (_bit, _byte, _cut, _end, _copy, _splice, _word, _word, _number, _number, _line)
