"""What the page of a portfolio is drawn from: plain values, put together by the api.

Moves are factors on today's price and vols. Health, changes and requirements are floats in whole units of the
account (rounded from exact atoms), for drawing and for reading only.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The worst scenario on the map: its price, and from the least to the largest shock of a leg's vol."""

    price: float
    low_vol: float
    high_vol: float
    words: str


class HeatMap(msgspec.Struct, frozen=True, kw_only=True):
    """Health of one account when one underlying moves. Grids are (vols, prices); `changes` by leg."""

    underlying: str
    unit: str
    spot: float
    level: str
    prices: Floats
    vols: Floats
    health: Floats
    needs: Floats
    legs: tuple[str, ...]
    changes: tuple[Floats, ...]
    worst: Mark | None


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of text under heads; columns after the first are numbers. `strong`: rows set in bold."""

    heading: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: tuple[int, ...] = ()


class AccountPage(msgspec.Struct, frozen=True, kw_only=True):
    """One rulebook's part of the page."""

    title: str
    tag: str
    lines: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    maps: tuple[HeatMap, ...] = ()
    tables: tuple[Table, ...] = ()
    not_modelled: tuple[str, ...] = ()


class PortfolioPage(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    facts: str
    accounts: tuple[AccountPage, ...]
    comparison: Table | None = None
    sentences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    provenance: tuple[tuple[str, str], ...] = ()
