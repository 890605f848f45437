"""Contracts of one node under all its scenarios: from market inputs to the integer table of the kernel.

Scenario columns are the rule's sets one after the other, then, where a rule asks for it, the two moves of the
forward alone. Values per contract are kept in thousandths of an atom, rounded to the nearest; values and
gains of positions are atoms, rounded down.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.errors import NumberError
from seawall.kernels import scenarios as kernel
from seawall.kernels.elementary import exp
from seawall.margin.portfolio.charges import ForwardMove
from seawall.margin.portfolio.inputs import Contract, MarketInputs, Position
from seawall.margin.portfolio.model import PPB, Scenario, UnderlyingRules, VolShock

KINDS = {"option": kernel.OPTION, "future": kernel.FUTURE, "perpetual": kernel.PERPETUAL, "spot": kernel.SPOT}
VOLS = ("same", "up", "down", "skew_linear", "skew_absolute")
# Values of one contract are kept finer than atoms, so that a thousand contracts err by less than an atom.
FINER = 1_000
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Column(NamedTuple):
    """A scenario of a named set, or a move of the forward alone ("forward:" and the charge, 0 or 1)."""

    set_name: str
    number: int
    scenario: Scenario
    basis_ppb: int = 0


class Book(NamedTuple):
    """Contracts of one node repriced: gains are table minus base, in thousandths of an atom per contract."""

    contracts: dict[Contract, int]  # and its row
    columns: tuple[Column, ...]
    rows: Floats
    base: Ints
    table: Ints
    deltas: tuple[float, ...]  # of one contract, in units of the underlying


def columns_of(rules: UnderlyingRules) -> tuple[Column, ...]:
    """Every column a node with these rules needs, in the order of its rulebook."""
    found = [
        Column(name, number, scenario)
        for name in sorted(rules.scenarios)
        for number, scenario in enumerate(rules.scenarios[name])
    ]
    for charge in rules.charges:
        if isinstance(charge, ForwardMove):
            for number, move in enumerate((charge.up_ppb, charge.down_ppb)):
                found.append(Column(f"forward:{charge.name}", number, Scenario(), move))
    return tuple(found)


def reprice(contracts: tuple[Contract, ...], rules: UnderlyingRules, market: MarketInputs) -> Book:
    """Value every contract once under every column. Inputs must be complete (see `inputs.missing`).

    NumberError if a value is no finite number or beyond 64 bits in the node's atoms.
    """
    columns = columns_of(rules)
    rows = np.array([_row(contract, rules, market) for contract in contracts], dtype=np.float64)
    rows = rows.reshape(len(contracts), len(kernel.CONTRACT))
    kernel.shock_vols(rows, _shock(rules.vol), _skew(rules))
    moves = np.array([_move(column) for column in columns], dtype=np.float64).reshape(len(columns), 3)
    base = np.zeros(len(contracts), dtype=np.int64)
    tiles = -(-len(columns) // kernel.LANES)
    table = np.zeros((tiles, len(contracts), kernel.LANES), dtype=np.int64)
    if contracts:
        decimals = market.underlyings[contracts[0].underlying].decimals
        room = np.empty((4, len(columns)), dtype=np.float64)
        by_column = np.ascontiguousarray(moves.T)
        bad = kernel.reprice(rows, by_column, 1.0 / (10**decimals * FINER), base, table, room)
        if bad >= 0:
            raise NumberError(
                f"{contracts[bad].name}: its value in a scenario is no finite number of 10**-{decimals}\n"
                "  Check its price, volatility and strike, or keep the node in a coarser unit."
            )
    deltas = tuple(float(kernel.delta_of(row)) for row in rows)
    return Book({c: row for row, c in enumerate(contracts)}, columns, rows, base, table, deltas)


def join(books: list[Book]) -> Book:
    """Books of other contracts of the same node, at the same market, as one."""
    places = [contract for book in books for contract in book.contracts]
    return Book(
        {contract: row for row, contract in enumerate(places)},
        books[0].columns,
        np.concatenate([book.rows for book in books]),
        np.concatenate([book.base for book in books]),
        np.concatenate([book.table for book in books], axis=1),
        tuple(delta for book in books for delta in book.deltas),
    )


def add_up(
    book: Book, positions: list[Position], nodes: list[int], count: int, steps: int
) -> tuple[Ints, Ints]:
    """Value today and gain under each column of `count` nodes, in atoms. NumberError past 64 bits."""
    rows = np.array([book.contracts[position.contract] for position in positions], dtype=np.int64)
    today = np.zeros(count, dtype=np.int64)
    gains = np.zeros((count, len(book.columns)), dtype=np.int64)
    try:
        sizes = np.array([position.size_steps for position in positions], dtype=np.int64)
        owners = np.array(nodes, dtype=np.int64)
        kernel.add_portfolio(
            rows, sizes, owners, steps * FINER, len(book.columns), book.base, book.table, today, gains
        )
    except OverflowError:
        raise NumberError(
            "portfolio: a sum of position values passes 64 bits\n"
            "  Keep the node in a coarser unit (fewer decimals)."
        ) from None
    return today, gains


def gain_per_contract(book: Book, row: int, column: int) -> int:
    """Thousandths of an atom gained by one contract under one column."""
    lane = column % kernel.LANES
    return int(book.table[column // kernel.LANES, row, lane]) - int(book.base[row])


def forward_of(spot: float, *, annual_basis: float, years: float) -> float:
    """Price of a dated future from the index and a basis compounded continuously. Source: Dederi."""
    return spot * float(exp(annual_basis * years))


def shocked_vols(vol: float, years: float, shock: VolShock) -> tuple[float, float]:
    """(up, down) of one volatility at a time to expiry."""
    row = np.zeros((1, len(kernel.CONTRACT)), dtype=np.float64)
    row[0, kernel.CON_KIND], row[0, kernel.CON_VOL], row[0, kernel.CON_YEARS] = kernel.OPTION, vol, years
    kernel.shock_vols(row, _shock(shock), np.zeros(0, dtype=np.float64))
    return float(row[0, kernel.CON_VOL + 1]), float(row[0, kernel.CON_VOL + 2])


def _row(contract: Contract, rules: UnderlyingRules, market: MarketInputs) -> list[float]:
    quote = market.underlyings[contract.underlying]
    row = [0.0] * len(kernel.CONTRACT)
    row[kernel.CON_KIND] = float(KINDS[contract.kind])
    row[kernel.CON_COIN] = float(rules.coin)
    row[kernel.CON_DF] = 1.0
    if contract.kind == "option":
        expiry = quote.expiries[contract.expiry]
        row[kernel.CON_FORWARD], row[kernel.CON_FIXED] = expiry.forward, expiry.fixed
        row[kernel.CON_STRIKE], row[kernel.CON_YEARS] = contract.strike, expiry.years
        row[kernel.CON_CALL] = float(contract.is_call)
        row[kernel.CON_VOL] = market.vols[contract.name]
        if not rules.coin:
            row[kernel.CON_DF] = kernel.discount_factor(expiry.rate, expiry.years)
        return row
    mark = market.marks[contract.name]
    if contract.kind == "spot":
        # Collateral: what it is worth in the account's own coin, moving with the underlying or not at all.
        moves = contract.name in rules.shocked
        row[kernel.CON_KIND] = float(kernel.SPOT if moves else kernel.STILL)
        row[kernel.CON_PRICE] = mark / quote.stable
    else:
        row[kernel.CON_PRICE] = quote.spot if rules.futures_move == "index" else mark
    return row


def _move(column: Column) -> list[float]:
    spot = 1.0 + column.scenario.spot_ppb / PPB
    return [spot, 1.0 + column.basis_ppb / PPB, float(VOLS.index(column.scenario.vol))]


def _shock(shock: VolShock) -> Floats:
    figures = (shock.up_ppb, shock.down_ppb, shock.short_power_ppb, shock.long_power_ppb)
    numbers = [float(shock.kind == "absolute"), *(figure / PPB for figure in figures)]
    ends = [float(shock.reference_days), shock.floor_days_ppb / PPB, shock.up_floor_ppb / PPB]
    return np.array(numbers + ends, dtype=np.float64)


def _skew(rules: UnderlyingRules) -> Floats:
    skew = rules.skew
    if skew is None:
        return np.zeros(0, dtype=np.float64)
    names = ("linear_base", "linear_slope", "absolute_base", "absolute_slope",
             "least_width", "width", "static", "scale")  # fmt: skip
    return np.array([getattr(skew, f"{name}_ppb") / PPB for name in names], dtype=np.float64)
