"""Tail margins of the literature: VaR and ES by every model, volatility, peaks over threshold.

Numbers become floats here, as the product's own functions take them. No formula: inputs are read, a function
of `seawall.calibrate` is called, its answer is named as the vector names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from seawall.calibrate import evt, volatility
from seawall.calibrate.tails import (
    Moments,
    Tail,
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
METHODS: tuple[evt.Method, ...] = ("mle", "pwm")
SCALED = ("unit", "scal", "std", "standard")


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
    return one_or_rows(vector, table)


def student(vector: Vector) -> Answer:
    """Plain t, or scaled to unit variance (or to `sigma`): the names asked for say which, else the text."""
    sd = maybe(vector.inputs, "sigma", "sd")
    asked = _asked_in_rows(vector)
    named = any(word in flat(name) for name in asked for word in SCALED)
    told = sd is not None or "unit variance" in vector.description.lower()

    def figure(name: str, dof: float, level: float) -> float:
        scaled = any(word in flat(name) for word in SCALED) or (told and not named)
        tail = student_tail(level, dof, sd=(1.0 if sd is None else float(sd)) if scaled else None)
        return tail.var if "var" in flat(name).replace("variance", "") else tail.es

    def row(dof: float, level: float) -> Answer:
        figures = {name: figure(name, dof, level) for name in asked if _is_figure(name)}
        return {name: dof for name in DOFS} | {name: level for name in LEVELS} | figures

    printed = find(vector.expected, "rows")
    if isinstance(printed, list):
        dofs, levels = reals(vector, *DOFS), reals(vector, *LEVELS)
        return {
            "rows": [
                row(float(number(r, *DOFS, default=Fraction(dofs[0]))),
                    float(number(r, *LEVELS, default=Fraction(levels[0]))))
                for r in printed
            ]
        }  # fmt: skip
    table = [row(dof, level) for dof in reals(vector, *DOFS) for level in reals(vector, *LEVELS)]
    return one_or_rows(vector, table)


def _asked_in_rows(vector: Vector) -> list[str]:
    printed = find(vector.expected, "rows")
    if isinstance(printed, list):
        return sorted({name for row in printed if isinstance(row, dict) for name in row})
    return names_asked(vector.expected)


def _is_figure(name: str) -> bool:
    words = flat(name)
    return words.startswith(("var", "es")) or words.endswith(("var", "es"))


def one_or_rows(vector: Vector, table: list[Answer]) -> Answer:
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
    return answer | _by_name(vector, scenarios.tail)


def _by_name(vector: Vector, tail: Callable[[float], Tail]) -> Answer:
    """VaR and ES at the level in the name that asks: VaR99, VaR975_ceil, ES_999."""
    answer: Answer = {}
    for name in names_asked(vector.expected):
        told = re.fullmatch(r"(VaR|ES)_?(?:0\.)?(\d+)(_ceil)?", name)
        if told:
            found = tail(float(f"0.{told[2]}"))
            answer[name] = found.var if told[1] == "VaR" else found.es
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
    if find(vector.inputs, "q", *LEVELS) is None:
        return _by_name(vector, pot.tail)
    levels = reals(vector, "q", *LEVELS)
    tails = [pot.tail(level) for level in levels]
    if not isinstance(find(vector.inputs, "q", *LEVELS), list):
        one = {"VaR": tails[0].var, "ES": tails[0].es}
        return one | {f"printed_{name}": value for name, value in one.items()}
    table: list[Answer] = [
        {"q": level, "alpha": level, "VaR": t.var, "ES": t.es} for level, t in zip(levels, tails)
    ]
    return one_or_rows(vector, table)


def fitted(vector: Vector) -> Answer:
    """Shape and scale of excesses (or of losses above a threshold), by both methods; `xi` alone is by MLE."""
    losses = reals(vector, "excesses", "losses")
    over = real(vector, "u", "threshold", default=0.0)
    excesses = [loss - over for loss in losses if loss > over]
    answer: Answer = {"Nu": len(excesses), "n": len(losses)}
    for method in METHODS:
        xi, beta = evt.fit_pareto(excesses, method)
        answer |= {f"xi_{method}": xi, f"beta_{method}": beta}
    return answer | {"xi": answer["xi_mle"], "beta": answer["beta_mle"]}


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


ANY_LEVEL = "|".join(LEVELS)
ADAPTERS = (
    Adapter("margin.", ("omega", "alpha", "beta", "returns|returns_ref"), filtered),
    Adapter("margin.", ("u|threshold", "xi|shape", "beta|scale", "n", "Nu|n_u|exceedances"), peaks),
    Adapter("margin.pot", ("excesses|losses",), fitted),
    Adapter("margin.", ("delta", "gamma", "sigma", ANY_LEVEL), delta_gamma),
    Adapter("margin.cornish", ("cases|sigma",), expansion),
    Adapter("margin.", ("|".join(DOFS), ANY_LEVEL), student),
    Adapter("margin.", ("pnl|returns", ANY_LEVEL), historical),
    Adapter("margin.", ("returns", "lam|lambda|decay"), ewma),
    Adapter("margin.normal", (ANY_LEVEL,), normal),
)
