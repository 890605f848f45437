"""Curve's LLAMMA: the grid of bands, what a loan converts to, trades, soft liquidation along a path, oracle.

The bands asked for stand in the expected tables. The vectors' market was deployed with the root of A / (A-1)
in double precision, so that is what it is given here; whole prices are whole coins.
"""

from __future__ import annotations

import math
from typing import Any

from seawall.conform.amm import whole
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, as_number, find, number, numbers
from seawall.errors import Unsupported
from seawall.market.amm.bands import (
    WAD,
    Grid,
    current_down,
    current_up,
    health,
    limited_price,
    oracle_up,
    removed_share,
)
from seawall.market.amm.llamma import (
    Llamma,
    Loan,
    buy_collateral,
    convert_all,
    deposit,
    holding,
    price,
    sell_collateral,
)


def grid(vector: Vector) -> Answer:
    """The edges of the bands that are asked for."""
    given = vector.inputs
    bands = Grid(amplification=whole(given, "A"), base_price_wad=whole(given, "base_price"))
    oracle = whole(given, "p_oracle")
    edges = {
        "p_oracle_up": lambda band: oracle_up(bands, band),
        "p_oracle_down": lambda band: oracle_up(bands, band + 1),
        "p_current_up": lambda band: current_up(bands, oracle, band),
        "p_current_down": lambda band: current_down(bands, oracle, band),
    }
    return {
        name: {band: edges[name](int(band)) for band in asked}
        for name, asked in vector.expected.items()
        if name in edges
    }


def _market(given: dict[str, Any]) -> tuple[Llamma, Loan]:
    """A market with one loan, not traded yet."""
    a = whole(given, "A")
    bands = Grid(
        amplification=a,
        base_price_wad=whole(given, "base") * WAD,
        band_root_wad=int(math.sqrt(a / (a - 1)) * WAD),
    )
    first, last = (band.numerator for band in numbers(given, "bands"))
    empty = Llamma(grid=bands, fee_wad=whole(given, "fee"))
    loan, market = deposit(empty, whole(given, "collateral"), first, last)
    return market, loan


def conversion(vector: Vector) -> Answer:
    """What the loan becomes past its bands, and the pool's price, at one oracle price."""
    market, loan = _market(vector.inputs)
    oracle = whole(vector.inputs, "p_oracle")
    return {
        "get_x_down": convert_all(market, loan, oracle, to_collateral=False),
        "get_y_up": convert_all(market, loan, oracle, to_collateral=True),
        "get_p": price(market, oracle),
    }


def trades(vector: Vector) -> Answer:
    """Trades of several sizes, each against the untraded market."""
    given = vector.inputs
    market, _ = _market(given)
    oracle = whole(given, "p_oracle")
    buying = find(given, "dx_in") is not None
    trade = buy_collateral if buying else sell_collateral
    sizes = numbers(given, "dx_in" if buying else "dy_in")
    done = [trade(market, oracle, size.numerator) for size in sizes]
    paid, out = [each.amount_in_atoms for each in done], [each.amount_out_atoms for each in done]
    return {"dx": paid, "dy": out} if buying else {"dx": out, "dy": paid}


def path(vector: Vector) -> Answer:
    """Soft liquidation: at each oracle price one trade, then what the loan holds and would become."""
    given = vector.inputs
    market, loan = _market(given)
    answered = []
    steps = zip(numbers(given, "prices"), numbers(given, "trade_amounts"), find(given, "pump"), strict=True)
    for coins, amount, buying in steps:
        oracle = int(coins * WAD)
        if amount:
            trade = buy_collateral if buying else sell_collateral
            market = trade(market, oracle, amount.numerator).market
        x, y = holding(market, loan)
        answered.append(
            {
                "p": coins,
                "sum_x": x,
                "sum_y": y,
                "x_down": convert_all(market, loan, oracle, to_collateral=False),
                "y_up": convert_all(market, loan, oracle, to_collateral=True),
                "active_band": market.active_band,
            }
        )
    return {"rows": answered}


def loan_health(vector: Vector) -> Answer:
    given = vector.inputs
    left = health(number(given, "x_down"), number(given, "debt"), number(given, "liquidation_discount"))
    return {"health": left, "hard_liquidatable": left < 0}


def removed(vector: Vector) -> Answer:
    return {"f_remove": removed_share(whole(vector.inputs, "frac"), whole(vector.inputs, "health_limit"))}


def limiter(vector: Vector) -> Answer:
    """The oracle's price after a jump, by the seconds since its last change."""
    old, cases = whole(vector.inputs, "old"), find(vector.inputs, "cases")
    if not isinstance(cases, list):
        raise Unsupported("cases is not a list of [price, seconds]")
    read = [(as_number(coins, "cases"), as_number(seconds, "cases")) for coins, seconds in cases]
    return {
        "limited": [limited_price(old, int(coins * WAD), seconds.numerator)[0] for coins, seconds in read]
    }


ADAPTERS = (
    Adapter("llamma-", ("A", "base_price", "p_oracle"), grid),
    Adapter("llamma-", ("A", "base", "bands", "collateral", "prices", "trade_amounts", "pump"), path),
    Adapter("llamma-", ("A", "base", "bands", "collateral", "p_oracle", "dx_in|dy_in"), trades),
    Adapter("llamma-", ("A", "base", "bands", "collateral", "p_oracle"), conversion),
    Adapter("llamma-", ("x_down", "debt", "liquidation_discount"), loan_health),
    Adapter("llamma-", ("frac", "health_limit"), removed),
    Adapter("llamma-", ("old", "cases"), limiter),
)
