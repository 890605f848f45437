"""Prices under models that challenge Black, from the names the literature gives their parameters.

Which model is meant follows from the parameters that are there. Where a grid's constants stand only in the
vector's description (`r=.08`, `total vol .25`), they are read from there. No formula here: every number comes
from seawall.calibrate.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from seawall.calibrate.mispricing import matched_vol, tail_mispricing
from seawall.calibrate.models.cos import cos_prices
from seawall.calibrate.models.levy import Black, Cgmy, Kou, Merton, VarianceGamma, merton_of_shares
from seawall.calibrate.models.model import Carry, Model, carry
from seawall.calibrate.models.price import model_prices
from seawall.calibrate.models.stochastic import Heston, Svcj
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, find, number, numbers, rows
from seawall.errors import Unsupported

DAYS_PER_YEAR = 365
JUMP_SIZE = ("mu_j", "mu_y", "jump_mean", "mu")
JUMP_VOL = ("sigma_j", "sigma_y", "jump_vol", "delta")
INTENSITY = ("lam", "lambda", "intensity")


def real(inputs: dict[str, Any], *names: str, default: float | None = None) -> float:
    if default is not None and find(inputs, *names) is None:
        return default
    return float(number(inputs, *names))


def years_of(inputs: dict[str, Any]) -> float:
    if find(inputs, "T_days", "days") is not None:
        return real(inputs, "T_days", "days") / DAYS_PER_YEAR
    return real(inputs, "T", "T_years", "t", "years")


def carry_of(inputs: dict[str, Any], years: float) -> Carry:
    """Forward and discount; a forward given as such is not carried."""
    if find(inputs, "S", "spot") is None and find(inputs, "F", "forward") is not None:
        discount = carry(1.0, years, rate=real(inputs, "r", default=0.0)).discount
        return Carry(forward=real(inputs, "F", "forward"), discount=discount)
    rate, dividend = real(inputs, "r", default=0.0), real(inputs, "q", default=0.0)
    return carry(real(inputs, "S", "spot"), years, rate=rate, dividend=dividend)


def model_of(inputs: dict[str, Any]) -> Model:
    """The model whose parameters these are."""

    def has(*names: str) -> bool:
        return find(inputs, *names) is not None

    if has("v0") and has("kappa"):
        heston: dict[str, Any] = {
            "v0": real(inputs, "v0"),
            "kappa": real(inputs, "kappa"),
            "theta": real(inputs, "theta"),
            "xi": real(inputs, "sigma_v", "xi", "sigma", "vol_of_vol"),
            "rho": real(inputs, "rho"),
        }
        if not has(*INTENSITY):
            return Heston(**heston)
        return Svcj(
            **heston,
            intensity=real(inputs, *INTENSITY),
            jump_mean=real(inputs, *JUMP_SIZE),
            jump_vol=real(inputs, *JUMP_VOL),
            jump_variance=real(inputs, "mu_v", "jump_variance", default=0.0),
            jump_correlation=real(inputs, "rho_j", "jump_correlation", default=0.0),
        )
    if has("Y") and has("M"):
        return Cgmy(c=real(inputs, "C"), g=real(inputs, "G"), m=real(inputs, "M"), y=real(inputs, "Y"))
    if has("nu") and has("theta"):
        return VarianceGamma(vol=real(inputs, "sigma"), nu=real(inputs, "nu"), theta=real(inputs, "theta"))
    if has("eta1", "eta_up"):
        return Kou(
            vol=real(inputs, "sigma"),
            intensity=real(inputs, *INTENSITY),
            p_up=real(inputs, "p_up", "p"),
            eta_up=real(inputs, "eta1", "eta_up"),
            eta_down=real(inputs, "eta2", "eta_down"),
        )
    if has(*INTENSITY):
        return Merton(
            vol=real(inputs, "sigma"),
            intensity=real(inputs, *INTENSITY),
            jump_mean=real(inputs, *JUMP_SIZE),
            jump_vol=real(inputs, *JUMP_VOL),
        )
    return Black(vol=real(inputs, "sigma", "vol"))


def option(vector: Vector) -> Answer:
    """Call and put at one strike or several."""
    given = vector.inputs
    years = years_of(given)
    told = carry_of(given, years)
    strikes = [float(strike) for strike in numbers(given, "K", "strike", "strikes")]
    model = model_of(given)
    sides = {
        name: (told.discount * model_prices(model, told.forward, strikes, years, is_call)).tolist()
        for name, is_call in (("call", True), ("put", False))
    }
    if not isinstance(find(given, "K", "strike", "strikes"), list):
        sides = {name: values[0] for name, values in sides.items()}
    asked = str(find(given, "type", "option_type") or "call").lower()
    main = sides["put" if asked.startswith("p") or "call" not in vector.expected else "call"]
    main = sides["call"] if asked.startswith("c") and "put" not in vector.expected else main
    return {**sides, "price": main, "printed": main}


def cosine(vector: Vector) -> Answer:
    """Calls by the cosine series, and its largest error with so many terms against the exact price."""
    given = vector.inputs
    years, model = years_of(given), model_of(given)
    told = carry_of(given, years)
    strikes = [float(strike) for strike in numbers(given, "K", "strikes")]
    width = real(given, "L", default=12.0)
    exact = told.discount * model_prices(model, told.forward, strikes, years, True)
    answer: Answer = {}
    for key in vector.expected:
        count = re.fullmatch(r"max_err_N(\d+)", key)
        terms = int(count[1]) if count else int(real(given, "N", default=1024))
        got = told.discount * cos_prices(model, told.forward, strikes, years, True, terms=terms, width=width)
        answer[key] = float(np.max(np.abs(got - exact))) if count else got.tolist()
    return answer


def tail(vector: Vector) -> Answer:
    """Far puts under the model and under Black at the same variance."""
    given = vector.inputs
    years, model = years_of(given), model_of(given)
    listed = find(given, "moneyness")
    wanted = (
        [float(level) for level in listed]
        if isinstance(listed, list)
        else [real(row, "moneyness") for row in rows(vector.expected, "rows")]
    )
    told = carry_of(given, years)
    found = tail_mispricing(model, forward=told.forward, moneyness=wanted, years=years)
    return {
        "bs_sigma": matched_vol(model, years),
        "rows": [
            {
                "moneyness": row.moneyness,
                f"{model.name}_put": told.discount * row.model_price,
                "bs_put_var_matched": told.discount * row.black_price,
                "ratio": row.ratio,
                f"{model.name}_iv": row.implied_vol,
            }
            for row in found
        ],
    }


def told_in(text: str, name: str) -> float:
    """The number that a description gives for a name, `r=.08` or `total vol .25`."""
    hit = re.search(rf"(?<![\w.]){re.escape(name)}\s*=?\s*(-?\d*\.?\d+)", text)
    if not hit:
        raise Unsupported(f"neither the inputs nor the description say what {name} is")
    return float(hit[1])


def haug_grid(vector: Vector) -> Answer:
    """Merton's calls by cell [K, S, T, lambda, gamma]: gamma is the share of variance that jumps make."""
    text = vector.description
    rate, dividend, total = (told_in(text, name) for name in ("r", "q", "total vol"))
    prices = []
    for cell in vector.inputs["cells"]:
        strike, spot, years, intensity, share = (float(value) for value in cell)
        model = merton_of_shares(total_vol=total, intensity=intensity, jump_share=share)
        told = carry(spot, years, rate=rate, dividend=dividend)
        price = model_prices(model, told.forward, [strike], years, True)
        prices.append(told.discount * float(price[0]))
    return {"price": prices, "printed": prices}


def gamma_grid(vector: Vector) -> Answer:
    """Variance-gamma prices of the processes and strikes that the description lists."""
    text = vector.description
    processes = re.findall(r"\(([^()]*sigma=[^()]*)\)", text)
    span = re.search(r"(\d+) calls K=([\d.]+?)\.\.([\d.]+) step ([\d.]+)", text)
    put = re.search(r"put K=([\d.]+)", text)
    if not processes or not span or not put:
        raise Unsupported("the description does not list processes and strikes")
    calls = float(span[2]) + float(span[4]) * np.arange(int(span[1]))
    strikes = np.append(calls, float(put[1].rstrip(".")))
    is_call = np.append(np.ones(calls.size, dtype=bool), False)
    years = years_of(vector.inputs)
    prices: list[float] = []
    for process in processes:
        model = VarianceGamma(
            vol=told_in(process, "sigma"), nu=told_in(process, "nu"), theta=told_in(process, "theta")
        )
        told = carry(
            real(vector.inputs, "S"), years, rate=real(vector.inputs, "r"), dividend=told_in(process, "q")
        )
        prices += (told.discount * model_prices(model, told.forward, strikes, years, is_call)).tolist()
    return {"price": prices, "printed": prices}


LIFE = "T|T_days|T_years|t"
SPOT = "S|F|spot|forward"
ADAPTERS = (
    Adapter("options.merton", ("cells",), haug_grid),
    Adapter("options.heston", (SPOT, "K", LIFE, "v0", "kappa", "theta", "rho"), option),
    Adapter("options.svcj", (SPOT, "K", LIFE, "v0", "kappa", "theta", "rho", "lam|lambda"), option),
    Adapter("options.bates", (SPOT, "K", LIFE, "v0", "kappa", "theta", "rho", "lam|lambda"), option),
    Adapter("options.vg", (SPOT, "K", LIFE, "sigma", "nu", "theta"), option),
    Adapter("options.vg", (SPOT, "r", LIFE), gamma_grid),
    Adapter("options.merton", (SPOT, "K", LIFE, "sigma", "lam|lambda"), option),
    Adapter("options.kou", (SPOT, "K", LIFE, "sigma", "lam|lambda", "eta1|eta_up", "eta2|eta_down"), option),
    Adapter("options.cgmy", (SPOT, "K", LIFE, "C", "G", "M", "Y"), option),
    Adapter("options.cos", (SPOT, "K", LIFE), cosine),
    Adapter("options.tail_mispricing", (SPOT, LIFE, "sigma"), tail),
)
