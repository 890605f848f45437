"""A book of loans through a crash, under each of several rulebooks: who is liquidated, and who loses.

The same borrowers, prices, pools and liquidators for all; only the rules differ. Each rulebook is run twice:
with the pools that liquidators sell into as the oracle's source, and with the outside price alone; what the
first has more came from the sales, and from pools that follow a price late. Prices and depths are
dollars as floats (the world); all money inside is exact atoms of each rulebook's numeraire, told in dollars
here for reading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from seawall.api.desk import load_rows, read_rows
from seawall.api.keep import JournalKeeper
from seawall.api.place_book import meanings, place
from seawall.api.pricing import ALIASES
from seawall.engine import commands as cmd
from seawall.engine.engine import Engine
from seawall.engine.events import AnyEvent
from seawall.errors import InputError
from seawall.lab.bookfile import BookRow
from seawall.lab.keepers import Keeper
from seawall.lab.loading import commands_for_rows
from seawall.lab.loan_crash import LoanCrash, LoanOutcome
from seawall.lab.prices import PricePath
from seawall.lab.simulate import Recorder, load_engine
from seawall.market.amm.constant_product import ConstantProductPool
from seawall.rulebooks.load import load_rulebook
from seawall.rulebooks.model import Rulebook
from seawall.units import parse_decimal, parse_duration_ns, parse_ppb


class Liquidator(msgspec.Struct, frozen=True, kw_only=True):
    """An outside liquidator: own capital, or (0) a flash loan. Times ns; `away_ns` from the path's start."""

    name: str
    capital_usd: float = 0.0
    latency_ns: int = 0
    least_profit_ppb: int = 0
    away_ns: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 <= self.capital_usd < 1e15:
            what = f"has a capital of {self.capital_usd!r}"
            raise InputError.at(f"liquidator {self.name}", what, "Give zero or more; zero: flash loans.")


def read_liquidator(text: str) -> Liquidator:
    """`desk,capital=2000000,latency=1 min,profit=1 %,away=0 s..1 h`; no capital: flash loans. InputError."""
    name, *rest = [part.strip() for part in text.split(",")]
    where = f"liquidator {name}"
    fields: dict[str, Any] = {}
    away: list[tuple[int, int]] = []
    for part in rest:
        key, equals, value = (word.strip() for word in part.partition("="))
        if not equals or not value:
            raise InputError.at(where, f"{part!r} is no NAME=VALUE", "Write it like capital=2000000.")
        if key == "capital":
            fields["capital_usd"] = float(parse_decimal(value, where=where))
        elif key == "latency":
            fields["latency_ns"] = parse_duration_ns(value, where=where)
        elif key == "profit":
            fields["least_profit_ppb"] = parse_ppb(value, where=where)
        elif key == "away":
            start, dots, end = value.partition("..")
            if not dots:
                raise InputError.at(where, f"away={value} is no span", "Write away=10 min..70 min.")
            away.append((parse_duration_ns(start, where=where), parse_duration_ns(end, where=where)))
        else:
            raise InputError.at(where, f"{key} is not known", "Give capital, latency, profit or away.")
    return Liquidator(name=name, away_ns=tuple(away), **fields)


SEARCHER = Liquidator(name="searcher", least_profit_ppb=2_000_000)


class Told:
    """A recorder that keeps what a book's loading had to say beyond the loading itself."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []

    def record(self, command: cmd.AnyCommand, events: tuple[AnyEvent, ...]) -> None:
        self.events += events[1:]  # the first is what was asked for

    def step_done(self, engine: Engine, venue: Any, time_ns: int) -> None:
        """A loading has no steps."""


class LoanRun(msgspec.Struct, frozen=True, kw_only=True):
    """A book under one rulebook. `left_out`: accounts it cannot hold, with the reason."""

    rulebook: str
    borrowers: int
    left_out: dict[str, str]
    fed: LoanOutcome  # the oracle reads the pools
    apart: LoanOutcome  # the oracle reads the outside price
    atoms_per_usd: int
    lead: str  # the asset of the path's first coin, '' where the rulebook has none

    def usd(self, atoms: int) -> float:
        return atoms / self.atoms_per_usd

    @property
    def first_usd(self) -> float | None:
        """The oracle's price of the lead when the first loan was below its threshold; None: none was."""
        seen = (step.price_usd.get(self.lead) for step in self.fed.steps if step.started)
        return next(seen, None)

    @property
    def lowest_usd(self) -> float | None:
        """The lowest that the oracle said of the lead."""
        return (
            min((step.price_usd[self.lead] for step in self.fed.steps), default=None) if self.lead else None
        )


def crash_loans(
    book: Any,
    rulebooks: Sequence[Rulebook | str | Path],
    path: PricePath,
    *,
    pools: Mapping[str, float],
    fixed_usd: Mapping[str, float] | None = None,
    liquidators: Sequence[Liquidator] = (SEARCHER,),
    recovery: float = 0.2,
    out: Path | None = None,
) -> tuple[LoanRun, ...]:
    """`book` (as for `load_book`, debts below zero) along `path` under each of the rulebooks.

    path: USD by coin. pools: coins on one side of each coin's pool, whose other side is dollars. fixed_usd:
    what stays at its price, such as the dollars that are owed. out: a folder for the journal of each run with
    feedback, `NAME.db`. Raises BookError, RulebookError, JournalError, InputError (a journal is there too).
    """
    if not rulebooks:
        raise InputError.at("rulebooks", "none is given", "Name some: aave-v3.3,compound-v3,euler-v2.")
    chosen = [one if isinstance(one, Rulebook) else load_rulebook(one) for one in rulebooks]
    if len({one.tag for one in chosen}) < len(chosen):
        raise InputError.at("rulebooks", "one is given twice", "Name each once.")
    rows = read_rows(book)
    _check_coins(path, pools, fixed_usd or {})
    journals = [None if out is None else out / f"{_file_name(one.name)}.db" for one in chosen]
    for file in journals:
        if file is not None and file.exists():
            raise InputError.at(str(file), "is there already", "Give another folder, or remove it.")
    return tuple(
        _run(rows, one, path, pools, fixed_usd or {}, tuple(liquidators), recovery, file)
        for one, file in zip(chosen, journals, strict=True)
    )


def _file_name(name: str) -> str:
    """A rulebook may be called anything; its journal stays in its folder."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)


def _check_coins(path: PricePath, pools: Mapping[str, float], fixed: Mapping[str, float]) -> None:
    for name, coins in pools.items():
        if name not in path.names:
            raise InputError.at(f"pool of {name}", "there are no prices of it", f"Give {name} a price path.")
        if not 0.0 < coins < 1e12:
            raise InputError.at(f"pool of {name}", f"holds {coins!r} coins", "Give a positive number.")
    for name in path.names:
        if name not in pools:
            what = "has prices, and no pool that liquidators could sell it into"
            raise InputError.at(name, what, f"Say how many coins its pool holds: {name}=30000.")
    for name in fixed:
        if name in path.names:
            raise InputError.at(f"fixed price of {name}", "it has a price path too", "Give one of the two.")


def _run(
    rows: list[BookRow],
    rulebook: Rulebook,
    path: PricePath,
    pools: Mapping[str, float],
    fixed: Mapping[str, float],
    liquidators: tuple[Liquidator, ...],
    recovery: float,
    journal: Path | None,
) -> LoanRun:
    if isinstance(rulebook.interest, msgspec.UnsetType):
        what = "makes no loans: it has no [interest]"
        raise InputError.at(rulebook.name, what, "Name lending rulebooks: aave-v3.3, compound-v3.")
    placed = place(rows, rulebook, meanings(rows, [rulebook]))
    _desk, refused = load_rows(rulebook, list(placed.rows), {})
    held = [row for row in placed.rows if row.account not in refused]
    borrowers = {row.account for row in held if (row.collateral_amount or "").startswith("-")}
    mine, deep, stays = named(rulebook, path, pools, fixed)
    unit = rulebook.asset(rulebook.margin.numeraire).atoms_per_unit
    keepers = tuple(keeper_of(one, unit, int(path.time_ns[0])) for one in liquidators)

    def crash(*kept: JournalKeeper, feedback: bool) -> LoanOutcome:
        told = Told()
        engine = _loaded(rulebook, held, mine, stays, told, *kept)
        return LoanCrash(
            engine, mine, keepers, deep,
            fixed_usd=stays, feedback=feedback, recovery=recovery, recorders=kept, loaded=told.events,
        ).run()  # fmt: skip

    apart = crash(feedback=False)
    if journal is None:
        fed = crash(feedback=True)
    else:
        journal.parent.mkdir(parents=True, exist_ok=True)
        keeper = JournalKeeper(journal, rulebook)
        try:
            fed = crash(keeper, feedback=True)
            keeper.close()
        except BaseException:
            keeper.abandon()
            raise
    return LoanRun(
        rulebook=rulebook.tag,
        borrowers=len(borrowers),
        left_out=placed.left_out | refused,
        fed=fed,
        apart=apart,
        atoms_per_usd=unit,
        lead=next((name for name in mine.names if _coin(name, path.names[:1])), ""),
    )


def named(
    rulebook: Rulebook, path: PricePath, pools: Mapping[str, float], fixed: Mapping[str, float]
) -> tuple[PricePath, dict[str, ConstantProductPool], dict[str, float]]:
    """Path, pools and fixed prices by the names that the rulebook has for the coins."""
    money = rulebook.margin.numeraire
    assets = [name for name in rulebook.margin.collateral if name != money]
    moving = {name: coin for name in assets if (coin := _coin(name, path.names))}
    columns = [path.names.index(coin) for coin in moving.values()]
    mine = msgspec.structs.replace(
        path,
        names=tuple(moving),
        price=np.ascontiguousarray(path.price[:, columns]),
        fresh=np.ascontiguousarray(path.fresh[:, columns]),
    )
    deep = {}
    for name, coin in moving.items():
        unit, dollar = rulebook.asset(name).atoms_per_unit, rulebook.asset(money).atoms_per_unit
        deep[name] = ConstantProductPool(
            reserve0_atoms=max(round(pools[coin] * unit), 1),
            reserve1_atoms=max(round(pools[coin] * float(mine.of(name)[0]) * dollar), 1),
        )
    return mine, deep, {name: fixed[coin] for name in assets if (coin := _coin(name, tuple(fixed)))}


def _coin(asset: str, known: tuple[str, ...]) -> str:
    """The asset's own name where it is known, else the first known one of the coin it stands for, else ''."""
    same = (name for name in known if ALIASES.get(name, name) == ALIASES.get(asset, asset))
    return asset if asset in known else next(same, "")


def keeper_of(one: Liquidator, unit: int, start_ns: int) -> Keeper:
    return Keeper(
        name=one.name,
        capital_atoms=round(one.capital_usd * unit),
        flash=not one.capital_usd,
        latency_ns=one.latency_ns,
        least_profit_ppb=one.least_profit_ppb,
        away_ns=tuple((start_ns + start, start_ns + end) for start, end in one.away_ns),
    )


def first_prices(rulebook: Rulebook, usd: Mapping[str, float], now_ns: int) -> cmd.ReportPrices:
    """Every source says these prices, dollars by asset, to the nearest tick."""
    quotes = []
    for name, price in usd.items():
        instrument = rulebook.instrument(rulebook.margin.collateral[name])
        ticks = max(round(price / float(instrument.tick_units)), 1)
        sources = rulebook.oracles[instrument.name].sources
        quotes += [cmd.SourcePrice(instrument.name, source, ticks, now_ns) for source in sources]
    return cmd.ReportPrices(time_ns=now_ns, prices=tuple(quotes))


def _loaded(
    rulebook: Rulebook, rows: list[BookRow], path: PricePath, fixed: Mapping[str, float], *kept: Recorder
) -> Engine:
    """An engine at the path's first prices, with the book in it; every command of that is kept."""
    engine, now = Engine(rulebook), int(path.time_ns[0])
    first = {name: float(path.of(name)[0]) for name in path.names} | dict(fixed)
    commands = commands_for_rows(rulebook, rows, time_ns=now).commands
    # A book has no order: whoever lends is there before somebody's debt turns out to be worthless.
    ordered = sorted(commands, key=lambda command: type(command) is cmd.ReportDebt)
    load_engine(engine, (first_prices(rulebook, first, now), *ordered), kept)
    return engine
