"""Margin by Greeks against full revaluation on one grid: gains by cell, sensitivities, margins."""

from __future__ import annotations

from fractions import Fraction

from seawall.conform.model import Vector
from seawall.conform.portfolio_bench import WIDE_ROOM, decimals_for
from seawall.conform.reading import Adapter, Answer, as_number, number, numbers
from seawall.errors import Unsupported
from seawall.margin.portfolio.greeks import GreekContract, Grid, greek_margin, greek_table


def grid_against_greeks(vector: Vector) -> Answer:
    """Options and futures on one forward."""
    given = vector.inputs
    forward, years, vol = (float(number(given, name)) for name in ("F", "T", "sigma"))
    contracts, sizes = [], []
    for place, entry in enumerate(given["positions"]):
        if not isinstance(entry, list) or len(entry) != 3:
            raise Unsupported("a position is not [size, kind, strike or price]")
        size, kind, price = as_number(entry[0], "size"), str(entry[1]), float(as_number(entry[2], "strike"))
        if kind == "future":
            contracts.append(GreekContract(name=f"leg {place}", forward=price))
        elif kind in ("call", "put"):
            contracts.append(
                GreekContract(
                    name=f"leg {place}", forward=forward, strike=price, years=years, vol=vol,
                    is_call=kind == "call",
                )
            )  # fmt: skip
        else:
            raise Unsupported(f"a position of kind {kind!r}")
        sizes.append(size)
    steps = 10**6
    decimals = decimals_for(10 * Fraction(forward) * max(abs(size) for size in sizes), WIDE_ROOM)
    table = greek_table(
        contracts,
        moves=[float(move) for move in numbers(given, "moves")],
        vol_moves=[float(move) for move in numbers(given, "vol_shocks")],
        decimals=decimals,
    )
    found = greek_margin([round(size * steps) for size in sizes], table, steps=steps)
    unit = Fraction(1, 10**decimals)

    def units(grid: Grid) -> list[list[Fraction]]:
        return [[cell * unit for cell in row] for row in grid]

    return {
        "full": units(found.full),
        "greeks": found.sensitivities._asdict(),
        "dgv": units(found.by_greeks["delta_gamma_vega"]),
        "dgv_vanna_volga": units(found.by_greeks["with_vanna_volga"]),
        "margin_full": found.full_margin_atoms * unit,
        "margin_dgv": found.margin_atoms["delta_gamma_vega"] * unit,
        "margin_dgvv": found.margin_atoms["with_vanna_volga"] * unit,
        "bound_dgv": found.bound_atoms["delta_gamma_vega"] * unit,
        "bound_dgvv": found.bound_atoms["with_vanna_volga"] * unit,
    }


ADAPTERS = (
    Adapter("margin.grid", ("F", "T", "sigma", "positions", "moves", "vol_shocks"), grid_against_greeks),
)
