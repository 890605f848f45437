"""Dederi: a dated future simulated at price moves about its fair value, and its contingency.

The fair value is index * exp(abr * days / 365); the page prints whole dollars.
"""

from __future__ import annotations

from fractions import Fraction

from seawall.conform.bench import Bench, flat_rate, level, make_rulebook, perpetual
from seawall.conform.grid import linear_grid
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, number, rate_ppb
from seawall.instruments.model import Asset
from seawall.kernels.elementary import exp

MOVES = tuple(Fraction(percent, 100) for percent in range(-15, 16, 3))
YEAR_DAYS, DIGITS = 365, 10**6


def future(vector: Vector) -> Answer:
    """Bought at its fair value and marked at every move; the contingency is a rate of its index value."""
    given = vector.inputs
    index, size = number(given, "I0", "index"), number(given, "q", "size")
    grown = Fraction(exp(float(number(given, "abr", "rate") * number(given, "days") / YEAR_DAYS)))
    fair = Fraction(round(index * grown * DIGITS), DIGITS)
    prices = [fair + Fraction(round(fair * move * DIGITS), DIGITS) for move in MOVES]
    grid = linear_grid([size], [index, fair, *prices])
    money = Asset(name="USD", decimals=grid.decimals)
    bench = Bench(
        make_rulebook(
            assets=(money,),
            instruments=(perpetual("F", money, lot=grid.lot, tick=grid.tick),),
            schedules={"F": {"contingency": flat_rate(rate_ppb(number(given, "factor")))}},
            levels=(level("contingency"),),
        )
    )
    bench.price(F=grid.ticks(fair))
    account = bench.account()
    bench.trade(account, "F", grid.lots(size), grid.ticks(fair))
    profits, pot = [], bench.pot(account)
    for price in prices:
        bench.price(F=grid.ticks(price))
        profits.append(grid.money(bench.position(pot, "contingency", "F").profit_atoms))
    bench.price(F=grid.ticks(index))
    charged = grid.money(bench.position(pot, "contingency", "F").amount_atoms)
    return {"F0": fair, "pnl": profits, "contingency": charged}


ADAPTERS = (Adapter("dederi-fut", ("I0|index", "abr|rate", "days", "q|size", "factor"), future),)
