"""Models of the market: volatility, jumps, regimes, impact, queues, depth, by the product's own functions.

Numbers become floats here, as those functions take them. No formula. Vectors that print what was once
measured, without any input to measure it from, are refused with that reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from seawall.calibrate import jumps, volatility
from seawall.calibrate.regimes import TwoRegimes, tail_dependence
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, Refused, as_number, find, number, numbers
from seawall.errors import Unsupported
from seawall.lab import depth, execution, queues
from seawall.ledger.accrual import funding_rate_ppb
from seawall.market.routing import Bid, route_sale
from seawall.units import PPB

DAYS = 365.0
CLAMP_PPB = 500_000  # five basis points, as the rule of the vectors' file has it where they do not say


def real(vector: Vector, *names: str, default: float | None = None) -> float:
    return float(number(vector.inputs, *names, default=None if default is None else Fraction(default)))


def reals(vector: Vector, *names: str) -> list[float]:
    return [float(value) for value in numbers(vector.inputs, *names)]


def _garch(vector: Vector) -> volatility.Garch:
    return volatility.Garch(
        omega=real(vector, "omega"), alpha=real(vector, "alpha"), beta=real(vector, "beta")
    )


def garch_path(vector: Vector) -> Answer:
    """A constant return from its own square, or any returns from the long-run variance."""
    model, given = _garch(vector), find(vector.inputs, "returns")
    if given is None:
        move = real(vector, "r", "return")
        returns, first = [move] * int(real(vector, "n")), real(vector, "s2_0", default=move * move)
        after = volatility.garch_variance(returns, model, first)[1:]
        vol = [float(value) ** 0.5 for value in after]
        return {"vol": vol, "printed": vol}
    leverage = real(vector, "gamma", "leverage", default=0.0)
    path = volatility.gjr_variance(reals(vector, "returns"), model, leverage)
    first = float(path[0])
    return {
        "uncond_var": first,
        "variance": path.tolist(),
        "daily_vol": [float(value) ** 0.5 for value in path],
    }


def garch_ahead(vector: Vector) -> Answer:
    single, total = volatility.variance_ahead(_garch(vector), real(vector, "v_next"), reals(vector, "h"))
    return {"var_k": single.tolist(), "cum": total.tolist()}


def merton(vector: Vector) -> Answer:
    years = real(vector, "T_days", "days", default=0.0) / DAYS or real(vector, "T")
    found = jumps.merton_moments(
        drift=real(vector, "mu", default=0.0),
        vol=real(vector, "sigma"),
        intensity=real(vector, "lam"),
        jump_mean=real(vector, "mu_j"),
        jump_vol=real(vector, "sigma_j"),
        years=years,
    )
    return {
        "mean": found.mean,
        "var": found.variance,
        "skew": found.skew,
        "excess_kurtosis": found.excess_kurtosis,
    }


def kou(vector: Vector) -> Answer:
    jump = jumps.DoubleExponential(
        p_up=real(vector, "p"), eta_up=real(vector, "eta1"), eta_down=real(vector, "eta2")
    )
    moments = {("EJ" if order == 1 else f"EJ{order}"): jump.moment(order) for order in range(1, 5)}
    return {**moments, "compensator": jump.compensator}


def hawkes(vector: Vector) -> Answer:
    model = jumps.Hawkes(mu=real(vector, "mu"), alpha=real(vector, "alpha"), beta=real(vector, "beta"))
    answer: Answer = {
        "branching": model.branching,
        "mean_intensity": model.mean_intensity,
        "fano_limit": model.fano_limit,
        "mean_cluster_size": model.mean_cluster_size,
    }
    if find(vector.inputs, "times") is not None:
        times, end = reals(vector, "times"), real(vector, "T")
        answer["loglik"] = model.log_likelihood(end, times)
        answer["compensator"] = model.compensator(end, times)
        for name in vector.expected:
            if at := re.fullmatch(r"lambda_at_([\d.]+)", name):
                answer[name] = model.intensity(float(at[1]), times)
    return answer


def regimes(vector: Vector) -> Answer:
    model = TwoRegimes(stay=real(vector, "p00"), back=real(vector, "p10"))
    return {
        "pi": list(model.stationary),
        "duration": list(model.durations),
        "uncond_vol": model.long_run_vol(reals(vector, "sigma")),
    }


def copula(vector: Vector) -> Answer:
    table = [
        {"rho": rho, "nu": dof, "lower": tail_dependence(rho, dof)}
        for rho in reals(vector, "rho")
        for dof in reals(vector, "nu", "dof")
    ]
    return {"rows": table, **(table[0] if len(table) == 1 else {})}


def slices(vector: Vector) -> Answer:
    found = execution.almgren_chriss(
        size=real(vector, "X"),
        horizon=real(vector, "T"),
        steps=int(real(vector, "N")),
        vol=real(vector, "sigma"),
        half_spread=real(vector, "eps", default=0.0),
        permanent=real(vector, "gamma", default=0.0),
        temporary=real(vector, "eta"),
        aversion=real(vector, "lam", "lambda"),
    )
    return {
        "kappa": found.kappa,
        "holdings": list(found.holdings),
        "trades": list(found.trades),
        "E": found.cost,
        "V": found.variance,
        "std": found.variance**0.5,
        "E_linear": found.straight_cost,
        "V_linear": found.straight_variance,
    }


def blocks(vector: Vector) -> Answer:
    found = execution.obizhaeva_wang(
        size=real(vector, "X"),
        horizon=real(vector, "T"),
        recovery=real(vector, "rho"),
        depth=real(vector, "q"),
        permanent=real(vector, "lam", "lambda"),
    )
    return {
        "x0": found.block,
        "rate": found.rate,
        "cost_opt": found.cost,
        "cost_block": found.cost_at_once,
        "cost_twap": found.cost_even,
    }


def _pairs(vector: Vector, name: str) -> list[tuple[Fraction, Fraction]]:
    listed = find(vector.inputs, name)
    if not isinstance(listed, list) or not all(isinstance(one, list) and len(one) == 2 for one in listed):
        raise Unsupported(f"input {name} is not a list of pairs")
    return [(as_number(one, name), as_number(other, name)) for one, other in listed]


def resilience(vector: Vector) -> Answer:
    recovery = real(vector, "rho")
    pushes = [(float(time), float(size)) for time, size in _pairs(vector, "blocks")]
    path = execution.displacement(
        pushes, reals(vector, "t_eval"), impact=real(vector, "kappa"), recovery=recovery
    )
    return {"D": path, "half_life": execution.LN2 / recovery}


def depth_curve(vector: Vector) -> Answer:
    near, far = real(vector, "D10"), real(vector, "D100")
    exponent = execution.depth_exponent(near, far)
    curve = execution.power_curve(d100=far, exponent=exponent)
    orders = reals(vector, "orders_musd", "orders")
    return {
        "exponent": exponent,
        "rows": [{"order": size, "bps": depth.distance_for(curve, 1.0, size)} for size in orders],
    }


def book_walk(vector: Vector) -> Answer:
    """Sold into the bids by the router, in steps fine enough for every size given."""
    bids = _pairs(vector, "bids")
    size = number(vector.inputs, "qty", "size")
    steps = 1
    for one in (size, *(held for _, held in bids)):
        steps = max(steps, one.denominator)
    levels = [Bid(price=price, size_atoms=int(held * steps)) for price, held in bids]
    found = route_sale(int(size * steps), levels, None)
    filled = sum(sold for _, sold in found.book_fills)
    average = sum((price * sold for price, sold in found.book_fills), Fraction(0)) / filled
    answer: Answer = {
        "vwap": average,
        "last": found.book_fills[-1][0],
        "filled": Fraction(filled, steps),
        "unfilled": Fraction(found.unfilled_atoms, steps),
    }
    if find(vector.inputs, "mid") is not None:
        answer["slippage_bps"] = (1 - average / number(vector.inputs, "mid")) * 10_000
    return answer


def _cases(vector: Vector) -> dict[str, tuple[int, int]]:
    listed = find(vector.inputs, "cases")
    if not isinstance(listed, list):
        raise Unsupported("input cases is not a list of queues")
    return {str(case): (int(str(case).split(",")[0]), int(str(case).split(",")[1])) for case in listed}


def symmetric_queues(vector: Vector) -> Answer:
    found = {case: queues.up_probability_symmetric(*pair) for case, pair in _cases(vector).items()}
    return {"prob": found}


def order_queues(vector: Vector) -> Answer:
    arrival, market, cancel = (real(vector, name) for name in ("lam", "mu", "theta"))
    found = {
        case: queues.up_probability(ask, bid, arrival=arrival, market=market, cancel=cancel)
        for case, (ask, bid) in _cases(vector).items()
    }
    return {"prob": found}


def random_orders(vector: Vector) -> Answer:
    found = queues.random_orders(
        limit_rate=real(vector, "alpha"),
        market_rate=real(vector, "mu"),
        cancel_rate=real(vector, "delta"),
        order_size=real(vector, "sigma", default=1.0),
    )
    return {"eps": found.granularity, "spread": found.spread}


def withdrawal(vector: Vector) -> Answer:
    rules = depth.DepthRules(
        withdrawal_exponent=real(vector, "b"), floor=1e-300, least=1e-300, flow_weight=0.0
    )
    curve = depth.DepthCurve(1.0)
    ratios = reals(vector, "sigma_ratio")
    return {
        "rows": [
            {"sigma_ratio": ratio, "depth_ratio": depth.target_scale(curve, rules, ratio, 0.0)}
            for ratio in ratios
        ]
    }


def replenishment(vector: Vector) -> Answer:
    """Depth within 100 bp of a side that was partly taken, healing at the calm half-life."""
    full = real(vector, "Dbar")
    rules = depth.DepthRules(refill_calm_seconds=real(vector, "half_life_s", "half_life"))
    curve = depth.DepthCurve(full)
    taken = depth.Side(used_usd=full - real(vector, "D0"))
    healed = [depth.refill(curve, rules, taken, 1.0, seconds) for seconds in reals(vector, "t")]
    return {"D": [depth.capacity_usd(curve, side, 100.0) for side in healed]}


def funding(vector: Vector) -> Answer:
    interest = number(vector.inputs, "I", "interest") * PPB
    clamp = number(vector.inputs, "clamp", default=Fraction(CLAMP_PPB, PPB)) * PPB
    premiums = [value * PPB for value in numbers(vector.inputs, "premium")]
    if any(value.denominator != 1 for value in (interest, clamp, *premiums)):
        raise Unsupported("a rate finer than a part per billion")
    return {
        "F": [
            Fraction(
                funding_rate_ppb(
                    premium_ppb=int(value), interest_ppb=int(interest), clamp_ppb=int(clamp), cap_ppb=0
                ),
                PPB,
            )
            for value in premiums
        ]
    }


def steady(vector: Vector) -> Answer:
    flow, whole = real(vector, "flow_usd") / real(vector, "minutes"), real(vector, "D100")
    return {
        "rows": [
            {
                "depth_mult": share,
                "half_life_min": half,
                "x_ss": execution.steady_displacement(
                    flow=flow, d100=whole, depth_share=share, half_life=half
                ),
            }
            for share in reals(vector, "depth_mult")
            for half in reals(vector, "half_life_min")
        ]
    }


def bracket(vector: Vector) -> Answer:
    sizes = reals(vector, "Q")
    daily = {"daily_vol": real(vector, "sigma_daily"), "daily_volume": real(vector, "V")}
    book = {"d100": real(vector, "D100"), "exponent": real(vector, "b")}
    prefactor = real(vector, "Y")
    return {
        "sqrt": [execution.square_root_impact(size, prefactor=prefactor, **daily) for size in sizes],
        "sweep": [execution.sweep_impact(size, **book) for size in sizes],
    }


MEASURED = "what was measured once, with nothing among its inputs to measure it from"
DATA = "a fit to a data set that its file does not hold"

Answering = Callable[[Vector], Answer]
TABLE: Sequence[tuple[str, tuple[str, ...], Answering]] = (
    ("market.garch_hstep", ("omega", "v_next", "h"), garch_ahead),
    ("market.", ("omega", "alpha", "beta", "v_next", "h"), garch_ahead),
    ("market.", ("omega", "alpha", "beta", "returns|r"), garch_path),
    ("market.", ("sigma", "lam", "mu_j", "sigma_j"), merton),
    ("market.", ("p", "eta1", "eta2"), kou),
    ("market.hawkes", ("mu", "alpha", "beta"), hawkes),
    ("market.", ("p00", "p10", "sigma"), regimes),
    ("market.", ("rho", "nu"), copula),
    ("market.", ("X", "T", "N", "sigma", "eta"), slices),
    ("market.", ("X", "T", "rho", "q"), blocks),
    ("market.", ("kappa", "rho", "blocks", "t_eval"), resilience),
    ("market.", ("D10", "D100", "orders_musd|orders"), depth_curve),
    ("market.book", ("bids", "qty"), book_walk),
    ("market.", ("lam", "mu", "theta", "cases"), order_queues),
    ("market.", ("cases",), symmetric_queues),
    ("market.zero", ("alpha", "mu", "delta"), random_orders),
    ("market.", ("b", "sigma_ratio"), withdrawal),
    ("market.", ("D0", "Dbar", "half_life_s|half_life", "t"), replenishment),
    ("market.funding", ("I|interest", "premium"), funding),
    ("market.", ("D100", "flow_usd", "depth_mult"), steady),
    ("market.", ("Y", "V", "D100", "Q"), bracket),
)

ADAPTERS: tuple[Any, ...] = (
    Refused("market.calib_", DATA),
    Refused("market.minimal_price_process", "half of its figures are those of real days it does not hold"),
    Refused("market.oct10_", MEASURED),
    *(Adapter(prefix, keys, answer) for prefix, keys, answer in TABLE),
)
