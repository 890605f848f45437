"""Deleveraging of a stablecoin, and terms of lending markets.

A bad debt that a vector has in words only is read there; where it has none it is unsupported, not guessed.
"""

from __future__ import annotations

import re
from fractions import Fraction

import msgspec

from seawall.calibrate import deleveraging as kmm
from seawall.calibrate import liquidation_terms as terms
from seawall.conform.amm import NO_FEE, atoms, tokens
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, find, number
from seawall.errors import Unsupported
from seawall.market.amm.constant_product import ConstantProductPool, most_within_bonus, sell


def given(vector: Vector, *names: str) -> float:
    return float(number(vector.inputs, *names))


def changes(vector: Vector) -> Answer:
    position = [given(vector, name) for name in ("z", "L", "x", "y")]
    found = kmm.feasible_changes(*position, ratio=given(vector, "beta"), haircut=given(vector, "lam"))
    return {"boundaries": [msgspec.to_builtins(edge) for edge in found], "feasible": bool(found)}


def capacity(vector: Vector) -> Answer:
    room = kmm.cure_capacity(given(vector, "beta"), given(vector, "L"), given(vector, "x"))
    return {
        "max_shortfall": room.max_shortfall,
        "z_min": room.least_collateral,
        "price_at_edge": room.price_at_edge,
    }


def optimum(vector: Vector) -> Answer:
    demand, free = given(vector, "x"), given(vector, "y")
    delta = kmm.best_change(demand, free, given(vector, "r"))
    return {"delta": delta, "check": delta, "price": kmm.clearing_price(demand, free, delta)}


def two_steps(vector: Vector) -> Answer:
    done = terms.two_step_liquidation(
        given(vector, "C"),
        given(vector, "D"),
        threshold=given(vector, "LT"),
        bonus=given(vector, "LS"),
        close_factor=given(vector, "CF"),
    )
    return {
        "r1": done.first,
        "r2": done.second,
        "profit_optimal": done.profit,
        "profit_single": done.profit_single,
        "gain": done.gain,
    }


def frozen_price(vector: Vector) -> Answer:
    held, bonus = given(vector, "collateral"), given(vector, "incentive", "bonus")
    debt = held * given(vector, "ltv")
    return {
        "bad_debt": terms.certain_bad_debt(held, debt, bonus),
        "solvent_before": debt < held,
        "frontier": terms.toxic_frontier(bonus),
    }


def position(vector: Vector) -> Answer:
    held, owed = given(vector, "collateral_usdc", "collateral"), given(vector, "debt_crv", "debt")
    bonus = given(vector, "bonus")
    prices = terms.position_prices(held, owed, threshold=given(vector, "lt"), bonus=bonus)
    answer: Answer = {
        "price_liquidatable": prices.liquidatable,
        "price_toxic": prices.toxic,
        "price_insolvent": prices.insolvent,
    }
    if "price_consistent_with_bad_debt" in vector.expected:
        bad = _bad_debt(vector)
        answer["price_consistent_with_bad_debt"] = terms.price_of_bad_debt(held, owed, bad, bonus=bonus)
    return answer


def _bad_debt(vector: Vector) -> float:
    """Among the inputs, or as the vector's words have it: "2.64m CRV bad debt"."""
    if find(vector.inputs, "bad_debt") is not None:
        return given(vector, "bad_debt")
    said = re.search(r"(\d+(?:\.\d+)?)m \w+ bad debt", f"{vector.source} {vector.description}")
    if said is None:
        raise Unsupported("its bad debt stands neither among its inputs nor in its source's words")
    return float(Fraction(said[1]) * 10**6)


def smart_ltv(vector: Vector) -> Answer:
    ltv = terms.smart_ltv(
        liquidity=given(vector, "liquidity"),
        volatility=given(vector, "volatility"),
        cap=given(vector, "cap"),
        confidence=given(vector, "clf"),
        bonus=given(vector, "bonus"),
    )
    return {"ltv": ltv}


def smart_ltv_inverse(vector: Vector) -> Answer:
    factor = terms.smart_ltv_confidence(
        liquidity=given(vector, "liquidity"),
        volatility=given(vector, "volatility"),
        cap=given(vector, "cap"),
        ltv=given(vector, "ltv"),
        bonus=given(vector, "bonus"),
    )
    return {"clf": factor, "risk_level": 1 / factor}


def break_even_sale(vector: Vector) -> Answer:
    reserve, bonus = number(vector.inputs, "reserve"), number(vector.inputs, "bonus")
    price = number(vector.inputs, "price")
    pool = ConstantProductPool(reserve0_atoms=atoms(reserve), reserve1_atoms=atoms(reserve * price), **NO_FEE)
    most = most_within_bonus(pool, bonus)
    return {
        "q": tokens(most),
        "proceeds": tokens(sell(pool, most).amount_out_atoms),
        "repaid": tokens(most) * price / (Fraction(1) + bonus),
    }


def srisk(vector: Vector) -> Answer:
    missing = terms.srisk(
        given(vector, "debt"),
        given(vector, "equity"),
        capital_ratio=given(vector, "k"),
        shortfall=given(vector, "lrmes"),
    )
    return {"srisk": missing}


def covar(vector: Vector) -> Answer:
    change = terms.delta_covar(given(vector, "rho"), given(vector, "sigma_sys"), given(vector, "q"))
    return {"delta_covar": change}


ADAPTERS = (
    Adapter("kmm-", ("z", "L", "x", "y", "beta", "lam"), changes),
    Adapter("kmm-", ("x", "y", "r"), optimum),
    Adapter("kmm-", ("beta", "L", "x"), capacity),
    Adapter("qin-", ("C", "D", "LT", "LS", "CF"), two_steps),
    Adapter("warmuz-", ("collateral", "ltv", "incentive|bonus"), frozen_price),
    Adapter("aave-crv", ("collateral_usdc|collateral", "debt_crv|debt", "lt", "bonus"), position),
    Adapter("smartltv-", ("liquidity", "volatility", "cap", "clf", "bonus"), smart_ltv),
    Adapter("smartltv-", ("liquidity", "volatility", "cap", "ltv", "bonus"), smart_ltv_inverse),
    Adapter("capacity-", ("bonus", "reserve", "price"), break_even_sale),
    Adapter("srisk-", ("debt", "equity", "k", "lrmes"), srisk),
    Adapter("dcovar-", ("rho", "sigma_sys", "q"), covar),
)
