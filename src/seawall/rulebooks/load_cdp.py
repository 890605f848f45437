"""Rulebooks of collateralised-debt protocols: vault types, auctions, pools and troves, as dated TOML.

Built-in ones lie in the folder `cdp` beside this file. Auction terms as the contracts count them (rays
1e-27, wads 1e-18, seconds); ratios and penalties of pools are exact fractions in ppb. What a protocol has
not is empty.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import get_args

import msgspec

from seawall.instruments.model import Asset
from seawall.liquidation.collateral_auction import RAY, WAD, Curve, PriceCurve
from seawall.rulebooks.find import built_in, find_text, open_page
from seawall.rulebooks.reader import Table
from seawall.units import PPB, SECOND_NS

FOLDER = "cdp"
DECIMALS = 18


class VaultType(msgspec.Struct, frozen=True, kw_only=True):
    """Collateral auctioned at a falling price. Amounts wads of the numeraire, shares rays, times seconds."""

    ratio_ppb: int
    penalty_wad: int
    hole_wad: int
    dust_wad: int
    buffer_ray: int
    curve: PriceCurve
    longest_s: int
    least_share_ray: int
    flat_reward_wad: int
    share_reward_wad: int
    breaker: int
    oracle_delay_s: int


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """Loans against a stability pool. Ratios and shares ppb; `most_kept_wad` of collateral, 0 = no cap."""

    least_ratio_ppb: int
    critical_ratio_ppb: int
    shutdown_ratio_ppb: int = 0
    kept_share_ppb: int = 0
    most_kept_wad: int = 0
    pool_penalty_ppb: int = 0
    redistribution_penalty_ppb: int = 0
    bands: int = 0
    amplification: int = 0
    liquidation_discount_ppb: int = 0


class CdpRulebook(msgspec.Struct, frozen=True, kw_only=True):
    """Vault types and branches by name; `sha256` is over the parsed content."""

    name: str
    title: str
    effective: str
    sources: tuple[str, ...]
    unsupported: tuple[str, ...]
    hole_wad: int
    vaults: dict[str, VaultType]
    branches: dict[str, Branch]
    provenance: dict[str, tuple[str, str]]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


def list_cdp_rulebooks() -> tuple[str, ...]:
    """The built-in ones as `name@date`."""
    return tuple(f"{name}@{date}" for name, date in built_in(FOLDER))


def load_cdp_rulebook(name_or_path: str | Path) -> CdpRulebook:
    """A built-in one by `name` or `name@date`, or a file by its path. Raises RulebookError."""
    file, text = find_text(name_or_path, folder=FOLDER, kind="CDP rulebook")
    return parse_cdp_rulebook(text, file=file)


def parse_cdp_rulebook(text: str, *, file: str) -> CdpRulebook:
    """Read one; `file` is only what errors call it. Raises RulebookError."""
    top = open_page(text, file=file)
    page, venue, system = top.page, top.table("venue"), top.table("system", optional=True)
    money = Asset(name=venue.text("numeraire"), decimals=DECIMALS)
    rulebook = CdpRulebook(
        name=venue.text("name"),
        title=venue.text("title"),
        effective=venue.day("effective"),
        sources=tuple(page.documents[key] for key in sorted(page.documents)),
        unsupported=venue.texts("unsupported", []),
        hole_wad=_wads(system, "hole", money),
        vaults={name: _vault(table, money) for name, table in top.table("vaults", optional=True).alike()},
        branches={name: _branch(table) for name, table in top.table("branches", optional=True).alike()},
        provenance=page.provenance,
    )
    for table in (venue, system, top):
        table.done()
    if not rulebook.vaults and not rulebook.branches:
        top.refuse(
            "vaults", "are missing, and so are branches", "Describe at least one vault type or branch."
        )
    return rulebook


def _wads(table: Table, key: str, money: Asset) -> int:
    """A whole number of units of money as wads; 64 bits do not hold large ones at 18 decimals."""
    whole = Asset(name=money.name, decimals=0)
    return table.amount(key, whole, 0) * WAD


def _vault(table: Table, money: Asset) -> VaultType:
    found = VaultType(
        ratio_ppb=table.rate("ratio"),
        penalty_wad=table.rate("penalty") * (WAD // PPB),
        hole_wad=_wads(table, "hole", money),
        dust_wad=_wads(table, "dust", money),
        buffer_ray=table.rate("buffer") * (RAY // PPB),
        curve=PriceCurve(
            kind=table.choice("curve", get_args(Curve)),
            tau=table.duration("tau", 0) // SECOND_NS,
            cut=table.rate("cut", PPB) * (RAY // PPB),
            step=table.duration("step", SECOND_NS) // SECOND_NS,
        ),
        longest_s=table.duration("longest") // SECOND_NS,
        least_share_ray=table.rate("least_share") * (RAY // PPB),
        flat_reward_wad=_wads(table, "flat_reward", money),
        share_reward_wad=table.rate("share_reward", 0) * (WAD // PPB),
        breaker=table.count("breaker", 0),
        oracle_delay_s=table.duration("oracle_delay", 0) // SECOND_NS,
    )
    if found.ratio_ppb < PPB or found.penalty_wad < WAD or found.buffer_ray < RAY:
        table.refuse(
            "ratio", "with penalty and buffer must each be 100 % or more", "Write 150 %, 113 %, 120 %."
        )
    if found.curve.kind == "linear" and not found.curve.tau:
        table.refuse("tau", "is missing: a linear price needs it", "Give the time until the price is zero.")
    if found.curve.kind != "linear" and not 0 < found.curve.cut < RAY:
        table.refuse("cut", "must lie between 0 and 100 %", "Give what a step leaves of the price.")
    table.done()
    return found


def _branch(table: Table) -> Branch:
    found = Branch(
        least_ratio_ppb=table.rate("least_ratio", 0),
        critical_ratio_ppb=table.rate("critical_ratio", 0),
        shutdown_ratio_ppb=table.rate("shutdown_ratio", 0),
        kept_share_ppb=table.rate("kept_share", 0),
        most_kept_wad=table.count("most_kept", 0) * WAD,
        pool_penalty_ppb=table.rate("pool_penalty", 0),
        redistribution_penalty_ppb=table.rate("redistribution_penalty", 0),
        bands=table.count("bands", 0),
        amplification=table.count("amplification", 0),
        liquidation_discount_ppb=table.rate("liquidation_discount", 0),
    )
    table.done()
    return found
