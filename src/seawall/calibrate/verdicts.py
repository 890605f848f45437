"""One margin model, one side, one history: every test of it in one row, plainly.

Margins and losses are fractions of notional, one per window that does not overlap its neighbours; p is the
share of exceedances that the level allows. Where a figure does not exist (an expected shortfall of a fixed
rate, a regression without hits) it is None. The stressed tenth is told by the EWMA volatility
known beforehand.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.calibrate import exceedances, procyclical, scores, shortfall
from seawall.calibrate.challengers import variance_before
from seawall.calibrate.history import Side
from seawall.calibrate.inputs import Floats
from seawall.errors import InputError

STRESS_SHARE = 0.9
T_DOF = 3.0  # the law of the critical value of Z2: as heavy as these markets' own


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for one model and side. p-values are of the null "the model is right at this level"."""

    model: str
    side: Side
    windows: int
    expected: float
    exceeded: int
    coverage: float
    mean_margin: float
    mean_excess: float
    largest_excess: float
    kupiec_p: float
    independence_p: float
    conditional_p: float
    quantile_p: float | None
    zone: exceedances.Zone
    z2: float | None
    z2_p: float | None
    tick: float
    fz0: float | None
    stressed_share: float
    overlap_low: float
    overlap_high: float
    peak_to_trough: float
    max_rise_1: float
    max_rise_5: float


def judge_row(
    model: str,
    side: Side,
    losses: Floats,
    margin: Floats,
    es: Floats | None,
    *,
    first: int,
    level: float,
    overlapping_hits: NDArray[np.bool_] | None = None,
    block: int = 1,
) -> Row:
    """`losses` [n] of the whole history; `margin`, `es` of the windows from `first` on.

    `overlapping_hits` are those of all windows, with which share the interval is drawn in blocks of `block`.
    """
    p = round(1.0 - level, 12)
    lost = losses[first:]
    if lost.size != margin.size:
        raise InputError.at("margin", f"{margin.size} for {lost.size} windows", "Give one for each.")
    hits = lost > margin
    covered = scores.margin_coverage(margin, lost)
    pairs = exceedances.christoffersen(hits, p)
    heavy = variance_before(losses)[first:]
    stressed = heavy >= np.quantile(heavy, STRESS_SHARE)
    every = hits if overlapping_hits is None else overlapping_hits
    low, high = exceedances.block_interval(every, min(max(block, 1), every.size))
    z2 = None if es is None else shortfall.acerbi_szekely(-lost, margin, es, p).z2
    moving = np.maximum(margin, 1e-9)
    return Row(
        model=model,
        side=side,
        windows=int(lost.size),
        expected=p * lost.size,
        exceeded=covered.exceeded,
        coverage=covered.coverage,
        mean_margin=float(margin.mean()),
        mean_excess=covered.mean_excess,
        largest_excess=covered.largest_excess,
        kupiec_p=pairs.coverage.p_value,
        independence_p=pairs.independence.p_value,
        conditional_p=pairs.conditional.p_value,
        quantile_p=exceedances.dynamic_quantile(hits, p).p_value if hits[:-1].any() else None,
        zone=exceedances.traffic_light(int(lost.size), covered.exceeded, p).zone,
        z2=z2,
        z2_p=None if z2 is None else shortfall.z2_law(int(lost.size), p, T_DOF).p_value(z2),
        tick=float(scores.tick_loss(-lost, -margin, p).mean()),
        fz0=None if es is None else float(scores.fz0_loss(-lost, -moving, -np.maximum(es, moving), p).mean()),
        stressed_share=float(hits[stressed].mean()),
        overlap_low=low,
        overlap_high=high,
        peak_to_trough=float(moving.max() / moving.min()),
        max_rise_1=procyclical.largest_rise(moving, 1),
        max_rise_5=procyclical.largest_rise(moving, 5),
    )


def holm_over(rows: tuple[Row, ...], size: float = 0.05) -> dict[tuple[str, Side], bool]:
    """Which rows fail Kupiec's or Christoffersen's test together (conditional coverage), over all of them."""
    named = {f"{row.model}\0{row.side}": row.conditional_p for row in rows}
    rejected = exceedances.holm(named, size)
    return {(row.model, row.side): rejected[f"{row.model}\0{row.side}"] for row in rows}
