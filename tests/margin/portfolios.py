"""A PM2 case of the slow oracle as rules, market and portfolio of the product; and cases drawn at random."""

from __future__ import annotations

import random
from typing import Any

from seawall.margin.portfolio import charges as rule
from seawall.margin.portfolio.inputs import (
    Contract,
    ExpiryQuote,
    MarketInputs,
    Portfolio,
    Position,
    UnderlyingQuote,
)
from seawall.margin.portfolio.model import (
    Discount,
    PortfolioLevel,
    PortfolioRules,
    Scenario,
    Skew,
    UnderlyingRules,
    VolShock,
)

DECIMALS = 8
SIZES = 9
YEAR = 365 * 86_400
REGULAR = [(0.18, "up", 1.0), (-0.18, "up", 1.0)] + [
    (move, vol, 1.0)
    for move in (0.135, 0.09, 0.045, 0.0, -0.045, -0.09, -0.135)
    for vol in ("down", "same", "up")
]
TAILS = [(-0.66, 0.21), (-0.33, 0.42), (0.5, 0.27), (1.0, 0.13), (2.0, 0.069), (3.0, 0.046), (4.0, 0.034),
         (5.0, 0.027)]  # fmt: skip
SCENARIOS = [
    *REGULAR,
    *((move, "up", weight) for move, weight in TAILS),
    (0.0, "skew_linear", 1.0),
    (0.0, "skew_absolute", 1.0),
]
PARAMETERS: dict[str, Any] = {
    "vol_up": 0.5, "vol_down": 0.275, "short_power": 0.3, "long_power": 0.13, "floor_days": 1.0,
    "vol_floor": 0.4, "linear_base": 0.25, "linear_slope": -0.1, "absolute_base": 0.25,
    "absolute_slope": -0.1, "least_width": 0.01, "width": 4.0, "static": 0.6, "scale": 0.0,
    "long_base": 0.98, "long_rate": 0.0, "long_add": 0.1, "short_base": 1.02, "short_rate": 0.0,
    "short_add": 0.1, "basis_up": 1.05, "basis_down": 0.95, "basis_add": 0.25, "basis_mult": 0.5,
    "mm_factor": 0.8, "im_factor": 1.0, "peg_slope": 2.0, "peg_below": 0.98, "perp_mm": 0.03,
    "perp_im": 0.01, "option_mm": 0.003, "option_im": 0.002, "conf_below": 0.55, "conf_factor": 1.0,
}  # fmt: skip


def ppb(value: float) -> int:
    return round(value * 1_000_000_000)


def rules_of(case: dict[str, Any], p: dict[str, Any]) -> PortfolioRules:
    """The rulebook with the case's parameters."""
    scenarios = tuple(
        Scenario(spot_ppb=ppb(move), vol=vol, weight_ppb=ppb(weight))
        for move, vol, weight in case["scenarios"]
    )
    collaterals = case["collaterals"]
    own = UnderlyingRules(
        scenarios={"all": scenarios},
        vol=VolShock(
            up_ppb=ppb(p["vol_up"]),
            down_ppb=ppb(p["vol_down"]),
            short_power_ppb=ppb(p["short_power"]),
            long_power_ppb=ppb(p["long_power"]),
            floor_days_ppb=ppb(p["floor_days"]),
            up_floor_ppb=ppb(p["vol_floor"]),
        ),
        skew=Skew(
            linear_base_ppb=ppb(p["linear_base"]),
            linear_slope_ppb=ppb(p["linear_slope"]),
            absolute_base_ppb=ppb(p["absolute_base"]),
            absolute_slope_ppb=ppb(p["absolute_slope"]),
            least_width_ppb=ppb(p["least_width"]),
            width_ppb=ppb(p["width"]),
            static_ppb=ppb(p["static"]),
            scale_ppb=ppb(p["scale"]),
        ),
        discount=Discount(
            long_base_ppb=ppb(p["long_base"]),
            long_rate_factor_ppb=ppb(p["long_rate"]),
            long_add_ppb=ppb(p["long_add"]),
            short_base_ppb=ppb(p["short_base"]),
            short_rate_factor_ppb=ppb(p["short_rate"]),
            short_add_ppb=ppb(p["short_add"]),
        ),
        shocked=tuple(c["name"] for c in collaterals if c["shocked"]),
        charges=_charges(collaterals, p),
    )
    plain = ("perp_mm", "option_mm", "haircut_mm")
    extra = ("perp_im", "option_im", "haircut_im", "confidence")
    return PortfolioRules(
        numeraire="USDC",
        levels=(
            PortfolioLevel(
                name="maintenance", largest=("worst", "basis"), then=plain, factor_ppb=ppb(p["mm_factor"])
            ),
            PortfolioLevel(
                name="initial",
                largest=("worst", "basis"),
                then=plain + extra,
                factor_ppb=ppb(p["im_factor"]),
                depeg_slope_ppb=ppb(p["peg_slope"]),
                depeg_below_ppb=ppb(p["peg_below"]),
            ),
        ),
        underlyings={"BTC": own},
    )


def _charges(collaterals: list[dict[str, Any]], p: dict[str, Any]) -> tuple[rule.Charge, ...]:
    sized = (("perp_mm", "perpetual"), ("perp_im", "perpetual"))
    return (
        rule.WorstLoss(name="worst", sets=("all",)),
        rule.ForwardMove(
            name="basis",
            up_ppb=ppb(p["basis_up"] - 1),
            down_ppb=ppb(p["basis_down"] - 1),
            add_ppb=ppb(p["basis_add"]),
            mult_ppb=ppb(p["basis_mult"]),
        ),
        *(rule.SizeCharge(name=name, kinds=(kind,), rate_ppb=ppb(p[name])) for name, kind in sized),
        *(rule.NakedShorts(name=name, rate_ppb=ppb(p[name])) for name in ("option_mm", "option_im")),
        *(
            rule.Haircut(name=f"haircut_{key}", rates_ppb={c["name"]: ppb(c[key]) for c in collaterals})
            for key in ("mm", "im")
        ),
        rule.Confidence(
            name="confidence",
            threshold_ppb=ppb(p["conf_below"]),
            factor_ppb=ppb(p["conf_factor"]),
            assets_ppb={c["name"]: ppb(c["conf_factor"]) for c in collaterals},
        ),
    )


def inputs_of(case: dict[str, Any]) -> tuple[Portfolio, MarketInputs]:
    """The account and its market."""
    positions, vols, marks, confidences = [], {}, {}, {}

    def hold(contract: Contract, size: float) -> None:
        positions.append(Position(contract=contract, size_steps=round(size * 10**SIZES)))

    for number, option in enumerate(case["options"]):
        name = f"{number}-{option['expiry']}-{option['strike']}-{'C' if option['call'] else 'P'}"
        vols[name] = option["vol"]
        contract = Contract(
            name=name,
            kind="option",
            underlying="BTC",
            expiry=option["expiry"],
            strike=option["strike"],
            is_call=option["call"],
        )
        hold(contract, option["size"])
    if case["perps"]:
        marks["PERP"], confidences["PERP"] = case["perp_price"], case["perp_confidence"]
        hold(Contract(name="PERP", kind="perpetual", underlying="BTC"), case["perps"])
    for asset in case["collaterals"]:
        marks[asset["name"]], confidences[asset["name"]] = asset["price"], asset["confidence"]
        hold(Contract(name=asset["name"], kind="spot", underlying="BTC"), asset["size"])
    quote = UnderlyingQuote(
        spot=case["spot"],
        stable=case["stable"],
        confidence=case["spot_confidence"],
        decimals=DECIMALS,
        expiries={name: ExpiryQuote(**feed) for name, feed in case["feeds"].items()},
    )
    portfolio = Portfolio(
        positions=tuple(positions),
        cash_atoms={"BTC": round(case["cash"] * 10**DECIMALS)},
        unrealised_atoms={"BTC": round(case["upnl"] * 10**DECIMALS)},
        size_decimals=SIZES,
    )
    market = MarketInputs(underlyings={"BTC": quote}, vols=vols, marks=marks, confidences=confidences)
    return portfolio, market


def random_case(seed: int, legs: int) -> dict[str, Any]:
    """A portfolio of `legs` options over expiries from hours to a year, with perpetuals and collateral."""
    draw = random.Random(seed)
    spot = draw.choice([0.5, 30.0, 2_500.0, 95_000.0]) * draw.uniform(0.8, 1.25)
    feeds = {}
    for number in range(draw.randint(1, 6)):
        seconds = draw.choice([1_200, 40_000, 700_000, 5_000_000, 19_000_000, 31_536_000])
        forward = spot * draw.uniform(0.97, 1.1)
        fixed = forward * draw.choice([0.0, 0.0, 0.4]) if seconds < 1_800 else 0.0
        feeds[f"e{number}"] = {
            "years": seconds / YEAR,
            "forward": forward - fixed,
            "fixed": fixed,
            "rate": draw.uniform(-0.05, 0.3),
            "confidence": draw.choice([1.0, 0.9, 0.4]),
        }
    side = draw.choice([None, -1, 1])
    options = []
    for _ in range(legs):
        size = round(draw.uniform(0.01, 40.0), 3) * (side or draw.choice([-1, 1]))
        strike = round(spot * draw.choice([0.3, 0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.2, 1.5, 3.0]), 6)
        call, vol = draw.random() < 0.5, draw.uniform(0.2, 1.8)
        options.append(
            {"expiry": draw.choice(sorted(feeds)), "strike": strike, "call": call, "vol": vol, "size": size}
        )
    collaterals = [
        {"name": name, "size": round(draw.uniform(0, 50), 3), "price": price, "shocked": shocked,
         "mm": draw.uniform(0, 0.2), "im": draw.uniform(0, 0.1), "confidence": draw.choice([1.0, 0.5]),
         "conf_factor": 0.5}
        for name, price, shocked in (("LRT", spot * 0.99, True), ("USDT", 0.9998, False))
    ]  # fmt: skip
    return {
        "cash": draw.uniform(-1e6, 1e6), "spot": spot, "stable": draw.choice([1.0, 0.995, 0.93]),
        "spot_confidence": draw.choice([1.0, 0.5]), "perps": draw.choice([0.0, 25.0, -60.0]),
        "perp_price": spot * 1.001, "perp_confidence": draw.choice([1.0, 0.3]),
        "upnl": draw.uniform(-1e4, 1e4), "options": options, "feeds": feeds, "collaterals": collaterals,
        "scenarios": SCENARIOS,
    }  # fmt: skip
