"""Two rulebooks side by side, primitive by primitive: every parameter that differs, in the units of its name.

A rulebook is laid out as a flat table by primitive (P1 to P15); instruments are named by what they are (coin
and kind), so that BTC-PERP of one venue stands beside BTC of another. Amounts are told in whole units of
their asset, rates in per cent, times in their largest unit. Nothing is rounded: figures are exact text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from seawall.instruments.model import Instrument
from seawall.margin.collateral_debt import WAD
from seawall.rulebooks.model import Rulebook
from seawall.units import PPB, format_ppb, format_units

PRIMITIVES = {
    "P1": "price view",
    "P2": "weights of collateral",
    "P3": "schedules of requirements",
    "P4": "scope",
    "P5": "scenarios",
    "P7": "levels and contingencies",
    "P8": "trigger and exit",
    "P9": "steps of the ladder",
    "P10": "funds that pay",
    "P11": "auto-deleveraging",
    "P12": "loss sharing",
    "P13": "gates and governance",
    "P14": "funding",
    "P15": "units, lots, ticks, fees",
}
ABSENT = "-"
_SECOND = 10**9
_SPANS = (
    (86_400 * _SECOND, "d"),
    (3_600 * _SECOND, "h"),
    (60 * _SECOND, "min"),
    (_SECOND, "s"),
    (10**6, "ms"),
    (1, "ns"),
)
_UNITS = re.compile(r"_(wad|ppb|ppm|bps|ns|atoms|lots)$")
_MONEY = ("small", "least_left")  # of a seizure: atoms of the numeraire
# Of an instrument: all but its names (which say whose line it is) and what follows from lot and tick.
_TERMS = tuple(
    name for name in Instrument.__struct_fields__ if name not in ("name", "kind", "base", "value_num")
)
Flat = dict[str, str]


class Difference(NamedTuple):
    """One parameter of a primitive, as text under both rulebooks; ABSENT where one has none."""

    primitive: str
    path: str
    first: str
    second: str


def differences(first: Rulebook, second: Rulebook) -> tuple[Difference, ...]:
    """Everything that differs, by primitive and path."""
    one, other = layout(first), layout(second)
    found = []
    for primitive in PRIMITIVES:
        left, right = one[primitive], other[primitive]
        for path in sorted({*left, *right}):
            a, b = left.get(path, ABSENT), right.get(path, ABSENT)
            if a != b:
                found.append(Difference(primitive, path, a, b))
    return tuple(found)


def layout(rulebook: Rulebook) -> dict[str, Flat]:
    """primitive -> path -> value as text."""
    names = instrument_names(rulebook)
    margin, ladder = rulebook.margin, rulebook.liquidation
    tiers: dict[str, list[Any]] = {"insurance": [], "adl": [], "socialise": []}
    for tier in rulebook.waterfall:
        tiers[str(tier.kind)].append(tier)
    decimals = {asset.name: asset.decimals for asset in rulebook.assets}
    money = decimals[margin.numeraire]
    of = _Writer(money)
    return {
        "P1": of.flat({names.get(key, key): policy for key, policy in rulebook.oracles.items()})
        | of.flat({"transforms": rulebook.transforms, "quotes_max_age_ns": margin.quotes_max_age_ns}),
        "P2": of.flat({"collateral": margin.collateral, "weights": margin.weights}, skip=("collateral.*",))
        | {f"collateral.{asset}": "counts" for asset in margin.collateral},
        "P3": of.flat({names.get(key, key): one.schedules for key, one in margin.instruments.items()}),
        "P4": of.flat({"scope": margin.scope, "numeraire": margin.numeraire}),
        "P5": of.flat({"portfolio": margin.portfolio}),
        "P7": of.flat({level.name: level for level in margin.levels}),
        "P8": of.flat({name: getattr(ladder, name) for name in ladder.__struct_fields__ if name != "steps"}),
        "P9": of.flat({f"step {place}": step for place, step in enumerate(ladder.steps, 1)}),
        "P10": of.flat(
            {f"tier {n}": tier for n, tier in enumerate(tiers["insurance"], 1)} | _funds(rulebook)
        ),
        "P11": of.flat({f"tier {n}": tier for n, tier in enumerate(tiers["adl"], 1)}),
        "P12": of.flat(
            {f"tier {n}": tier for n, tier in enumerate(tiers["socialise"], 1)}
            | {"remainder": rulebook.remainder or "stays"}
            | of.flat({"bad_debt": rulebook.bad_debt})
        ),
        "P13": of.flat({"safeguards": rulebook.safeguards}),
        "P14": of.flat({names.get(key, key): rule for key, rule in rulebook.funding.items()})
        | of.flat({"interest": rulebook.interest}),
        "P15": of.flat(
            {
                names[one.name]: {field: getattr(one, field) for field in _TERMS if getattr(one, field)}
                for one in rulebook.instruments
            }
            | {"options": rulebook.option_families}
            | {f"decimals {name}": str(places) for name, places in decimals.items()}
        ),
    }


def instrument_names(rulebook: Rulebook) -> dict[str, str]:
    """Instrument -> coin and kind; its own name beside it where the venue has several of that kind."""
    found: dict[str, list[str]] = {}
    for one in rulebook.instruments:
        found.setdefault(f"{one.base} {one.kind.name.lower().replace('_', ' ')}", []).append(one.name)
    return {
        name: what if len(named) == 1 else f"{what} {name}" for what, named in found.items() for name in named
    }


def _funds(rulebook: Rulebook) -> dict[str, str]:
    decimals = {asset.name: asset.decimals for asset in rulebook.assets}
    held = (("insurance", rulebook.funds.insurance_atoms), ("backstop", rulebook.funds.backstop_atoms))
    return {
        f"{fund} {asset}": f"{_amount(atoms, decimals[asset])} {asset}"
        for fund, amounts in held
        for asset, atoms in amounts.items()
    }


class _Writer:
    """Structs to paths and text; a field's unit is the end of its name. Defaults say nothing."""

    def __init__(self, decimals: int) -> None:
        self._decimals = decimals

    def flat(self, table: Mapping[str, Any], *, skip: Iterable[str] = ()) -> Flat:
        found: Flat = {}
        for name, value in table.items():
            if f"{name}.*" not in skip:
                self._add(found, _UNITS.sub("", name), name, value)
        return found

    def _add(self, found: Flat, path: str, field: str, value: Any) -> None:
        if isinstance(value, msgspec.Struct):
            for name in value.__struct_fields__:
                if getattr(value, name) != _default(type(value), name):
                    self._add(found, f"{path}.{_UNITS.sub('', name)}", name, getattr(value, name))
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                self._add(
                    found, f"{path}.{_UNITS.sub('', name)}", name if _UNITS.search(name) else field, inner
                )
        elif isinstance(value, list | tuple):
            if all(not isinstance(inner, msgspec.Struct | Mapping) for inner in value):
                found[path] = ", ".join(self._text(field, inner) for inner in value) or "none"
            else:
                for place, inner in enumerate(value, 1):
                    self._add(found, f"{path}.{place}", field, inner)
        elif value is not None and not isinstance(value, msgspec.UnsetType):
            found[path] = self._text(field, value)

    def _text(self, field: str, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int):
            return str(value)
        if field.endswith("_ppb"):
            return f"{format_ppb(value)}" if "%" in format_ppb(value) else f"{value * 100 / PPB:.10g} %"
        if field.endswith("_wad") or field == "whole_below":
            return f"{value * 100 / WAD:.10g} %"
        if field.endswith("_bps"):
            return f"{value / 100:.10g} %"
        if field.endswith("_ppm"):
            return f"{value / 10_000:.10g} %"
        if field.endswith("_ns"):
            return _span(value)
        if field.endswith("_atoms") or field in _MONEY:
            return _amount(value, self._decimals)
        return f"{value:,}"


def _amount(atoms: int, decimals: int) -> str:
    text = format_units(atoms, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _default(kind: type[msgspec.Struct], name: str) -> Any:
    fields = kind.__struct_fields__
    defaults = kind.__struct_defaults__
    place = fields.index(name) - (len(fields) - len(defaults))
    return defaults[place] if place >= 0 else msgspec.NODEFAULT


def _span(ns: int) -> str:
    for unit, name in _SPANS:
        if ns and ns % unit == 0:
            return f"{ns // unit:,} {name}"
    return "0 s"
