"""TOML text to a Rulebook: the frame, the assets, instruments, funding and funds.

All numbers become integers in the units of the structs (see `reader` for text and rounding). Tables keyed
by a name are sorted by it, arrays keep their order, so the hash does not depend on the layout of the file.
Nothing is checked here beyond one value at a time; contradictions between values are `check`'s business.
"""

from __future__ import annotations

import msgspec

from seawall.instruments.model import Asset, Instrument, InstrumentKind, make_instrument
from seawall.margin.portfolio.model import PortfolioRules
from seawall.market.policy import OraclePolicy
from seawall.market.transforms.pipeline import Pipeline
from seawall.rulebooks.check_portfolio import check_portfolio
from seawall.rulebooks.find import open_page
from seawall.rulebooks.model import FundingRules, HouseFunds, Rulebook
from seawall.rulebooks.parse_loans import read_interest
from seawall.rulebooks.parse_margin import read_margin
from seawall.rulebooks.parse_options import read_options
from seawall.rulebooks.parse_portfolio import read_portfolio
from seawall.rulebooks.parse_rules import (
    read_liquidation,
    read_oracle,
    read_safeguards,
    read_waterfall,
)
from seawall.rulebooks.parse_transforms import read_transforms
from seawall.rulebooks.reader import Table
from seawall.units import INT64_MAX

MAX_INSTRUMENTS = 10_000  # checks take some milliseconds for each; the largest venues list about a thousand
_KINDS = {kind.name.lower(): kind for kind in InstrumentKind if not kind.option}  # options: [options]


def parse_rulebook(text: str, *, file: str) -> Rulebook:
    """Read one rulebook; `file` is only what errors call it. Raises RulebookError."""
    return read_rulebook(open_page(text, file=file))


def read_rulebook(top: Table) -> Rulebook:
    """The same from a page that is open already."""
    page, venue = top.page, top.table("venue")
    assets = _read_assets(top.table("assets"))
    numeraire = _known_asset(venue, "numeraire", assets)
    listed = top.table("instruments")
    if len(listed.names()) > MAX_INSTRUMENTS:
        what = f"has {len(listed.names()):,} instruments, more than the {MAX_INSTRUMENTS:,} allowed"
        top.refuse("instruments", what, "Divide the venue into several rulebooks.")
    instruments = {name: _read_instrument(name, listed.table(name), assets) for name in listed.names()}
    oracles, transforms = _read_oracles(top.table("oracles"), instruments)
    waterfall, remainder, bad_debt = read_waterfall(top.table("waterfall"), numeraire)
    rulebook = Rulebook(
        name=venue.text("name"),
        title=venue.text("title"),
        effective=venue.day("effective"),
        sources=tuple(page.documents[key] for key in sorted(page.documents)),
        unsupported=venue.texts("unsupported", []),
        assets=tuple(assets[name] for name in sorted(assets)),
        instruments=tuple(instruments[name] for name in sorted(instruments)),
        oracles=oracles,
        transforms=transforms or msgspec.UNSET,
        margin=read_margin(top.table("margin"), assets, instruments, numeraire, _read_portfolio(top)),
        liquidation=read_liquidation(top.table("liquidation"), numeraire, assets),
        waterfall=waterfall,
        remainder=remainder,
        bad_debt=bad_debt,
        safeguards=read_safeguards(top.table("safeguards"), numeraire),
        interest=read_interest(top.table("interest")) if top.has("interest") else msgspec.UNSET,
        funding={name: _read_funding(table) for name, table in top.table("funding", optional=True).alike()},
        funds=_read_funds(top.table("funds"), assets),
        option_families=read_options(top.table("options", optional=True), assets),
        provenance=page.provenance,
    )
    venue.done()
    top.done()
    return rulebook


def _read_oracles(
    section: Table, instruments: dict[str, Instrument]
) -> tuple[dict[str, OraclePolicy], dict[str, Pipeline]]:
    """By instrument: the policies of all, the transforms of those that have some."""
    policies, transforms = {}, {}
    for name, table in section.alike():
        if table.has("transforms"):
            transforms[name] = read_transforms(table, instruments.get(name))
        policies[name] = read_oracle(table)
    return policies, transforms


def _read_portfolio(top: Table) -> PortfolioRules | None:
    if not top.has("portfolio"):
        return None
    rules = read_portfolio(top.table("portfolio"), top.table("venue").text("numeraire"))
    check_portfolio(rules, file=top.page.file)
    return rules


def _read_assets(section: Table) -> dict[str, Asset]:
    """[assets]: decimals = { USDC = 6, BTC = 8 }."""
    decimals = section.table("decimals")
    assets = {}
    for name in decimals.names():
        places = decimals.count(name)
        if places > 18:
            decimals.refuse(name, f"is {places}, beyond 18", "64-bit amounts hold no more than 18 decimals.")
        assets[name] = Asset(name=name, decimals=places)
    section.done()
    return assets


def _known_asset(table: Table, key: str, assets: dict[str, Asset]) -> Asset:
    name = table.text(key)
    if name not in assets:
        table.refuse(
            key,
            f"is {name!r}, an asset this rulebook does not have",
            f"Add it under [assets] or use one of {', '.join(sorted(assets))}.",
        )
    return assets[name]


def _read_instrument(name: str, table: Table, assets: dict[str, Asset]) -> Instrument:
    kind = _KINDS[table.choice("kind", _KINDS)]
    base, quote = table.text("base"), table.text("quote")
    settle = _known_asset(table, "settle", assets)
    made = make_instrument(
        name=name,
        kind=kind,
        base=base,
        quote=quote,
        settle=settle,
        where=f"{table.page.file}: {table.path}",
        lot=table.quantity("lot", quote if kind.inverse else base),
        tick=table.quantity("tick", quote),
        maker_fee_ppb=table.rate("maker_fee", signed=True),
        taker_fee_ppb=table.rate("taker_fee", signed=True),
        expiry_ns=table.moment_ns("expiry") if table.has("expiry") else None,
    )
    max_size_lots = table.lots("max_size", made, INT64_MAX)
    table.done()
    return msgspec.structs.replace(made, max_size_lots=max_size_lots)


def _read_funding(table: Table) -> FundingRules:
    rules = FundingRules(
        interval_ns=table.duration("interval"),
        payment_ns=table.duration("payment"),
        interest_ppb=table.rate("interest", signed=True),
        clamp_ppb=table.rate("clamp"),
        cap_ppb=table.rate("cap"),
        price=table.choice("price", ("index", "mark"), "index"),
    )
    table.done()
    return rules


def _read_funds(table: Table, assets: dict[str, Asset]) -> HouseFunds:
    funds = HouseFunds(
        insurance_atoms=table.amounts("insurance", assets), backstop_atoms=table.amounts("backstop", assets)
    )
    table.done()
    return funds
