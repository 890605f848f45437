"""Derive's portfolio rules with every parameter that a vector gives; the others come from the rulebook.

Keys are spelled as the contracts' own tests spell them, or in plain words. Rates to the nearest ppb.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec

from seawall.conform.derive_case import Given, entries, name_of
from seawall.conform.portfolio_bench import own_rules, ppb
from seawall.conform.reading import as_number, find, flat, number
from seawall.errors import Unsupported
from seawall.margin.portfolio import charges as rule
from seawall.margin.portfolio.model import (
    Discount,
    PortfolioLevel,
    PortfolioRules,
    Scenario,
    Skew,
    UnderlyingRules,
    VolShock,
)
from seawall.rulebooks.load_portfolio import load_portfolio_rulebook

SETS = ("regular", "tail", "skew")
VOLS = {
    "up": "up", "down": "down", "none": "same", "same": "same", "u": "same", "unchanged": "same",
    "linear": "skew_linear", "abs": "skew_absolute", "absolute": "skew_absolute", "1": "up", "-1": "down",
    "0": "same", "skewlinear": "skew_linear", "skewabs": "skew_absolute",
}  # fmt: skip


def scenarios_of(given: Given, rules: UnderlyingRules) -> dict[str, tuple[Scenario, ...]]:
    """Regular, tail and skew scenarios; spot as a multiple of today's, as the contracts have it."""
    told = find(given, "scenarios")
    if told is None:
        return rules.scenarios
    found: dict[str, list[Scenario]] = {name: [] for name in SETS}
    rows = [_scenario_row(entry) for entry in told]
    as_moves = any(spot <= 0 for spot, _, _ in rows)
    for spot, vol, weight in rows:
        move = spot if as_moves else spot - 1
        name = "skew" if vol.startswith("skew") else ("regular" if weight == 1 else "tail")
        found[name].append(
            Scenario(spot_ppb=ppb(move), vol=vol, weight_ppb=ppb(weight))  # type: ignore[arg-type]
        )
    return {name: tuple(rows) for name, rows in found.items()}


def _scenario_row(entry: Any) -> tuple[Fraction, str, Fraction]:
    if isinstance(entry, dict):
        spot = number(entry, "SpotShock", "spot", "s")
        vol = find(entry, "VolShockDirection", "VolShock", "vol", "v")
        weight = number(entry, "DampeningFactor", "damping", "dampening", "weight", "d", default=1)
    elif isinstance(entry, list) and len(entry) >= 2:
        spot, vol = as_number(entry[0], "spot"), entry[1]
        weight = as_number(entry[2], "damping") if len(entry) > 2 else Fraction(1)
    else:
        raise Unsupported(f"a scenario is {entry!r}")
    word = VOLS.get(flat(str("none" if vol is None else vol)))
    if word is None:
        raise Unsupported(f"a scenario moves volatility {vol!r}")
    return spot, word, weight


def case_rules(given: Given, book: str, underlying: str) -> PortfolioRules:
    """The rulebook with every parameter that the vector gives."""
    own = own_rules(book, underlying)
    held = entries(given, "collaterals", "collateral", "bases")
    shocked = tuple(name_of(c) for c in held if find(c, "IsRiskCancelling", "risk_cancelling", "cancelling"))
    changed = msgspec.structs.replace(
        own,
        scenarios=scenarios_of(given, own),
        vol=_vol(given, own.vol),
        skew=_skew(given, own.skew),
        discount=_discount(given, own.discount),
        shocked=shocked if book.startswith("derive-pm2") else tuple(name_of(c) for c in held),
        charges=tuple(_charge(charge, given, held) for charge in own.charges),
    )
    rules = load_portfolio_rulebook(book).rules
    levels = tuple(_level(level, given) for level in rules.levels)
    return PortfolioRules(numeraire=rules.numeraire, levels=levels, underlyings={underlying: changed})


def _rate(given: Given, fallback: int, *names: str) -> int:
    return fallback if find(given, *names) is None else ppb(number(given, *names))


def _vol(given: Given, shock: VolShock) -> VolShock:
    floor = _rate(given, shock.floor_days_ppb, "DTE_FLOOR", "dteFloor", "floor_days", "dte_floor_days")
    if find(given, "dteFloorSeconds", "dte_floor_sec") is not None or floor >= 3_600 * 10**9:
        floor = ppb(number(given, "dteFloorSeconds", "dte_floor_sec", "DTE_FLOOR", "dteFloor") / 86_400)
    return msgspec.structs.replace(
        shock,
        up_ppb=_rate(given, shock.up_ppb, "VOLRANGEUP", "vol_range_up", "R_up"),
        down_ppb=_rate(given, shock.down_ppb, "VOLRANGEDOWN", "vol_range_down", "R_dn", "R_down"),
        short_power_ppb=_rate(given, shock.short_power_ppb, "SHORTTERMPOWER", "short_power", "p_short"),
        long_power_ppb=_rate(given, shock.long_power_ppb, "LONGTERMPOWER", "long_power", "p_long"),
        floor_days_ppb=floor,
        up_floor_ppb=_rate(
            given, shock.up_floor_ppb, "MIN_VOL_EVAL_SHOCKED", "minVolUpShock", "vol_up_floor", "min_vol_up"
        ),
    )


def _skew(given: Given, skew: Skew | None) -> Skew | None:
    if skew is None:
        return None
    return Skew(
        linear_base_ppb=_rate(given, skew.linear_base_ppb, "LINEAR_SCALE_CAP", "linearBaseCap", "linear_cap"),
        linear_slope_ppb=_rate(given, skew.linear_slope_ppb, "LINEAR_CBASE", "linearCBase", "linear_slope"),
        absolute_base_ppb=_rate(given, skew.absolute_base_ppb, "ABS_SCALE_CAP", "absBaseCap", "abs_cap"),
        absolute_slope_ppb=_rate(given, skew.absolute_slope_ppb, "ABS_CBASE", "absCBase", "abs_slope"),
        least_width_ppb=_rate(given, skew.least_width_ppb, "MIN_K_STAR", "minKStar", "k_min", "k_star_min"),
        width_ppb=_rate(given, skew.width_ppb, "MIN_WIDTH_SCALE", "widthScale", "width"),
        static_ppb=_rate(given, skew.static_ppb, "VOL_PARAM_STATIC", "volParamStatic", "static"),
        scale_ppb=_rate(given, skew.scale_ppb, "VOL_PARAM_SCALE", "volParamScale", "scale"),
    )


def _discount(given: Given, discount: Discount | None) -> Discount | None:
    if discount is None:
        return None
    short = () if discount.only_positive else (
        ("short_base_ppb", ("BASE_STATIC_DISCOUNT_NEG", "shortBaseStaticDiscount", "b_short")),
        ("short_rate_factor_ppb", ("SHORT_RATE_MULTSCALE", "shortRateMultScale", "a_short")),
        ("short_add_ppb", ("SHORT_RATE_ADDSCALE", "shortRateAddScale", "c_short")),
    )  # fmt: skip
    long = (
        ("long_base_ppb", ("BASE_STATIC_DISCOUNT", "longBaseStaticDiscount", "baseStaticDiscount", "b_long")),
        ("long_rate_factor_ppb", ("LONG_RATE_MULTSCALE", "longRateMultScale", "rateMultScale", "a_long")),
        ("long_add_ppb", ("LONG_RATE_ADDSCALE", "longRateAddScale", "rateAddScale", "c_long")),
    )
    changes = {field: _rate(given, getattr(discount, field), *names) for field, names in (*long, *short)}
    return msgspec.structs.replace(discount, **changes)


def _level(level: PortfolioLevel, given: Given) -> PortfolioLevel:
    if level.name == "maintenance":
        return msgspec.structs.replace(
            level, factor_ppb=_rate(given, level.factor_ppb, "MM_LOSS_FACTOR", "mmFactor", "mm_factor")
        )
    return msgspec.structs.replace(
        level,
        factor_ppb=_rate(given, level.factor_ppb, "IM_LOSS_FACTOR", "imFactor", "im_factor"),
        depeg_slope_ppb=_rate(given, level.depeg_slope_ppb, "PEG_LOSS_FACTOR", "pegLossFactor", "peg_factor"),
        depeg_below_ppb=_rate(
            given, level.depeg_below_ppb, "PEG_LOSS_THRESHOLD", "pegLossThreshold", "peg_threshold"
        ),
    )


_RATES = {
    "perpetual_mm": ("MM_PERP_PERCENT", "MMPerpPercent", "mm_perp"),
    "perpetual_im": ("IM_PERP_PERCENT", "IMPerpPercent", "im_perp"),
    "option_mm": ("MM_OPTION_PERCENT", "MMOptionPercent", "mm_option"),
    "option_im": ("IM_OPTION_PERCENT", "IMOptionPercent", "im_option"),
    "perpetual": ("perpPercent", "perp_percent"),
    "option": ("optionPercent", "option_percent"),
}


def _charge(charge: rule.Charge, given: Given, held: list[Given]) -> rule.Charge:
    if isinstance(charge, rule.SizeCharge | rule.NakedShorts):
        return msgspec.structs.replace(charge, rate_ppb=_rate(given, charge.rate_ppb, *_RATES[charge.name]))
    if isinstance(charge, rule.ForwardMove):
        moves = {"up_ppb": ("SCENARIO_SPOT_UP", "scenarioSpotUp", "basis_up"),
                 "down_ppb": ("SCENARIO_SPOT_DOWN", "scenarioSpotDown", "basis_down")}  # fmt: skip
        changes = {
            key: ppb(number(given, *names) - 1)
            for key, names in moves.items()
            if find(given, *names) is not None
        }
        add = _rate(given, charge.add_ppb, "BASIS_CONT_ADD_FACTOR", "basisContAddFactor", "basis_add")
        mult = _rate(given, charge.mult_ppb, "BASIS_CONT_MULT_FACTOR", "basisContMultFactor", "basis_mult")
        return msgspec.structs.replace(charge, **changes, add_ppb=add, mult_ppb=mult)
    if isinstance(charge, rule.Haircut):
        names = {"collateral_mm": ("MMHaircut", "mm_haircut"), "collateral_im": ("IMHaircut", "im_haircut")}
        shared = _rate(given, 0, "basePercent", "base_percent")
        own = names.get(charge.name, ("basePercent", "base_percent"))
        return rule.Haircut(name=charge.name, rates_ppb={name_of(c): _rate(c, shared, *own) for c in held})
    if isinstance(charge, rule.Confidence):
        factor = _rate(given, charge.factor_ppb, "CONF_MARGIN", "confMargin", "conf_factor")
        return rule.Confidence(
            name=charge.name,
            threshold_ppb=_rate(given, charge.threshold_ppb, "CONF_THRESHOLD", "confThreshold"),
            factor_ppb=factor,
            assets_ppb={name_of(c): _rate(c, factor, "ConfidenceFactor") for c in held},
        )
    if isinstance(charge, rule.WorstLoss) and find(given, "scenarios") is not None:
        return rule.WorstLoss(name=charge.name, sets=SETS)
    return charge
