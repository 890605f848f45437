"""Reading a vector's inputs: a number by any of the names a venue gives it, or a reason why not.

Names match without regard to capitals and underscores. Numbers come back as exact fractions in the vector's
own unit; nothing is rounded here. A missing or odd input is `Unsupported` with the place and what was there.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from seawall.conform.model import Vector
from seawall.errors import Unsupported
from seawall.units import PPB

Answer = dict[str, Any]

LONG = ("long", "buy", "bid", "longs")
SHORT = ("short", "sell", "ask", "shorts")


class Adapter(NamedTuple):
    """Vectors whose id starts with `prefix` and whose inputs have `keys` are answered by `answer`."""

    prefix: str
    keys: tuple[str, ...]  # each may be "a|b": either name will do
    answer: Callable[[Vector], Answer]

    def fits(self, vector: Vector) -> bool:
        known = {flat(key) for key in vector.inputs}
        return all(any(flat(name) in known for name in key.split("|")) for key in self.keys)


class Shape(NamedTuple):
    """Vectors with just these inputs, that ask for one of these names, whatever their id, are answered."""

    keys: tuple[str, ...]
    optional: tuple[str, ...]
    asks: tuple[str, ...]
    answer: Callable[[Vector], Answer]
    prefix: str = ""

    def fits(self, vector: Vector) -> bool:
        known, needed = {flat(key) for key in vector.inputs}, {flat(key) for key in self.keys}
        allowed = needed | {flat(key) for key in self.optional}
        return needed <= known <= allowed and any(name in vector.expected for name in self.asks)


class Asked(NamedTuple):
    """Vectors that ask for one of these names, whatever their id and inputs, are answered by `answer`."""

    asks: tuple[str, ...]
    answer: Callable[[Vector], Answer]
    prefix: str = ""

    def fits(self, vector: Vector) -> bool:
        return isinstance(vector.expected, dict) and any(name in vector.expected for name in self.asks)


class Refused(NamedTuple):
    """Vectors whose id starts with `prefix` need something that is not here, for `reason`."""

    prefix: str
    reason: str


def flat(name: str) -> str:
    """A name without capitals and underscores."""
    return name.replace("_", "").lower()


def find(inputs: dict[str, Any], *names: str) -> Any:
    """The input of any of these names, None if there is none."""
    known = {flat(key): value for key, value in inputs.items()}
    return next((known[flat(name)] for name in names if known.get(flat(name)) is not None), None)


def number(inputs: dict[str, Any], *names: str, default: Fraction | int | None = None) -> Fraction:
    """The number of any of these names. Unsupported if there is none, or no number."""
    value = find(inputs, *names)
    if value is None and default is not None:
        return Fraction(default)
    return as_number(value, names[0])


def maybe(inputs: dict[str, Any], *names: str) -> Fraction | None:
    """As `number`, None where it is not given."""
    return None if find(inputs, *names) is None else number(inputs, *names)


def as_number(value: Any, name: str) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | Fraction | str):
        raise Unsupported(f"input {name} is {value!r}, not a number")
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError):
        raise Unsupported(f"input {name} is {value!r}, not a number") from None


def numbers(inputs: dict[str, Any], *names: str) -> list[Fraction]:
    """A list of numbers; one number alone is a list of one."""
    value = find(inputs, *names)
    if not isinstance(value, list):
        value = [value]
    return [as_number(item, names[0]) for item in value]


def rows(inputs: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    """A list of tables."""
    value = find(inputs, *names)
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise Unsupported(f"input {names[0]} is not a list of tables")
    return value


def table(inputs: dict[str, Any], *names: str) -> dict[str, Any]:
    """A table within the inputs. Unsupported if there is none, or something else."""
    value = find(inputs, *names)
    if not isinstance(value, dict):
        raise Unsupported(f"input {names[0]} is {value!r}, not a table")
    return value


def side(inputs: dict[str, Any], *, default: int = 1) -> int:
    """+1 or -1 from `side`, `short` or a signed size; the default where nothing says."""
    told = find(inputs, "side", "position_side", "direction")
    if isinstance(told, str):
        word = told.lower().split()[0]
        if word in LONG or word in SHORT:
            return 1 if word in LONG else -1
        raise Unsupported(f"input side is {told!r}, neither long nor short")
    if told is not None:
        return 1 if as_number(told, "side") > 0 else -1
    short = find(inputs, "short", "is_short")
    if short is not None:
        return -1 if short else 1
    size = find(inputs, "szi", "size", "qty", "amount", "contracts", "q")
    return -1 if size is not None and as_number(size, "size") < 0 else default


def rate_ppb(value: Fraction) -> int:
    """A rate as ppb, rounded up as every requirement is."""
    scaled = value * PPB
    return -(-scaled.numerator // scaled.denominator)


def side_of(vector: Vector) -> int:
    """The side from the inputs; where they are silent, from the one word long or short in the description."""
    told = ("side", "position_side", "direction", "short", "is_short", "szi")
    words = {word.strip(",.:;()").lower() for word in vector.description.split()}
    if find(vector.inputs, *told) is None and ("short" in words) != ("long" in words):
        return -1 if "short" in words else 1
    return side(vector.inputs)
