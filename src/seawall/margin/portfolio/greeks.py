"""Margin by Greeks over a grid of moves, and how far it can be from full revaluation.

    gain = delta dF + gamma dF**2 / 2 + vega dv (+ vanna dF dv + volga dv**2 / 2),   dF = F * move

Per contract and cell in atoms (10**-decimals of the quote currency), rounded to the nearest; portfolios are
exact sums of whole steps, each leg rounded down. The error of a contract in a cell is |full - by Greeks|,
reckoned once for all accounts; an account's bound is the largest cell of sum |size| * error, so
|margin by Greeks - margin by revaluation| <= bound, and margin + bound never asks too little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError, NumberError
from seawall.pricing.black import black_greeks, black_higher_greeks, black_price

LARGEST = 4.0e18
Order = Literal["delta_gamma_vega", "with_vanna_volga"]
ORDERS: tuple[Order, ...] = ("delta_gamma_vega", "with_vanna_volga")
Floats = NDArray[np.float64]
Grid = tuple[tuple[int, ...], ...]


class GreekContract(msgspec.Struct, frozen=True, kw_only=True):
    """An option, or with `strike` 0 a future; linear, settled in the quote currency."""

    name: str
    forward: float
    strike: float = 0.0
    years: float = 0.0
    vol: float = 0.0
    is_call: bool = False
    rate: float = 0.0


class Sensitivities(NamedTuple):
    """Of one contract or of a portfolio; per 1.00 of volatility."""

    delta: float
    gamma: float
    vega: float
    vanna: float
    volga: float


class GreekTable(NamedTuple):
    """Gains of one contract under every cell, row by row (volatility moves) and in it by price moves."""

    contracts: tuple[GreekContract, ...]
    moves: tuple[float, ...]
    vol_moves: tuple[float, ...]
    decimals: int
    sensitivities: tuple[Sensitivities, ...]
    full: tuple[Grid, ...]
    by_greeks: dict[Order, tuple[Grid, ...]]


class GreekStatement(msgspec.Struct, frozen=True, kw_only=True):
    """Gains of the portfolio by cell, margins (largest loss) and bounds, in atoms."""

    sensitivities: Sensitivities
    full: Grid
    by_greeks: dict[Order, Grid]
    full_margin_atoms: int
    margin_atoms: dict[Order, int]
    bound_atoms: dict[Order, int]


def greek_table(
    contracts: Sequence[GreekContract],
    *,
    moves: Sequence[float],
    vol_moves: Sequence[float],
    decimals: int,
) -> GreekTable:
    """Revalue every contract once. InputError for prices that cannot be; NumberError beyond 64 bits.

    Volatility moves are absolute, and a volatility does not fall below zero; price moves are relative.
    """
    if not moves or not vol_moves or min(moves) <= -1.0:
        raise InputError.at("moves", "are none, or fall by all of the price", "Give moves above -100 %.")
    price_moves = np.array(list(moves), dtype=np.float64)
    shifts = np.array(list(vol_moves), dtype=np.float64)
    found, full = [], []
    grids: dict[Order, list[Grid]] = {order: [] for order in ORDERS}
    for contract in contracts:
        greeks = _sensitivities(contract)
        found.append(greeks)
        full.append(_atoms(_revalued(contract, price_moves, shifts), contract, decimals))
        for order in ORDERS:
            grids[order].append(
                _atoms(_expanded(contract, greeks, price_moves, shifts, order), contract, decimals)
            )
    return GreekTable(
        tuple(contracts),
        tuple(moves),
        tuple(vol_moves),
        decimals,
        tuple(found),
        tuple(full),
        {order: tuple(grids[order]) for order in ORDERS},
    )


def greek_margin(sizes: Sequence[int], table: GreekTable, *, steps: int = 1) -> GreekStatement:
    """A portfolio of `sizes` whole steps, `steps` of them one contract, in the order of the table."""
    if len(sizes) != len(table.contracts):
        raise InputError.at(
            "sizes", f"are {len(sizes)} for {len(table.contracts)} contracts", "Give one size per contract."
        )
    full = _sum(sizes, table.full, steps)
    by_greeks = {order: _sum(sizes, table.by_greeks[order], steps) for order in ORDERS}
    totals = (
        sum(size / steps * greeks[place] for size, greeks in zip(sizes, table.sensitivities))
        for place in range(len(Sensitivities._fields))
    )
    return GreekStatement(
        sensitivities=Sensitivities(*totals),
        full=full,
        by_greeks=by_greeks,
        full_margin_atoms=_margin(full),
        margin_atoms={order: _margin(grid) for order, grid in by_greeks.items()},
        bound_atoms={order: _bound(sizes, table, order, steps) for order in ORDERS},
    )


def _margin(grid: Grid) -> int:
    return max(0, -min(min(row) for row in grid))


def _bound(sizes: Sequence[int], table: GreekTable, order: Order, steps: int) -> int:
    """Largest cell of the summed errors, and an atom per leg for what rounding down may take."""
    cells = [
        -(
            -sum(
                abs(size) * abs(full[row][column] - approximate[row][column])
                for size, full, approximate in zip(sizes, table.full, table.by_greeks[order])
            )
            // steps
        )
        for row in range(len(table.vol_moves))
        for column in range(len(table.moves))
    ]
    return max(cells) + len(sizes)


def _sum(sizes: Sequence[int], grids: tuple[Grid, ...], steps: int) -> Grid:
    rows = range(len(grids[0])) if grids else range(0)
    return tuple(
        tuple(
            sum(size * grid[row][column] // steps for size, grid in zip(sizes, grids))
            for column in range(len(grids[0][row]))
        )
        for row in rows
    )


def _sensitivities(contract: GreekContract) -> Sensitivities:
    if not contract.strike:
        return Sensitivities(1.0, 0.0, 0.0, 0.0, 0.0)
    terms = (contract.forward, contract.strike, contract.years, contract.vol, contract.is_call)
    first, higher = black_greeks(*terms, rate=contract.rate), black_higher_greeks(*terms, rate=contract.rate)
    return Sensitivities(
        float(first.delta), float(first.gamma), float(first.vega), float(higher.vanna), float(higher.volga)
    )


def _revalued(contract: GreekContract, moves: Floats, shifts: Floats) -> Floats:
    if not contract.strike:
        return np.broadcast_to(contract.forward * moves, (shifts.size, moves.size))
    forwards, vols = np.meshgrid(contract.forward * (1.0 + moves), np.maximum(contract.vol + shifts, 0.0))
    terms = (contract.strike, contract.years)
    moved = black_price(forwards, *terms, vols, contract.is_call, rate=contract.rate)
    today = black_price(contract.forward, *terms, contract.vol, contract.is_call, rate=contract.rate)
    return np.asarray(moved - today, dtype=np.float64)


def _expanded(
    contract: GreekContract, greeks: Sensitivities, moves: Floats, shifts: Floats, order: Order
) -> Floats:
    step, shift = np.meshgrid(contract.forward * moves, shifts)
    gain = greeks.delta * step + 0.5 * greeks.gamma * step * step + greeks.vega * shift
    if order == "with_vanna_volga":
        gain = gain + greeks.vanna * step * shift + 0.5 * greeks.volga * shift * shift
    return np.asarray(gain, dtype=np.float64)


def _atoms(gains: Floats, contract: GreekContract, decimals: int) -> Grid:
    scaled = gains * float(10**decimals)
    if not bool(np.all(np.abs(scaled) < LARGEST)):
        raise NumberError(
            f"{contract.name}: a gain is no finite number of 10**-{decimals}\n"
            "  Check its price, volatility and strike, or use fewer decimals."
        )
    return tuple(tuple(int(value) for value in row) for row in np.floor(scaled + 0.5))
