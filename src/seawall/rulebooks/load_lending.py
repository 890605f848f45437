"""Lending rulebooks: reserves, categories, how a debt may be closed, what stands between, as dated TOML.

Built-in ones lie in the folder `lending` beside this file. Rates become 1e-4 (thresholds, bonuses) or 1e-18
(factors), both exactly; amounts of the base currency 1e-8. Loading reports terms under which liquidations
make a loan worse: threshold * (1 + bonus) >= 1, and a discount above 1 - sqrt(threshold).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal, get_args

import msgspec

from seawall.instruments.model import Asset
from seawall.liquidation.isolated_loan import critical_health
from seawall.liquidation.seizure import CloseTerms, Rounding
from seawall.margin.collateral_debt import BPS, WAD, Category, Reserve
from seawall.rulebooks.find import built_in, find_text, open_page
from seawall.rulebooks.parse_loans import BadDebt, read_close, read_interest
from seawall.rulebooks.reader import Table, join
from seawall.units import PPB, parse_ppb

FOLDER = "lending"
BASE_DECIMALS = 8
Kind = Literal["pool", "absorbing", "isolated", "discount"]


class LendingReserve(msgspec.Struct, frozen=True, kw_only=True):
    """A reserve's terms, and what a liquidator of it earns (1e-4 of the whole: 10_500 is 5 %)."""

    reserve: Reserve
    bonus_bps: int = BPS
    liquidation_factor: int = WAD  # of an absorbing market: what of its value the account is credited


class IsolatedMarket(msgspec.Struct, frozen=True, kw_only=True):
    """A market of one collateral and one debt, and up to which share of the one the other may go."""

    collateral: str
    debt: str
    threshold_bps: int


class LendingRulebook(msgspec.Struct, frozen=True, kw_only=True):
    """Terms of a market at a date; `sha256` is over the content. What a kind has not is zero or empty."""

    name: str
    title: str
    effective: str
    kind: Kind
    sources: tuple[str, ...]
    unsupported: tuple[str, ...]
    reserves: dict[str, LendingReserve]
    categories: dict[str, Category]
    category_bonus_bps: dict[str, int]  # of those that have their own: 10_100 is 1 %
    close: CloseTerms
    rounding: Rounding
    fee_bps: int
    front_factor: int
    thresholds: tuple[int, ...]
    most_discount_ppb: int
    borrows: tuple[str, ...]  # what may be borrowed; empty: every reserve
    bad_debt: BadDebt
    markets: dict[str, IsolatedMarket]
    decimals: dict[str, int]  # of the assets of isolated markets
    warnings: tuple[str, ...]
    provenance: dict[str, tuple[str, str]]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


def list_lending_rulebooks() -> tuple[str, ...]:
    """The built-in lending rulebooks as `name@date`."""
    return tuple(f"{name}@{date}" for name, date in built_in(FOLDER))


def load_lending_rulebook(name_or_path: str | Path) -> LendingRulebook:
    """A built-in one by `name` or `name@date`, or a file by its path. Raises RulebookError."""
    file, text = find_text(name_or_path, folder=FOLDER, kind="lending rulebook")
    return parse_lending_rulebook(text, file=file)


def parse_lending_rulebook(text: str, *, file: str) -> LendingRulebook:
    """Read one; `file` is only what errors call it. Raises RulebookError."""
    return read_lending_rulebook(open_page(text, file=file))


def read_lending_rulebook(top: Table) -> LendingRulebook:
    """The same from a page that is open already."""
    page, venue, market = top.page, top.table("venue"), top.table("market")
    base = Asset(name=venue.text("numeraire"), decimals=BASE_DECIMALS)
    reserves = {name: _reserve(name, table) for name, table in top.table("reserves", optional=True).alike()}
    categories, bonuses = {}, {}
    for name, table in top.table("categories", optional=True).alike():
        if table.has("bonus"):
            bonuses[name] = BPS + table.basis_points("bonus")
        categories[name] = _category(table)
    closing = top.table("close", optional=True)
    close = read_close(closing, base)
    closing.done()
    rulebook = LendingRulebook(
        name=venue.text("name"),
        title=venue.text("title"),
        effective=venue.day("effective"),
        kind=market.choice("kind", get_args(Kind)),
        sources=tuple(page.documents[key] for key in sorted(page.documents)),
        unsupported=venue.texts("unsupported", []),
        reserves=reserves,
        categories=categories,
        category_bonus_bps=bonuses,
        close=close,
        rounding=market.choice("rounding", get_args(Rounding), "directed"),
        fee_bps=market.basis_points("fee", 0),
        front_factor=market.rate("front_factor", 0) * (WAD // PPB),
        thresholds=_thresholds(market),
        most_discount_ppb=market.rate("most_discount", 0),
        borrows=market.texts("borrows", []),
        bad_debt=market.choice("bad_debt", get_args(BadDebt), "deficit"),
        markets={name: _market(table) for name, table in top.table("markets", optional=True).alike()},
        decimals=_decimals(market.table("decimals", optional=True)),
        warnings=(),
        provenance=page.provenance,
    )
    if top.has("interest"):
        read_interest(top.table("interest"))
    top.has("oracles")  # read where it is laid out for the engine
    _check_kind(market, rulebook)
    for table in (venue, market, top):
        table.done()
    _check_names(top, rulebook)
    return msgspec.structs.replace(rulebook, warnings=tuple(_warnings(rulebook)))


def _thresholds(table: Table) -> tuple[int, ...]:
    place = f"{table.page.file}: {join(table.path, 'thresholds')}"
    rates = (parse_ppb(text, where=place, rounding="exact") for text in table.texts("thresholds", []))
    return tuple(rate * (WAD // PPB) for rate in rates)


def _check_kind(market: Table, rulebook: LendingRulebook) -> None:
    """What each kind cannot do without."""
    if (rulebook.kind == "isolated") != bool(rulebook.markets):
        fix = "Give each market of an isolated kind its [markets.NAME], and no other kind any."
        market.refuse("kind", f"is '{rulebook.kind}', with {len(rulebook.markets)} [markets]", fix)
    if rulebook.kind == "discount" and not rulebook.most_discount_ppb:
        market.refuse(
            "most_discount", "is missing: collateral goes at a discount", "Give its cap, like '20 %'."
        )
    if rulebook.kind == "absorbing" and len(rulebook.borrows) != 1:
        what = f"names {len(rulebook.borrows)} assets"
        market.refuse("borrows", what, "An absorbing market lends its base asset and no other.")


def _market(table: Table) -> IsolatedMarket:
    found = IsolatedMarket(
        collateral=table.text("collateral"),
        debt=table.text("debt"),
        threshold_bps=table.basis_points("threshold"),
    )
    table.done()
    return found


def _decimals(table: Table) -> dict[str, int]:
    return {name: table.count(name) for name in table.names()}


def _check_names(top: Table, rulebook: LendingRulebook) -> None:
    """What is named elsewhere must be a reserve, or have decimals."""
    assets = {*rulebook.reserves, *rulebook.decimals}
    lent = rulebook.borrows or {*rulebook.reserves, *(one.debt for one in rulebook.markets.values())}
    for part, known, told in (("oracles", assets, "priced"), ("interest", lent, "lent")):
        for name in top.table(part, optional=True).names():
            if name not in known:
                what = f"is of an asset that is not {told} here"
                top.refuse(f"{part}.{name}", what, f"Use {', '.join(sorted(known))}.")
    for name in rulebook.borrows:
        if name not in rulebook.reserves:
            top.refuse("market.borrows", f"names {name!r}, which is no reserve", f"Add [reserves.{name}].")
    for name, one in rulebook.categories.items():
        for asset in one.assets:
            if asset not in rulebook.reserves:
                what = f"names {asset!r}, which is no reserve"
                top.refuse(f"categories.{name}.assets", what, f"Add [reserves.{asset}].")
    for name, market in rulebook.markets.items():
        for asset in (market.collateral, market.debt):
            if asset not in rulebook.decimals:
                what = f"names {asset!r}, whose decimals are not given"
                top.refuse(f"markets.{name}", what, "Add it to decimals under [market].")


def _reserve(name: str, table: Table) -> LendingReserve:
    terms = Reserve(
        name=name,
        decimals=table.count("decimals"),
        ltv_bps=table.basis_points("ltv"),
        threshold_bps=table.basis_points("threshold"),
    )
    found = LendingReserve(
        reserve=terms,
        bonus_bps=BPS + table.basis_points("bonus", 0),
        liquidation_factor=table.rate("liquidation_factor", PPB) * (WAD // PPB),
    )
    if terms.ltv_bps > terms.threshold_bps or terms.threshold_bps > BPS:
        table.refuse("threshold", "is below the loan to value, or above 100 %", "Keep ltv <= threshold <= 1.")
    table.done()
    return found


def _category(table: Table) -> Category:
    found = Category(
        assets=table.texts("assets"),
        ltv_bps=table.basis_points("ltv"),
        threshold_bps=table.basis_points("threshold"),
        isolated=table.flag("isolated"),
    )
    table.done()
    return found


def _warnings(rulebook: LendingRulebook) -> list[str]:
    """Terms under which a liquidation may leave a loan worse than it found it."""
    found = []
    for name, held in rulebook.reserves.items():
        product = held.reserve.threshold_bps * held.bonus_bps
        if product >= BPS * BPS:
            found.append(
                f"{name}: threshold x (1 + bonus) = {product / BPS / BPS:.4f}, not below 1: "
                "from the threshold on every liquidation lowers health"
            )
    for threshold in rulebook.thresholds if rulebook.kind == "discount" else ():
        safe = 1 - critical_health(threshold / WAD)
        if rulebook.most_discount_ppb / PPB > safe:
            found.append(
                f"threshold {threshold / WAD:.4g}: a discount of up to "
                f"{rulebook.most_discount_ppb / PPB:.2%}, above {safe:.2%} = 1 - sqrt(threshold): "
                "slices may lower health"
            )
    return found
