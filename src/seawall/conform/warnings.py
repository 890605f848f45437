"""Early warning and forensics: cascades, concentration, divergences, causes, changes, feeds, compensation.

Numbers become floats here, as those functions take them. Points at which a curve is asked for are read from
the vector's answers where its inputs do not name them. No formula.
"""

from __future__ import annotations

import re
from typing import Any

from seawall.conform.market_models import real, reals
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, as_number, find, rows, table
from seawall.errors import Unsupported
from seawall.postmortem import attribution, changes, divergence
from seawall.watch import cascade, signals

Pairs = list[tuple[float, float]]
HASH_CHARS = 16  # of a hash that are printed


def _float(value: Any, name: str) -> float:
    return float(as_number(value, name))


def _pairs(vector: Vector, name: str) -> Pairs:
    listed = find(vector.inputs, name)
    if not isinstance(listed, list) or not all(isinstance(one, list) and len(one) == 2 for one in listed):
        raise Unsupported(f"input {name} is no list of pairs")
    return [(_float(one, name), _float(other, name)) for one, other in listed]


def _asked(vector: Vector, *names: str) -> list[dict[str, float]]:
    """The points of the rows that a vector expects."""
    listed = vector.expected.get("rows")
    if not isinstance(listed, list):
        raise Unsupported("no rows are asked for")
    return [{name: _float(row[name], name) for name in names} for row in listed]


def ladder_cascade(vector: Vector) -> Answer:
    found = cascade.cascade(
        _pairs(vector, "ladder"),
        start=real(vector, "P0"),
        shock=real(vector, "shock"),
        depth=real(vector, "depth_units_per_dollar"),
    )
    return {
        "rounds": [list(one) for one in found.rounds],
        "p_star": found.price,
        "liquidated": found.liquidated,
        "first_round": found.first,
        "CAF": found.amplification,
        "price_amplification": found.price_amplification,
    }


def cliffs(vector: Vector) -> Answer:
    found = cascade.cliffs(
        _pairs(vector, "ladder"),
        start=real(vector, "P0"),
        depth=real(vector, "depth_units_per_dollar"),
        step=real(vector, "step"),
        least=real(vector, "min_jump"),
    )
    shock, size = max(found, key=lambda one: one[1])
    return {"jumps": [list(one) for one in found], "largest": {"shock": shock, "size": size}}


def uniform(vector: Vector) -> Answer:
    multiplier = cascade.linear_multiplier(real(vector, "R"))
    return {"CAF": multiplier, "x_star": multiplier * real(vector, "x0")}


def root_impact(vector: Vector) -> Answer:
    impact, density = real(vector, "c"), real(vector, "density")
    starts = reals(vector, "x0")
    ends = [cascade.root_impact_move(x, impact=impact, density=density) for x in starts]
    least = cascade.root_impact_move(1e-300, impact=impact, density=density)
    return {
        "x_star": ends,
        "CAF": [end / start for end, start in zip(ends, starts)],
        "zero_shock_limit": least,
    }


def effective_rate(vector: Vector) -> Answer:
    density, depth = real(vector, "ell_per_dollar"), real(vector, "kappa_units_per_dollar")
    return {
        "R_raw": cascade.reproduction(density, depth),
        "R_eff": cascade.reproduction(
            density,
            depth,
            to_book=real(vector, "phi_to_book", default=1.0),
            absorbed=real(vector, "absorb", default=0.0),
            healed=real(vector, "rho", default=0.0) * real(vector, "dt", default=0.0),
        ),
    }


def clusters(vector: Vector) -> Answer:
    rate = real(vector, "R")
    sizes = [int(n) for n in reals(vector, "n")]
    return {
        "pmf": cascade.cluster_sizes(rate, sizes),
        "mean": cascade.linear_multiplier(rate),
        "var": cascade.cluster_variance(rate),
    }


def survival(vector: Vector) -> Answer:
    gone = cascade.extinction(real(vector, "R"))
    return {"extinction": gone, "survival": 1.0 - gone}


def observed(vector: Vector) -> Answer:
    sizes = reals(vector, "sizes")
    rate = cascade.observed_rate(sizes)
    return {"mean": cascade.linear_multiplier(rate), "R_hat": rate}


def at_risk(vector: Vector) -> Answer:
    ladder, found = _pairs(vector, "ladder"), []
    for asked in _asked(vector, "alpha", "h_days"):
        one = cascade.liquidation_at_risk(
            ladder,
            start=real(vector, "P0"),
            daily_vol=real(vector, "sigma_daily"),
            days=asked["h_days"],
            level=asked["alpha"],
        )
        found.append({**asked, "min_price_quantile": one.price, "LaR": one.size})
    return {"rows": found}


def fuel(vector: Vector) -> Answer:
    ladder, bids, found = _pairs(vector, "ladder"), _pairs(vector, "bids"), []
    for asked in _asked(vector, "x"):
        one = cascade.fuel_ratio(ladder, bids, start=real(vector, "P0"), fall=asked["x"])
        found.append({**asked, "L": one.triggered, "D": one.bids, "fuel_ratio": one.ratio})
    return {"rows": found}


def static_book(vector: Vector) -> Answer:
    ladder, bids = _pairs(vector, "ladder"), _pairs(vector, "bids")
    found = [cascade.book_cascade(ladder, bids, size) for size in reals(vector, "V")]
    return {"results": [{**one._asdict(), "triggered": list(one.triggered)} for one in found]}


def toxic(vector: Vector) -> Answer:
    slippage = real(vector, "lam", default=1.0)
    incentives = reals(vector, "i")
    return {
        "bound": [cascade.toxic_bound(one) for one in incentives],
        "bound_with_slippage": [cascade.toxic_bound(one, slippage) for one in incentives],
    }


def solvent(vector: Vector) -> Answer:
    price = real(vector, "P")
    maintenance, depth = real(vector, "mmr"), real(vector, "kappa_units_per_dollar")
    return {
        "q_max": cascade.most_solvent(price, maintenance=maintenance, depth=depth),
        "bad_debt": [
            cascade.instant_bad_debt(size, price, maintenance=maintenance, depth=depth)
            for size in reals(vector, "q")
        ],
    }


def concentration(vector: Vector) -> Answer:
    found = signals.concentration(reals(vector, "sizes"))
    tops = {f"top{count}": share for count, share in enumerate(found.top, 1)}
    return {"HHI": found.hhi, "n_eff": found.effective, "gini": found.gini, **tops}


def leverage(vector: Vector) -> Answer:
    held = [
        (_float(row["notional"], "notional"), _float(row["equity"], "equity"))
        for row in rows(vector.inputs, "positions")
    ]
    found = signals.leverage(held, real(vector, "mmr"))
    return {"oi_weighted": found.weighted, "aggregate": found.aggregate, "distance": list(found.distance)}


def slowing(vector: Vector) -> Answer:
    found = signals.slowing_down(
        reals(vector, "series"), window=int(real(vector, "window")), step=int(real(vector, "step"))
    )
    return {"ar1": list(found.autocorrelation), "kendall_tau": found.tau}


def worth(vector: Vector) -> Answer:
    labels = [int(label) for label in reals(vector, "labels")]
    found = signals.warning_worth(labels, reals(vector, "scores"))
    return {"auc": found.auc, "brier": found.brier}


def hash_chain(vector: Vector) -> Answer:
    """A record and the same with one event changed; hashes by the names the vector asks for."""
    events = [str(event).encode() for event in find(vector.inputs, "events")]
    other = list(events)
    other[int(real(vector, "changed_index"))] = str(find(vector.inputs, "changed_to")).encode()
    one, two = divergence.chain(events), divergence.chain(other)
    found = divergence.first_divergence(one, two)
    answer: Answer = {"first_divergence": found.first, "comparisons": found.comparisons}
    for name in vector.expected:
        if named := re.fullmatch(r"h(\d+)(_b)?(?:_a)?", name):
            answer[name] = (two if named[2] else one)[int(named[1])].hex()[:HASH_CHARS]
    return answer


def tolerant(vector: Vector) -> Answer:
    found = divergence.tolerant_divergences(
        reals(vector, "recorded"), reals(vector, "replayed"), real(vector, "rtol")
    )
    return {"first": found[0] if found else None, "all": found}


def minimal(vector: Vector) -> Answer:
    universe = [int(one) for one in reals(vector, "universe")]
    needed = {int(one) for one in reals(vector, "fails_iff_contains")}
    return {"minimal": divergence.minimal_failing(universe, lambda some: needed <= set(some))}


def causes(vector: Vector) -> Answer:
    told = table(vector.inputs, "v")
    worths = {
        frozenset(int(one) for one in key.split(",") if one != "-"): _float(value, "v")
        for key, value in told.items()
    }
    count = max(len(some) for some in worths)
    found = attribution.attribute(lambda some: worths[some], count)
    return {
        "shapley": list(found.shapley),
        "sum": sum(found.shapley),
        "but_for": list(found.but_for),
        "stand_alone": list(found.alone),
        "banzhaf": list(found.banzhaf),
        "interaction": {f"{one}{other}": value for (one, other), value in found.interaction.items()},
        "hp_actual_cause": list(found.actual),
    }


def cusum(vector: Vector) -> Answer:
    found = changes.cusum(
        reals(vector, "x"), target=real(vector, "target"), slack=real(vector, "K"), limit=real(vector, "H")
    )
    return {"SH": list(found.high), "SL": list(found.low), "alarm_index": found.alarm}


def page_hinkley(vector: Vector) -> Answer:
    """A series given, or told as `100 x 0.5 then 100 x 2.5`."""
    told = find(vector.inputs, "data")
    values = (
        [float(value) for count, value in re.findall(r"(\d+) x ([-\d.]+)", told) for _ in range(int(count))]
        if isinstance(told, str)
        else reals(vector, "data", "x")
    )
    alarm = changes.page_hinkley(
        values, delta=real(vector, "delta"), threshold=real(vector, "threshold", "lambda")
    )
    return {"alarm_index": alarm, "river_alarm": [] if alarm is None else [alarm]}


def posteriors(vector: Vector) -> Answer:
    found = changes.run_length_posteriors(
        reals(vector, "x"),
        hazard=real(vector, "hazard"),
        mean=real(vector, "mu0"),
        weight=real(vector, "kappa0"),
        variance=real(vector, "sigma2"),
    )
    # The most likely length leaves out zero, whose weight is the hazard whatever was seen.
    answer: Answer = {"map_run_length": [int(one.argmax()) for one in found]}
    return answer | {f"posterior_t{at}": one.tolist() for at, one in enumerate(found, 1)}


def robust(vector: Vector) -> Answer:
    found = changes.robust_scores(reals(vector, "x"), real(vector, "threshold", default=3.5))
    return {
        "median": found.median,
        "mad": found.deviation,
        "z": list(found.scores),
        "flagged": [int(at) for at in found.flagged],
    }


def feeds(vector: Vector) -> Answer:
    told = table(vector.inputs, "frozen")
    return {
        "stale": changes.stale(real(vector, "now"), reals(vector, "last_update"), real(vector, "tau")),
        "frozen": changes.frozen(
            [_float(value, "values") for value in told["values"]],
            count=int(told["n"]),
            reference_bps=_float(told["ref_move_bps"], "ref_move_bps"),
            least_bps=_float(told["eps_bps"], "eps_bps"),
        ),
    }


def sources(vector: Vector) -> Answer:
    told = {name: _float(price, name) for name, price in table(vector.inputs, "sources").items()}
    found = changes.cross_sources(told, real(vector, "limit_bps"))
    return {"dev_bps": found.deviations, "flagged": list(found.flagged), "median": found.median}


def breakpoints(vector: Vector) -> Answer:
    """A step signal with a sine of a tenth on it, as the file describes it."""
    from math import sin

    values: list[float] = []
    length = int(real(vector, "len"))
    for level in reals(vector, "levels"):
        values += [level + 0.1 * sin(len(values) + at) for at in range(length)]
    return {"breakpoints": changes.breakpoints(values)}


def run_lengths(vector: Vector) -> Answer:
    limit, slack = real(vector, "h"), real(vector, "k")
    calm = changes.run_length(limit, slack)
    return {
        "ARL0_one_sided": calm,
        "ARL0_two_sided": calm / 2,
        "ARL1": changes.run_length(limit, slack, real(vector, "shift")),
    }


def compensation(vector: Vector) -> Answer:
    fills = [
        attribution.Fill(
            str(row["acct"]),
            1 if row["side"] == "buy" else -1,
            *(_float(row[name], name) for name in ("qty", "price", "fair")),
        )
        for row in rows(vector.inputs, "fills")
    ]
    found = attribution.compensate(fills, real(vector, "budget"))
    return {
        "delta": list(found.delta),
        "claims": list(found.claims),
        "pro_rata": list(found.pro_rata),
        "cea": list(found.equal_awards),
    }


def reconciliation(vector: Vector) -> Answer:
    profits = reals(vector, "pnl")
    others = [real(vector, name, default=0.0) for name in ("fees_to_venue", "insurance_delta", "socialised")]
    gap = attribution.residual(profits, *others)
    answer: Answer = {"residual": gap, "ok": gap == 0.0}
    told = vector.expected.get("break_if_pnl0")
    if told is not None:
        changed = _float(told[0], "break_if_pnl0")
        answer["break_if_pnl0"] = [changed, attribution.residual([changed, *profits[1:]], *others)]
    return answer


def chains(vector: Vector) -> Answer:
    edges = [(str(one), str(other)) for one, other in find(vector.inputs, "edges")]
    roots, paths = attribution.roots_and_paths(edges, str(find(vector.inputs, "target")))
    answer: Answer = {"roots": roots, "n_paths": {root: len(found) for root, found in paths.items()}}
    for name in vector.expected:
        if named := re.fullmatch(r"paths_from_(\w+)", name):
            root = next((one for one in roots if one.startswith(named[1])), named[1])
            answer[name] = paths.get(root, [])
    return answer


EARLY, AFTER = "early_warning.", "forensics."
ADAPTERS: tuple[Any, ...] = (
    Adapter(EARLY, ("P0", "ladder", "shock"), ladder_cascade),
    Adapter(EARLY, ("P0", "ladder", "step", "min_jump"), cliffs),
    Adapter(EARLY, ("c", "density", "x0"), root_impact),
    Adapter(EARLY, ("R", "x0"), uniform),
    Adapter(EARLY, ("ell_per_dollar", "kappa_units_per_dollar"), effective_rate),
    Adapter(EARLY, ("R", "n"), clusters),
    Adapter(EARLY, ("R",), survival),
    Adapter(EARLY + "R_hat", ("sizes",), observed),
    Adapter(EARLY, ("P0", "ladder", "sigma_daily"), at_risk),
    Adapter(EARLY, ("P0", "ladder", "bids", "V"), static_book),
    Adapter(EARLY, ("P0", "ladder", "bids"), fuel),
    Adapter(EARLY, ("i",), toxic),
    Adapter(EARLY, ("P", "mmr", "q"), solvent),
    Adapter(EARLY, ("sizes",), concentration),
    Adapter(EARLY, ("positions", "mmr"), leverage),
    Adapter(EARLY, ("series", "window"), slowing),
    Adapter(EARLY, ("labels", "scores"), worth),
    Adapter(AFTER, ("events", "changed_index"), hash_chain),
    Adapter(AFTER, ("recorded", "replayed"), tolerant),
    Adapter(AFTER, ("universe", "fails_iff_contains"), minimal),
    Adapter(AFTER, ("v",), causes),
    Adapter(AFTER, ("x", "target", "K", "H"), cusum),
    Adapter(AFTER, ("data|x", "delta", "threshold|lambda"), page_hinkley),
    Adapter(AFTER, ("x", "hazard"), posteriors),
    Adapter(AFTER, ("now", "last_update", "frozen"), feeds),
    Adapter(AFTER, ("sources", "limit_bps"), sources),
    Adapter(AFTER, ("x",), robust),
    Adapter(AFTER, ("levels", "len"), breakpoints),
    Adapter(AFTER, ("h", "k"), run_lengths),
    Adapter(AFTER, ("fills", "budget"), compensation),
    Adapter(AFTER, ("pnl",), reconciliation),
    Adapter(AFTER, ("edges", "target"), chains),
)
