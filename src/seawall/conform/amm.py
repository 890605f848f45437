"""Pools and routing: swaps, ticks, sales of collateral, and the split between a book and a pool.

Reserves and sizes in whole tokens are held with 18 decimals, as the contracts hold them. Two kinds of vector
do not carry all of their inputs: the sizes of a depth curve stand in its expected rows, and those of the
protocol's test of single price moves in the id (at a price of 1; amounts in whole tokens against one token of
liquidity, powers of two in atoms against ten).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, as_number, find, number, numbers, rows
from seawall.errors import Unsupported
from seawall.market.amm import concentrated, constant_product
from seawall.market.amm.concentrated import ConcentratedPool, Range, open_pool, range_amounts
from seawall.market.amm.constant_product import ConstantProductPool
from seawall.market.amm.swap_step import (
    amount0_between,
    amount1_between,
    sqrt_price_after_input,
    sqrt_price_after_output,
    swap_step,
)
from seawall.market.amm.ticks import price_of, sqrt_price_at_tick, sqrt_price_of, tick_at_sqrt_price
from seawall.market.routing import Bid, ConstantProduct, route_sale

TOKEN = 10**18
NO_FEE = {"fee_numerator": 0, "fee_denominator": 1}


def whole(inputs: dict[str, Any], *names: str) -> int:
    """The integer of any of these names."""
    value = number(inputs, *names)
    if value.denominator != 1:
        raise Unsupported(f"input {names[0]} is {float(value)}, not a whole number of atoms")
    return value.numerator


def atoms(value: Fraction) -> int:
    """Whole tokens as atoms of 18 decimals."""
    return round(value * TOKEN)


def tokens(amount_atoms: int) -> Fraction:
    return Fraction(amount_atoms, TOKEN)


def quote(vector: Vector) -> Answer:
    """Out for an exact amount in, or in for an exact amount out."""
    given = vector.inputs
    pool = ConstantProductPool(
        reserve0_atoms=whole(given, "reserve_in"), reserve1_atoms=whole(given, "reserve_out")
    )
    if find(given, "amount_in") is not None:
        return {"amount_out": constant_product.amount_out(pool, whole(given, "amount_in"))}
    return {"amount_in": constant_product.amount_in(pool, whole(given, "amount_out"))}


def sale(vector: Vector) -> Answer:
    """Seized collateral sold into a pool with the standard fee."""
    given = vector.inputs
    pool = ConstantProductPool(
        reserve0_atoms=atoms(number(given, "reserve_eth", "reserve_base")),
        reserve1_atoms=atoms(number(given, "reserve_usd", "reserve_quote")),
    )
    sold = constant_product.sell(pool, atoms(number(given, "sell")))
    return {
        "amount_out": sold.amount_out_atoms,
        "exec_price": sold.exec_price,
        "slippage": sold.slippage,
        "price_after": sold.price_after,
        "price_impact": sold.price_impact,
    }


def capacity(vector: Vector) -> Answer:
    """The largest sale whose average price stays within a discount, without a fee."""
    given = vector.inputs
    base = number(given, "reserve_eth", "reserve_base")
    pool = ConstantProductPool(
        reserve0_atoms=atoms(base), reserve1_atoms=atoms(base * number(given, "price")), **NO_FEE
    )
    most = constant_product.most_to_sell(pool, number(given, "discount"))
    return {"max_sale_eth": tokens(most), "exec_price": constant_product.sell(pool, most).exec_price}


def move(vector: Vector) -> Answer:
    """What it takes to multiply the price of a pool without a fee."""
    given = vector.inputs
    pool = ConstantProductPool(
        reserve0_atoms=atoms(number(given, "x")), reserve1_atoms=atoms(number(given, "y")), **NO_FEE
    )
    paid, out = constant_product.inputs_to_move_price(pool, number(given, "r"))
    return {"dy": tokens(paid), "dx_out": tokens(out)}


def step(vector: Vector) -> Answer:
    """One stretch of a swap."""
    given = vector.inputs
    done = swap_step(
        whole(given, "sqrt_current"),
        whole(given, "sqrt_target"),
        whole(given, "liquidity"),
        whole(given, "amount_remaining"),
        whole(given, "fee_pips"),
    )
    return {
        "sqrt_next": done.sqrt_next_x96,
        "amount_in": done.amount_in_atoms,
        "amount_out": done.amount_out_atoms,
        "fee_amount": done.fee_atoms,
    }


def price_at_tick(vector: Vector) -> Answer:
    return {"sqrt_price_x96": sqrt_price_at_tick(whole(vector.inputs, "tick"))}


def tick_at_price(vector: Vector) -> Answer:
    return {"tick": tick_at_sqrt_price(whole(vector.inputs, "sqrt_price_x96"))}


def swapped(vector: Vector) -> Answer:
    """A whole swap over any number of ranges."""
    given = vector.inputs
    held = [
        Range(lower=whole(row, "lower"), upper=whole(row, "upper"), liquidity=whole(row, "liquidity"))
        for row in rows(given, "positions")
    ]
    pool = open_pool(
        fee_pips=whole(given, "fee_pips"),
        tick_spacing=whole(given, "tick_spacing"),
        sqrt_price_x96=whole(given, "sqrt_price_x96"),
        ranges=held,
    )
    zero_for_one = find(given, "zero_for_one")
    if not isinstance(zero_for_one, bool):
        raise Unsupported(f"input zero_for_one is {zero_for_one!r}, not a truth value")
    done = concentrated.swap(
        pool,
        zero_for_one=zero_for_one,
        amount_atoms=whole(given, "amount_specified"),
        sqrt_limit_x96=whole(given, "sqrt_price_limit"),
    )
    paid = [range_amounts(pool.sqrt_price_x96, each, up=True) for each in held]
    return {
        "amount0_delta": done.amount0_atoms,
        "amount1_delta": done.amount1_atoms,
        "tick_after": done.pool.tick,
        "sqrt_price_after": done.pool.sqrt_price_x96,
        "liquidity_after": done.pool.liquidity,
        "fee_growth_delta": done.pool.growth0_x128 if zero_for_one else done.pool.growth1_x128,
        "pool_balance0_before": sum(amount0 for amount0, _ in paid),
        "pool_balance1_before": sum(amount1 for _, amount1 in paid),
    }


def depth_curve(vector: Vector) -> Answer:
    """Sales of several sizes, each into the untraded pool."""
    given = vector.inputs
    spacing = number(given, "tick_spacing", default=1).numerator
    pool = open_pool(
        fee_pips=whole(given, "fee_pips"),
        tick_spacing=spacing,
        sqrt_price_x96=sqrt_price_of(number(given, "price")),
        ranges=_ranges(find(given, "positions")),
    )
    if find(given, "sizes", "sell", "sells") is not None:
        sizes = numbers(given, "sizes", "sell", "sells")
    else:
        sizes = [number(row, "sell") for row in rows(vector.expected, "rows")]
    return {"rows": [_sold(pool, size) for size in sizes]}


def _ranges(listed: Any) -> Iterable[Range]:
    for row in listed:
        lower, upper, liquidity = (as_number(value, "positions").numerator for value in row)
        yield Range(lower=lower, upper=upper, liquidity=liquidity)


def _sold(pool: ConcentratedPool, size: Fraction) -> Answer:
    done = concentrated.swap(pool, zero_for_one=True, amount_atoms=atoms(size))
    received = tokens(-done.amount1_atoms)
    return {
        "sell": size,
        "filled": tokens(done.amount0_atoms),
        "received": received,
        "avg": Fraction(-done.amount1_atoms, done.amount0_atoms) if done.amount0_atoms else Fraction(0),
        "price_after": price_of(done.pool.sqrt_price_x96),
        "liquidity_after": done.pool.liquidity,
    }


def price_move(vector: Vector) -> Answer:
    """One move of a price, or one amount between two prices, from the words of the id."""
    kind, first, second = vector.id.removeprefix("v3-sqrtmath-").split("-", 2)
    if kind in ("amount0", "amount1"):
        edges = [sqrt_price_of(as_number(word.split("-")[0], "price")) for word in (first, second)]
        between = amount0_between if kind == "amount0" else amount1_between
        return {"value": between(edges[0], edges[1], TOKEN, up=not second.endswith(("-down", "-floor")))}
    if kind not in ("in", "out") or second not in ("token0", "token1", "zeroForOne", "oneForZero"):
        raise Unsupported(f"no price move is known by the words {vector.id!r}")
    base, power, exponent = first.partition("^")
    amount = int(base) ** int(exponent) if power else atoms(as_number(first, "amount"))
    liquidity = 10 * TOKEN if power else TOKEN
    after = sqrt_price_after_input if kind == "in" else sqrt_price_after_output
    zero_for_one = second in ("token0", "zeroForOne")
    return {"value": after(sqrt_price_of(1), liquidity, amount, zero_for_one=zero_for_one)}


def route(vector: Vector) -> Answer:
    """A sale over a book and a constant-product pool without a fee, and the same into the pool alone."""
    given = vector.inputs
    base, money = numbers(given, "pool")
    pool = ConstantProduct(
        ConstantProductPool(reserve0_atoms=atoms(base), reserve1_atoms=atoms(money), **NO_FEE)
    )
    bids = [
        Bid(price=as_number(price, "bids"), size_atoms=atoms(as_number(size, "bids")))
        for price, size in find(given, "bids")
    ]
    amount = atoms(number(given, "sell"))
    routed, alone = route_sale(amount, bids, pool), route_sale(amount, [], pool)
    return {
        "proceeds": tokens(routed.proceeds_atoms),
        "amm_base": tokens(routed.pool_atoms),
        "book_fills": [[price, tokens(size)] for price, size in routed.book_fills],
        "unfilled": tokens(routed.unfilled_atoms),
        "marginal_price": routed.marginal_price,
        "amm_only": tokens(alone.proceeds_atoms),
        "improvement": tokens(routed.proceeds_atoms - alone.proceeds_atoms),
    }


ADAPTERS = (
    Adapter("v2-", ("amount_in|amount_out", "reserve_in", "reserve_out"), quote),
    Adapter("v2-", ("sell", "reserve_eth|reserve_base", "reserve_usd|reserve_quote"), sale),
    Adapter("v2-", ("reserve_eth|reserve_base", "price", "discount"), capacity),
    Adapter("v2-", ("x", "y", "r"), move),
    Adapter("v3-", ("sqrt_current", "sqrt_target", "liquidity", "amount_remaining", "fee_pips"), step),
    Adapter("v3-", ("tick",), price_at_tick),
    Adapter("v3-", ("sqrt_price_x96", "positions", "zero_for_one", "amount_specified"), swapped),
    Adapter("v3-", ("price", "fee_pips", "positions"), depth_curve),
    Adapter("v3-sqrtmath-", (), price_move),
    Adapter("v3-", ("sqrt_price_x96",), tick_at_price),
    Adapter("route-", ("sell", "bids", "pool"), route),
)
