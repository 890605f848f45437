"""An incident as a scenario file: what was published, a market of its size, the rule that would have held.

A file names the rules (a built-in lending rulebook, or the page of one), draws lenders and borrowers, moves
prices, lets the oracle be wrong and visitors come, and says which figure of the run stands beside which
published one. It is run twice, as it was and with the safeguard; on the way detectors look at every step.
Loans are drawn, so figures are of the incident's size and not its own. Dollars are floats, money is atoms.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from seawall.api.loan_books import SEARCHER, Told, first_prices, keeper_of, named, read_liquidator
from seawall.api.witness import Seen, Witness
from seawall.engine import commands as cmd
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS
from seawall.errors import InputError
from seawall.lab.loan_crash import LoanCrash
from seawall.lab.misread import Misread
from seawall.lab.shock import parse_shock, shock_path
from seawall.lab.simulate import load_engine
from seawall.lab.streams import Stream
from seawall.lab.visitors import Visitor
from seawall.rulebooks.lay_out import lay_out_page
from seawall.rulebooks.load import load_rulebook
from seawall.rulebooks.model import Rulebook

START_NS = 1_770_000_000 * 10**9
MINUTE_NS = 60 * 10**9


class Borrowers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many loans of one kind: collateral worth so much together, owed a share of it between two bounds."""

    count: int
    collateral: str
    debt: str
    worth_usd: float
    ltv: tuple[float, float]
    spread: float = 1.0  # of the logarithms of their sizes


class Wrong(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """lab.misread.Misread in minutes from the start."""

    asset: str
    start: float = msgspec.field(name="from")
    end: float = msgspec.field(name="to")
    multiple: float = 1.0
    says: float = 0.0
    least: float = 0.0
    sources: int = 0


class Comes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """lab.visitors.Visitor, in minutes from the start."""

    at: float
    asset: str
    coins: float
    borrows: str


class Market(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prices, pools (coins on one side) and what lenders have put in (coins)."""

    minutes: float
    prices: dict[str, float]
    shocks: list[str]
    pools: dict[str, float]
    lenders: dict[str, float]
    fixed: dict[str, float] = {}
    step_s: float = 60.0
    liquidators: list[str] = []
    feedback: bool = False
    recovery: float = 0.2


class Safeguard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What would have held: other rules, an oracle that is right, or smaller loans."""

    what: str
    rules: dict[str, Any] = {}
    misread: bool = True
    size: float = 1.0


class Incident(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scenario file, read. `model`: published figure -> figure of the run. `figures`: for the detectors."""

    title: str
    date: str
    what: str
    sources: list[str]
    assumed: str
    published: dict[str, float]
    model: dict[str, str]
    rules: dict[str, Any]
    market: Market
    safeguard: Safeguard
    borrowers: list[Borrowers] = []
    misread: list[Wrong] = []
    visitors: list[Comes] = []
    figures: dict[str, float] = {}


class IncidentReport(msgspec.Struct, frozen=True, kw_only=True):
    """Both runs: published figures beside theirs, and what fired when, first first."""

    name: str
    incident: Incident
    as_it_was: Seen
    with_safeguard: Seen

    def rows(self) -> list[tuple[str, float, float | None, float | None]]:
        """(figure, published, as it was, with the safeguard); None: the run has no such figure."""
        was, kept = (one.figures for one in (self.as_it_was, self.with_safeguard))
        names = self.incident.model
        return [
            (name, value, was.get(names.get(name, "")), kept.get(names.get(name, "")))
            for name, value in self.incident.published.items()
        ]


def list_incidents() -> tuple[str, ...]:
    """The built-in scenario files, by name."""
    found = files("seawall.incidents").iterdir()
    return tuple(sorted(one.name.removesuffix(".toml") for one in found if one.name.endswith(".toml")))


def load_incident(name_or_path: str | Path) -> Incident:
    """A built-in one by its name, or a file. Raises InputError."""
    wanted = str(name_or_path)
    if isinstance(name_or_path, Path) or wanted.endswith(".toml"):
        try:
            text = Path(name_or_path).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise InputError.at(wanted, f"cannot be read: {error}", "Give a scenario file.") from None
    elif wanted in list_incidents():
        text = files("seawall.incidents").joinpath(f"{wanted}.toml").read_text(encoding="utf-8")
    else:
        raise InputError.at(wanted, "is no built-in incident", f"There are: {', '.join(list_incidents())}.")
    return read_incident(text, where=wanted)


def read_incident(text: str, *, where: str) -> Incident:
    """InputError with the place for text that is no TOML, or a key that is missing, unknown or of no use."""
    try:
        found: Incident = msgspec.convert(tomllib.loads(text), Incident)
    except (ValueError, RecursionError) as error:
        raise InputError.at(where, str(error), "Correct the scenario file there.") from None
    for name in found.model:
        if name not in found.published:
            raise InputError.at(f"{where}: model.{name}", "stands beside no published figure", "Publish it.")
    if found.safeguard.rules and "builtin" in found.rules:
        what = "changes the rules, which are a built-in rulebook's"
        raise InputError.at(f"{where}: safeguard", what, "Write the rules out under [rules].")
    if not 0.0 < found.safeguard.size <= 1.0:
        raise InputError.at(f"{where}: safeguard.size", f"is {found.safeguard.size}", "Give a share up to 1.")
    return found


def run_incident(name_or_path: str | Path) -> IncidentReport:
    """Run it as it was and with the safeguard. Raises InputError, RulebookError, BookError."""
    incident = load_incident(name_or_path)
    return IncidentReport(
        name=Path(str(name_or_path)).name.removesuffix(".toml"),
        incident=incident,
        as_it_was=_crash(incident, Safeguard(what="")),
        with_safeguard=_crash(incident, incident.safeguard),
    )


def _crash(incident: Incident, guard: Safeguard) -> Seen:
    market, rulebook = incident.market, _rulebook(incident, guard)
    path = shock_path(
        market.prices,
        [parse_shock(text) for text in market.shocks],
        duration_seconds=market.minutes * 60.0,
        step_seconds=market.step_s,
        start_ns=START_NS,
    )
    mine, pools, fixed = named(rulebook, path, market.pools, market.fixed)
    usd = {name: float(mine.of(name)[0]) for name in mine.names} | fixed
    engine, told = Engine(rulebook), Told()
    load_engine(
        engine, (first_prices(rulebook, usd, START_NS), *_book(incident, guard, rulebook, usd)), (told,)
    )
    unit = rulebook.asset(rulebook.margin.numeraire).atoms_per_unit
    liquidators = [read_liquidator(text) for text in market.liquidators] or [SEARCHER]
    witness = Witness(incident.figures, wrong=[one.asset for one in incident.misread], lead=mine.names[0])
    crash = LoanCrash(
        engine,
        mine,
        tuple(keeper_of(one, unit, START_NS) for one in liquidators),
        pools,
        fixed_usd=fixed,
        feedback=market.feedback,
        recovery=market.recovery,
        misread=tuple(_misread(one) for one in incident.misread if guard.misread),
        visitors=tuple(_visitor(k, one) for k, one in enumerate(incident.visitors)),
        recorders=(witness,),
        loaded=told.events,
    )
    witness.crash = crash
    return witness.seen(crash, crash.run())


def _rulebook(incident: Incident, guard: Safeguard) -> Rulebook:
    builtin = incident.rules.get("builtin")
    if builtin is not None:
        return load_rulebook(str(builtin))
    return lay_out_page(merged(incident.rules, guard.rules), file="rules")


def merged(page: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The page with the patch's values in place of its own, table by table."""
    found = dict(page)
    for key, value in patch.items():
        below = found.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        found[key] = merged(below, value) if both else value  # type: ignore[arg-type]
    return found


def _misread(one: Wrong) -> Misread:
    return Misread(
        asset=one.asset,
        start_ns=START_NS + round(one.start * MINUTE_NS),
        end_ns=START_NS + round(one.end * MINUTE_NS),
        multiple=one.multiple,
        says_usd=one.says,
        least_usd=one.least,
        sources=one.sources,
    )


def _visitor(place: int, one: Comes) -> Visitor:
    at = START_NS + round(one.at * MINUTE_NS)
    return Visitor(name=str(place), at_ns=at, asset=one.asset, coins=one.coins, borrows=one.borrows)


def _book(
    incident: Incident, guard: Safeguard, rulebook: Rulebook, usd: Mapping[str, float]
) -> list[cmd.AnyCommand]:
    """Lenders, then the drawn loans."""
    account, commands = HOUSE_ACCOUNTS, list[cmd.AnyCommand]()

    def put(kind: type[cmd.Deposit] | type[cmd.ReportDebt], asset: str, coins: float) -> None:
        atoms = round(coins * rulebook.asset(asset).atoms_per_unit)
        commands.append(kind(time_ns=START_NS, account=account, asset=asset, amount_atoms=atoms))

    for asset, coins in incident.market.lenders.items():
        commands.append(cmd.OpenAccount(time_ns=START_NS, account=account))
        put(cmd.Deposit, asset, coins)
        account += 1
    for group in incident.borrowers:
        for name in (group.collateral, group.debt):
            if name not in usd:
                raise InputError.at(f"borrowers of {group.debt}", f"{name} has no price", "Give it one.")
        stream = Stream(0, f"{group.collateral}/{group.debt}")
        weights = stream.lognormal(group.count, 0.0, group.spread)
        shares = group.ltv[0] + (group.ltv[1] - group.ltv[0]) * stream.uniform(group.count)
        worth = weights / weights.sum() * group.worth_usd * guard.size
        for dollars, share in zip(worth.tolist(), shares.tolist(), strict=True):
            commands.append(cmd.OpenAccount(time_ns=START_NS, account=account))
            put(cmd.Deposit, group.collateral, dollars / usd[group.collateral])
            put(cmd.ReportDebt, group.debt, dollars * share / usd[group.debt])
            account += 1
    return commands
