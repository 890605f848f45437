"""SPAN rulebooks: combined commodities with their scan ranges, spread charges and constants, as dated TOML.

Built-in ones lie in the folder `span` beside this file. Prices and money 1e-9 of a unit, rates ppb; a scan
range given in money is divided by what a point is worth, rounded up.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from seawall.instruments.model import Asset
from seawall.margin.portfolio.span import SpanRules
from seawall.rulebooks.find import built_in, find_text, open_page
from seawall.rulebooks.reader import Table, join
from seawall.units import PPB, SECOND_NS, parse_ppb

FOLDER = "span"
MONEY_DECIMALS = 9
PRICES = 7  # at which a composite delta is weighed


class SpanRulebook(msgspec.Struct, frozen=True, kw_only=True):
    """Rules by combined commodity, with their documents; `sha256` is over the parsed content."""

    name: str
    title: str
    effective: str
    sources: tuple[str, ...]
    unsupported: tuple[str, ...]
    commodities: dict[str, SpanRules]
    provenance: dict[str, tuple[str, str]]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


def list_span_rulebooks() -> tuple[str, ...]:
    """The built-in SPAN rulebooks as `name@date`."""
    return tuple(f"{name}@{date}" for name, date in built_in(FOLDER))


def load_span_rulebook(name_or_path: str | Path) -> SpanRulebook:
    """A built-in one by `name` or `name@date`, or a file by its path. Raises RulebookError."""
    file, text = find_text(name_or_path, folder=FOLDER, kind="SPAN rulebook")
    return parse_span_rulebook(text, file=file)


def parse_span_rulebook(text: str, *, file: str) -> SpanRulebook:
    """Read one; `file` is only what errors call it. Raises RulebookError."""
    top = open_page(text, file=file)
    page, venue = top.page, top.table("venue")
    money = Asset(name=venue.text("numeraire"), decimals=MONEY_DECIMALS)
    rulebook = SpanRulebook(
        name=venue.text("name"),
        title=venue.text("title"),
        effective=venue.day("effective"),
        sources=tuple(page.documents[key] for key in sorted(page.documents)),
        unsupported=venue.texts("unsupported", []),
        commodities={name: _read(table, money) for name, table in top.table("span").alike()},
        provenance=page.provenance,
    )
    venue.done()
    top.done()
    return rulebook


def _read(table: Table, money: Asset) -> SpanRules:
    point = table.amount("value_per_point", money, PPB)
    if point == 0:
        table.refuse("value_per_point", "is zero", "Give what one point of the price is worth.")
    rules = SpanRules(
        price_scan_e9=-(-table.amount("price_scan", money) * PPB // point),
        vol_scan_ppb=table.rate("vol_scan"),
        extreme_multiple=table.count("extreme_multiple", least=1),
        extreme_cover_ppb=table.rate("extreme_cover"),
        look_ahead_seconds=table.duration("look_ahead") // SECOND_NS,
        delta_weights_ppb=_weights(table),
        intermonth_e9=table.amount("intermonth", money, 0),
        short_option_minimum_e9=table.amount("short_option_minimum", money, 0),
    )
    if rules.price_scan_e9 == 0:
        table.refuse("price_scan", "is zero", "Give the range that is scanned.")
    if rules.extreme_cover_ppb > PPB:
        table.refuse("extreme_cover", "is more than the whole loss", "Give a share of 100 % or less.")
    table.done()
    return rules


def _weights(table: Table) -> tuple[int, ...]:
    place = f"{table.page.file}: {join(table.path, 'delta_weights')}"
    weights = tuple(parse_ppb(text, where=place, rounding="exact") for text in table.texts("delta_weights"))
    if len(weights) != PRICES or min(weights) < 0 or not sum(weights):
        table.refuse(
            "delta_weights",
            f"has {len(weights)} entries",
            f"Give {PRICES} weights of zero or more, not all zero.",
        )
    return weights
