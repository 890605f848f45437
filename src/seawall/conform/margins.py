"""Margins of the literature beyond a tail: add-ons, anti-procyclicality, dynamic margin.

Numbers become floats here, as the product's own functions take them. No formula, only reading and naming.
"""

from __future__ import annotations

from seawall.calibrate import addons, dynamic, procyclical
from seawall.calibrate.inputs import Given
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, find, number, rows
from seawall.conform.tails import one_or_rows, real, reals


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
    return one_or_rows(vector, table)


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
    return one_or_rows(vector, table)


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


ADAPTERS = (
    Adapter("margin.", ("base", "buffer", "stress_margin", "stress_weight", "floor"), calming),
    Adapter("margin.", ("k_v", "tau_days", "Y", "kappa"), dynamic_margin),
    Adapter("margin.", ("ADV|daily_volume", "participation", "z"), margin_period),
    Adapter("margin.", ("ADV|daily_volume", "sigma_daily|daily_vol", "notionals|notional"), liquidity),
)
