"""Tail margins of the literature: VaR, ES, volatility, POT, add-ons, anti-procyclicality, dynamic margin.

Numbers become floats here, as the product's own functions take them. No formula: inputs are read, a function
of `seawall.calibrate` is called, its answer is named as the vector names it.
"""

from __future__ import annotations

import re
from fractions import Fraction

from seawall.calibrate import addons, dynamic, evt, procyclical, volatility
from seawall.calibrate.inputs import Given
from seawall.calibrate.tails import (
    Moments,
    cornish_fisher,
    delta_gamma_var,
    historical_tail,
    interpolated_var,
    normal_tail,
    student_tail,
    upper_var,
)
from seawall.conform.compare import names_asked
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, find, flat, maybe, number, numbers, rows
from seawall.errors import Unsupported

LEVELS = ("alpha", "level", "levels", "confidence")
DOFS = ("nu", "dof", "df")


def real(vector: Vector, *names: str, default: float | None = None) -> float:
    return float(number(vector.inputs, *names, default=None if default is None else Fraction(default)))


def reals(vector: Vector, *names: str) -> list[float]:
    return [float(value) for value in numbers(vector.inputs, *names)]


def normal(vector: Vector) -> Answer:
    mean, sd = real(vector, "mu", "mean", default=0.0), real(vector, "sigma", "sd", default=1.0)
    table = []
    for level in reals(vector, *LEVELS):
        tail = normal_tail(level, mean, sd)
        table.append({"alpha": level, "VaR": tail.var, "ES": tail.es})
    return _one_or_rows(vector, table)


def student(vector: Vector) -> Answer:
    """Plain t, and scaled to unit variance (or to `sigma`) under names that say so."""
    sd = maybe(vector.inputs, "sigma", "sd")
    told = vector.description.lower()
    scaled_only = sd is not None or "unit" in told or "rescal" in told
    table = []
    for dof in reals(vector, *DOFS):
        for level in reals(vector, *LEVELS):
            plain = student_tail(level, dof) if dof > 1 else None
            unit = student_tail(level, dof, sd=1.0 if sd is None else float(sd)) if dof > 2 else None
            row: Answer = {name: dof for name in DOFS} | {"alpha": level}
            if unit:
                for end in ("unit", "unit_var", "unit_variance", "scaled", "rescaled", "std", "standardised"):
                    row |= {f"VaR_{end}": unit.var, f"ES_{end}": unit.es}
            if plain:
                row |= {"VaR_raw": plain.var, "ES_raw": plain.es, "VaR_t": plain.var, "ES_t": plain.es}
            used = unit if scaled_only else plain
            if used:
                row |= {"VaR": used.var, "ES": used.es}
            table.append(row)
    return _one_or_rows(vector, table)


def _one_or_rows(vector: Vector, table: list[Answer]) -> Answer:
    """As the vector prints it: a list of rows, columns of lists, or one row alone."""
    if "rows" in vector.expected:
        wanted = vector.expected["rows"]
        keys = {key for row in wanted for key in row} if isinstance(wanted, list) else set()
        known = {flat(key): key for key in table[0]}
        missing = [key for key in keys if flat(key) not in known]
        if missing:
            raise Unsupported(f"nothing here answers to {', '.join(sorted(missing))}")
        return {"rows": [{key: row[known[flat(key)]] for key in keys} for row in table]}
    listed = any(isinstance(vector.expected[name], list) for name in names_asked(vector.expected))
    return {key: [row[key] for row in table] if listed else table[0][key] for key in table[0]}


def expansion(vector: Vector) -> Answer:
    cases = rows(vector.inputs, "cases") if find(vector.inputs, "cases") is not None else [vector.inputs]
    found = []
    for case in cases:
        moments = Moments(
            mean=float(number(case, "mu", "mean", default=0)),
            sd=float(number(case, "sigma", "sd")),
            skew=float(number(case, "S", "skew")),
            excess_kurtosis=float(number(case, "K", "kurtosis", "excess_kurtosis")),
        )
        index = maybe(case, "hill", "tail_index")
        found.append(
            cornish_fisher(
                float(number(case, *LEVELS)), moments, tail_index=None if index is None else float(index)
            )
        )
    answer: Answer = {"z_cf": [z for z, _ in found], "VaR": [var for _, var in found]}
    return answer if cases[0] is not vector.inputs else {key: value[0] for key, value in answer.items()}


def historical(vector: Vector) -> Answer:
    losses = [-value for value in reals(vector, "pnl", "returns")]
    levels = reals(vector, *LEVELS)
    tails = [historical_tail(losses, level) for level in levels]
    answer: Answer = {
        "VaR_ceil": [tail.var for tail in tails],
        "VaR_floor_plus_1": [upper_var(losses, level) for level in levels],
        "ES": [tail.es for tail in tails],
        "numpy_linear_VaR": [interpolated_var(losses, level) for level in levels],
    }
    answer["VaR"] = answer["VaR_ceil"]
    single = not isinstance(find(vector.inputs, *LEVELS), list)
    return {key: value[0] for key, value in answer.items()} if single else answer


def ewma(vector: Vector) -> Answer:
    path = volatility.ewma_variance(reals(vector, "returns"), real(vector, "lam", "lambda", "decay"))
    return {"variance": path.tolist(), "next_vol": float(path[-1]) ** 0.5, "next_variance": float(path[-1])}


def filtered(vector: Vector) -> Answer:
    """One day ahead by GARCH; VaR and ES at the level that each name tells: VaR99, VaR975, ES99."""
    returns = _referred(vector)
    model = volatility.Garch(
        omega=real(vector, "omega"), alpha=real(vector, "alpha"), beta=real(vector, "beta")
    )
    h = volatility.garch_variance(returns, model)
    scenarios = volatility.filtered_scenarios(returns, h[:-1], float(h[-1]))
    answer: Answer = {
        "h_next": float(h[-1]),
        "next_vol": float(h[-1]) ** 0.5,
        "max_scaled_loss": -float(scenarios.scenarios.min()),
    }
    for name in names_asked(vector.expected):
        told = re.fullmatch(r"(VaR|ES)_?(\d+)(_ceil)?", name)
        if told:
            tail = scenarios.tail(float(f"0.{told[2]}"))
            answer[name] = tail.var if told[1] == "VaR" else tail.es
    return answer


def _referred(vector: Vector) -> list[float]:
    """The returns, or those of another vector: `NAME.FIELD/1e5`."""
    if find(vector.inputs, "returns") is not None:
        return reals(vector, "returns")
    reference = str(find(vector.inputs, "returns_ref"))
    told = re.fullmatch(r"\s*([\w.]+)\.(\w+)\s*(?:/\s*([\d.eE+]+))?\s*", reference)
    family = vector.id.split(".")[0]
    there = told and (vector.beside.get(told[1]) or vector.beside.get(f"{family}.{told[1]}"))
    if not told or not there:
        raise Unsupported(f"the returns are those of {reference!r}, which is not here")
    divisor = Fraction(told[3] or "1")
    return [float(value / divisor) for value in numbers(there, told[2])]


def peaks(vector: Vector) -> Answer:
    count, above = number(vector.inputs, "n"), number(vector.inputs, "Nu", "n_u", "exceedances")
    pot = evt.Pot(
        threshold=real(vector, "u", "threshold"),
        xi=real(vector, "xi", "shape"),
        beta=real(vector, "beta", "scale"),
        size=int(count),
        exceedances=int(above),
    )
    levels = reals(vector, "q", *LEVELS)
    tails = [pot.tail(level) for level in levels]
    if not isinstance(find(vector.inputs, "q", *LEVELS), list):
        one = {"VaR": tails[0].var, "ES": tails[0].es}
        return one | {f"printed_{name}": value for name, value in one.items()}
    table: list[Answer] = [
        {"q": level, "alpha": level, "VaR": t.var, "ES": t.es} for level, t in zip(levels, tails)
    ]
    return _one_or_rows(vector, table)


def delta_gamma(vector: Vector) -> Answer:
    level = real(vector, *LEVELS)
    found = delta_gamma_var(real(vector, "delta"), real(vector, "gamma"), real(vector, "sigma"), level)
    answer: Answer = {
        "VaR_exact": found.exact,
        "VaR_delta_normal": found.delta_normal,
        "skew": found.skew,
        "excess_kurtosis": found.excess_kurtosis,
    }
    return answer if found.cornish_fisher is None else answer | {"VaR_cornish_fisher": found.cornish_fisher}


def calming(vector: Vector) -> Answer:
    """Three tools on one path, each with its measures and what it lacks against the base."""
    base = reals(vector, "base")
    paths: dict[str, Given] = {
        "base": base,
        "buffer": procyclical.with_buffer(
            base,
            buffer=real(vector, "buffer"),
            release_rise=real(vector, "release_trigger_step"),
            rebuild_step=real(vector, "rebuild_cap_step"),
        ),
        "stress": procyclical.stress_weighted(
            base, real(vector, "stress_margin"), weight=real(vector, "stress_weight")
        ),
        "floor": procyclical.with_floor(base, real(vector, "floor")),
    }
    measures: Answer = {}
    for name, path in paths.items():
        found = procyclical.cyclicality(path)
        measures[name] = {
            "peak_to_trough": found.peak_to_trough,
            "max_1step": found.max_rise_1,
            "max_3step": found.max_rise_3,
            "mean": found.mean,
            "shortfall_vs_base": procyclical.shortfall(path, base),
        }
    lists = {name: [float(value) for value in path] for name, path in paths.items()}
    return {**lists, "stress_weighted": lists["stress"], "metrics": measures}


def liquidity(vector: Vector) -> Answer:
    volume, vol = real(vector, "ADV", "daily_volume"), real(vector, "sigma_daily", "daily_vol")
    prefactor = real(vector, "Y", default=addons.IMPACT_PREFACTOR)
    spread = real(vector, "half_spread", default=0.0)
    table: list[Answer] = [
        {
            "notional": notional,
            "impact": addons.impact(notional, volume, vol, prefactor),
            "addon": addons.liquidity_addon(notional, volume, vol, half_spread=spread, prefactor=prefactor),
        }
        for notional in reals(vector, "notionals", "notional")
    ]
    return _one_or_rows(vector, table)


def margin_period(vector: Vector) -> Answer:
    """The quantile is the vector's; notionals are asked for in its rows."""
    volume, share = real(vector, "ADV", "daily_volume"), real(vector, "participation")
    asked = find(vector.inputs, "notionals", "notional")
    notionals = reals(vector, "notionals", "notional") if asked is not None else [
        float(number(row, "notional")) for row in rows(vector.expected, "rows")
    ]  # fmt: skip
    table: list[Answer] = []
    for notional in notionals:
        period = addons.close_out(notional, volume, share)
        margin = addons.sized_margin(
            notional,
            quantile=real(vector, "z"),
            daily_vol=real(vector, "sigma_daily", "daily_vol"),
            daily_volume=volume,
            participation=share,
        )
        table.append(
            {
                "notional": notional,
                "days": period.days,
                "factor_linear_liquidation": period.factor,
                "factor": period.factor,
                "margin": margin,
            }
        )
    return _one_or_rows(vector, table)


def dynamic_margin(vector: Vector) -> Answer:
    rule = dynamic.DynamicRule(
        vol_multiple=real(vector, "k_v"),
        period_days=real(vector, "tau_days"),
        prefactor=real(vector, "Y"),
        fee=real(vector, "fee"),
        floor=real(vector, "floor"),
        cap=real(vector, "cap"),
        initial_multiple=real(vector, "kappa"),
    )
    rate = dynamic.target_rate(
        rule,
        daily_vol=real(vector, "sigma_daily", "daily_vol"),
        notional=real(vector, "q", "notional"),
        daily_volume=real(vector, "ADV", "daily_volume"),
        depth=real(vector, "depth", "depth_ratio", default=1.0),
    )
    return {"MMR": rate, "IMR": dynamic.initial_rate(rule, rate)}


ANY_LEVEL = "|".join(LEVELS)
ADAPTERS = (
    Adapter("margin.", ("omega", "alpha", "beta", "returns|returns_ref"), filtered),
    Adapter("margin.", ("u|threshold", "xi|shape", "beta|scale", "n", f"q|{ANY_LEVEL}"), peaks),
    Adapter("margin.", ("delta", "gamma", "sigma", ANY_LEVEL), delta_gamma),
    Adapter("margin.cornish", ("cases|sigma",), expansion),
    Adapter("margin.", ("|".join(DOFS), ANY_LEVEL), student),
    Adapter("margin.", ("pnl|returns", ANY_LEVEL), historical),
    Adapter("margin.", ("returns", "lam|lambda|decay"), ewma),
    Adapter("margin.normal", (ANY_LEVEL,), normal),
    Adapter("margin.", ("base", "buffer", "stress_margin", "stress_weight", "floor"), calming),
    Adapter("margin.", ("k_v", "tau_days", "Y", "kappa"), dynamic_margin),
    Adapter("margin.", ("ADV|daily_volume", "participation", "z"), margin_period),
    Adapter("margin.", ("ADV|daily_volume", "sigma_daily|daily_vol", "notionals|notional"), liquidity),
)
