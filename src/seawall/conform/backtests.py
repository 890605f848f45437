"""Published figures of backtests: hits, traffic lights, expected shortfall, scores, coverage.

Numbers become floats here, as the product's functions take them. No formula: only reading and naming.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import numpy as np

from seawall.calibrate import exceedances, procyclical, scores, shortfall, volatility
from seawall.conform.compare import names_asked
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, as_number, find, flat, number, numbers
from seawall.conform.tails import one_or_rows, real, reals
from seawall.errors import Unsupported

SIZES = ("T", "n", "N")
SHARES = ("p", "alpha")
STEPS = (1, 5, 10, 30)  # of a volatility path, unless the vector says which
SIGNIFICANCE = Fraction(5, 100)


def whole(vector: Vector, *names: str) -> int:
    value = number(vector.inputs, *names)
    if value.denominator != 1:
        raise Unsupported(f"input {names[0]} is {value}, not a whole number")
    return int(value)


def hits_of(vector: Vector) -> Any:
    """A row of truth values from the places of the hits, or as given one by one."""
    size = whole(vector, *SIZES)
    places = find(vector.inputs, "hits", "hit_indices")
    row = np.zeros(size, dtype=np.bool_)
    if not isinstance(places, list):
        raise Unsupported("hits is not a list")
    if len(places) == size and all(value in (0, 1) for value in places):
        row[:] = [bool(value) for value in places]
    else:
        row[[int(as_number(value, "hits")) for value in places]] = True
    return row


def kupiec(vector: Vector) -> Answer:
    """One count, or a list of them."""
    size, p = whole(vector, "n", "T", "N"), real(vector, *SHARES)
    counts = [int(value) for value in numbers(vector.inputs, "x", "failures", "count")]
    found = [exceedances.kupiec(size, count, p) for count in counts]
    table: list[Answer] = [
        {"x": count, "LR": one.statistic, "p_value": one.p_value} for count, one in zip(counts, found)
    ]
    if isinstance(find(vector.inputs, "x", "failures", "count"), list):
        return one_or_rows(vector, table)
    return table[0] | {"printed_LR": found[0].statistic, "printed_p": found[0].p_value}


def region(vector: Vector) -> Answer:
    size = float(number(vector.inputs, "significance", "test_size", default=SIGNIFICANCE))
    return {
        "region": {
            str(int(n)): list(exceedances.accepted_counts(int(n), real(vector, *SHARES), size))
            for n in numbers(vector.inputs, "n", "T")
        }
    }


def christoffersen(vector: Vector) -> Answer:
    found = exceedances.christoffersen(hits_of(vector), real(vector, *SHARES))
    answer: Answer = {name: getattr(found, name) for name in ("n00", "n01", "n10", "n11", "p01", "p11")}
    ratios = {"uc": found.coverage, "ind": found.independence, "cc": found.conditional}
    for name, ratio in ratios.items():
        answer |= {f"LR_{name}": ratio.statistic, f"p_{name}": ratio.p_value}
    return answer


def dynamic_quantile(vector: Vector) -> Answer:
    lags = int(number(vector.inputs, "lags", default=1))
    found = exceedances.dynamic_quantile(hits_of(vector), real(vector, *SHARES), lags)
    return {"beta": list(found.beta), "DQ": found.statistic, "p_value": found.p_value}


def hit_row(vector: Vector) -> Answer:
    """Which test a row of hits is put to shows in what is asked."""
    asked = names_asked(vector.expected)
    return dynamic_quantile(vector) if "DQ" in asked or "beta" in asked else christoffersen(vector)


def traffic_light(vector: Vector) -> Answer:
    """Counts from zero to the first that is red, with Basel's multipliers where Basel has any."""
    sizes, shares = numbers(vector.inputs, *SIZES), reals(vector, *SHARES)
    answer: Answer = {"rows": []}
    if len(sizes) == len(shares) == 1:
        size, p = int(sizes[0]), shares[0]
        printed = find(vector.expected, "rows")
        listed = isinstance(printed, list) and all(isinstance(row, dict) and "x" in row for row in printed)
        edge = exceedances.zone_edges(size, p)
        counts = [int(row["x"]) for row in printed] if listed and printed else range(edge[1] + 2)
        for count in counts:
            light = exceedances.traffic_light(size, count, p)
            row: Answer = {"x": count, "cum_prob": light.cumulative, "zone": light.zone}
            answer["rows"].append(row if light.multiplier is None else row | {"multiplier": light.multiplier})
        return answer | _edges(vector, size, p)
    pairs = [(n, p) for n in sizes for p in shares] if len(shares) != len(sizes) else list(zip(sizes, shares))
    answer["rows"] = [{"T": int(n), "n": int(n), "p": p} | _edges(vector, int(n), p) for n, p in pairs]
    return answer | {name: [row[name] for row in answer["rows"]] for name in answer["rows"][0]}


def _edges(vector: Vector, size: int, p: float) -> Answer:
    """The last green and the last yellow count, under whatever names with these words the vector has."""
    green, yellow = exceedances.zone_edges(size, p)
    answer: Answer = {"edges": [green, yellow], "zones": [green, yellow]}
    printed = find(vector.expected, "rows")
    lines = [vector.expected, *(printed if isinstance(printed, list) else [])]
    for name in {name for line in lines if isinstance(line, dict) for name in line}:
        for word, edge in (("green", green), ("yellow", yellow), ("red", yellow + 1)):
            if word in flat(name):
                answer[name] = edge
    return answer


def light_cases(vector: Vector) -> Answer:
    """A list of [T, p] or of tables with T and p."""
    found = []
    for case in find(vector.inputs, "cases"):
        size, p = (number(case, *SIZES), number(case, *SHARES)) if isinstance(case, dict) else case
        found.append({"T": int(size), "p": float(p)} | _edges(vector, int(size), float(p)))
    return {"rows": found} | {name: [row[name] for row in found] for name in found[0]}


def acerbi_szekely(vector: Vector) -> Answer:
    pnl, p = reals(vector, "pnl", "X"), real(vector, "alpha", "p")
    var, es = _column(vector, "VaR"), _column(vector, "ES")
    found = shortfall.acerbi_szekely(pnl, var, es, p)
    answer: Answer = {"N": found.hits, "Z2": found.z2}
    if found.z1 is None:
        return answer
    return answer | {"Z1": found.z1, "Z2_from_Z1": shortfall.z2_from_z1(found.z1, found.hits, len(pnl), p)}


def _column(vector: Vector, name: str) -> Any:
    values = reals(vector, name)
    return values if isinstance(find(vector.inputs, name), list) else values[0]


def critical_values(vector: Vector) -> Answer:
    """The levels are told by the name that asks: crit_5pct_0p01pct."""
    names = [name for name in names_asked(vector.expected) if name.startswith("crit")]
    if len(names) != 1:
        raise Unsupported(f"nothing here answers to {', '.join(names_asked(vector.expected))}")
    sizes = [float(told.replace("p", ".")) / 100 for told in re.findall(r"(\d+(?:p\d+)?)pct", names[0])]
    table: Answer = {}
    for law in find(vector.inputs, "dists") or ["normal"]:
        dof = math.inf if law == "normal" else float(str(law).lstrip("t"))
        z2 = shortfall.z2_law(whole(vector, *SIZES), real(vector, "alpha", "p"), dof)
        table[law] = [z2.critical(size) for size in sizes]
    return {names[0]: table}


def tail_coverage(vector: Vector) -> Answer:
    """Probabilities one by one, the rest told as `90 x 0.5`."""
    given = vector.inputs
    first = next((key for key in given if key.startswith("u")), "u")
    u = [float(value) for value in numbers(given, first)]
    rest = find(given, "rest")
    if rest is not None:
        told = re.fullmatch(r"\s*(\d+)\s*[x*]\s*([\d.eE+-]+)\s*", str(rest))
        if not told:
            raise Unsupported(f"rest is {rest!r}, not like '90 x 0.5'")
        u += int(told[1]) * [float(told[2])]
    found = shortfall.costanzino_curran(u, real(vector, "alpha", "p"))
    return {"mean": found.mean, "z": found.z, "p_one_sided": found.p_value, "p_value": found.p_value}


def score(vector: Vector) -> Answer:
    x, q, p = reals(vector, "x", "pnl"), _column(vector, "q"), real(vector, "alpha", "p")
    answer: Answer = {"tick": scores.tick_loss(x, q, p).tolist()}
    if find(vector.inputs, "e") is not None:
        answer["FZ0"] = scores.fz0_loss(x, q, _column(vector, "e"), p).tolist()
    return answer


def impulse(vector: Vector) -> Answer:
    low, high = real(vector, "s0"), real(vector, "s1")
    told = find(vector.inputs, "n", "steps") is not None
    steps = [int(step) for step in numbers(vector.inputs, "n", "steps")] if told else list(STEPS)
    found: list[Answer] = []
    for decay in reals(vector, "lam", "lambda"):
        path = [volatility.step_response(low, high, decay, step) for step in range(6)]
        found.append(
            {
                "lam": decay,
                "vol_after": [volatility.step_response(low, high, decay, step) for step in steps],
                "max_5d_increase": procyclical.largest_rise(path, 5),
                "steps_to_90pct": volatility.steps_to_reach(low, high, decay),
                "peak_to_trough_limit": procyclical.cyclicality([low, high, high, high]).peak_to_trough,
            }
        )
    return {"rows": found}


def coverage(vector: Vector) -> Answer:
    found = scores.margin_coverage(reals(vector, "margin"), reals(vector, "loss"))
    return {
        "coverage": found.coverage,
        "n_exceed": found.exceeded,
        "mean_exceed": found.mean_excess,
        "max_exceed": found.largest_excess,
    }


def compared(vector: Vector) -> Answer:
    given = vector.inputs
    lags = find(given, "lags", "lag")
    found = scores.diebold_mariano(
        reals(vector, "first", "loss_a", "L1", "a"),
        reals(vector, "second", "loss_b", "L2", "b"),
        None if lags is None else int(lags),
    )
    return {"mean": found.mean, "DM": found.z, "z": found.z, "p_value": found.p_value}


def several(vector: Vector) -> Answer:
    """Holm over a list of p-values: which are rejected."""
    values = reals(vector, "p_values")
    found = exceedances.holm(
        {str(k): value for k, value in enumerate(values)}, real(vector, "alpha", "size", default=0.05)
    )
    return {"rejected": [found[str(k)] for k in range(len(values))], "reject": list(found.values())}


SIZE, SHARE = "|".join(SIZES), "|".join(SHARES)
ADAPTERS = (
    Adapter("backtests.", ("n|T|N", "x|failures|count", SHARE), kupiec),
    Adapter("backtests.", ("hits|hit_indices", SIZE, SHARE), hit_row),
    Adapter("backtests.kupiec", ("n|T", SHARE), region),
    Adapter("backtests.", ("pnl|X", "VaR", "ES", SHARE), acerbi_szekely),
    Adapter("backtests.", ("dists", SIZE, SHARE), critical_values),
    Adapter("backtests.costanzino", ("alpha|p",), tail_coverage),
    Adapter("backtests.", ("q", "x|pnl", SHARE), score),
    Adapter("backtests.", ("s0", "s1", "lam|lambda"), impulse),
    Adapter("backtests.", ("margin", "loss"), coverage),
    Adapter("backtests.", ("p_values",), several),
    Adapter("backtests.", ("first|loss_a|L1|a", "second|loss_b|L2|b"), compared),
    Adapter("backtests.", (SIZE, SHARE), traffic_light),
    Adapter("backtests.", ("cases",), light_cases),
)
