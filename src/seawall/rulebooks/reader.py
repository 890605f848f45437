"""One TOML table being read: typed values out, every refusal with its place, every number with its source.

Text with a unit becomes an integer at once: "2 %" ppb, "100_000 USDT" atoms, "30 s" ns, "5 BTC" lots.
Floats are refused, so are rates and amounts without a unit, and keys nobody asked for. Requirements and fees
round up, weights round down, shares and amounts must be exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, NoReturn

from seawall.errors import NumberError, RulebookError
from seawall.instruments.model import Asset, Instrument
from seawall.rulebooks.dates import parse_day, parse_moment_ns
from seawall.units import INT64_MAX, PPB, Rounding, parse_decimal, parse_duration_ns, parse_ppb, scale

_AMOUNT = re.compile(r"^(?P<number>[-+0-9_.,eE]+)\s*(?P<unit>[A-Za-z%][A-Za-z0-9.%-]*)?$")
_RATE = re.compile(r"^(?:[-+0-9_.,eE]+(?:/[0-9_]+)?\s*(?:%|bp|ppm|x)|[-+]?[0-9_]+/[0-9_]+)$")
_BARE_NAME = re.compile(r"^[A-Za-z0-9_-]+$")
SHOWN = 1_000  # characters of a value, or of a list of names, in a refusal
_NOT_PARAMETERS = ("source", "source_of")


class Page:
    """What all tables of one file share: its name, its documents, and the provenance being collected."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.documents: dict[str, str] = {}
        self.provenance: dict[str, tuple[str, str]] = {}

    def refuse(self, path: str, what: str, fix: str) -> NoReturn:
        raise RulebookError(f"{self.file}: {_short(path)} {_short(what)}\n  {_short(fix)}")


def _short(text: str) -> str:
    """What a person can still read; a file may hold a value of any length."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ... ({len(text):,} characters)"


def join(path: str, key: str) -> str:
    """`margin` + `BTC-PERP` -> margin."BTC-PERP": quoted where it would be misread."""
    shown = key if re.fullmatch(r"[A-Za-z0-9_]+", key) else f'"{key}"'
    return f"{path}.{shown}" if path else shown


class Table:
    """A TOML table with its path. Reads mark keys as known; `done` refuses the rest."""

    def __init__(self, data: Mapping[str, Any], path: str, page: Page, source: str = "") -> None:
        self._data, self.path, self.page = data, path, page
        self._known: dict[str, None] = dict.fromkeys(_NOT_PARAMETERS)
        self._source = self._document("source", data["source"]) if "source" in data and path else source
        exceptions = data.get("source_of", {})
        if not isinstance(exceptions, Mapping):
            self.refuse("source_of", f"is {exceptions!r}", 'Write source_of = { key = "document" }.')
        self._source_of = {
            key: self._document(f"source_of.{key}", value) for key, value in exceptions.items()
        }

    # ---- structure ----------------------------------------------------------------------------------------

    def has(self, key: str) -> bool:
        self._known[key] = None
        return key in self._data

    def names(self) -> list[str]:
        """Keys of a table whose keys are names, sorted, so that layout has no say."""
        return sorted(key for key in self._data if key not in _NOT_PARAMETERS)

    def table(self, key: str, *, optional: bool = False) -> Table:
        """The table under `key`; an empty one when it may be missing."""
        value = self._take(key, {} if optional else None, "a table")
        if not isinstance(value, Mapping):
            self.refuse(
                key, f"is {value!r}, not a table", f"Write [{join(self.path, key)}] and its keys below."
            )
        return Table(value, join(self.path, key), self.page, self._source)

    def tables(self, key: str, *, optional: bool = False) -> list[Table]:
        """An array of tables, in the order of the file (which means something)."""
        value = self._take(key, [] if optional else None, "a list of tables")
        if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
            self.refuse(key, "is not a list of tables", f"Write [[{join(self.path, key)}]] once per entry.")
        return [
            Table(entry, f"{join(self.path, key)}[{index}]", self.page, self._source)
            for index, entry in enumerate(value)
        ]

    def alike(self) -> list[tuple[str, Table]]:
        """The sub-tables by name; `like = "OTHER"` in one stands for the very same rules as another."""
        result, names = [], self.names()
        for name in names:
            table = self.table(name)
            if table.has("like"):
                other = table.reference("like")
                table.done()
                if other == name or other not in self._data or self.table(other).has("like"):
                    table.refuse(
                        "like",
                        f"is {other!r}, which is no entry with rules of its own",
                        "Name an entry of this section that spells out its rules.",
                    )
                table = self.table(other)
            result.append((name, table))
        return result

    def done(self) -> None:
        """Refuse unknown keys, suggesting the nearest known one."""
        for key in self._data:
            if key not in self._known:
                known = [name for name in self._known if name not in _NOT_PARAMETERS]
                near = get_close_matches(key, known, n=1, cutoff=0.5)
                hint = f"Did you mean '{near[0]}'?" if near else f"Known keys: {', '.join(sorted(known))}."
                self.refuse(key, "is not a key this table has", f"{hint} Remove it or correct its name.")
        for key in self._source_of:
            if key not in self._data:
                self.refuse(f"source_of.{key}", "names no key of this table", "Remove it or correct it.")

    def refuse(self, key: str, what: str, fix: str) -> NoReturn:
        nested = key.startswith("source_of.")
        self.page.refuse(f"{self.path}.{key}" if nested else join(self.path, key), what, fix)

    # ---- values -------------------------------------------------------------------------------------------

    def text(self, key: str, default: str | None = None) -> str:
        value = self._take(key, default, "quoted text")
        if not isinstance(value, str):
            self._wrong_type(key, value, "quoted text")
        self._record(key, "text")
        return value

    def reference(self, key: str) -> str:
        """The name of another entry: no parameter of its own, so it needs no source."""
        value = self._take(key, None, "the quoted name of another entry")
        if not isinstance(value, str):
            self._wrong_type(key, value, "the quoted name of another entry")
        return value

    def choice(self, key: str, options: Iterable[str], default: str | None = None) -> Any:
        """One of `options`. Typed Any because the structs name the same words as Literals."""
        value, words = self.text(key, default), list(options)
        if value not in words:
            near = get_close_matches(value, words, n=1)
            hint = f"Did you mean '{near[0]}'? " if near else ""
            self.refuse(
                key,
                f"is {value!r}, which is not one of the words known here",
                f"{hint}Choose one of {', '.join(words)}.",
            )
        return value

    def texts(self, key: str, default: list[str] | None = None) -> tuple[str, ...]:
        value = self._take(key, default, "a list of quoted texts")
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            self._wrong_type(key, value, "a list of quoted texts")
        self._record(key, "text")
        return tuple(value)

    def flag(self, key: str, default: bool = False) -> bool:
        value = self._take(key, default, "true or false")
        if not isinstance(value, bool):
            self._wrong_type(key, value, "true or false")
        self._record(key, "yes or no")
        return value

    def count(self, key: str, default: int | None = None, *, least: int = 0) -> int:
        """A plain whole number: how many of something."""
        value = self._take(key, default, "a whole number")
        if isinstance(value, bool) or not isinstance(value, int):
            self._wrong_type(key, value, "a whole number without quotes")
        if not least <= value <= INT64_MAX:
            what = f"is {value}, below {least}" if value < least else f"is {value}, beyond 64 bits"
            self.refuse(key, what, f"Give a whole number of {least} or more.")
        self._record(key, "count")
        return value

    def rate(
        self, key: str, default: int | None = None, *, rounding: Rounding = "up", signed: bool = False
    ) -> int:
        """`2 %`, `5 bp`, `1/80`, `1.2 x` as ppb."""
        if not self.has(key) and default is not None:
            return default
        text = self._quoted(key, "a rate like '2 %', '5 bp' or '1/80'")
        if not _RATE.match(text.strip()):
            self.refuse(key, f"is {text!r}, which is not a rate", self._rate_hint(text))
        value: int = self._number(key, lambda where: parse_ppb(text, where=where, rounding=rounding))
        if value < 0 and not signed:
            self.refuse(key, f"is {text!r}, below zero", "Give a rate of zero or more.")
        self._record(key, "ppb")
        return value

    def basis_points(self, key: str, default: int | None = None) -> int:
        """A rate as 1e-4, which it must be a whole number of."""
        finer = PPB // 10_000
        rate = self.rate(key) if default is None else self.rate(key, default * finer)
        if rate % finer:
            self.refuse(key, "is finer than a basis point", "Give a whole number of basis points.")
        return rate // finer

    def amount(self, key: str, asset: Asset, default: int | None = None) -> int:
        """`100_000 USDT` as atoms of `asset`, exact."""
        if not self.has(key) and default is not None:
            return default
        value = self._measure(key, asset.name, f"an amount in {asset.name}")
        atoms = self._atoms(key, value, asset)
        self._record(key, f"atoms of {asset.name}")
        return atoms

    def amounts(self, key: str, assets: Mapping[str, Asset]) -> dict[str, int]:
        """`["20_000_000 USDC", "50 BTC"]` as atoms by asset."""
        result: dict[str, int] = {}
        for text in self.texts(key, []):
            unit = text.rsplit(" ", 1)[-1]
            if unit not in assets:
                self.refuse(
                    key,
                    f"holds {text!r}, in an asset this rulebook does not have",
                    f"Write amounts like '1_000 USDC'; the assets are {', '.join(sorted(assets))}.",
                )
            if unit in result:
                self.refuse(key, f"names {unit} twice", "Give one amount per asset.")
            value = self._split(key, text, unit, f"an amount in {unit}")
            result[unit] = self._atoms(key, value, assets[unit])
        self._record(key, "atoms of the asset named")
        return {name: result[name] for name in sorted(result)}

    def lots(self, key: str, instrument: Instrument, default: int | None = None) -> int:
        """`100 BTC` as whole lots of `instrument` (for inverse contracts the unit is the quote currency)."""
        if not self.has(key) and default is not None:
            return default
        unit = instrument.quote if instrument.kind.inverse else instrument.base
        value = self._measure(key, unit, f"a size of {instrument.name} in {unit}")
        lots: int = self._number(key, lambda where: scale(value, 1 / instrument.lot_units, where=where))
        self._record(key, f"lots of {instrument.name}")
        return lots

    def quantity(self, key: str, unit: str) -> str:
        """`0.001 BTC` as the plain decimal text `0.001`; used for lot and tick, which are exact steps."""
        value = self._measure(key, unit, f"a step in {unit}")
        if value <= 0:
            self.refuse(
                key, f"is {self._data[key]!r}, not above zero", "Give the venue's size or price step."
            )
        self._record(key, unit)
        number = str(self._data[key]).strip().removesuffix(unit).strip().replace("_", "").replace(",", "")
        return str(value.numerator) if value.denominator == 1 else number

    def duration(self, key: str, default: int | None = None) -> int:
        """`30 s` as ns."""
        if not self.has(key) and default is not None:
            return default
        text = self._quoted(key, "a time span like '30 s'")
        value: int = self._number(key, lambda where: parse_duration_ns(text, where=where))
        self._record(key, "ns")
        return value

    def day(self, key: str) -> str:
        """`2026-01-01`, quoted."""
        text = self._quoted(key, "a date like '2026-01-01'")
        day: str = self._number(key, lambda where: parse_day(text, where=where))
        self._record(key, "date")
        return day

    def moment_ns(self, key: str) -> int:
        """`2026-12-25T08:00:00Z`, quoted, as ns since 1970 UTC."""
        text = self._quoted(key, "a UTC time like '2026-12-25T08:00:00Z'")
        value: int = self._number(key, lambda where: parse_moment_ns(text, where=where))
        self._record(key, "ns since 1970 UTC")
        return value

    # ---- helpers ------------------------------------------------------------------------------------------

    def _take(self, key: str, default: Any, wanted: str) -> Any:
        self._known[key] = None
        if key in self._data:
            return self._data[key]
        if default is None:
            strangers = [name for name in self._data if name not in self._known]
            near = get_close_matches(key, strangers, n=1, cutoff=0.6)
            hint = f" Is '{near[0]}' meant to be '{key}'?" if near else ""
            self.refuse(key, "is missing", f"Add it: {wanted}.{hint}")
        return default

    def _quoted(self, key: str, wanted: str) -> str:
        value = self._take(key, None, wanted)
        if not isinstance(value, str):
            self._wrong_type(key, value, f"{wanted}, in quotes with its unit")
        return value

    def _wrong_type(self, key: str, value: Any, wanted: str) -> NoReturn:
        extra = " A bare number with a point is never read: it is not exact." * isinstance(value, float)
        self.refuse(key, f"is {value!r}", f"Write {wanted}.{extra}")

    def _measure(self, key: str, unit: str, wanted: str) -> Fraction:
        return self._split(key, self._quoted(key, wanted), unit, wanted)

    def _split(self, key: str, text: str, unit: str, wanted: str) -> Fraction:
        match = _AMOUNT.match(text.strip())
        found = match["unit"] if match else None
        if match is None or found is None:
            self.refuse(
                key,
                f"is {text!r}, " + ("without a unit" if match else "not a number with a unit"),
                f"Wanted {wanted}; write it like '100 {unit}'.",
            )
        if found != unit:
            kind = "a rate" if found in ("%", "bp", "ppm", "x") else f"in {found}"
            self.refuse(key, f"is {text!r}, {kind}", f"Wanted {wanted}; write it like '100 {unit}'.")
        value: Fraction = self._number(key, lambda where: parse_decimal(match["number"], where=where))
        if value < 0:
            self.refuse(key, f"is {text!r}, below zero", f"Give {wanted} of zero or more.")
        return value

    def _atoms(self, key: str, value: Fraction, asset: Asset) -> int:
        atoms: int = self._number(key, lambda where: scale(value, asset.atoms_per_unit, where=where))
        return atoms

    def _rate_hint(self, text: str) -> str:
        if re.fullmatch(r"[-+0-9_.,eE]+", text.strip()):
            return f"It has no unit. Write '{text.strip()} %', or a fraction like '1/80'."
        return "Write it like '2 %', '5 bp' or '1/80'."

    def _number(self, key: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(f"{self.page.file}: {join(self.path, key)}")
        except NumberError as error:
            raise RulebookError(str(error)) from None

    def _record(self, key: str, unit: str) -> None:
        if key not in self._data:
            return
        source = self._source_of.get(key, self._source)
        if not source:
            self.page.refuse(
                self.path or key,
                f"has the parameter '{key}' but no source",
                'Say where its numbers come from: source = "..." (an id under [sources], or '
                '"assumption: why").',
            )
        self.page.provenance[join(self.path, key)] = (unit, source)

    def _document(self, key: str, value: Any) -> str:
        """An id of [sources], or the source itself in words."""
        if not isinstance(value, str) or not value.strip():
            self.refuse(key, f"is {value!r}", "Name a document, or write 'assumption: why'.")
        if value in self.page.documents:
            return self.page.documents[value]
        if _BARE_NAME.match(value):
            near = get_close_matches(value, list(self.page.documents), n=1)
            hint = f"Did you mean '{near[0]}'? " if near else ""
            self.refuse(
                key,
                f"is {value!r}, which is not under [sources]",
                f"{hint}Add it there, or write it in words.",
            )
        if value.startswith("assumption:") and len(value.strip()) < 16:
            self.refuse(key, f"is {value!r}, an assumption without a reason", "Say in a few words why.")
        return value
