"""What a person asks of a crash, turned into a plan for the lab: prices, book, faults, and where each came
from.

Prices are one of four: files, described shocks, a random day with a crash in it, or (nothing given) the
embedded day shaped after 10 October 2025. USD amounts are floats, as in the lab; times ns. Nothing is run
here.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from seawall.api.pricing import ALIASES
from seawall.errors import InputError
from seawall.instruments.model import InstrumentKind
from seawall.lab import memory
from seawall.lab.bookdepth import fit_depth, good_part, load_book_depth
from seawall.lab.bookfile import read_book
from seawall.lab.depth import DepthCurve
from seawall.lab.experiment import DEPTH_SHARE, Plan, default_curve
from seawall.lab.faults import Faults, parse_fault
from seawall.lab.october import KNOTS, october_path
from seawall.lab.prices import PricePath, load_prices, window
from seawall.lab.process import random_path
from seawall.lab.readers import Columns, asset_of, parse_time, split_source
from seawall.lab.shock import parse_shock, shock_path
from seawall.lab.streams import Stream
from seawall.rulebooks.model import Rulebook

# Rows of the book are int32, and the venue's own accounts need a few of them.
MOST_ACCOUNTS, MOST_PATHS = 2**31 - 1_000, 1_000_000
ACCOUNT_BYTES = 8_000  # its commands, its rows in both engines and in the tables (docs/internals/memory.md)
PERPETUAL = (InstrumentKind.LINEAR_PERPETUAL, InstrumentKind.INVERSE_PERPETUAL)
LEAST_SHARE, MOST_SHARE = 0.55, 0.95  # of the embedded dip that is outside news, over many paths
NOISE_DAILY_VOL = 0.0157  # of a described shock, over many paths: BTC on a calm day (lab.process)


class CrashSetup(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that may be asked of `simulate`. None means: the lab's own default."""

    rulebook: Rulebook
    prices: tuple[str, ...] = ()
    shocks: tuple[str, ...] = ()
    process_days: float | None = None
    book: str | None = None
    faults: tuple[str, ...] = ()
    accounts: int = 10_000
    seed: int = 0
    book_seed: int | None = None  # of the made-up accounts; None: as `seed`, so another book for every path
    paths: int = 1
    feedback: float = 1.0
    start: str | None = None
    end: str | None = None
    step_seconds: float | None = None
    columns: tuple[tuple[str, str], ...] = ()
    open_interest_usd: float | None = None
    depth_share: float | None = None
    depth: tuple[str, ...] = ()  # NAME=FILE of book-depth records the curve is fitted from

    def __post_init__(self) -> None:
        most_seed = 2**31 - 1
        limits = (
            ("accounts", 1, MOST_ACCOUNTS),
            ("paths", 1, MOST_PATHS),
            ("seed", 0, most_seed),
            ("book_seed", 0, most_seed),
        )
        for name, least, most in limits:
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                flag = "--" + name.replace("_", "-")
                raise InputError.at(flag, f"{value:,} is out of range", f"Give {least} to {most:,}.")
        if self.book is None:
            need = self.accounts * ACCOUNT_BYTES
            fix = "Give fewer: a crash shows its shape with some thousands. Or use a larger machine."
            memory.require(need, "--accounts", f"{self.accounts:,} accounts", fix)
        if not 0.0 <= self.feedback <= 10.0:
            raise InputError.at(
                "--feedback", f"{self.feedback!r} is no factor", "Give 0 (none) to 10; 1 is real."
            )
        for name in ("open_interest_usd", "depth_share", "process_days", "step_seconds"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < 1e18:
                flag = "--" + name.removesuffix("_usd").removesuffix("_seconds").replace("_", "-")
                raise InputError.at(flag, f"{value!r} is not usable", "Give a positive, finite number.")
        if self.shocks and self.process_days is not None:
            raise InputError.at(
                "--process", "a described shock is given too", "Choose one of --shock, --process."
            )


def coins(rulebook: Rulebook) -> tuple[str, ...]:
    """Coins that its perpetuals follow; those of the embedded day first, in its order."""
    found = {ALIASES.get(i.base, i.base) for i in rulebook.instruments if i.kind in PERPETUAL}
    known = [name for name in KNOTS if name in found]
    return (*known, *sorted(found - set(known)))


def make_plan(setup: CrashSetup, index: int = 0) -> Plan:
    """Path number `index` of the setup, with seed `seed + index`. Raises SeawallError; runs nothing."""
    seed = setup.seed + index
    path = make_path(setup, seed, varied=setup.paths > 1)
    chosen: dict[str, Any] = {}
    if setup.open_interest_usd is not None:
        chosen["open_interest_usd"] = setup.open_interest_usd
    if setup.depth_share is not None:
        chosen["depth_share"] = setup.depth_share
    if setup.depth:
        chosen["curves"], notes = _fitted_curves(setup, path)
        path = msgspec.structs.replace(path, notes=(*path.notes, *notes))
    if setup.book is not None:
        chosen["rows"] = read_book(setup.book)
    return Plan(
        rulebook=setup.rulebook,
        path=path,
        accounts=setup.accounts,
        seed=seed,
        book_seed=setup.book_seed,
        feedback=setup.feedback,
        faults=Faults(tuple(parse_fault(text) for text in setup.faults)),
        **chosen,
    )


def _fitted_curves(setup: CrashSetup, path: PricePath) -> tuple[dict[str, DepthCurve], list[str]]:
    """Depth curves of every asset: fitted from the good part of the records given, assumed elsewhere."""
    share = DEPTH_SHARE if setup.depth_share is None else setup.depth_share
    curves, notes = {name: default_curve(name, share) for name in path.names}, []
    for text in setup.depth:
        name, file = split_source(text)
        asset = name or asset_of(file.name)
        if asset not in curves:
            fix = f"Prices are given for {', '.join(path.names)}."
            raise InputError.at(f"depth {text}", f"there are no prices of {asset}", fix)
        good, faults = good_part(load_book_depth(file))
        fit = fit_depth(good, "both")
        curves[asset] = fit.curve()
        found = "; ".join(f"{Path(fault.where).name}: {fault.text}" for fault in faults)
        refused = f"; the records from there on are refused: {found}" if faults else ""
        notes.append(
            f"Depth of {asset} is fitted from {file.name}: {fit.d100_usd / 1e6:,.1f} M USD within 100 bp, "
            f"gamma {fit.gamma:.3f}, R2 {fit.r_squared:.2f}{refused}"
        )
    return curves, notes


def make_path(setup: CrashSetup, seed: int, *, varied: bool) -> PricePath:
    """The outside prices of one seed. `varied`: one of many, so that the seed changes the shape as well."""
    start = None if setup.start is None else parse_time(setup.start)
    end = None if setup.end is None else parse_time(setup.end)
    if setup.shocks or setup.process_days is not None:
        path = _described(setup, seed, varied=varied)
    elif setup.prices:
        asked = Columns(**dict(setup.columns))
        return load_prices(
            setup.prices,
            step_seconds=setup.step_seconds,
            seed=seed,
            columns=asked,
            start_ns=start,
            end_ns=end,
        )
    else:
        path = _embedded(setup, seed, varied=varied)
    return window(path, start, end) if start is not None or end is not None else path


def _embedded(setup: CrashSetup, seed: int, *, varied: bool) -> PricePath:
    if setup.step_seconds is not None:
        what = "the embedded day has one step a minute"
        raise InputError.at("--step", what, "Leave it out, or give --prices or --shock.")
    assets = tuple(name for name in coins(setup.rulebook) if name in KNOTS)
    if not coins(setup.rulebook) and not isinstance(setup.rulebook.interest, msgspec.UnsetType):
        what = "it makes loans, and has no perpetuals to crash"
        raise InputError.at(setup.rulebook.name, what, "Use `seawall loans BOOK --rulebooks ...`.")
    if not assets:
        what = f"none of its coins ({', '.join(coins(setup.rulebook))}) is in the embedded day"
        raise InputError.at(setup.rulebook.name, what, "Give --prices NAME=FILE for them.")
    if not varied:
        return october_path(seed=seed, assets=assets)
    share = LEAST_SHARE + (MOST_SHARE - LEAST_SHARE) * float(Stream(seed, "fan/share").uniform(1)[0])
    return october_path(seed=seed, assets=assets, exogenous_share=share)


def _described(setup: CrashSetup, seed: int, *, varied: bool) -> PricePath:
    """A shock as written, or a random day; from the first price of the files, or of the embedded day."""
    prices, start_ns = _first_prices(setup)
    step = 60.0 if setup.step_seconds is None else setup.step_seconds
    if setup.process_days is not None:
        return random_path(
            prices, days=setup.process_days, step_seconds=step, seed=seed, crash=True, start_ns=start_ns
        )
    shocks = [parse_shock(text) for text in setup.shocks]
    for shock in shocks:
        if shock.asset not in prices:
            what = f"there is no start price of {shock.asset}"
            raise InputError.at(f"shock of {shock.asset}", what, f"There are: {', '.join(prices)}.")
    noise = NOISE_DAILY_VOL if varied else 0.0
    return shock_path(prices, shocks, step_seconds=step, noise_daily_vol=noise, seed=seed, start_ns=start_ns)


def _first_prices(setup: CrashSetup) -> tuple[dict[str, float], int]:
    if setup.prices:
        path = load_prices(setup.prices, columns=Columns(**dict(setup.columns)))
    else:
        path = october_path(assets=tuple(name for name in coins(setup.rulebook) if name in KNOTS) or ("BTC",))
    return {name: float(path.price[0, k]) for k, name in enumerate(path.names)}, int(path.time_ns[0])


def origin(setup: CrashSetup) -> dict[str, Any]:
    """What the run was made from, for the record: parameters, and the hash of every file that was read."""
    asked = {
        name: getattr(setup, name)
        for name in setup.__struct_fields__
        if name not in ("rulebook", "prices", "book") and getattr(setup, name) not in (None, ())
    }
    files = [split_source(source)[1] for source in setup.prices] + ([Path(setup.book)] if setup.book else [])
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return {"asked": asked, "files_sha256": hashes}
