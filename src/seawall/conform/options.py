"""Option vectors: Black and spot prices, Greeks, inverse options, implied vols, tail ratios.

Precision is that of the files. Which figure a single-Greek vector asks for stands in its id and its
description (`haug_greek_theta_per_day365_put`), not in its inputs. A number printed in the literature
beside the full one is answered with the full one: its own tolerance is wider. Nothing is computed here.
"""

from __future__ import annotations

from typing import Any

from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, as_number, find, number
from seawall.errors import AboveMaximum, BelowIntrinsic, Unsupported
from seawall.pricing.black import black_greeks, black_higher_greeks
from seawall.pricing.deribit import deribit_ticker
from seawall.pricing.implied import implied_vol
from seawall.pricing.inverse import inverse_greeks, inverse_payoff, linear_payoff
from seawall.pricing.spot import spot_greeks, spot_price
from seawall.pricing.tails import tail_ratio

# As the files name Greeks -> a field of SpotGreeks, and how many of its units make one of theirs.
GREEKS = {
    "delta": ("delta", 1),
    "elasticity": ("elasticity", 1),
    "gamma": ("gamma", 1),
    "vega": ("vega", 1),
    "theta": ("theta_year", 1),
    "theta_per_year": ("theta_year", 1),
    "theta_per_day365": ("theta_year", 365),
    "rho": ("rho", 1),
    "dividend_rho": ("dividend_rho", 1),
}


def real(inputs: dict[str, Any], *names: str) -> float:
    """A number as a float."""
    return float(number(inputs, *names))


def is_call(inputs: dict[str, Any]) -> bool:
    told = find(inputs, "type", "option_type", "kind")
    if str(told).lower() not in ("call", "put", "c", "p"):
        raise Unsupported(f"input type is {told!r}, neither call nor put")
    return str(told).lower().startswith("c")


def spot_inputs(cell: dict[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    """(the option, its rates)."""
    option = {
        "spot": real(cell, "S", "spot"),
        "strike": real(cell, "K", "strike"),
        "years": real(cell, "T", "T_years", "years"),
        "vol": real(cell, "sigma", "vol"),
        "is_call": is_call(cell),
    }
    return option, {"rate": float(number(cell, "r", default=0)), "dividend_yield": real(cell, "q")}


def forward_inputs(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "forward": real(given, "F", "forward"),
        "strike": real(given, "K", "strike"),
        "years": real(given, "T_years", "T", "years"),
        "vol": real(given, "sigma", "vol"),
    }


def haug_cell(cell: Any) -> float:
    if not isinstance(cell, dict):
        raise Unsupported(f"a cell is {cell!r}, not a table")
    option, rates = spot_inputs(cell)
    return float(spot_price(**option, **rates))


def haug(vector: Vector) -> Answer:
    price = haug_cell(vector.inputs)
    return {"price": price, "printed": price}


def haug_table(vector: Vector) -> Answer:
    cells = find(vector.inputs, "cells")
    if not isinstance(cells, list):
        raise Unsupported("cells is not a list")
    prices = [haug_cell(cell) for cell in cells]
    return {"price": prices, "printed": prices}


def haug_greek(vector: Vector) -> Answer:
    """The one Greek that the id names, or else the first words of the description; the longest that fits."""
    first_words = vector.description.lower().split(" by ")[0].split(";")[0]
    named = [name for name in GREEKS if name in vector.id.lower()]
    named = named or [name for name in GREEKS if name in first_words.replace(" ", "_")]
    if not named:
        raise Unsupported("neither id nor description names a Greek known here")
    field, per = GREEKS[max(named, key=len)]
    option, rates = spot_inputs(vector.inputs)
    value = float(getattr(spot_greeks(**option, **rates), field)) / per
    return {"value": value, "printed": value}


def black76(vector: Vector) -> Answer:
    """Price and Greeks in money, and those of the same option paid in coin."""
    given = {**forward_inputs(vector.inputs), "is_call": is_call(vector.inputs)}
    money, coin, higher = black_greeks(**given), inverse_greeks(**given), black_higher_greeks(**given)
    answer = {
        "price": money.price,
        "delta": money.delta,
        "gamma": money.gamma,
        "vega": money.vega,
        "theta_year": money.theta_year,
        "vanna": higher.vanna,
        "volga": higher.volga,
        "charm_year": higher.charm_year,
        "veta_year": higher.veta_year,
        "speed": higher.speed,
        "zomma": higher.zomma,
        "color_year": higher.color_year,
        "ultima": higher.ultima,
        "coin_price": coin.price,
        "coin_net_transaction_delta": coin.net_transaction_delta,
        "coin_dV_dF": coin.slope,
        "coin_gamma_dF2": coin.gamma,
        "coin_vega": coin.vega,
        "coin_theta_year": coin.theta_year,
    }
    return {name: float(value) for name, value in answer.items()}


def deribit(vector: Vector) -> Answer:
    given = vector.inputs
    found = deribit_ticker(
        real(given, "F"),
        real(given, "K"),
        real(given, "seconds_to_expiry"),
        real(given, "sigma"),
        is_call(given),
    )
    price, delta, vega = float(found.mark_price), float(found.delta), float(found.vega_per_point)
    return {
        "coin_price": price,
        "delta": delta,
        "vega_per_pt": vega,
        "deribit_mark_price": price,
        "deribit_delta": delta,
        "deribit_vega": vega,
    }


def inverse_pair(vector: Vector) -> Answer:
    """A call and a put in coin."""
    given = forward_inputs(vector.inputs)
    call, put = (float(inverse_greeks(**given, is_call=side).price) for side in (True, False))
    return {"C": call, "P": put, "C_minus_P": call - put}


def inverse_settlement(vector: Vector) -> Answer:
    """What contracts pay at settlement; a call where the type is not told."""
    given = vector.inputs
    call = find(given, "type") is None or is_call(given)
    at = (real(given, "S"), real(given, "K"), call)
    contracts = float(number(given, "contracts", default=1))
    return {"coin": contracts * float(inverse_payoff(*at)), "usd": contracts * float(linear_payoff(*at))}


def vol_inputs(given: dict[str, Any]) -> tuple[float, float, float, float, bool]:
    price, forward, strike = (real(given, name) for name in ("price", "F", "K"))
    return price, forward, strike, real(given, "T", "T_years"), is_call(given)


def implied(vector: Vector) -> Answer:
    return {"sigma": implied_vol(*vol_inputs(vector.inputs))}


def implied_bounds(vector: Vector) -> Answer:
    """The kind of error each case raises."""
    cases = find(vector.inputs, "cases")
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise Unsupported("cases is not a list of tables")
    return {"result": [_refusal(case) for case in cases]}


def _refusal(case: dict[str, Any]) -> str:
    try:
        implied_vol(*vol_inputs(case))
    except BelowIntrinsic:
        return "below_intrinsic"
    except AboveMaximum:
        return "above_maximum"
    return "ok"


def tails(vector: Vector) -> Answer:
    """Tail ratios at every number of deviations asked for, as in `5sd`."""
    nu = real(vector.inputs, "nu")
    answer: Answer = {}
    for name in vector.expected:
        found = tail_ratio(nu=nu, deviations=float(as_number(name.removesuffix("sd"), name)))
        answer[name] = {"t": found.student, "normal": found.normal, "ratio": found.ratio}
    return answer


ADAPTERS = (
    Adapter("options.haug_greek", ("type", "S", "K", "r", "q", "T", "sigma"), haug_greek),
    Adapter("options.haug", ("cells",), haug_table),
    Adapter("options.haug", ("type", "S", "K", "r", "q", "T", "sigma"), haug),
    Adapter("options.black76", ("type", "F", "K", "T_years|T", "sigma"), black76),
    Adapter("options.deribit_live", ("type", "F", "K", "seconds_to_expiry", "sigma"), deribit),
    Adapter("options.inverse", ("F", "K", "T|T_years", "sigma"), inverse_pair),
    Adapter("options.inverse", ("S", "K"), inverse_settlement),
    Adapter("options.implied_vol", ("cases",), implied_bounds),
    Adapter("options.implied_vol", ("price", "F", "K", "T|T_years", "type"), implied),
    Adapter("options.tail_ratio", ("nu",), tails),
)
