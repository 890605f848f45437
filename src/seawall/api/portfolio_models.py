"""What the margin of a portfolio of options would be under each model of the market, and who may speak.

Each model is fitted to every other strike of the expiries that are held and judged on the rest
(calibrate.verify). One that puts too few of those inside their spread is shown and left out of the reserve.
The margin is the expected shortfall over a horizon; one forward, the median of the expiries held, stands
for all. USD, vols and shares as fractions, time in days. Floats: a figure for people, no decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from seawall.api.chains import NAMES, chain_kind, two_sided
from seawall.api.portfolio_files import PORTFOLIO, Row, read_rows
from seawall.api.portfolio_names import Named, read_contract_name
from seawall.calibrate.book_margin import Book, ModelMargin, OptionLine, book_margin
from seawall.calibrate.models.catalogue import entry
from seawall.calibrate.models.model import Model
from seawall.calibrate.quotes import Chain, make_chains
from seawall.calibrate.verify import Challenge, challenge
from seawall.errors import InputError, NumberError, Unsupported

MODELS = ("black", "merton", "kou", "variance_gamma", "heston", "svcj")
DAYS = 365.0
DOLLARS = ("USD", "USDC", "USDT")


class UnderModel(msgspec.Struct, frozen=True, kw_only=True):
    """The book under one fitted model. `margin` is None where the model gives no law over the horizon, with
    `why`; `admitted`: it describes the market well enough to count in the reserve."""

    name: str
    parameters: dict[str, float]
    at_bound: tuple[str, ...]
    rmse_vol: float  # of the fit
    quotes: int  # it was judged on
    inside_share: float
    faults: tuple[str, ...]
    admitted: bool
    margin: ModelMargin | None
    why: str = ""


class BookUnderModels(msgspec.Struct, frozen=True, kw_only=True):
    """One underlying of the portfolio. `reserve_usd`: the worst admitted shortfall less that of the first."""

    underlying: str
    forward: float
    options: int
    expiries: int
    models: tuple[UnderModel, ...]
    reserve_usd: float | None
    worst: str
    left_out: tuple[str, ...] = ()


def portfolio_models(
    portfolio: Any,
    market: str | Path | pl.DataFrame,
    *,
    at: str = "",
    models: Sequence[str] = MODELS,
    horizon_days: float = 1.0,
    level: float = 0.99,
    least_inside: float = 0.5,
) -> tuple[BookUnderModels, ...]:
    """The portfolio, underlying by underlying, under each model; the first model is what others are held to.

    `market` is a chain with bids and asks (Deribit, Tardis, OKX). InputError: no such chain, an expiry held
    that it does not quote, fewer quotes than parameters, a name no model has; Unsupported: no options held.
    """
    chains = _chains(market, at)
    held: dict[str, list[tuple[Named, float]]] = {}
    for row in read_rows(portfolio, PORTFOLIO, name=_name(portfolio, "portfolio")):
        named = read_contract_name(row.cells["instrument"].strip(), where=row.where)
        if named.base not in DOLLARS:
            held.setdefault(named.base, []).append((named, _size(row)))
    found = []
    for base, lines in held.items():
        if any(named.kind == "option" for named, _ in lines):
            quoted = chains.get(base, ())
            found.append(_under(base, lines, quoted, models, horizon_days / DAYS, level, least_inside))
    if not found:
        raise Unsupported("the portfolio holds no options: models of their prices have nothing to say of it")
    return tuple(found)


def _name(table: Any, otherwise: str) -> str:
    return Path(table).name if isinstance(table, str | Path) else otherwise


def _size(row: Row) -> float:
    size = row.floating("size")
    if size is None:
        raise InputError.at(row.where, "has no size", "Fill the column size: contracts, negative if sold.")
    return size


def _chains(market: str | Path | pl.DataFrame, at: str) -> dict[str, tuple[Chain, ...]]:
    from seawall.lab.frames import read_frame

    path = Path(_name(market, "market"))
    if isinstance(market, pl.DataFrame):
        frame, line = market, None
    else:
        frame, line = read_frame(Path(market), headerless=False)
    kind = chain_kind(frame.columns)
    if kind is None:
        raise InputError.at(
            str(path),
            "is no chain of option quotes known here, and models are fitted to bids and asks",
            f"Give one with the columns of {', '.join(NAMES)}.",
        )
    table = two_sided(frame, kind, path=path, line=line, at=at)
    return {
        str(base): make_chains(rows, coin=bool(rows["coin"][0]))
        for (base, _coin), rows in (
            table.group_by("base", "coin", maintain_order=True) if table.height else ()
        )
    }


def _under(
    base: str,
    lines: list[tuple[Named, float]],
    chains: tuple[Chain, ...],
    names: Sequence[str],
    years: float,
    level: float,
    least_inside: float,
) -> BookUnderModels:
    expiries = sorted({named.expiry_ns for named, _ in lines if named.kind == "option"})
    quoted = {chain.expiry_ns: chain for chain in chains}
    absent = [named for named, _ in lines if named.kind == "option" and named.expiry_ns not in quoted]
    if absent:
        raise InputError.at(
            f"portfolio, {base} strike {absent[0].strike}",
            "expires when the chain quotes nothing",
            "Give a chain that has every expiry held.",
        )
    used = [quoted[expiry] for expiry in expiries]
    forward = float(np.median([chain.forward for chain in used]))
    options = tuple(
        OptionLine(
            quantity=size,
            strike=float(named.strike),
            years=quoted[named.expiry_ns].years,
            is_call=named.is_call,
        )
        for named, size in lines
        if named.kind == "option"
    )
    book = Book(forward=forward, lines=options, forwards_held=sum(s for n, s in lines if n.kind != "option"))
    judged = tuple(_judge(one, book, years, level, least_inside) for one in challenge(list(names), used))
    known = {
        m.name: m.margin.es_usd for m in judged if m.margin is not None and (m.admitted or m is judged[0])
    }
    worst = max(known, key=lambda name: known[name], default="")
    reserve = None if judged[0].name not in known else max(known[worst] - known[judged[0].name], 0.0)
    return BookUnderModels(
        underlying=base,
        forward=forward,
        options=len(options),
        expiries=len(expiries),
        models=judged,
        reserve_usd=reserve,
        worst=worst,
        left_out=tuple(str(one) for chain in used for one in chain.rejected),
    )


def _judge(one: Challenge, book: Book, years: float, level: float, least_inside: float) -> UnderModel:
    margin, why = None, ""
    try:
        margin = book_margin(book, one.fit.model, horizon_years=years, level=level)
    except NumberError as error:
        why = str(error).splitlines()[0]
    return UnderModel(
        name=one.test.name,
        parameters=_parameters(one.fit.model),
        at_bound=one.fit.at_bound,
        rmse_vol=one.fit.rmse_vol,
        quotes=one.test.quotes,
        inside_share=one.test.inside_share,
        faults=one.test.faults,
        admitted=one.test.inside_share >= least_inside,
        margin=margin,
        why=why,
    )


def _parameters(model: Model) -> dict[str, float]:
    return {name: float(getattr(model, name)) for name in entry(model.name).ranges}
